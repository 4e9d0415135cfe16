// Datagrams received in batches, and what that allocates: bytes of heap for a round of few and for
// one of many datagrams, as one line of JSON. With the argument "view" it asks for a view of each.
// The datagrams of a round are in the kernel's queue before the loop turns, so a round is a batch;
// what a turn and a look at the heap allocate is in both numbers, and drops out of the difference.

import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { DatagramSocket } from "hawser";

const FEW = 4;
const MANY = 36;
const WARM_UP_ROUNDS = 400;
const ROUNDS = 400;

const views = process.argv[2] === "view";
let expected = 0;
let bytes = 0;
const receiver = new DatagramSocket({
  family: "IPv4",
  batch(_, batch) {
    for (let index = 0; index < batch.length; index++) {
      // Looks at each, as an application would.
      const first = views ? batch.view(index)[0] : batch.bytes[batch.offset(index)];
      bytes += first === 0x78 ? batch.size(index) : Number.NaN;
    }
    expected -= batch.length;
  },
});
receiver.bind({ address: "127.0.0.1", port: 0 });
const sender = new DatagramSocket({ family: "IPv4" });
await sender.connect({ address: "127.0.0.1", port: receiver.localAddress.port });
const payload = Buffer.alloc(64, "x");

/** Heap allocated while so many datagrams are received. */
async function round(count) {
  const datagrams = Array(count).fill(payload);
  await sender.sendMany(datagrams);
  expected = count;
  const before = process.memoryUsage().heapUsed;
  while (expected > 0) await setImmediate();
  return process.memoryUsage().heapUsed - before;
}

/** The median: what is allocated once, as code that is optimised late, is in few rounds. */
async function rounds(times, count) {
  const heap = [];
  for (let index = 0; index < times; index++) heap.push(await round(count));
  return heap.sort((left, right) => left - right)[Math.floor(times / 2)];
}

await rounds(WARM_UP_ROUNDS, MANY);
await rounds(WARM_UP_ROUNDS, FEW);
globalThis.gc();
const few = await rounds(ROUNDS, FEW);
const many = await rounds(ROUNDS, MANY);
const wanted = (2 * WARM_UP_ROUNDS + 2 * ROUNDS) * ((FEW + MANY) / 2) * payload.length;
if (bytes !== wanted) throw new Error(`${bytes} bytes came instead of ${wanted}`);
console.log(JSON.stringify({ few, many, each: (many - few) / (MANY - FEW) }));
await Promise.all([receiver.close(), sender.close()]);
