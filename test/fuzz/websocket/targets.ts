// What is fuzzed, and what must hold for every input: nothing throws, cutting the bytes elsewhere
// changes nothing, bounds hold, the order of a connection's life is kept. A target throws where one
// of these fails. Synchronous, so that coverage belongs to one input.

import { deepStrictEqual, ok } from "node:assert/strict";
import { constants, deflateRawSync } from "node:zlib";
import { Inflater } from "../../../lib/websocket/protocol/deflate.ts";
import { FrameParser } from "../../../lib/websocket/protocol/frame-parser.ts";
import type { FrameSink } from "../../../lib/websocket/protocol/frame-sink.ts";
import { parseExtensions } from "../../../lib/websocket/protocol/header-values.ts";
import {
  ClientHandshake,
  resolveDeflate,
  ServerHandshake,
} from "../../../lib/websocket/protocol/index.ts";
import { unmask } from "../../../lib/websocket/protocol/mask.ts";
import { CONNECTION } from "./connection-target.ts";
import { FRAME_WORDS, hex, LIMITS, type Target } from "./target.ts";

/** Cuts that follow from the input, so that a finding can be replayed. */
function cutsOf(bytes: Buffer): number[] {
  const cuts: number[] = [];
  for (let at = 0; at < bytes.length; at += 1 + ((bytes[at] as number) & 7)) cuts.push(at);
  return cuts;
}

class EventSink implements FrameSink {
  readonly events: unknown[][] = [];
  onText(text: string): void {
    ok(Buffer.byteLength(text) <= LIMITS.maxMessageBytes);
    this.events.push(["text", text]);
  }
  onBinary(bytes: Buffer): void {
    ok(bytes.length <= LIMITS.maxMessageBytes);
    this.events.push(["binary", bytes.toString("hex")]);
  }
  onCompressed(bytes: Buffer, isText: boolean): void {
    this.events.push(["compressed", bytes.toString("hex"), isText]);
  }
  onPart(
    bytes: Buffer,
    isText: boolean,
    compressed: boolean,
    _first: boolean,
    last: boolean,
  ): void {
    // Where parts are cut depends on the chunks; their sum and end do not.
    const before = this.events.at(-1);
    if (before?.[0] === "parts" && before[4] === false) {
      before[1] += bytes.toString("hex");
      before[4] = last;
    } else {
      this.events.push(["parts", bytes.toString("hex"), isText, compressed, last]);
    }
  }
  onPing(payload: Buffer): void {
    this.events.push(["ping", payload.toString("hex")]);
  }
  onPong(payload: Buffer): void {
    this.events.push(["pong", payload.toString("hex")]);
  }
  onClose(code: number, reason: string): void {
    this.events.push(["close", code, reason]);
  }
  onViolation(code: number): void {
    ok([1002, 1007, 1008, 1009].includes(code));
    this.events.push(["violation", code]);
  }
}

/** Data before a violation may come earlier or later in parts; all else is in order. */
function withoutOpenParts(events: unknown[][]): unknown[][] {
  return events.filter((event) => event[0] !== "parts" || event[4] === true);
}

function frames(input: Buffer): void {
  const flags = input[0] ?? 0;
  const bytes = input.subarray(1);
  const settings = {
    role: (flags & 1) === 0 ? ("client" as const) : ("server" as const),
    lend: (flags & 2) !== 0,
    limits: LIMITS,
    unmask,
  };
  const inParts = (flags & 4) !== 0;
  const run = (cuts: readonly number[]) => {
    const sink = new EventSink();
    const parser = new FrameParser(settings);
    parser.begin(sink, (flags & 8) !== 0, inParts);
    let from = 0;
    for (const to of [...cuts, bytes.length]) {
      const chunk = Buffer.from(bytes.subarray(from, to));
      parser.parse(chunk, 0, chunk.length);
      ok(parser.position === chunk.length);
      from = to;
    }
    return inParts ? withoutOpenParts(sink.events) : sink.events;
  };
  deepStrictEqual(run(cutsOf(bytes)), run([]));
}

