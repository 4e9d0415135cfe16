// Messages in parts over real connections: the callback and the pull style, back-pressure, limits,
// compression, and ends in the middle of a message.

import { once } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { HawserError, WebSocketConnection } from "../../lib/index.ts";
import { called, open, openWs, Raw, request, serve, serveEcho } from "./support.ts";

const PART_BYTES = 65_536;
const both = [
  ["as it is", { perMessageDeflate: false }],
  ["compressed", { perMessageDeflate: { threshold: 0 } }],
] as const;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes of buffers that somebody still refers to. */
async function held(): Promise<number> {
  collect();
  // What is swept in another thread is counted off afterwards.
  await new Promise(setImmediate);
  collect();
  return process.memoryUsage().arrayBuffers;
}

/** A frame of a client, masked with zeroes. */
function frame(first: number, payload: Uint8Array | string): Buffer {
  const body = Buffer.from(payload as string);
  const mask = Buffer.alloc(4);
  if (body.length < 126) return Buffer.concat([Buffer.of(first, 0x80 | body.length), mask, body]);
  const head = Buffer.of(first, 0xfe, 0, 0);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, mask, body]);
}

/** A server that hands out its next WebSocket, and what speaks bytes to it. */
async function serveRaw(options: Parameters<typeof serve>[0] = {}, ...fields: string[]) {
  const opened = called<[WebSocketConnection]>();
  const served = await serve({ ...options, open: opened.fn as never });
  const raw = new Raw(served.port);
  raw.write(request(...fields));
  const head = await raw.head();
  const [socket] = await opened.args;
  return { ...served, raw, socket, head };
}

