// The sending half: marks, drain, what is copied and what is kept, how many system calls it takes.
import { describe, expect, test } from "vitest";
import { DRAINS_PER_ITERATION_COUNT } from "../../lib/core/limits.ts";
import { Connection, connect, counters } from "../../lib/index.ts";
import { fingerprint, pattern } from "../support/bytes.ts";
import {
  deferred,
  delay,
  ending,
  nodeClient,
  nodeServer,
  ownProcess,
  readNode,
  serve,
  until,
} from "./support.ts";

/** A connection to a server that reads only when it is told to. */
async function toSilent(options = {}): Promise<{ connection: Connection; read: () => void }> {
  const sockets: import("node:net").Socket[] = [];
  const { port } = await nodeServer((socket) => sockets.push(socket), { pauseOnConnect: true });
  const connection = ending(await connect(`tcp://127.0.0.1:${port}`, options));
  await until("accepted", () => sockets.length > 0);
  return { connection, read: () => sockets[0]?.resume() };
}

describe("marks", () => {
  test("write is false above the mark, and drain comes once at half of it", async () => {
    const drains: number[] = [];
    const { connection, read } = await toSilent({
      sendHighWaterMark: 100_000,
      drain: (c: Connection) => drains.push(c.bufferedAmount),
    });
    const chunk = pattern(500_000);
    // What the kernels take is no business of the mark.
    while (connection.write(chunk)) await delay(1);
    expect(connection.writableNeedDrain).toBe(true);
    expect(connection.bufferedAmount).toBeGreaterThan(100_000);
    expect(connection.write("more")).toBe(false);
    expect(drains).toEqual([]);
    read();
    await until("drain", () => drains.length > 0);
    expect(drains).toEqual([expect.any(Number)]);
    expect(drains[0]).toBeLessThanOrEqual(50_000);
    expect(connection.writableNeedDrain).toBe(false);
    expect(connection.write("more")).toBe(true);
  });

  test("drain is not called inside a write of the application's own", async () => {
    const inside: boolean[] = [];
    let isWriting = false;
    const { port } = await nodeServer((socket) => socket.resume());
    const drained = deferred();
    const connection = ending(
      await connect(`tcp://127.0.0.1:${port}`, {
        sendHighWaterMark: 10,
        drain: () => {
          inside.push(isWriting);
          drained.resolve();
        },
      }),
    );
    isWriting = true;
    // More than the area of small sends holds, so that writes flush in between.
    for (let i = 0; i < 200; i++) connection.write(Buffer.alloc(4_000));
    isWriting = false;
    await drained.promise;
    expect(inside).toEqual([false]);
  });

  test("who writes again at each drain does not keep the loop from turning", async () => {
    let drains = 0;
    const turned = deferred<number>();
    const { connection } = await toSilent({
      sendHighWaterMark: 10,
      drain(c: Connection) {
        drains++;
        c.write("more than the mark");
      },
    });
    connection.write("more than the mark");
    setImmediate(() => turned.resolve(drains));
    // The peer's and our own kernel take thousands of these before anything waits.
    expect(await turned.promise).toBeLessThanOrEqual(2 * DRAINS_PER_ITERATION_COUNT);
    await until("further drains", () => drains > 10 * DRAINS_PER_ITERATION_COUNT);
  });

  test("B23 a producer that awaits its sends grows by the mark and one chunk at most", async () => {
    const { connection } = await toSilent({ sendHighWaterMark: 50_000 });
    const chunk = pattern(10_000);
    let most = 0;
    for (;;) {
      const sent = connection.send(chunk);
      most = Math.max(most, connection.bufferedAmount);
      if ((await Promise.race([sent, delay(150).then(() => "stuck")])) === "stuck") break;
    }
    expect(most).toBeLessThanOrEqual(60_000);
  });

  test("B23 resident memory stays where it is, too", async () => {
    const { port } = await nodeServer((socket) => socket.pause(), { pauseOnConnect: true });
    const peer = ownProcess(`
      const connection = await connect("tcp://127.0.0.1:${port}", { sendHighWaterMark: 65536 });
      const chunk = Buffer.alloc(4000, 1);
      let sent = 0;
      (async () => { for (;;) { await connection.send(chunk); sent++; } })();
      let before = -1;
      while (before !== sent) { before = sent; await new Promise((r) => setTimeout(r, 300)); }
      say(connection.bufferedAmount, sent * chunk.length);
      process.exit(0);`);
    const [buffered = "", sent = ""] = (await peer.line()).split(" ");
    expect(Number(buffered)).toBeLessThanOrEqual(65_536 + 4_000);
    // Everything else is in the kernels' buffers.
    expect(Number(sent)).toBeGreaterThan(65_536);
  });

  test("B23 a kept payload resolves no sooner than the kernel has its last byte", async () => {
    const { connection, read } = await toSilent();
    let isSent = false;
    const sent = connection.send(pattern(20_000_000)).then(() => {
      isSent = true;
    });
    await delay(100);
    expect(isSent).toBe(false);
    expect(connection.bufferedAmount).toBeGreaterThan(0);
    read();
    await sent;
    expect(connection.bufferedAmount).toBe(0);
  });

  test("a signal stops the waiting for a send, and its bytes stay in the stream", async () => {
    const received = deferred<Buffer>();
    const { port } = await nodeServer(
      (socket) => setTimeout(() => void readNode(socket).then(received.resolve), 100),
      { pauseOnConnect: false },
    );
    const connection = await connect(`tcp://127.0.0.1:${port}`);
    const stop = new AbortController();
    const bytes = pattern(20_000_000);
    const sent = connection.send(bytes, { signal: stop.signal });
    stop.abort(new Error("no patience"));
    await expect(sent).rejects.toThrow("no patience");
    void connection.close();
    expect(fingerprint(await received.promise)).toBe(fingerprint(bytes));
  });
});

