// An echo server that is measured: what it allocates, and what its connections keep. The style is
// its argument: lent, owned, await or webSocket. Commands: ["port"]; ["mark"] collects garbage and
// starts to count; ["report"] says what was allocated since; ["kept", n] waits for n connections,
// collects and says what is in use; ["view"] says what one Buffer over memory that is there already
// takes.

import { PerformanceObserver } from "node:perf_hooks";
import process from "node:process";
import { setImmediate, setTimeout } from "node:timers/promises";
import { listen } from "hawser";

const ENDPOINT = "tcp://127.0.0.1:0";
/** The longest time between two looks at what is not acknowledged yet. */
const LIVENESS_MS = 1_000;

let messages = 0;

function data(connection, bytes) {
  messages++;
  connection.write(bytes);
}

const styles = {
  lent: () => listen(ENDPOINT, { lend: true, data }),
  owned: () => listen(ENDPOINT, { data }),
  await: () =>
    listen(ENDPOINT, async (connection) => {
      for await (const bytes of connection) {
        messages++;
        await connection.send(bytes);
      }
    }),
  webSocket: () => listen("ws://127.0.0.1:0", { message: data }),
};

let collections = 0;
new PerformanceObserver((list) => {
  collections += list.getEntries().length;
}).observe({ entryTypes: ["gc"] });

/** Collects garbage until nothing more goes: what finalizers free comes a turn later. */
async function collect() {
  for (let round = 0; round < 4; round++) {
    globalThis.gc();
    await settle();
  }
}

/** The entries of collections are told from the loop. */
async function settle() {
  for (let turn = 0; turn < 3; turn++) await setImmediate();
}

const inUse = () => {
  const { heapUsed, external } = process.memoryUsage();
  return { heapUsed, external };
};

const listener = await styles[process.argv[2]]();
let start = inUse();

const VIEWS = 10_000;

/** The least that one view can take of the heap; the same work as a lent message, and no more. */
function bytesOfView() {
  const memory = Buffer.alloc(VIEWS);
  const views = new Array(VIEWS).fill(null);
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < VIEWS; at++) views[at] = memory.subarray(at, at + 1);
  const after = process.memoryUsage().heapUsed;
  return (after - before) / views.length;
}

const commands = {
  port: () => ({ port: listener.port }),
  async mark() {
    await collect();
    messages = 0;
    collections = 0;
    start = inUse();
    return {};
  },
  async report() {
    const { heapUsed, external } = inUse();
    await settle();
    return {
      messages,
      collections,
      heap: heapUsed - start.heapUsed,
      external: external - start.external,
    };
  },
  async view() {
    await collect();
    // The second time nothing else is allocated, as for caches of the first.
    bytesOfView();
    await collect();
    return { bytes: bytesOfView() };
  },
  async kept(connections) {
    while (listener.connections.size < connections) await setImmediate();
    await collect();
    // What was sent last is looked after until it is acknowledged, which is seen a little later.
    for (let last = Number.POSITIVE_INFINITY; inUse().heapUsed < last * 0.995; ) {
      last = inUse().heapUsed;
      await setTimeout(LIVENESS_MS);
      await collect();
    }
    return inUse();
  },
};

process.on("message", async ([name, argument]) => process.send(await commands[name](argument)));
process.on("disconnect", () => process.exit());
