// Against the `ws` package over loopback, both ways round: handshake, messages, compression, parts,
// closing and refusals, with the smallest glue there can be.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { resolveDeflate } from "../../../lib/websocket/protocol/deflate-negotiation.ts";
import { dial, flush, serve } from "./drive.ts";
import type { Side } from "./support.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const MESSAGES: (string | Buffer)[] = [
  "",
  "short",
  "ünïcödé 😀",
  Buffer.alloc(0),
  Buffer.alloc(125, 1),
  Buffer.alloc(126, 2),
  "x".repeat(5_000),
  JSON.stringify(Array.from({ length: 500 }, (_, at) => ({ at, name: `user ${at}` }))),
  Buffer.alloc(70_000, 3),
  "y".repeat(200_000),
];

const kinds = [
  ["plain", false, {}],
  ["compressed", true, {}],
  [
    "compressed, no takeover",
    true,
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
  ],
  ["compressed, small windows", true, { serverMaxWindowBits: 10, clientMaxWindowBits: 9 }],
] as const;

function sendAll(side: Side): void {
  for (const message of MESSAGES) {
    side.protocol.send(message, typeof message !== "string", true, 0);
    flush(side);
  }
}

const asText = (message: unknown) =>
  typeof message === "string" ? message : (message as Buffer).toString("base64");

describe.each(kinds)("our client and a ws server: %s", (_, compressed, settings) => {
  test("echo of everything, then a clean close", async () => {
    const server = new WebSocketServer({
      port: 0,
      host: "127.0.0.1",
      perMessageDeflate: compressed ? { threshold: 0 } : false,
    });
    closers.push(() => server.close());
    await once(server, "listening");
    const theirs = new Promise((resolve) => {
      server.on("connection", (socket) => {
        socket.on("message", (data, binary) => socket.send(data, { binary }));
        socket.on("close", (code, reason) => resolve([code, String(reason)]));
      });
    });
    const { port } = server.address() as AddressInfo;
    const deflate = compressed ? resolveDeflate({ ...settings, threshold: 0 }) : null;
    const { side, handshake } = await dial(
      port,
      { role: "client", deflate: deflate ?? false },
      { deflate },
    );
    expect(handshake.accepted?.deflate !== null).toBe(compressed);
    sendAll(side as Side);
    await side?.handler.until(() => side.handler.messages.length === MESSAGES.length);
    expect(side?.handler.messages.map(asText)).toEqual(MESSAGES.map(asText));
    side?.protocol.close(3456, "done", 0);
    flush(side as Side);
    await side?.handler.until((entry) => entry[0] === "closed");
    expect(side?.handler.closed).toMatchObject({ code: 3456, wasClean: true, initiator: "local" });
    expect(await theirs).toEqual([3456, "done"]);
  });
});

describe.each(kinds)("our server and a ws client: %s", (_, compressed, settings) => {
  test("messages both ways, pings, then the client's close", async () => {
    const deflate = compressed ? resolveDeflate({ ...settings, threshold: 0 }) : null;
    const served = await serve(
      { role: "server", deflate: deflate ?? false },
      (request, handshake) => handshake.accept({ deflate, protocol: request.protocols[0] ?? "" }),
    );
    closers.push(() => served.server.close());
    const client = new WebSocket(`ws://127.0.0.1:${served.port}/path?q`, ["a", "b"], {
      perMessageDeflate: compressed ? { threshold: 0 } : false,
    });
    const received: unknown[] = [];
    client.on("message", (data, binary) => {
      received.push(binary ? data : String(data));
      if (received.length === MESSAGES.length) client.emit("complete");
    });
    await once(client, "open");
    expect(client.protocol).toBe("a");
    expect(client.extensions.includes("permessage-deflate")).toBe(compressed);
    const side = await served.next();
    sendAll(side);
    await once(client, "complete");
    expect(received.map(asText)).toEqual(MESSAGES.map(asText));
    for (const message of MESSAGES) client.send(message);
    await side.handler.until(() => side.handler.messages.length === MESSAGES.length);
    expect(side.handler.messages.map(asText)).toEqual(MESSAGES.map(asText));
    const pong = once(client, "pong");
    client.ping("are you there");
    expect(String((await pong)[0])).toBe("are you there");
    const closed = once(client, "close");
    client.close(1000, "bye");
    expect((await closed)[0]).toBe(1000);
    await side.handler.until((entry) => entry[0] === "closed");
    expect(side.handler.closed).toMatchObject({ code: 1000, reason: "bye", wasClean: true });
  });

  test("messages in parts, as ws fragments them", async () => {
    const deflate = compressed ? resolveDeflate({ ...settings, threshold: 0 }) : null;
    const served = await serve({ role: "server", deflate: deflate ?? false }, (__, handshake) =>
      handshake.accept({ deflate }),
    );
    closers.push(() => served.server.close());
    const client = new WebSocket(`ws://127.0.0.1:${served.port}`, {
      perMessageDeflate: compressed ? { threshold: 0 } : false,
    });
    await once(client, "open");
    const side = await served.next();
    client.send("one ", { fin: false });
    client.send("two ", { fin: false });
    client.send("", { fin: true });
    client.send("whole");
    await side.handler.until(() => side.handler.messages.length === 2);
    expect(side.handler.messages).toEqual(["one two ", "whole"]);
    const message = once(client, "message");
    side.protocol.sendPart("three ", false, true, 0);
    side.protocol.sendPart("four", false, true, 0);
    side.protocol.sendPart("", true, true, 0);
    flush(side);
    expect(String((await message)[0])).toBe("three four");
    side.protocol.close(1001, "", 0);
    flush(side);
    expect((await once(client, "close"))[0]).toBe(1001);
    await side.handler.until((entry) => entry[0] === "closed");
  });
});

test("B44 a ws client sees our refusal", async () => {
  const served = await serve({ role: "server" }, (_, handshake) =>
    handshake.refuse({
      status: 401,
      headers: { "WWW-Authenticate": "Basic" },
      body: "who are you?",
    }),
  );
  closers.push(() => served.server.close());
  const client = new WebSocket(`ws://127.0.0.1:${served.port}`);
  const [, response] = await once(client, "unexpected-response");
  expect(response.statusCode).toBe(401);
  expect(response.headers["www-authenticate"]).toBe("Basic");
  let body = "";
  for await (const piece of response) body += piece;
  expect(body).toBe("who are you?");
});

test.each(["chunked", "by length"])(
  "B43 our client sees the refusal of node:http, %s",
  async (kind) => {
    const server: Server = createServer();
    server.on("upgrade", () => {});
    server.removeAllListeners("upgrade");
    server.on("request", (_, response) => {
      response.writeHead(503, "Busy", kind === "chunked" ? {} : { "Content-Length": 10 });
      response.write("come ");
      response.end("later");
    });
    closers.push(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { handshake, side } = await dial((server.address() as AddressInfo).port, {
      role: "client",
    });
    expect(side).toBeNull();
    expect(handshake.refused).toMatchObject({ status: 503, statusText: "Busy", truncated: false });
    expect(handshake.refused?.body.toString()).toBe("come later");
  },
);

test("B42 a ws client that breaks a rule is told which", async () => {
  const served = await serve({ role: "server" }, (_, handshake) => handshake.accept());
  closers.push(() => served.server.close());
  const client = new WebSocket(`ws://127.0.0.1:${served.port}`);
  client.on("error", () => {});
  await once(client, "open");
  // A frame without a mask, straight into the socket.
  (client as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
    Buffer.from([0x81, 0x01, 0x61]),
  );
  expect((await once(client, "close"))[0]).toBe(1002);
});
