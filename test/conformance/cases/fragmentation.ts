// Section 5: fragmented messages, and control frames between fragments (RFC 6455 section 5.4).

import {
  back,
  binary,
  type Case,
  CLEAN,
  close,
  continuation,
  cut,
  define,
  exchange,
  failure,
  ping,
  pong,
  run,
  text,
} from "../case.ts";
import { BINARY, TEXT } from "../frames.ts";

const open = { fin: false } as const;
const A = "fragment one, ";
const B = "fragment two";
const BOTH = [back.text(A + B)];
const two = [text(A, open), continuation(B)] as const;
const between = [text(A, open), ping("between"), continuation(B)] as const;
const betweenBack = [back.pong("between"), ...BOTH];

// A message behind a continuation of nothing is never answered.
const lost = (fin: boolean, chop?: number) =>
  failure([continuation("of nothing", { fin }), text("lost")], [1002], [], chop);

const nothingOpen = continuation("of nothing", open);
const nothing = continuation("of nothing");

const five = ["one ", "two ", "three ", "four ", "five"];
const fiveFrames = [
  text(five[0] as string, open),
  continuation(five[1] as string, open),
  ping("after two"),
  continuation(five[2] as string, open),
  continuation(five[3] as string, open),
  ping("after four"),
  continuation(five[4] as string),
];
const fiveBack = [back.pong("after two"), back.pong("after four"), back.text(five.join(""))];

const SMALL = Buffer.from(Array.from({ length: 500 }, (_, at) => (at * 31) & 0xff));

export const fragmentation: readonly Case[] = [
  define("5.1", "a ping in two fragments", failure([ping("a", open), continuation("b")])),
  define("5.2", "a pong in two fragments", failure([pong("a", open), continuation("b")])),
  define("5.3", "a text in two fragments", exchange(two, BOTH)),
  define("5.4", "a text in two fragments, in chops of seven", exchange(two, BOTH, 7)),
  define("5.5", "a text in two fragments, octet by octet", exchange(two, BOTH, 1)),
  define("5.6", "a ping between two fragments", exchange(between, betweenBack)),
  define(
    "5.7",
    "a ping between two fragments, in chops of seven",
    exchange(between, betweenBack, 7),
  ),
  define("5.8", "a ping between two fragments, octet by octet", exchange(between, betweenBack, 1)),
  define("5.9", "the last fragment of nothing, then a text", lost(true)),
  define("5.10", "the last fragment of nothing, then a text, in chops of seven", lost(true, 7)),
  define("5.11", "the last fragment of nothing, then a text, octet by octet", lost(true, 1)),
  define("5.12", "a fragment of nothing, then a text", lost(false)),
  define("5.13", "a fragment of nothing, then a text, in chops of seven", lost(false, 7)),
  define("5.14", "a fragment of nothing, then a text, octet by octet", lost(false, 1)),
  define(
    "5.15",
    "a fragmented text, a fragment of nothing, a text",
    failure([...two, nothingOpen, text("lost")], [1002], BOTH),
  ),
  define(
    "5.16",
    "a fragment of nothing before a fragmented text, twice",
    failure([nothingOpen, ...two, nothingOpen, ...two]),
  ),
  define(
    "5.17",
    "the last fragment of nothing before a fragmented text, twice",
    failure([nothing, ...two, nothing, ...two]),
  ),
  define("5.18", "a second text inside a fragmented one", failure([text(A, open), text(B)])),
  define(
    "5.19",
    "a text in five fragments with two pings, answered on the way",
    run(
      { send: fiveFrames.slice(0, 3) },
      { expect: fiveBack.slice(0, 1) },
      { send: fiveFrames.slice(3, 6) },
      { expect: fiveBack.slice(1, 2) },
      { send: fiveFrames.slice(6) },
      { expect: fiveBack.slice(2) },
      ...CLEAN,
    ),
  ),
  define(
    "5.20",
    "a text in five fragments with two pings, at once",
    exchange(fiveFrames, fiveBack),
  ),
  define(
    "5.21",
    "a binary inside a fragmented text, and the other way round",
    failure([text(A, open), binary(B)]),
    failure([binary(A, open), text(B)]),
  ),
  define(
    "5.22",
    "a Close between two fragments: the message is lost, the end is clean",
    run({ send: [text(A, open), close(1000), continuation(B)] }, { ends: [1000] }),
  ),
  define(
    "5.23",
    "empty fragments first, in the middle and last",
    exchange(
      [text("", open), continuation(A, open), continuation("", open), continuation(B, open)].concat(
        continuation(""),
      ),
      BOTH,
    ),
    exchange([text("", open), continuation("")], [back.text("")]),
    exchange([binary("", open), continuation("", open), continuation("")], [back.binary("")]),
  ),
  define(
    "5.24",
    "fragments of one byte",
    exchange(cut(BINARY, SMALL, 1), [back.binary(SMALL)]),
    exchange(cut(TEXT, SMALL.toString("hex"), 1), [back.text(SMALL.toString("hex"))]),
  ),
  define(
    "5.25",
    "two fragmented messages in one piece",
    exchange(
      [...cut(BINARY, SMALL, 77), ...cut(TEXT, "tail", 2)],
      [back.binary(SMALL), back.text("tail")],
    ),
  ),
];
