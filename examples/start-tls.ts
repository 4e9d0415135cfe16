import { connect, listen } from "hawser";

const psk = { identity: "client", key: Buffer.from("0f".repeat(16), "hex") };
const listener = await listen("tcp://127.0.0.1:0", async (connection) => {
  if (`${await connection.receive()}` !== "STARTTLS") return;
  connection.write("go ahead");
  await connection.startTls({ psk });
  await connection.send("in private");
});
await using connection = await connect(`tcp://127.0.0.1:${listener.port}`);
await connection.send("STARTTLS");
await connection.receive();
await connection.startTls({ psk });
console.log(`${await connection.receive()} over ${connection.tls?.protocol}`);
await connection.close();
await listener.close();
