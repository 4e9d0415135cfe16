// Bodies of refused upgrades: how their end is known, and the bound.

import fc from "fast-check";
import { expect, test } from "vitest";
import { BodyReader, type Framing, framingOf } from "../../../lib/websocket/protocol/http-body.ts";

function read(framing: Framing, text: string, cuts: readonly number[] = []): BodyReader {
  const reader = new BodyReader(framing);
  const bytes = Buffer.from(text, "latin1");
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    reader.push(bytes, from, to);
    from = to;
  }
  return reader;
}

test("how the end is known (RFC 9112 section 6.3)", () => {
  expect(framingOf(403, ["Content-Length", "12"])).toEqual({ kind: "length", bytes: 12 });
  expect(framingOf(403, ["Transfer-Encoding", "chunked"])).toEqual({ kind: "chunked" });
  expect(framingOf(403, [])).toEqual({ kind: "end" });
  expect(framingOf(204, ["Content-Length", "12"])).toEqual({ kind: "length", bytes: 0 });
  const contradictions = [
    ["Content-Length", "1", "Content-Length", "1"],
    ["Content-Length", "1", "Transfer-Encoding", "chunked"],
    ["Transfer-Encoding", "gzip"],
    ["Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"],
    ["Content-Length", "-1"],
    ["Content-Length", "0x10"],
    ["Content-Length", "1e3"],
    ["Content-Length", ""],
    ["Content-Length", "9".repeat(16)],
  ];
  for (const headers of contradictions) expect(framingOf(403, headers), headers.join()).toBeNull();
});

const latin1 = fc
  .uint8Array({ minLength: 1, maxLength: 30 })
  .map((bytes) => Buffer.from(bytes).toString("latin1"));

test("any chunks under any cutting", () => {
  fc.assert(
    fc.property(fc.array(latin1, { maxLength: 6 }), fc.array(fc.nat()), (pieces, seeds) => {
      const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`);
      const text = `${chunks.join("")}0\r\n\r\nNEXT`;
      const cuts = seeds.map((seed) => seed % (text.length + 1)).sort((a, b) => a - b);
      const reader = read({ kind: "chunked" }, text, cuts);
      expect(reader.done).toBe(true);
      expect(reader.truncated || reader.broken).toBe(false);
      expect(reader.body.toString("latin1")).toBe(pieces.join(""));
    }),
  );
});

test("B46 64 KiB are kept exactly; one byte more is truncated", () => {
  const exact = read({ kind: "length", bytes: 65_536 }, "x".repeat(65_536));
  expect([exact.done, exact.truncated, exact.body.length]).toEqual([true, false, 65_536]);
  const over = read({ kind: "end" }, "x".repeat(65_537));
  expect([over.done, over.truncated, over.body.length]).toEqual([true, true, 65_536]);
});

test("B46 lines and trailers of a chunked body are bounded", () => {
  expect(read({ kind: "chunked" }, `0\r\n${"a: b\r\n".repeat(32)}\r\n`).broken).toBe(false);
  expect(read({ kind: "chunked" }, `0\r\n${"a: b\r\n".repeat(33)}\r\n`).broken).toBe(true);
  expect(read({ kind: "chunked" }, `1;${"x".repeat(1_100)}`).broken).toBe(true);
});

test.each(["g\r\n", "\r\n", "1\n", "1\rx", "1 1\r\n", "1\r\nab\r\n", "0\r\na\0b\r\n"])(
  "broken: %j",
  (text) => {
    expect(read({ kind: "chunked" }, text).broken).toBe(true);
  },
);

test("the transport's end completes only what has no other end", () => {
  const open = read({ kind: "end" }, "abc");
  open.end();
  expect([open.done, open.truncated]).toEqual([true, false]);
  const cut = read({ kind: "chunked" }, "5\r\nab");
  cut.end();
  expect([cut.done, cut.truncated, cut.body.toString()]).toEqual([true, true, "ab"]);
});
