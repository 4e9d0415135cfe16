// One of several that share a port, as a process or as threads of one: answers each connection with
// its name, and leaves when it is told to. Over the built package: a worker has no loader for
// TypeScript on Node 20. Commands are lines "leave NAME"; what happens is told as lines of JSON.
import process from "node:process";
import { createInterface } from "node:readline";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { ListenSocket, listen } from "hawser";

const task = isMainThread ? JSON.parse(process.argv[2]) : workerData;

function tell(event) {
  if (isMainThread) process.stdout.write(`${JSON.stringify(event)}\n`);
  else parentPort.postMessage(event);
}

/** A listener of its own among those with `reusePort`. */
async function share({ name, endpoint, drain }) {
  let served = 0;
  const listener = await listen(endpoint, {
    reusePort: true,
    data(connection) {
      served++;
      connection.write(name);
    },
  });
  tell({ event: "ready", name, port: listener.port });
  return async () => {
    await listener.close(drain ? { drain } : {});
    tell({ event: "left", name, served });
  };
}

/** A descriptor that others accept from as well. */
async function adopt({ name, descriptor }) {
  const socket = ListenSocket.adopt(descriptor);
  const leaving = new AbortController();
  let served = 0;
  const open = new Set();
  const serve = async (connection) => {
    await connection.receive();
    served++;
    await connection.send(name);
    await connection.receive();
    connection.close();
  };
  const done = (async () => {
    for (;;) {
      const connection = await socket.accept({ signal: leaving.signal }).catch(() => null);
      if (connection === null) break;
      const serving = serve(connection).finally(() => open.delete(serving));
      open.add(serving);
    }
    await Promise.all(open);
  })();
  tell({ event: "ready", name, port: socket.localPort });
  return async () => {
    leaving.abort();
    socket.close();
    await done;
    tell({ event: "left", name, served });
  };
}

const start = (one) => (one.descriptor === undefined ? share(one) : adopt(one));

if (isMainThread) {
  const leaves = new Map();
  for (const name of task.threads ?? []) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { ...task, name } });
    worker.on("message", tell);
    leaves.set(name, () => worker.postMessage("leave"));
  }
  if (leaves.size === 0) leaves.set(task.name, await start(task));
  const commands = createInterface({ input: process.stdin });
  commands.on("line", (line) => leaves.get(line.slice("leave ".length))?.());
  // Whoever has started this is gone.
  commands.on("close", () => process.exit());
} else {
  const leave = await start(task);
  parentPort.once("message", leave);
}