describe("receiveStream()", () => {
  test.each(both)("gives messages of any size in bounded parts, %s", async (_, options) => {
    const { url } = await serve(options, async (socket) => {
      for await (const message of socket.streams()) {
        const out = socket.stream({ binary: !message.isText });
        for await (const part of message) {
          expect(part.length).toBeGreaterThan(0);
          expect(part.length).toBeLessThanOrEqual(PART_BYTES);
          expect(typeof part === "string").toBe(message.isText);
          await out.send(part);
        }
        await out.end();
      }
    });
    const socket = await openWs(url, { perMessageDeflate: options.perMessageDeflate !== false });
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 65_537, 1_000_000]) {
      const bytes = Buffer.alloc(size, "0123456789abcdef");
      socket.send(bytes);
      const [binary, isBinary] = await once(socket, "message");
      expect([isBinary, binary.equals(bytes)]).toEqual([true, true]);
      const text = "aé€😀".repeat(size >> 3);
      socket.send(text);
      const [echoed, isText] = await once(socket, "message");
      expect([isText, String(echoed) === text]).toEqual([false, true]);
    }
  });

  test("gives a message before it is whole", async () => {
    const { raw, socket } = await serveRaw();
    const asked = socket.receiveStream();
    raw.write(frame(0x01, "be"));
    const message = await asked;
    expect(await message?.receive()).toBe("be");
    const part = message?.receive();
    raw.write(frame(0x00, "gin"));
    expect(await part).toBe("gin");
    raw.write(frame(0x80, ""));
    expect(await message?.receive()).toBeNull();
  });

  test("gives what has come of a message that is half received already", async () => {
    const { raw, socket } = await serveRaw();
    const half = Buffer.from("ha\xc3", "latin1");
    raw.write(Buffer.concat([frame(0x81, "whole"), frame(0x01, half), frame(0x89, "")]));
    await raw.until((bytes) => bytes.length >= 2);
    const first = await socket.receiveStream();
    expect(await first?.whole()).toBe("whole");
    const asked = socket.receiveStream();
    raw.write(frame(0x80, Buffer.from("\xa9lf", "latin1")));
    expect(await (await asked)?.whole()).toBe("haélf");
  });

  test("goes on with messages that were held, and frees their room", async () => {
    const { raw, socket } = await serveRaw({ receiveHighWaterMark: 2_000 });
    for (let n = 0; n < 40; n++) raw.write(frame(0x81, `${n} ${"x".repeat(200)}`));
    expect(String(await socket.receive())).toMatch(/^0 /);
    for (let n = 1; n < 40; n++) {
      const message = await socket.receiveStream();
      expect(String(await message?.whole())).toMatch(new RegExp(`^${n} `));
    }
  });

  test("cannot be mixed with whole messages, with a receive() that waits, with callbacks", async () => {
    const { url } = await serveEcho();
    const state = expect.objectContaining({ code: "ERR_INVALID_STATE" });
    const waits = await open(url);
    const receiving = waits.receive();
    expect(() => waits.receiveStream()).toThrow(state);
    waits.write("one");
    expect(await receiving).toBe("one");
    const next = waits.receiveStream();
    expect(() => waits.receive()).toThrow(state);
    expect(() => waits[Symbol.asyncIterator]()).toThrow(state);
    waits.write("two");
    expect(await (await next)?.whole()).toBe("two");
    const message = await open(url, { message: () => {} });
    expect(() => message.streams()).toThrow(state);
    const part = await open(url, { part: () => {} });
    expect(() => part.receiveStream()).toThrow(state);
    expect(() => part.receive()).toThrow(state);
    expect(() => waits.receiveStream({ signl: 1 } as never)).toThrow(TypeError);
  });

  test.each(both)("B24: a reader that takes no parts closes the window, %s", async (_, options) => {
    const opened = called<[WebSocketConnection]>();
    const { url } = await serve({ ...options, open: opened.fn as never });
    const client = await open(url, options);
    const [socket] = await opened.args;
    const asked = socket.receiveStream();
    const out = client.stream();
    // Bytes that do not compress.
    const chunk = Buffer.alloc(50_000);
    for (let at = 0, seed = 1; at < chunk.length; at++) {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
      chunk[at] = seed >> 16;
    }
    let sent = 0;
    while (client.bufferedAmount < 500_000) {
      out.write(chunk);
      sent++;
      await new Promise(setImmediate);
      expect(sent).toBeLessThan(2_000);
    }
    const held = socket.bytesRead;
    expect(held).toBeLessThan(16 * 65_536);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(socket.bytesRead - held).toBeLessThan(4 * 65_536);
    void out.end();
    const message = await asked;
    let total = 0;
    for await (const part of message ?? []) {
      const bytes = part as Buffer;
      const from = total % chunk.length;
      const fits = Math.min(bytes.length, chunk.length - from);
      expect(bytes.compare(chunk, from, from + fits, 0, fits)).toBe(0);
      total += bytes.length;
    }
    expect(total).toBe(sent * chunk.length);
  });

  test("a message that is left is dropped, also where it fills everything", async () => {
    const opened = called<[WebSocketConnection]>();
    const { url } = await serve({ open: opened.fn as never });
    const client = await open(url, { perMessageDeflate: false });
    const [socket] = await opened.args;
    client.write(Buffer.alloc(3_000_000, "a"));
    client.write("the second");
    const left = await socket.receiveStream();
    expect(await (await socket.receiveStream())?.whole()).toBe("the second");
    await expect(left?.whole()).rejects.toMatchObject({ code: "ERR_INVALID_STATE" });
  });

  test("a memory bound: 64 MiB pass through a mark of 64 KiB", async () => {
    const total = 64 * 1_024 * 1_024;
    const options = { maxPayload: total, perMessageDeflate: false };
    const done = called<[number, number]>();
    const { url } = await serve(options, async (socket) => {
      let bytes = 0;
      let most = 0;
      let next = 0;
      const before = await held();
      for await (const part of (await socket.receiveStream()) ?? []) {
        bytes += part.length;
        if (bytes < next) continue;
        next += total / 16;
        most = Math.max(most, (await held()) - before);
      }
      done.fn(bytes, most);
    });
    const client = await open(url, options);
    const out = client.stream();
    const chunk = Buffer.alloc(262_144, "m");
    for (let sent = 0; sent < total; sent += chunk.length) await out.send(chunk);
    await out.end();
    const [bytes, most] = await done.args;
    expect(bytes).toBe(total);
    // The client's own side is in this process.
    expect(most).toBeLessThan(total / 16);
  });
});

