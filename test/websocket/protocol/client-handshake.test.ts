// The client's opening handshake: the request, the verdict on a 101, and B43, the refused upgrade
// with its body in every framing.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ClientHandshake,
  type ClientHandshakeOptions,
} from "../../../lib/websocket/protocol/client-handshake.ts";
import { resolveDeflate } from "../../../lib/websocket/protocol/deflate-negotiation.ts";
import { ServerHandshake } from "../../../lib/websocket/protocol/server-handshake.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const GOOD = [
  "HTTP/1.1 101 Switching Protocols",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Accept: ${ACCEPT}`,
];

function make(options: Partial<ClientHandshakeOptions> = {}): ClientHandshake {
  return new ClientHandshake({ host: "h:81", target: "/t?q=1", key: KEY, ...options }, 0);
}

function answer(
  lines: readonly string[],
  body: string | Buffer = "",
  options: Partial<ClientHandshakeOptions> = {},
  cuts: readonly number[] = [],
) {
  const handshake = make(options);
  const bytes = Buffer.concat([
    Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"),
    Buffer.from(body as string, "latin1"),
  ]);
  let from = 0;
  let rest = 0;
  for (const to of [
    ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b),
    bytes.length,
  ]) {
    rest += to - handshake.receive(bytes, from, to);
    from = to;
  }
  return { handshake, rest };
}

describe("the request", () => {
  test("is RFC 6455 section 4.1's", () => {
    const handshake = make({
      protocols: ["a", "b"],
      headers: { Origin: "http://o", Cookie: ["x=1"] },
      deflate: resolveDeflate(),
    });
    expect(handshake.request.toString()).toBe(
      [
        "GET /t?q=1 HTTP/1.1",
        "Host: h:81",
        "Upgrade: websocket",
        "Connection: Upgrade",
        `Sec-WebSocket-Key: ${KEY}`,
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: a, b",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        "Origin: http://o",
        "Cookie: x=1",
        "",
        "",
      ].join("\r\n"),
    );
  });

  test("has a fresh key each time", () => {
    const keyOf = () =>
      /Key: (\S+)/.exec(new ClientHandshake({ host: "h" }, 0).request.toString())?.[1];
    const keys = new Set(Array.from({ length: 20 }, keyOf));
    expect(keys.size).toBe(20);
    expect([...keys].every((key) => Buffer.from(key ?? "", "base64").length === 16)).toBe(true);
  });

  test("one Host, the application's where it gives one", () => {
    const text = make({ headers: { host: "other" } }).request.toString();
    expect(text.match(/host:/gi)?.length).toBe(1);
    expect(text).toContain("Host: other\r\n");
  });

  test("what cannot stand in a request throws", () => {
    const wrong: Partial<ClientHandshakeOptions>[] = [
      { target: "/a b" },
      { target: "/\r\nX: 1" },
      { target: "" },
      { protocols: ["a", "a"] },
      { protocols: ["a b"] },
      { protocols: [""] },
      { headers: { "Sec-WebSocket-Key": KEY } },
      { headers: { x: "a\r\nb" } },
      { headers: { "x y": "a" } },
      { host: "h\r\nX: 1" },
      { key: "short" },
      { handshakeTimeout: Number.NaN },
      { maxHeaderCount: 0.5 },
    ];
    for (const options of wrong) {
      expect(() => make(options), JSON.stringify(options)).toThrow(
        expect.objectContaining({
          code: expect.stringMatching(/^ERR_(?:INVALID_ARG|OUT_OF_RANGE)/),
        }),
      );
    }
  });
});

describe("a 101", () => {
  test("is accepted, and the bytes behind it are left to the frames", () => {
    const { handshake, rest } = answer(GOOD, "\x81\x02hi");
    expect(handshake.state).toBe("accepted");
    expect(handshake.accepted).toMatchObject({ protocol: "", extensions: "", deflate: null });
    expect(rest).toBe(4);
  });

  test("with a chosen subprotocol and compression", () => {
    const lines = [
      ...GOOD,
      "Sec-WebSocket-Protocol: b",
      "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; " +
        "client_max_window_bits=10",
    ];
    const { handshake } = answer(lines, "", { protocols: ["a", "b"], deflate: resolveDeflate() });
    expect(handshake.accepted).toMatchObject({
      protocol: "b",
      deflate: { serverNoContextTakeover: true, clientMaxWindowBits: 10, serverMaxWindowBits: 15 },
    });
  });

  test("after informational responses", () => {
    const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    const { handshake } = answer([early.trimEnd(), "", GOOD.join("\r\n")]);
    expect(handshake.state).toBe("accepted");
  });

  test.each<[string, string[], Partial<ClientHandshakeOptions>?]>([
    ["no Upgrade", GOOD.filter((line) => !line.startsWith("Upgrade"))],
    ["another Upgrade", GOOD.map((line) => line.replace("websocket", "h2c"))],
    ["no Connection", GOOD.filter((line) => !line.startsWith("Connection"))],
    ["a wrong Accept", GOOD.map((line) => line.replace(ACCEPT, "AAAAMBiTxaQ9kYGzzhZRbK+xOo="))],
    ["no Accept", GOOD.slice(0, 3)],
    ["two Accepts", [...GOOD, `Sec-WebSocket-Accept: ${ACCEPT}`]],
    ["a subprotocol nobody asked for", [...GOOD, "Sec-WebSocket-Protocol: a"]],
    ["another subprotocol", [...GOOD, "Sec-WebSocket-Protocol: c"], { protocols: ["a"] }],
    ["no subprotocol though asked", GOOD, { protocols: ["a"] }],
    [
      "two subprotocols",
      [...GOOD, "Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b"],
      { protocols: ["a", "b"] },
    ],
    ["compression nobody offered", [...GOOD, "Sec-WebSocket-Extensions: permessage-deflate"]],
    [
      "an unknown extension",
      [...GOOD, "Sec-WebSocket-Extensions: x"],
      { deflate: resolveDeflate() },
    ],
    [
      "two extensions",
      [...GOOD, "Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate"],
      { deflate: resolveDeflate() },
    ],
    [
      "a bad parameter",
      [...GOOD, "Sec-WebSocket-Extensions: permessage-deflate; x"],
      { deflate: resolveDeflate() },
    ],
    ["a body in chunks", [...GOOD, "Transfer-Encoding: chunked"]],
    ["a body by length", [...GOOD, "Content-Length: 4"]],
    ["HTTP/1.0", ["HTTP/1.0 101 Switching", ...GOOD.slice(1)]],
    ["no HTTP", ["SSH-2.0-OpenSSH_9.2", "x: y"]],
    ["a folded line", [...GOOD, " folded"]],
    ["a bare LF", [...GOOD, "a: b\nc: d"]],
    ["too many fields", [...GOOD, ...Array.from({ length: 130 }, (_, at) => `x${at}: y`)]],
    ["a head that is too large", [...GOOD, `x: ${"y".repeat(17_000)}`]],
    [
      "endless informational responses",
      [
        Array.from({ length: 20 }, () => "HTTP/1.1 100 Continue\r\n\r\n").join("") +
          GOOD.join("\r\n"),
      ],
    ],
  ])("fails with %s", (_, lines, options = {}) => {
    const { handshake } = answer(lines, "", options);
    expect(handshake.state).toBe("failed");
    expect(handshake.failure).toMatch(/^(?:the|too)/);
    expect(handshake.accepted).toBeNull();
  });
});

describe("B43 a refused upgrade", () => {
  const refused = ["HTTP/1.1 403 Not For You", "X-Why: a", "X-Why: b"];

  test("gives status, headers and a body by length", () => {
    const { handshake } = answer([...refused, "Content-Length: 5"], "helloEXTRA");
    expect(handshake.state).toBe("refused");
    expect(handshake.refused).toMatchObject({
      status: 403,
      statusText: "Not For You",
      truncated: false,
    });
    expect(handshake.refused?.headers["x-why"]).toBe("a, b");
    expect(handshake.refused?.body.toString()).toBe("hello");
  });

  test("gives a body in chunks, under any cutting", () => {
    const chunked =
      "4\r\nwiki\r\n6;ext=1\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nTrailer: x\r\n\r\nEXTRA";
    const lines = [...refused, "Transfer-Encoding: Chunked"];
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 30 }), (cuts) => {
        const { handshake } = answer(lines, chunked, {}, cuts);
        expect(handshake.refused?.body.toString()).toBe("wikipedia in \r\n\r\nchunks.");
        expect(handshake.refused?.truncated).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test("gives a body that the transport's end delimits", () => {
    const { handshake } = answer(refused, "until the end");
    expect(handshake.state).toBe("reading");
    handshake.end();
    expect(handshake.refused?.body.toString()).toBe("until the end");
    expect(handshake.refused?.truncated).toBe(false);
  });

  test.each(["Content-Length: 200000", "Transfer-Encoding: chunked", "X: y"])(
    "keeps 64 KiB: %s",
    (field) => {
      const body = `${field.startsWith("T") ? "30D40\r\n" : ""}${"z".repeat(200_000)}`;
      const { handshake } = answer([...refused, field], body);
      expect(handshake.state).toBe("refused");
      expect(handshake.refused?.body.length).toBe(65_536);
      expect(handshake.refused?.truncated).toBe(true);
    },
  );

  test.each(["HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified"])("%s has no body", (line) => {
    expect(answer([line, "Content-Length: 7"]).handshake.refused?.body.length).toBe(0);
  });

  test("cut off by the transport's end or the deadline it is truncated", () => {
    const ended = answer([...refused, "Content-Length: 10"], "half").handshake;
    ended.end();
    expect(ended.refused).toMatchObject({ truncated: true, status: 403 });
    const late = answer(refused, "half", { handshakeTimeout: 70 }).handshake;
    late.tick(69);
    expect(late.state).toBe("reading");
    late.tick(70);
    expect(late.refused?.body.toString()).toBe("half");
    expect(late.refused?.truncated).toBe(true);
  });

  test.each([
    "zz\r\n",
    "-1\r\n",
    "5\nhello",
    "5\r\nhelloX\r\n",
    `1;${"e".repeat(2_000)}`,
    "123456789\r\n",
  ])("broken chunks end it: %j", (body) => {
    const { handshake } = answer([...refused, "Transfer-Encoding: chunked"], body);
    expect(handshake.refused?.truncated).toBe(true);
  });

  test.each([
    ["two lengths", ["Content-Length: 5", "Content-Length: 5"]],
    ["a length and chunks", ["Content-Length: 5", "Transfer-Encoding: chunked"]],
    ["an unknown coding", ["Transfer-Encoding: gzip, chunked"]],
    ["a signed length", ["Content-Length: +5"]],
    ["a list as length", ["Content-Length: 5, 5"]],
  ])("%s contradict: failed", (_, fields) => {
    expect(answer([...refused, ...fields], "hello").handshake.state).toBe("failed");
  });
});

test("no answer: failed at the deadline, or at the transport's end", () => {
  const late = make({ handshakeTimeout: 100 });
  expect(late.deadline).toBe(100);
  late.tick(99);
  expect(late.state).toBe("reading");
  late.tick(100);
  expect(late.failure).toBe("the server did not answer in time");
  const cut = make();
  cut.end();
  expect(cut.state).toBe("failed");
  cut.end();
  cut.tick(99_999);
  expect(cut.receive(Buffer.from("HTTP/1.1 200 OK\r\n\r\n"), 0, 5)).toBe(0);
});

test("both sides in memory, over every choice of subprotocol and compression", () => {
  for (const deflate of [
    null,
    resolveDeflate(),
    resolveDeflate({ serverMaxWindowBits: 9, clientNoContextTakeover: true }),
  ]) {
    for (const protocol of ["", "b"]) {
      const client = make({ protocols: protocol === "" ? [] : ["a", "b"], deflate });
      const server = new ServerHandshake({}, 0);
      server.receive(client.request, 0, client.request.length);
      const accepted = server.accept({ protocol, deflate });
      client.receive(accepted.response, 0, accepted.response.length);
      expect(client.accepted?.protocol).toBe(protocol);
      expect(client.accepted?.deflate).toEqual(accepted.deflate);
      expect(accepted.deflate === null).toBe(deflate === null);
    }
  }
});

test("arbitrary answers never throw, and cutting changes nothing", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...GOOD,
      "\r\n",
      "\n",
      "HTTP/1.1 ",
      "404 x",
      "\r\n\r\n",
      "Transfer-Encoding: chunked",
      "5\r\nhello",
    ),
    fc.string({ unit: "binary", maxLength: 10 }),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.array(fc.nat()),
      (lines, body, cuts) => {
        const whole = answer(lines, body).handshake;
        const cut = answer(lines, body, {}, cuts).handshake;
        for (const each of [whole, cut]) each.end();
        expect(cut.state).toBe(whole.state);
        expect(cut.refused).toEqual(whole.refused);
      },
    ),
    { numRuns: 400 },
  );
});
