// What a case of the conformance suite is made of: frames to send, what has to come back, how the
// connection has to end. Data and small makers of it; who carries it out is session.ts.

import {
  BINARY,
  CLOSE,
  CONTINUATION,
  type FrameSpec,
  fragments,
  PING,
  PONG,
  TEXT,
} from "./frames.ts";

/** "full" has the sizes and counts of the field's usual suite; "brief" ends within seconds. */
export type Scale = "brief" | "full";

/** A message or a pong, compared byte by byte. */
export type Expected =
  | { readonly text: Buffer }
  | { readonly binary: Buffer }
  | { readonly pong: Buffer };

export type Step =
  /** Frames, written at once or in pieces of `chop` bytes, each in a turn of its own. */
  | { readonly send: readonly FrameSpec[]; readonly chop?: number }
  /** A part of a frame: positions in its payload; the header goes with the beginning. */
  | { readonly piece: FrameSpec; readonly from?: number; readonly to?: number }
  /** A message, compressed where that was agreed on, cut into frames of `cut` payload bytes. */
  | { readonly message: Buffer; readonly opcode: number; readonly cut?: number }
  /** Exactly these come next. `or`: a Close with one of these codes instead is right as well. */
  | { readonly expect: readonly Expected[]; readonly or?: readonly number[] }
  /** Nothing has come yet: a verdict now would be too early. */
  | { readonly quiet: true }
  /** A Close with one of these codes (null: without any) comes next, then TCP's end. */
  | { readonly ends: readonly (number | null)[] }
  /**
   * The same without another byte from us; `rest` is sent where it does not come, and the verdict
   * was late if it comes then.
   */
  | { readonly fails: readonly number[]; readonly rest: readonly Step[] };

/** permessage-deflate in a run, by who the side under test is. */
export interface DeflateSetup {
  /** What we offer to a server. */
  readonly offer: string;
  /** What we answer to a client. */
  readonly answer: string;
  /** The side under test has to compress at least one message. */
  readonly compresses?: boolean;
}

/** One connection. */
export interface Run {
  readonly steps: () => Iterable<Step>;
  readonly deflate?: DeflateSetup;
}

export interface Case {
  /** Section, group and number: the ground is that of the field's usual suite. */
  readonly id: string;
  readonly title: string;
  /** All of them have to be right. */
  readonly runs: readonly Run[];
}

// ----------------------------------------------------------------------------------------- makers

type More = Omit<FrameSpec, "opcode" | "payload">;
type Payload = string | Buffer;

export function bytes(payload: Payload): Buffer {
  return typeof payload === "string" ? Buffer.from(payload) : payload;
}

export function text(payload: Payload, more: More = {}): FrameSpec {
  return { opcode: TEXT, payload: bytes(payload), ...more };
}

export function binary(payload: Payload, more: More = {}): FrameSpec {
  return { opcode: BINARY, payload: bytes(payload), ...more };
}

export function continuation(payload: Payload, more: More = {}): FrameSpec {
  return { opcode: CONTINUATION, payload: bytes(payload), ...more };
}

export function ping(payload: Payload = "", more: More = {}): FrameSpec {
  return { opcode: PING, payload: bytes(payload), ...more };
}

export function pong(payload: Payload = "", more: More = {}): FrameSpec {
  return { opcode: PONG, payload: bytes(payload), ...more };
}

/** A Close with a code and a reason; without a code it is empty. */
export function close(code?: number, reason: Payload = "", more: More = {}): FrameSpec {
  const head = Buffer.alloc(code === undefined ? 0 : 2);
  if (code !== undefined) head.writeUInt16BE(code);
  return { opcode: CLOSE, payload: Buffer.concat([head, bytes(reason)]), ...more };
}

/** What the side under test has to give back. */
export const back = {
  text: (payload: Payload): Expected => ({ text: bytes(payload) }),
  binary: (payload: Payload): Expected => ({ binary: bytes(payload) }),
  pong: (payload: Payload): Expected => ({ pong: bytes(payload) }),
};

export const PROTOCOL_ERROR = 1002;
export const INVALID_PAYLOAD = 1007;
export const TOO_BIG = 1009;

/** The closing handshake, begun by us: its end is that of every run in which nothing is wrong. */
export const CLEAN: readonly Step[] = [{ send: [close(1000)] }, { ends: [1000] }];

export function run(...steps: readonly Step[]): Run {
  return { steps: () => steps };
}

/** Sends, gets back, closes. */
export function exchange(
  send: readonly FrameSpec[],
  expect: readonly Expected[],
  chop?: number,
): Run {
  return run({ send, ...(chop === undefined ? {} : { chop }) }, { expect }, ...CLEAN);
}

/** Sends, gets back what was right before, and then the Close with one of these codes. */
export function failure(
  send: readonly FrameSpec[],
  codes: readonly number[] = [PROTOCOL_ERROR],
  expect: readonly Expected[] = [],
  chop?: number,
): Run {
  const sent = { send, ...(chop === undefined ? {} : { chop }) };
  return run(sent, ...(expect.length > 0 ? [{ expect }] : []), { ends: codes });
}

export function define(id: string, title: string, ...runs: readonly Run[]): Case {
  return { id, title, runs };
}

/** A message in frames of `size` payload bytes. */
export function cut(opcode: number, payload: Payload, size: number): FrameSpec[] {
  return fragments(opcode, bytes(payload), size);
}
