import { connect, listen } from "hawser";

const listener = await listen("tcp://127.0.0.1:0", async (connection) => {
  let size = 0;
  for await (const chunk of connection) size += chunk.length;
  // The peer has finished, and still reads.
  await connection.send(`${size} bytes`);
});
await using connection = await connect(`tcp://127.0.0.1:${listener.port}`);
await connection.send("everything there is to say");
await connection.shutdown();
console.log(`${await connection.receive()}`, await connection.receive());
await listener.close();
