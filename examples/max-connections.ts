import { connect, listen } from "hawser";

// One at a time. The next one waits in the kernel's queue, and is served.
const options = { maxConnections: 1, backlog: 16, reuseAddr: true };
const listener = await listen("tcp://127.0.0.1:0", options, async (connection) => {
  await connection.send(`${listener.connections.size} open`);
});
const url = `tcp://127.0.0.1:${listener.port}` as const;
for (const client of await Promise.all([connect(url), connect(url)])) {
  console.log(`${await client.receive()}`);
  await client.close();
}
await listener.close();
