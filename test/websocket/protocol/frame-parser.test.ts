// Frames in: the grid of side x case, every reserved bit and opcode, every length form, UTF-8 at
// each position, and the same events under any chunking.

import { describe, expect, test } from "vitest";
import { MAX_TEXT_BYTES } from "../../../lib/websocket/protocol/limits.ts";
import { makeParser, type ParserOptions, parse, ROLES } from "./parser-support.ts";
import { peerFrame, type RawFrame, rawFrame } from "./support.ts";

const TEXT = 1;
const BINARY = 2;

describe.each(ROLES)("frames into a %s", (role) => {
  const frame = (raw: RawFrame) => peerFrame(role, raw);
  const run = (raw: RawFrame[], options?: ParserOptions) =>
    parse(role, Buffer.concat(raw.map(frame)), options);

  test("text and binary messages of every length form", () => {
    for (const length of [0, 1, 20, 31, 33, 63, 125, 126, 255, 257, 4096, 65535, 65536, 70001]) {
      const text = "x".repeat(length);
      expect(run([{ opcode: TEXT, payload: text }])).toEqual([["text", text]]);
      const bytes = Buffer.alloc(length, 0xa7);
      expect(run([{ opcode: BINARY, payload: bytes }])).toEqual([
        ["binary", bytes.toString("hex")],
      ]);
    }
  });

  test("several messages in one chunk come one by one, in order", () => {
    expect(
      run([
        { opcode: TEXT, payload: "a" },
        { opcode: 9, payload: "p" },
        { opcode: BINARY, payload: "\x01" },
        { opcode: 10, payload: "" },
        { opcode: TEXT, payload: "äö" },
      ]),
    ).toEqual([
      ["text", "a"],
      ["ping", "70"],
      ["binary", "01"],
      ["pong", ""],
      ["text", "äö"],
    ]);
  });

  test("fragments become one message, control frames come between them", () => {
    expect(
      run([
        { opcode: TEXT, payload: "a\xc3".slice(0, 1), fin: false },
        { opcode: 9, payload: "mid" },
        { opcode: 0, payload: "", fin: false },
        { opcode: 0, payload: "b" },
      ]),
    ).toEqual([
      ["ping", "6d6964"],
      ["text", "ab"],
    ]);
  });

  test("a code point may be cut by fragments", () => {
    const bytes = Buffer.from("κόσμε𝄞");
    const raw = [...bytes].map((byte, at) => ({
      opcode: at === 0 ? TEXT : 0,
      payload: Buffer.from([byte]),
      fin: at === bytes.length - 1,
    }));
    expect(run(raw)).toEqual([["text", "κόσμε𝄞"]]);
  });

  test.each([1, 2, 3, 4, 5, 6, 7])("reserved bits %i are 1002", (rsv) => {
    expect(run([{ opcode: TEXT, rsv, payload: "a" }])).toEqual([["violation", 1002]]);
  });

  test.each([1, 2, 3, 5, 6, 7])(
    "with compression only RSV1 alone is allowed: %i is 1002",
    (rsv) => {
      expect(run([{ opcode: TEXT, rsv }], { compression: true })).toEqual([["violation", 1002]]);
    },
  );

  test("RSV1 is for the first frame of a data message only (RFC 7692 section 6)", () => {
    const options = { compression: true };
    expect(run([{ opcode: TEXT, rsv: 4, payload: "a" }], options)).toEqual([
      ["compressed", "61", true],
    ]);
    for (const opcode of [8, 9, 10]) {
      expect(run([{ opcode, rsv: 4 }], options)).toEqual([["violation", 1002]]);
    }
    const continued = [
      { opcode: BINARY, rsv: 4, fin: false, payload: "a" },
      { opcode: 0, rsv: 4, payload: "b" },
    ];
    expect(run(continued, options)).toEqual([["violation", 1002]]);
  });

  test.each([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])("reserved opcode %i is 1002", (opcode) => {
    expect(run([{ opcode }])).toEqual([["violation", 1002]]);
  });

  test("a frame masked the wrong way is 1002, known from its second byte", () => {
    const wrong = peerFrame(role === "server" ? "client" : "server", {
      opcode: TEXT,
      payload: "a",
    });
    expect(parse(role, wrong)).toEqual([["violation", 1002]]);
    expect(parse(role, wrong.subarray(0, 2), {}, [1])).toEqual([["violation", 1002]]);
  });

  test("lengths in a longer form than needed are 1002 (section 5.2)", () => {
    for (const [length, form] of [
      [5, 16],
      [125, 16],
      [5, 64],
      [125, 64],
      [126, 64],
      [65535, 64],
    ] as const) {
      const raw = { opcode: BINARY, payload: Buffer.alloc(length), form };
      expect(run([raw])).toEqual([["violation", 1002]]);
    }
  });

  test("a length with its top bit set is 1002, a merely huge one 1009", () => {
    expect(run([{ opcode: BINARY, length: 2n ** 63n, form: 64 }])).toEqual([["violation", 1002]]);
    expect(run([{ opcode: BINARY, length: 2n ** 63n - 1n, form: 64 }])).toEqual([
      ["violation", 1009],
    ]);
    expect(run([{ opcode: BINARY, length: 2n ** 32n, form: 64 }])).toEqual([["violation", 1009]]);
  });

  test.each([8, 9, 10])("control frames %i: fragmented or long are 1002", (opcode) => {
    expect(run([{ opcode, fin: false }])).toEqual([["violation", 1002]]);
    expect(run([{ opcode, payload: Buffer.alloc(126) }])).toEqual([["violation", 1002]]);
    expect(run([{ opcode, payload: Buffer.alloc(1), form: 64 }])).toEqual([["violation", 1002]]);
  });

  test("a continuation of nothing, and a new message inside one, are 1002", () => {
    expect(run([{ opcode: 0, payload: "a" }])).toEqual([["violation", 1002]]);
    expect(run([{ opcode: 0, fin: false }])).toEqual([["violation", 1002]]);
    for (const opcode of [TEXT, BINARY]) {
      expect(run([{ opcode: TEXT, fin: false, payload: "a" }, { opcode }])).toEqual([
        ["violation", 1002],
      ]);
    }
  });

  test("B42 nothing after a Close is looked at", () => {
    const close = { opcode: 8, payload: Buffer.from([0x03, 0xe8]) };
    expect(run([close, { opcode: TEXT, payload: "late" }])).toEqual([["close", 1000, ""]]);
    expect(run([close, { opcode: 15, rsv: 7 }])).toEqual([["close", 1000, ""]]);
  });

  test("B42 an empty Close is 1005; one byte is 1002", () => {
    expect(run([{ opcode: 8 }])).toEqual([["close", 1005, ""]]);
    expect(run([{ opcode: 8, payload: "\x03" }])).toEqual([["violation", 1002]]);
  });

  test("B47 every close code is judged", () => {
    for (let code = 0; code <= 0xffff; code = code < 5100 ? code + 1 : code + 997) {
      const payload = Buffer.alloc(2);
      payload.writeUInt16BE(code);
      const valid =
        (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) ||
        (code >= 3000 && code <= 4999);
      const expected = valid ? ["close", code, ""] : ["violation", 1002];
      expect(run([{ opcode: 8, payload }])).toEqual([expected]);
    }
  });

  test("close reasons: up to 123 bytes of UTF-8, 1007 otherwise", () => {
    const reason = `${"é".repeat(61)}x`;
    const payload = Buffer.concat([Buffer.from([0x03, 0xe9]), Buffer.from(reason)]);
    expect(run([{ opcode: 8, payload }])).toEqual([["close", 1001, reason]]);
    for (const bad of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
      const wrong = Buffer.from([0x03, 0xe8, ...bad]);
      expect(run([{ opcode: 8, payload: wrong }])).toEqual([["violation", 1007]]);
    }
  });

  test("B46 a message above the bound is 1009 before its payload comes", () => {
    const options = { limits: { maxMessageBytes: 1000 } };
    expect(run([{ opcode: BINARY, payload: Buffer.alloc(1000) }], options)[0]?.[0]).toBe("binary");
    const header = frame({ opcode: BINARY, length: 1001 }).subarray(0, role === "server" ? 8 : 4);
    expect(parse(role, header, options)).toEqual([["violation", 1009]]);
    const fragments = [
      { opcode: BINARY, payload: Buffer.alloc(600), fin: false },
      { opcode: 0, payload: Buffer.alloc(401), fin: false },
    ];
    expect(run(fragments, options)).toEqual([["violation", 1009]]);
  });

  test("B46 a text longer than any string is 1009 whatever the bound, but not in parts", () => {
    const headerOf = (opcode: number) =>
      frame({ opcode, length: BigInt(MAX_TEXT_BYTES) + 1n, form: 64 }).subarray(
        0,
        role === "server" ? 14 : 10,
      );
    const options = { limits: { maxMessageBytes: Number.POSITIVE_INFINITY } };
    expect(parse(role, headerOf(TEXT), options)).toEqual([["violation", 1009]]);
    expect(parse(role, headerOf(BINARY), options)).toEqual([]);
    expect(parse(role, headerOf(TEXT), { ...options, stream: true })).toEqual([]);
  });

  test("B46 a compressed message may be a little larger than its inflated form may", () => {
    const options = { compression: true, limits: { maxMessageBytes: 100_000 } };
    const sized = (length: number) => {
      const payload = Buffer.alloc(length);
      return run([{ opcode: BINARY, rsv: 4, payload }], options)[0]?.[0];
    };
    expect(sized(101_000)).toBe("compressed");
    expect(sized(102_000)).toBe("violation");
  });

  test("B46 more fragments than the bound are 1008, empty ones too", () => {
    const options = { limits: { maxFragments: 10 } };
    const begin = { opcode: TEXT, fin: false };
    const more = (count: number) =>
      Array.from({ length: count }, () => ({ opcode: 0, fin: false }));
    expect(run([begin, ...more(8), { opcode: 0 }], options)).toEqual([["text", ""]]);
    expect(run([begin, ...more(10)], options)).toEqual([["violation", 1008]]);
  });

  test("lent binary messages are views into the chunk, owned ones are not", () => {
    for (const lend of [true, false]) {
      const { parser, sink } = makeParser(role, { lend });
      const chunk = frame({ opcode: BINARY, payload: Buffer.alloc(5000, 7) });
      let seen: Buffer | null = null;
      sink.onBinary = (bytes) => {
        seen = bytes;
      };
      parser.parse(chunk, 0, chunk.length);
      expect(seen).not.toBeNull();
      expect((seen as unknown as Buffer).buffer === chunk.buffer).toBe(lend);
      expect((seen as unknown as Buffer).equals(Buffer.alloc(5000, 7))).toBe(true);
    }
  });

  test("of an owned chunk a long message at the end is given away as it stands, others are copied", () => {
    const { parser, sink } = makeParser(role);
    const sizes = [8_191, 8_192, 20_000];
    const payloads = sizes.map((size) => Buffer.alloc(size, size));
    const frames = payloads.map((payload) => frame({ opcode: BINARY, payload }));
    const chunk = Buffer.concat(frames);
    const seen: Buffer[] = [];
    sink.onBinary = (bytes) => seen.push(bytes);
    parser.parse(chunk, 0, chunk.length, true);
    expect(seen.map((bytes) => bytes.buffer === chunk.buffer)).toEqual([false, false, true]);
    expect(seen.every((bytes, index) => bytes.equals(payloads[index] as Buffer))).toBe(true);
    // The next chunk is lent again.
    const next = frame({ opcode: BINARY, payload: payloads[2] as Buffer });
    parser.parse(next, 0, next.length);
    expect(seen[3]?.buffer === next.buffer).toBe(false);
  });

  test("parse() takes a window of a larger buffer and leaves the rest alone", () => {
    const { parser, sink } = makeParser(role);
    const message = frame({ opcode: TEXT, payload: "window" });
    const slab = Buffer.concat([Buffer.alloc(7, 0xee), message, Buffer.alloc(9, 0xee)]);
    parser.parse(slab, 7, 7 + message.length);
    expect(sink.events).toEqual([["text", "window"]]);
    expect(slab.subarray(0, 7).equals(Buffer.alloc(7, 0xee))).toBe(true);
    expect(slab.subarray(7 + message.length).equals(Buffer.alloc(9, 0xee))).toBe(true);
  });

  test("halt() stops behind the event under way and parse() goes on there", () => {
    const { parser, sink } = makeParser(role);
    const bytes = Buffer.concat(["a", "b", "c"].map((payload) => frame({ opcode: TEXT, payload })));
    const original = sink.onText.bind(sink);
    sink.onText = (text) => {
      original(text);
      parser.halt();
    };
    parser.parse(bytes, 0, bytes.length);
    expect(sink.events).toEqual([["text", "a"]]);
    parser.parse(bytes, parser.position, bytes.length);
    expect(sink.events).toEqual([
      ["text", "a"],
      ["text", "b"],
    ]);
  });

  test("streamed messages come in parts, the last is marked", () => {
    const options = { stream: true };
    expect(
      run(
        [
          { opcode: TEXT, payload: "ab", fin: false },
          { opcode: 9 },
          { opcode: 0, payload: "", fin: false },
          { opcode: 0, payload: "c" },
          { opcode: BINARY, payload: "" },
        ],
        options,
      ),
    ).toEqual([
      ["part", "6162", true, false, true, false],
      ["ping", ""],
      ["part", "63", true, false, false, true],
      ["part", "", false, false, true, true],
    ]);
  });
});

