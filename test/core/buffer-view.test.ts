// Buffers over memory that is there already: Node's own class, the same bytes, nothing copied.
import { MessageChannel } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { bufferOver, viewOf } from "../../lib/core/buffer-view.ts";

describe("bufferOver", () => {
  test("is a Buffer as Buffer.from() makes it", () => {
    const memory = new ArrayBuffer(16);
    const view = bufferOver(memory, 4, 8);
    const expected = Buffer.from(memory, 4, 8);
    expect(Buffer.isBuffer(view)).toBe(true);
    expect(view.constructor).toBe(Buffer);
    expect(Object.getPrototypeOf(view)).toBe(Object.getPrototypeOf(expected));
    expect([view.buffer, view.byteOffset, view.length]).toEqual([memory, 4, 8]);
    view[0] = 7;
    expect(expected[0]).toBe(7);
    expect(view.toString("hex")).toBe("0700000000000000");
    expect(Buffer.isBuffer(view.subarray(1))).toBe(true);
  });

  test("beyond the memory, and over memory that is gone, there is none", () => {
    const memory = new ArrayBuffer(16);
    expect(() => bufferOver(memory, 8, 9)).toThrow(RangeError);
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(memory, [memory]);
    expect(() => bufferOver(memory, 0, 8)).toThrow(TypeError);
    port1.close();
    port2.close();
  });
});

describe("viewOf", () => {
  test("is what subarray() is, of whichever Buffer is asked", () => {
    const first = Buffer.from("abcdef");
    const second = Buffer.from(new ArrayBuffer(32), 8, 16).fill("xyz");
    for (const bytes of [first, first, second, first, second, new Uint8Array([1, 2, 3, 4, 5, 6])]) {
      const view = viewOf(bytes, 2, 5);
      const expected = Buffer.from(bytes).subarray(2, 5);
      expect(view.equals(expected)).toBe(true);
      expect(view.buffer).toBe(bytes.buffer);
      expect(view.byteOffset).toBe(bytes.byteOffset + 2);
    }
    expect(viewOf(first, 3, 3).length).toBe(0);
  });
});
