// TCP echo by hawser in worker threads that share one port (reusePort). Argument: how many.
import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { listenerPort, loadHawser } from "./hawser.mjs";
import { announce, unavailable } from "./subject.mjs";

async function serve() {
  const { listen } = await import("../../dist/index.js");
  const listener = await listen(`tcp://127.0.0.1:${workerData}`, {
    reusePort: true,
    lend: true,
    data(connection, bytes) {
      connection.write(bytes);
    },
  });
  parentPort.postMessage(listener.port);
}

function startWorker(port) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: port });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

async function startAll() {
  const port = await startWorker(0);
  for (let started = 1; started < Number(process.argv[2]); started++) await startWorker(port);
  return { port };
}

if (!isMainThread) {
  await serve();
} else if ((await loadHawser(["listen"])) !== null) {
  if (process.platform === "linux") {
    const port = await listenerPort(startAll);
    if (port !== null) announce(port);
  } else {
    unavailable("this system does not balance listeners that share a port");
  }
}
