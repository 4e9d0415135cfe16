// Connections that wait for the network (B5): what puts them there, what gets them out, and what
// may be called meanwhile. The networks are a test's own; test/faults has those of the kernel.
import diagnostics from "node:diagnostics_channel";
import type { LookupFunction } from "node:net";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Connection, type ConnectOptions, connect, counters } from "../../lib/index.ts";
import type { PathObserver } from "../../lib/net/paths/watch.ts";
import { FakeNetwork } from "./paths/support.ts";
import {
  afterTest,
  deferred,
  delay,
  ending,
  nodeServer,
  ownProcess,
  python,
  readNode,
  temporaryFolder,
  until,
} from "./support.ts";

const here = vi.hoisted(() => ({ network: undefined as unknown }));
vi.mock("../../lib/net/paths/watch.ts", () => ({
  watchPaths: (observer: PathObserver) => (here.network as FakeNetwork).watch(observer),
}));

// A listener whose queue is full: further connects get no answer at all.
const FULL_QUEUE = `
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen(0)
full = []
for _ in range(3):
    s = socket.socket(); s.setblocking(False); full.append(s)
    s.connect_ex(l.getsockname())
time.sleep(0.05)
say(l.getsockname()[1]); hear()
`;

let network: FakeNetwork;
beforeEach(() => {
  network = new FakeNetwork();
  here.network = network;
});

/** A resolver that is out of reach until it is told otherwise. */
function resolver() {
  const state = {
    isThere: false,
    hangs: false,
    takesMs: 0,
    asked: 0,
    lookup: ((_host: string, _options: object, done: (...answer: unknown[]) => void) => {
      state.asked++;
      if (state.hangs) return;
      const answer = state.isThere
        ? [null, [{ address: "127.0.0.1", family: 4 }]]
        : [Object.assign(new Error("no name server"), { code: "EAI_AGAIN" })];
      setTimeout(() => done(...answer), state.takesMs);
    }) as LookupFunction,
  };
  return state;
}

/** A connection in `waiting`, and its resolver. */
async function waiting(port: number, options: ConnectOptions = {}) {
  const dns = resolver();
  const connection = new Connection(`tcp://name.invalid:${port}`, {
    waitForConnectivity: true,
    lookup: dns.lookup,
    ...options,
  });
  afterTest(() => connection.abort());
  connection.start();
  await until("waiting", () => connection.state === "waiting");
  return { connection, dns };
}

describe("into waiting", () => {
  test("B5 the default is to fail at once, with the reason", async () => {
    const { lookup } = resolver();
    await expect(connect("tcp://name.invalid:9", { lookup })).rejects.toMatchObject({
      code: "EAI_AGAIN",
      phase: "resolve",
    });
    expect(network.observers.size).toBe(0);
  });

  test("B5 the reason is told by state, stateReason and the trace; ready goes on waiting", async () => {
    const traced: unknown[] = [];
    const note = (message: unknown) => {
      const { state, previous, reason } = message as Record<string, unknown>;
      traced.push([state, previous, reason]);
    };
    diagnostics.subscribe("hawser.connection.state", note);
    afterTest(() => diagnostics.unsubscribe("hawser.connection.state", note));
    const told: unknown[] = [];
    const { connection } = await waiting(9, {
      state: (_c, state, reason) => told.push([state, reason]),
    });
    const { stateReason } = connection;
    expect(stateReason).toMatchObject({
      name: "HawserError",
      code: "EAI_AGAIN",
      phase: "resolve",
      hostname: "name.invalid",
    });
    let isSettled = false;
    void connection.ready.then(
      () => (isSettled = true),
      () => (isSettled = true),
    );
    await delay(5);
    expect(told).toEqual([
      ["preparing", null],
      ["waiting", stateReason],
    ]);
    expect(traced).toEqual([
      ["preparing", "setup", null],
      ["waiting", "preparing", stateReason],
    ]);
    expect([isSettled, connection.state]).toEqual([false, "waiting"]);
  });

  test.each([
    ["a local address that is not there", { localAddress: "192.0.2.7" }, "EADDRNOTAVAIL"],
    ["an interface that is not there", { interface: "none0" }, "ENODEV"],
    ["an index that is not there", { interface: 999_999 }, "ENODEV"],
  ] as const)("B5 %s", async (_, options, code) => {
    const connection = ending(
      new Connection("tcp://127.0.0.1:9", { waitForConnectivity: true, ...options }).start(),
    );
    await until("waiting", () => connection.state === "waiting");
    expect(connection.stateReason).toMatchObject({ code });
  });

  test("B5 a zone that is not there", async () => {
    const endpoint = "tcp://[fe80::1%none0]:9";
    const connection = ending(new Connection(endpoint, { waitForConnectivity: true }).start());
    await until("waiting", () => connection.state === "waiting");
    expect(connection.stateReason).toMatchObject({ code: "ENODEV" });
  });

  test("B5 what no change of the network cures fails at once", async () => {
    const { server, port } = await nodeServer(() => {});
    server.close();
    const options = { waitForConnectivity: true };
    const refused = connect(`tcp://127.0.0.1:${port}`, options);
    await expect(refused).rejects.toMatchObject({ code: "ECONNREFUSED" });
    const nobody = connect(`unix:${temporaryFolder()}/none`, options);
    await expect(nobody).rejects.toMatchObject({ code: "ENOENT" });
    expect(network.observers.size).toBe(0);
  });
});

