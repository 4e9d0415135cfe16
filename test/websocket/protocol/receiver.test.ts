// Messages that are not simply whole: inflated in the turn or in the pool, held back, or in parts.

import { constants, deflateRawSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import { Inflater } from "../../../lib/websocket/protocol/deflate.ts";
import { DEFAULT_LIMITS, MAX_TEXT_BYTES } from "../../../lib/websocket/protocol/limits.ts";
import { MessageReceiver, type ReceiverSink } from "../../../lib/websocket/protocol/receiver.ts";
import { FULL_DEFLATE } from "./support.ts";

function payloadOf(text: string): Buffer {
  const compressed = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
  return compressed.subarray(0, compressed.length - 4);
}

function make(limits = DEFAULT_LIMITS) {
  const told: unknown[][] = [];
  let wake = () => {};
  const tell = (...entry: unknown[]) => {
    told.push(entry);
    wake();
  };
  const sink: ReceiverSink = {
    onMessage: (message) => tell("message", message),
    onMessagePart: (data, first, last) => tell("part", data, first, last),
    onInflating: (inflating) => tell("inflating", inflating),
    onViolation: (code) => tell("violation", code),
  };
  const receiver = new MessageReceiver({ role: "server", limits, lend: false }, FULL_DEFLATE, sink);
  const until = (name: string, value: unknown) =>
    new Promise<void>((resolve) => {
      wake = () => {
        if (told.some((entry) => entry[0] === name && entry[1] === value)) resolve();
      };
      wake();
    });
  return { receiver, told, until };
}

const LARGE = "0123456789".repeat(30_000);

test("small messages are delivered at once", () => {
  const { receiver, told } = make();
  receiver.inflate(payloadOf("hi"), true, true);
  receiver.inflate(payloadOf("hi"), false, true);
  expect(told).toEqual([
    ["message", "hi"],
    ["message", Buffer.from("hi")],
  ]);
});

test("large ones come from the pool, told before and after; lent bytes may change", async () => {
  const { receiver, told, until } = make();
  const payload = payloadOf(LARGE);
  receiver.inflate(payload, true, true);
  payload.fill(0xff);
  await until("inflating", false);
  expect(told.map((entry) => entry[0])).toEqual(["inflating", "message", "inflating"]);
  expect(told[1]?.[1] === LARGE).toBe(true);
});

test("paused, it holds what comes from the pool; stopped, it drops it", async () => {
  const held = make();
  held.receiver.inflate(payloadOf(LARGE), true, true);
  held.receiver.pause();
  const other = make();
  other.receiver.inflate(payloadOf(LARGE), true, true);
  const stopped = make();
  stopped.receiver.inflate(payloadOf(LARGE), true, true);
  stopped.receiver.stop();
  await other.until("inflating", false);
  const last = make();
  last.receiver.inflate(payloadOf(LARGE), true, true);
  await last.until("inflating", false);
  expect(held.told).toEqual([["inflating", true]]);
  held.receiver.resume();
  expect(held.told.map((entry) => entry[0])).toEqual(["inflating", "message", "inflating"]);
  expect(stopped.told).toEqual([["inflating", true]]);
});

test("B46 a bomb is 1009 and says so", async () => {
  const { receiver, told, until } = make({ ...DEFAULT_LIMITS, maxMessageBytes: 200_000 });
  receiver.inflate(payloadOf(LARGE), true, true);
  await until("violation", 1009);
  expect(told.filter((entry) => entry[0] === "message")).toEqual([]);
});

test("binary messages do not keep a large buffer alive", () => {
  const { receiver, told } = make();
  receiver.inflate(Buffer.concat([payloadOf("x".repeat(100))]), false, true);
  const bytes = told[0]?.[1] as Buffer;
  expect(bytes.buffer.byteLength).toBeLessThanOrEqual(16_384);
});

test("parts: first and last are marked, empty ones between are not told", () => {
  const { receiver, told } = make();
  receiver.part(Buffer.from("a\xc3", "latin1"), true, false, true, false);
  receiver.part(Buffer.from([0xa9]), true, false, false, false);
  receiver.part(Buffer.alloc(0), true, false, false, true);
  expect(told).toEqual([
    ["part", "a", true, false],
    ["part", "é", false, false],
    ["part", "", false, true],
  ]);
});

test("B46: a text is inflated to no more than a string can hold, whatever the bound is", async () => {
  const inflate = vi.spyOn(Inflater.prototype, "inflate");
  const { receiver, until } = make({ ...DEFAULT_LIMITS, maxMessageBytes: Infinity });
  receiver.inflate(payloadOf("text"), true, true);
  receiver.inflate(payloadOf("bytes"), false, true);
  await until("message", "text");
  expect(inflate.mock.calls.map(([, limit]) => limit)).toEqual([MAX_TEXT_BYTES, Infinity]);
  inflate.mockRestore();
});
