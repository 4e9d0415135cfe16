// What every byte stream of this library does, whatever carries it: one suite, run over each kind
// by a function that makes a connected pair. Not here: what only one kind can (addresses, TLS,
// resets).

import { describe, expect, test } from "vitest";
import type { ReceiveOptions, SendData, SendOptions } from "../../lib/core/byte-stream.ts";
import { fingerprint, pattern } from "../support/bytes.ts";

/** What the suite needs of a stream; a `Connection` is one. */
export interface ByteStream extends AsyncIterable<Buffer>, AsyncDisposable {
  readonly bufferedAmount: number;
  readonly writableNeedDrain: boolean;
  write(data: SendData): boolean;
  send(data: SendData, options?: SendOptions): Promise<void>;
  receive(options?: ReceiveOptions): Promise<Buffer | null>;
  shutdown(): Promise<void>;
  close(): Promise<{ readonly error: Error | null }>;
  abort(): void;
  readonly closed: Promise<{ readonly error: Error | null }>;
}

/** Options of each end. */
export interface EndOptions {
  readonly allowHalfOpen?: boolean;
  readonly closeTimeout?: number;
  readonly receiveHighWaterMark?: number;
  readonly sendHighWaterMark?: number;
}

/** Two ends of one stream, connected; whatever else was opened closes with them. */
export type MakePair = (options: EndOptions) => Promise<[near: ByteStream, far: ByteStream]>;

export interface Kind {
  readonly name: string;
  readonly pair: MakePair;
  /** Whether an abort reaches the other end as an error; else it is an end. */
  readonly tellsResets?: boolean;
}

const LARGE_BYTES = 3_000_000;

/** Runs the suite over one kind of stream. */
export function checkByteStream({ name, pair, tellsResets = true }: Kind): void {
  const withPair = async (
    use: (near: ByteStream, far: ByteStream) => Promise<void>,
    options: EndOptions = {},
  ): Promise<void> => {
    const [near, far] = await pair(options);
    try {
      await use(near, far);
    } finally {
      near.abort();
      far.abort();
      await Promise.all([near.closed, far.closed]);
    }
  };

  describe(`byte stream over ${name}`, () => {
    checkData(withPair);
    checkEnds(withPair, tellsResets);
    checkWaiting(withPair);
  });
}

type WithPair = (
  use: (near: ByteStream, far: ByteStream) => Promise<void>,
  options?: EndOptions,
) => Promise<void>;

function checkData(withPair: WithPair): void {
  test("what is sent arrives, both ways, in order", () =>
    withPair(async (near, far) => {
      await near.send("ping");
      await far.send(Buffer.from("pong"));
      expect(String(await far.receive({ min: 4 }))).toBe("ping");
      expect(String(await near.receive({ min: 4 }))).toBe("pong");
    }));

  test("strings, buffers, views and array buffers are all bytes", () =>
    withPair(async (near, far) => {
      const words = new Uint16Array([0x4242, 0x4343]);
      for (const data of ["aé", Buffer.from("A"), words, new Uint8Array([68]).buffer]) {
        await near.send(data);
      }
      await near.shutdown();
      expect(await readAll(far)).toEqual(Buffer.from("aéABBCCD"));
    }));

  test("an empty send is nothing, and no end", () =>
    withPair(async (near, far) => {
      await near.send("");
      await near.send(new Uint8Array(0));
      await near.send("x");
      expect(String(await far.receive())).toBe("x");
    }));

  test("a copied buffer may be changed when send has returned", () =>
    withPair(async (near, far) => {
      const bytes = Buffer.from("before");
      const sent = near.send(bytes);
      bytes.fill("x");
      await sent;
      expect(String(await far.receive({ min: 6 }))).toBe("before");
    }));

  test("B22 receive gives at least min bytes and never more than max", () =>
    withPair(async (near, far) => {
      await near.send("0123456789");
      expect(String(await far.receive({ min: 3, max: 3 }))).toBe("012");
      expect(String(await far.receive({ min: 2, max: 4 }))).toMatch(/^345?6?$/);
      const rest = far.receive({ min: 20 });
      await near.send("abcdefghijklmnopqrstuvwxyz");
      expect((await rest)?.length).toBeGreaterThanOrEqual(20);
    }));

  test("B22 a min above the mark raises it for that call", () =>
    withPair(
      async (near, far) => {
        const bytes = pattern(500_000);
        const sent = near.send(bytes);
        const received = await far.receive({ min: bytes.length });
        await sent;
        expect(fingerprint(received ?? "")).toBe(fingerprint(bytes));
      },
      { receiveHighWaterMark: 1_000 },
    ));

  test("large transfers both ways at once arrive whole", () =>
    withPair(
      async (near, far) => {
        const [there, back] = [pattern(LARGE_BYTES, 1), pattern(LARGE_BYTES, 2)];
        const [a, b] = await Promise.all([
          readAll(far),
          readAll(near),
          sendInPieces(near, there),
          sendInPieces(far, back),
        ]);
        expect(fingerprint(a)).toBe(fingerprint(there));
        expect(fingerprint(b)).toBe(fingerprint(back));
      },
      { allowHalfOpen: true },
    ));

  test("B23 a peer that does not read stops who awaits its sends", () =>
    withPair(
      async (near) => {
        const chunk = new Uint8Array(1_000);
        const limit = 20_000 + chunk.length;
        let most = 0;
        for (;;) {
          const sent = near.send(chunk);
          most = Math.max(most, near.bufferedAmount);
          if ((await Promise.race([sent, quietFor(200)])) === "quiet") break;
        }
        expect(near.writableNeedDrain).toBe(true);
        expect(most).toBeLessThanOrEqual(limit);
        expect(near.bufferedAmount).toBeLessThanOrEqual(limit);
      },
      { sendHighWaterMark: 20_000, receiveHighWaterMark: 20_000 },
    ));
}

