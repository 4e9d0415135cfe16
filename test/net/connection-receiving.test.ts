// The receiving half: data to callbacks and to readers, back-pressure, pause and resume.
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { type Connection, connect, counters } from "../../lib/index.ts";
import { fingerprint, pattern } from "../support/bytes.ts";
import { deferred, delay, ending, nodeClient, nodeServer, serve, until } from "./support.ts";

/** A connection whose peer of node:net sends as much as it can, and how much that was. */
async function fromFirehose(options = {}): Promise<{ connection: Connection; sent: () => number }> {
  let bytes = 0;
  const { port } = await nodeServer((socket) => {
    const chunk = Buffer.alloc(65_536);
    const pump = () => {
      while (!socket.destroyed && socket.write(chunk)) bytes += chunk.length;
    };
    socket.on("drain", pump);
    pump();
  });
  const connection = ending(await connect(`tcp://127.0.0.1:${port}`, options));
  return { connection, sent: () => bytes };
}

async function settled(value: () => number): Promise<number> {
  for (;;) {
    const before = value();
    await delay(150);
    if (value() === before) return before;
  }
}

describe("back-pressure", () => {
  test.each([65_536, 100_000, 300_000])(
    "B24 who does not read holds at most the receive mark of %i",
    async (receiveHighWaterMark) => {
      const { connection, sent } = await fromFirehose({ receiveHighWaterMark });
      await settled(sent);
      expect(connection.bytesRead).toBeGreaterThan(0);
      expect(connection.bytesRead).toBeLessThanOrEqual(receiveHighWaterMark);
      // And the peer's window is closed: it has stopped for good.
      const before = connection.bytesRead;
      await delay(100);
      expect(connection.bytesRead).toBe(before);
    },
  );

  test("B24 a mark below 64 KiB holds one read of the kernel", async () => {
    const { connection, sent } = await fromFirehose({ receiveHighWaterMark: 1 });
    await settled(sent);
    expect(connection.bytesRead).toBeLessThanOrEqual(65_536);
  });

  test("B24 reading takes it up again, and everything comes", async () => {
    const bytes = pattern(3_000_000);
    const { port } = await nodeServer((socket) => socket.end(bytes));
    const connection = await connect(`tcp://127.0.0.1:${port}`);
    await delay(50);
    const chunks: Buffer[] = [];
    for await (const chunk of connection) {
      chunks.push(chunk);
      if (chunks.length % 10 === 0) await delay(1);
    }
    expect(fingerprint(Buffer.concat(chunks))).toBe(fingerprint(bytes));
  });

  test("a connection nobody reads costs no system call while its peer waits", async () => {
    const { connection, sent } = await fromFirehose();
    await settled(sent);
    const before = counters();
    await delay(200);
    const after = counters();
    expect(after.receives).toBe(before.receives);
    expect(after.turns - before.turns).toBeLessThanOrEqual(1);
    expect(connection.state).toBe("ready");
  });
});

