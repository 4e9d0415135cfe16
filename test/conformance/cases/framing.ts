// Section 1: messages of every length form, the mask (RFC 6455 sections 5.2 and 5.3).

import {
  back,
  binary,
  type Case,
  CLEAN,
  close,
  continuation,
  define,
  exchange,
  failure,
  ping,
  PROTOCOL_ERROR,
  run,
  text,
  TOO_BIG,
} from "../case.ts";

/** Around every change of the length's form: 7 bits, 16 bits, 64 bits. */
const SIZES = [0, 125, 126, 127, 128, 65_535, 65_536] as const;
const CHOP_BYTES = 997;

function numbered(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) & 0xff));
}

function letters(length: number): Buffer {
  return Buffer.from(numbered(length).map((byte) => 0x20 + (byte % 95)));
}

function messages(): Case[] {
  const texts = SIZES.map((size, index) => {
    const payload = letters(size);
    const title = `text of ${size} bytes`;
    return define(`1.1.${index + 1}`, title, exchange([text(payload)], [back.text(payload)]));
  });
  const binaries = SIZES.map((size, index) => {
    const payload = numbered(size);
    const title = `binary of ${size} bytes`;
    return define(`1.2.${index + 1}`, title, exchange([binary(payload)], [back.binary(payload)]));
  });
  const [largeText, largeBinary] = [letters(65_536), numbered(65_536)];
  return [
    ...texts,
    define(
      "1.1.8",
      `text of 65536 bytes in chops of ${CHOP_BYTES}`,
      exchange([text(largeText)], [back.text(largeText)], CHOP_BYTES),
    ),
    ...binaries,
    define(
      "1.2.8",
      `binary of 65536 bytes in chops of ${CHOP_BYTES}`,
      exchange([binary(largeBinary)], [back.binary(largeBinary)], CHOP_BYTES),
    ),
  ];
}

/**
 * Longer forms than needed are a sender's fault (section 5.2). Refusing them and understanding them
 * are both right; anything else is not.
 */
function longForms(): Case[] {
  const grid = [
    [0, 16],
    [125, 16],
    [0, 64],
    [125, 64],
    [126, 64],
    [65_535, 64],
  ] as const;
  return grid.map(([size, form], index) => {
    const payload = letters(size);
    return define(
      `1.3.${index + 1}`,
      `${size} bytes whose length is told in ${form} bits`,
      run(
        { send: [text(payload, { form })] },
        { expect: [back.text(payload)], or: [PROTOCOL_ERROR] },
        ...CLEAN,
      ),
    );
  });
}

/** Lengths that nothing can have: refused by the header alone, without waiting for the payload. */
function hugeLengths(): Case[] {
  const lengths = [2n ** 63n, 2n ** 64n - 1n, 2n ** 63n - 1n, 2n ** 53n, 2n ** 32n + 5n];
  const codes = [PROTOCOL_ERROR, TOO_BIG];
  return lengths.map((declared, index) =>
    define(
      `1.3.${index + 7}`,
      `a length of ${declared} in the header`,
      failure([binary("five!", { declared, form: 64 })], codes),
    ),
  );
}

function masks(): Case[] {
  const wrongMask = true;
  const begun = text("beg", { fin: false });
  const hello = "Hello, mask";
  const keys = [
    [0, 0, 0, 0],
    [0xff, 0xff, 0xff, 0xff],
    [0x00, 0xff, 0x00, 0x80],
  ] as const;
  const long = numbered(1_000);
  return [
    define("1.4.1", "text masked the wrong way", failure([text("x", { wrongMask })])),
    define("1.4.2", "binary masked the wrong way", failure([binary(long, { wrongMask })])),
    define("1.4.3", "an empty frame masked the wrong way", failure([text("", { wrongMask })])),
    define("1.4.4", "a ping masked the wrong way", failure([ping("x", { wrongMask })])),
    define("1.4.5", "a Close masked the wrong way", failure([close(1000, "", { wrongMask })])),
    define(
      "1.4.6",
      "a continuation masked the wrong way",
      failure([begun, continuation("un", { wrongMask })]),
    ),
    ...keys.map((key, index) =>
      define(
        `1.5.${index + 1}`,
        `the masking key ${Buffer.from(key).toString("hex")}`,
        exchange(
          [text(hello, { key }), binary(long, { key })],
          [back.text(hello), back.binary(long)],
        ),
      ),
    ),
    ...[1, 2, 3, 5, 7].map((chop, index) =>
      define(
        `1.5.${index + 4}`,
        `a mask that goes on in chops of ${chop}`,
        exchange([binary(long.subarray(0, 300))], [back.binary(long.subarray(0, 300))], chop),
      ),
    ),
    define(
      "1.5.9",
      "a new masking key in each fragment",
      exchange(
        [
          binary(long.subarray(0, 333), { fin: false, key: [1, 2, 3, 4] }),
          continuation(long.subarray(333, 667), { fin: false, key: [5, 6, 7, 8] }),
          continuation(long.subarray(667), { key: [9, 10, 11, 12] }),
        ],
        [back.binary(long)],
      ),
    ),
  ];
}

export const framing: readonly Case[] = [
  ...messages(),
  ...longForms(),
  ...hugeLengths(),
  ...masks(),
];
