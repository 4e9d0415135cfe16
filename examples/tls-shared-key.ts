import { connect, listen } from "hawser";

// A pre-shared key in place of certificates: for devices that are set up by hand.
const psk = { identity: "thermometer-1", key: Buffer.from("0f".repeat(16), "hex") };

const listener = await listen("tls://127.0.0.1:0", { tls: { psk } }, async (connection) => {
  for await (const chunk of connection) await connection.send(chunk);
});
const connection = await connect(`tls://127.0.0.1:${listener.port}`, { tls: { psk } });
await connection.send("21.5 degrees");
console.log(`${await connection.receive()} over ${connection.tls?.protocol}`);
await connection.close();
await listener.close();
