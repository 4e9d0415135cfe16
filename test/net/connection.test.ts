// What a connection says of itself: callbacks in order, addresses, options, counters, errors.
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { type Connection, Connection as Constructed, connect } from "../../lib/index.ts";
import { pattern } from "../support/bytes.ts";
import {
  deferred,
  delay,
  ending,
  nodeServer,
  ownProcess,
  python,
  serve,
  until,
} from "./support.ts";

describe("callbacks", () => {
  test("open is first, close is last, each once, on both sides", async () => {
    const calls: string[] = [];
    const over = deferred();
    const note = (side: string) => ({
      open: () => void calls.push(`${side} open`),
      data: (c: Connection, bytes: Buffer) => {
        calls.push(`${side} data ${bytes}`);
        if (side === "server") c.write("pong");
        else void c.close();
      },
      end: () => void calls.push(`${side} end`),
      close: (_c: Connection, error: unknown) => {
        calls.push(`${side} close ${error}`);
        if (side === "server") over.resolve();
      },
    });
    const listener = await serve(note("server"));
    const connection = await connect(`tcp://127.0.0.1:${listener.port}`, note("client"));
    connection.write("ping");
    await connection.closed;
    await over.promise;
    expect(calls.filter((one) => one.startsWith("client"))).toEqual([
      "client open",
      "client data pong",
      "client close null",
    ]);
    expect(calls.filter((one) => one.startsWith("server"))).toEqual([
      "server open",
      "server data ping",
      "server end",
      "server close null",
    ]);
  });

  test("no close without open", async () => {
    const calls: string[] = [];
    const connection = new Constructed("tcp://127.0.0.1:1", {
      open: () => calls.push("open"),
      close: () => calls.push("close"),
    }).start();
    expect((await connection.closed).error).toMatchObject({ code: "ECONNREFUSED" });
    expect(calls).toEqual([]);
  });

  test("none runs inside a call that the application makes", async () => {
    const calls: string[] = [];
    let inside = "";
    const note = (what: string) => () => void calls.push(`${what} in ${inside || "none"}`);
    const { port } = await nodeServer((socket) => socket.pipe(socket));
    const within = <T>(name: string, call: () => T): T => {
      inside = name;
      const result = call();
      inside = "";
      return result;
    };
    const connection = within(
      "constructor",
      () =>
        new Constructed(`tcp://127.0.0.1:${port}`, {
          sendHighWaterMark: 1,
          open: note("open"),
          data: note("data"),
          drain: note("drain"),
          end: note("end"),
          close: note("close"),
          state: note("state"),
        }),
    );
    within("start", () => connection.start());
    await connection.ready;
    within("write", () => connection.write(pattern(300_000)));
    within("pause", () => connection.pause());
    await delay(20);
    within("resume", () => connection.resume());
    await delay(20);
    within("close", () => void connection.close());
    within("abort", () => connection.abort());
    await connection.closed;
    expect(calls.length).toBeGreaterThan(5);
    for (const call of calls) expect(call).toMatch(/ in none$/);
  });
});

