// The server's opening handshake: what is accepted, what is refused and how (B44), and the bounds
// that a slow or hostile client meets (B46).

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resolveDeflate } from "../../../lib/websocket/protocol/deflate-negotiation.ts";
import {
  readUpgradeRequest,
  ServerHandshake,
  type ServerHandshakeOptions,
} from "../../../lib/websocket/protocol/server-handshake.ts";

const GOOD = [
  "GET /chat?room=1 HTTP/1.1",
  "Host: server.example.com",
  "Upgrade: websocket",
  "Connection: keep-alive, Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Origin: http://example.com",
  "Sec-WebSocket-Protocol: chat, superchat",
  "Sec-WebSocket-Version: 13",
];

function text(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** The good request with a line replaced or left out (null), or added. */
function request(changes: Record<string, string | null> = {}, added: string[] = []): Buffer {
  const lines = GOOD.map((line) => {
    const name = line.split(/[: ]/, 1)[0] as string;
    return name in changes ? changes[name] : line;
  });
  return text([...lines.filter((line): line is string => line != null), ...added]);
}

function read(bytes: Buffer, options: ServerHandshakeOptions = {}, cuts: number[] = []) {
  const handshake = new ServerHandshake(options, 0);
  let from = 0;
  let rest = 0;
  for (const to of [...cuts, bytes.length]) {
    const taken = handshake.receive(bytes, from, to);
    rest += to - taken;
    from = to;
  }
  return { handshake, rest };
}

function statusOf(bytes: Buffer, options: ServerHandshakeOptions = {}): number | undefined {
  const { handshake } = read(bytes, options);
  expect(handshake.state).toBe("refused");
  return handshake.refusal?.status;
}

describe("a good request", () => {
  test("is told with all its parts", () => {
    const { handshake } = read(request());
    expect(handshake.state).toBe("request");
    expect(handshake.request).toMatchObject({
      method: "GET",
      url: "/chat?room=1",
      path: "/chat",
      protocols: ["chat", "superchat"],
      origin: "http://example.com",
      key: "dGhlIHNhbXBsZSBub25jZQ==",
    });
    expect(handshake.request?.headers.host).toBe("server.example.com");
    expect(handshake.request?.rawHeaders.slice(0, 2)).toEqual(["Host", "server.example.com"]);
  });

  test("gets the answer of RFC 6455 section 1.3", () => {
    const { handshake } = read(request());
    const accepted = handshake.accept({
      protocol: "chat",
      headers: { "Set-Cookie": ["a=1", "b=2"] },
    });
    expect(accepted.response.toString()).toBe(
      [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "Sec-WebSocket-Protocol: chat",
        "Set-Cookie: a=1",
        "Set-Cookie: b=2",
        "",
        "",
      ].join("\r\n"),
    );
    expect(accepted).toMatchObject({ protocol: "chat", deflate: null, extensions: "" });
    expect(handshake.state).toBe("done");
  });

  test("may agree on compression", () => {
    const offer = "Sec-WebSocket-Extensions: x-unknown, permessage-deflate; client_max_window_bits";
    const { handshake } = read(request({}, [offer]));
    const deflate = resolveDeflate({ clientMaxWindowBits: 12 });
    const accepted = handshake.accept({ deflate });
    expect(accepted.extensions).toBe("permessage-deflate; client_max_window_bits=12");
    expect(accepted.deflate?.clientMaxWindowBits).toBe(12);
  });

  test.each([
    [
      "names and tokens in any case",
      { Upgrade: "UPGRADE: WebSocket", Connection: "cOnnection: UPGRADE" },
    ],
    ["no Origin, no subprotocol", { Origin: null, "Sec-WebSocket-Protocol": null }],
    ["several protocols in Upgrade", { Upgrade: "Upgrade: h2c, websocket" }],
    ["a Content-Length of 0", { Origin: "Content-Length: 0" }],
    ["an absolute target", { GET: "GET http://server.example.com/chat?q HTTP/1.1" }],
    ["white space around values", { Host: "Host:  \t server.example.com \t " }],
  ])("%s", (_, changes) => {
    expect(read(request(changes)).handshake.state).toBe("request");
  });

  test("an absolute target loses its authority in path", () => {
    const at = (target: string) =>
      read(request({ GET: `GET ${target} HTTP/1.1` })).handshake.request?.path;
    expect(at("http://h:1/a/b?c")).toBe("/a/b");
    expect(at("http://h?c")).toBe("/");
    expect(at("/?c")).toBe("/");
  });

  test("bytes behind the head belong to the frames", () => {
    const bytes = Buffer.concat([request(), Buffer.from([0x81, 0x80, 1, 2, 3, 4])]);
    const { handshake, rest } = read(bytes);
    expect(handshake.state).toBe("request");
    expect(rest).toBe(6);
    expect(handshake.receive(bytes, 0, bytes.length)).toBe(0);
  });

  test("any cutting gives the same", () => {
    const bytes = request();
    for (let at = 0; at <= bytes.length; at++) {
      expect(read(bytes, {}, [at]).handshake.state).toBe("request");
    }
    const bytewise = Array.from(bytes, (_, at) => at);
    expect(read(bytes, {}, bytewise).handshake.request).toEqual(read(bytes).handshake.request);
  });
});

describe("what is refused", () => {
  test.each<[number, string, Buffer]>([
    [400, "a doubled Host", request({}, ["Host: other"])],
    [400, "no Host", request({ Host: null })],
    [400, "a doubled key", request({}, ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="])],
    [400, "a doubled version", request({}, ["Sec-WebSocket-Version: 13"])],
    [400, "a doubled Content-Length", request({}, ["Content-Length: 0", "Content-Length: 0"])],
    [400, "a doubled Origin", request({}, ["Origin: http://evil.example"])],
    [400, "a body by length", request({}, ["Content-Length: 5"])],
    [400, "a body in chunks", request({}, ["Transfer-Encoding: chunked"])],
    [400, "an obs-fold", request({ Origin: "Origin: a\r\n b" })],
    [400, "a bare LF", Buffer.from(request().toString().replace("\r\nOrigin", "\nOrigin"))],
    [
      400,
      "a bare CR",
      Buffer.from(request().toString().replace("example.com\r\nUp", "example.com\rUp")),
    ],
    [400, "a NUL in a value", request({ Origin: "Origin: a\0b" })],
    [400, "a space before the colon", request({ Origin: "Origin : a" })],
    [400, "a field without a name", request({ Origin: ": a" })],
    [400, "a field without a colon", request({ Origin: "Origin" })],
    [400, "a name with latin1", request({ Origin: "Orig\xefn: a" })],
    [400, "two spaces in the request line", request({ GET: "GET  / HTTP/1.1" })],
    [400, "a tab in the request line", request({ GET: "GET\t/ HTTP/1.1" })],
    [400, "a target with a control character", request({ GET: "GET /\x7f HTTP/1.1" })],
    [400, "a target that is no path", request({ GET: "GET chat HTTP/1.1" })],
    [400, "an empty start line", text(["", ...GOOD])],
    [400, "a lower-case version", request({ GET: "GET / http/1.1" })],
    [505, "HTTP/1.0", request({ GET: "GET / HTTP/1.0" })],
    [505, "HTTP/2.0", request({ GET: "PRI * HTTP/2.0" })],
    [405, "POST", request({ GET: "POST / HTTP/1.1" })],
    [426, "no Upgrade", request({ Upgrade: null })],
    [426, "another Upgrade", request({ Upgrade: "Upgrade: h2c" })],
    [400, "no Connection", request({ Connection: null })],
    [400, "Connection without upgrade", request({ Connection: "Connection: keep-alive" })],
    [426, "no version", request({ "Sec-WebSocket-Version": null })],
    [426, "version 8", request({ "Sec-WebSocket-Version": "Sec-WebSocket-Version: 8" })],
    [400, "no key", request({ "Sec-WebSocket-Key": null })],
    [400, "a short key", request({ "Sec-WebSocket-Key": "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==" })],
    [
      400,
      "a key that is no base64",
      request({ "Sec-WebSocket-Key": `Sec-WebSocket-Key: ${"*".repeat(22)}==` }),
    ],
    [400, "a doubled subprotocol", request({}, ["Sec-WebSocket-Protocol: chat"])],
    [
      400,
      "an empty subprotocol",
      request({ "Sec-WebSocket-Protocol": "Sec-WebSocket-Protocol: a,,b" }),
    ],
    [400, "malformed extensions", request({}, ["Sec-WebSocket-Extensions: a;;b"])],
  ])("%i: %s", (status, _, bytes) => {
    expect(statusOf(bytes)).toBe(status);
  });

  test("426 says what is wanted (section 4.4)", () => {
    const { handshake } = read(request({ "Sec-WebSocket-Version": "Sec-WebSocket-Version: 8" }));
    const response = handshake.refuse().toString();
    expect(response).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
    expect(response).toContain("\r\nSec-WebSocket-Version: 13\r\n");
    expect(response).toContain("\r\nUpgrade: websocket\r\n");
    expect(response).toContain("\r\nConnection: Upgrade, close\r\n");
  });

  test("plain HTTP keeps its head, for who wants to answer it", () => {
    const { handshake } = read(text(["GET /page HTTP/1.1", "Host: h"]));
    expect(handshake.refusal?.status).toBe(426);
    expect(handshake.head).toEqual({ method: "GET", url: "/page", rawHeaders: ["Host", "h"] });
  });

  test("a head that cannot become right is refused before it ends", () => {
    expect(read(Buffer.from("GET / HTTP/1.1\r\nHost : a\r\n")).handshake.state).toBe("refused");
    expect(read(Buffer.from("GET / HT\x01")).handshake.state).toBe("refused");
    expect(read(Buffer.from("\x16\x03\x01\x02\x00\x01")).handshake.state).toBe("refused");
  });
});

describe("B46 bounds", () => {
  test("a head without end is 431 at the bound, and keeps no more than it", () => {
    const { handshake } = read(Buffer.from(`GET / HTTP/1.1\r\nX: ${"a".repeat(20_000)}`));
    expect(handshake.refusal?.status).toBe(431);
    const line = Buffer.from("GET / HTTP/1.1\r\n");
    const slow = new ServerHandshake({}, 0);
    slow.receive(line, 0, line.length);
    const more = Buffer.from("A: b\r\n");
    for (let at = 0; at < 200; at++) slow.receive(more, 0, more.length);
    expect(slow.refusal?.status).toBe(431);
  });

  test("own bounds are exact", () => {
    const bytes = request();
    expect(read(bytes, { maxHeaderBytes: bytes.length }).handshake.state).toBe("request");
    expect(statusOf(bytes, { maxHeaderBytes: bytes.length - 1 })).toBe(431);
    expect(read(bytes, { maxHeaderCount: 7 }).handshake.state).toBe("request");
    expect(statusOf(bytes, { maxHeaderCount: 6 })).toBe(431);
  });

  test("a value of white space takes linear time", () => {
    const bytes = request({ Origin: `Origin: x${" ".repeat(15_000)}x` });
    const start = performance.now();
    expect(read(bytes).handshake.state).toBe("request");
    expect(performance.now() - start).toBeLessThan(200);
  });

  test("a slow head is 408 at the deadline, a slow decision 503", () => {
    const slow = new ServerHandshake({ handshakeTimeout: 1_000 }, 50);
    expect(slow.deadline).toBe(1_050);
    expect(slow.begun).toBe(false);
    slow.receive(request(), 0, 20);
    expect(slow.begun).toBe(true);
    slow.tick(1_049);
    expect(slow.state).toBe("reading");
    slow.tick(1_050);
    expect(slow.refusal?.status).toBe(408);
    const { handshake } = read(request(), { handshakeTimeout: 1_000 });
    handshake.tick(1_000);
    expect(handshake.refusal?.status).toBe(503);
    const done = read(request()).handshake;
    done.accept();
    done.tick(99_999);
    expect(done.state).toBe("done");
  });

  test("10,000 half-open handshakes hold little", () => {
    const before = process.memoryUsage();
    const start = Buffer.from("GET / HTTP/1.1\r\nHost: half.open\r\n");
    const open = Array.from({ length: 10_000 }, () => {
      const handshake = new ServerHandshake({}, 0);
      handshake.receive(start, 0, start.length);
      return handshake;
    });
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(open.length * 1_500);
  });
});

describe("B44 refusing", () => {
  test("with any status, headers and body", () => {
    const { handshake } = read(request());
    const response = handshake.refuse({
      status: 401,
      headers: {
        "WWW-Authenticate": ["Basic", "Bearer"],
        "content-length": "9999",
        connection: "keep-alive",
      },
      body: "nö",
    });
    expect(response.toString()).toBe(
      [
        "HTTP/1.1 401 Unauthorized",
        "WWW-Authenticate: Basic",
        "WWW-Authenticate: Bearer",
        "Connection: close",
        "Content-Length: 3",
        "",
        "nö",
      ].join("\r\n"),
    );
  });

  test("without a body there is a length of 0, but none for 204; HEAD gets no body", () => {
    const { handshake } = read(request());
    expect(handshake.refuse({ status: 503 }).toString()).toContain("\r\nContent-Length: 0\r\n");
    expect(read(request()).handshake.refuse({ status: 204 }).toString()).not.toContain(
      "Content-Length",
    );
    const head = read(request({ GET: "HEAD / HTTP/1.1" })).handshake;
    expect(head.refuse({ status: 400, body: "text" }).toString()).toMatch(
      /Content-Length: 4\r\n\r\n$/,
    );
  });

  test("wrong arguments throw", () => {
    const make = () => read(request()).handshake;
    expect(() => make().refuse({ status: 101 })).toThrow(RangeError);
    expect(() => make().refuse({ status: 200, headers: { "a b": "c" } })).toThrow(TypeError);
    expect(() => make().refuse({ status: 200, headers: { a: "x\r\nEvil: 1" } })).toThrow(TypeError);
    expect(() => make().refuse({ status: 200, body: 5 as unknown as string })).toThrow(TypeError);
    expect(() => make().accept({ protocol: "unasked" })).toThrow(TypeError);
    expect(() => make().accept({ headers: { "Sec-WebSocket-Accept": "x" } })).toThrow(TypeError);
    expect(() => make().accept({ headers: { a: "b\nc" } })).toThrow(TypeError);
    const early = new ServerHandshake({}, 0);
    expect(() => early.accept()).toThrow(expect.objectContaining({ code: "ERR_INVALID_STATE" }));
    expect(() => new ServerHandshake({ handshakeTimeout: -1 }, 0)).toThrow(RangeError);
    expect(() => new ServerHandshake({ maxHeaderBytes: 0 }, 0)).toThrow(RangeError);
  });
});

test("a request from node:http is judged by the same rules", () => {
  const rawHeaders = GOOD.slice(1).flatMap((line) => line.split(": "));
  expect(readUpgradeRequest({ method: "GET", url: "/x", rawHeaders })).toMatchObject({
    path: "/x",
  });
  expect(readUpgradeRequest({ method: "PUT", url: "/x", rawHeaders })).toMatchObject({
    status: 405,
  });
});

test("arbitrary bytes never throw and end in a state", () => {
  const piece = fc.oneof(
    fc.constantFrom(...GOOD, "\r\n", "\n", "\r", ": ", "GET ", " HTTP/1.1", "\r\n\r\n"),
    fc.string({ unit: "binary", maxLength: 12 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.nat(), (pieces, seed) => {
      const bytes = Buffer.from(pieces.join(""), "latin1");
      const whole = read(bytes);
      const cut = read(bytes, {}, [seed % (bytes.length + 1)]);
      expect(cut.handshake.state).toBe(whole.handshake.state);
      expect(cut.handshake.refusal).toEqual(whole.handshake.refusal);
      expect(cut.handshake.request).toEqual(whole.handshake.request);
    }),
    { numRuns: 500 },
  );
});
