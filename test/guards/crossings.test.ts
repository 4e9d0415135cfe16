// Crossings and system calls of whole connections, by the counters: what a turn costs does not grow
// with the connections or messages in it. test/socket/counters.test.ts holds the same for sockets,
// and looks from outside with strace(1).

import { once } from "node:events";
import { mkdtempSync, rmSync, writeSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type Connection, counters, type Listener, listen } from "../../lib/index.ts";

type Counters = ReturnType<typeof counters>;

const MESSAGE = Buffer.from("twenty bytes of echo");
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function since(before: Counters): Counters {
  const after = counters();
  const names = Object.keys(before) as (keyof Counters)[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as never;
}

interface Serving {
  readonly listener: Listener;
  readonly connect: () => net.Socket;
}

/** A listener that answers each message by itself, as a protocol would. */
async function echo(transport: "unix" | "tcp"): Promise<Serving> {
  const folder = mkdtempSync(join(tmpdir(), "hawser-guard-"));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "s");
  const endpoint = transport === "unix" ? `unix:${path}` : "tcp://127.0.0.1:0";
  const listener = (await listen(endpoint, {
    lend: true,
    data(connection: Connection, bytes: Buffer) {
      for (let at = 0; at < bytes.length; at += MESSAGE.length) {
        connection.write(bytes.subarray(at, at + MESSAGE.length));
      }
    },
  })) as Listener;
  closers.push(() => listener.close({ timeout: 0 }));
  const { port } = listener;
  return {
    listener,
    connect: () =>
      port === undefined ? net.connect(path) : net.connect(port, "127.0.0.1").setNoDelay(),
  };
}

interface Peer {
  readonly socket: net.Socket;
  readonly fd: number;
}

/** Peers from Node's own net, established on both sides. */
async function peersOf({ listener, connect }: Serving, count: number): Promise<Peer[]> {
  const peers: Peer[] = [];
  const known = listener.connections.size;
  for (let index = 0; index < count; index++) {
    const socket = connect();
    closers.push(() => socket.destroy());
    await once(socket, "connect");
    const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
    peers.push({ socket, fd });
  }
  while (listener.connections.size < known + count) await turn();
  // The turn in which nothing is left to do.
  await turn();
  return peers;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * What it costs until all is answered. The messages are written at once, by the system call: on a
 * Unix socket they have arrived before the loop turns.
 */
async function costOf(peers: readonly Peer[], bytes: Buffer): Promise<Counters> {
  const answered = Promise.all(peers.map(({ socket }) => arrival(socket, bytes.length)));
  const before = counters();
  for (const { fd } of peers) expect(writeSync(fd, bytes)).toBe(bytes.length);
  await answered;
  return since(before);
}

/** Resolves when so many bytes have come. */
function arrival(peer: net.Socket, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    let missing = bytes;
    peer.removeAllListeners("data").on("data", (chunk) => {
      missing -= chunk.length;
      if (missing === 0) resolve();
    });
  });
}

test.each([1, 10, 100])(
  "%i connections ready in one turn cost one call into JavaScript and one flush (B25)",
  async (count) => {
    const peers = await peersOf(await echo("unix"), count);
    const cost = await costOf(peers, MESSAGE);
    expect(cost).toMatchObject({
      dispatches: 1,
      settlements: 0,
      flushes: 1,
      completions: count,
      // The second finds nothing: a Unix socket says so by EAGAIN only.
      receives: 2 * count,
      sends: count,
      bytesReceived: count * MESSAGE.length,
      bytesSent: count * MESSAGE.length,
      pollerChanges: 0,
    });
  },
);

test.each([1, 16, 64])(
  "%i pipelined messages cost one receive and one send (B25)",
  async (depth) => {
    const peers = await peersOf(await echo("tcp"), 1);
    const cost = await costOf(peers, Buffer.concat(Array(depth).fill(MESSAGE)));
    expect(cost).toMatchObject({
      turns: 1,
      waits: 1,
      events: 1,
      receives: 1,
      completions: 1,
      dispatches: 1,
      flushes: 1,
      sends: 1,
      settlements: 0,
      // Answers that stand side by side in the slab are one.
      submissions: 1,
    });
  },
);

test("connections on which nothing happens cost nothing while another one works", async () => {
  const server = await echo("tcp");
  await peersOf(server, 50);
  const [peer] = await peersOf(server, 1);
  const cost = await costOf([peer as Peer], MESSAGE);
  expect(cost).toMatchObject({ completions: 1, sends: 1, events: 1, pollerChanges: 0 });
});