describe("one turn", () => {
  test("B25 what is sent in one turn to one connection leaves in one system call", async () => {
    const received = deferred<Buffer>();
    const { port } = await nodeServer((socket) => void readNode(socket).then(received.resolve));
    const connection = await connect(`tcp://127.0.0.1:${port}`);
    await new Promise(setImmediate);
    const before = counters();
    for (let i = 0; i < 50; i++) connection.write(`line ${i}\n`);
    connection.write(pattern(10_000));
    await connection.send("the end");
    await new Promise(setImmediate);
    const after = counters();
    expect(after.sends - before.sends).toBe(1);
    expect(after.flushes - before.flushes).toBe(1);
    void connection.close();
    expect((await received.promise).length).toBe(10 * 7 + 40 * 8 + 10_000 + 7);
  });

  test("B25 many connections share one crossing into native code", async () => {
    const accepted: Connection[] = [];
    const listener = await serve({ open: (c) => accepted.push(c) });
    for (let i = 0; i < 40; i++) await nodeClient({ port: listener.port });
    await until("all are there", () => accepted.length === 40);
    await new Promise(setImmediate);
    const before = counters();
    for (const connection of accepted) connection.write("hello");
    await new Promise(setImmediate);
    const after = counters();
    expect(after.flushes - before.flushes).toBe(1);
    expect(after.sends - before.sends).toBe(40);
  });

  test("a timer is not starved by a loop of sends that are done at once", async () => {
    const { port } = await nodeServer((socket) => socket.resume());
    const connection = ending(await connect(`tcp://127.0.0.1:${port}`));
    for (const size of [10, 6_000]) {
      const delays: number[] = [];
      // Other work on the machine may come in between; the fastest of some shows the rule.
      for (let turn = 0; turn < 5; turn++) {
        let isOver = false;
        const start = performance.now();
        const timer = delay(10).then(() => {
          isOver = true;
          delays.push(performance.now() - start);
        });
        const chunk = Buffer.alloc(size);
        while (!isOver) await connection.send(chunk);
        await timer;
      }
      expect(Math.min(...delays)).toBeLessThan(50);
    }
  });
});

describe("before the connection is there", () => {
  test("writes queue, write says when the mark is passed, drain follows", async () => {
    const received = deferred<Buffer>();
    const { port } = await nodeServer((socket) => void readNode(socket).then(received.resolve));
    const drained = deferred();
    const connection = new Connection(`tcp://127.0.0.1:${port}`, {
      sendHighWaterMark: 10_000,
      drain: () => drained.resolve(),
    });
    expect(connection.write("setup ")).toBe(true);
    connection.start();
    const large = pattern(20_000);
    let isSent = false;
    const sent = connection.send(large).then(() => {
      isSent = true;
    });
    expect(connection.writableNeedDrain).toBe(true);
    expect(connection.bufferedAmount).toBe(20_006);
    expect(connection.bytesWritten).toBe(20_006);
    await null;
    expect(isSent).toBe(false);
    await drained.promise;
    await sent;
    await connection.close();
    expect(fingerprint(await received.promise)).toBe(
      fingerprint(Buffer.concat([Buffer.from("setup "), large])),
    );
  });

  test("lent memory that is written to a connection still connecting is copied", async () => {
    const received = deferred<Buffer>();
    const upstream = await nodeServer((socket) => void readNode(socket).then(received.resolve));
    const proxied = deferred<Connection>();
    const listener = await serve({
      lend: true,
      open: (c) => {
        c.data = new Connection(`tcp://127.0.0.1:${upstream.port}`).start();
        proxied.resolve(c.data as Connection);
      },
      data: (c, bytes) => void (c.data as Connection).write(bytes),
      end: (c) => void (c.data as Connection).close(),
    });
    const peer = await nodeClient({ port: listener.port });
    const bytes = pattern(300_000);
    peer.end(bytes);
    expect(fingerprint(await received.promise)).toBe(fingerprint(bytes));
  });

  test("a failure rejects what was queued, with that failure", async () => {
    const { server, port } = await nodeServer(() => {});
    server.close();
    const connection = new Connection(`tcp://127.0.0.1:${port}`, { sendHighWaterMark: 10 });
    connection.start();
    const small = connection.send("more than ten bytes");
    const large = connection.send(pattern(10_000));
    const error = await connection.ready.catch((reason) => reason);
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
    await expect(small).rejects.toBe(error);
    await expect(large).rejects.toBe(error);
    await expect(connection.receive()).rejects.toBe(error);
  });
});

