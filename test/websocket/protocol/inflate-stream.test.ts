// Inflation of a message in parts.

import { constants, deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { Inflater } from "../../../lib/websocket/protocol/deflate.ts";
import { InflateStream } from "../../../lib/websocket/protocol/inflate-stream.ts";

function payloadOf(bytes: Buffer): Buffer {
  const compressed = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  return compressed.subarray(0, compressed.length - 4);
}

interface Outcome {
  bytes: Buffer;
  failures: number[];
}

/** Writes the pieces one after the other; ends at the end or the first failure. */
function run(inflater: Inflater, pieces: readonly Buffer[], limit = 1e6): Promise<Outcome> {
  const outputs: Buffer[] = [];
  const failures: number[] = [];
  return new Promise((resolve) => {
    const settle = () => resolve({ bytes: Buffer.concat(outputs), failures });
    const stream = new InflateStream(inflater, limit, {
      onInflated: (bytes) => outputs.push(bytes),
      onInflateFailure: (code) => {
        failures.push(code);
        settle();
      },
    });
    const next = (at: number): void => {
      const piece = pieces[at];
      if (piece === undefined) stream.finish(settle);
      else stream.write(piece, () => next(at + 1));
    };
    next(0);
  });
}

const bytewise = (bytes: Buffer) => Array.from(bytes, (byte) => Buffer.from([byte]));

test("whole, in halves and byte by byte the same", async () => {
  const message = Buffer.from("streams and dreams ".repeat(300));
  const payload = payloadOf(message);
  const half = payload.length >>> 1;
  for (const pieces of [
    [payload],
    [payload.subarray(0, half), payload.subarray(half)],
    bytewise(payload),
    [],
  ]) {
    const { bytes, failures } = await run(
      new Inflater(15, false),
      pieces.length === 0 ? [payload] : pieces,
    );
    expect(failures).toEqual([]);
    expect(bytes.equals(message)).toBe(true);
  }
});

test("the window goes on from message to message, and into whole messages", async () => {
  const inflater = new Inflater(15, true);
  expect((await run(inflater, [Buffer.from("f248cdc9c90700", "hex")])).bytes.toString()).toBe(
    "Hello",
  );
  expect((await run(inflater, [Buffer.from("f200110000", "hex")])).bytes.toString()).toBe("Hello");
  expect(String(inflater.inflate(Buffer.from("f200110000", "hex"), 100))).toBe("Hello");
});

test("B46 the bound is exact: 1009 above it, and nothing above it comes out", async () => {
  const payload = payloadOf(Buffer.alloc(100_000));
  expect((await run(new Inflater(15, false), [payload], 100_000)).failures).toEqual([]);
  const { bytes, failures } = await run(new Inflater(15, false), [payload], 99_999);
  expect(failures).toEqual([1009]);
  expect(bytes.length).toBeLessThan(100_000);
});

test.each(["ffff", "f248cdc9c9", "f248"])("malformed or cut off: 1007 for %s", async (hex) => {
  expect((await run(new Inflater(15, false), [Buffer.from(hex, "hex")])).failures).toEqual([1007]);
});

test("final blocks inside the message, at any cut; too many are 1007", async () => {
  const final = deflateRawSync("Hello");
  const payload = Buffer.concat([final, final, final, Buffer.from([0])]);
  for (const pieces of [[payload], bytewise(payload)]) {
    expect((await run(new Inflater(15, true), pieces)).bytes.toString()).toBe("HelloHelloHello");
  }
  const flood = Buffer.concat(Array.from({ length: 40 }, () => deflateRawSync("")));
  expect((await run(new Inflater(15, false), [flood])).failures).toEqual([1007]);
});

test("after a pause it goes on over final blocks as well", async () => {
  const final = deflateRawSync("Hello");
  const outputs: Buffer[] = [];
  const stream = new InflateStream(new Inflater(15, false), 1e6, {
    onInflated: (bytes) => outputs.push(bytes),
    onInflateFailure: () => expect.unreachable(),
  });
  stream.pause();
  stream.resume();
  await new Promise<void>((resolve) => {
    const payload = Buffer.concat([final, final, Buffer.from([0])]);
    stream.write(payload, () => stream.finish(resolve));
  });
  expect(Buffer.concat(outputs).toString()).toBe("HelloHello");
});

test("paused nothing comes out; destroyed nothing ever does", async () => {
  let got = 0;
  let finished = false;
  const stream = new InflateStream(new Inflater(15, false), 1e6, {
    onInflated: (bytes) => {
      got += bytes.length;
    },
    onInflateFailure: () => expect.unreachable(),
  });
  stream.pause();
  const done = new Promise<void>((resolve) => {
    stream.write(payloadOf(Buffer.alloc(5_000)), () => {
      expect(got).toBe(0);
      stream.finish(() => {
        finished = true;
        resolve();
      });
      setImmediate(() => {
        expect(finished).toBe(false);
        stream.resume();
      });
    });
  });
  await done;
  expect(got).toBe(5_000);

  const dead = new InflateStream(new Inflater(15, false), 1e6, {
    onInflated: () => expect.unreachable(),
    onInflateFailure: () => expect.unreachable(),
  });
  dead.write(payloadOf(Buffer.alloc(5_000)), () => expect.unreachable());
  dead.destroy();
  await run(new Inflater(15, false), [payloadOf(Buffer.alloc(50_000))]);
});
