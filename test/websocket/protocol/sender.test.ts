// The queue behind the thread pool: order, what counts as waiting, and what stops it.

import { expect, test } from "vitest";
import { Deflater } from "../../../lib/websocket/protocol/deflate.ts";
import { resolveDeflate } from "../../../lib/websocket/protocol/deflate-negotiation.ts";
import { unmask } from "../../../lib/websocket/protocol/mask.ts";
import { MemoryOutput } from "../../../lib/websocket/protocol/memory-output.ts";
import { PreparedMessage } from "../../../lib/websocket/protocol/prepared.ts";
import { Sender, writeWhole } from "../../../lib/websocket/protocol/sender.ts";
import { parseFrames } from "./support.ts";

function make(withDeflate = true, threshold = 10) {
  const output = new MemoryOutput();
  let failures = 0;
  let empty = () => {};
  const emptied = new Promise<void>((resolve) => {
    empty = resolve;
  });
  const sink = { onQueueEmpty: () => empty(), onDeflateFailure: () => failures++ };
  const settings = resolveDeflate({ threshold });
  const deflater = withDeflate ? new Deflater(settings, 15, true) : null;
  const sender = new Sender(output, { masks: null, unmask }, deflater, settings.threshold, sink);
  return { output, sender, emptied, failures: () => failures };
}

const LARGE = "large ".repeat(10_000);

test("what follows a message in the pool waits behind it, in order", async () => {
  const { output, sender, emptied } = make();
  sender.send(LARGE, true, true);
  expect(sender.waiting).toBe(true);
  sender.send("a", true, true);
  sender.send("b".repeat(20), true, true);
  sender.send(LARGE, true, true);
  sender.send("c", true, false);
  expect(sender.queuedBytes).toBe(LARGE.length * 2 + 22);
  expect(output.bufferedBytes).toBe(0);
  await emptied;
  expect(sender.queuedBytes).toBe(0);
  expect(sender.waiting).toBe(false);
  const frames = parseFrames(output.take());
  expect(frames.map((frame) => frame.rsv)).toEqual([4, 0, 4, 4, 0]);
  expect(String(frames[1]?.payload)).toBe("a");
  expect(String(frames[4]?.payload)).toBe("c");
});

test("without compression nothing waits", () => {
  const { output, sender } = make(false);
  sender.send(LARGE, true, true);
  expect(sender.waiting).toBe(false);
  expect(parseFrames(output.take()).map((frame) => frame.rsv)).toEqual([0]);
});

test("parts go plain where that is asked, compressed otherwise, each message for itself", () => {
  const { output, sender } = make();
  for (const compress of [false, true, false]) {
    sender.sendPart("a", true, compress, false);
    sender.sendPart("b", true, !compress, true);
  }
  const frames = parseFrames(output.take());
  expect(frames.map((frame) => frame.rsv)).toEqual([0, 0, 4, 0, 0, 0]);
  expect(String(frames[5]?.payload)).toBe("b");
});

test("stop() drops what waits and what comes from the pool", async () => {
  const stopped = make();
  stopped.sender.send(LARGE, true, true);
  stopped.sender.send("a", true, true);
  stopped.sender.stop();
  expect(stopped.sender.queuedBytes).toBe(0);
  const other = make();
  other.sender.send(LARGE, true, true);
  await other.emptied;
  expect(stopped.output.bufferedBytes).toBe(0);
  expect(stopped.failures()).toBe(0);
});

test("the threshold counts bytes, not characters", () => {
  const { output, sender } = make();
  for (const text of ["aaaaaaaaa", "aaaaaaaaaa", "ééééé", "éééé"])
    sender.send(text.repeat(1), true, true);
  // Ten bytes and more are tried; they go plain where they do not shrink.
  const sizes = parseFrames(output.take()).map((frame) => [frame.rsv, frame.payload.length]);
  expect(sizes[0]).toEqual([0, 9]);
  expect(sizes[1]?.[0]).toBe(4);
  expect(sizes[2]?.[0]).toBe(4);
  expect(sizes[3]).toEqual([0, 8]);
});

test("the threshold counts three bytes where a character has them", () => {
  const { output, sender } = make(true, 9);
  sender.send("€€€", true, true);
  sender.send("€€", true, true);
  expect(parseFrames(output.take()).map((frame) => frame.rsv)).toEqual([4, 0]);
});

test("several that go to the pool, and prepared ones between, keep their order", async () => {
  const { output, sender, emptied } = make();
  for (let at = 0; at < 3; at++) {
    sender.send(LARGE, true, true);
    sender.sendPrepared(new PreparedMessage(`prepared ${at}`));
  }
  sender.send("last", true, true);
  await emptied;
  const frames = parseFrames(output.take());
  const plain = frames.filter((frame) => frame.rsv === 0).map((frame) => String(frame.payload));
  expect(frames.map((frame) => frame.rsv)).toEqual([4, 0, 4, 0, 4, 0, 0]);
  expect(plain).toEqual(["prepared 0", "prepared 1", "prepared 2", "last"]);
});

test("frames that are made already: short ones are copied, long ones go by reference", () => {
  const output = new MemoryOutput();
  const long = Buffer.alloc(5_000);
  writeWhole(output, Buffer.from("short"));
  writeWhole(output, long);
  const pieces = output.takePieces();
  expect(String(pieces[0])).toBe("short");
  expect(pieces[1]).toBe(long);
});
