// Attacks by not reading: what a peer does not take must not be kept without bound, whoever writes
// it. docs/security.md names each of them.

import { once } from "node:events";
import { describe, expect, test, vi } from "vitest";
import type { WebSocketConnection } from "../../../lib/index.ts";
import { binary, close, text } from "../../conformance/case.ts";
import { WebSocket, WebSocketServer } from "../../../lib/ws.ts";
import { afterTest, open, serve } from "../support.ts";
import { clientFrames, MIB, slowness, timeLimitMs, upgraded, Victim, written } from "./support.ts";

describe("B46: unread output", () => {
  test(
    "who never reads the echoes is dropped when 64 MiB wait, and they are freed",
    async () => {
      const victim = await Victim.serve();
      const raw = await upgraded(victim.port);
      raw.socket.pause();
      const frame = clientFrames(binary(Buffer.alloc(4 * MIB)));
      for (let sent = 0; sent < 40 && !raw.hasEnded; sent++) {
        await written(raw, frame);
      }
      await vi.waitFor(async () => expect((await victim.report()).told).toEqual({ ENOBUFS: 1 }), {
        timeout: 10_000 * slowness,
      });
      // What waits, the message under way, and what the collector has not seen yet.
      await victim.isUnharmed({ bytes: 4 * MIB, peak: 200 * MIB });
    },
    timeLimitMs,
  );

  test(
    "a loop that awaits its sends holds at most 512 KiB for each of 50 such peers",
    async () => {
      const victim = await Victim.serve({}, "await");
      const message = clientFrames(binary(Buffer.alloc(32_768)));
      const raws = await Promise.all(Array.from({ length: 50 }, () => upgraded(victim.port)));
      for (const raw of raws) {
        raw.socket.pause();
        // Until the window of the other side closes, and our own queue grows.
        for (let sent = 0; sent < 500 && raw.socket.writableLength < MIB; sent++) {
          raw.write(message);
          if (sent % 8 === 0) await new Promise(setImmediate);
        }
      }
      // The receive mark, one read above it, a message on its way out; and as much again, for a
      // message of 32 KiB keeps the block of 64 KiB that it was received into.
      await victim.isUnharmed({ bytes: 50 * 8 * 65_536 + 2 * MIB });
    },
    timeLimitMs,
  );

  test(
    "who says Close and reads nothing of what waits is aborted after closeTimeout",
    async () => {
      const victim = await Victim.serve({ closeTimeout: 500 * slowness });
      const raw = await upgraded(victim.port);
      raw.socket.pause();
      await written(raw, clientFrames(binary(Buffer.alloc(16 * MIB)), close(1000)));
      await vi.waitFor(async () => expect((await victim.report()).told).toEqual({ ETIMEDOUT: 1 }), {
        timeout: 10_000 * slowness,
      });
      expect((await victim.isUnharmed({ bytes: 4 * MIB, peak: 96 * MIB })).open).toBe(1);
    },
    timeLimitMs,
  );

  test(
    "200,000 tiny messages of one connection leave the others their turns",
    async () => {
      const victim = await Victim.serve();
      const raw = await upgraded(victim.port);
      const batch = clientFrames(...Array.from({ length: 10_000 }, () => text("x")));
      let received = 0;
      raw.socket.removeAllListeners("data");
      raw.socket.on("data", (bytes) => {
        received += bytes.length;
      });
      for (let count = 0; count < 20; count++) await written(raw, batch);
      await vi.waitFor(() => expect(received).toBe(200_000 * 3), { timeout: 20_000 * slowness });
      const { heldMs } = await victim.isUnharmed({ bytes: 4 * MIB });
      expect(heldMs).toBeLessThan(500 * slowness);
    },
    timeLimitMs,
  );

  test("a broadcast skips who does not read, and a slow one may be closed instead", async () => {
    const { listener, url } = await serve({ open() {} });
    const sockets = await Promise.all(
      Array.from({ length: 20 }, () => open(url, { message() {} })),
    );
    for (const socket of sockets) socket.pause();
    const message = Buffer.alloc(60_000);
    let skipped = false;
    for (let round = 0; round < 2_000 && !skipped; round++) {
      skipped = listener.broadcast(message) === 0;
      await new Promise(setImmediate);
    }
    expect(skipped).toBe(true);
    for (const socket of listener.connections) {
      expect(socket.bufferedAmount).toBeLessThan(65_536 + 2 * message.length);
    }
    listener.broadcast(message, { slow: "close" });
    for (const socket of sockets) socket.resume();
    const ends = await Promise.all(sockets.map((socket) => socket.closed));
    expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([1013]));
  });

  test("hawser/ws bounds what waits where maxQueuedBytes says so, and by default does not", async () => {
    for (const maxQueuedBytes of [undefined, 1_000_000]) {
      const server = new WebSocketServer({ port: 0, host: "127.0.0.1", maxQueuedBytes });
      afterTest(() => {
        for (const one of server.clients ?? []) one.terminate();
        server.close();
      });
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      const connected = once(server, "connection");
      const client = new WebSocket(`ws://127.0.0.1:${port}`);
      client.on("error", () => {});
      afterTest(() => client.terminate());
      await once(client, "open");
      client.pause();
      const [socket] = (await connected) as [WebSocket];
      const errors: string[] = [];
      socket.on("error", (error: Error & { code?: string }) => errors.push(String(error.code)));
      for (let sent = 0; sent < 300 && socket.readyState === 1; sent++) {
        socket.send(Buffer.alloc(65_536));
        await new Promise(setImmediate);
      }
      if (maxQueuedBytes === undefined) {
        expect(socket.readyState).toBe(1);
        expect(socket.bufferedAmount).toBeGreaterThan(2_000_000);
      } else {
        await vi.waitFor(() => expect(socket.readyState).toBe(3));
        expect(errors).toEqual(["ENOBUFS"]);
      }
    }
  });
});

