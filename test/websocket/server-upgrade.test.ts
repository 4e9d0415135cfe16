// The opening handshake of a server: accepting, refusing, limits, plain HTTP.

import { once } from "node:events";
import http from "node:http";
import { describe, expect, test } from "vitest";
import { connect, type HawserError, type UpgradeRequest } from "../../lib/index.ts";
import { collectUncaught } from "../net/support.ts";
import { afterTest, called, open, openWs, Raw, request, serve, serveEcho } from "./support.ts";

describe("a server's decision", () => {
  test("upgrade sees the request, and what it gives is agreed on", async () => {
    let seen: UpgradeRequest | undefined;
    const { url, port } = await serve<string>({
      upgrade(info) {
        seen = info;
        return { protocol: "b", headers: { "X-Served-By": "me" }, data: "mine" };
      },
      open: (socket) => void socket.write(`${socket.data} ${socket.protocol} ${socket.url}`),
    });
    const socket = await open(`${url}/chat?room=1`, {
      protocols: ["a", "b"],
      headers: { "X-Token": "t", Origin: "http://example.com" },
    });
    expect(socket.protocol).toBe("b");
    expect(await socket.receive()).toBe(`mine b ws://127.0.0.1:${port}/chat?room=1`);
    expect(seen).toMatchObject({
      url: `ws://127.0.0.1:${port}/chat?room=1`,
      path: "/chat?room=1",
      protocols: ["a", "b"],
      origin: "http://example.com",
      remoteAddress: "127.0.0.1",
    });
    expect(seen?.headers["x-token"]).toBe("t");
    expect(seen?.signal.aborted).toBe(false);
  });

  test.each([
    ["an object", () => ({ status: 401, headers: { "WWW-Authenticate": "Basic" }, body: "no" })],
    [
      "a Response",
      () => new Response("no", { status: 401, headers: { "WWW-Authenticate": "Basic" } }),
    ],
    [
      "a promise",
      async () => ({ status: 401, headers: { "WWW-Authenticate": "Basic" }, body: "no" }),
    ],
  ])("B44, B43: %s refuses with status, headers and body", async (_, upgrade) => {
    const { url, listener } = await serve({ upgrade: upgrade as never, open: () => {} });
    const error: HawserError = await connect(url).then(
      () => Promise.reject(new Error("accepted")),
      (reason) => reason,
    );
    expect(error).toMatchObject({ code: "ERR_HAWSER_UPGRADE_REFUSED", phase: "upgrade" });
    expect(error.response).toMatchObject({ status: 401, statusText: "Unauthorized" });
    expect(error.response?.headers["www-authenticate"]).toBe("Basic");
    expect(String(error.response?.body)).toBe("no");
    expect(listener.connections.size).toBe(0);
  });

  test("B44: a Response refuses with all its cookies, each on a line of its own", async () => {
    const { url } = await serve({
      upgrade() {
        const headers = new Headers({ "X-Why": "none" });
        headers.append("Set-Cookie", "a=1; Path=/");
        headers.append("Set-Cookie", "b=2, c");
        return new Response("go away", { status: 403, statusText: "Not You", headers });
      },
    });
    const error: HawserError = await connect(url).catch((reason) => reason);
    expect(error.response).toMatchObject({ status: 403, statusText: "Not You" });
    expect(String(error.response?.body)).toBe("go away");
    const { rawHeaders = [], headers } = error.response ?? {};
    const cookies = rawHeaders.filter(
      (_, at) => rawHeaders[at - 1]?.toLowerCase() === "set-cookie",
    );
    expect(cookies).toEqual(["a=1; Path=/", "b=2, c"]);
    expect(headers?.["x-why"]).toBe("none");
  });

  test("B43: a body of 64 KiB comes whole, of a longer one as much", async () => {
    const { url } = await serve({ upgrade: () => ({ status: 503, body: "x".repeat(100_000) }) });
    const error: HawserError = await connect(url).catch((reason) => reason);
    expect(error.response?.body.length).toBe(65_536);
  });

  test("an asynchronous decision loses no frame that came with the request", async () => {
    const { port } = await serve({
      upgrade: () => new Promise((resolve) => setTimeout(() => resolve(undefined), 20)),
      message: (socket, message) => void socket.write(message),
    });
    const raw = new Raw(port);
    const hi = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
    raw.write(Buffer.concat([Buffer.from(request()), hi]));
    raw.write(hi);
    const answer = await raw.until((bytes) => bytes.toString("latin1").endsWith("hi\x81\x02hi"));
    expect(answer.toString("latin1")).toMatch(/^HTTP\/1\.1 101 /);
    expect(answer.toString("latin1")).toContain(
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    );
  });

  test("its signal is aborted when the client gives up meanwhile", async () => {
    const asked = called<[UpgradeRequest]>();
    const { port } = await serve({
      upgrade(info) {
        asked.fn(info);
        return new Promise(() => {});
      },
      open: () => {},
    });
    const raw = new Raw(port);
    raw.write(request());
    const [info] = await asked.args;
    raw.socket.destroy();
    if (!info.signal.aborted) await once(info.signal, "abort");
    expect(info.signal.aborted).toBe(true);
  });

  test.each([
    ["a misspelled status", { Status: 403 }, /"Status"/],
    ["a misspelled protocol", { protocl: "one" }, /"protocl"; did you mean "protocol"/],
    ["a refusal with data", { status: 403, data: {} }, /"data"/],
    ["null", null, /object/],
    ["false", false, /object/],
  ])("%s lets nobody in: 500, and it is reported", async (_, answer, why) => {
    await collectUncaught(async (errors) => {
      const { url, listener } = await serve({ upgrade: () => answer as never });
      const error: HawserError = await connect(url).catch((reason) => reason);
      expect(error.response?.status).toBe(500);
      expect(errors).toEqual([expect.objectContaining({ message: expect.stringMatching(why) })]);
      expect(listener.connections.size).toBe(0);
    });
  });

  test("what it throws is answered with 500 and reported", async () => {
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const thrown = new Promise((resolve) => process.once("uncaughtException", resolve));
    const { url } = await serve({
      upgrade() {
        throw new Error("oops");
      },
    });
    const error: HawserError = await connect(url).catch((reason) => reason);
    expect(error.response?.status).toBe(500);
    expect(await thrown).toMatchObject({ message: "oops" });
    for (const one of listeners) process.on("uncaughtException", one);
  });

  test("a path in the endpoint is the only one that is served", async () => {
    const { listen } = await import("../../lib/index.ts");
    const listener = await listen("ws://127.0.0.1:0/live", { open: () => {} });
    afterTest(() => listener.close({ timeout: 0 }));
    const base = `ws://127.0.0.1:${listener.port}` as const;
    await open(`${base}/live?token=1`);
    const error: HawserError = await connect(`${base}/other`).catch((reason) => reason);
    expect(error.response?.status).toBe(404);
  });
});

