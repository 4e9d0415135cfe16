// How connections end, against peers that nobody here wrote: Python's sockets, node:net, socat.
import { readFileSync, readlinkSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Connection, connect } from "../../lib/index.ts";
import { fingerprint, pattern } from "../support/bytes.ts";
import {
  afterTest,
  collectUncaught,
  deferred,
  delay,
  ending,
  nodeClient,
  nodeServer,
  python,
  readNode,
  serve,
  until,
} from "./support.ts";

describe("close()", () => {
  test("B18 delivers 20 MB that were queued, to a slow reader", async () => {
    const peer = python(`
l = socket.create_server(("127.0.0.1", 0)); say(l.getsockname()[1])
s, _ = l.accept()
s.send(b"unread by us")
h = hashlib.sha256(); n = 0
while True:
    data = s.recv(100000)
    if not data: break
    h.update(data); n += len(data)
    if n < 400000: time.sleep(0.01)
say(f"{n} bytes, sha256 {h.hexdigest()}")
`);
    const connection = await connect(`tcp://127.0.0.1:${await peer.line()}`);
    const bytes = pattern(20_000_000);
    connection.write(bytes);
    const result = await connection.close();
    expect(await peer.line()).toBe(fingerprint(bytes));
    expect(result.error).toBeNull();
    expect(result.initiator).toBe("local");
    expect(result.transfer.bytesHandedOver).toBe(bytes.length);
    expect(connection.state).toBe("closed");
  });

  test("B18 with bytes of the peer unread, all queued bytes arrive and no reset", async () => {
    const peer = python(`
l = socket.create_server(("127.0.0.1", 0)); say(l.getsockname()[1])
s, _ = l.accept(); s.sendall(b"x" * 64); hear()
try: say(len(read_all(s)))
except OSError as e: say(e)
`);
    const connection = await connect(`tcp://127.0.0.1:${await peer.line()}`);
    await connection.send(pattern(62_324));
    await delay(50);
    const closed = connection.close();
    peer.say("go");
    expect(await peer.line()).toBe("62324");
    expect((await closed).error).toBeNull();
  });

  test("closeTimeout bounds a peer that never ends, to within 100 ms", async () => {
    const { port } = await nodeServer(() => {}, { allowHalfOpen: true, pauseOnConnect: true });
    const states: string[] = [];
    const told = deferred<unknown>();
    const connection = await connect(`tcp://127.0.0.1:${port}`, {
      closeTimeout: 200,
      state: (_c, state) => states.push(state),
      close: (_c, error) => told.resolve(error),
    });
    const start = performance.now();
    const { error, initiator } = await connection.close();
    const took = performance.now() - start;
    expect(took).toBeGreaterThanOrEqual(195);
    expect(took).toBeLessThan(300);
    expect(error).toMatchObject({
      code: "ETIMEDOUT",
      reason: "CLOSE_TIMEOUT",
      phase: "close",
      port,
    });
    expect(await told.promise).toBe(error);
    expect(initiator).toBe("local");
    expect(connection.state).toBe("closed");
    expect(states.at(-1)).toBe("closed");
  });

  test("a peer that sends without end while we close is cut off after 64 MiB", async () => {
    const peer = python(`
l = socket.create_server(("127.0.0.1", 0)); say(l.getsockname()[1])
s, _ = l.accept()
try:
    while True: s.sendall(b"x" * 1000000)
except OSError as e: say(type(e).__name__)
`);
    const connection = await connect(`tcp://127.0.0.1:${await peer.line()}`);
    const { error } = await connection.close();
    expect(error).toMatchObject({ code: "ETIMEDOUT", reason: "CLOSE_TIMEOUT" });
    expect(await peer.line()).toMatch(/ConnectionResetError|BrokenPipeError/);
    expect(connection.bytesRead).toBeLessThan(64 * 1024 * 1024 + 2_000_000);
  });

  test("after close() no data is delivered, of that turn neither", async () => {
    const chunks: string[] = [];
    const peer = await nodeServer((socket) => socket.end("first"));
    const connection = await connect(`tcp://127.0.0.1:${peer.port}`, {
      open: (c) => void c.close(),
      data: (_c, bytes) => chunks.push(String(bytes)),
      end: () => chunks.push("end"),
    });
    expect((await connection.closed).error).toBeNull();
    expect(chunks).toEqual([]);
  });

  test("before start() nothing was opened, and it is closed", async () => {
    const { Connection } = await import("../../lib/index.ts");
    const connection = new Connection("tcp://127.0.0.1:9");
    expect((await connection.close()).error).toBeNull();
    expect(connection.state).toBe("closed");
    await expect(connection.ready).rejects.toMatchObject({ code: "ECANCELED" });
    expect(() => connection.start()).toThrow(/start/);
  });

  test("while connecting, what was written goes out first; open is not called", async () => {
    const received = deferred<Buffer>();
    const { port } = await nodeServer((socket) => void readNode(socket).then(received.resolve));
    const { Connection } = await import("../../lib/index.ts");
    const calls: string[] = [];
    const connection = new Connection(`tcp://127.0.0.1:${port}`, {
      open: () => calls.push("open"),
      close: () => calls.push("close"),
    });
    connection.start();
    const early = pattern(100_000);
    connection.write("hello ");
    connection.write(early);
    expect((await connection.close()).error).toBeNull();
    expect(fingerprint(await received.promise)).toBe(
      fingerprint(Buffer.concat([Buffer.from("hello "), early])),
    );
    expect(calls).toEqual([]);
  });
});

