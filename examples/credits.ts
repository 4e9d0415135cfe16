import { connect, listen } from "hawser";

// One at a time; the others wait in the kernel's queue.
const listener = await listen("tcp://127.0.0.1:0", { newConnectionLimit: 1 });
const url = `tcp://127.0.0.1:${listener.port}` as const;
await Promise.all([connect(url), connect(url)]);
let served = 0;
for await (const connection of listener) {
  console.log(`connection ${++served}, ${listener.connections.size} open`);
  await connection.close();
  if (served === 2) break;
  listener.newConnectionLimit = 1;
}
await listener.close();
