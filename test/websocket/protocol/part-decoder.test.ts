// Parts as the application sees them.

import fc from "fast-check";
import { expect, test } from "vitest";
import { PartDecoder } from "../../../lib/websocket/protocol/part-decoder.ts";

test("text parts are cut at code points and joined give the text, at any cuts", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.array(fc.nat(), { maxLength: 8 }),
      (text, seeds) => {
        const bytes = Buffer.from(text);
        const cuts = seeds.map((seed) => seed % (bytes.length + 1)).sort((a, b) => a - b);
        const decoder = new PartDecoder(true, true);
        let joined = "";
        let from = 0;
        for (const to of [...cuts, bytes.length]) {
          const part = decoder.decode(
            bytes.subarray(from, to),
            to === bytes.length && from === cuts.at(-1),
          );
          expect(typeof part).toBe("string");
          joined += part;
          from = to;
        }
        expect(joined).toBe(bytes.toString());
      },
    ),
  );
});

test("binary parts pass as they are", () => {
  const bytes = Buffer.from([0xff, 0xc3]);
  expect(new PartDecoder(false, true).decode(bytes, true)).toBe(bytes);
});

test("bad bytes and a cut end are null where validation is asked for", () => {
  expect(new PartDecoder(true, true).decode(Buffer.from([0xff]), false)).toBeNull();
  const cut = new PartDecoder(true, true);
  expect(cut.decode(Buffer.from([0xe2, 0x82]), false)).toBe("");
  expect(cut.decode(Buffer.alloc(0), true)).toBeNull();
  expect(new PartDecoder(true, false).decode(Buffer.from([0xff]), false)).not.toBeNull();
});
