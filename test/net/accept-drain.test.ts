// In which order the sockets of a listener leave, and within which time; with sockets that only
// note what they are told. What the kernel makes of it: listener-drain.test.ts.
import { describe, expect, test } from "vitest";
import {
  DRAIN_LIMIT_MS,
  MAX_DRAIN_HANDSHAKES_MS,
  MIN_DRAIN_HANDSHAKES_MS,
} from "../../lib/core/limits.ts";
import { AcceptDrain, type DrainedSocket, handshakeTimeMs } from "../../lib/net/accept-drain.ts";
import { connect } from "../../lib/index.ts";
import { delay, ending, nodeServer } from "./support.ts";

const HANDSHAKES_MS = 100;

class Socket implements DrainedSocket {
  deaf = false;
  readonly told: string[] = [];
  readonly #canRefuse: boolean;

  constructor(canRefuse = true) {
    this.#canRefuse = canRefuse;
  }

  refuseNew(): boolean {
    this.told.push("refuse new");
    return this.#canRefuse;
  }

  closeWhenEmpty(): void {
    this.told.push("close when empty");
  }
}

/** A drain under way, and how long it took. */
function draining(sockets: readonly Socket[], handshakesMs: number) {
  const drain = new AcceptDrain();
  const startedAt = performance.now();
  const took = new Promise<number>((resolve) => {
    drain.start(sockets, handshakesMs, () => resolve(performance.now() - startedAt));
  });
  return { drain, took };
}

describe("a drain", () => {
  test("of a port of one's own empties all at once, and is over with the last that closes", async () => {
    const sockets = [new Socket(), new Socket()] as const;
    const { drain, took } = draining(sockets, 0);
    expect(sockets.map(({ told }) => told)).toEqual([["close when empty"], ["close when empty"]]);
    sockets[1].deaf = true;
    drain.emptied();
    expect(drain.isRunning).toBe(true);
    sockets[0].deaf = true;
    drain.emptied();
    expect(drain.isRunning).toBe(false);
    expect(await took).toBeLessThan(DRAIN_LIMIT_MS / 2);
  });

  test("of a shared port refuses new handshakes first, and gives those under way their time", async () => {
    const socket = new Socket();
    const { drain, took } = draining([socket], HANDSHAKES_MS);
    expect(socket.told).toEqual(["refuse new"]);
    const startedAt = performance.now();
    while (socket.told.length === 1) await delay(1);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(HANDSHAKES_MS - 2);
    expect(socket.told).toEqual(["refuse new", "close when empty"]);
    expect(drain.isRunning).toBe(true);
    socket.deaf = true;
    drain.emptied();
    await took;
  });

  test("waits for no handshake where the system cannot refuse them", () => {
    const socket = new Socket(false);
    const { drain } = draining([socket], HANDSHAKES_MS);
    expect(socket.told).toEqual(["refuse new", "close when empty"]);
    drain.stop();
  });

  test.each([0, HANDSHAKES_MS])(
    "takes a bounded time, though somebody comes for ever (%d ms for handshakes)",
    async (handshakesMs) => {
      const { drain, took } = draining([new Socket()], handshakesMs);
      expect(await took).toBeGreaterThanOrEqual(DRAIN_LIMIT_MS - 2);
      expect(drain.isRunning).toBe(false);
    },
  );

  test("that is stopped says nothing and does nothing more", async () => {
    const socket = new Socket();
    const drain = new AcceptDrain();
    let isDone = false;
    drain.start([socket], HANDSHAKES_MS, () => {
      isDone = true;
    });
    drain.stop();
    expect(drain.isRunning).toBe(false);
    await delay(HANDSHAKES_MS + 50);
    expect([isDone, socket.told]).toEqual([false, ["refuse new"]]);
  });
});

describe("the time for handshakes", () => {
  test("is short where connections have short round trips, and long where nothing is known", async () => {
    const { port } = await nodeServer(() => {});
    const connection = ending(await connect(`tcp://127.0.0.1:${port}`));
    await connection.send("there and back");
    expect(handshakeTimeMs([])).toBe(MAX_DRAIN_HANDSHAKES_MS);
    expect(handshakeTimeMs([{ fd: -1 }])).toBe(MAX_DRAIN_HANDSHAKES_MS);
    const shortMs = handshakeTimeMs([{ fd: -1 }, connection]);
    expect(shortMs).toBeGreaterThanOrEqual(MIN_DRAIN_HANDSHAKES_MS);
    // It is loopback, where also a delayed acknowledgement takes no longer than 40 ms.
    expect(shortMs).toBeLessThan(MAX_DRAIN_HANDSHAKES_MS);
  });
});