describe("out of waiting", () => {
  test("B5 a change of the network: the name is asked for again, and it is ready", async () => {
    const { port } = await nodeServer(() => {});
    const states: unknown[] = [];
    const { connection, dns } = await waiting(port, {
      state: (_c, state, reason) => states.push([state, reason === null]),
      open: () => states.push("open"),
    });
    expect(dns.asked).toBe(1);
    await delay(120);
    dns.isThere = true;
    const changedAt = performance.now();
    network.changed();
    await connection.ready;
    expect(performance.now() - changedAt).toBeLessThan(500);
    expect(dns.asked).toBe(2);
    await delay(5);
    expect(states).toEqual([
      ["preparing", true],
      ["waiting", false],
      ["preparing", true],
      "open",
      ["ready", true],
    ]);
    expect(connection.stateReason).toBeNull();
    // Nobody asks about paths any more.
    expect(network.observers.size).toBe(0);
    const report = connection.establishmentReport;
    expect(report?.waits).toBe(1);
    expect(report?.waitedMs).toBeGreaterThanOrEqual(120);
    expect(report?.durationMs).toBeGreaterThanOrEqual(report?.waitedMs as number);
    expect(report?.phases.map(({ phase }) => phase)).toEqual(["resolve", "connect"]);
    expect(report?.phases[0]?.startMs).toBeGreaterThanOrEqual(120);
    expect(report?.attempts).toMatchObject([{ address: "127.0.0.1", outcome: "won" }]);
  });

  test("B5 a change that cures nothing leads back, with the new reason", async () => {
    const { connection, dns } = await waiting(9);
    const first = connection.stateReason;
    network.changed();
    await until("asked again", () => dns.asked === 2);
    await until("waiting", () => connection.state === "waiting");
    expect(connection.stateReason).toMatchObject({ code: "EAI_AGAIN" });
    expect(connection.stateReason).not.toBe(first);
  });

  test("B5 a retry may fail for good", async () => {
    const { server, port } = await nodeServer(() => {});
    server.close();
    const { connection, dns } = await waiting(port);
    dns.isThere = true;
    network.changed();
    await expect(connection.ready).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(network.observers.size).toBe(0);
  });

  test("B5 restart() tries at once, outside the call, and does nothing in other states", async () => {
    const { port } = await nodeServer(() => {});
    const { connection, dns } = await waiting(port);
    dns.isThere = true;
    connection.restart();
    expect([connection.state, dns.asked]).toEqual(["preparing", 1]);
    connection.restart();
    await connection.ready;
    expect(dns.asked).toBe(2);
    connection.restart();
    expect(connection.state).toBe("ready");
    expect(connection.establishmentReport?.waits).toBe(1);
    connection.abort();
    await connection.closed;
    connection.restart();
    expect(connection.state).toBe("closed");
    const fresh = new Connection("tcp://127.0.0.1:9");
    fresh.restart();
    expect(fresh.state).toBe("setup");
  });

  test("B2 B5 the time in waiting is not counted by connectTimeout", async () => {
    const { port } = await nodeServer(() => {});
    const { connection, dns } = await waiting(port, { connectTimeout: 300 });
    await delay(600);
    expect(connection.state).toBe("waiting");
    dns.isThere = true;
    connection.restart();
    await connection.ready;
  });

  test("B2 B5 each try has the whole connectTimeout, which ends the one that takes longer", async () => {
    const { connection, dns } = await waiting(9, { connectTimeout: 300 });
    dns.takesMs = 200;
    for (const asked of [2, 3]) {
      connection.restart();
      expect(connection.state).toBe("preparing");
      await until("it waits again", () => connection.state === "waiting");
      expect(dns.asked).toBe(asked);
    }
    dns.hangs = true;
    const start = performance.now();
    connection.restart();
    await expect(connection.ready).rejects.toMatchObject({
      code: "ETIMEDOUT",
      reason: "CONNECT_TIMEOUT",
      phase: "resolve",
    });
    const took = performance.now() - start;
    expect(took).toBeGreaterThan(290);
    expect(took).toBeLessThan(400);
  });

  test("B5 a try whose way is no more is begun anew; one whose way is the same goes on", async () => {
    const port = Number(await python(FULL_QUEUE).line());
    const { connection, dns } = await waiting(port);
    dns.isThere = true;
    connection.restart();
    // Nobody answers there.
    await until("asked again", () => dns.asked === 2);
    await delay(20);
    network.changed();
    await delay(400);
    expect([dns.asked, connection.state]).toEqual([2, "preparing"]);
    const kernels = network.pathTo.bind(network);
    network.pathTo = (...question) => ({ ...kernels(...question), gateway: "10.0.0.254" });
    network.changed();
    await until("a new try", () => dns.asked === 3, 1_000);
    expect(connection.state).toBe("preparing");
    connection.abort();
    expect((await connection.closed).error).toBeNull();
    await until("nothing is open", () => counters().openSlots === 0);
  });

  test("what was written before goes out when it is ready", async () => {
    const received = deferred<Buffer>();
    const { port } = await nodeServer((socket) => void readNode(socket).then(received.resolve));
    const dns = resolver();
    const connection = ending(
      new Connection(`tcp://name.invalid:${port}`, {
        waitForConnectivity: true,
        lookup: dns.lookup,
      }),
    );
    connection.write("before, ");
    connection.start();
    await until("waiting", () => connection.state === "waiting");
    connection.write("meanwhile");
    dns.isThere = true;
    connection.restart();
    await connection.ready;
    await connection.close();
    expect(String(await received.promise)).toBe("before, meanwhile");
  });
});