describe("the part callback", () => {
  test.each(both)("gets owned parts with their place, %s", async (_, options) => {
    const parts: [string | Buffer, boolean, boolean][] = [];
    const last = called<[]>();
    const { url } = await serve({
      ...options,
      part(_, data, isFirst, isLast) {
        parts.push([data, isFirst, isLast]);
        if (isLast) last.fn();
      },
    });
    const client = await open(url, options);
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7) & 0xff));
    client.write(bytes);
    await last.args;
    const [head, ...tail] = parts;
    expect([head?.[1], tail.some((part) => part[1])]).toEqual([true, false]);
    expect(parts.map((part) => part[2]).indexOf(true)).toBe(parts.length - 1);
    // Nobody has written over what was given.
    expect(Buffer.concat(parts.map((part) => part[0] as Buffer)).equals(bytes)).toBe(true);
  });

  test("lend gives views of what was received, of which nothing is kept", async () => {
    const got = called<[boolean]>();
    const owners = new Set<unknown>();
    let total = 0;
    const { url } = await serve({
      lend: true,
      part(_, data, __, isLast) {
        total += data.length;
        owners.add((data as Buffer).buffer);
        if (isLast) got.fn(true);
      },
    });
    const client = await open(url, { perMessageDeflate: false });
    client.write(Buffer.alloc(400_000));
    await got.args;
    expect(total).toBe(400_000);
    expect(owners.size).toBe(1);
  });

  test("pause() inside a message holds the rest of it, resume() goes on there", async () => {
    const parts: string[] = [];
    const last = called<[]>();
    const { raw } = await serveRaw({
      part(socket, data, _, isLast) {
        parts.push(String(data));
        if (isLast) last.fn();
        else socket.pause();
        setImmediate(() => {
          const seen = parts.length;
          setImmediate(() => {
            expect(parts.length).toBe(seen);
            socket.resume();
          });
        });
      },
    });
    raw.write(Buffer.concat([frame(0x01, "a"), frame(0x00, "b"), frame(0x80, "c")]));
    await last.args;
    expect(parts).toEqual(["a", "b", "c"]);
  });

  test("what it throws closes with 1011 and reaches uncaughtException", async () => {
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const thrown = new Promise((resolve) => process.once("uncaughtException", resolve));
    const { url } = await serve({
      part() {
        throw new Error("of the callback");
      },
    });
    const client = await open(url);
    client.write("x");
    expect(await client.closed).toMatchObject({ code: 1_011 });
    expect(await thrown).toMatchObject({ message: "of the callback" });
    for (const one of listeners) process.on("uncaughtException", one);
  });

  test("cannot be given beside message, and lend needs one of them", async () => {
    const options = { message: () => {}, part: () => {} };
    await expect(serve(options)).rejects.toThrow(/part.*beside message/);
    await expect(serve({ lend: true })).rejects.toThrow(/message or part/);
  });
});

