// A receiver in batches, in a process of its own: commands and answers over the channel of fork().
// It counts the collections of its heap. With the argument "views" it asks for a view of each
// datagram, which is garbage. The sender is another process (collections-sender.mjs).

import { PerformanceObserver } from "node:perf_hooks";
import process from "node:process";
import { DatagramSocket } from "hawser";

const views = process.argv[2] === "views";
let received = 0;
let batches = 0;
let sum = 0;
let collections = 0;
let wanted = Number.POSITIVE_INFINITY;
let tell = null;

new PerformanceObserver((list) => {
  collections += list.getEntries().length;
}).observe({ entryTypes: ["gc"] });

const socket = new DatagramSocket({
  family: "IPv4",
  packetInfo: true,
  ecn: true,
  receiveBufferSize: 4_000_000,
  batch(_, batch) {
    // As an application would: bytes, length, and who sent them.
    for (let index = 0; index < batch.length; index++) {
      const first = views ? batch.view(index)[0] : batch.bytes[batch.offset(index)];
      // Kept small: a number beyond 31 bits would be an object.
      sum = (sum + first + batch.size(index) + batch.peer(index).port) & 0x3fff_ffff;
    }
    received += batch.length;
    batches++;
    if (received >= wanted) {
      wanted = Number.POSITIVE_INFINITY;
      tell();
    }
  },
});
socket.bind({ address: "127.0.0.1", port: 0 });

const commands = {
  port: () => process.send({ port: socket.localAddress.port }),
  /** Answers when so many more have come: how many, in how many batches, with what collections. */
  take(count) {
    const before = { received, batches, collections };
    wanted = received + count;
    tell = () => {
      // What the observer has is told in a task of its own.
      setTimeout(() => {
        process.send({
          received: received - before.received,
          batches: batches - before.batches,
          collections: collections - before.collections,
          sum,
        });
      }, 50);
    };
  },
};

process.on("message", ([name, argument]) => commands[name](argument));
