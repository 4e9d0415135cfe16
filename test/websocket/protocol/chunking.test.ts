// The frame parser under any chunking, and what half a message holds in memory.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeParser, parse, ROLES } from "./parser-support.ts";
import { peerFrame, type RawFrame, rawFrame } from "./support.ts";

const BINARY = 2;

describe("memory", () => {
  test("B46 a declared length reserves nothing: a frame of 16 MiB of which 10 bytes came", () => {
    const before = process.memoryUsage().arrayBuffers;
    const parsers = Array.from({ length: 200 }, () => {
      const { parser } = makeParser("client");
      const start = rawFrame({ opcode: BINARY, length: 16_777_216, payload: "0123456789" });
      parser.parse(start, 0, start.length);
      return parser;
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 8_192);
    expect(parsers.every((parser) => !parser.idle)).toBe(true);
  });
});

const payloadArbitrary = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 120, maxLength: 300 }) },
);
const frameArbitrary: fc.Arbitrary<RawFrame> = fc.record({
  opcode: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(0, 1, 2, 9, 10) },
    { weight: 1, arbitrary: fc.nat(15) },
  ),
  fin: fc.boolean(),
  rsv: fc.oneof(
    { weight: 20, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.constantFrom(4, 1) },
  ),
  payload: fc.oneof(payloadArbitrary, fc.string({ unit: "binary", maxLength: 60 })),
});

describe("any chunking", () => {
  test.each(ROLES)("the same bytes give the same events, however they are cut: %s", (role) => {
    fc.assert(
      fc.property(
        fc.array(frameArbitrary, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 25 }),
        fc.boolean(),
        (frames, seeds, lend) => {
          const bytes = Buffer.concat(frames.map((raw) => peerFrame(role, raw)));
          const options = { lend, compression: true };
          const cuts = seeds.map((seed) => seed % (bytes.length + 1)).sort((a, b) => a - b);
          const whole = parse(role, bytes, options);
          expect(parse(role, bytes, options, cuts)).toEqual(whole);
          const bytewise = Array.from(bytes, (_, at) => at);
          expect(parse(role, bytes, options, bytewise)).toEqual(whole);
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each(ROLES)("arbitrary bytes never throw, and cutting changes nothing: %s", (role) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (bytes, seed) => {
        const buffer = Buffer.from(bytes);
        const whole = parse(role, buffer);
        expect(parse(role, buffer, {}, [seed % (buffer.length + 1)])).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });
});
