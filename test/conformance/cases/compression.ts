// Sections 12 to 14: permessage-deflate (RFC 7692): kinds of content x sizes, parameters x sizes,
// and the rules of its frames. Both directions compress, so every message crosses both.

import {
  back,
  CLEAN,
  type Case,
  continuation,
  type DeflateSetup,
  define,
  INVALID_PAYLOAD,
  ping,
  PROTOCOL_ERROR,
  type Run,
  run,
  type Scale,
  type Step,
  text,
} from "../case.ts";
import { BINARY, CLOSE, type FrameSpec, PING, TEXT } from "../frames.ts";

const KIB = 1_024;

/** Sizes of messages, and of the fragments they are cut into. */
const SIZES: readonly (readonly [bytes: number, cut: number])[] = [
  ...[16, 64, 256, KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB].map(
    (bytes) => [bytes, Infinity] as const,
  ),
  ...[8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB].map((bytes) => [bytes, 256] as const),
  ...[KIB, 4 * KIB, 32 * KIB].map((cut) => [128 * KIB, cut] as const),
];

// ---------------------------------------------------------------------------------------- contents

interface Content {
  readonly name: string;
  readonly isText: boolean;
  /** Whether zlib makes it smaller. */
  readonly shrinks: boolean;
  /** One line; it differs with its number. */
  readonly line: (index: number) => string;
}

const WORDS = "rope ship mooring harbour tide wind knot anchor quay sail crew log chart".split(" ");
const word = (index: number) => WORDS[(index * 7 + (index >> 3)) % WORDS.length] as string;

const CONTENTS: readonly Content[] = [
  {
    name: "JSON",
    isText: true,
    shrinks: true,
    line: (index) =>
      `{"id":${index},"name":"${word(index)}","depth":${(index * 17) % 99},"ok":true},`,
  },
  {
    name: "an image's bytes",
    isText: false,
    shrinks: true,
    line: (index) => String.fromCharCode(...[0, 1, 2, 3, 250, 251].map((at) => at + (index % 5))),
  },
  {
    name: "prose",
    isText: true,
    shrinks: true,
    line: (index) =>
      `The ${word(index)} of the ${word(index + 3)} is no ${word(index * 5)}; überall. `,
  },
  {
    name: "HTML",
    isText: true,
    shrinks: true,
    line: (index) => `<tr class="row-${index % 2}"><td>${index}</td><td>${word(index)}</td></tr>\n`,
  },
  { name: "noise", isText: false, shrinks: false, line: noise },
];

function noise(index: number): string {
  let state = (index + 1) * 2_654_435_761;
  let line = "";
  for (let at = 0; at < 32; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    line += String.fromCharCode(state & 0xff);
  }
  return line;
}

// The message with this number: exactly so many bytes, and valid UTF-8 where it is text.
function messageOf({ isText, line }: Content, size: number, number: number): Buffer {
  const encoding = isText ? "utf8" : "latin1";
  const parts: Buffer[] = [];
  let length = 0;
  for (let index = number; length < size; index++) {
    const part = Buffer.from(line(index), encoding);
    parts.push(part);
    length += part.length;
  }
  const message = Buffer.concat(parts).subarray(0, size);
  // A character that is cut gives way to spaces.
  for (let at = size - 1; isText && at >= 0 && (message[at] as number) >= 0x80; at--) {
    message[at] = 0x20;
  }
  return message;
}

function volume(
  content: Content,
  [bytes, cut]: (typeof SIZES)[number],
  scale: Scale,
): Run["steps"] {
  const brief = Math.max(3, Math.min(12, Math.floor((32 * KIB) / bytes)));
  const count = scale === "full" ? 1_000 : brief;
  return function* steps(): Iterable<Step> {
    for (let number = 0; number < count; number++) {
      const message = messageOf(content, bytes, number);
      yield { message, opcode: content.isText ? TEXT : BINARY, cut };
      yield { expect: [content.isText ? back.text(message) : back.binary(message)] };
    }
    yield* CLEAN;
  };
}

const cutTitle = (cut: number) => (cut === Infinity ? "" : ` in fragments of ${cut}`);

// -------------------------------------------------------------------------------------- parameters

const PLAIN: DeflateSetup = { offer: "permessage-deflate", answer: "permessage-deflate" };

function parameters(...all: readonly string[]): string {
  return ["permessage-deflate", ...all].join("; ");
}

const NO_TAKEOVER = ["client_no_context_takeover", "server_no_context_takeover"] as const;
const bits = (count: number) => [
  `client_max_window_bits=${count}`,
  `server_max_window_bits=${count}`,
];

function same(...all: readonly string[]): DeflateSetup {
  return { offer: parameters(...all), answer: parameters(...all) };
}

const PARAMETERS: readonly (readonly [title: string, setup: DeflateSetup])[] = [
  ["the defaults", PLAIN],
  ["no context takeover either way", same(...NO_TAKEOVER)],
  ["windows of 9 bits", same(...bits(9))],
  ["windows of 15 bits", same(...bits(15))],
  ["no context takeover, windows of 9 bits", same(...NO_TAKEOVER, ...bits(9))],
  ["no context takeover, windows of 15 bits", same(...NO_TAKEOVER, ...bits(15))],
  [
    "several offers",
    {
      offer: [
        parameters(NO_TAKEOVER[1], "server_max_window_bits=10"),
        parameters(NO_TAKEOVER[1]),
        parameters("client_max_window_bits"),
        parameters(),
      ].join(", "),
      answer: parameters(NO_TAKEOVER[1], "client_max_window_bits=12"),
    },
  ],
  [
    "the server without context takeover, the client with 11 bits",
    {
      offer: parameters(NO_TAKEOVER[1], "client_max_window_bits=11"),
      answer: parameters(NO_TAKEOVER[1], "client_max_window_bits=11"),
    },
  ],
];

