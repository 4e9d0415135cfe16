// Plain HTTP that comes to a listener of wss: pages beside the WebSockets, on one port.

import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import tls from "node:tls";
import { afterAll, describe, expect, test } from "vitest";
import { listen, type WebSocketListener, type WebSocketListenOptions } from "../../lib/index.ts";
import { hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { fingerprint, pattern } from "../support/bytes.ts";
import { afterTest, called, openWs } from "./support.ts";

const certificates = hasOpenssl ? makeCertificates() : null;
afterAll(() => certificates?.remove());
const { key = "", cert = "" } = certificates?.server ?? {};
const ca = certificates?.ca ?? "";

async function serve(http: NonNullable<WebSocketListenOptions["http"]>) {
  const listener: WebSocketListener = await listen("wss://127.0.0.1:0", {
    tls: { key, cert },
    http,
    message: (socket, message) => void socket.write(message),
  });
  afterTest(() => listener.close({ timeout: 0 }));
  const agent = new https.Agent({ ca, keepAlive: true, maxSockets: 1 });
  afterTest(() => agent.destroy());
  const ask = async (path: string, body?: Buffer) => {
    const method = body === undefined ? "GET" : "POST";
    const request = https.request({ port: listener.port, host: "localhost", path, method, agent });
    request.end(body);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return { response, body: Buffer.concat(chunks) };
  };
  return { listener, agent, ask };
}

describe.skipIf(!hasOpenssl)(`http over wss${hasOpenssl ? "" : " (skipped: no openssl)"}`, () => {
  test("the http handler answers, on the same connection again and again", async () => {
    const ports: unknown[] = [];
    const { ask } = await serve((request, response) => {
      const { encrypted, remoteAddress, remotePort } = request.socket as tls.TLSSocket;
      ports.push(remotePort);
      response.end(`${request.url} ${encrypted} ${remoteAddress}`);
    });
    for (const path of ["/one", "/two?x=1"]) {
      expect(`${(await ask(path)).body}`).toBe(`${path} true 127.0.0.1`);
    }
    expect(ports).toEqual([expect.any(Number), ports[0]]);
  });

  test("bodies of any size go both ways, and WebSockets beside them", async () => {
    const { ask, listener } = await serve((request, response) => void request.pipe(response));
    const sent = pattern(3_000_000);
    const { body } = await ask("/", sent);
    expect(fingerprint(body)).toBe(fingerprint(sent));
    const socket = await openWs(`wss://localhost:${listener.port}`, { ca });
    socket.send("and this");
    expect(`${(await once(socket, "message"))[0]}`).toBe("and this");
  });

  test("a request whose end came with it is answered, and then the connection ends", async () => {
    const { listener } = await serve((request, response) => response.end(`got ${request.url}`));
    const socket = tls.connect({ port: listener.port as number, servername: "localhost", ca });
    afterTest(() => socket.destroy());
    socket.end("GET /last HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = "";
    for await (const chunk of socket) answer += chunk;
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*got \/last$/s);
  });

  test("after the last answer it ends, though the client does not", async () => {
    const asked = called<[IncomingMessage]>();
    const { listener } = await serve((request, response) => {
      response.end("bye");
      asked.fn(request);
    });
    const port = listener.port as number;
    const options = { port, servername: "localhost", ca, allowHalfOpen: true };
    const socket = tls.connect(options);
    afterTest(() => socket.destroy());
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const [request] = await asked.args;
    const over = once(request.socket, "close");
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    await once(socket, "end");
    expect(answer).toMatch(/bye$/);
    await over;
  });

  test("close() ends idle connections, and lets an answer under way finish", async () => {
    const slow = called<[ServerResponse]>();
    const { listener, ask } = await serve((request, response) => {
      if (request.url === "/idle") response.end();
      else slow.fn(response);
    });
    await ask("/idle");
    const asked = ask("/slow");
    const [response] = await slow.args;
    const closed = listener.close();
    response.end("whole");
    expect(`${(await asked).body}`).toBe("whole");
    expect(await closed).toEqual({ error: null, aborted: 0 });
  });

  test("a time-out that Node sets on the socket holds", async () => {
    const { ask } = await serve((_request, response) => void response.setTimeout(20));
    await expect(ask("/")).rejects.toMatchObject({ code: "ECONNRESET" });
  });
});

test("over plain TCP close() ends idle connections at once, not after Node's keep-alive", async () => {
  const keepAliveMs = 5_000;
  const listener = await listen("ws://127.0.0.1:0", {
    message() {},
    http: (_request, response) => void response.end(),
  });
  const agent = new http.Agent({ keepAlive: true });
  afterTest(() => agent.destroy());
  const request = http.get({ port: listener.port, host: "127.0.0.1", agent });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  const closed = once(request.socket as NonNullable<typeof request.socket>, "close");
  const begun = performance.now();
  await listener.close();
  await closed;
  expect(performance.now() - begun).toBeLessThan(keepAliveMs / 2);
});