describe("abort()", () => {
  test("B19 sends RST and frees the descriptor in the same turn", async () => {
    const peer = python(`
l = socket.create_server(("127.0.0.1", 0)); say(l.getsockname()[1])
s, _ = l.accept()
try: say(len(read_all(s)))
except OSError as e: say(type(e).__name__)
`);
    const connection = await connect(`tcp://127.0.0.1:${await peer.line()}`);
    const { fd } = connection;
    const inode = readlinkSync(`/proc/self/fd/${fd}`);
    connection.abort();
    // This runs in a turn of the reactor, which is over when the microtasks are.
    await new Promise(setImmediate);
    expect(connection.fd).toBe(-1);
    expect(descriptorLink(fd)).not.toBe(inode);
    expect(await peer.line()).toBe("ConnectionResetError");
    expect((await connection.closed).error).toBeNull();
  });

  test("B19 in a callback of the turn, too", async () => {
    const reset = deferred<unknown>();
    const listener = await serve({ data: (c) => c.abort() });
    const peer = await nodeClient({ port: listener.port });
    peer.on("error", reset.resolve);
    peer.write("x");
    expect(await reset.promise).toMatchObject({ code: "ECONNRESET" });
  });
});

describe("settling", () => {
  test("B20 receives and sends settle before the end is told, with ECANCELED on close", async () => {
    const { port } = await nodeServer((socket) => socket.pause(), { pauseOnConnect: true });
    const order: string[] = [];
    const note = (what: string) => (error: { code: string }) => order.push(`${what} ${error.code}`);
    const connection = await connect(`tcp://127.0.0.1:${port}`, {
      closeTimeout: 100,
      close: () => order.push("close"),
      state: (_c, state) => order.push(state),
    });
    const received = connection.receive().catch(note("receive"));
    const sent = connection.send(pattern(20_000_000)).catch(note("send"));
    const closed = connection.close().then(() => order.push("closed promise"));
    await Promise.all([received, sent, closed]);
    const last = ["receive ECANCELED", "send ECANCELED", "closed", "close", "closed promise"];
    expect(order.slice(-last.length)).toEqual(last);
    expect(order.slice(0, -last.length)).toEqual(["preparing", "ready", "closing"]);
  });

  test("B20 they settle with the failure itself, and close is told the same error last", async () => {
    const peer = python(`
l = socket.create_server(("127.0.0.1", 0)); say(l.getsockname()[1])
s, _ = l.accept(); hear(); reset(s)
`);
    const order: unknown[] = [];
    const connection = await connect(`tcp://127.0.0.1:${await peer.line()}`, {
      close: (_c, error) => order.push("close", error),
    });
    const received = connection.receive().catch((error) => order.push(error));
    const sent = connection.send(pattern(20_000_000)).catch((error) => order.push(error));
    peer.say("reset");
    await Promise.all([received, sent]);
    const { error, initiator } = await connection.closed;
    expect(error).toMatchObject({ code: "ECONNRESET", phase: "open" });
    expect(initiator).toBe("peer");
    expect(order.length).toBe(4);
    expect(order.indexOf("close")).toBe(2);
    for (const one of order) expect([error, "close"]).toContain(one);
    expect(connection.stateReason).toBe(error);
    await expect(connection.send("x")).rejects.toBe(error);
    await expect(connection.receive()).rejects.toBe(error);
    expect(connection.state).toBe("failed");
  });

  test("B20 rejections that nobody looks at are not unhandled", async () => {
    await collectUncaught(async (errors) => {
      const { port } = await nodeServer((socket) => socket.resetAndDestroy());
      const connection = ending(await connect(`tcp://127.0.0.1:${port}`));
      void connection.receive();
      void connection.send(pattern(5_000_000));
      void connection.shutdown();
      await connection.closed;
      void connection.send("x");
      void connection.receive();
      await delay(50);
      expect(errors).toEqual([]);
    });
  });

  test("B22 data that came before a reset is delivered before the error", async () => {
    const peer = python(`
l = socket.create_server(("127.0.0.1", 0)); say(l.getsockname()[1])
s, _ = l.accept(); s.sendall(b"y" * 100000); hear(); reset(s); say("reset")
`);
    const connection = await connect(`tcp://127.0.0.1:${await peer.line()}`);
    await until(
      "all is in our kernel",
      () => unread(connection) === 100_000 || !!connection.bytesRead,
    );
    peer.say("go");
    await peer.line();
    let bytes = 0;
    await expect(
      (async () => {
        for await (const chunk of connection) bytes += chunk.length;
      })(),
    ).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(bytes).toBe(100_000);
  });

  test("B22 with the data callback and pause(), what is held comes before the failure", async () => {
    const peer = python(`
l = socket.create_server(("127.0.0.1", 0)); say(l.getsockname()[1])
s, _ = l.accept(); s.sendall(b"y" * 1000); hear(); reset(s)
`);
    const calls: string[] = [];
    const connection = await connect(`tcp://127.0.0.1:${await peer.line()}`, {
      open: (c) => void c.pause(),
      data: (_c, bytes) => calls.push(`data ${bytes.length}`),
      close: (_c, error) => calls.push(`close ${error?.code}`),
    });
    await delay(30);
    peer.say("reset");
    await until("the failure is known", () => connection.state === "failed");
    await delay(30);
    expect(calls).toEqual([]);
    connection.resume();
    await connection.closed;
    expect(calls).toEqual(["data 1000", "close ECONNRESET"]);
  });

  test("B22 whoever never resumes does not keep the failure from being told", async () => {
    const { port } = await nodeServer((socket) => {
      socket.write("held");
      setTimeout(() => socket.resetAndDestroy(), 30);
    });
    const calls: string[] = [];
    const connection = await connect(`tcp://127.0.0.1:${port}`, {
      closeTimeout: 100,
      open: (c) => void c.pause(),
      data: () => calls.push("data"),
      close: (_c, error) => calls.push(`close ${error?.code}`),
    });
    await connection.closed;
    expect(calls).toEqual(["close ECONNRESET"]);
    connection.resume();
    await delay(20);
    expect(calls).toEqual(["close ECONNRESET"]);
  });
});

