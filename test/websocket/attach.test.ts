// WebSockets beside node:http and node:https: the descriptor that moves, the stream that stays.

import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import { type AddressInfo, Socket } from "node:net";
import { describe, expect, test, vi } from "vitest";
import WS from "ws";
import { attach, counters, handleUpgrade } from "../../lib/index.ts";
import { hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { afterTest, called, open, openWs, Raw, request } from "./support.ts";

async function listening(server: http.Server | https.Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  afterTest(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

const FRAME = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);

describe("attach", () => {
  test("an upgrade beyond the limit gets 503, and its socket is gone, however the client leaves", async () => {
    const server = http.createServer();
    const port = await listening(server);
    const refused: Socket[] = [];
    server.on("upgrade", (_request, stream) => refused.push(stream as Socket));
    const listener = attach(server, { newConnectionLimit: 0 });
    afterTest(() => listener.close({ timeout: 0 }));
    const polite = new Raw(port);
    polite.write(request());
    expect(await polite.all()).toContain("503 Service Unavailable");
    const rude = new Raw(port);
    rude.write(request());
    await vi.waitFor(() => expect(refused).toHaveLength(2));
    // A socket without a listener for errors takes the process down.
    for (const socket of refused) expect(socket.listenerCount("error")).toBeGreaterThan(0);
    rude.socket.resetAndDestroy();
    await vi.waitFor(() => expect(refused.every(({ destroyed }) => destroyed)).toBe(true));
  });

  test("a function may stand in the place of the options, as with listen()", async () => {
    const server = http.createServer();
    const port = await listening(server);
    const listener = attach(server, async (socket) => {
      for await (const message of socket) await socket.send(message);
    });
    afterTest(() => listener.close({ timeout: 0 }));
    const socket = await open(`ws://127.0.0.1:${port}`);
    await socket.send("hello");
    expect(await socket.receive()).toBe("hello");
  });

  test("wrong arguments are TypeErrors that name them", () => {
    const server = http.createServer();
    const wrong: [unknown[], RegExp][] = [
      [[5], /"server" must be an HTTP server/],
      [[server, null], /"options of attach\(\)" must be an object/],
      [[server, 5], /"options of attach\(\)" must be an object/],
      [[server, {}, 5], /"handler" must be of type function/],
      [[server, () => {}, () => {}], /"handler" must be the last argument of attach\(\)/],
      [[server, { pth: "/x" }], /Unknown option of attach\(\): "pth"/],
      [[server, { path: "x" }], /"path" must begin with \//],
    ];
    for (const [args, why] of wrong) {
      const call = () => (attach as (...all: unknown[]) => unknown)(...args);
      expect(call).toThrow(TypeError);
      expect(call).toThrow(why);
    }
    expect(server.listenerCount("upgrade")).toBe(0);
  });

  test("a service of node:http keeps its pages, and its WebSockets echo", async () => {
    const server = http.createServer((_, response) => response.end("page"));
    const port = await listening(server);
    const listener = attach(server, { message: (socket, message) => void socket.write(message) });
    afterTest(() => listener.close({ timeout: 0 }));
    expect(listener.port).toBe(port);
    const page = await fetch(`http://127.0.0.1:${port}/`);
    expect(await page.text()).toBe("page");
    const socket = await openWs(`ws://127.0.0.1:${port}/any`);
    for (const size of [2, 5_000, 200_000]) {
      socket.send(Buffer.alloc(size, "a"));
      const [message] = await once(socket, "message");
      expect(message.equals(Buffer.alloc(size, "a"))).toBe(true);
    }
    expect(listener.connections.size).toBe(1);
    socket.close(4_000, "bye");
    expect((await once(socket, "close"))[0]).toBe(4_000);
    expect(listener.counters.accepted).toBe(1);
  });

  test("plain TCP moves to the reactor: Node's own socket is gone, its names stay", async () => {
    const server = http.createServer();
    const port = await listening(server);
    const seen = called<[Socket]>();
    server.on("upgrade", (incoming) => setImmediate(() => seen.fn(incoming.socket)));
    const listener = attach(server, { message: (socket, message) => void socket.write(message) });
    afterTest(() => listener.close({ timeout: 0 }));
    const before = counters();
    const socket = await openWs(`ws://127.0.0.1:${port}`);
    const [own] = await seen.args;
    expect(own.destroyed).toBe(true);
    expect(own.remoteAddress).toBe("127.0.0.1");
    socket.send("fast");
    expect(String((await once(socket, "message"))[0])).toBe("fast");
    expect(counters().turns).toBeGreaterThan(before.turns);
  });

  test("no byte of head is lost, however the request is cut", async () => {
    const server = http.createServer();
    const port = await listening(server);
    const listener = attach(server, { message: (socket, message) => void socket.write(message) });
    afterTest(() => listener.close({ timeout: 0 }));
    const all = Buffer.concat([Buffer.from(request()), FRAME, FRAME]);
    for (const cut of [all.length, all.length - 3, all.length - FRAME.length, 40]) {
      const raw = new Raw(port);
      raw.socket.setNoDelay(true);
      raw.write(all.subarray(0, cut));
      await new Promise(setImmediate);
      if (cut < all.length) raw.write(all.subarray(cut));
      const answer = await raw.until((bytes) => bytes.toString("latin1").endsWith("hi\x81\x02hi"));
      expect(answer.toString("latin1")).toMatch(/^HTTP\/1\.1 101 /);
      raw.socket.destroy();
    }
  });

  const withoutOpenssl = hasOpenssl ? "" : " (skipped: no openssl)";
  test.skipIf(!hasOpenssl)(
    `over node:https the stream stays with Node${withoutOpenssl}`,
    async () => {
      const { server: identity } = makeCertificates();
      const server = https.createServer({ key: identity.key, cert: identity.cert });
      const port = await listening(server);
      const listener = attach(server, { message: (socket, message) => void socket.write(message) });
      afterTest(() => listener.close({ timeout: 0 }));
      const socket = await openWs(`wss://127.0.0.1:${port}`, { rejectUnauthorized: false });
      for (const size of [0, 3, 4_095, 5_000, 300_000]) {
        socket.send(Buffer.alloc(size, "s"));
        const [message] = await once(socket, "message");
        expect(message.equals(Buffer.alloc(size, "s"))).toBe(true);
      }
      const [served] = listener.connections;
      expect([served?.viable, served?.path, served?.betterPath]).toEqual([true, null, null]);
      const closed = once(socket, "close");
      await listener.close();
      expect((await closed)[0]).toBe(1_001);
      expect(served?.viable).toBe(false);
    },
  );

  test("other paths are left to other listeners, else answered with 404", async () => {
    const server = http.createServer();
    const port = await listening(server);
    const one = attach(server, { path: "/one", open: (socket) => void socket.write("one") });
    afterTest(() => one.close({ timeout: 0 }));
    const raw = new Raw(port);
    raw.write(request());
    expect(await raw.all()).toMatch(/^HTTP\/1\.1 404 /);
    const two = attach(server, { path: "/two", open: (socket) => void socket.write("two") });
    afterTest(() => two.close({ timeout: 0 }));
    for (const name of ["one", "two"]) {
      const socket = new WS(`ws://127.0.0.1:${port}/${name}?x`);
      expect(String((await once(socket, "message"))[0])).toBe(name);
      socket.terminate();
    }
  });

  test("the end of the server closes its WebSockets with 1001", async () => {
    const server = http.createServer();
    const port = await listening(server);
    const listener = attach(server, { open: () => {} });
    const socket = await openWs(`ws://127.0.0.1:${port}`);
    server.close();
    expect((await once(socket, "close"))[0]).toBe(1_001);
    expect(await listener.closed).toEqual({ error: null, aborted: 0 });
  });

  test("close({ drain: true }) takes no more upgrades, and leaves WebSockets open until they end", async () => {
    const server = http.createServer((_, response) => response.end("page"));
    const port = await listening(server);
    const listener = attach(server, { message: (socket, message) => void socket.write(message) });
    const sockets = [
      await openWs(`ws://127.0.0.1:${port}`),
      await openWs(`ws://127.0.0.1:${port}`),
    ];
    const closed = listener.close({ drain: true });
    expect(listener.state).toBe("closing");
    // Without a listener for upgrades Node takes the request for a page.
    const late = new Raw(port);
    late.write(request());
    expect(await late.head()).toMatch(/^HTTP\/1\.1 200 /);
    for (const socket of sockets) {
      socket.send("still");
      expect(String((await once(socket, "message"))[0])).toBe("still");
    }
    // The end of the server does not cut it short.
    server.close();
    server.closeIdleConnections();
    await once(server, "close");
    for (const socket of sockets) {
      expect(listener.state).toBe("closing");
      socket.close(4_000);
      expect((await once(socket, "close"))[0]).toBe(4_000);
    }
    expect(await closed).toEqual({ error: null, aborted: 0 });
    expect(listener.state).toBe("closed");
  });

  test("close() after it ends the WebSockets, and a timeout aborts them", async () => {
    for (const again of [{}, { drain: true, timeout: 20 }]) {
      const server = http.createServer();
      const port = await listening(server);
      const listener = attach(server, { open: () => {} });
      const socket = await openWs(`ws://127.0.0.1:${port}`);
      socket.on("error", () => {});
      void listener.close({ drain: true });
      const ended = once(socket, "close");
      const { aborted } = await listener.close(again);
      expect([aborted, (await ended)[0]]).toEqual("timeout" in again ? [1, 1_006] : [0, 1_001]);
    }
  });

  test("options of close() that it does not know are refused", async () => {
    const listener = attach(http.createServer(), {});
    expect(() => listener.close({ drian: true } as never)).toThrow(/drain/);
    expect(() => listener.close({ timeout: "5s" } as never)).toThrow(/timeout/);
    await listener.close();
  });
});

describe("handleUpgrade", () => {
  test("resolves with the open WebSocket, whose messages can be received", async () => {
    const server = http.createServer();
    const port = await listening(server);
    server.on("upgrade", async (incoming, stream, head) => {
      const socket = await handleUpgrade(incoming, stream, head);
      afterTest(() => socket.abort());
      for await (const message of socket) await socket.send(message);
    });
    const socket = await openWs(`ws://127.0.0.1:${port}`);
    socket.send("a");
    expect(String((await once(socket, "message"))[0])).toBe("a");
  });

  test("wrong arguments are TypeErrors that name them", () => {
    const request = { method: "GET", url: "/", headers: {}, rawHeaders: [] };
    const head = Buffer.alloc(0);
    const wrong: [unknown[], RegExp][] = [
      [[5, new Socket(), head], /"request" must be/],
      [[request, 5, head], /"socket" must be a Duplex/],
      [[request, new Socket(), "head"], /"head" must be a Buffer/],
      [[request, new Socket(), head, { foo: 1 }], /Unknown option of handleUpgrade\(\): "foo"/],
    ];
    for (const [args, why] of wrong) {
      expect(() => (handleUpgrade as (...all: unknown[]) => unknown)(...args)).toThrow(why);
    }
  });

  test("rejects where the request is refused, and the client is told", async () => {
    const server = http.createServer();
    const port = await listening(server);
    const outcome = called<[unknown]>();
    server.on("upgrade", (incoming, stream, head) => {
      handleUpgrade(incoming, stream, head, { upgrade: () => ({ status: 403 }) }).catch(outcome.fn);
    });
    const raw = new Raw(port);
    raw.write(request());
    expect(await raw.all()).toMatch(/^HTTP\/1\.1 403 /);
    expect((await outcome.args)[0]).toMatchObject({ code: "ERR_HAWSER_UPGRADE_FAILED" });
  });
});
