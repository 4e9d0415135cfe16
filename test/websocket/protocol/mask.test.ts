// Masking: any offset, length and phase gives what RFC 6455 section 5.3 says, and no key is used
// twice.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  copyMasked,
  copyMaskedWords,
  MaskSource,
  rotateMask,
  sharedMasks,
  type Unmask,
  unmask,
  ViewOfLast,
} from "../../../lib/websocket/protocol/mask.ts";
import { feed, feedCut, makeSide, peerFrame } from "./support.ts";

function expected(
  bytes: Uint8Array,
  offset: number,
  length: number,
  mask: number,
  phase: number,
): Buffer {
  const result = Buffer.from(bytes);
  for (let at = 0; at < length; at++) {
    const key = (mask >>> (((phase + at) & 3) * 8)) & 0xff;
    result[offset + at] = (bytes[offset + at] as number) ^ key;
  }
  return result;
}

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

describe("unmask", () => {
  test("the example of RFC 6455 section 5.7", () => {
    const bytes = Buffer.from("7f9f4d5158", "hex");
    unmask(bytes, 0, 5, 0x3d21fa37, 0);
    expect(bytes.toString()).toBe("Hello");
  });

  test("any alignment, length and phase; bytes around are left alone", () => {
    fc.assert(
      fc.property(
        fc.nat(9),
        fc.nat(700),
        int32,
        fc.nat(3),
        fc.nat(7),
        (offset, length, mask, phase, shift) => {
          const store = Buffer.alloc(shift + offset + length + 8, 0x5a);
          const bytes = store.subarray(shift);
          const wanted = expected(bytes, offset, length, mask, phase);
          unmask(bytes, offset, length, mask, phase);
          expect(bytes.equals(wanted)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("in pieces it is the same as at once", () => {
    fc.assert(
      fc.property(fc.nat(600), fc.nat(600), int32, (first, second, mask) => {
        const bytes = Buffer.alloc(first + second, 0x33);
        unmask(bytes, 0, first, mask, 0);
        unmask(bytes, first, second, mask, first & 3);
        expect(
          bytes.equals(expected(Buffer.alloc(first + second, 0x33), 0, first + second, mask, 0)),
        ).toBe(true);
      }),
    );
  });
});

test("copyMasked masks into another place, or in place", () => {
  const source = Buffer.from("0123456789");
  const target = Buffer.alloc(14);
  copyMasked(source, 1, 9, target, 3, 0x01020304);
  expect(target.subarray(3, 11).equals(expected(source.subarray(1, 9), 0, 8, 0x01020304, 0))).toBe(
    true,
  );
  copyMasked(target, 3, 11, target, 3, 0x01020304);
  expect(target.subarray(3, 11).toString()).toBe("12345678");
});

test("copyMaskedWords is copyMasked, at any place and of any length", () => {
  const views = [new ViewOfLast(), new ViewOfLast()] as const;
  const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(fc.nat(300), fc.nat(9), fc.nat(9), int32, (length, from, at, mask) => {
      const source = Buffer.from(Array.from({ length: length + 20 }, (_, index) => index % 251));
      const wanted = Buffer.alloc(length + 20, 0x55);
      const got = Buffer.alloc(length + 20, 0x55);
      copyMasked(source, from, from + length, wanted, at, mask);
      copyMaskedWords(views[0].of(source), from, from + length, views[1].of(got), at, mask);
      expect(got.equals(wanted)).toBe(true);
      copyMaskedWords(views[1].of(got), at, at + length, views[1].of(got), at, mask);
      expect(got.subarray(at, at + length).equals(source.subarray(from, from + length))).toBe(true);
    }),
  );
});

test("rotateMask turns the key, four times is once", () => {
  expect(rotateMask(0x44332211, 1) >>> 0).toBe(0x11443322);
  expect(rotateMask(0x44332211, 4)).toBe(0x44332211);
  expect(rotateMask(-1, 3)).toBe(-1);
});

test("an injected function gets the long payloads of a server, each piece with its phase", () => {
  const calls: number[][] = [];
  const spy: Unmask = (buffer, offset, length, mask, phase) => {
    calls.push([offset, length, mask, phase]);
    unmask(buffer, offset, length, mask, phase);
  };
  const side = makeSide({ role: "server", unmask: spy });
  const payload = "x".repeat(1_000);
  const bytes = peerFrame("server", { opcode: 1, payload });
  feedCut(side, bytes, [8 + 301, 8 + 401]);
  feed(side, bytes);
  feed(side, peerFrame("server", { opcode: 1, payload: "x".repeat(255) }));
  expect(side.handler.messages).toEqual([payload, payload, "x".repeat(255)]);
  // 100 bytes in the middle are short; pieces begin where their chunk does.
  expect(calls).toEqual([
    [8, 301, 0x3d21fa37, 0],
    [0, 599, 0x3d21fa37, 1],
    [8, 1_000, 0x3d21fa37, 0],
  ]);
});

describe("keys", () => {
  test("are drawn in pools, each given once and forgotten", () => {
    let fills = 0;
    const seen: Int32Array[] = [];
    const source = new MaskSource(4, (keys) => {
      fills++;
      seen.push(keys);
      keys.forEach((_, at) => {
        keys[at] = fills * 100 + at;
      });
    });
    const taken = Array.from({ length: 9 }, () => source.take());
    expect(taken).toEqual([100, 101, 102, 103, 200, 201, 202, 203, 300]);
    expect(seen[0]?.[0]).toBe(0);
  });

  test("of the shared source do not repeat", () => {
    const keys = new Set(Array.from({ length: 3_000 }, () => sharedMasks.take()));
    expect(keys.size).toBeGreaterThan(2_990);
  });
});
