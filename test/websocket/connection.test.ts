// WebSockets over hawser against `ws` and against themselves: messages, both styles, back-pressure,
// closing, failing.

import { once } from "node:events";
import { describe, expect, test, vi } from "vitest";
import type { HawserError } from "../../lib/index.ts";
import { called, open, openWs, Raw, request, serve, serveEcho, serveWs } from "./support.ts";

// Much faster than toEqual on large buffers.
function expectSame(actual: unknown, expected: Buffer): void {
  expect(Buffer.isBuffer(actual) && actual.equals(expected)).toBe(true);
}

describe("messages", () => {
  const sizes = [0, 1, 125, 126, 4_096, 4_097, 65_535, 65_536, 300_000];

  test.each(sizes)("a server echoes %i bytes and as much text to a client of ws", async (size) => {
    const { url } = await serveEcho();
    const socket = await openWs(url, { perMessageDeflate: false });
    const bytes = Buffer.alloc(size, "abc");
    socket.send(bytes);
    const [binary, isBinary] = await once(socket, "message");
    expect(isBinary).toBe(true);
    expectSame(binary, bytes);
    socket.send("ü".repeat(size >> 1));
    const [text, isText] = await once(socket, "message");
    expect(isText).toBe(false);
    expect(String(text)).toBe("ü".repeat(size >> 1));
  });

  test.each(sizes)("a client sends %i bytes to a server of ws and gets them back", async (size) => {
    const url = await serveWs((socket) =>
      socket.on("message", (data, binary) => socket.send(data, { binary })),
    );
    const socket = await open(url);
    const bytes = Buffer.alloc(size, "xyz");
    await socket.send(bytes);
    expectSame(await socket.receive(), bytes);
    await socket.send("é".repeat(size));
    expect(await socket.receive()).toBe("é".repeat(size));
  });

  test.each([{ perMessageDeflate: true }, { perMessageDeflate: { threshold: 0 } }])(
    "compression is negotiated with ws and keeps order: %o",
    async (options) => {
      const { url } = await serveEcho(options);
      const socket = await openWs(url, { perMessageDeflate: { threshold: 0 } });
      expect(socket.extensions).toContain("permessage-deflate");
      const sent = Array.from({ length: 50 }, (_, n) => `${n}`.repeat(n * 700));
      const got: string[] = [];
      const done = new Promise<void>((resolve) => {
        socket.on("message", (data) => {
          if (got.push(String(data)) === sent.length) resolve();
        });
      });
      for (const text of sent) socket.send(text);
      await done;
      expect(got).toEqual(sent);
    },
  );

  test("lent binary messages come back whole, and text as strings", async () => {
    const { url } = await serveEcho({ lend: true });
    const socket = await open(url);
    for (const size of [1, 5_000, 100_000]) {
      const bytes = Buffer.alloc(size, "lend");
      socket.write(bytes);
      expectSame(await socket.receive(), bytes);
    }
    socket.write("text");
    expect(await socket.receive()).toBe("text");
  });

  test("a message in parts arrives whole, a character cut between parts included", async () => {
    const { url } = await serveEcho();
    const socket = await open(url);
    const message = socket.stream();
    message.write("one ");
    await message.send("\ud83d");
    message.write("\ude00");
    await message.end();
    expect(await socket.receive()).toBe("one 😀");
    expect(() => message.write("late")).toThrow(/ended/);
  });

  test("binary: true sends a string as bytes, binary: false bytes as text", async () => {
    const { url } = await serveEcho();
    const socket = await open(url);
    socket.write("hi", { binary: true });
    expect(await socket.receive()).toEqual(Buffer.from("hi"));
    socket.write(Buffer.from("ho"), { binary: false });
    expect(await socket.receive()).toBe("ho");
    expect(() => socket.write("x", { compres: true } as never)).toThrow(/compress/);
  });

  test("B45: pings are answered, and both sides see pings and pongs", async () => {
    const ping = called<[unknown, Buffer]>();
    const pong = called<[unknown, Buffer]>();
    const { url } = await serve({ ping: ping.fn });
    const socket = await open(url, { pong: pong.fn });
    expect(socket.ping("are you there")).toBe(true);
    expect(String((await ping.args)[1])).toBe("are you there");
    expect(String((await pong.args)[1])).toBe("are you there");
    expect(() => socket.ping(Buffer.alloc(126))).toThrow(RangeError);
  });
});

