// Compression of whole messages: against zlib itself, with and without context, and against what a
// peer might send to hurt.

import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  deflateRawSync,
  inflateRawSync,
} from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Deflater, Inflater, stripTail } from "../../../lib/websocket/protocol/deflate.ts";
import { resolveDeflate } from "../../../lib/websocket/protocol/deflate-negotiation.ts";

const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
const LIMIT = 1_000_000;

/** zlib's own stream with one lasting state: what other implementations use. */
class Reference {
  private readonly deflate = createDeflateRaw();
  private readonly inflate = createInflateRaw();

  compress(message: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      const pieces: Buffer[] = [];
      const take = (piece: Buffer) => pieces.push(piece);
      this.deflate.on("data", take);
      this.deflate.write(message);
      this.deflate.flush(constants.Z_SYNC_FLUSH, () => {
        this.deflate.off("data", take);
        resolve(stripTail(Buffer.concat(pieces)));
      });
    });
  }

  decompress(payload: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      const pieces: Buffer[] = [];
      const take = (piece: Buffer) => pieces.push(piece);
      this.inflate.on("data", take);
      this.inflate.write(payload);
      this.inflate.write(TAIL);
      this.inflate.flush(() => {
        this.inflate.off("data", take);
        resolve(Buffer.concat(pieces));
      });
    });
  }

  close(): void {
    this.deflate.close();
    this.inflate.close();
  }
}

function makeText(seed: number, length: number): Buffer {
  let text = "";
  for (let at = 0; text.length < length; at++)
    text += `{"id":${(seed * 31 + at) % 97},"name":"user"}`;
  return Buffer.from(text.slice(0, length));
}

const LENGTHS = [1, 5, 30, 255, 1_000, 4_096, 5_000, 20_000, 40_000, 70_000, 33_000, 12, 300];

describe("context takeover", () => {
  test("a peer with one lasting zlib state understands every message", async () => {
    for (const historyBytes of [0, 300, 8_192, 32_768]) {
      const deflater = new Deflater(resolveDeflate({ historyBytes }), 15, true);
      const peer = new Reference();
      for (const [at, length] of LENGTHS.entries()) {
        const message = makeText(at, length);
        const compressed = deflater.compress(message);
        deflater.remember(message);
        expect((await peer.decompress(stripTail(compressed as Buffer))).equals(message)).toBe(true);
      }
      peer.close();
    }
  });

  test("every message of a peer with one lasting zlib state is understood", async () => {
    const peer = new Reference();
    const inflater = new Inflater(15, true);
    for (const [at, length] of LENGTHS.entries()) {
      const message = makeText(at, length);
      const payload = await peer.compress(message);
      let result = inflater.inflate(payload, LIMIT);
      if (result === null) {
        result = await new Promise((resolve) => inflater.inflateLater(payload, LIMIT, resolve));
      }
      expect(Buffer.isBuffer(result) && result.equals(message)).toBe(true);
    }
    peer.close();
  });

  test("pays: a message that repeats an earlier one is a few bytes", () => {
    const deflater = new Deflater(resolveDeflate(), 15, true);
    const message = makeText(1, 2_000);
    const first = (deflater.compress(message) as Buffer).length;
    deflater.remember(message);
    expect((deflater.compress(message) as Buffer).length).toBeLessThan(first / 2);
    const without = new Deflater(resolveDeflate(), 15, false);
    without.remember(message);
    expect((without.compress(message) as Buffer).length).toBeGreaterThan(first / 2);
  });

  test.each([8, 9, 10, 12, 15])("both halves keep within a window of 2^%i bytes", (bits) => {
    const deflater = new Deflater(resolveDeflate({ historyBytes: 32_768 }), bits, true);
    const inflater = new Inflater(bits, true);
    for (const [at, length] of LENGTHS.entries()) {
      const message = makeText(at, Math.min(length, 16_000));
      const compressed = stripTail(deflater.compress(message) as Buffer);
      deflater.remember(message);
      const result = inflater.inflate(compressed, LIMIT);
      expect(Buffer.isBuffer(result) && result.equals(message)).toBe(true);
    }
  });

  test("a reference beyond the negotiated window is 1007", () => {
    const noise = Buffer.from(
      Array.from({ length: 2_000 }, (_, at) => (at * at * 31 + at * 7) & 0xff),
    );
    const far = Buffer.concat([noise, Buffer.alloc(3_000), noise]);
    const payload = stripTail(
      deflateRawSync(far, { windowBits: 15, finishFlush: constants.Z_SYNC_FLUSH }),
    );
    expect(new Inflater(9, false).inflate(payload, LIMIT)).toBe(1007);
    expect(new Inflater(15, false).inflate(payload, LIMIT)).toEqual(far);
  });
});

