// Listeners: how many come in, what happens without descriptors, handlers, and a graceful end.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import net from "node:net";
import { describe, expect, test } from "vitest";
import { type Connection, connect, counters, type HawserError, listen } from "../../lib/index.ts";
import {
  afterTest,
  closing,
  collectUncaught,
  deferred,
  delay,
  nodeClient,
  ownProcess,
  python,
  readNode,
  serve,
  until,
} from "./support.ts";

describe("admission", () => {
  test("B27 newConnectionLimit delivers exactly that many, until it is raised", async () => {
    const opened: Connection[] = [];
    const listener = await serve({ newConnectionLimit: 3, open: (c) => opened.push(c) });
    const peers = await Promise.all(
      Array.from({ length: 8 }, () => nodeClient({ port: listener.port })),
    );
    await until("three", () => opened.length === 3);
    await delay(50);
    expect(opened.length).toBe(3);
    expect(listener.newConnectionLimit).toBe(0);
    listener.newConnectionLimit = 2;
    await until("five", () => opened.length === 5);
    await delay(50);
    expect(opened.length).toBe(5);
    listener.newConnectionLimit = Number.POSITIVE_INFINITY;
    await until("all", () => opened.length === 8);
    expect(peers.length).toBe(listener.counters.accepted);
  });

  test("B27 a limit that is lowered in a handler holds in the same turn", async () => {
    const opened: Connection[] = [];
    const listener = await serve({
      open: (c) => {
        opened.push(c);
        listener.newConnectionLimit = 0;
      },
      data: (c, bytes) => void c.write(bytes),
    });
    const peers = await Promise.all(
      Array.from({ length: 5 }, () => nodeClient({ port: listener.port })),
    );
    for (const peer of peers) peer.resume().write("hello");
    await delay(50);
    expect(opened.length).toBe(1);
    listener.newConnectionLimit = 1;
    await until("one more", () => opened.length === 2);
    await delay(30);
    expect(opened.length).toBe(2);
    const timer = setInterval(() => {
      listener.newConnectionLimit = 1;
    }, 5);
    afterTest(() => clearInterval(timer));
    await until("all", () => opened.length === 5);
    // What was sent to a connection that had to wait, it still gets.
    await until("echoes", () => peers.every((peer) => peer.bytesRead === 5));
  });

  test("B27 maxConnections counts those that are open", async () => {
    const opened: Connection[] = [];
    const listener = await serve({ maxConnections: 2, open: (c) => opened.push(c), data() {} });
    const peers = await Promise.all(
      Array.from({ length: 5 }, () => nodeClient({ port: listener.port })),
    );
    await until("two", () => opened.length === 2);
    await delay(50);
    expect(opened.length).toBe(2);
    expect(listener.connections.size).toBe(2);
    opened[0]?.abort();
    await until("three", () => opened.length === 3);
    await delay(50);
    expect(opened.length).toBe(3);
    listener.maxConnections = Number.POSITIVE_INFINITY;
    await until("all", () => opened.length === 5);
    expect(peers.length).toBe(5);
  });

  test("B27 localhost, with two sockets, delivers no more than the limit either", async () => {
    const opened: Connection[] = [];
    const listener = closing(
      await listen("tcp://localhost:0", { newConnectionLimit: 1, open: (c) => opened.push(c) }),
    );
    const hosts = listener.addresses.map(({ address }) => address);
    expect(hosts).toEqual(["127.0.0.1", "::1"]);
    for (const host of [...hosts, ...hosts]) await nodeClient({ port: listener.port, host });
    await until("one", () => opened.length > 0);
    await delay(50);
    expect(opened.length).toBe(1);
    listener.newConnectionLimit = 1;
    await until("two", () => opened.length === 2);
    await delay(30);
    expect(opened.length).toBe(2);
    listener.newConnectionLimit = 10;
    await until("all", () => opened.length === 4);
  });

  test("wrong limits are RangeErrors", async () => {
    const listener = await serve({ open() {} });
    const wrong = expect.objectContaining({ code: "ERR_OUT_OF_RANGE" });
    expect(() => {
      listener.newConnectionLimit = -1;
    }).toThrow(wrong);
    expect(() => {
      listener.maxConnections = 0;
    }).toThrow(wrong);
    expect(() => listener.close({ timout: 1 } as never)).toThrow(/timeout/);
  });
});