describe("pause and resume", () => {
  test("after pause() nothing more of that turn is delivered, and nothing is lost", async () => {
    const chunks: Buffer[] = [];
    const opened = deferred<Connection>();
    const listener = await serve({
      open: opened.resolve,
      data: (connection, bytes) => {
        chunks.push(bytes);
        connection.pause();
      },
    });
    const bytes = pattern(1_000_000);
    const peer = await nodeClient({ port: listener.port });
    peer.end(bytes);
    const connection = await opened.promise;
    let count = 0;
    const size = () => chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    while (size() < bytes.length) {
      await until("a chunk", () => chunks.length > count);
      await delay(1);
      expect(chunks.length).toBe(count + 1);
      expect(connection.isPaused).toBe(true);
      count++;
      connection.resume();
    }
    expect(fingerprint(Buffer.concat(chunks))).toBe(fingerprint(bytes));
  });

  test("resume() does not deliver inside the call", async () => {
    let isInside = false;
    const seen: boolean[] = [];
    const opened = deferred<Connection>();
    const listener = await serve({
      open: (c) => {
        c.pause();
        opened.resolve(c);
      },
      data: () => seen.push(isInside),
    });
    const peer = await nodeClient({ port: listener.port });
    peer.write("x");
    const connection = await opened.promise;
    await until("it has arrived and waits", () => peer.bytesWritten === 1);
    await delay(20);
    isInside = true;
    connection.resume();
    isInside = false;
    await until("data", () => seen.length > 0);
    expect(seen).toEqual([false]);
  });

  test("bytes that arrive between resume() and what is held come after it", async () => {
    const chunks: Buffer[] = [];
    const listener = await serve({
      data: (connection, bytes) => {
        chunks.push(bytes);
        connection.pause();
        queueMicrotask(() => connection.resume());
      },
    });
    const bytes = pattern(2_000_000);
    const peer = await nodeClient({ port: listener.port });
    peer.end(bytes);
    await until("all", () => chunks.reduce((sum, one) => sum + one.length, 0) === bytes.length);
    expect(fingerprint(Buffer.concat(chunks))).toBe(fingerprint(bytes));
  });

  test("pause() holds for readers too, and what is queued can still be read", async () => {
    const { port } = await nodeServer((socket) => {
      socket.write("one");
      setTimeout(() => socket.write("two"), 30);
    });
    const connection = ending(await connect(`tcp://127.0.0.1:${port}`));
    await until("one", () => connection.bytesRead === 3);
    connection.pause();
    expect(String(await connection.receive())).toBe("one");
    const next = connection.receive();
    await delay(80);
    expect(connection.bytesRead).toBe(3);
    connection.resume();
    expect(String(await next)).toBe("two");
  });

  test("a paused connection hears of a reset all the same", async () => {
    const { port } = await nodeServer((socket) => setTimeout(() => socket.resetAndDestroy(), 20));
    const connection = await connect(`tcp://127.0.0.1:${port}`, {
      open: (c) => void c.pause(),
      data: () => {},
    });
    expect((await connection.closed).error).toMatchObject({ code: "ECONNRESET" });
  });
});

describe("the data callback", () => {
  test("bytes are owned by default and may be kept", async () => {
    const chunks: Buffer[] = [];
    const listener = await serve({ data: (_c, bytes) => chunks.push(bytes) });
    const peer = await nodeClient({ port: listener.port });
    const bytes = pattern(400_000);
    for (let at = 0; at < bytes.length; at += 40_000) {
      peer.write(bytes.subarray(at, at + 40_000));
      await delay(1);
    }
    await until("all", () => chunks.reduce((sum, one) => sum + one.length, 0) === bytes.length);
    expect(fingerprint(Buffer.concat(chunks))).toBe(fingerprint(bytes));
  });

  test("with it receive() and for await throw at once", async () => {
    const { port } = await nodeServer(() => {});
    const connection = ending(await connect(`tcp://127.0.0.1:${port}`, { data: () => {} }));
    const refused = expect.objectContaining({ code: "ERR_INVALID_STATE" });
    expect(() => connection.receive()).toThrow(refused);
    expect(() => connection[Symbol.asyncIterator]()).toThrow(refused);
  });

  test("100 connections ready in one turn are one call into JavaScript", async () => {
    let received = 0;
    const accepted: Connection[] = [];
    const listener = await serve({ open: (c) => accepted.push(c), data: () => received++ });
    const peers = [];
    for (let i = 0; i < 100; i++) peers.push(await nodeClient({ port: listener.port }));
    await until("accepted", () => accepted.length === 100);
    await new Promise(setImmediate);
    const before = counters();
    for (const peer of peers) peer.write("x");
    // Another process, during which this one's loop stands: all bytes arrive.
    execFileSync("sleep", ["0.05"]);
    await until("received", () => received === 100);
    expect(counters().dispatches - before.dispatches).toBeLessThanOrEqual(2);
  });
});

describe("a pause in the turn of the end", () => {
  test("B15 holds the end until resume()", async () => {
    const calls: string[] = [];
    const over = deferred();
    const paused = deferred<Connection>();
    const listener = await serve({
      data: (connection) => {
        calls.push("data");
        connection.pause();
        paused.resolve(connection);
      },
      end: () => calls.push("end"),
      close: () => over.resolve(),
    });
    const peer = await nodeClient({ port: listener.port });
    peer.end("and that is all");
    const connection = await paused.promise;
    await delay(50);
    expect(calls).toEqual(["data"]);
    expect(connection.state).toBe("ready");
    connection.resume();
    await over.promise;
    expect(calls).toEqual(["data", "end"]);
  });
});
