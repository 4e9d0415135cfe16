// Messages encoded once for many.

import { expect, test } from "vitest";
import { PreparedMessage } from "../../../lib/websocket/protocol/index.ts";
import { parseFrames } from "./support.ts";

test("the frame's type follows the payload's, or what is asked for", () => {
  const opcodeOf = (message: PreparedMessage) => parseFrames(message.frame)[0]?.opcode;
  expect(opcodeOf(new PreparedMessage("text"))).toBe(1);
  expect(opcodeOf(new PreparedMessage(Buffer.from("bytes")))).toBe(2);
  expect(opcodeOf(new PreparedMessage("text", { binary: true }))).toBe(2);
  expect(opcodeOf(new PreparedMessage(Buffer.from("bytes"), { binary: false }))).toBe(1);
  expect(parseFrames(new PreparedMessage("é").frame)[0]).toMatchObject({
    fin: true,
    rsv: 0,
    masked: false,
  });
});

test("it keeps its own copy", () => {
  const bytes = Buffer.from("mine");
  const prepared = new PreparedMessage(bytes);
  bytes.fill(0);
  expect(String(prepared.payload)).toBe("mine");
});

test("compressed when asked for, above the threshold and smaller; once per window", () => {
  const text = "again and ".repeat(200);
  expect(new PreparedMessage(text).compressedFrame(15)).toBeNull();
  expect(
    new PreparedMessage(text, { deflate: { threshold: 3_000 } }).compressedFrame(15),
  ).toBeNull();
  const noise = Buffer.from(Array.from({ length: 300 }, (_, at) => (at * 7919 * (at + 3)) >>> 3));
  expect(new PreparedMessage(noise, { deflate: { threshold: 0 } }).compressedFrame(15)).toBeNull();
  const huge = new PreparedMessage("h".repeat(262_145), { deflate: {} });
  expect(huge.compressedFrame(15)).toBeNull();
  const prepared = new PreparedMessage(text, { deflate: {} });
  const frame = prepared.compressedFrame(12);
  expect(frame?.length).toBeLessThan(200);
  expect(parseFrames(frame ?? Buffer.alloc(0))[0]).toMatchObject({ rsv: 4, opcode: 1 });
  expect(prepared.compressedFrame(12)).toBe(frame);
});

test("wrong arguments throw", () => {
  expect(() => new PreparedMessage(5 as unknown as string)).toThrow(TypeError);
  expect(() => new PreparedMessage("x", { deflate: { level: 99 } })).toThrow(RangeError);
});