describe("out of descriptors", () => {
  // The child may open few descriptors; its clients are in this process.
  const PROGRAM = `
    const errors = [];
    const opened = [];
    const listener = await listen("tcp://127.0.0.1:0", {
      open(c) { opened.push(c); },
      data(c, bytes) { c.write(bytes); },
      error(_l, error) { errors.push(error.code + " " + error.syscall); },
    });
    say(listener.port);
    process.stdin.on("data", (line) => {
      if (String(line).includes("free")) for (const c of opened.splice(0)) c.abort();
      if (String(line).includes("report")) {
        const { accepts } = counters();
        say(JSON.stringify({ errors, accepts, opened: opened.length, ...listener.counters }));
      }
    });`;

  // What is open when nothing was opened or closed for a while: Node's loaders take their time.
  async function settledDescriptors(pid: string): Promise<Set<number>> {
    const look = () => readdirSync(`/proc/${pid}/fd`).join();
    for (let before = look(), same = 0; same < 5; ) {
      await delay(50);
      const now = look();
      same = now === before ? same + 1 : 0;
      before = now;
    }
    return new Set(look().split(",").map(Number));
  }

  test("B28 EMFILE is reported and backs off; who waited is accepted when there is room", async () => {
    const peer = ownProcess(PROGRAM);
    const port = Number(await peer.line());
    // Now that all its modules are loaded.
    const pid = String(peer.child.pid);
    const taken = await settledDescriptors(pid);
    let limit = 0;
    for (let free = 0; free < 15; limit++) if (!taken.has(limit)) free++;
    execFileSync("prlimit", ["--pid", pid, `--nofile=${limit}:${limit}`]);
    const sockets = await Promise.all(
      Array.from({ length: 40 }, () => nodeClient({ port, host: "127.0.0.1" })),
    );
    await delay(400);
    const report = async () => {
      peer.say("report");
      return JSON.parse(await peer.line());
    };
    const before = await report();
    expect(before.errors.length).toBeGreaterThan(0);
    expect(new Set(before.errors)).toEqual(new Set(["EMFILE accept"]));
    expect(before.acceptRetries).toBe(before.errors.length);
    // 10, 20, 40 ... ms: a handful of tries, no spinning.
    expect(before.errors.length).toBeLessThan(12);
    expect(before.accepts).toBeLessThan(40);
    expect(before.opened).toBeGreaterThan(5);
    // Node opens and closes a few of its own meanwhile; forty did not fit.
    expect(before.opened).toBeLessThan(25);
    // Nobody is lost: all of them get an answer in the end.
    const answers = sockets.map(async (socket) => {
      socket.write("x");
      await Promise.race([once(socket, "data"), once(socket, "close")]);
    });
    const freeing = setInterval(() => peer.say("free"), 50);
    afterTest(() => clearInterval(freeing));
    await Promise.all(answers);
    clearInterval(freeing);
    expect((await report()).accepted).toBe(40);
  });
});

