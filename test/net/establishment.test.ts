// The way to a connection: names, races, limits in time, addresses of our own, reports, signals.
import dns from "node:dns";
import { once } from "node:events";
import type { LookupFunction } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { Connection, connect, counters } from "../../lib/index.ts";
import {
  afterTest,
  deferred,
  delay,
  ending,
  nodeServer,
  ownProcess,
  python,
  serve,
  temporaryFolder,
  until,
} from "./support.ts";

// A listener whose queue is full: further connects get no answer at all.
const FULL_QUEUE = `
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
l = socket.socket(family); l.bind((sys.argv[1], int(sys.argv[2]))); l.listen(0)
port = l.getsockname()[1]
full = []
for _ in range(3):
    s = socket.socket(family); s.setblocking(False); full.append(s)
    s.connect_ex((sys.argv[1], port))
time.sleep(0.05)
say(port); hear()
`;

const addresses = (...list: string[]): LookupFunction =>
  ((_host: string, _options: object, done: (error: null, all: object[]) => void) =>
    setImmediate(() =>
      done(
        null,
        list.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      ),
    )) as never;

describe("ready", () => {
  test("B1 ready comes exactly once, by TCP (in progress) and by Unix sockets (at once)", async () => {
    const folder = temporaryFolder();
    const tcp = await nodeServer((socket) => socket.resume());
    await nodeServer((socket) => socket.resume(), {}, { path: `${folder}/s` });
    for (const endpoint of [`tcp://127.0.0.1:${tcp.port}`, `unix:${folder}/s`] as const) {
      const calls: string[] = [];
      const connection = new Connection(endpoint, {
        open: () => calls.push("open"),
        state: (_c, state) => calls.push(state),
      });
      expect(connection.state).toBe("setup");
      connection.start();
      // Nothing has happened inside the call.
      expect(calls).toEqual([]);
      expect(connection.state).toBe("preparing");
      expect(await connection.ready).toBe(connection);
      await delay(20);
      expect(calls).toEqual(["preparing", "open", "ready"]);
      connection.abort();
      await connection.closed;
      expect(calls).toEqual(["preparing", "open", "ready", "closed"]);
    }
  });

  test("B1 a refused port is ECONNREFUSED of connect(2), with the address", async () => {
    const { server, port } = await nodeServer(() => {});
    server.close();
    const states: unknown[] = [];
    const error = await connect(`tcp://127.0.0.1:${port}`, {
      state: (_c, state, reason) => states.push([state, reason]),
    }).catch((reason) => reason);
    expect(error).toMatchObject({
      name: "HawserError",
      code: "ECONNREFUSED",
      errno: expect.any(Number),
      syscall: "connect",
      address: "127.0.0.1",
      port,
      phase: "connect",
      message: `connect ECONNREFUSED 127.0.0.1:${port}`,
    });
    expect(error.errno).toBeLessThan(0);
    await delay(5);
    expect(states.at(-1)).toEqual(["failed", error]);
  });

  test("start() works once", async () => {
    const { port } = await nodeServer(() => {});
    const connection = ending(new Connection(`tcp://127.0.0.1:${port}`)).start();
    expect(() => connection.start()).toThrow(/once/);
    await connection.ready;
    expect(() => connection.start()).toThrow(/once/);
  });

  test("a failure rejects ready, for those who ask late too, and is not unhandled", async () => {
    const connection = new Connection("tcp://127.0.0.1:1").start();
    await until("failed", () => connection.state === "failed");
    await expect(connection.ready).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect((await connection.closed).error).toMatchObject({ code: "ECONNREFUSED" });
    expect(connection.stateReason).toMatchObject({ code: "ECONNREFUSED" });
  });

  test("pause() before it is there holds from the first byte", async () => {
    const { port } = await nodeServer((socket) => socket.write("early"));
    const seen: string[] = [];
    const connection = ending(
      new Connection(`tcp://127.0.0.1:${port}`, { data: (_c, bytes) => seen.push(String(bytes)) }),
    );
    connection.pause().start();
    await connection.ready;
    await delay(50);
    expect(seen).toEqual([]);
    connection.resume();
    await until("data", () => seen.length > 0);
    expect(seen).toEqual(["early"]);
  });
});

