// The growing buffer of a message: any pieces give the whole, memory follows what has arrived.

import fc from "fast-check";
import { expect, test } from "vitest";
import { Assembly } from "../../../lib/websocket/protocol/assembly.ts";

test("any pieces give their concatenation, again and again", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.uint8Array({ maxLength: 90 }), { maxLength: 20 }), { maxLength: 3 }),
      fc.boolean(),
      (messages, known) => {
        const assembly = new Assembly();
        for (const pieces of messages) {
          const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
          for (const piece of pieces)
            assembly.append(piece, 0, piece.length, known ? total : Number.POSITIVE_INFINITY);
          expect(assembly.length).toBe(total);
          expect(assembly.take().equals(Buffer.concat(pieces))).toBe(true);
          expect(assembly.length).toBe(0);
        }
      },
    ),
  );
});

test("a window of the source is taken", () => {
  const assembly = new Assembly();
  assembly.append(Buffer.from("0123456789"), 3, 6, 3);
  expect(assembly.take().toString()).toBe("345");
});

test("B46 a declared gigabyte reserves twice what has arrived", () => {
  const assembly = new Assembly();
  const before = process.memoryUsage().arrayBuffers;
  const piece = Buffer.alloc(10_000);
  for (let at = 0; at < 10; at++) assembly.append(piece, 0, piece.length, 2 ** 30);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  expect(assembly.take().length).toBe(100_000);
});

test("a known total leaves no rest, an unknown one at most a quarter", () => {
  const known = new Assembly();
  known.append(Buffer.alloc(3_000), 0, 3_000, 4_000);
  known.append(Buffer.alloc(1_000), 0, 1_000, 4_000);
  expect(known.take().buffer.byteLength).toBe(4_000);
  const unknown = new Assembly();
  unknown.append(Buffer.alloc(2_049), 0, 2_049, Number.POSITIVE_INFINITY);
  const taken = unknown.take();
  expect(taken.length).toBe(2_049);
  // A copy in a shared block of 8 KiB.
  expect(taken.buffer.byteLength).toBe(8_192);
  unknown.append(Buffer.alloc(9_000), 0, 9_000, Number.POSITIVE_INFINITY);
  unknown.append(Buffer.alloc(6_000), 0, 6_000, Number.POSITIVE_INFINITY);
  expect(unknown.take().buffer.byteLength).toBe(18_000);
});
