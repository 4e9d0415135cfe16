// Every bound of the WebSocket protocol core, named once. Nothing else may live here: no logic
// beyond the resolution of what the caller left out. A bound that a peer can reach ends in a
// close code or an HTTP status, never in an exception.

import { constants } from "node:buffer";
import { rejectUnknownKeys, requireInteger, requireObject } from "../../errors/arguments.ts";

/** Bytes of an HTTP head (start line and fields, RFC 9112 section 2.1), either side. */
export const MAX_HEADER_BYTES = 16_384;
/** Field lines of an HTTP head, either side. */
export const MAX_HEADER_COUNT = 128;
/** Bytes kept of the body of a refused upgrade; the rest is not read. */
export const MAX_REFUSAL_BODY_BYTES = 65_536;
/** Bytes of one line of a chunked body's framing: size, extensions, trailer field. */
export const MAX_CHUNK_LINE_BYTES = 1_024;
/** Trailer fields after a chunked body; they are read and dropped. */
export const MAX_TRAILER_COUNT = 32;
/** Informational (1xx) responses before the one that answers the upgrade. */
export const MAX_INTERIM_RESPONSES = 8;
/** Milliseconds from the first moment of an opening handshake to its end. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Offers of extensions in one head; later ones are a malformed request. */
export const MAX_EXTENSION_OFFERS = 32;
/** Parameters of one extension offer. */
export const MAX_EXTENSION_PARAMETERS = 16;

/** Payload bytes of one message, after inflation. Larger is 1009 (RFC 6455 section 7.4.1). */
export const MAX_MESSAGE_BYTES = 16_777_216;
/** Bytes of one part of a message that is received in parts; longer ones are cut. */
export const MAX_PART_BYTES = 65_536;
/**
 * Bytes of a text message that is given as one string, whatever the bound of messages is: no
 * engine's string is longer. Larger is 1009.
 */
export const MAX_TEXT_BYTES: number = constants.MAX_STRING_LENGTH;
/** Frames of one message. More is 1008. */
export const MAX_FRAGMENTS = 16_384;
/** Pings, pongs and closes of a peer in one second. More is 1008. */
export const MAX_CONTROL_FRAMES_PER_SECOND = 1_000;
/** Payload bytes of a control frame (RFC 6455 section 5.5). */
export const MAX_CONTROL_PAYLOAD_BYTES = 125;
/** Bytes of a close reason: a control payload without the code. */
export const MAX_CLOSE_REASON_BYTES = MAX_CONTROL_PAYLOAD_BYTES - 2;
/** Bytes of the longest frame header (RFC 6455 section 5.2): 2 + 8 + 4. */
export const MAX_FRAME_HEADER_BYTES = 14;
/** Unsent bytes above which only the newest ping will be answered (RFC 6455 section 5.5.3). */
export const MAX_UNSENT_BEFORE_PONG_BYTES = 65_536;
/** Unsent bytes above which another send fails the connection. */
export const MAX_QUEUED_BYTES = 67_108_864;
/** Milliseconds from our first Close (or failure) to the end of the transport. */
export const CLOSE_TIMEOUT_MS = 30_000;
/** Milliseconds to wait for a sign of life after a heartbeat's ping, where none is given. */
export const HEARTBEAT_TIMEOUT_MS = 10_000;

/** Payloads up to this many bytes are copied into the output's area, larger go by reference. */
export const INLINE_PAYLOAD_BYTES = 4_096;
/** Payloads from this many bytes on are masked by the injected function. */
export const LONG_MASK_BYTES = 256;
/** First allocation for a message that arrives in pieces; then it doubles as bytes arrive. */
export const FIRST_ASSEMBLY_BYTES = 4_096;

/** Payloads below this many bytes are not compressed. */
export const DEFLATE_THRESHOLD_BYTES = 1_024;
/** Input that is compressed in the caller's turn; more goes to the thread pool. */
export const SYNC_DEFLATE_BYTES = 16_384;
/** Compressed input that is inflated in the caller's turn; more goes to the thread pool. */
export const SYNC_INFLATE_BYTES = 16_384;
/** Inflated output that is made in the caller's turn; more goes to the thread pool. */
export const SYNC_INFLATED_BYTES = 131_072;
/**
 * What the messages of one chunk may cost in the turn they came in, in inflated bytes; the next
 * compressed message then goes to the thread pool, so that other connections get their turn.
 */
export const SYNC_INFLATE_TURN_BYTES = 524_288;
/** What a call of zlib costs beside its bytes, in the same measure. */
export const SYNC_INFLATE_CALL_BYTES = 4_096;
/** Calls of zlib in the thread pool at once; the rest wait for their turn. */
export const MAX_POOLED_ZLIB_CALLS = 8;
/** Payloads up to this many bytes are compressed when they are prepared for many; more go plain. */
export const MAX_PREPARED_DEFLATE_BYTES = 262_144;
/** Bytes of earlier messages that our compressor refers to; at most the negotiated window. */
export const DEFLATE_HISTORY_BYTES = 4_096;
/** Blocks with BFINAL inside one message (RFC 7692 section 7.2.3.4). More is 1007. */
export const MAX_FINAL_BLOCKS = 16;

/** The bounds of one listener's or one client's connections. Every default is finite. */
export interface Limits {
  /** Payload bytes of one message, inflated. Default 16,777,216. Infinity only by choice. */
  readonly maxMessageBytes: number;
  /** Frames of one message. Default 16,384. */
  readonly maxFragments: number;
  /** Control frames of a peer in a second. Default 1,000. */
  readonly maxControlFramesPerSecond: number;
  /** Unsent bytes above which a further send fails the connection. Default 67,108,864. */
  readonly maxQueuedBytes: number;
}

export const DEFAULT_LIMITS: Limits = Object.freeze({
  maxMessageBytes: MAX_MESSAGE_BYTES,
  maxFragments: MAX_FRAGMENTS,
  maxControlFramesPerSecond: MAX_CONTROL_FRAMES_PER_SECOND,
  maxQueuedBytes: MAX_QUEUED_BYTES,
});

const LIMIT_NAMES = new Set(Object.keys(DEFAULT_LIMITS));

/**
 * Fills in the defaults. Throws TypeError or RangeError for an unknown bound, and for one that is
 * no positive integer or Infinity.
 */
export function resolveLimits(limits: Partial<Limits> = {}): Limits {
  rejectUnknownKeys(requireObject(limits, "limits"), LIMIT_NAMES, "limits");
  const resolved = { ...DEFAULT_LIMITS, ...dropUndefined(limits) };
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    const bound = resolved[name];
    if (bound === Number.POSITIVE_INFINITY) continue;
    requireInteger(bound, name, 1, Number.MAX_SAFE_INTEGER);
  }
  return Object.freeze(resolved);
}

function dropUndefined<T extends object>(value: T): Partial<T> {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}

/** What does not compress grows a little: at most so much is taken above a message's bound. */
export function compressedBound(maxMessageBytes: number): number {
  return maxMessageBytes + maxMessageBytes / 1_024 + 1_024;
}