describe("connectTimeout", () => {
  test("B2 in the phase resolve, to within 100 ms", async () => {
    const start = performance.now();
    const error = await connect("tcp://name.invalid:80", {
      connectTimeout: 200,
      lookup: () => {},
    }).catch((reason) => reason);
    const took = performance.now() - start;
    expect(error).toMatchObject({ code: "ETIMEDOUT", phase: "resolve", reason: "CONNECT_TIMEOUT" });
    expect(error).toMatchObject({ address: "name.invalid", port: 80 });
    expect(took).toBeGreaterThanOrEqual(195);
    expect(took).toBeLessThan(300);
  });

  test("B2 in the phase connect, to within 100 ms, over both phases together", async () => {
    const port = Number(await python(FULL_QUEUE, "127.0.0.1", 0).line());
    const before = counters().openSlots;
    const start = performance.now();
    const error = await connect(`tcp://slow.invalid:${port}`, {
      connectTimeout: 300,
      lookup: ((_h: string, _o: object, done: (error: null, all: object[]) => void) =>
        setTimeout(() => done(null, [{ address: "127.0.0.1", family: 4 }]), 150)) as never,
    }).catch((reason) => reason);
    const took = performance.now() - start;
    expect(error).toMatchObject({ code: "ETIMEDOUT", phase: "connect", reason: "CONNECT_TIMEOUT" });
    expect(took).toBeGreaterThanOrEqual(295);
    expect(took).toBeLessThan(400);
    await until("nothing is left open", () => counters().openSlots <= before);
  });

  test("B2 keeps a process alive that has nothing else to wait for", async () => {
    const peer = ownProcess(`
      try { await connect("tcp://name.invalid:80", { connectTimeout: 100, lookup: () => {} }); }
      catch (error) { say(error.code, error.phase); }`);
    expect(await peer.line()).toBe("ETIMEDOUT resolve");
    expect(await peer.exit).toBe(0);
  });

  test("B2 has no more effect when the connection is ready", async () => {
    const { port } = await nodeServer(() => {});
    const connection = ending(await connect(`tcp://127.0.0.1:${port}`, { connectTimeout: 100 }));
    await delay(200);
    expect(connection.state).toBe("ready");
  });
});

describe("the race", () => {
  test("B3 a silent address is passed after 250 ms; the loser is closed; the report has both", async () => {
    const { port } = await nodeServer((socket) => socket.write("v4"));
    // Nobody answers on the same port of ::1.
    await python(FULL_QUEUE, "::1", port).line();
    const before = counters().openSlots;
    const start = performance.now();
    const connection = ending(
      await connect(`tcp://both.invalid:${port}`, { lookup: addresses("::1", "127.0.0.1") }),
    );
    const took = performance.now() - start;
    expect(took).toBeGreaterThanOrEqual(245);
    expect(took).toBeLessThan(400);
    expect(connection.remoteAddress).toBe("127.0.0.1");
    await until("the loser is closed", () => counters().openSlots <= before + 1);
    const report = connection.establishmentReport;
    expect(report?.attempts).toMatchObject([
      { address: "::1", family: "IPv6", port, outcome: "cancelled", error: null },
      { address: "127.0.0.1", family: "IPv4", port, outcome: "won", error: null },
    ]);
    expect(report?.attempts[1]?.startMs).toBeGreaterThanOrEqual(245);
    expect(report?.phases.map(({ phase }) => phase)).toEqual(["resolve", "connect"]);
    expect(report?.durationMs).toBeGreaterThanOrEqual(245);
    expect(report?.roundTripTimeMs).toBeGreaterThan(0);
  });

  test("B3 a refused address is passed at once", async () => {
    const { port } = await nodeServer(() => {});
    const start = performance.now();
    const connection = ending(
      await connect(`tcp://both.invalid:${port}`, { lookup: addresses("::1", "127.0.0.1") }),
    );
    expect(performance.now() - start).toBeLessThan(200);
    expect(connection.establishmentReport?.attempts).toMatchObject([
      { address: "::1", outcome: "failed", error: { code: "ECONNREFUSED" } },
      { address: "127.0.0.1", outcome: "won" },
    ]);
  });

  test("B3 where all fail there is one error with all of them", async () => {
    const { server, port } = await nodeServer(() => {});
    server.close();
    const error = await connect(`tcp://both.invalid:${port}`, {
      lookup: addresses("::1", "127.0.0.1"),
    }).catch((reason) => reason);
    expect(error).toMatchObject({ code: "ECONNREFUSED", hostname: "both.invalid", port });
    expect(error.errors.map((one: { address: string }) => one.address)).toEqual([
      "::1",
      "127.0.0.1",
    ]);
  });
});

