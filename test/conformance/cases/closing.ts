// Section 7: the closing handshake (RFC 6455 sections 5.5.1 and 7).

import {
  back,
  type Case,
  CLEAN,
  close,
  continuation,
  define,
  exchange,
  failure,
  INVALID_PAYLOAD,
  ping,
  run,
  text,
} from "../case.ts";
import { CLOSE } from "../frames.ts";

const HELLO = "Hello, end";
const LARGE = Buffer.alloc(262_144, "large ");
const helloBack = { expect: [back.text(HELLO)] };

const VALID_CODES = [
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014],
  ...[3000, 3001, 3999, 4000, 4001, 4999],
];
/** Reserved for what is never sent, given to nobody, or no codes at all (section 7.4). */
const INVALID_CODES = [
  ...[0, 1, 500, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2500, 2999],
  ...[5000, 5001, 9999, 32_768, 65_535],
];

const REASON = "the reason: ¶";
const LONGEST = Buffer.alloc(123, "*");

const order: readonly Case[] = [
  define("7.1.1", "a message, then a Close", exchange([text(HELLO)], [back.text(HELLO)])),
  define("7.1.2", "two Closes", run({ send: [close(1000), close(1000)] }, { ends: [1000] })),
  define(
    "7.1.3",
    "a ping behind the Close is not answered",
    run({ send: [close(1000), ping("late")] }, { ends: [1000] }),
  ),
  define(
    "7.1.4",
    "a text behind the Close is not answered",
    run({ send: [close(1000), text("late")] }, { ends: [1000] }),
  ),
  define(
    "7.1.5",
    "a Close within a fragmented message",
    run({ send: [text("a", { fin: false }), close(1000), continuation("b")] }, { ends: [1000] }),
  ),
  define(
    "7.1.6",
    "a large and a small message before the Close come back first, a ping behind it does not",
    run(
      { send: [text(LARGE), text(HELLO), close(1000), ping("late")] },
      { expect: [back.text(LARGE), back.text(HELLO)] },
      { ends: [1000] },
    ),
  ),
  define(
    "7.1.7",
    "garbage behind the Close is not looked at",
    run(
      { send: [close(1000), { opcode: 5, rsv: 7, payload: Buffer.alloc(50, 0xff) }] },
      { ends: [1000] },
    ),
  ),
];

const payloads: readonly Case[] = [
  define("7.3.1", "a Close without payload", run({ send: [close()] }, { ends: [null, 1000] })),
  define(
    "7.3.2",
    "a Close with one octet",
    failure([{ opcode: CLOSE, payload: Buffer.from("a") }]),
  ),
  define("7.3.3", "a Close with a code", run(...CLEAN)),
  define(
    "7.3.4",
    "a Close with a code and a reason",
    run({ send: [close(1000, REASON)] }, { ends: [1000] }),
    run({ send: [close(1000, REASON)], chop: 1 }, { ends: [1000] }),
  ),
  define(
    "7.3.5",
    "a Close with the longest reason, of 123 bytes",
    run({ send: [close(1000, LONGEST)] }, { ends: [1000] }),
  ),
  define(
    "7.3.6",
    "a Close with a reason of 124 bytes",
    failure([close(1000, Buffer.alloc(124, "*"))]),
  ),
  define("7.3.7", "a Close in two fragments", failure([close(1000, "", { fin: false })])),
  ...["ceba6fcf83cebceda080", "ff", "c0af", "e282", "f4908080"].map((hex, index) =>
    define(
      `7.5.${index + 1}`,
      `a Close whose reason is not UTF-8: ${hex}`,
      failure([close(1000, Buffer.from(hex, "hex"))], [INVALID_PAYLOAD]),
    ),
  ),
];

const codes: readonly Case[] = [
  ...VALID_CODES.map((code, index) =>
    define(
      `7.7.${index + 1}`,
      `a Close with ${code} is answered with it`,
      run({ send: [close(code)] }, { ends: [code] }),
      run({ send: [text(HELLO), close(code, REASON)] }, helloBack, { ends: [code] }),
    ),
  ),
  ...INVALID_CODES.map((code, index) =>
    define(
      `7.9.${index + 1}`,
      `a Close with ${code}, which may not be sent`,
      failure([close(code)]),
      failure([close(code, REASON)]),
    ),
  ),
];

export const closing: readonly Case[] = [...order, ...payloads, ...codes];