describe("handlers", () => {
  test("a function handler's return closes, and whatever it wrote arrives", async () => {
    const listener = await serve(undefined, (connection) => {
      connection.write("done");
    });
    const peer = await nodeClient({ port: listener.port });
    expect(String(await readNode(peer))).toBe("done");
  });

  test("B55 an exception ends that connection, reaches uncaughtException, and stops no other", async () => {
    await collectUncaught(async (errors) => {
      const boom = new Error("boom");
      const listener = await serve({
        open: (c) => {
          c.data = "";
        },
        data: (c, bytes) => {
          if (String(bytes) === "bad") throw boom;
          c.write(bytes);
        },
      });
      const [bad, good] = [
        await nodeClient({ port: listener.port }),
        await nodeClient({ port: listener.port }),
      ];
      bad.write("bad");
      good.write("good");
      const hadError = new Promise((resolve) => bad.once("close", resolve));
      const [answer] = await once(good, "data");
      expect(String(answer)).toBe("good");
      expect(await hadError).toBe(true);
      expect(errors).toEqual([boom]);
      expect(listener.connections.size).toBe(1);
    });
  });

  test.each(["open", "data", "drain", "end", "close", "state"])(
    "B55 in %s, thrown or rejected",
    async (name) => {
      for (const style of ["throws", "rejects"]) {
        await collectUncaught(async (errors) => {
          const boom = new Error(`${name} ${style}`);
          const over = deferred();
          const fails = () => {
            if (style === "throws") throw boom;
            return Promise.reject(boom);
          };
          const listener = await serve({
            sendHighWaterMark: 1,
            open: (c) => void c.write("hello"),
            data() {},
            close: () => over.resolve(),
            [name]: (...args: unknown[]) => {
              if (name === "close") over.resolve();
              // States come twice and more; one failure is enough.
              if (errors.length > 0 || (name === "state" && args[1] !== "closing")) return;
              if (name === "open") (args[0] as Connection).write("hello");
              return fails();
            },
          });
          const peer = net.connect(listener.port, "127.0.0.1");
          peer.on("error", () => {});
          peer.end("x");
          await over.promise;
          await delay(20);
          expect(errors).toEqual([boom]);
        });
      }
    },
  );

  test("a handler that ends with its connection's own error is quiet, and counted", async () => {
    await collectUncaught(async (errors) => {
      const listener = await serve(undefined, async (connection) => {
        for await (const chunk of connection) await connection.send(chunk);
      });
      const peer = await nodeClient({ port: listener.port });
      peer.write("x");
      await once(peer, "data");
      peer.resetAndDestroy();
      await until("counted", () => listener.counters.endedByPeer === 1);
      expect(errors).toEqual([]);
    });
  });

  test("so is one whose receive() or send() was cut off by the listener's close", async () => {
    await collectUncaught(async (errors) => {
      const listener = await serve(undefined, async (connection) => {
        await connection.receive();
        await connection.send("never");
      });
      const peer = await nodeClient({ port: listener.port });
      await until("accepted", () => listener.connections.size === 1);
      const closed = listener.close();
      expect(String(await readNode(peer))).toBe("");
      expect(await closed).toEqual({ error: null, aborted: 0 });
      expect(errors).toEqual([]);
      expect(listener.counters.endedByPeer).toBe(1);
    });
  });

  test("any other error is an abort and an uncaught exception", async () => {
    await collectUncaught(async (errors) => {
      const boom = new TypeError("a defect");
      const listener = await serve(undefined, async () => Promise.reject(boom));
      const peer = net.connect(listener.port, "127.0.0.1");
      const [error] = await once(peer, "error");
      expect(error).toMatchObject({ code: "ECONNRESET" });
      expect(errors).toEqual([boom]);
    });
  });

  test("without handler and callbacks it is iterated, and the kernel keeps who is not asked for", async () => {
    const listener = await serve(undefined as never);
    for (let i = 0; i < 3; i++) await nodeClient({ port: listener.port });
    await delay(30);
    expect(listener.counters.accepted).toBe(0);
    const seen: Connection[] = [];
    for await (const connection of listener) {
      seen.push(connection);
      if (seen.length === 3) break;
    }
    await listener.close({ timeout: 0 });
    for await (const connection of listener) expect.unreachable(String(connection));
    const withHandler = await serve({ open() {} });
    expect(() => withHandler[Symbol.asyncIterator]()).toThrow(/handler/);
  });

  test("an iteration that waits ends when the listener closes", async () => {
    const listener = await serve(undefined as never);
    const next = listener[Symbol.asyncIterator]().next();
    await listener.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});

describe("closing", () => {
  test("close() lets connections finish, and aborts what is left after the timeout", async () => {
    const listener = await serve({ data() {} });
    const polite = await nodeClient({ port: listener.port });
    const stubborn = await nodeClient({ port: listener.port, allowHalfOpen: true });
    await until("both", () => listener.connections.size === 2);
    const gone = once(stubborn, "error");
    stubborn.resume();
    polite.resume();
    const start = performance.now();
    const closed = listener.close({ timeout: 200 });
    expect(listener.state).toBe("closing");
    expect(listener.close()).toBe(closed);
    expect(listener.closed).toBe(closed);
    await once(polite, "close");
    await until("one is left", () => listener.connections.size === 1);
    await expect(connect(`tcp://127.0.0.1:${listener.port}`)).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
    expect(await closed).toEqual({ error: null, aborted: 1 });
    expect(performance.now() - start).toBeGreaterThanOrEqual(195);
    expect(performance.now() - start).toBeLessThan(400);
    stubborn.write("x");
    expect((await gone)[0]?.code).toMatch(/^(ECONNRESET|EPIPE)$/);
    expect(listener.state).toBe("closed");
    expect(listener.fd).toBe(-1);
  });

  test("a signal closes it, and one that was aborted before rejects listen()", async () => {
    const stop = new AbortController();
    const listener = await serve({ open() {}, signal: stop.signal });
    stop.abort();
    expect(await listener.closed).toEqual({ error: null, aborted: 0 });
    const reason = new Error("never mind");
    const early = listen("tcp://127.0.0.1:0", { signal: AbortSignal.abort(reason) });
    await expect(early).rejects.toBe(reason);
  });

  test("await using closes it", async () => {
    const listener = await serve({ open() {} });
    await listener[Symbol.asyncDispose]();
    expect(listener.state).toBe("closed");
  });

  test("no descriptor is left", async () => {
    const before = counters().openSlots;
    const listener = await serve({ data() {}, newConnectionLimit: 2 });
    const peers = [];
    for (let i = 0; i < 4; i++) peers.push(await nodeClient({ port: listener.port }));
    await until("two", () => listener.connections.size === 2);
    await listener.close({ timeout: 0 });
    expect(counters().openSlots).toBe(before);
  });

  test("unref() lets the process end, ref() keeps it", async () => {
    const free = ownProcess(`
      const listener = await listen("tcp://127.0.0.1:0", { open() {} });
      listener.ref().unref();`);
    expect(await free.exit).toBe(0);
  });
});

test("python connects, and keepalive options of the listener hold on its connection (B13)", async () => {
  const opened = deferred<Connection>();
  const listener = await serve({
    keepAlive: { idle: 7_000, interval: 3_000, count: 5 },
    noDelay: true,
    socketOptions: { SO_RCVLOWAT: 1, TCP_NOTSENT_LOWAT: 20_000 },
    open: opened.resolve,
  });
  python(`s = socket.create_connection(("127.0.0.1", int(sys.argv[1]))); hear()`, listener.port);
  const connection = await opened.promise;
  expect(connection.getOption("SO_KEEPALIVE")).toBe(true);
  expect(connection.getOption("TCP_KEEPIDLE")).toBe(7);
  expect(connection.getOption("TCP_KEEPINTVL")).toBe(3);
  expect(connection.getOption("TCP_KEEPCNT")).toBe(5);
  expect(connection.getOption("TCP_NODELAY")).toBe(true);
  expect(connection.getOption("TCP_NOTSENT_LOWAT")).toBe(20_000);
});

test("errors of a listener that cannot be are told by listen()", async () => {
  const errors: HawserError[] = [];
  const failed = listen("tcp://192.0.2.1:0", { error: (_l, error) => errors.push(error) });
  await expect(failed).rejects.toMatchObject({ code: "EADDRNOTAVAIL", syscall: "bind" });
  expect(errors).toEqual([]);
});

describe("a connection beyond the limit", () => {
  test("B24 stays paused when its open callback says so", async () => {
    const opened: Connection[] = [];
    const listener = closing(
      await listen("tcp://localhost:0", {
        maxConnections: 1,
        open: (connection) => {
          opened.push(connection.pause());
        },
        data: () => {},
      }),
    );
    // One at each of its sockets, which share one connection.
    const hosts = listener.addresses.map(({ address }) => address);
    const peers = await Promise.all(hosts.map((host) => nodeClient({ port: listener.port, host })));
    await until("one", () => opened.length === 1);
    for (const peer of peers) peer.write(Buffer.alloc(4_000_000));
    opened[0]?.abort();
    await until("all", () => opened.length === hosts.length);
    await delay(50);
    expect(opened.at(-1)?.bytesRead).toBe(0);
    opened.at(-1)?.resume();
    if (hosts.length > 1) await until("read", () => (opened[1]?.bytesRead ?? 0) === 4_000_000);
  });
});