describe("names", () => {
  test("B4 a name is asked for once, off this thread; an address never; nothing backwards", async () => {
    const { port } = await nodeServer(() => {}, {}, { port: 0, host: "localhost" });
    const lookup = vi.spyOn(dns, "lookup");
    const backwards = [vi.spyOn(dns, "reverse"), vi.spyOn(dns, "lookupService")];
    afterTest(() => vi.restoreAllMocks());
    ending(await connect(`tcp://localhost:${port}`));
    expect(lookup).toHaveBeenCalledTimes(1);
    const { remoteAddress } = ending(await connect(`tcp://localhost:${port}`));
    lookup.mockClear();
    ending(await connect({ host: remoteAddress ?? "", port }));
    const listener = await serve({ open() {} });
    ending(await connect(`tcp://127.0.0.1:${listener.port}`));
    expect(lookup).not.toHaveBeenCalled();
    for (const one of backwards) expect(one).not.toHaveBeenCalled();
  });

  test("B4 a name that does not exist is told with its phase", async () => {
    const lookup = ((_h: string, _o: object, done: (error: Error) => void) =>
      done(Object.assign(new Error("no"), { code: "ENOTFOUND" }))) as never;
    const error = await connect("tcp://name.invalid:80", { lookup }).catch((reason) => reason);
    expect(error).toMatchObject({ code: "ENOTFOUND", phase: "resolve", hostname: "name.invalid" });
  });
});

