// The module hawser/ws beside the package whose place it takes: every test here runs with servers
// and clients of both, in each combination, so that a difference shows.

import { once } from "node:events";
import { createServer } from "node:http";
import net, { type AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import * as theirs from "ws";
import * as hawser from "../../lib/websocket/ws.ts";
import { afterTest } from "./support.ts";

// The classes have the same members; the types are those of `@types/ws`.
const ours = hawser as unknown as typeof theirs;
const packages = { ws: theirs, "hawser/ws": ours };
type Name = keyof typeof packages;
const pairs: [server: Name, client: Name][] = [
  ["ws", "ws"],
  ["hawser/ws", "ws"],
  ["ws", "hawser/ws"],
  ["hawser/ws", "hawser/ws"],
];

type Socket = theirs.WebSocket;

async function start(
  name: Name,
  options: theirs.ServerOptions = {},
): Promise<{ server: theirs.WebSocketServer; url: string; port: number }> {
  const server = new packages[name].WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  afterTest(async () => {
    for (const client of server.clients ?? []) client.terminate();
    server.close();
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { server, port, url: `ws://127.0.0.1:${port}` };
}

function client(name: Name, url: string, ...rest: unknown[]): Socket {
  const socket = new packages[name].WebSocket(url, ...(rest as []));
  afterTest(() => {
    socket.on("error", () => {});
    socket.terminate();
  });
  return socket;
}

describe.each(pairs)("a server of %s and a client of %s", (serverName, clientName) => {
  test("connection, message and close come with their arguments", async () => {
    const { server, url } = await start(serverName);
    const socket = client(clientName, `${url}/path?x=1`, ["a", "b"], { headers: { "X-A": "1" } });
    const [[peer, incoming]] = await Promise.all([
      once(server, "connection"),
      once(socket, "open"),
    ]);
    expect([incoming.url, incoming.headers["x-a"]]).toEqual(["/path?x=1", "1"]);
    expect([peer.protocol, socket.protocol]).toEqual(["a", "a"]);
    expect([peer.readyState, socket.readyState]).toEqual([1, 1]);
    expect(server.clients.has(peer)).toBe(true);
    peer.send("text");
    let [data, isBinary] = await once(socket, "message");
    expect([Buffer.isBuffer(data), String(data), isBinary]).toEqual([true, "text", false]);
    socket.send(Uint8Array.of(1, 2));
    [data, isBinary] = await once(peer, "message");
    expect([Buffer.isBuffer(data), [...data], isBinary]).toEqual([true, [1, 2], true]);
    peer.close(4_001, "why");
    const [[code, reason], [peerCode]] = await Promise.all([
      once(socket, "close"),
      once(peer, "close"),
    ]);
    expect([code, String(reason), Buffer.isBuffer(reason), peerCode]).toEqual([
      4_001,
      "why",
      true,
      4_001,
    ]);
    expect([peer.readyState, socket.readyState, server.clients.size]).toEqual([3, 3, 0]);
  });

  test("close() without arguments is 1005 on both sides", async () => {
    const { server, url } = await start(serverName);
    const socket = client(clientName, url);
    const [[peer]] = await Promise.all([once(server, "connection"), once(socket, "open")]);
    socket.close();
    const codes = await Promise.all([once(socket, "close"), once(peer, "close")]);
    expect(codes.map(([code]) => code)).toEqual([1_005, 1_005]);
  });

  test("terminate() is 1006 without an error on both sides", async () => {
    const { server, url } = await start(serverName);
    const socket = client(clientName, url);
    const [[peer]] = await Promise.all([once(server, "connection"), once(socket, "open")]);
    const errors: unknown[] = [];
    for (const one of [peer, socket]) one.on("error", (error: unknown) => errors.push(error));
    peer.terminate();
    const codes = await Promise.all([once(socket, "close"), once(peer, "close")]);
    expect(codes.map(([code]) => code)).toEqual([1_006, 1_006]);
    expect(errors).toEqual([]);
  });

  test("ping is answered, and both events have the payload", async () => {
    const { server, url } = await start(serverName);
    const socket = client(clientName, url);
    const [[peer]] = await Promise.all([once(server, "connection"), once(socket, "open")]);
    const events = Promise.all([once(socket, "ping"), once(peer, "pong")]);
    peer.ping("payload");
    expect((await events).map(([payload]) => String(payload))).toEqual(["payload", "payload"]);
  });

  test("send calls back, before open it throws, after close it gives an error", async () => {
    const { server, url } = await start(serverName);
    const socket = client(clientName, url);
    expect(() => socket.send("early")).toThrow("WebSocket is not open: readyState 0 (CONNECTING)");
    const [[peer]] = await Promise.all([once(server, "connection"), once(socket, "open")]);
    const got = once(peer, "message");
    await new Promise<void>((resolve, reject) =>
      socket.send("x", (error) => (error ? reject(error) : resolve())),
    );
    expect(String((await got)[0])).toBe("x");
    socket.close();
    const error = await new Promise<Error | undefined>((resolve) => socket.send("late", resolve));
    expect(error?.message).toBe("WebSocket is not open: readyState 2 (CLOSING)");
    expect(socket.bufferedAmount).toBeGreaterThanOrEqual(4);
    await once(socket, "close");
  });

  test("messages in fragments, and with permessage-deflate, arrive whole and in order", async () => {
    const { server, url } = await start(serverName, { perMessageDeflate: { threshold: 10 } });
    const socket = client(clientName, url, { perMessageDeflate: { threshold: 10 } });
    const [[peer]] = await Promise.all([once(server, "connection"), once(socket, "open")]);
    expect(socket.extensions).toBe("permessage-deflate");
    const got: string[] = [];
    const done = new Promise<void>((resolve) =>
      peer.on("message", (data: Buffer) => {
        if (got.push(String(data)) === 3) resolve();
      }),
    );
    socket.send("one ", { fin: false });
    socket.send("two", { fin: true });
    socket.send("a".repeat(100_000));
    socket.send("short");
    await done;
    expect(got).toEqual(["one two", "a".repeat(100_000), "short"]);
  });

  test("binaryType gives nodebuffer, arraybuffer or fragments", async () => {
    const { server, url } = await start(serverName);
    const socket = client(clientName, url);
    const [[peer]] = await Promise.all([once(server, "connection"), once(socket, "open")]);
    for (const type of ["nodebuffer", "arraybuffer", "fragments"] as const) {
      socket.binaryType = type;
      peer.send(Buffer.from("abc"));
      const [data] = await once(socket, "message");
      const bytes =
        type === "fragments"
          ? Buffer.concat(data)
          : type === "nodebuffer"
            ? data
            : Buffer.from(data);
      expect(String(bytes)).toBe("abc");
      expect(data instanceof ArrayBuffer).toBe(type === "arraybuffer");
    }
  });

  test("listeners in the browser's manner get data as strings and codes", async () => {
    const { server, url } = await start(serverName);
    server.on("connection", (peer) => {
      peer.send("hello");
      peer.close(1_000, "done");
    });
    const socket = client(clientName, url);
    const seen: unknown[] = [];
    socket.addEventListener("open", ({ type }) => seen.push(type));
    socket.onmessage = ({ data, type }) => seen.push([type, data]);
    await new Promise<void>((resolve) => {
      socket.addEventListener("close", ({ code, reason, wasClean }) => {
        seen.push([code, reason, wasClean]);
        resolve();
      });
    });
    expect(seen).toEqual(["open", ["message", "hello"], [1_000, "done", true]]);
  });

  test("verifyClient and handleProtocols decide, headers can add lines", async () => {
    const { server, url } = await start(serverName, {
      verifyClient: ({ req }, answer) =>
        answer(req.url === "/in", 403, "no entry", { "X-Why": "because" }),
      handleProtocols: (protocols) => [...protocols][1] ?? false,
    });
    server.on("headers", (lines) => lines.push("X-Added: yes"));
    const refused = client(clientName, `${url}/out`);
    const [, response] = await once(refused, "unexpected-response");
    expect([response.statusCode, response.headers["x-why"]]).toEqual([403, "because"]);
    let body = "";
    for await (const chunk of response) body += String(chunk);
    expect(body).toBe("no entry");
    const socket = client(clientName, `${url}/in`, ["a", "b"]);
    const upgraded = once(socket, "upgrade");
    await once(socket, "open");
    expect((await upgraded)[0].headers["x-added"]).toBe("yes");
    expect(socket.protocol).toBe("b");
  });

  test("a refused upgrade without a listener is an error with the status, then 1006", async () => {
    const { url } = await start(serverName, { verifyClient: () => false });
    const socket = client(clientName, url);
    const closed = once(socket, "close").catch(() => undefined);
    const [error] = await new Promise<[Error]>((resolve) =>
      socket.on("error", (reason) => resolve([reason])),
    );
    expect(error.message).toBe("Unexpected server response: 401");
    await closed;
    expect(socket.readyState).toBe(3);
  });

  test("a message over maxPayload is an error on the receiver and 1009 on the sender", async () => {
    const { server, url } = await start(serverName, { maxPayload: 100 });
    const socket = client(clientName, url);
    const [[peer]] = await Promise.all([once(server, "connection"), once(socket, "open")]);
    const failed = new Promise<NodeJS.ErrnoException>((resolve) => peer.on("error", resolve));
    socket.send(Buffer.alloc(101));
    const [code] = await once(socket, "close");
    const error = await failed;
    expect(code).toBe(1_009);
    expect([error.name, error.code, error.message]).toEqual([
      "RangeError",
      "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
      "Max payload size exceeded",
    ]);
  });

  test("close() before open is an error, then 1006", async () => {
    const { url } = await start(serverName);
    const socket = client(clientName, url);
    const error = new Promise<Error>((resolve) => socket.on("error", resolve));
    const closed = new Promise<number>((resolve) => socket.on("close", resolve));
    socket.close();
    expect((await error).message).toBe(
      "WebSocket was closed before the connection was established",
    );
    expect(await closed).toBe(1_006);
  });

  test("pause() holds messages, resume() gives them", async () => {
    const { server, url } = await start(serverName);
    const socket = client(clientName, url);
    const [[peer]] = await Promise.all([once(server, "connection"), once(socket, "open")]);
    socket.pause();
    expect(socket.isPaused).toBe(true);
    let got = 0;
    socket.on("message", () => got++);
    await new Promise<void>((resolve) => peer.send("held", () => resolve()));
    await new Promise(setImmediate);
    expect(got).toBe(0);
    const message = once(socket, "message");
    socket.resume();
    expect(String((await message)[0])).toBe("held");
  });

  test("createWebSocketStream pipes both ways, with back-pressure, to the end", async () => {
    const { server, url } = await start(serverName);
    server.on("connection", (peer) => {
      const stream = packages[serverName].createWebSocketStream(peer);
      stream.on("error", () => {});
      stream.pipe(stream);
    });
    const stream = packages[clientName].createWebSocketStream(client(clientName, url));
    const sent = Buffer.alloc(300_000, "stream");
    stream.end(sent);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
      if (Buffer.concat(chunks).length >= sent.length) break;
    }
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  });

  test("followRedirects follows, and tells by an event", async () => {
    const { url } = await start(serverName);
    const away = createServer();
    away.on("upgrade", (_request, socket) => {
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${url}/there\r\n\r\n`);
    });
    away.listen(0, "127.0.0.1");
    await once(away, "listening");
    afterTest(() => away.close());
    const { port } = away.address() as AddressInfo;
    const socket = client(clientName, `ws://127.0.0.1:${port}`, { followRedirects: true });
    const redirect = once(socket, "redirect");
    await once(socket, "open");
    expect(socket.url).toBe(`${url}/there`);
    expect((await redirect)[0]).toBe(`${url}/there`);
  });
});

describe.each(["ws", "hawser/ws"] as const)("a server of %s", (name) => {
  test("with noServer upgrades what it is handed, on any path", async () => {
    const { WebSocketServer } = packages[name];
    const server = new WebSocketServer({ noServer: true, path: "/one" });
    expect(() => server.address()).toThrow('The server is operating in "noServer" mode');
    const http = createServer();
    http.on("upgrade", (request, socket, head) => {
      server.handleUpgrade(request, socket, head, (peer) => {
        server.emit("connection", peer, request);
      });
    });
    server.on("connection", (peer) => peer.send("welcome"));
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    afterTest(() => http.close());
    const { port } = http.address() as AddressInfo;
    const socket = client("ws", `ws://127.0.0.1:${port}/one`);
    expect(String((await once(socket, "message"))[0])).toBe("welcome");
    const other = client("ws", `ws://127.0.0.1:${port}/two`);
    const [, response] = await once(other, "unexpected-response");
    expect(response.statusCode).toBe(400);
  });

  test("needs exactly one of port, server and noServer", () => {
    const { WebSocketServer } = packages[name];
    for (const options of [{}, { port: 0, noServer: true }]) {
      expect(() => new WebSocketServer(options)).toThrow(/One and only one/);
    }
  });

  test("close() leaves clients open, and tells when the last has gone", async () => {
    const { server, url } = await start(name);
    const socket = client("ws", url);
    await once(socket, "open");
    let isClosed = false;
    const closed = new Promise<void>((resolve) =>
      server.close(() => {
        isClosed = true;
        resolve();
      }),
    );
    const [peer] = server.clients;
    peer?.send("still here");
    expect(String((await once(socket, "message"))[0])).toBe("still here");
    expect(isClosed).toBe(false);
    socket.close();
    await closed;
    const error = await new Promise<Error | undefined>((resolve) => server.close(resolve));
    expect(error?.message).toBe("The server is not running");
  });

  test("answers plain HTTP with 426", async () => {
    const { port } = await start(name);
    const response = await fetch(`http://127.0.0.1:${port}`);
    expect([response.status, await response.text()]).toEqual([426, "Upgrade Required"]);
  });

  test.each([
    ["an unmasked frame", [0x81, 0x01, 0x61], "WS_ERR_EXPECTED_MASK"],
    ["RSV1", [0xc1, 0x80, 0, 0, 0, 0], "WS_ERR_UNEXPECTED_RSV_1"],
    ["RSV2", [0xa1, 0x80, 0, 0, 0, 0], "WS_ERR_UNEXPECTED_RSV_2_3"],
    ["opcode 3", [0x83, 0x80, 0, 0, 0, 0], "WS_ERR_INVALID_OPCODE"],
    ["a fragmented ping", [0x09, 0x80, 0, 0, 0, 0], "WS_ERR_EXPECTED_FIN"],
    ["a long ping", [0x89, 0xfe, 0, 126, 0, 0, 0, 0], "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH"],
    ["bad UTF-8", [0x81, 0x81, 0, 0, 0, 0, 0xff], "WS_ERR_INVALID_UTF8"],
  ])("tells of %s with its code", async (_, bytes, code) => {
    const { server, port } = await start(name);
    const raw = net.connect(port, "127.0.0.1");
    raw.on("error", () => {});
    afterTest(() => raw.destroy());
    raw.write(
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    const [peer] = await once(server, "connection");
    const failed = new Promise<NodeJS.ErrnoException>((resolve) => peer.on("error", resolve));
    const closed = new Promise((resolve) => peer.on("close", resolve));
    raw.write(Uint8Array.from(bytes));
    raw.on("data", () => raw.end());
    expect((await failed).code).toBe(code);
    await closed;
    expect(peer.readyState).toBe(3);
  });
});

describe("the module", () => {
  test("has what the package has, the class first", () => {
    const all = hawser as unknown as Record<string, unknown>;
    expect(all["module.exports"]).toBe(hawser.WebSocket);
    expect(hawser.default).toBe(hawser.WebSocket);
    for (const name of ["WebSocket", "WebSocketServer", "Server", "createWebSocketStream"]) {
      expect((hawser.WebSocket as unknown as Record<string, unknown>)[name]).toBe(all[name]);
      expect(all[name]).toBeTypeOf("function");
    }
  });

  test("has every property and method of the package's classes but the private ones", () => {
    const names = (of: object) =>
      Object.getOwnPropertyNames(of).filter((key) => !key.startsWith("_"));
    const all = (of: typeof theirs.WebSocket) => [
      ...names(of.prototype),
      ...names(Object.getPrototypeOf(of.prototype)),
    ];
    const has = new Set([...all(ours.WebSocket), "CONNECTING", "OPEN", "CLOSING", "CLOSED"]);
    // What the package documents nowhere.
    for (const internal of ["setSocket", "emitClose"]) has.add(internal);
    expect(names(theirs.WebSocket.prototype).filter((key) => !has.has(key))).toEqual([]);
    const server = new Set(names(ours.WebSocketServer.prototype));
    const missing = names(theirs.WebSocketServer.prototype).filter((key) => !server.has(key));
    expect(missing.filter((key) => key !== "completeUpgrade")).toEqual([]);
  });
});
