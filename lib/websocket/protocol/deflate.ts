// Compression and inflation of whole messages (RFC 7692 section 7.2) over node:zlib's public
// one-shot functions. Context takeover is the `dictionary` option: the bytes of earlier messages,
// so no zlib state outlives a call. Small work is done in the caller's turn, the rest in the thread
// pool. Who calls when, and the order of messages, is not decided here.

import type { InflateRaw, ZlibOptions } from "node:zlib";
import { nodeZlib } from "../../core/builtins.ts";
import {
  CLOSE_INTERNAL_ERROR,
  CLOSE_INVALID_PAYLOAD,
  CLOSE_MESSAGE_TOO_BIG,
} from "./close-codes.ts";
import type { DeflateSettings } from "./deflate-negotiation.ts";
import { History } from "./history.ts";
import {
  MAX_FINAL_BLOCKS,
  SYNC_DEFLATE_BYTES,
  SYNC_INFLATE_BYTES,
  SYNC_INFLATED_BYTES,
} from "./limits.ts";
import { zlibPool } from "./zlib-pool.ts";

/** What a sender strips and a receiver appends (sections 7.2.1 and 7.2.2): LEN 0, NLEN. */
const STRIPPED_TAIL_BYTES = 4;
/** An empty final block: inflation must end with it, or the message did not end on a block. */
const FINAL_BLOCK = Buffer.from([0x01, 0x00, 0x00, 0xff, 0xff]);
/** The stripped tail and the final block: what is appended to every message. */
export const INFLATE_TAIL: Buffer = Buffer.concat([Buffer.from([0, 0, 0xff, 0xff]), FINAL_BLOCK]);
/** The payload of an empty message (section 7.2.3.6). */
const EMPTY_MESSAGE = Buffer.from([0x00]);
const EMPTY = Buffer.alloc(0);

/** zlib refers back at most this much less than its window (MIN_LOOKAHEAD). */
const WINDOW_MARGIN = 262;
/** Payloads up to this many bytes need no larger hash table than memory level 5 has. */
const SMALL_PAYLOAD_BYTES = 4_096;
const SMALL_MEMORY_LEVEL = 5;

/** The compressing half of a connection. One message at a time. */
export class Deflater {
  private readonly settings: DeflateSettings;
  private readonly history: History | null;
  readonly maxWindowBits: number;

  constructor(settings: DeflateSettings, maxWindowBits: number, contextTakeover: boolean) {
    this.settings = settings;
    this.maxWindowBits = maxWindowBits;
    const capacity = Math.min(settings.historyBytes, 1 << maxWindowBits);
    this.history = contextTakeover && capacity > 0 ? new History(capacity) : null;
  }

  /** Whether compress() may be called: more would hold the loop too long. */
  fitsTurn(payload: Uint8Array): boolean {
    return payload.length <= SYNC_DEFLATE_BYTES;
  }

  /** The compressed bytes up to and with the tail, or null where zlib had no memory. */
  compress(payload: Uint8Array): Buffer | null {
    try {
      return nodeZlib().deflateRawSync(payload, this.options(payload));
    } catch {
      return null;
    }
  }

  /** The same in the thread pool. Nothing else may be compressed or remembered meanwhile. */
  compressLater(payload: Uint8Array, done: (compressed: Buffer | null) => void): void {
    zlibPool.enter(() => {
      nodeZlib().deflateRaw(payload, this.options(payload), (error, compressed) => {
        zlibPool.leave();
        done(error === null ? compressed : null);
      });
    });
  }

  /** The payload went out compressed: it is in the peer's window from now on. */
  remember(payload: Uint8Array): void {
    this.history?.append(payload);
  }

  private options(payload: Uint8Array): ZlibOptions {
    const { level, memLevel } = this.settings;
    const dictionary = this.history?.view();
    const reach = payload.length + (dictionary?.length ?? 0) + WINDOW_MARGIN;
    const options: ZlibOptions = {
      level,
      memLevel:
        payload.length <= SMALL_PAYLOAD_BYTES ? Math.min(memLevel, SMALL_MEMORY_LEVEL) : memLevel,
      windowBits: Math.min(this.maxWindowBits, Math.max(9, 32 - Math.clz32(reach - 1))),
      finishFlush: nodeZlib().constants.Z_SYNC_FLUSH,
    };
    if (dictionary !== undefined) options.dictionary = dictionary;
    return options;
  }
}

/** Without the four bytes that the receiver appends again. */
export function stripTail(compressed: Buffer): Buffer {
  if (compressed.length <= STRIPPED_TAIL_BYTES) return EMPTY_MESSAGE;
  return compressed.subarray(0, compressed.length - STRIPPED_TAIL_BYTES);
}

/** The close code that ends the connection: 1007, 1009, or 1011 where zlib had no memory. */
export type InflateFailure = number;

/** Input with its tail; some senders leave the tail on, and that is understood as well. */
function withTail(payload: Uint8Array, target: Buffer): number {
  target.set(payload, 0);
  const { length } = payload;
  const whole = length >= 4 && target.readUInt32BE(length - 4) === 0x0000_ffff;
  const tail = whole ? FINAL_BLOCK : INFLATE_TAIL;
  target.set(tail, length);
  return length + tail.length;
}

