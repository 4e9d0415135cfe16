// The two verbs for every scheme: what they make of an endpoint, in each form that it may have.

import { once } from "node:events";
import { describe, expect, test } from "vitest";
import {
  Connection,
  connect,
  Listener,
  listen,
  UdpFlow,
  UdpListener,
  WebSocketConnection,
  WebSocketListener,
} from "../../lib/index.ts";
import { afterTest } from "./support.ts";

type Closable = { close(): Promise<unknown> };

async function made<T extends Closable>(making: Promise<T>): Promise<T> {
  const one = await making;
  afterTest(() => one.close());
  return one;
}

describe("listen()", () => {
  test.each([
    ["tcp://127.0.0.1:0", Listener],
    ["TCP://127.0.0.1:0", Listener],
    [{ host: "127.0.0.1", port: 0 }, Listener],
    [new URL("tcp://127.0.0.1:0"), Listener],
    ["ws://127.0.0.1:0", WebSocketListener],
    [" WS://127.0.0.1:0/", WebSocketListener],
    [new URL("ws://127.0.0.1:0"), WebSocketListener],
    ["udp://127.0.0.1:0", UdpListener],
    [new URL("udp://127.0.0.1:0"), UdpListener],
    [{ transport: "udp", host: "127.0.0.1", port: 0 }, UdpListener],
  ])("on %o", async (endpoint, Class) => {
    expect(await made(listen(endpoint as URL))).toBeInstanceOf(Class);
  });

  test("the handler is last, with options or without", async () => {
    const seen: unknown[] = [];
    const handler = (socket: { data: unknown; close(): unknown }) => {
      seen.push(socket.constructor);
      return socket.close();
    };
    const first = await made(listen("ws://127.0.0.1:0", handler));
    const second = await made(listen("tcp://127.0.0.1:0", { noDelay: false }, handler));
    await made(connect(`ws://127.0.0.1:${first.port}`));
    const plain = await made(connect(`tcp://127.0.0.1:${second.port}`));
    await plain.closed;
    expect(seen).toEqual([WebSocketConnection, Connection]);
    await expect(listen("ws://127.0.0.1:0", handler as never, handler)).rejects.toThrow(TypeError);
  });

  test("a scheme that there is not is told", async () => {
    await expect(listen("http://127.0.0.1:0" as never)).rejects.toThrow(/http/);
    await expect(listen(undefined as never)).rejects.toThrow(TypeError);
    await expect(listen(17 as never)).rejects.toThrow(TypeError);
  });
});

describe("connect()", () => {
  test("makes what the scheme says, of strings, objects and URLs", async () => {
    const streams = await made(listen("tcp://127.0.0.1:0", { data: () => {} }));
    const sockets = await made(listen("ws://127.0.0.1:0", { message: () => {} }));
    const flows = await made(listen("udp://127.0.0.1:0", { data: () => {} }));
    const cases = [
      [`tcp://127.0.0.1:${streams.port}`, Connection],
      [{ host: "127.0.0.1", port: streams.port }, Connection],
      [new URL(`tcp://127.0.0.1:${streams.port}`), Connection],
      [`WS://127.0.0.1:${sockets.port}`, WebSocketConnection],
      [new URL(`ws://127.0.0.1:${sockets.port}/path`), WebSocketConnection],
      [`udp://127.0.0.1:${flows.port}`, UdpFlow],
      [new URL(`udp://127.0.0.1:${flows.port}`), UdpFlow],
      [{ transport: "udp", host: "127.0.0.1", port: flows.port }, UdpFlow],
    ] as const;
    for (const [endpoint, Class] of cases) {
      expect(await made(connect(endpoint as unknown as URL))).toBeInstanceOf(Class);
    }
  });

  test("ws+unix: speaks HTTP over a Unix socket", async () => {
    const { mkdtempSync, rmSync } = await import("node:fs");
    const folder = mkdtempSync("/tmp/entry-");
    afterTest(() => rmSync(folder, { recursive: true, force: true }));
    const path = `${folder}/socket`;
    const { createServer } = await import("node:http");
    const server = createServer();
    const asked = once(server, "upgrade");
    server.listen(path);
    await once(server, "listening");
    afterTest(() => server.close());
    const connecting = connect(`ws+unix:${path}:/chat?x=1`);
    const [request, stream] = await asked;
    expect(request.url).toBe("/chat?x=1");
    stream.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    await expect(connecting).rejects.toMatchObject({ response: { status: 403 } });
  });

  test("options of another scheme are refused, with the name", async () => {
    await expect(connect("ws://127.0.0.1:1", { data: () => {} } as never)).rejects.toThrow(/data/);
    const wrong = { protocols: ["a"] } as never;
    await expect(connect("tcp://127.0.0.1:1", wrong)).rejects.toThrow(/protocols/);
    await expect(connect("udp://127.0.0.1:1", wrong)).rejects.toThrow(/protocols/);
  });
});