test("shutdown() resolves when all is handed over, and rejects when it cannot be", async () => {
  const { connection } = await toSilent();
  connection.write(pattern(20_000_000));
  const shut = connection.shutdown();
  let isShut = false;
  shut.then(
    () => {
      isShut = true;
    },
    () => {},
  );
  await delay(50);
  expect(isShut).toBe(false);
  connection.abort();
  await expect(shut).rejects.toMatchObject({ code: "ECANCELED" });
});

test("a write that meets a reset is told as the failure of the connection", async () => {
  const { port } = await nodeServer((socket) => setTimeout(() => socket.resetAndDestroy(), 20));
  const errors: unknown[] = [];
  const connection = await connect(`tcp://127.0.0.1:${port}`, {
    close: (_c, error) => errors.push(error),
  });
  connection.pause();
  await delay(60);
  for (let i = 0; i < 3; i++) connection.write("into the void");
  const sent = connection.send(pattern(10_000));
  const { error } = await connection.closed;
  expect(error?.code).toMatch(/ECONNRESET|EPIPE/);
  expect(errors).toEqual([error]);
  await expect(sent).rejects.toBe(error);
});

describe("memory that goes while it waits", () => {
  /** A connection whose socket buffers are full. */
  async function blocked(): Promise<{ connection: Connection; read: () => void }> {
    const made = await toSilent();
    made.connection.write(Buffer.alloc(16_000_000));
    await until("blocked", () => made.connection.bufferedAmount < 16_000_000);
    return made;
  }

  test.each([0, 6_000])("fails the connection, with %i bytes behind it", async (behind) => {
    const { connection, read } = await blocked();
    const gone = new Uint8Array(1_000_000);
    const sent = connection.send(gone);
    if (behind > 0) connection.write(Buffer.alloc(behind));
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    read();
    await expect(sent).rejects.toMatchObject({ code: "EFAULT" });
    expect((await connection.closed).error).toMatchObject({ code: "EFAULT", syscall: "write" });
    expect(connection.state).toBe("failed");
  });

  test("fails the connection when it goes before the first flush", async () => {
    const { connection } = await toSilent();
    const gone = new Uint8Array(100_000);
    const sent = connection.send(gone);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    await expect(sent).rejects.toMatchObject({ code: "EFAULT" });
    expect((await connection.closed).error).toMatchObject({ code: "EFAULT" });
  });

  test("fails the connection when it goes behind more than one look of the first flush", async () => {
    const { connection, read } = await toSilent();
    const parts = Array.from({ length: 100 }, () => new Uint8Array(100_000));
    const sent = parts.map((part) => connection.send(part)).at(-1);
    const gone = parts.at(-1) as Uint8Array<ArrayBuffer>;
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    await until("blocked", () => connection.bufferedAmount < 10_000_000);
    read();
    await expect(sent).rejects.toMatchObject({ code: "EFAULT" });
    expect((await connection.closed).error).toMatchObject({ code: "EFAULT", syscall: "write" });
  });

  test("fails the connection when it goes before there is one", async () => {
    const { port } = await nodeServer((socket) => socket.resume());
    const connection = ending(new Connection(`tcp://127.0.0.1:${port}`));
    const gone = new Uint8Array(10_000);
    connection.write(gone);
    connection.start();
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(connection.bufferedAmount).toBe(10_000);
    expect((await connection.closed).error).toMatchObject({ code: "EFAULT" });
  });

  test("a buffer whose length needs more than 31 bits arrives as far as it is read", async () => {
    let bytes = 0;
    const { port } = await nodeServer((socket) => socket.on("data", (b) => (bytes += b.length)));
    const connection = ending(await connect(`tcp://127.0.0.1:${port}`));
    // Its pages are those of one zero: nothing is ever written there.
    connection.write(new Uint8Array(2 ** 32 - 16));
    await until("some of it has arrived", () => bytes > 1_000_000);
    expect(connection.bytesWritten).toBe(2 ** 32 - 16);
    expect(connection.state).toBe("ready");
  });
});