function checkEnds(withPair: WithPair, tellsResets: boolean): void {
  test("B15 an end comes after all data, and is null again and again", () =>
    withPair(async (near, far) => {
      await near.send("last words");
      void near.close();
      expect(String(await far.receive({ min: 10 }))).toBe("last words");
      for (let i = 0; i < 3; i++) expect(await far.receive()).toBeNull();
    }));

  test("B22 what came before the end is given, where it is less than min", () =>
    withPair(async (near, far) => {
      const received = far.receive({ min: 100 });
      await near.send("short");
      await near.shutdown();
      expect(String(await received)).toBe("short");
      expect(await far.receive({ min: 100 })).toBeNull();
    }));

  test("B15 iteration ends at the end, and can be taken up again after break", () =>
    withPair(async (near, far) => {
      await near.send("one");
      for await (const chunk of far) {
        expect(String(chunk)).toBe("one");
        break;
      }
      await near.send("two");
      await near.shutdown();
      expect(String(await readAll(far))).toBe("two");
      for await (const chunk of far) expect.unreachable(String(chunk));
    }));

  test("B16 an echo after the end comes back whole, and both close by themselves", () =>
    withPair(async (near, far) => {
      const bytes = pattern(1_000_000);
      const echo = (async () => {
        for await (const chunk of far) await far.send(chunk);
      })();
      const [back] = await Promise.all([readAll(near), sendInPieces(near, bytes)]);
      await echo;
      expect(fingerprint(back)).toBe(fingerprint(bytes));
      expect((await far.closed).error).toBeNull();
      expect((await near.closed).error).toBeNull();
    }));

  test("B16 with allowHalfOpen the other direction stays open", () =>
    withPair(
      async (near, far) => {
        await near.shutdown();
        expect(await far.receive()).toBeNull();
        await new Promise((resolve) => setTimeout(resolve, 20));
        await far.send("still here");
        expect(String(await near.receive())).toBe("still here");
      },
      { allowHalfOpen: true },
    ));

  test("B18 close() delivers everything that was sent before it", () =>
    withPair(async (near, far) => {
      const bytes = pattern(LARGE_BYTES);
      for (let at = 0; at < bytes.length; at += 50_000) near.write(bytes.subarray(at, at + 50_000));
      const closed = near.close();
      expect(fingerprint(await readAll(far))).toBe(fingerprint(bytes));
      expect((await closed).error).toBeNull();
    }));

  test("B18 close() delivers everything though bytes of the peer lie unread", () =>
    withPair(async (near, far) => {
      await far.send("unread".repeat(100));
      const bytes = pattern(300_000);
      near.write(bytes);
      void near.close();
      expect(fingerprint(await readAll(far))).toBe(fingerprint(bytes));
    }));

  test("close() is one promise, the same as closed, and may be called again", () =>
    withPair(async (near, far) => {
      const closed = near.close();
      expect(near.close()).toBe(closed);
      expect(near.closed).toBe(closed);
      expect(await far.receive()).toBeNull();
      expect((await closed).error).toBeNull();
      expect(near.close()).toBe(closed);
    }));

  test("B19 abort() ends the other side", () =>
    withPair(async (near, far) => {
      const received = far.receive();
      near.abort();
      if (tellsResets) await expect(received).rejects.toMatchObject({ code: "ECONNRESET" });
      else expect(await received.catch(() => null)).toBeNull();
      expect((await near.closed).error).toBeNull();
    }));
}

