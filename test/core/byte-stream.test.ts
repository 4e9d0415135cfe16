// What can be written to a byte stream.

import { expect, test } from "vitest";
import { bytesOf } from "../../lib/core/byte-stream.ts";

test("bytes are views of the caller's memory, strings are UTF-8", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  expect(bytesOf(bytes)).toBe(bytes);
  const words = new Uint16Array([0x0201, 0x0403]).subarray(1);
  expect(bytesOf(words)).toEqual(new Uint8Array([3, 4]));
  expect(bytesOf(words).buffer).toBe(words.buffer);
  expect(bytesOf(new DataView(bytes.buffer, 1, 1))).toEqual(new Uint8Array([2]));
  expect(bytesOf(bytes.buffer)).toEqual(bytes);
  expect(bytesOf("é")).toEqual(Buffer.from([0xc3, 0xa9]));
});

test.each([[undefined], [null], [5], [[1, 2]], [{}], [() => 1]])(
  "%j cannot be written",
  (value) => {
    expect(() => bytesOf(value)).toThrow(/a string, an ArrayBuffer or a view of one/);
  },
);