describe("an upgrade that gives what it must not", () => {
  test.each([
    ["null", () => null],
    ["true", () => true],
    ["a promise of a string", async () => "yes"],
    ["a body of no known type", () => ({ status: 403, body: 5 })],
  ])("%s is refused with 500 at once, and reported", async (_, upgrade) => {
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    afterTest(() => {
      for (const one of listeners) process.on("uncaughtException", one);
    });
    const reported = called<[Error]>();
    process.once("uncaughtException", reported.fn);
    const { url } = await serve({ upgrade: upgrade as never, handshakeTimeout: 600_000 });
    await expect(connect(url)).rejects.toMatchObject({ response: { status: 500 } });
    expect((await reported.args)[0]).toMatchObject({ code: "ERR_INVALID_ARG_TYPE" });
  });
});

describe("limits and bad requests", () => {
  test.each([
    ["plain HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 426],
    ["another version", request().replace("Version: 13", "Version: 8"), 426],
    ["no key", request().replace(/Sec-WebSocket-Key.*\r\n/, ""), 400],
    ["a POST", request().replace("GET", "POST"), 405],
    ["HTTP/1.0", request().replace("HTTP/1.1", "HTTP/1.0"), 505],
    ["no HTTP", "\x16\x03\x01\x02\x00\r\n\r\n", 400],
    ["too many fields", request(...Array.from({ length: 130 }, (_, n) => `X-${n}: 1`)), 431],
    ["too many bytes", request(`X: ${"x".repeat(20_000)}`), 431],
  ])("B46: %s is answered with its status", async (_, bytes, status) => {
    const failed = called<[unknown, HawserError]>();
    const { port, listener } = await serve({ open: () => {}, error: failed.fn });
    const raw = new Raw(port);
    raw.write(bytes);
    expect(await raw.all()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const [, error] = await failed.args;
    expect(error).toMatchObject({ code: "ERR_HAWSER_UPGRADE_FAILED", phase: "upgrade" });
    expect(listener.counters.failed).toBe(1);
  });

  test("B46: a request without end is answered with 408 after handshakeTimeout", async () => {
    const { port } = await serve({ open: () => {}, handshakeTimeout: 80 });
    const raw = new Raw(port);
    raw.write("GET / HTTP/1.1\r\nHost");
    expect(await raw.all()).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("B46: who sends nothing is closed without an answer after handshakeTimeout", async () => {
    const { port, listener } = await serve({ open: () => {}, handshakeTimeout: 60 });
    const raw = new Raw(port);
    expect(await raw.all()).toBe("");
    expect(listener.counters.accepted).toBe(1);
  });

  test("B27: maxConnections leaves the rest in the kernel", async () => {
    const { url, listener } = await serveEcho({ maxConnections: 1 });
    const first = await open(url);
    let isOpen = false;
    const second = open(url).then((socket) => {
      isOpen = true;
      return socket;
    });
    first.write("x");
    await first.receive();
    expect(isOpen).toBe(false);
    expect(listener.connections.size).toBe(1);
    await first.close();
    expect((await second).state).toBe("ready");
  });
});

describe("plain HTTP", () => {
  test("goes to the http handler, on the same connection again and again", async () => {
    const { port, url } = await serveEcho({
      http: (incoming, response) => response.end(`page ${incoming.url}`),
    });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    afterTest(() => agent.destroy());
    const sockets = new Set<unknown>();
    for (const path of ["/a", "/b"]) {
      const sent = http.get({ port, host: "127.0.0.1", path, agent });
      const [response] = (await once(sent, "response")) as [http.IncomingMessage];
      sockets.add(sent.socket);
      let body = "";
      for await (const chunk of response) body += String(chunk);
      expect(body).toBe(`page ${path}`);
    }
    expect(sockets.size).toBe(1);
    const socket = await openWs(url);
    socket.send("still here");
    expect(String((await once(socket, "message"))[0])).toBe("still here");
  });
});