describe("what it says of itself", () => {
  test("addresses of both ends, and none when it is over", async () => {
    const opened = deferred<Connection>();
    const listener = await serve({ open: opened.resolve });
    const near = ending(await connect(`tcp://127.0.0.1:${listener.port}`));
    const far = await opened.promise;
    expect([near.remoteAddress, near.remotePort, near.remoteFamily]).toEqual([
      "127.0.0.1",
      listener.port,
      "IPv4",
    ]);
    expect([far.remoteAddress, far.remotePort]).toEqual([near.localAddress, near.localPort]);
    expect([far.localPort, far.localFamily, far.transport]).toEqual([listener.port, "IPv4", "tcp"]);
    expect(near.fd).toBeGreaterThan(2);
    near.abort();
    await near.closed;
    expect([near.fd, near.localPort, near.info()]).toEqual([-1, undefined, null]);
  });

  test("B7 options are those in force, in the form in which they are written; and frozen", async () => {
    const { port } = await nodeServer(() => {});
    const connection = ending(
      await connect(`tcp://127.0.0.1:${port}`, {
        keepAlive: { idle: 1_500 },
        localAddress: "127.0.0.1",
        socketOptions: { TCP_NOTSENT_LOWAT: 16_384 },
        data() {},
      }),
    );
    const { options } = connection;
    expect(options).toMatchObject({
      noDelay: true,
      keepAlive: { idle: 2_000, interval: 10_000, count: 3 },
      localAddress: "127.0.0.1",
      closeTimeout: 30_000,
      allowHalfOpen: false,
      socketOptions: { TCP_NOTSENT_LOWAT: 16_384 },
      data: expect.any(Function),
    });
    expect(connection.options).toBe(options);
    // What it says can be said again.
    new Constructed(`tcp://127.0.0.1:${port}`, options);
    const writable = options as { noDelay: boolean; keepAlive: { idle: number } };
    expect(() => {
      writable.noDelay = false;
    }).toThrow(TypeError);
    expect(() => {
      writable.keepAlive.idle = 1;
    }).toThrow(TypeError);
    expect(() => {
      (connection as { options: unknown }).options = {};
    }).toThrow(TypeError);
  });

  test("counts bytes both ways, and reports them when it is over", async () => {
    const { port } = await nodeServer((socket) => {
      socket.once("data", () => setTimeout(() => socket.end("12345"), 60));
    });
    const connection = await connect(`tcp://127.0.0.1:${port}`);
    await connection.send(pattern(10_000));
    expect(String(await connection.receive({ min: 5 }))).toBe("12345");
    expect([connection.bytesWritten, connection.bytesRead]).toEqual([10_000, 5]);
    expect(connection.info()?.state).toBeDefined();
    const { transfer } = await connection.close();
    expect(transfer).toMatchObject({
      bytesRead: 5,
      bytesHandedOver: 10_000,
      bytesAcknowledged: 10_000,
    });
    expect(transfer.durationMs).toBeGreaterThanOrEqual(55);
    expect(transfer.durationMs).toBeLessThan(2_000);
    expect(transfer.segmentsSent).toBeGreaterThan(0);
    await delay(30);
    expect(connection.transferReport()).toEqual(transfer);
  });

  test("an accepted one has a report of its own", async () => {
    const opened = deferred<Connection>();
    const listener = await serve({ open: opened.resolve });
    const before = Date.now();
    ending(await connect(`tcp://127.0.0.1:${listener.port}`));
    const { establishmentReport } = await opened.promise;
    expect(establishmentReport).toMatchObject({
      durationMs: 0,
      phases: [],
      attempts: [],
      waits: 0,
    });
    expect(Math.abs((establishmentReport?.startedAtMs ?? 0) - before)).toBeLessThan(1_000);
  });

  test("console.log shows what one wants to know", async () => {
    const { port } = await nodeServer(() => {});
    const connection = ending(await connect<string>(`tcp://127.0.0.1:${port}`));
    connection.data = "mine";
    const text = inspect(connection);
    expect(text).toMatch(/^Connection \{/);
    expect(text).toContain("state: 'ready'");
    expect(text).toContain(`remotePort: ${port}`);
    expect(text).toContain("data: 'mine'");
    expect(text).not.toContain("flags");
  });

  test("each connection gets its own policy, whatever the one before asked for", async () => {
    const { port } = await nodeServer((socket) => socket.resume());
    for (const [noDelay, idle] of [
      [true, 60],
      [false, 60],
      [false, 7],
      [true, 7],
      [true, 60],
    ] as const) {
      const keepAlive = { idle: idle * 1_000 };
      const one = ending(await connect(`tcp://127.0.0.1:${port}`, { noDelay, keepAlive }));
      expect(one.getOption("TCP_NODELAY")).toBe(noDelay);
      if (process.platform === "linux") expect(one.getOption("TCP_KEEPIDLE")).toBe(idle);
      const plain = ending(await connect(`tcp://127.0.0.1:${port}`, { keepAlive: false }));
      expect([plain.getOption("TCP_NODELAY"), plain.getOption("SO_KEEPALIVE")]).toEqual([
        true,
        false,
      ]);
    }
  });

  test("raw options are read and set, and wrong ones refused", async () => {
    const { port } = await nodeServer(() => {});
    const connection = ending(await connect(`tcp://127.0.0.1:${port}`));
    connection.setOption("TCP_NODELAY", false);
    expect(connection.getOption("TCP_NODELAY")).toBe(false);
    expect(() => connection.getOption("TCP_NODELAI" as never)).toThrow(/TCP_NODELAY/);
    connection.abort();
    await connection.closed;
    expect(() => connection.getOption("TCP_NODELAY")).toThrow(/EBADF/);
  });

  test("unref() lets the process end, a ready connection keeps it", async () => {
    const { port } = await nodeServer((socket) => setTimeout(() => socket.end("bye"), 300));
    const free = ownProcess(`
      (await connect("tcp://127.0.0.1:${port}")).unref(); say("free");`);
    const kept = ownProcess(`
      await connect("tcp://127.0.0.1:${port}", { data(_c, bytes) { say(String(bytes)); } });`);
    expect(await free.line()).toBe("free");
    expect(await free.exit).toBe(0);
    expect(await kept.line()).toBe("bye");
    expect(await kept.exit).toBe(0);
  });
});

describe("errors", () => {
  test("B26 B54 a failure says where it was and how far the bytes came", async () => {
    const peer = python(`
l = socket.create_server(("127.0.0.1", 0)); say(l.getsockname()[1])
s, _ = l.accept(); s.recv(100000); hear(); reset(s)
`);
    const port = Number(await peer.line());
    const connection = await connect(`tcp://127.0.0.1:${port}`);
    const { localPort } = connection;
    const sent = connection.send(pattern(20_000_000));
    sent.catch(() => {});
    // Until nothing moves any more.
    for (let before = -1; before !== connection.bufferedAmount; await delay(50)) {
      before = connection.bufferedAmount;
    }
    const handedOver = connection.bytesWritten - connection.bufferedAmount;
    const counted = connection.info()?.bytesAcknowledged ?? 0;
    peer.say("reset");
    const { error, transfer } = await connection.closed;
    expect(error).toMatchObject({
      name: "HawserError",
      code: "ECONNRESET",
      errno: expect.any(Number),
      syscall: expect.stringMatching(/read|write/),
      address: "127.0.0.1",
      port,
      localAddress: "127.0.0.1",
      localPort,
      phase: "open",
    });
    // The kernel's count has the SYN in it.
    expect(error?.bytes).toEqual({
      handedOver,
      acknowledged: counted - 1,
      unacknowledged: handedOver - counted + 1,
    });
    expect(error?.bytes?.unacknowledged).toBeGreaterThan(0);
    expect(transfer.bytesHandedOver).toBe(handedOver);
  });

  test("B26 an accepted connection counts exactly, too", async () => {
    const opened = deferred<Connection>();
    const listener = await serve({ open: opened.resolve });
    const peer = python(
      `s = socket.create_connection(("127.0.0.1", int(sys.argv[1]))); hear(); reset(s)`,
      listener.port,
    );
    const connection = await opened.promise;
    await connection.send("12345");
    await until("acknowledged", () => connection.info()?.bytesAcknowledged === 5);
    peer.say("reset");
    expect((await connection.closed).error?.bytes).toEqual({
      handedOver: 5,
      acknowledged: 5,
      unacknowledged: 0,
    });
  });

  test("wrong arguments are told at once, with Node's codes", () => {
    const make = (endpoint: unknown, options?: unknown) => () =>
      new Constructed(endpoint as never, options as never);
    expect(make("tcp://127.0.0.1")).toThrow(TypeError);
    expect(make("tcp://127.0.0.1:70000")).toThrow(/port/);
    expect(make("tcp://127.0.0.1:1", { connectTimout: 1 })).toThrow(/connectTimeout/);
    expect(make("tcp://127.0.0.1:1", { keepAlive: { idle: 60 } })).toThrow(RangeError);
    expect(make("tcp://127.0.0.1:1", { lend: true })).toThrow(/data/);
  });
});

describe("the constructor", () => {
  test.each([
    "ws://127.0.0.1:1/",
    "wss://127.0.0.1/",
    "ws+unix:/run/app.sock:/",
    "udp://127.0.0.1:1",
  ])("%s is a TypeError, and never bare TCP", (url) => {
    const wrong = expect.objectContaining({ name: "TypeError", code: "ERR_INVALID_ARG_VALUE" });
    expect(() => new Constructed(url as never)).toThrow(wrong);
    if (!url.startsWith("ws+")) expect(() => new Constructed(new URL(url))).toThrow(wrong);
  });
});
