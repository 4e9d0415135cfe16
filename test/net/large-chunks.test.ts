// Large chunks that the application keeps: received into memory that is theirs from then on. What
// is kept stays what it was, whatever arrives later, and whatever is done with it.
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { RECEIVE_BLOCK_BYTES } from "../../lib/core/limits.ts";
import { type Connection, connect, counters } from "../../lib/index.ts";
import { fingerprint, pattern } from "../support/bytes.ts";
import { deferred, ending, nodeClient, nodeServer, serve, until } from "./support.ts";

const MESSAGE_BYTES = 16_384;

/** Sends each message when the one before it has come back. */
async function exchange(peer: Socket, messages: readonly Buffer[]): Promise<void> {
  for (const message of messages) {
    let missing = message.length;
    const parts: Buffer[] = [];
    peer.write(message);
    while (missing > 0) {
      const [part] = (await once(peer, "data")) as [Buffer];
      parts.push(part);
      missing -= part.length;
    }
    expect(fingerprint(Buffer.concat(parts))).toBe(fingerprint(message));
  }
}

function messages(count: number, seed: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => pattern(MESSAGE_BYTES, seed * 1000 + index));
}

describe("chunks that are kept", () => {
  test("data callback: none changes while many connections go on", async () => {
    const kept = new Map<Connection, Buffer[]>();
    const listener = await serve({
      open: (connection) => kept.set(connection, []),
      data: (connection, bytes) => {
        kept.get(connection)?.push(bytes);
        connection.write(bytes);
      },
    });
    const peers = await Promise.all(
      Array.from({ length: 20 }, () => nodeClient({ port: listener.port })),
    );
    const sent = peers.map((_, index) => messages(12, index));
    await Promise.all(peers.map((peer, index) => exchange(peer, sent[index] as Buffer[])));
    const all = [...kept.values()].map((chunks) => fingerprint(Buffer.concat(chunks))).sort();
    expect(all).toEqual(sent.map((list) => fingerprint(Buffer.concat(list))).sort());
  });

  test("for await: none changes while it goes on", async () => {
    const kept: Buffer[] = [];
    const listener = await serve(undefined, async (connection) => {
      for await (const chunk of connection) {
        kept.push(chunk);
        await connection.send(chunk);
      }
    });
    const peer = await nodeClient({ port: listener.port });
    const sent = messages(40, 1);
    await exchange(peer, sent);
    expect(fingerprint(Buffer.concat(kept))).toBe(fingerprint(Buffer.concat(sent)));
  });

  test("small ones among large ones, in any order", async () => {
    const kept: Buffer[] = [];
    const listener = await serve({
      data: (connection, bytes) => {
        kept.push(bytes);
        connection.write(bytes);
      },
    });
    const peer = await nodeClient({ port: listener.port });
    const sent = [20_000, 1, 8_191, 8_192, 3, 60_000, 60_000, 7, 9_000, 5].map((size, index) =>
      pattern(size, index),
    );
    await exchange(peer, sent);
    expect(fingerprint(Buffer.concat(kept))).toBe(fingerprint(Buffer.concat(sent)));
    // A small one has no large block behind it.
    for (const chunk of kept) {
      if (chunk.length < 4_096) expect(chunk.buffer.byteLength).toBeLessThanOrEqual(8_192);
      else expect(chunk.buffer.byteLength).toBeLessThanOrEqual(RECEIVE_BLOCK_BYTES);
    }
  });

  test("the application writes into them, which nobody else sees", async () => {
    const listener = await serve({
      data: (connection, bytes) => {
        connection.write(Buffer.from(bytes));
        bytes.fill(0);
      },
    });
    const peers = await Promise.all([0, 1, 2].map(() => nodeClient({ port: listener.port })));
    await Promise.all(peers.map((peer, index) => exchange(peer, messages(10, index))));
  });
});

