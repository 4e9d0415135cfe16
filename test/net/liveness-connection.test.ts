// Connections under the liveness monitor on loopback, where every peer is alive: who is watched,
// what it costs, and a peer that does not read. Peers that vanish are in test/faults/.
import { createHook } from "node:async_hooks";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "vitest";
import { type Connection, connect, listen } from "../../lib/index.ts";
import { livenessMonitor } from "../../lib/net/liveness-monitor.ts";
import type { ConnectOptions } from "../../lib/net/types.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

/** A peer of Node's that reads, or does not. */
async function peer(reads: boolean): Promise<{ port: number; socket: Promise<Socket> }> {
  const server = createServer({ pauseOnConnect: !reads });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = once(server, "connection").then(([one]) => {
    if (reads) one.resume();
    one.on("error", () => {});
    closers.push(() => one.destroy());
    return one as Socket;
  });
  closers.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, socket };
}

async function connected(reads: boolean, options: ConnectOptions): Promise<Connection> {
  const { port, socket } = await peer(reads);
  const connection = await connect(`tcp://127.0.0.1:${port}`, options);
  closers.push(() => connection.abort());
  await socket;
  return connection as Connection;
}

function until(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => (condition() ? resolve() : setTimeout(look, 20));
    look();
  });
}

const waited = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const FILLING = Buffer.alloc(8_000_000);

describe("who is watched", () => {
  test("a connection that has written, until everything is acknowledged", async () => {
    const connection = await connected(true, { dropTimeout: 1_000 });
    expect(livenessMonitor.size).toBe(0);
    connection.write("hello");
    expect(livenessMonitor.size).toBe(1);
    connection.write("again");
    expect(livenessMonitor.size).toBe(1);
    await until(() => livenessMonitor.size === 0);
    connection.write("later");
    expect(livenessMonitor.size).toBe(1);
  });

  test("what was written before it was connected", async () => {
    const { port } = await peer(true);
    const before = livenessMonitor.counters.samples;
    const { Connection } = await import("../../lib/index.ts");
    const connection = new Connection(`tcp://127.0.0.1:${port}`, { dropTimeout: 1_000 });
    closers.push(() => connection.abort());
    connection.write("early");
    await connection.start().ready;
    await until(() => livenessMonitor.size === 0);
    expect(livenessMonitor.counters.samples).toBeGreaterThan(before);
  });

  test("not one without any limit, and none over a Unix socket", async () => {
    const connection = await connected(false, { keepAlive: false, stallTimeout: 0 });
    connection.write(FILLING);
    const folder = mkdtempSync(join(tmpdir(), "hawser-"));
    closers.push(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "socket");
    const listener = await listen(`unix:${path}`, () => new Promise(() => {}));
    const local = await connect(`unix:${path}`, { dropTimeout: 1_000 });
    local.write(FILLING);
    expect(livenessMonitor.size).toBe(0);
    local.abort();
    await listener.close({ timeout: 0 });
  });

  test("not one that has ended: it is let go of at once", async () => {
    const connection = await connected(false, { dropTimeout: 1_000 });
    connection.write(FILLING);
    expect(livenessMonitor.size).toBe(1);
    connection.abort();
    expect(livenessMonitor.size).toBe(0);
    expect((await connection.closed).error).toBeNull();
  });
});

describe("a peer that is alive and does not read", () => {
  test("B12 is not killed by dropTimeout (300 ms, for 3 s)", async () => {
    const connection = await connected(false, { dropTimeout: 300, stallTimeout: 0 });
    connection.write(FILLING);
    await waited(3_000);
    expect(connection.state).toBe("ready");
    expect(livenessMonitor.size).toBe(1);
  });

  test("B12 B26 is told as SEND_STALLED: T to 1.2 T + 1 s (1 s)", async () => {
    const options = { dropTimeout: 300, stallTimeout: 1_000 };
    const connection = await connected(false, options);
    const writtenAt = performance.now();
    const sent = connection.send(FILLING);
    const { error, initiator } = await connection.closed;
    const tookMs = performance.now() - writtenAt;
    expect(error).toMatchObject({ code: "ETIMEDOUT", reason: "SEND_STALLED", phase: "open" });
    expect(error?.message).toContain("stallTimeout");
    expect(initiator).toBe("local");
    await expect(sent).rejects.toBe(error);
    const { handedOver, acknowledged, unacknowledged } = error?.bytes ?? {};
    expect(acknowledged).toBeGreaterThan(0);
    expect(unacknowledged).toBeGreaterThan(0);
    expect((acknowledged ?? 0) + (unacknowledged ?? 0)).toBe(handedOver);
    expect(tookMs).toBeGreaterThanOrEqual(1_000);
    expect(tookMs).toBeLessThanOrEqual(2_200 + 400);
  });

  test("B12 while it is being closed the phase says so", async () => {
    const options = { stallTimeout: 500, closeTimeout: 20_000 };
    const connection = await connected(false, options);
    connection.write(FILLING);
    const { error } = await connection.close();
    expect(error).toMatchObject({ code: "ETIMEDOUT", reason: "SEND_STALLED", phase: "close" });
  });
});