test("idleTimeout fails an idle connection to within 100 ms, and traffic puts it off", async () => {
  const { port } = await nodeServer((socket) => socket.pipe(socket));
  const connection = await connect(`tcp://127.0.0.1:${port}`, { idleTimeout: 200, data: () => {} });
  const timer = setInterval(() => connection.write("x"), 50);
  afterTest(() => clearInterval(timer));
  await delay(400);
  expect(connection.state).toBe("ready");
  clearInterval(timer);
  const start = performance.now();
  const { error, initiator } = await connection.closed;
  const took = performance.now() - start;
  expect(error).toMatchObject({ code: "ETIMEDOUT", reason: "IDLE_TIMEOUT", port, phase: "open" });
  expect(initiator).toBe("local");
  expect(connection.state).toBe("failed");
  expect(took).toBeGreaterThan(100);
  expect(took).toBeLessThan(310);
});

test("idleTimeout is over while a write only waits", async () => {
  const { port } = await nodeServer((socket) => socket.pause(), { pauseOnConnect: true });
  const connection = await connect(`tcp://127.0.0.1:${port}`, { idleTimeout: 200 });
  connection.write(pattern(20_000_000));
  const timer = setInterval(() => connection.write("more"), 20);
  afterTest(() => clearInterval(timer));
  expect((await connection.closed).error).toMatchObject({ reason: "IDLE_TIMEOUT" });
});