describe("in waiting", () => {
  test("signal ends it, and nothing is left", async () => {
    const before = counters().openSlots;
    const stop = new AbortController();
    const { connection } = await waiting(9, { signal: stop.signal });
    const reason = new Error("changed my mind");
    stop.abort(reason);
    await expect(connection.ready).rejects.toBe(reason);
    expect((await connection.closed).error).toMatchObject({ code: "ECANCELED", phase: "resolve" });
    expect([counters().openSlots, network.observers.size]).toEqual([before, 0]);
  });

  test.each(["close", "abort"] as const)("%s() ends it, and nothing is left", async (how) => {
    const before = counters().openSlots;
    const { connection, dns } = await waiting(9);
    connection[how]();
    expect(connection.state).toBe("closed");
    await expect(connection.ready).rejects.toMatchObject({ code: "ECANCELED" });
    expect(await connection.closed).toMatchObject({ error: null, initiator: "local" });
    expect([counters().openSlots, network.observers.size]).toEqual([before, 0]);
    network.changed();
    await delay(100);
    expect(dns.asked).toBe(1);
  });

  test("B20 close() and abort() settle what is outstanding with ECANCELED", async () => {
    for (const how of ["close", "abort"] as const) {
      const { connection } = await waiting(9, { sendHighWaterMark: 10 });
      const outstanding = [
        connection.send("more than ten bytes"),
        connection.send(Buffer.alloc(10_000)),
        connection.receive(),
      ];
      connection[how]();
      for (const one of outstanding) {
        await expect(one).rejects.toMatchObject({ code: "ECANCELED" });
      }
      await expect(connection.send("late")).rejects.toMatchObject({ code: "EPIPE" });
    }
  });

  // The table "Call in state" of docs/api.md, for this state.
  test("calls and properties mean what they mean while it is made", async () => {
    const { connection } = await waiting(9, { sendHighWaterMark: 10 });
    expect(connection.write("five!")).toBe(true);
    expect(connection.write("and six")).toBe(false);
    expect([connection.bytesWritten, connection.bufferedAmount]).toEqual([12, 12]);
    expect(connection.writableNeedDrain).toBe(true);
    const received = connection.receive();
    await delay(10);
    await expect(Promise.race([received, "nothing"])).resolves.toBe("nothing");
    expect(connection.pause().isPaused).toBe(true);
    expect(connection.resume().isPaused).toBe(false);
    expect(() => connection.start()).toThrow(/once/);
    expect(() => connection.startTls()).toThrow(/ready/);
    expect([connection.fd, connection.info(), connection.tls]).toEqual([-1, null, null]);
    expect([connection.localAddress, connection.remoteAddress]).toEqual([undefined, undefined]);
    expect([connection.viable, connection.path, connection.betterPath]).toEqual([
      false,
      null,
      null,
    ]);
    expect(connection.establishmentReport).toBeNull();
    expect(connection.transferReport()).toMatchObject({ bytesRead: 0, bytesHandedOver: 0 });
    expect(() => connection.getOption("TCP_NODELAY")).toThrow(/EBADF/);
    const shut = connection.shutdown();
    expect(connection.write("too late")).toBe(false);
    await expect(connection.send("too late")).rejects.toMatchObject({ code: "EPIPE" });
    expect(connection.state).toBe("waiting");
    connection.abort();
    await expect(shut).rejects.toMatchObject({ code: "ECANCELED" });
    await expect(received).rejects.toMatchObject({ code: "ECANCELED" });
  });

  test("shutdown() sends the end when it is ready", async () => {
    const received = deferred<Buffer>();
    const { port } = await nodeServer((socket) => void readNode(socket).then(received.resolve));
    const { connection, dns } = await waiting(port);
    connection.write("all");
    void connection.shutdown();
    dns.isThere = true;
    connection.restart();
    expect(String(await received.promise)).toBe("all");
  });

  test("keeps the process alive; unref() lets it go", async () => {
    const program = (more: string) => `
      const lookup = (_h, _o, done) => done(Object.assign(new Error("no"), { code: "EAI_AGAIN" }));
      const options = { waitForConnectivity: true, lookup, state: (c, state) => {
        say(state);
        if (state === "waiting") { ${more} }
      } };
      new Connection("tcp://name.invalid:9", options).start();`;
    const kept = ownProcess(program("setTimeout(() => c.close(), 300).unref();"));
    const free = ownProcess(program("c.unref();"));
    const again = ownProcess(program("c.unref().ref(); setTimeout(() => c.abort(), 300).unref();"));
    for (const peer of [kept, free, again]) {
      expect([await peer.line(), await peer.line()]).toEqual(["preparing", "waiting"]);
    }
    expect(await kept.line()).toBe("closed");
    expect(await again.line()).toBe("closed");
    expect(await free.exit).toBe(0);
    await expect(free.line()).rejects.toThrow(/has ended/);
  });
});

test("who calls restart() at each waiting keeps the loop from nothing else", async () => {
  // Known without asking anybody, and cured by a change of the network only.
  const connection = new Connection("tcp://127.0.0.1:9", {
    interface: "no-such-if0",
    waitForConnectivity: true,
    state(own, state) {
      // An end of its own, so that this test can fail.
      if (state === "waiting" && ++tries < 20_000) own.restart();
    },
  });
  let tries = 0;
  connection.start();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(tries).toBeGreaterThan(1);
  expect(tries).toBeLessThan(20_000);
  await connection.close();
});