describe("topics", () => {
  test("CVE-2020-36406: subscribing and leaving inside of what is published harms nothing", async () => {
    const sockets: WebSocketConnection[] = [];
    const { listener, url } = await serve({
      open: (socket) => void sockets.push(socket),
      message(socket, message) {
        const topic = String(message);
        socket.publish(topic, "told");
        for (const one of sockets) {
          one.unsubscribe(topic);
          one.subscribe(`${topic}/${sockets.indexOf(one)}`);
        }
      },
    });
    const clients = await Promise.all(Array.from({ length: 8 }, () => open(url)));
    await vi.waitFor(() => expect(sockets.length).toBe(8));
    for (const socket of sockets) {
      // Names that a tree of topics could trip over.
      for (const topic of ["#", "+", "a/b/c", "/", "", "a/".repeat(2_000), "constructor"]) {
        socket.subscribe(topic);
        expect(listener.publish(topic, "x")).toBe(sockets.indexOf(socket) + 1);
      }
    }
    for (const socket of sockets) {
      for (let index = 0; index < 5_000; index++) socket.subscribe(`topic ${index}`);
      for (let index = 0; index < 5_000; index++) socket.unsubscribe(`topic ${index}`);
    }
    expect(listener.publish("topic 1", "nobody")).toBe(0);
    clients[0]?.write("a/b/c");
    await vi.waitFor(() => expect(listener.publish("a/b/c", "left")).toBe(0));
    expect(listener.publish("a/b/c/0", "one")).toBe(1);
    // All their topics at once, in the midst of a message for them.
    for (const client of clients) client.abort();
    expect(listener.publish("a/b/c/0", "gone")).toBeLessThanOrEqual(1);
    await vi.waitFor(() => expect(listener.connections.size).toBe(0));
    expect(listener.publish("a/b/c/0", "nobody")).toBe(0);
    expect(listener.publish("#", "nobody")).toBe(0);
  });
});

describe("payloads that are no payloads", () => {
  test('CVE-2016-10518: a number is no size: ping(5) sends "5" or is a TypeError', async () => {
    const { url } = await serve({ message() {} });
    const socket = await open(url);
    expect(() => socket.ping(5 as never)).toThrow(TypeError);
    expect(() => socket.write(5 as never)).toThrow(TypeError);
    const client = new WebSocket(url);
    afterTest(() => client.terminate());
    await once(client, "open");
    client.ping(5);
    const [payload] = (await once(client, "pong")) as [Buffer];
    expect(String(payload)).toBe("5");
  });

  test("CVE-2026-45736: an array as a close reason shows no memory", async () => {
    const { url, listener } = await serve({ message() {} });
    const socket = await open(url);
    expect(() => socket.close(1000, new Float32Array(20) as never)).toThrow(TypeError);
    const ended = [...listener.connections][0]?.closed;
    socket.abort();
    await ended;
    const reasons: string[] = [];
    const other = await serve({
      message() {},
      close: (_s, _c, reason) => void reasons.push(reason),
    });
    const client = new WebSocket(other.url);
    await once(client, "open");
    client.close(1000, new Float32Array(20) as never);
    await once(client, "close");
    await vi.waitFor(() => expect(reasons).toEqual([String(new Float32Array(20))]));
  });
});
