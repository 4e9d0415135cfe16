// Sections 2 to 4: pings and pongs (RFC 6455 sections 5.5.2 and 5.5.3), reserved bits and reserved
// opcodes (section 5.2).

import {
  back,
  binary,
  type Case,
  close,
  continuation,
  define,
  exchange,
  failure,
  ping,
  pong,
  text,
} from "../case.ts";
import type { FrameSpec } from "../frames.ts";

const HELLO = "Hello, world!";
const NOT_TEXT = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff]);
const FULL = Buffer.alloc(125, 0xfe);

function manyPings(chop?: number) {
  const payloads = Array.from({ length: 10 }, (_, index) => `payload-${index}`);
  return exchange(
    payloads.map((payload) => ping(payload)),
    payloads.map((payload) => back.pong(payload)),
    chop,
  );
}

export const pings: readonly Case[] = [
  define("2.1", "a ping without payload", exchange([ping()], [back.pong("")])),
  define("2.2", "a ping with text", exchange([ping(HELLO)], [back.pong(HELLO)])),
  define("2.3", "a ping with bytes", exchange([ping(NOT_TEXT)], [back.pong(NOT_TEXT)])),
  define("2.4", "a ping of 125 bytes", exchange([ping(FULL)], [back.pong(FULL)])),
  define("2.5", "a ping of 126 bytes", failure([ping(Buffer.alloc(126, 0xfe))])),
  define(
    "2.6",
    "a ping of 125 bytes, octet by octet",
    exchange([ping(FULL)], [back.pong(FULL)], 1),
  ),
  define("2.7", "a pong that nobody asked for", exchange([pong()], [])),
  define("2.8", "a pong with payload that nobody asked for", exchange([pong("unasked")], [])),
  define(
    "2.9",
    "a pong that nobody asked for, then a ping",
    exchange([pong("unasked"), ping("asked")], [back.pong("asked")]),
  ),
  define("2.10", "ten pings", manyPings()),
  define("2.11", "ten pings, octet by octet", manyPings(1)),
  define("2.12", "a pong of 126 bytes", failure([pong(Buffer.alloc(126, 0xfe))])),
];

const first = text(HELLO);
const firstBack = [back.text(HELLO)];
const RSVS = [1, 2, 3, 4, 5, 6, 7] as const;

export const reservedBits: readonly Case[] = [
  define("3.1", "RSV3 on a text", failure([text(HELLO, { rsv: 1 })])),
  define(
    "3.2",
    "RSV2 on a text behind a good one, before a ping",
    failure([first, text(HELLO, { rsv: 2 }), ping()], [1002], firstBack),
  ),
  define(
    "3.3",
    "RSV2 and RSV3 on a text behind a good one, frame by frame",
    failure([first, text(HELLO, { rsv: 3 }), ping()], [1002], firstBack, HELLO.length + 6),
  ),
  define(
    "3.4",
    "RSV1 on a text behind a good one, octet by octet",
    failure([first, text(HELLO, { rsv: 4 }), ping()], [1002], firstBack, 1),
  ),
  define("3.5", "RSV1 and RSV3 on a binary", failure([binary(NOT_TEXT, { rsv: 5 })])),
  define("3.6", "RSV1 and RSV2 on a ping", failure([ping(HELLO, { rsv: 6 })])),
  define("3.7", "all reserved bits on a Close", failure([close(1000, "", { rsv: 7 })])),
  ...RSVS.map((rsv) =>
    define(
      `3.8.${rsv}`,
      `reserved bits ${rsv} on a continuation`,
      failure([text("a", { fin: false }), continuation("b", { rsv })]),
    ),
  ),
  ...RSVS.map((rsv) =>
    define(
      `3.9.${rsv}`,
      `reserved bits ${rsv} on a pong between fragments`,
      failure([text("a", { fin: false }), pong("", { rsv }), continuation("b")]),
    ),
  ),
];

// One shape for each opcode of a group, as the opcode is looked at before all else.
function reserved(group: string, opcodes: readonly number[]): Case[] {
  const shapes: ((bad: FrameSpec) => ReturnType<typeof failure>)[] = [
    (bad) => failure([bad]),
    (bad) => failure([{ ...bad, payload: NOT_TEXT }]),
    (bad) => failure([first, bad, ping()], [1002], firstBack),
    (bad) => failure([first, { ...bad, payload: NOT_TEXT }, ping()], [1002], firstBack),
    (bad) => failure([first, { ...bad, payload: NOT_TEXT }, ping()], [1002], firstBack, 1),
  ];
  return opcodes.map((opcode, index) =>
    define(
      `${group}.${index + 1}`,
      `the reserved opcode ${opcode}, alone, with payload, behind a text, octet by octet`,
      ...shapes.map((shape) => shape({ opcode })),
    ),
  );
}

export const opcodes: readonly Case[] = [
  ...reserved("4.1", [3, 4, 5, 6, 7]),
  ...reserved("4.2", [11, 12, 13, 14, 15]),
];