describe("RFC 7692 section 7.2.3's examples", () => {
  const cases: [string, string, string][] = [
    ["one block", "f248cdc9c90700", "Hello"],
    ["a stored block", "000500faff48656c6c6f00", "Hello"],
    ["a block with BFINAL", "f348cdc9c9070000", "Hello"],
    ["two blocks", "f24805000000ffffcac9c90700", "Hello"],
    ["an empty message", "00", ""],
  ];
  test.each(cases)("%s", (_, hex, expected) => {
    const result = new Inflater(15, false).inflate(Buffer.from(hex, "hex"), LIMIT);
    expect(String(result)).toBe(expected);
  });

  test("shared window: the second message refers to the first", () => {
    const inflater = new Inflater(15, true);
    expect(String(inflater.inflate(Buffer.from("f248cdc9c90700", "hex"), LIMIT))).toBe("Hello");
    expect(String(inflater.inflate(Buffer.from("f200110000", "hex"), LIMIT))).toBe("Hello");
  });

  test("an empty payload and one whose tail was left on are understood", () => {
    const inflater = new Inflater(15, false);
    expect(String(inflater.inflate(Buffer.alloc(0), LIMIT))).toBe("");
    expect(String(inflater.inflate(Buffer.from("f248cdc9c907000000ffff", "hex"), LIMIT))).toBe(
      "Hello",
    );
  });
});

describe("B46 what a peer might send", () => {
  test("a bomb of any ratio stops at the bound: 1009, small or large", async () => {
    const bomb = stripTail(
      deflateRawSync(Buffer.alloc(50_000_000), { finishFlush: constants.Z_SYNC_FLUSH }),
    );
    const small = stripTail(
      deflateRawSync(Buffer.alloc(400_000), { finishFlush: constants.Z_SYNC_FLUSH }),
    );
    const inflater = new Inflater(15, false);
    expect(inflater.inflate(small, 100_000)).toBe(1009);
    expect(inflater.inflate(small, 300_000)).toBeNull();
    const later = (payload: Buffer, limit: number) =>
      new Promise((resolve) => inflater.inflateLater(payload, limit, resolve));
    expect(await later(small, 300_000)).toBe(1009);
    expect(await later(bomb, LIMIT)).toBe(1009);
    expect(((await later(small, 400_000)) as Buffer).length).toBe(400_000);
  });

  test("the bound is exact, also over several final blocks", () => {
    const inflater = new Inflater(15, false);
    const block = deflateRawSync(Buffer.alloc(100, 1));
    const payload = Buffer.concat([block, block, block, Buffer.from([0])]);
    expect((inflater.inflate(payload, 300) as Buffer).length).toBe(300);
    expect(inflater.inflate(payload, 299)).toBe(1009);
    const over = Buffer.concat([block, deflateRawSync("x"), Buffer.from([0])]);
    expect(inflater.inflate(over, 100)).toBe(1009);
    expect((inflater.inflate(over, 101) as Buffer).length).toBe(101);
  });

  test("a flood of final blocks is 1007", () => {
    const empty = deflateRawSync(Buffer.alloc(0));
    const payload = Buffer.concat(Array.from({ length: 5_000 }, () => empty));
    expect(new Inflater(15, false).inflate(payload, LIMIT)).toBe(1007);
  });

  test("a message cut inside a block, and garbage, are 1007 both ways", async () => {
    const whole = Buffer.from("f248cdc9c90700", "hex");
    const cases = [
      whole.subarray(0, 3),
      whole.subarray(0, 5),
      Buffer.from("07", "hex"),
      Buffer.from("0005", "hex"),
    ];
    for (const payload of cases) {
      const inflater = new Inflater(15, false);
      expect(inflater.inflate(payload, LIMIT), payload.toString("hex")).toBe(1007);
      expect(await new Promise((resolve) => inflater.inflateLater(payload, LIMIT, resolve))).toBe(
        1007,
      );
    }
  });

  test("arbitrary bytes never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const result = new Inflater(15, false).inflate(bytes, 10_000);
        expect(Buffer.isBuffer(result) || result === 1007 || result === 1009).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

test("any sequence of messages survives the round trip", () => {
  const message = fc.oneof(
    fc.uint8Array({ maxLength: 50 }),
    fc.string({ maxLength: 300 }).map((text) => Buffer.from(text.repeat(5))),
  );
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 12 }),
      fc.constantFrom(8, 9, 11, 15),
      fc.boolean(),
      (messages, bits, takeover) => {
        const deflater = new Deflater(resolveDeflate(), bits, takeover);
        const inflater = new Inflater(bits, takeover);
        for (const each of messages) {
          const compressed = stripTail(deflater.compress(each) as Buffer);
          deflater.remember(each);
          const result = inflater.inflate(compressed, LIMIT);
          expect(Buffer.isBuffer(result) && result.equals(each)).toBe(true);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("what is compressed inflates with plain zlib", () => {
  const message = makeText(3, 3_000);
  const compressed = new Deflater(resolveDeflate(), 12, false).compress(message) as Buffer;
  expect(
    inflateRawSync(compressed, { windowBits: 12, finishFlush: constants.Z_SYNC_FLUSH }).equals(
      message,
    ),
  ).toBe(true);
});

test("an inflater that was not used holds no window", () => {
  expect(new Inflater(15, true).history?.view()).toBeUndefined();
  expect(new Inflater(15, false).history).toBeNull();
});