describe("a function per connection", () => {
  test("echoes by for await, and its return closes with 1000", async () => {
    const { url } = await serve({}, async (socket) => {
      for await (const message of socket) {
        if (message === "end") return;
        await socket.send(message);
      }
    });
    const socket = await open(url);
    await socket.send("a");
    expect(await socket.receive()).toBe("a");
    await socket.send("end");
    expect(await socket.receive()).toBeNull();
    expect(await socket.receive()).toBeNull();
    expect(await socket.closed).toMatchObject({
      code: 1000,
      wasClean: true,
      error: null,
      initiator: "peer",
    });
  });

  test("B55: an error ends it with 1011 and reaches uncaughtException, others go on", async () => {
    const { url } = await serve({}, async (socket) => {
      if ((await socket.receive()) === "throw") throw new Error("of the handler");
      await socket.send("fine");
    });
    const [bad, good] = [await open(url), await open(url)];
    const caught = uncaught();
    bad.write("throw");
    expect(await bad.closed).toMatchObject({ code: 1011 });
    expect(await caught).toMatchObject({ message: "of the handler" });
    good.write("go");
    expect(await good.receive()).toBe("fine");
  });

  test("its WebSocket's own error ends it quietly, and is counted", async () => {
    const { url, listener } = await serve({}, async (socket) => {
      for (;;) if ((await socket.receive()) === null) return;
    });
    const socket = await open(url);
    socket.abort();
    await socket.closed;
    await vi.waitFor(() => expect(listener.counters.endedByPeer).toBe(1));
  });

  test("a listener without handler is iterated", async () => {
    const { listener, url } = await serve({});
    const client = open(url);
    for await (const socket of listener) {
      await socket.send("hello");
      break;
    }
    expect(await (await client).receive()).toBe("hello");
    const rest = listener[Symbol.asyncIterator]().next();
    await listener.close();
    expect(await rest).toEqual({ done: true, value: undefined });
  });
});

function uncaught(): Promise<unknown> {
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  return new Promise((resolve) => {
    process.once("uncaughtException", (error) => {
      for (const one of listeners) process.on("uncaughtException", one);
      resolve(error);
    });
  });
}

describe("back-pressure", () => {
  test("B23: write says false above the mark, then drain comes; memory stays bounded", async () => {
    const drained = called<[unknown]>();
    const { url } = await serve({}, async (socket) => {
      await pulled;
      for await (const _ of socket);
    });
    let pull: (value?: unknown) => void = () => {};
    const pulled = new Promise((resolve) => {
      pull = resolve;
    });
    const socket = await open(url, { drain: drained.fn });
    const chunk = Buffer.alloc(60_000);
    let count = 0;
    while (socket.write(chunk) || socket.bufferedAmount < 65_536) {
      if (++count % 8 === 0) await new Promise(setImmediate);
      expect(count).toBeLessThan(2_000);
    }
    expect(socket.writableNeedDrain).toBe(true);
    pull();
    await drained.args;
    expect(socket.writableNeedDrain).toBe(false);
  });

  test("B24: a consumer that does not read closes the window and loses nothing", async () => {
    let server: import("../../lib/index.ts").WebSocketConnection | undefined;
    const { url } = await serve({
      open(socket) {
        server = socket as never;
      },
    });
    const socket = await open(url, { perMessageDeflate: false });
    let sent = 0;
    const text = "x".repeat(10_000);
    while (socket.bufferedAmount < 200_000) {
      for (let n = 0; n < 20; n++, sent++) socket.write(`${sent} ${text}`);
      await new Promise(setImmediate);
      expect(sent).toBeLessThan(20_000);
    }
    const before = server?.bytesRead ?? 0;
    expect(before).toBeLessThan(8 * 65_536);
    void socket.close();
    let next = 0;
    for await (const message of server as NonNullable<typeof server>) {
      expect(String(message).startsWith(`${next++} `)).toBe(true);
    }
    expect(next).toBe(sent);
  });

  test("pause() holds messages of the same turn, resume() delivers them in order", async () => {
    const got: unknown[] = [];
    const third = called<[]>();
    const { url } = await serve({
      message(socket, message) {
        got.push(message);
        if (message === "1") {
          socket.pause();
          setImmediate(() => {
            expect(got).toEqual(["1"]);
            socket.resume();
          });
        }
        if (message === "3") third.fn();
      },
    });
    const socket = await open(url);
    for (const text of ["1", "2", "3"]) socket.write(text);
    await third.args;
    expect(got).toEqual(["1", "2", "3"]);
  });
});