describe("chunks that are transferred", () => {
  test("no other connection goes on with a hole in its stream", async () => {
    // Streams of bytes transfer what they are given, on Node 20 and 22 also what is marked
    // untransferable.
    let stream: ReadableByteStreamController | undefined;
    new ReadableStream({
      type: "bytes",
      start(controller) {
        stream = controller;
      },
    });
    const wantsAll = new Set<Connection>();
    const bytes = new Map<Connection, number>();
    const told: (string | undefined)[] = [];
    const rounds = 20;
    const listener = await serve({
      open: (connection) => {
        if (bytes.size > 0) wantsAll.add(connection);
        bytes.set(connection, 0);
      },
      data: (connection, chunk) => {
        bytes.set(connection, (bytes.get(connection) as number) + chunk.length);
        if (wantsAll.has(connection)) return;
        try {
          stream?.enqueue(chunk);
        } catch {}
      },
      close: (connection, error) => {
        if (!wantsAll.has(connection)) return;
        const all = bytes.get(connection) === rounds * MESSAGE_BYTES;
        told.push(error === null ? `ended, ${all ? "whole" : "with a hole"}` : error.code);
      },
    });
    const peers: Connection[] = [];
    for (let index = 0; index < 6; index++) {
      peers.push(ending(await connect(`tcp://127.0.0.1:${listener.port}`)));
      await until("it is accepted", () => bytes.size > index);
    }
    for (let round = 0; round < rounds; round++) {
      // They leave together, and arrive in one turn.
      for (const peer of peers) peer.write(Buffer.alloc(MESSAGE_BYTES, 1));
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    }
    await Promise.all(peers.map((peer) => peer.close()));
    await until("all have ended", () => told.length === peers.length - 1);
    expect(told).not.toContain("ended, with a hole");
    expect(told.every((end) => end === "ended, whole" || end === "EFAULT")).toBe(true);
  });
});

describe("chunks that are sent on", () => {
  test("a peer that reads late gets every byte, in order", async () => {
    const { port } = await nodeServer((socket) => {
      socket.pause();
      sink.resolve(socket);
    });
    const sink = deferred<Socket>();
    const next = ending(await connect(`tcp://127.0.0.1:${port}`));
    const listener = await serve({ data: (_, bytes) => void next.write(bytes) });
    const bytes = pattern(6_000_000);
    const peer = await nodeClient({ port: listener.port });
    peer.end(bytes);
    const socket = await sink.promise;
    await until("the kernel takes no more", () => next.bufferedAmount > 1_000_000);
    const parts: Buffer[] = [];
    let size = 0;
    socket.on("data", (part: Buffer) => {
      parts.push(part);
      size += part.length;
    });
    socket.resume();
    await until("everything", () => size === bytes.length);
    expect(fingerprint(Buffer.concat(parts))).toBe(fingerprint(bytes));
  });

  test("a turn's worth of them costs one crossing more, not one each", async () => {
    const listener = await serve({ data: (connection, bytes) => void connection.write(bytes) });
    const peers = await Promise.all(
      Array.from({ length: 10 }, () => nodeClient({ port: listener.port })),
    );
    await Promise.all(peers.map((peer, index) => exchange(peer, messages(5, index))));
    const before = counters();
    await Promise.all(peers.map((peer, index) => exchange(peer, messages(20, index))));
    const after = counters();
    expect(after.settlements - before.settlements).toBeLessThanOrEqual(after.turns - before.turns);
  });
});

describe("what must not be done with them", () => {
  test("transferring one leaves it and those of others whole", async () => {
    const kept: Buffer[] = [];
    let asked = 0;
    const listener = await serve({
      data: (connection, bytes) => {
        kept.push(bytes);
        if (bytes.buffer.byteLength > bytes.length) {
          asked++;
          // Node 20 makes a copy instead, newer ones throw.
          try {
            structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
          } catch {}
        }
        connection.write(bytes);
      },
    });
    const peer = await nodeClient({ port: listener.port });
    const sent = messages(20, 3);
    await exchange(peer, sent);
    expect(asked).toBeGreaterThan(0);
    expect(fingerprint(Buffer.concat(kept))).toBe(fingerprint(Buffer.concat(sent)));
  });

  // Node 20 has no other way to detach one.
  if ("transfer" in ArrayBuffer.prototype) {
    test("one that is detached all the same takes its own bytes with it, and receiving goes on", async () => {
      let received = 0;
      let asked = 0;
      const listener = await serve({
        data: (connection, bytes) => {
          received += bytes.length;
          connection.write(Buffer.from(bytes));
          if (bytes.buffer.byteLength < RECEIVE_BLOCK_BYTES) return;
          asked++;
          // Node 24 and later refuse.
          try {
            (bytes.buffer as ArrayBuffer & { transfer(): ArrayBuffer }).transfer();
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError);
          }
        },
      });
      const peer = await nodeClient({ port: listener.port });
      await exchange(peer, messages(30, 4));
      expect(received).toBe(30 * MESSAGE_BYTES);
      expect(asked).toBeGreaterThan(0);
    });
  }
});