describe("limits and faults inside a message", () => {
  const WebSocketFailed = "ERR_HAWSER_WEBSOCKET_FAILED";

  test.each(both)(
    "B46: maxPayload holds for parts, 1009 at the byte above it, %s",
    async (_, o) => {
      const failed = called<[number, HawserError]>();
      const { url } = await serve({ ...o, maxPayload: 100_000 }, async (socket) => {
        const message = await socket.receiveStream();
        let bytes = 0;
        try {
          for await (const part of message ?? []) bytes += part.length;
        } catch (error) {
          failed.fn(bytes, error as HawserError);
          throw error;
        }
      });
      const client = await openWs(url, { perMessageDeflate: { threshold: 0 } });
      const closed = once(client, "close");
      client.send(Buffer.alloc(60_000), { fin: false });
      client.send(Buffer.alloc(60_000), { fin: true });
      const [bytes, error] = await failed.args;
      expect(bytes).toBeLessThanOrEqual(100_000);
      expect(error).toMatchObject({ code: WebSocketFailed });
      expect((await closed)[0]).toBe(1_009);
    },
  );

  test("B46: a bomb is stopped at maxPayload while it inflates", async () => {
    const { raw, socket } = await serveRaw(
      { maxPayload: 1_000_000, perMessageDeflate: true },
      "Sec-WebSocket-Extensions: permessage-deflate",
    );
    const bomb = deflateRawSync(Buffer.alloc(50_000_000), { finishFlush: constants.Z_SYNC_FLUSH });
    const asked = socket.receiveStream();
    for (let at = 0; at < bomb.length; at += 40_000) {
      const isLast = at + 40_000 >= bomb.length;
      const first = (at === 0 ? 0x42 : 0) | (isLast ? 0x80 : 0);
      raw.write(frame(first, bomb.subarray(at, at + 40_000)));
    }
    const message = await asked;
    let bytes = 0;
    const reading = (async () => {
      for await (const part of message ?? []) bytes += part.length;
    })();
    await expect(reading).rejects.toMatchObject({ code: WebSocketFailed });
    expect(bytes).toBeLessThanOrEqual(1_000_000);
    expect(await socket.closed).toMatchObject({ error: { code: WebSocketFailed } });
  });

  test.each([
    ["as it is", false],
    ["compressed", true],
  ])("B45: bad UTF-8 fails at its part with 1007, not at the end, %s", async (_, isCompressed) => {
    const fields = isCompressed ? ["Sec-WebSocket-Extensions: permessage-deflate"] : [];
    const { raw, socket } = await serveRaw({ perMessageDeflate: isCompressed }, ...fields);
    const pack = (bytes: Buffer) =>
      isCompressed ? deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }) : bytes;
    const asked = socket.receiveStream();
    raw.write(frame(isCompressed ? 0x41 : 0x01, pack(Buffer.from("fine"))));
    const message = await asked;
    expect(await message?.receive()).toBe("fine");
    raw.write(frame(0x00, pack(Buffer.from([0x61, 0xff]))));
    await expect(message?.receive()).rejects.toMatchObject({ code: WebSocketFailed });
    const answer = await raw.until((bytes) => bytes.length >= 4);
    expect(answer.readUInt16BE(2)).toBe(1_007);
  });

  test("a Close inside a message is an error for its reader, whatever the code", async () => {
    const { raw, socket } = await serveRaw();
    raw.write(Buffer.concat([frame(0x01, "half"), frame(0x88, Buffer.of(0x03, 0xe8))]));
    const message = await socket.receiveStream();
    expect(await message?.receive()).toBe("half");
    await expect(message?.receive()).rejects.toMatchObject({
      code: "ERR_HAWSER_WEBSOCKET_CLOSED",
      message: expect.stringContaining("1000 inside a message"),
    });
    expect(await socket.receiveStream()).toBeNull();
    expect(await socket.closed).toMatchObject({ code: 1_000, error: null });
  });

  test("a lost connection ends the message with its failure", async () => {
    const { raw, socket } = await serveRaw();
    const asked = socket.receiveStream();
    raw.write(frame(0x02, "half"));
    const message = await asked;
    raw.socket.resetAndDestroy();
    expect(String(await message?.receive())).toBe("half");
    await expect(message?.receive()).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(socket.receiveStream()).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("B20: a local close() ends a message in the middle with ECANCELED", async () => {
    const { raw, socket } = await serveRaw();
    const asked = socket.receiveStream();
    raw.write(frame(0x01, "half"));
    const message = await asked;
    await message?.receive();
    const waits = message?.receive();
    void socket.close();
    await expect(waits).rejects.toMatchObject({ code: "ECANCELED" });
    expect(await socket.streams().next()).toEqual({ done: true, value: undefined });
  });
});