function checkWaiting(withPair: WithPair): void {
  test("receives are served in the order in which they were asked", () =>
    withPair(async (near, far) => {
      const three = [far.receive({ max: 1 }), far.receive({ max: 1 }), far.receive({ max: 1 })];
      await near.send("abc");
      expect((await Promise.all(three)).join("")).toBe("abc");
    }));

  test("a signal stops one receive and loses no byte", () =>
    withPair(async (near, far) => {
      const stop = new AbortController();
      const received = far.receive({ min: 10, signal: stop.signal });
      await near.send("1234");
      stop.abort(new Error("enough"));
      await expect(received).rejects.toThrow("enough");
      await near.send("5678");
      expect(String(await far.receive({ min: 8 }))).toBe("12345678");
    }));

  test("a signal that was aborted before stops receive and send at once", () =>
    withPair(async (near) => {
      const signal = AbortSignal.abort(new Error("early"));
      await expect(near.receive({ signal })).rejects.toThrow("early");
      await expect(near.send("x", { signal })).rejects.toThrow("early");
    }));

  test("B20 outstanding receives settle with ECANCELED before closed does", () =>
    withPair(async (near) => {
      const order: string[] = [];
      const received = near.receive().catch((error) => order.push(error.code));
      const iterated = (async () => {
        for await (const chunk of near) expect.unreachable(String(chunk));
        order.push("iteration");
      })();
      const closed = near.closed.then(() => order.push("closed"));
      near.abort();
      await Promise.all([received, iterated, closed]);
      expect(order.pop()).toBe("closed");
      expect(order.sort()).toEqual(["ECANCELED", "iteration"]);
    }));

  test("after close(), send rejects with EPIPE, write is false, receive is no end", () =>
    withPair(async (near) => {
      void near.close();
      await expect(near.send("x")).rejects.toMatchObject({ code: "EPIPE" });
      expect(near.write("x")).toBe(false);
      await expect(near.receive()).rejects.toMatchObject({ code: "ECANCELED" });
    }));

  test("after shutdown(), send rejects with EPIPE and receiving goes on", () =>
    withPair(
      async (near, far) => {
        await near.shutdown();
        await near.shutdown();
        await expect(near.send("x")).rejects.toMatchObject({ code: "EPIPE" });
        await far.send("y");
        expect(String(await near.receive())).toBe("y");
      },
      { allowHalfOpen: true },
    ));

  test("only a wrong argument throws at the call", () =>
    withPair(async (near) => {
      const anything = (value: unknown) => value as never;
      expect(() => near.write(anything(1))).toThrow(TypeError);
      expect(() => near.send(anything({}))).toThrow(TypeError);
      expect(() => near.send("x", anything({ sginal: 1 }))).toThrow(/signal/);
      expect(() => near.receive(anything({ min: 0 }))).toThrow(RangeError);
      expect(() => near.receive({ min: 2 ** 24 + 1 })).toThrow(RangeError);
      expect(() => near.receive({ min: 5, max: 4 })).toThrow(RangeError);
    }));

  test("await using closes", () =>
    withPair(async (near, far) => {
      await near.send("bye");
      const disposed = near[Symbol.asyncDispose]();
      expect(String(await readAll(far))).toBe("bye");
      await disposed;
      expect((await near.closed).error).toBeNull();
    }));
}

/** Everything up to the end. */
export async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function sendInPieces(stream: ByteStream, bytes: Buffer): Promise<void> {
  // Sizes on both sides of what is copied and what is kept.
  const sizes = [1, 100, 4_096, 4_097, 20_000, 65_536, 100_000];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] as number;
    await stream.send(bytes.subarray(at, at + size));
    at += size;
  }
  await stream.shutdown();
}

function quietFor(ms: number): Promise<"quiet"> {
  return new Promise((resolve) => setTimeout(() => resolve("quiet"), ms));
}