function descriptorLink(fd: number): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null;
  }
}

/** Bytes in the kernel's receive buffer, from /proc/net/tcp. */
function unread(connection: Connection): number {
  const port = connection.localPort?.toString(16).toUpperCase().padStart(4, "0");
  const row = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .find(
      (line) => line.includes(`:${port} `) && line.trim().split(/\s+/)[1]?.endsWith(`:${port}`),
    );
  const queues = row?.trim().split(/\s+/)[4] ?? "0:0";
  return Number.parseInt(queues.split(":")[1] ?? "0", 16);
}

describe("the peer ends and then goes", () => {
  test.each([false, true])(
    "what is sent fails at once, allowHalfOpen %s",
    async (allowHalfOpen) => {
      const closed = deferred<unknown>();
      const sending = deferred<{ connection: Connection; last: Promise<void> }>();
      const listener = await serve({
        allowHalfOpen,
        data: () => {},
        end: (connection) => {
          connection.write(Buffer.alloc(16_000_000));
          sending.resolve({ connection, last: connection.send(Buffer.alloc(5_000)) });
        },
        close: (_connection, error) => closed.resolve(error),
      });
      const peer = await nodeClient({ port: listener.port, allowHalfOpen: true });
      peer.pause();
      peer.end("request");
      const { connection, last } = await sending.promise;
      await until("some has left", () => connection.bufferedAmount < 16_005_000);
      peer.resetAndDestroy();
      const code = expect.stringMatching(/^(EPIPE|ECONNRESET)$/);
      await expect(last).rejects.toMatchObject({ code });
      expect(await closed.promise).toMatchObject({ code, syscall: "write" });
    },
  );
});

describe("a failure behind what a paused reader has not taken", () => {
  test.each(["close", "abort"] as const)("is told at once after %s()", async (method) => {
    const opened = deferred<Connection>();
    const closed = deferred<unknown>();
    const listener = await serve({
      open: (connection) => opened.resolve(connection),
      data: (connection) => {
        connection.pause();
      },
      close: (_connection, error) => closed.resolve(error),
    });
    const peer = await nodeClient({ port: listener.port });
    const connection = await opened.promise;
    peer.write(Buffer.alloc(300_000));
    await until("paused", () => connection.isPaused);
    peer.resetAndDestroy();
    await until("failed", () => connection.state === "failed");
    connection[method]();
    expect(await closed.promise).toMatchObject({ code: "ECONNRESET" });
  });
});