function serverHandshake(input: Buffer): void {
  const run = (cuts: readonly number[]) => {
    const handshake = new ServerHandshake({ maxHeaderBytes: 1_000, maxHeaderCount: 12 }, 0);
    let from = 0;
    let taken = 0;
    for (const to of [...cuts, input.length]) {
      taken += handshake.receive(input, from, to) - from;
      from = to;
    }
    const { refusal, request, state } = handshake;
    ok((state === "request") === (request !== null));
    ok((state === "refused") === (refusal !== null));
    let answer = "";
    if (state === "request") {
      answer = String(handshake.accept({ deflate: resolveDeflate() }).response);
      ok(answer.startsWith("HTTP/1.1 101 ") && answer.split("\r\n\r\n").length === 2);
    } else if (state === "refused") {
      answer = String(handshake.refuse());
      ok(/^HTTP\/1\.1 (?:400|405|426|431|505) /.test(answer));
    }
    return { answer, state, request, taken: state === "request" ? taken : 0 };
  };
  deepStrictEqual(run(cutsOf(input)), run([]));
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

function clientHandshake(input: Buffer): void {
  const run = (cuts: readonly number[]) => {
    const options = { host: "h", key: KEY, protocols: ["a", "b"], deflate: resolveDeflate() };
    const handshake = new ClientHandshake({ ...options, maxHeaderBytes: 1_000 }, 0);
    let from = 0;
    for (const to of [...cuts, input.length]) {
      handshake.receive(input, from, to);
      from = to;
    }
    handshake.end();
    const { accepted, failure, refused, state } = handshake;
    ok(state !== "reading");
    ok((accepted !== null ? 1 : 0) + (failure !== null ? 1 : 0) + (refused !== null ? 1 : 0) === 1);
    ok((refused?.body.length ?? 0) <= 65_536);
    return { accepted, failure, refused, state };
  };
  deepStrictEqual(run(cutsOf(input)), run([]));
}

function inflate(input: Buffer): void {
  const inflater = new Inflater(8 + ((input[0] ?? 0) & 7), true);
  let rest = input.subarray(1);
  // The first byte of each message is its length: several share one window.
  while (rest.length > 0) {
    const length = rest[0] as number;
    const result = inflater.inflate(rest.subarray(1, 1 + length), 2_000);
    if (typeof result === "number") {
      ok(result === 1007 || result === 1009);
      return;
    }
    ok(result !== null && result.length <= 2_000);
    rest = rest.subarray(1 + length);
  }
}

function extensions(input: Buffer): void {
  const parsed = parseExtensions(input.toString("latin1"));
  if (parsed === null) return;
  // What was understood is understood again when it is written down.
  const written = parsed
    .map(({ name, parameters }) =>
      [name, ...parameters.map(([key, value]) => (value === true ? key : `${key}=${value}`))].join(
        "; ",
      ),
    )
    .join(", ");
  deepStrictEqual(parseExtensions(written), parsed);
}

const REQUEST = [
  "GET /chat HTTP/1.1",
  "Host: h",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Key: ${KEY}`,
  "Sec-WebSocket-Version: 13",
];
const ANSWER = [
  "HTTP/1.1 101 Switching Protocols",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
  "Sec-WebSocket-Protocol: a",
];
const lines = (each: readonly string[], rest = "") =>
  Buffer.from(`${each.join("\r\n")}\r\n\r\n${rest}`, "latin1");
const words = (...each: string[]) => each.map((word) => Buffer.from(word, "latin1"));
const HTTP_WORDS = words(
  "\r\n",
  "\r\n\r\n",
  "\n",
  "\r",
  ": ",
  " ",
  ",",
  "HTTP/1.1",
  "HTTP/1.0",
  "Content-Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "5\r\nhello\r\n",
  "0\r\n\r\n",
  "Host: x\r\n",
  "Origin: o\r\n",
  "Sec-WebSocket-Extensions: permessage-deflate\r\n",
  "; client_max_window_bits=9",
  "; server_max_window_bits",
  "Sec-WebSocket-Protocol: a\r\n",
  "websocket",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "\x80",
  "\0",
);
export const TARGETS: readonly Target[] = [
  {
    name: "frames",
    run: frames,
    seeds: [
      hex("008105" + "48656c6c6f"),
      hex("0181850000000048656c6c6f"),
      hex("0001014181" + "0061"),
      hex("008902" + "6162" + "880203e8"),
      hex("08c107f248cdc9c90700"),
      hex("0401024142800143"),
      hex(`00827e0080${"00".repeat(128)}`),
    ],
    dictionary: FRAME_WORDS,
  },
  {
    name: "server-handshake",
    run: serverHandshake,
    seeds: [
      lines(REQUEST, "rest"),
      lines([...REQUEST, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]),
      lines(["GET / HTTP/1.1", "Host: h"]),
    ],
    dictionary: HTTP_WORDS,
  },
  {
    name: "client-handshake",
    run: clientHandshake,
    seeds: [
      lines(ANSWER, "rest"),
      lines([...ANSWER, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9"]),
      lines(["HTTP/1.1 403 No", "Content-Length: 5"], "hello"),
      lines(
        ["HTTP/1.1 503 Busy", "Transfer-Encoding: chunked"],
        "5;x=y\r\nhello\r\n0\r\nt: u\r\n\r\n",
      ),
    ],
    dictionary: HTTP_WORDS,
  },
  {
    name: "inflate",
    run: inflate,
    seeds: [
      hex("0707f248cdc9c9070005f200110000"),
      hex("0708f348cdc9c9070000"),
      Buffer.concat([
        hex("0020"),
        deflateRawSync("a".repeat(1_000), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, 32),
      ]),
    ],
    dictionary: ["f248cdc9c90700", "f348cdc9c9070000", "000500faff", "0000ffff", "0300", "00"].map(
      hex,
    ),
  },
  {
    name: "extensions",
    run: extensions,
    seeds: words('permessage-deflate; client_max_window_bits=9, x; y="z"', 'a;b="\\c"'),
    dictionary: words(";", ",", "=", '"', "\\", " ", "\t", "x", '="'),
  },
  CONNECTION,
];
