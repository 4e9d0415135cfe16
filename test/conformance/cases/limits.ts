// Sections 9 and 10: large messages, many messages, many fragments, many pieces.

import { back, CLEAN, type Case, cut, define, type Run, type Scale, type Step } from "../case.ts";
import { BINARY, TEXT } from "../frames.ts";

const KIB = 1_024;
const MIB = 1_024 * KIB;
/** In brief, sizes are this much smaller; the sizes of fragments and pieces stay. */
const BRIEF_FACTOR = 16;

type Kind = "text" | "binary";

/** Bytes that a lost, doubled or moved block changes; as text they are ASCII. */
function payloadOf(kind: Kind, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let state = size + 1;
  for (let at = 0; at < size; at++) {
    // Marsaglia's xorshift with 32 bits.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = kind === "binary" ? state : 0x20 + ((state >>> 8) % 95);
  }
  return bytes;
}

function echoed(kind: Kind, payload: Buffer, send: Step): Step[] {
  return [send, { expect: [kind === "text" ? back.text(payload) : back.binary(payload)] }];
}

// The bytes are made when the run begins, and gone when it is over.
function once(kind: Kind, size: number, cutAt = Infinity, chop?: number): Run {
  return {
    *steps() {
      const payload = payloadOf(kind, size);
      const send = cut(kind === "text" ? TEXT : BINARY, payload, cutAt);
      yield* echoed(kind, payload, { send, ...(chop === undefined ? {} : { chop }) });
      yield* CLEAN;
    },
  };
}

function repeated(kind: Kind, size: number, count: number): Run {
  return {
    *steps() {
      const opcode = kind === "text" ? TEXT : BINARY;
      for (let index = 0; index < count; index++) {
        const payload = payloadOf(kind, size);
        payload.write(String(index).slice(0, size));
        yield* echoed(kind, payload, { send: [{ opcode, payload }] });
      }
      yield* CLEAN;
    },
  };
}

const KINDS = ["text", "binary"] as const;
const SIZES = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
const FRAGMENTS = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB];
const CHOPS = [64, 128, 256, 512, KIB, 2 * KIB];
const ROUND_TRIPS = [0, 16, 64, 256, KIB, 4 * KIB];

export function limits(scale: Scale): Case[] {
  const size = (bytes: number) => (scale === "full" ? bytes : bytes / BRIEF_FACTOR);
  const count = scale === "full" ? 1_000 : 100;
  const of = (first: number, make: (kind: Kind, group: string) => Case[]) =>
    KINDS.flatMap((kind, index) => make(kind, `9.${first + index}`));
  return [
    ...of(1, (kind, group) =>
      SIZES.map((bytes, index) =>
        define(`${group}.${index + 1}`, `${kind} of ${size(bytes)} bytes`, once(kind, size(bytes))),
      ),
    ),
    ...of(3, (kind, group) =>
      FRAGMENTS.map((bytes, index) =>
        define(
          `${group}.${index + 1}`,
          `${kind} of ${size(4 * MIB)} bytes in fragments of ${bytes}`,
          once(kind, size(4 * MIB), bytes),
        ),
      ),
    ),
    ...of(5, (kind, group) =>
      CHOPS.map((bytes, index) =>
        define(
          `${group}.${index + 1}`,
          `${kind} of ${size(MIB)} bytes in chops of ${bytes}`,
          once(kind, size(MIB), Infinity, bytes),
        ),
      ),
    ),
    ...of(7, (kind, group) =>
      ROUND_TRIPS.map((bytes, index) =>
        define(
          `${group}.${index + 1}`,
          `${count} times ${kind} of ${bytes} bytes, there and back`,
          repeated(kind, bytes, count),
        ),
      ),
    ),
    define("10.1.1", "text of 65536 bytes in fragments of 1300", once("text", 65_536, 1_300)),
  ];
}