describe("closing", () => {
  test("B42: close() exchanges Closes with ws, both see the code and reason", async () => {
    const closed = called<[unknown, number, string, HawserError | null]>();
    const { url } = await serve({ close: closed.fn });
    const socket = await openWs(url);
    socket.close(4_001, "done");
    const [code, reason] = await once(socket, "close");
    expect([code, String(reason)]).toEqual([4_001, ""]);
    expect((await closed.args).slice(1)).toEqual([4_001, "done", null]);
  });

  test("B42: an empty Close is 1005, no Close 1006 with an error", async () => {
    const calls: unknown[][] = [];
    const { url } = await serve({ close: (_, ...rest) => void calls.push(rest) });
    const polite = await openWs(url);
    polite.close();
    await vi.waitFor(() => expect(calls).toEqual([[1_005, "", null]]));
    const rude = await openWs(url);
    rude.terminate();
    await vi.waitFor(() => expect(calls.length).toBe(2));
    expect(calls[1]).toMatchObject([1_006, "", { name: "HawserError" }]);
  });

  test("B42: simultaneous Closes are clean on both sides", async () => {
    let server: import("../../lib/index.ts").WebSocketConnection | undefined;
    const { url } = await serve({
      open(socket) {
        server = socket as never;
      },
    });
    const socket = await open(url);
    await vi.waitFor(() => expect(server).toBeDefined());
    const results = await Promise.all([socket.close(3_001, "a"), server?.close(3_002, "b")]);
    expect(results.map((result) => result?.wasClean)).toEqual([true, true]);
    expect(results.map((result) => result?.error)).toEqual([null, null]);
    expect(results.map((result) => result?.code).sort()).toEqual([3_001, 3_002]);
  });

  test("B47: codes that may not go on the wire are a RangeError", async () => {
    const { url } = await serveEcho();
    const socket = await open(url);
    for (const code of [0, 999, 1_004, 1_005, 1_006, 1_015, 2_999, 5_000]) {
      expect(() => socket.close(code)).toThrow(RangeError);
    }
    expect(() => socket.close(1_000, "x".repeat(124))).toThrow(RangeError);
    expect(socket.state).toBe("ready");
    expect(await socket.close(4_999, "x".repeat(123))).toMatchObject({ code: 4_999 });
    expect(socket.state).toBe("closed");
  });

  test("B42: nothing is sent after close(), and send rejects with EPIPE", async () => {
    const got: unknown[] = [];
    const url = await serveWs((socket) => socket.on("message", (data) => got.push(String(data))));
    const socket = await open(url);
    await socket.send("before");
    const closing = socket.close();
    expect(socket.write("after")).toBe(false);
    await expect(socket.send("after")).rejects.toMatchObject({ code: "EPIPE" });
    await closing;
    expect(got).toEqual(["before"]);
  });

  test("B19: after abort() nothing is sent, and the state says so at once", async () => {
    const { url } = await serveEcho();
    const states: string[] = [];
    const socket = await open(url, { state: (_, state) => states.push(state) });
    const waiting = socket.receive().catch((error: HawserError) => error.code);
    socket.abort();
    expect([socket.state, socket.write("late"), socket.ping()]).toEqual(["closing", false, false]);
    await expect(socket.send("late")).rejects.toMatchObject({ code: "EPIPE" });
    expect(await waiting).toBe("ECANCELED");
    socket.abort();
    expect(await socket.close()).toMatchObject({ code: 1_006, error: null, initiator: "local" });
    expect([socket.state, states.at(-1)]).toEqual(["closed", "closed"]);
  });

  test("B42: a peer that never answers is dropped after closeTimeout", async () => {
    const { port, listener } = await serve({ closeTimeout: 150, open: () => {} });
    const raw = new Raw(port);
    raw.write(request());
    await raw.head();
    const [socket] = listener.connections;
    const startedAt = performance.now();
    const result = await socket?.close();
    expect(result).toMatchObject({
      code: 1_006,
      error: { code: "ETIMEDOUT", reason: "CLOSE_TIMEOUT", phase: "close" },
    });
    expect(performance.now() - startedAt).toBeGreaterThan(140);
  });

  test("codes other than 1000, 1001 and 1005 reject the reader, after all messages", async () => {
    const url = await serveWs((socket) => {
      socket.send("last");
      socket.close(4_000, "why");
    });
    const socket = await open(url);
    expect(await socket.receive()).toBe("last");
    await expect(socket.receive()).rejects.toMatchObject({
      code: "ERR_HAWSER_WEBSOCKET_CLOSED",
      message: expect.stringContaining("4000: why"),
    });
    expect(await socket.closed).toMatchObject({ code: 4_000, reason: "why", error: null });
  });

  test("B20: receive() rejects with ECANCELED on a local close, an iteration ends", async () => {
    const { url } = await serveEcho();
    const [one, two] = [await open(url), await open(url)];
    const receiving = one.receive();
    const step = two[Symbol.asyncIterator]().next();
    await Promise.all([one.close(), two.close()]);
    await expect(receiving).rejects.toMatchObject({ code: "ECANCELED" });
    expect(await step).toEqual({ done: true, value: undefined });
  });

  test("a protocol violation fails it with 1002, and close has the error", async () => {
    const closed = called<[unknown, number, string, HawserError | null]>();
    const { port } = await serve({ close: closed.fn });
    const raw = new Raw(port);
    raw.write(request());
    await raw.head();
    raw.write(Uint8Array.of(0x81, 0x02, 0x68, 0x69)); // not masked
    const answer = await raw.until((bytes) => bytes.length >= 4);
    expect([...answer.subarray(0, 4)]).toEqual([0x88, 0x02, 0x03, 0xea]);
    raw.socket.end();
    const [, code, , error] = await closed.args;
    expect(code).toBe(1_006);
    expect(error).toMatchObject({ code: "ERR_HAWSER_WEBSOCKET_FAILED" });
  });

  test("a message over maxPayload fails it with 1009", async () => {
    const { url } = await serveEcho({ maxPayload: 1_000 });
    const socket = await openWs(url);
    socket.send(Buffer.alloc(1_001));
    const [code] = await once(socket, "close");
    expect(code).toBe(1_009);
  });

  test("listener.close() closes each WebSocket with 1001", async () => {
    const { url, listener } = await serveEcho();
    const sockets = await Promise.all([openWs(url), openWs(url), openWs(url)]);
    const codes = Promise.all(sockets.map((socket) => once(socket, "close")));
    expect(listener.connections.size).toBe(3);
    const result = await listener.close();
    expect(result).toEqual({ error: null, aborted: 0 });
    expect((await codes).map(([code]) => code)).toEqual([1_001, 1_001, 1_001]);
    expect(listener.connections.size).toBe(0);
  });
});

