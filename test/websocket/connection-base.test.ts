// What can be asked of a WebSocket in each of its states, and what a handler's error does to it.

import { inspect } from "node:util";
import { describe, expect, test, vi } from "vitest";
import type { WebSocketConnection } from "../../lib/index.ts";
import { called, open, openWs, serve, serveEcho, serveWs } from "./support.ts";

describe("properties", () => {
  test("of both sides say what was agreed on", async () => {
    const opened = called<[WebSocketConnection]>();
    const { url } = await serve({ open: opened.fn as never, perMessageDeflate: true });
    const client = await open(`${url}/chat?x=1`, { protocols: ["one", "two"] });
    const [server] = await opened.args;
    for (const socket of [client, server]) {
      expect(socket.url).toBe(`${url}/chat?x=1`);
      expect(socket.protocol).toBe("one");
      expect(socket.extensions).toMatch(/^permessage-deflate/);
      expect([socket.state, socket.isPaused, socket.writableNeedDrain]).toEqual([
        "ready",
        false,
        false,
      ]);
      expect(socket.data).toBeUndefined();
    }
    const ports = [client.connection.localPort, client.connection.remotePort];
    expect([server.connection.remotePort, server.connection.localPort]).toEqual(ports);
  });

  test("count bytes with headers and the opening handshake", async () => {
    const { url } = await serveEcho();
    const socket = await open(url, { perMessageDeflate: false });
    const [read, written] = [socket.bytesRead, socket.bytesWritten];
    expect(read).toBeGreaterThan(100);
    expect(written).toBeGreaterThan(100);
    await socket.send("12345");
    await socket.receive();
    // A client's frame has a mask of four bytes.
    expect([socket.bytesRead - read, socket.bytesWritten - written]).toEqual([7, 11]);
    expect(socket.bufferedAmount).toBe(0);
  });

  test("show themselves without what is inside", async () => {
    const { url } = await serveEcho();
    const socket = await open(url);
    socket.data = { user: "me" };
    const shown = inspect(socket);
    expect(shown).toMatch(/^WebSocketConnection \{/);
    expect(shown).toContain("state: 'ready'");
    expect(shown).toContain("user: 'me'");
    expect(shown).not.toContain("carrier");
  });
});

describe("states", () => {
  test("ready, closing, closed", async () => {
    const { url } = await serveEcho();
    const socket = await open(url);
    const closed = socket.close(4_000, "done");
    expect([socket.state, socket.wasClean]).toEqual(["closing", undefined]);
    await closed;
    expect([socket.state, socket.wasClean]).toEqual(["closed", true]);
    expect(socket.write("late")).toBe(false);
    expect(await socket.close()).toBe(await closed);
  });

  test("failed, when the stream ended without a Close", async () => {
    const url = await serveWs((peer) => peer.terminate());
    const socket = await open(url);
    const { error } = await socket.closed;
    expect([socket.state, socket.wasClean, error?.name]).toEqual(["failed", false, "HawserError"]);
  });

  test("B19: what stands behind the message that was answered with abort() is not told", async () => {
    const url = await serveWs((socket) => {
      // In one segment.
      const { _socket: stream } = socket as unknown as { _socket: import("node:net").Socket };
      stream.cork();
      socket.send("the last");
      socket.ping("unheard");
      socket.close(1_000, "unheard too");
      stream.uncork();
    });
    const heard: unknown[] = [];
    const socket = await open(url, {
      message(one, data) {
        heard.push(data);
        one.abort();
      },
      ping: (_, payload) => heard.push(payload),
    });
    expect(await socket.closed).toMatchObject({ code: 1_006, wasClean: false, initiator: "local" });
    expect(heard).toEqual(["the last"]);
  });

  test("closed after abort(), for it was ours", async () => {
    const { url } = await serveEcho();
    const socket = await open(url);
    socket.abort();
    expect(await socket.closed).toMatchObject({ code: 1_006, error: null, initiator: "local" });
    expect(socket.state).toBe("closed");
  });
});

describe("callbacks", () => {
  test.each(["open", "message", "ping", "pong"] as const)(
    "B55: %s that throws ends its WebSocket with 1011, and reaches uncaughtException",
    async (name) => {
      const listeners = process.listeners("uncaughtException");
      process.removeAllListeners("uncaughtException");
      const seen: unknown[] = [];
      process.on("uncaughtException", (error) => seen.push(error));
      const { url } = await serve({
        message: () => {},
        [name]: async () => {
          throw new Error(`of ${name}`);
        },
      });
      const socket = await openWs(url);
      const closed = new Promise((resolve) => socket.on("close", resolve));
      if (name === "message") socket.send("x");
      if (name === "ping") socket.ping();
      if (name === "pong") socket.pong();
      expect(await closed).toBe(1_011);
      await vi.waitFor(() => expect(String(seen[0])).toContain(`of ${name}`));
      process.removeAllListeners("uncaughtException");
      for (const one of listeners) process.on("uncaughtException", one);
    },
  );

  test("one that passes the WebSocket's own error on ends it quietly", async () => {
    const seen = vi.fn();
    process.on("uncaughtException", seen);
    const { url, listener } = await serve({
      async open(socket) {
        for (;;) await socket.send((await socket.receive()) ?? "");
      },
    });
    const socket = await open(url);
    await socket.close(4_000);
    await vi.waitFor(() => expect(listener.counters.endedByPeer).toBe(1));
    process.off("uncaughtException", seen);
    expect(seen).not.toHaveBeenCalled();
  });
});