describe("UTF-8 in text messages (section 8.1)", () => {
  const BAD: readonly (readonly [string, readonly number[], number])[] = [
    ["a lone continuation byte", [0x80], 1],
    ["an overlong slash", [0xc0, 0xaf], 1],
    ["a lead without continuation", [0xc3, 0x28], 2],
    ["an overlong three-byte form", [0xe0, 0x80, 0x80], 2],
    ["a surrogate", [0xed, 0xa0, 0x80], 2],
    ["an overlong four-byte form", [0xf0, 0x80, 0x80, 0x80], 2],
    ["a value above U+10FFFF", [0xf4, 0x90, 0x80, 0x80], 2],
    ["a five-byte form", [0xf8, 0x88, 0x80, 0x80, 0x80], 1],
    ["0xff", [0xff], 1],
  ];

  test.each(BAD)("%s fails at its byte, at every position of the message", (_, bad, failsAfter) => {
    for (const before of [0, 1, 2, 3, 15, 31, 47, 48, 64, 100, 126, 300]) {
      const payload = Buffer.concat([
        Buffer.alloc(before, 0x61),
        Buffer.from(bad),
        Buffer.alloc(60, 0x62),
      ]);
      const whole = peerFrame("server", { opcode: TEXT, payload });
      expect(parse("server", whole)).toEqual([["violation", 1007]]);
      // Fail-fast: nothing behind the bad byte has come yet.
      const header = whole.length - payload.length;
      const cut = header + before + failsAfter;
      expect(parse("server", whole.subarray(0, cut))).toEqual([["violation", 1007]]);
      expect(parse("server", whole.subarray(0, cut - 1))).toEqual([]);
      const bytewise = Array.from({ length: cut - 1 }, (__, at) => at + 1);
      expect(parse("server", whole.subarray(0, cut), {}, bytewise)).toEqual([["violation", 1007]]);
    }
  });

  test("a sequence cut by the message's end is 1007, cut by a fragment's end is not", () => {
    for (const cut of [[0xc3], [0xe2, 0x82], [0xf0, 0x9d, 0x84]]) {
      const payload = Buffer.from(cut);
      const message = peerFrame("client", { opcode: TEXT, payload });
      expect(parse("client", message)).toEqual([["violation", 1007]]);
      const fragment = peerFrame("client", { opcode: TEXT, payload, fin: false });
      expect(parse("client", fragment)).toEqual([]);
      const end = peerFrame("client", { opcode: 0 });
      expect(parse("client", Buffer.concat([fragment, end]))).toEqual([["violation", 1007]]);
    }
  });

  test("the code points at the edges are all right", () => {
    const text = "\0\x7f\x80߿ࠀ퟿\ufffd￿𐀀\u{10ffff}";
    expect(parse("client", rawFrame({ opcode: TEXT, payload: text }))).toEqual([["text", text]]);
  });
});
