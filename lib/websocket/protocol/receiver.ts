// Between the frames and the application where a message is not simply whole: inflation, parts, and
// the wish to hold the parser while the thread pool works. No frames, no states of closing.

import { ownedCopy } from "../../core/owned-bytes.ts";
import {
  CLOSE_INTERNAL_ERROR,
  CLOSE_INVALID_PAYLOAD,
  CLOSE_MESSAGE_TOO_BIG,
} from "./close-codes.ts";
import { type InflateFailure, Inflater } from "./deflate.ts";
import type { DeflateParameters } from "./deflate-negotiation.ts";
import { InflateStream } from "./inflate-stream.ts";
import {
  type Limits,
  MAX_TEXT_BYTES,
  SYNC_INFLATE_CALL_BYTES,
  SYNC_INFLATE_TURN_BYTES,
} from "./limits.ts";
import { PartDecoder } from "./part-decoder.ts";
import { decodeUtf8 } from "./utf8.ts";

export interface ReceiverSink {
  onMessage(message: string | Buffer): void;
  onMessagePart(data: string | Buffer, first: boolean, last: boolean): void;
  /** True: give nothing more until false. */
  onInflating(inflating: boolean): void;
  onViolation(code: number, message: string): void;
}

export interface ReceiverSettings {
  readonly role: "server" | "client";
  readonly limits: Limits;
  /** Binary parts may be views of what was received. */
  readonly lend: boolean;
}

/** A result may keep this many unused bytes behind it in memory before it is copied. */
const SPARE_BYTES = 8_192;
const EMPTY = Buffer.alloc(0);

export class MessageReceiver {
  private readonly limit: number;
  private readonly textLimit: number;
  private readonly lend: boolean;
  private readonly sink: ReceiverSink;
  private readonly inflater: Inflater | null;
  private stream: InflateStream | null = null;
  private decoder: PartDecoder | null = null;
  private firstGiven = false;
  /** What this turn's inflation has cost so far. */
  private turnCost = 0;
  private stopped = false;
  private paused = false;
  /** What is left to do when reading goes on. */
  private parked: (() => void) | null = null;

  constructor(settings: ReceiverSettings, deflate: DeflateParameters | null, sink: ReceiverSink) {
    this.limit = settings.limits.maxMessageBytes;
    this.textLimit = Math.min(this.limit, MAX_TEXT_BYTES);
    this.lend = settings.lend;
    this.sink = sink;
    // We inflate what the other side compressed.
    const fromClient = settings.role === "server";
    this.inflater =
      deflate === null
        ? null
        : new Inflater(
            fromClient ? deflate.clientMaxWindowBits : deflate.serverMaxWindowBits,
            !(fromClient ? deflate.clientNoContextTakeover : deflate.serverNoContextTakeover),
          );
  }

  /** Another chunk is about to be parsed. */
  beginTurn(): void {
    this.turnCost = 0;
  }

  /** A whole compressed message; `lent` bytes are valid for this call. */
  inflate(payload: Buffer, isText: boolean, lent: boolean): void {
    const { inflater } = this;
    if (inflater === null) return;
    const spent = this.turnCost >= SYNC_INFLATE_TURN_BYTES;
    const limit = isText ? this.textLimit : this.limit;
    const result = spent ? null : inflater.inflate(payload, limit);
    if (result !== null) {
      const bytes = typeof result === "number" ? 0 : result.length;
      this.turnCost += bytes + SYNC_INFLATE_CALL_BYTES;
      this.deliver(result, isText);
      return;
    }
    this.sink.onInflating(true);
    inflater.inflateLater(lent ? Buffer.from(payload) : payload, limit, (later) => {
      this.whenGoing(() => {
        this.deliver(later, isText);
        this.goOn();
      });
    });
  }

  /** A part of a message; `bytes` is lent. */
  part(bytes: Buffer, isText: boolean, compressed: boolean, first: boolean, last: boolean): void {
    if (first) {
      this.decoder = new PartDecoder(isText, compressed);
      this.firstGiven = false;
    }
    if (compressed) this.inflatePart(bytes, last);
    else if (isText || this.lend) this.give(bytes, last);
    else this.give(ownedCopy(bytes, 0, bytes.length), last);
  }

  /** Nothing is delivered until resume(). */
  pause(): void {
    this.paused = true;
    this.stream?.pause();
  }

  resume(): void {
    this.paused = false;
    const { parked } = this;
    this.parked = null;
    parked?.();
    if (!this.paused) this.stream?.resume();
  }

  /** Nothing is delivered any more. */
  stop(): void {
    this.stopped = true;
    this.parked = null;
    this.stream?.destroy();
    this.stream = null;
  }

  private deliver(result: Buffer | InflateFailure, isText: boolean): void {
    if (typeof result === "number") {
      this.sink.onViolation(result, failureMessage(result));
      return;
    }
    if (!isText) {
      const wasteful = result.buffer.byteLength - result.length > result.length + SPARE_BYTES;
      this.sink.onMessage(wasteful ? ownedCopy(result, 0, result.length) : result);
      return;
    }
    const text = decodeUtf8(result, 0, result.length);
    if (text === null) this.sink.onViolation(CLOSE_INVALID_PAYLOAD, "text is not UTF-8");
    else this.sink.onMessage(text);
  }

  private inflatePart(bytes: Buffer, last: boolean): void {
    if (this.inflater === null) return;
    if (this.stream === null) {
      this.stream = new InflateStream(this.inflater, this.limit, {
        onInflated: (piece) => this.give(piece, false),
        onInflateFailure: (code) => this.sink.onViolation(code, failureMessage(code)),
      });
    }
    const { stream } = this;
    this.sink.onInflating(true);
    const goOn = () => this.whenGoing(() => this.goOn());
    const finish = () =>
      stream.finish(() => {
        this.stream = null;
        this.whenGoing(() => {
          this.give(EMPTY, true);
          this.goOn();
        });
      });
    stream.write(Buffer.from(bytes), last ? finish : goOn);
  }

  private give(bytes: Buffer, last: boolean): void {
    const data = this.decoder?.decode(bytes, last) ?? null;
    if (data === null) {
      this.sink.onViolation(CLOSE_INVALID_PAYLOAD, "text is not UTF-8");
      return;
    }
    if (data.length === 0 && !last) return;
    const first = !this.firstGiven;
    this.firstGiven = true;
    if (last) this.decoder = null;
    this.sink.onMessagePart(data, first, last);
  }

  private goOn(): void {
    if (!this.stopped) this.sink.onInflating(false);
  }

  /** Now, or when the application reads again. */
  private whenGoing(action: () => void): void {
    if (this.stopped) return;
    if (this.paused) this.parked = action;
    else action();
  }
}

function failureMessage(code: InflateFailure): string {
  if (code === CLOSE_MESSAGE_TOO_BIG) return "message is too large when inflated";
  return code === CLOSE_INTERNAL_ERROR ? "inflation failed" : "compressed message is malformed";
}
