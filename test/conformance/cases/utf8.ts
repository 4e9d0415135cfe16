// Section 6: UTF-8 in text messages (RFC 6455 section 8.1, RFC 3629), whole, in fragments and octet
// by octet; and how soon a bad octet is noticed.

import {
  back,
  CLEAN,
  type Case,
  continuation,
  cut,
  define,
  exchange,
  failure,
  INVALID_PAYLOAD,
  type Run,
  run,
  type Step,
  text,
} from "../case.ts";
import { type FrameSpec, TEXT } from "../frames.ts";

const VALID = Buffer.from("Hello-µ@ßöäüàá-UTF-8!! κόσμε 😀");

/** A text in all its cuts: one frame, fragments of one octet, one frame octet by octet. */
function inEveryCut(payload: Buffer, isValid: boolean): Run[] {
  const shapes: (readonly [FrameSpec[], number | undefined])[] = [
    [[text(payload)], undefined],
    [cut(TEXT, payload, 1), undefined],
    [[text(payload)], 1],
  ];
  return shapes.map(([frames, chop]) =>
    isValid
      ? exchange(frames, [back.text(payload)], chop)
      : failure(frames, [INVALID_PAYLOAD], [], chop),
  );
}

function basics(): Case[] {
  const empty = back.text("");
  const open = { fin: false } as const;
  const bad = Buffer.concat([VALID, Buffer.from([0xed, 0xa0, 0x80]), Buffer.from("edited")]);
  return [
    define("6.1.1", "a text of no bytes", exchange([text("")], [empty])),
    define(
      "6.1.2",
      "a text of three empty fragments",
      exchange([text("", open), continuation("", open), continuation("")], [empty]),
    ),
    define(
      "6.1.3",
      "a text whose only bytes are in the middle of three fragments",
      exchange([text("", open), continuation(VALID, open), continuation("")], [back.text(VALID)]),
    ),
    define("6.2.1", "valid text in one frame", exchange([text(VALID)], [back.text(VALID)])),
    define(
      "6.2.2",
      "valid text in fragments that end with a character",
      exchange(
        [text(VALID.subarray(0, 8), open), continuation(VALID.subarray(8))],
        [back.text(VALID)],
      ),
    ),
    define(
      "6.2.3",
      "valid text in fragments of one octet",
      exchange(cut(TEXT, VALID, 1), [back.text(VALID)]),
    ),
    define(
      "6.2.4",
      "a sequence of three octets in three fragments",
      exchange(cut(TEXT, "€", 1), [back.text("€")]),
    ),
    define("6.3.1", "invalid text in one frame", failure([text(bad)], [INVALID_PAYLOAD])),
    define(
      "6.3.2",
      "invalid text in fragments of one octet",
      failure(cut(TEXT, bad, 1), [INVALID_PAYLOAD]),
    ),
  ];
}

// --------------------------------------------------------------------------------------- fail-fast

/** Bad sequences, and how many of their octets can still be the beginning of something valid. */
const BAD_SEQUENCES = [
  ["f4908080", 1],
  ["eda080", 1],
  ["c0af", 0],
  ["80", 0],
  ["ff", 0],
  ["e08080", 1],
  ["f0808080", 1],
  ["e28241", 2],
  ["f09f9841", 3],
] as const;

const PREFIX = Buffer.from("κόσμε");
const SUFFIX = Buffer.from("edited");

interface Bad {
  readonly whole: Buffer;
  /** Where the first octet lies that nothing valid can have. */
  readonly at: number;
  /** Where the bad sequence is over. */
  readonly end: number;
}

function badTexts(): Bad[] {
  return BAD_SEQUENCES.map(([hex, good]) => {
    const sequence = Buffer.from(hex, "hex");
    const whole = Buffer.concat([PREFIX, sequence, SUFFIX]);
    return { whole, at: PREFIX.length + good, end: PREFIX.length + sequence.length };
  });
}

const KEY = [0x11, 0x22, 0x33, 0x44] as const;

// The verdict has to come when `end` octets are there and the message is not over.
function inFrames({ whole, at }: Bad, end: number): Run {
  return run(
    { send: [text(whole.subarray(0, at), { fin: false })] },
    { quiet: true },
    { send: [continuation(whole.subarray(at, end), { fin: false })] },
    { fails: [INVALID_PAYLOAD], rest: [{ send: [continuation(whole.subarray(end))] }] },
  );
}

function inChops({ whole, at }: Bad, cuts: readonly number[], end: number): Run {
  const frame = text(whole, { key: KEY });
  const pieces = cuts.map((to, index): Step => {
    const from = cuts[index - 1];
    return { piece: frame, to, ...(from === undefined ? {} : { from }) };
  });
  const before = cuts.filter((to) => to <= at).length;
  return run(...pieces.slice(0, before), { quiet: true }, ...pieces.slice(before), {
    fails: [INVALID_PAYLOAD],
    rest: [{ piece: frame, from: end }],
  });
}

function failFast(): Case[] {
  const all = badTexts();
  const octets = (to: number) => Array.from({ length: to }, (_, index) => index + 1);
  return [
    define(
      "6.4.1",
      "a bad sequence in the second of three fragments is noticed there",
      ...all.map((bad) => inFrames(bad, bad.end)),
    ),
    define(
      "6.4.2",
      "a bad octet at the end of the second of three fragments is noticed there",
      ...all.map((bad) => inFrames(bad, bad.at + 1)),
    ),
    define(
      "6.4.3",
      "a bad sequence within a frame that is still arriving is noticed there",
      ...all.map((bad) => inChops(bad, [bad.at, bad.end], bad.end)),
    ),
    define(
      "6.4.4",
      "a bad octet within a frame that arrives octet by octet is noticed there",
      ...all.map((bad) => inChops(bad, octets(bad.at + 1), bad.at + 1)),
    ),
  ];
}

