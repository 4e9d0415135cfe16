// A worker thread of worker-threads.test.ts: an echo service, and what the test asks for by name.

import { parentPort, workerData } from "node:worker_threads";
import { connect, interfaces, listen } from "hawser";

const { task } = workerData;

const listener = await listen("tcp://127.0.0.1:0", {
  data(connection, bytes) {
    connection.write(bytes);
  },
});
const connection = await connect(`tcp://127.0.0.1:${listener.port}`);

async function roundTrip(size) {
  await connection.send(Buffer.alloc(size, 120));
  const answer = await connection.receive({ min: size });
  return answer.length;
}

const tasks = {
  /** An echo, and all closed: the thread ends by itself. */
  async close() {
    parentPort.postMessage(await roundTrip(1000));
    await connection.close();
    await listener.close();
  },
  /** The thread ends while its sockets are open. */
  async exit() {
    parentPort.postMessage(await roundTrip(1000));
    process.exit(0);
  },
  /** Traffic without end, to be terminated in the middle of. */
  async forever() {
    parentPort.postMessage(await roundTrip(1000));
    for (;;) await roundTrip(10_000);
  },
  /** Lists that native code makes, without end, to be terminated in the middle of. */
  async lists() {
    parentPort.postMessage(await roundTrip(1000));
    for (;;) interfaces();
  },
};
await tasks[task]();
