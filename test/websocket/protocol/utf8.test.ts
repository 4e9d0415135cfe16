// UTF-8: the validator agrees with node:buffer on everything, under any cutting, and fails as early
// as can be.

import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeUtf8, isValidUtf8, Utf8Validator } from "../../../lib/websocket/protocol/utf8.ts";

function validate(bytes: Uint8Array, cuts: readonly number[] = []): boolean {
  const validator = new Utf8Validator();
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    if (!validator.push(bytes, from, to)) return false;
    from = to;
  }
  return validator.complete;
}

const mixed = fc
  .array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 30 }).map((text) => Buffer.from(text)),
      fc.constantFrom(
        ...[
          "80",
          "bf",
          "c2",
          "c0",
          "e0a0",
          "e09f",
          "ed9f",
          "eda0",
          "f090",
          "f08f",
          "f48f",
          "f490",
          "ff",
        ].map((hex) => Buffer.from(hex, "hex")),
      ),
      fc.constant(Buffer.alloc(60, 0x61)),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => Buffer.concat(pieces));

describe("the validator", () => {
  test("agrees with isUtf8, under any cutting", () => {
    fc.assert(
      fc.property(mixed, fc.array(fc.nat(), { maxLength: 10 }), (bytes, seeds) => {
        const cuts = seeds.map((seed) => seed % (bytes.length + 1)).sort((a, b) => a - b);
        const wanted = isUtf8(bytes);
        expect(validate(bytes)).toBe(wanted);
        expect(validate(bytes, cuts)).toBe(wanted);
        expect(isValidUtf8(bytes, 0, bytes.length)).toBe(wanted);
        expect(decodeUtf8(bytes, 0, bytes.length)).toBe(wanted ? bytes.toString() : null);
      }),
      { numRuns: 1_000 },
    );
  });

  test("every two-byte beginning is judged at the byte that decides", () => {
    for (let first = 0; first < 256; first++) {
      const alone = new Utf8Validator();
      const leads = first >= 0xc2 && first <= 0xf4;
      expect(alone.push(Buffer.from([first]), 0, 1)).toBe(first < 0x80 || leads);
      if (!leads) continue;
      expect(alone.complete).toBe(false);
      for (let second = 0; second < 256; second++) {
        const validator = new Utf8Validator();
        const size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        const rest = Buffer.from([first, second, ...[0x80, 0x80].slice(0, size - 2)]);
        const early = validator.push(rest, 0, 2);
        expect(early, rest.toString("hex")).toBe(isUtf8(rest));
      }
    }
  });

  test("fails in a long piece although its tail is cut", () => {
    const bytes = Buffer.concat([
      Buffer.alloc(100, 0x61),
      Buffer.from([0xff]),
      Buffer.alloc(100, 0x61),
      Buffer.from([0xe2, 0x82]),
    ]);
    expect(new Utf8Validator().push(bytes, 0, bytes.length)).toBe(false);
  });

  test("reset() forgets what is under way", () => {
    const validator = new Utf8Validator();
    validator.push(Buffer.from([0xe0]), 0, 1);
    validator.reset();
    expect(validator.complete).toBe(true);
    expect(validator.push(Buffer.from([0x80]), 0, 1)).toBe(false);
  });
});

test("decoding takes a window of the bytes, at lengths around its thresholds", () => {
  for (const length of [0, 1, 47, 48, 49, 200]) {
    const bytes = Buffer.concat([
      Buffer.from([0xff]),
      Buffer.alloc(length, 0x62),
      Buffer.from([0xff]),
    ]);
    expect(decodeUtf8(bytes, 1, 1 + length)).toBe("b".repeat(length));
    expect(decodeUtf8(bytes, 0, 1 + length)).toBeNull();
    expect(isValidUtf8(bytes, 1, 2 + length)).toBe(false);
  }
});