describe("time", () => {
  test("B14: heartbeat pings leave, and a silent peer fails with HEARTBEAT_TIMEOUT", async () => {
    const closed = called<[unknown, number, string, HawserError | null]>();
    const { port } = await serve({
      heartbeat: { interval: 50, timeout: 80 },
      close: closed.fn,
    });
    const raw = new Raw(port);
    raw.write(request());
    await raw.head();
    const ping = await raw.until((bytes) => bytes.length >= 2);
    expect([...ping.subarray(0, 2)]).toEqual([0x89, 0x00]);
    const [, code, , error] = await closed.args;
    expect(code).toBe(1_006);
    expect(error).toMatchObject({ code: "ETIMEDOUT", reason: "HEARTBEAT_TIMEOUT" });
  });

  test("B14: a peer that answers is left alone", async () => {
    const { url } = await serve({ heartbeat: { interval: 20, timeout: 1_000 } });
    const socket = await openWs(url);
    let pings = 0;
    await new Promise<void>((resolve) => {
      socket.on("ping", () => {
        if (++pings === 4) resolve();
      });
    });
    expect(socket.readyState).toBe(socket.OPEN);
  });

  test("idleTimeout closes with 1001", async () => {
    const { url } = await serve({ idleTimeout: 60 });
    const socket = await openWs(url);
    const [code] = await once(socket, "close");
    expect(code).toBe(1_001);
  });
});
