// The suite's own frames, against the examples of RFC 6455 section 5.7 and the rules it reads by.

import { expect, test } from "vitest";
import { BINARY, encodeFrame, FrameReader, fragments, PING, TEXT } from "./frames.ts";

const hex = (digits: string) => Buffer.from(digits.replaceAll(" ", ""), "hex");
const hello = Buffer.from("Hello");

test("the examples of RFC 6455 section 5.7", () => {
  expect(encodeFrame({ opcode: TEXT, payload: hello }, false)).toEqual(hex("81 05 48656c6c6f"));
  const key = [0x37, 0xfa, 0x21, 0x3d] as const;
  expect(encodeFrame({ opcode: TEXT, payload: hello, key }, true)).toEqual(
    hex("81 85 37fa213d 7f9f4d5158"),
  );
  expect(
    Buffer.concat(fragments(TEXT, hello, 3).map((frame) => encodeFrame(frame, false))),
  ).toEqual(hex("01 03 48656c 80 02 6c6f"));
  expect(encodeFrame({ opcode: PING, payload: hello }, false)).toEqual(hex("89 05 48656c6c6f"));
  const large = encodeFrame({ opcode: BINARY, payload: Buffer.alloc(65_536) }, false);
  expect(large.subarray(0, 10)).toEqual(hex("82 7f 0000000000010000"));
  const middle = encodeFrame({ opcode: BINARY, payload: Buffer.alloc(256) }, false);
  expect(middle.subarray(0, 4)).toEqual(hex("82 7e 0100"));
});

test("what is wrong on purpose is on the wire", () => {
  expect(encodeFrame({ opcode: 11, rsv: 5, fin: false }, false)).toEqual(hex("5b 00"));
  expect(encodeFrame({ opcode: TEXT, form: 64 }, false)).toEqual(hex("81 7f 0000000000000000"));
  const declared = encodeFrame({ opcode: TEXT, declared: 2n ** 63n }, false);
  expect(declared).toEqual(hex("81 7f 8000000000000000"));
  const key = [0, 0, 0, 0] as const;
  expect(encodeFrame({ opcode: TEXT, wrongMask: true, key }, false)).toEqual(hex("81 80 00000000"));
  expect(encodeFrame({ opcode: TEXT, wrongMask: true }, true)).toEqual(hex("81 00"));
});

test.each([true, false])("what is written is read, octet by octet; masked: %s", (masked) => {
  const reader = new FrameReader(masked);
  const payloads = [0, 5, 126, 70_000].map((length) => Buffer.alloc(length, "abc"));
  const bytes = Buffer.concat(
    payloads.map((payload) => encodeFrame({ opcode: BINARY, payload }, masked)),
  );
  const read: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 61) {
    reader.push(Buffer.from(bytes.subarray(at, at + 61)));
    for (let frame = reader.take(); frame !== null; frame = reader.take()) {
      read.push(frame.payload);
    }
  }
  expect(read.length).toBe(payloads.length);
  for (const [index, payload] of read.entries()) {
    expect(payload.equals(payloads[index] as Buffer)).toBe(true);
  }
  expect(reader.pending).toBe(0);
});

test.each([
  ["81 80 00000000", "masked the wrong way"],
  ["81 7e 0005 48656c6c6f", "shortest form"],
  ["81 7f 00000000000000ff", "shortest form"],
  ["83 00", "opcode 3"],
  ["8b 00", "opcode 11"],
  ["09 00", "control frame"],
  ["89 7e 007e", "control frame"],
])("a side under test may not send %s", (digits, message) => {
  const reader = new FrameReader(false);
  reader.push(hex(digits));
  expect(() => reader.take()).toThrow(message);
});
