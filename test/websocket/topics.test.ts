// Broadcast: topics, one encoding for many, slow receivers.

import { once } from "node:events";
import zlib from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import type { WebSocketConnection } from "../../lib/index.ts";
import { afterTest, open, openWs, Raw, request, serve, serveEcho } from "./support.ts";

describe("topics", () => {
  test("publish reaches the other subscribers, and tells how many they were", async () => {
    const counts: number[] = [];
    const { url, listener } = await serve({
      open: (socket) => socket.subscribe("news"),
      message(socket, message) {
        counts.push(socket.publish("news", message));
        if (message === "leave") socket.unsubscribe("news");
      },
    });
    const [one, two, three] = [await open(url), await open(url), await open(url)];
    one.write("a");
    expect(await two.receive()).toBe("a");
    expect(await three.receive()).toBe("a");
    expect(counts).toEqual([2]);
    expect(listener.publish("news", Buffer.from("b"))).toBe(3);
    for (const socket of [one, two, three])
      expect(await socket.receive()).toEqual(Buffer.from("b"));
    two.write("leave");
    expect(await one.receive()).toBe("leave");
    expect(listener.publish("news", "c")).toBe(2);
    expect(listener.publish("nobody's", "c")).toBe(0);
    await three.close();
    await vi.waitFor(() => expect(listener.publish("news", "d")).toBe(1));
  });

  test("broadcast reaches all, in one system call each and one crossing for all", async () => {
    const { counters } = await import("../../lib/index.ts");
    const { url, listener } = await serve({ open: () => {} });
    const sockets = await Promise.all(Array.from({ length: 20 }, () => openWs(url)));
    await vi.waitFor(() => expect(listener.connections.size).toBe(20));
    const messages = Promise.all(sockets.map((socket) => once(socket, "message")));
    const before = counters().flushes;
    expect(listener.broadcast("to all")).toBe(20);
    await new Promise(setImmediate);
    expect(counters().flushes - before).toBeLessThanOrEqual(2);
    expect((await messages).map(([data]) => String(data))).toEqual(Array(20).fill("to all"));
  });

  test("receivers with and without compression get the same, compressed once", async () => {
    const { url, listener } = await serve({ perMessageDeflate: true, open: () => {} });
    const sockets = await Promise.all(
      [false, true, true, true].map((perMessageDeflate) => openWs(url, { perMessageDeflate })),
    );
    await vi.waitFor(() => expect(listener.connections.size).toBe(4));
    const compress = vi.spyOn(zlib, "deflateRawSync");
    afterTest(() => compress.mockRestore());
    for (const text of ["x".repeat(20_000), "y".repeat(20_000)]) {
      const messages = Promise.all(sockets.map((socket) => once(socket, "message")));
      compress.mockClear();
      expect(listener.broadcast(text)).toBe(4);
      expect(compress).toHaveBeenCalledTimes(1);
      for (const [data] of await messages) expect(String(data)).toBe(text);
    }
    const [compressed] = [...listener.connections].filter(({ extensions }) => extensions !== "");
    expect(compressed?.bytesWritten).toBeLessThan(2_000);
  });

  test.each(["skip", "close"] as const)("B46: a slow receiver: %s", async (slow) => {
    const { url, port, listener } = await serve({ open: () => {}, sendHighWaterMark: 10_000 });
    const fast = await open(url);
    const raw = new Raw(port);
    raw.write(request());
    await raw.head();
    raw.socket.pause();
    await vi.waitFor(() => expect(listener.connections.size).toBe(2));
    const isSlow = (socket: WebSocketConnection) => socket.isSlow;
    const message = Buffer.alloc(50_000);
    let got = 0;
    void (async () => {
      for await (const _ of fast) got++;
    })();
    let count = 0;
    while (![...listener.connections].some((socket) => isSlow(socket as never))) {
      expect(listener.broadcast(message)).toBe(2);
      await vi.waitFor(() => expect(got).toBe(count + 1));
      expect(++count).toBeLessThan(1_000);
    }
    const [other] = [...listener.connections].filter((socket) => isSlow(socket as never));
    expect(listener.broadcast(message, { slow })).toBe(1);
    expect(other?.state).toBe(slow === "close" ? "closing" : "ready");
    const before = other?.bufferedAmount ?? 0;
    for (let n = 0; n < 50; n++) listener.broadcast(message, { slow });
    expect(other?.bufferedAmount).toBe(before);
  });

  test("many messages of one turn are not taken for a slow receiver", async () => {
    const { url, listener } = await serve({ open: () => {}, sendHighWaterMark: 10_000 });
    const socket = await open(url);
    for (let n = 0; n < 10; n++) expect(listener.broadcast(Buffer.alloc(5_000, n))).toBe(1);
    for (let n = 0; n < 10; n++) expect((await socket.receive())?.[0]).toBe(n);
  });

  test("a client has no topics, wrong options are a TypeError", async () => {
    const { url, listener } = await serveEcho();
    const socket = await open(url);
    expect(() => socket.subscribe("a")).toThrow(/connect\(\)/);
    expect(() => listener.broadcast("a", { slow: "wait" as never })).toThrow(/skip/);
    expect(() => listener.publish(1 as never, "a")).toThrow(TypeError);
  });
});