describe.skipIf(process.platform !== "linux")("what the kernel is told (Linux)", () => {
  const rtoMax = (connection: Connection) => {
    try {
      return connection.getOption("TCP_RTO_MAX_MS");
    } catch {
      return null;
    }
  };

  test("B12 on both sides probes come often enough; TCP_USER_TIMEOUT is never set", async () => {
    const options = { keepAlive: { idle: 5_000, interval: 1_000, count: 3 }, dropTimeout: 24_000 };
    const accepted: Connection[] = [];
    const listener = await listen("tcp://127.0.0.1:0", {
      ...options,
      open: (connection) => accepted.push(connection as Connection),
    });
    const connection = (await connect(`tcp://127.0.0.1:${listener.port}`, options)) as Connection;
    await until(() => accepted.length === 1);
    for (const side of [connection, accepted[0] as Connection]) {
      // Null on kernels before 6.15, which lack the option.
      expect([3_000, null]).toContain(rtoMax(side));
      expect(side.getOption("TCP_USER_TIMEOUT")).toBe(0);
      expect(side.getOption("TCP_KEEPCNT")).toBe(3);
    }
    connection.abort();
    await listener.close({ timeout: 0 });
  });
});

const CROWD = 10_000;
// Accepts, reads and says nothing; tells its port.
const SINK = `
  const server = require("node:net").createServer((socket) => {
    socket.on("error", () => {}).resume();
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
    console.log(server.address().port);
  });
`;

async function startSink(): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, ["-e", SINK], { stdio: ["ignore", "pipe", "inherit"] });
  closers.push(() => child.kill("SIGKILL"));
  const [line] = await once(createInterface({ input: child.stdout as never }), "line");
  return { child, port: Number(line) };
}

/** Timers that Node makes while `body` runs. */
async function timersMade(body: () => Promise<void>): Promise<number> {
  let made = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === "Timeout") made++;
    },
  });
  hook.enable();
  await body();
  hook.disable();
  return made;
}

describe("ten thousand connections", () => {
  test("idle, cost no sampling and no timer; pending, one crossing a look", async () => {
    const { port } = await startSink();
    const connections: Connection[] = [];
    closers.push(() => {
      for (const connection of connections) connection.abort();
    });
    for (let left = CROWD; left > 0; left -= 500) {
      const batch = Array.from({ length: 500 }, () => connect(`tcp://127.0.0.1:${port}`));
      connections.push(...((await Promise.all(batch)) as Connection[]));
    }
    expect(connections).toHaveLength(CROWD);
    const { counters } = livenessMonitor;

    const idle = { ...counters };
    // The one timer is the test's own.
    expect(await timersMade(() => waited(2_500).then(() => {}))).toBe(1);
    expect(counters).toEqual(idle);

    const timers = await timersMade(async () => {
      for (const connection of connections) connection.write("x");
      for (const connection of connections) connection.write("y");
      expect(livenessMonitor.size).toBe(CROWD);
      await waited(2_500);
    });
    expect(livenessMonitor.size).toBe(0);
    const looks = counters.looks - idle.looks;
    expect(looks).toBeLessThanOrEqual(3);
    expect(counters.crossings - idle.crossings).toBe(looks);
    expect(counters.samples - idle.samples).toBeGreaterThanOrEqual(CROWD);
    expect(counters.samples - idle.samples).toBeLessThanOrEqual(looks * CROWD);
    // One for each look and the test's own.
    expect(timers).toBeLessThanOrEqual(looks + 2);
  }, 60_000);
});