/** The input of the turn under way; zlib has read it when the call returns. */
const scratch = Buffer.allocUnsafeSlow(SYNC_INFLATE_BYTES + INFLATE_TAIL.length);

interface InflateResult {
  readonly buffer: Buffer;
  readonly engine: InflateRaw;
}

/** The inflating half of a connection. One message at a time. */
export class Inflater {
  readonly windowBits: number;
  readonly history: History | null;

  constructor(windowBits: number, contextTakeover: boolean) {
    this.windowBits = windowBits;
    this.history = contextTakeover ? new History(1 << windowBits) : null;
  }

  /**
   * Inflates a message in the caller's turn. Null: too large for that, call inflateLater().
   * `payload` is not kept. The result is owned, has at most `limit` bytes, and is remembered.
   */
  inflate(payload: Uint8Array, limit: number): Buffer | InflateFailure | null {
    if (payload.length === 0) return EMPTY;
    if (payload.length > SYNC_INFLATE_BYTES) return null;
    const end = withTail(payload, scratch);
    const most = Math.min(limit, SYNC_INFLATED_BYTES);
    const outputs: Buffer[] = [];
    let total = 0;
    let at = 0;
    for (let blocks = 0; blocks < MAX_FINAL_BLOCKS; blocks++) {
      let result: InflateResult;
      try {
        const options = this.options(payload.length, most - total, outputs);
        result = nodeZlib().inflateRawSync(
          scratch.subarray(at, end),
          options,
        ) as unknown as InflateResult;
      } catch (error) {
        return isTooLarge(error) && most < limit ? null : failureOf(error);
      }
      outputs.push(result.buffer);
      total += result.buffer.length;
      at += result.engine.bytesWritten;
      if (total > most) return most < limit ? null : CLOSE_MESSAGE_TOO_BIG;
      if (at === end || at === payload.length) return this.finish(outputs);
    }
    return CLOSE_INVALID_PAYLOAD;
  }

  /** The same in the thread pool; the window is not touched until `done`. */
  inflateLater(
    payload: Uint8Array,
    limit: number,
    done: (result: Buffer | InflateFailure) => void,
  ): void {
    const input = Buffer.allocUnsafe(payload.length + INFLATE_TAIL.length);
    const end = withTail(payload, input);
    zlibPool.enter(() => {
      this.inflateFrom(input, 0, end, payload.length, limit, [], (result) => {
        zlibPool.leave();
        done(result);
      });
    });
  }

  private inflateFrom(
    input: Buffer,
    at: number,
    end: number,
    payloadEnd: number,
    limit: number,
    outputs: Buffer[],
    done: (result: Buffer | InflateFailure) => void,
  ): void {
    const total = outputs.reduce((sum, each) => sum + each.length, 0);
    const options = this.options(payloadEnd, limit - total, outputs);
    nodeZlib().inflateRaw(input.subarray(at, end), options, (error, value) => {
      if (error !== null) {
        done(failureOf(error));
        return;
      }
      const { buffer, engine } = value as unknown as InflateResult;
      outputs.push(buffer);
      const next = at + engine.bytesWritten;
      if (total + buffer.length > limit) done(CLOSE_MESSAGE_TOO_BIG);
      else if (next === end || next === payloadEnd) done(this.finish(outputs));
      else if (outputs.length === MAX_FINAL_BLOCKS) done(CLOSE_INVALID_PAYLOAD);
      else this.inflateFrom(input, next, end, payloadEnd, limit, outputs, done);
    });
  }

  private options(inputBytes: number, limit: number, outputs: readonly Buffer[]): ZlibOptions {
    const options: ZlibOptions = {
      windowBits: this.windowBits,
      // Room for the usual ratio in one go; zlib asks for more by itself.
      chunkSize: Math.min(Math.max(inputBytes * 8, 1_024), 65_536),
      info: true,
    };
    if (limit < Number.MAX_SAFE_INTEGER) {
      // zlib takes no bound of 0; the total is looked at afterwards.
      options.maxOutputLength = Math.max(limit, 1);
    }
    const dictionary = this.dictionary(outputs);
    if (dictionary !== undefined) options.dictionary = dictionary;
    return options;
  }

  private dictionary(outputs: readonly Buffer[]): Buffer | undefined {
    const before = this.history?.view();
    if (outputs.length === 0) return before;
    const joined = Buffer.concat(before === undefined ? outputs : [before, ...outputs]);
    return joined.subarray(Math.max(0, joined.length - (1 << this.windowBits)));
  }

  private finish(outputs: readonly Buffer[]): Buffer {
    const whole = outputs.length === 1 ? (outputs[0] as Buffer) : Buffer.concat(outputs);
    this.history?.append(whole);
    return whole;
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
}

/** zlib's verdict as a close code. */
export function failureOf(error: unknown): InflateFailure {
  if (isTooLarge(error)) return CLOSE_MESSAGE_TOO_BIG;
  const { code } = error as NodeJS.ErrnoException;
  return code === "Z_DATA_ERROR" || code === "Z_BUF_ERROR" || code === "Z_NEED_DICT"
    ? CLOSE_INVALID_PAYLOAD
    : CLOSE_INTERNAL_ERROR;
}