describe("our own end", () => {
  test("B7 localAddress and localPort are where it comes from", async () => {
    const remote = deferred<[string | undefined, number | undefined]>();
    const { port } = await nodeServer((s) => remote.resolve([s.remoteAddress, s.remotePort]));
    const { port: free, server } = await nodeServer(() => {}, {}, { port: 0, host: "127.0.0.2" });
    server.close();
    await once(server, "close");
    const connection = ending(
      await connect(`tcp://127.0.0.1:${port}`, { localAddress: "127.0.0.2", localPort: free }),
    );
    expect(await remote.promise).toEqual(["127.0.0.2", free]);
    expect([connection.localAddress, connection.localPort]).toEqual(["127.0.0.2", free]);
  });

  test("B7 a port in TIME_WAIT is taken again with reuseAddr, and not without", async () => {
    const { port } = await nodeServer((socket) => socket.resume());
    // The kernel wants both, the old one and the new one, to have said so (socket(7)).
    // An address that nothing else here uses: other connections may share a port of 127.0.0.1.
    const localAddress = "127.0.0.77";
    const reused = { localAddress, reuseAddr: true };
    const first = await connect(`tcp://127.0.0.1:${port}`, reused);
    const { localPort = 0 } = first;
    expect((await first.close()).error).toBeNull();
    const other = await nodeServer((socket) => socket.resume());
    const endpoint = `tcp://127.0.0.1:${other.port}` as const;
    await expect(connect(endpoint, { localAddress, localPort })).rejects.toMatchObject({
      code: "EADDRINUSE",
      syscall: "bind",
      port: localPort,
    });
    const again = ending(await connect(endpoint, { ...reused, localPort }));
    expect(again.localPort).toBe(localPort);
    expect(again.getOption("SO_REUSEADDR")).toBe(true);
  });

  test("B7 an address that is not ours is EADDRNOTAVAIL of bind(2), with what to do", async () => {
    const error = await connect("tcp://127.0.0.1:9", { localAddress: "192.0.2.7" }).catch((e) => e);
    expect(error).toMatchObject({ code: "EADDRNOTAVAIL", syscall: "bind", address: "192.0.2.7" });
    expect(error.message).toContain("no interface of this machine has this address");
  });

  test.runIf(process.platform === "linux" && process.getuid?.() === 0)(
    "B7 interface by name and by index (as root)",
    async () => {
      const { port } = await nodeServer(() => {});
      for (const one of ["lo", 1]) {
        const connection = ending(await connect(`tcp://127.0.0.1:${port}`, { interface: one }));
        expect(connection.getOption("SO_BINDTODEVICE")).toBe("lo");
      }
    },
  );

  test("B7 an interface that is not there is ENODEV", async () => {
    const error = await connect("tcp://127.0.0.1:9", { interface: "none0" }).catch((e) => e);
    expect(error.code).toBe("ENODEV");
    const index = await connect("tcp://127.0.0.1:9", { interface: 999_999 }).catch((e) => e);
    expect(index.code).toBe("ENODEV");
  });
});

describe("signal", () => {
  test.each(["resolving", "connecting"])("ends the establishment while %s", async (phase) => {
    const before = counters().openSlots;
    const full = python(FULL_QUEUE, "127.0.0.1", 0);
    const port = Number(await full.line());
    const stop = new AbortController();
    const reason = new Error("changed my mind");
    const pending = connect(
      phase === "resolving" ? `tcp://x.invalid:${port}` : `tcp://127.0.0.1:${port}`,
      {
        signal: stop.signal,
        lookup: () => {},
      },
    );
    await delay(20);
    stop.abort(reason);
    await expect(pending).rejects.toBe(reason);
    await until("nothing is open", () => counters().openSlots <= before);
  });

  test("that was aborted before rejects with its reason, and opens nothing", async () => {
    const before = counters().openSlots;
    const signal = AbortSignal.abort();
    await expect(connect("tcp://127.0.0.1:9", { signal })).rejects.toBe(signal.reason);
    expect(counters().openSlots).toBe(before);
  });

  test("has no more effect when the connection is ready; the result names what ended it", async () => {
    const { port } = await nodeServer(() => {});
    const stop = new AbortController();
    const connection = ending(await connect(`tcp://127.0.0.1:${port}`, { signal: stop.signal }));
    stop.abort();
    await delay(20);
    expect(connection.state).toBe("ready");
    const early = new Connection(`tcp://127.0.0.1:${port}`, { signal: stop.signal }).start();
    expect((await early.closed).error).toMatchObject({
      code: "ECANCELED",
      cause: stop.signal.reason,
    });
  });
});

test("abort() while it connects rejects with ECANCELED, and closes what is open", async () => {
  const before = counters().openSlots;
  const port = Number(await python(FULL_QUEUE, "127.0.0.1", 0).line());
  const connection = new Connection(`tcp://127.0.0.1:${port}`).start();
  const { ready } = connection;
  await delay(20);
  connection.abort();
  await expect(ready).rejects.toMatchObject({ code: "ECANCELED" });
  expect((await connection.closed).error).toBeNull();
  await until("nothing is open", () => counters().openSlots <= before);
});
