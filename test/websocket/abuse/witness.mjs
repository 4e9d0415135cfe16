// A well-behaved client in a process of its own: how long its round trips take while others attack.
// Argument: the port. Answers every message over the channel of fork() with what it has measured
// since the last one, in milliseconds.

import { once } from "node:events";
import net from "node:net";
import process from "node:process";
import { setTimeout } from "node:timers/promises";

const PAUSE_MS = 10;
/** A masked text, "witness", with a key of zeros. */
const FRAME = Buffer.concat([Buffer.from([0x81, 0x87, 0, 0, 0, 0]), Buffer.from("witness")]);
const ANSWER = Buffer.concat([Buffer.from([0x81, 0x07]), Buffer.from("witness")]);

const socket = net.connect(Number(process.argv[2]), "127.0.0.1");
socket.setNoDelay(true);
let received = Buffer.alloc(0);
socket.on("data", (bytes) => {
  received = Buffer.concat([received, bytes]);
});
const until = async (isEnough) => {
  while (!isEnough()) await once(socket, "data");
};

socket.write(
  [
    "GET / HTTP/1.1",
    "Host: 127.0.0.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "",
    "",
  ].join("\r\n"),
);
await until(() => received.includes("\r\n\r\n"));
received = received.subarray(received.indexOf("\r\n\r\n") + 4);

let times = [];
let begun = null;
process.on("message", () => {
  // A round trip that is still under way counts as well.
  if (begun !== null) times.push(performance.now() - begun);
  const sorted = times.sort((a, b) => a - b);
  process.send({
    count: sorted.length,
    median: sorted[sorted.length >> 1] ?? 0,
    max: sorted.at(-1) ?? 0,
  });
  times = [];
});
process.on("disconnect", () => process.exit());

for (;;) {
  begun = performance.now();
  socket.write(FRAME);
  await until(() => received.length >= ANSWER.length);
  times.push(performance.now() - begun);
  begun = null;
  if (!received.equals(ANSWER)) throw new Error("another answer came");
  received = Buffer.alloc(0);
  await setTimeout(PAUSE_MS);
}