// ----------------------------------------------------------------------------- sequences, by group

type Group = readonly [id: string, title: string, isValid: boolean, items: readonly string[]];

/** "κόσμε" cut after each octet: valid where a character ends. */
const GREEK = Buffer.from("κόσμε").toString("hex");
const greekCuts = Array.from({ length: GREEK.length / 2 }, (_, at) => GREEK.slice(0, 2 * at + 2));
const greekEnds = new Set([4, 8, 12, 16, 20].map((digits) => GREEK.slice(0, digits)));

const surrogates = ["eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"];
const continuations = (count: number) => "80bf".repeat(4).slice(0, 2 * count);
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => (from + index).toString(16));
const planes = Array.from({ length: 17 }, (_, plane) => plane);
const codePoint = (value: number) => Buffer.from(String.fromCodePoint(value)).toString("hex");

const GROUPS: readonly Group[] = [
  ["6.5", "characters of the last octets of each length", true, ["ceba", "48656c6c6fc2b5", "c3bc"]],
  ["6.6", "a word that ends with a character", true, [...greekEnds]],
  ["6.7", "the first sequence of each length", true, ["00", "c280", "e0a080", "f0908080"]],
  ["6.8", "the first sequences of five and six octets", false, ["f888808080", "fc8480808080"]],
  ["6.9", "the last sequence of each length", true, ["7f", "dfbf", "efbfbf", "f48fbfbf"]],
  ["6.10", "sequences above U+10FFFF", false, ["f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf"]],
  [
    "6.11",
    "around the surrogates and the end of Unicode",
    true,
    ["ed9fbf", "ee8080", "efbfbd", "f48fbfbf"],
  ],
  ["6.12", "the first value above Unicode", false, ["f4908080"]],
  [
    "6.13",
    "continuation octets of nothing",
    false,
    ["80", "bf", ...[2, 3, 4, 5, 6, 7].map(continuations), range(0x80, 0xbf).join("")],
  ],
  [
    "6.14",
    "first octets of sequences, each before a space",
    false,
    [
      range(0xc0, 0xdf).join("20"),
      range(0xe0, 0xef).join("20"),
      range(0xf0, 0xf7).join("20"),
      range(0xf8, 0xfb).join("20"),
      range(0xfc, 0xfd).join("20"),
    ].map((hex) => `${hex}20`),
  ],
  [
    "6.15",
    "sequences without their last octet",
    false,
    [
      "c0",
      "e080",
      "f08080",
      "f8808080",
      "fc80808080",
      "df",
      "efbf",
      "f7bfbf",
      "fbbfbfbf",
      "fdbfbfbfbf",
    ],
  ],
  [
    "6.16",
    "many sequences without their last octet",
    false,
    ["c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf"],
  ],
  ["6.17", "octets that never stand in UTF-8", false, ["fe", "ff", "fefeffff", "c0", "c1", "f5"]],
  [
    "6.18",
    "a slash in too long a form",
    false,
    ["c0af", "e080af", "f08080af", "f8808080af", "fc80808080af"],
  ],
  [
    "6.19",
    "the last values in too long a form",
    false,
    ["c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf"],
  ],
  [
    "6.20",
    "zero in too long a form",
    false,
    ["c080", "e08080", "f0808080", "f880808080", "fc8080808080"],
  ],
  ["6.21", "single surrogates", false, surrogates],
  [
    "6.22",
    "pairs of surrogates",
    false,
    surrogates.slice(0, 4).flatMap((high) => ["edb080", "edbfbf"].map((low) => high + low)),
  ],
  [
    "6.23",
    "the two values at the end of each plane, which are no characters and valid",
    true,
    planes.flatMap((plane) => [
      codePoint(plane * 0x1_0000 + 0xfffe),
      codePoint(plane * 0x1_0000 + 0xffff),
    ]),
  ],
  [
    "6.24",
    "what decoders put for a bad octet, from the sender itself, and a byte order mark",
    true,
    ["efbfbd", "efbfbdefbfbd", "61efbfbd62", "efbbbf", "efbbbf61", "61efbbbf"],
  ],
  [
    "6.25",
    "a word that ends within a character",
    false,
    greekCuts.filter((hex) => !greekEnds.has(hex)),
  ],
];

function sequences([id, title, isValid, items]: Group): Case[] {
  return items.map((hex, index) =>
    define(
      `${id}.${index + 1}`,
      `${title}: ${hex.length > 24 ? `${hex.slice(0, 24)}...` : hex}`,
      ...inEveryCut(Buffer.from(hex, "hex"), isValid),
    ),
  );
}

// A bad octet at each position of a long text: whole, and behind a good beginning.
function positions(): Case[] {
  const positioned = [0, 1, 15, 16, 31, 32, 63, 64, 124, 125, 126, 255, 1_023, 4_095];
  return positioned.map((at, index) => {
    const bad = Buffer.alloc(4_096, 0x61);
    bad[at] = 0xff;
    const good = Buffer.alloc(4_096, 0x61);
    good.write("ß", Math.min(at, 4_094));
    return define(
      `6.26.${index + 1}`,
      `a bad octet at position ${at} of 4096, and a good sequence there`,
      failure([text(bad)], [INVALID_PAYLOAD]),
      failure([text(bad)], [INVALID_PAYLOAD], [], 512),
      exchange([text(good)], [back.text(good)]),
      run({ send: [text(good)], chop: 333 }, { expect: [back.text(good)] }, ...CLEAN),
    );
  });
}

export const utf8: readonly Case[] = [
  ...basics(),
  ...failFast(),
  ...GROUPS.flatMap(sequences),
  ...positions(),
];