// ------------------------------------------------------------------------------------------- rules

const hex = (digits: string) => Buffer.from(digits, "hex");
/** RSV1: the message is compressed (section 6). */
const compressed = (payload: string, more: Partial<FrameSpec> = {}): FrameSpec => ({
  opcode: TEXT,
  rsv: 4,
  payload: hex(payload),
  ...more,
});
const open = { fin: false } as const;

function rule(steps: readonly Step[], setup: DeflateSetup = PLAIN): Run {
  return { ...run(...steps), deflate: setup };
}

function understood(frames: readonly FrameSpec[], texts: readonly string[]): Run {
  return rule([{ send: frames }, { expect: texts.map(back.text) }, ...CLEAN]);
}

function refused(frames: readonly FrameSpec[], codes: readonly number[]): Run {
  return rule([{ send: frames }, { ends: codes }]);
}

// The payloads are those of RFC 7692 section 7.2.3, and what breaks its rules.
const RULES: readonly (readonly [title: string, ...runs: readonly Run[]])[] = [
  ["a compressed text", understood([compressed("f248cdc9c90700")], ["Hello"])],
  [
    "a compressed text in two fragments",
    understood([compressed("f248cd", open), continuation(hex("c9c90700"))], ["Hello"]),
  ],
  [
    "a compressed text in fragments of one octet, a ping between",
    rule([
      {
        send: [
          compressed("f2", open),
          continuation(hex("48"), open),
          ping("between"),
          continuation(hex("cdc9c907"), open),
          continuation(hex("00")),
        ],
      },
      { expect: [back.pong("between"), back.text("Hello")] },
      ...CLEAN,
    ]),
  ],
  [
    "the second message refers to the first",
    understood([compressed("f248cdc9c90700"), compressed("f200110000")], ["Hello", "Hello"]),
  ],
  ["a stored block", understood([compressed("000500faff48656c6c6f00")], ["Hello"])],
  ["a block with BFINAL", understood([compressed("f348cdc9c9070000")], ["Hello"])],
  ["two blocks in one message", understood([compressed("f24805000000ffffcac9c90700")], ["Hello"])],
  ["an empty message", understood([compressed("00")], [""])],
  [
    "an uncompressed message between compressed ones",
    understood(
      [compressed("f248cdc9c90700"), text("plain"), compressed("f200110000")],
      ["Hello", "plain", "Hello"],
    ),
  ],
  [
    "RSV1 on a continuation",
    refused(
      [compressed("f248cd", open), { opcode: 0, rsv: 4, payload: hex("c9c90700") }],
      [PROTOCOL_ERROR],
    ),
  ],
  ["RSV1 on a ping", refused([{ opcode: PING, rsv: 4 }], [PROTOCOL_ERROR])],
  ["RSV1 on a Close", refused([{ opcode: CLOSE, rsv: 4, payload: hex("03e8") }], [PROTOCOL_ERROR])],
  [
    "RSV2 beside compression",
    refused([compressed("f248cdc9c90700", { rsv: 2 })], [PROTOCOL_ERROR]),
  ],
  ["RSV1 and RSV3", refused([compressed("f248cdc9c90700", { rsv: 5 })], [PROTOCOL_ERROR])],
  ["a block of the reserved type", refused([compressed("ffffffff")], [INVALID_PAYLOAD])],
  [
    "a stored block whose lengths do not fit",
    refused([compressed("000500ffff48656c6c6f00")], [INVALID_PAYLOAD]),
  ],
  ["a reference to before the first byte", refused([compressed("f200110000")], [INVALID_PAYLOAD])],
  [
    "compressed text that is not UTF-8",
    // A stored block of ff fe.
    refused([compressed("000200fdfffffe00")], [INVALID_PAYLOAD]),
  ],
  [
    "a reference into the message before, without context takeover",
    rule(
      [
        { send: [compressed("f248cdc9c90700")] },
        { expect: [back.text("Hello")] },
        { send: [compressed("f200110000")] },
        { ends: [INVALID_PAYLOAD] },
      ],
      same(...NO_TAKEOVER),
    ),
  ],
];

export function compression(scale: Scale): Case[] {
  const prose = CONTENTS[2] as Content;
  return [
    ...CONTENTS.flatMap((content, group) =>
      SIZES.map(([bytes, cut], index) =>
        define(
          `12.${group + 1}.${index + 1}`,
          `${content.name} of ${bytes} bytes${cutTitle(cut)}`,
          {
            steps: volume(content, [bytes, cut], scale),
            deflate: { ...PLAIN, compresses: content.shrinks && bytes >= KIB },
          },
        ),
      ),
    ),
    ...PARAMETERS.flatMap(([title, setup], group) =>
      SIZES.map(([bytes, cut], index) =>
        define(
          `13.${group + 1}.${index + 1}`,
          `${title}: prose of ${bytes} bytes${cutTitle(cut)}`,
          {
            steps: volume(prose, [bytes, cut], scale),
            deflate: { ...setup, compresses: bytes >= KIB },
          },
        ),
      ),
    ),
    ...RULES.map(([title, ...runs], index) => define(`14.${index + 1}`, title, ...runs)),
  ];
}
