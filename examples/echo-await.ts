import { listen } from "hawser";

const listener = await listen("tcp://127.0.0.1:0", async (connection) => {
  for await (const chunk of connection) await connection.send(chunk);
});
console.log(`echo on ${listener.port}`);
