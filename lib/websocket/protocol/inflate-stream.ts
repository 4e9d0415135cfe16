// Inflation of one message that is given to the application in parts (RFC 7692 section 7.2.2):
// node:zlib's public stream, alive for that message only, in the thread pool. One write at a time;
// what comes out is counted against the message's bound and held back while the reader is paused.

import type { InflateRaw } from "node:zlib";
import { nodeZlib } from "../../core/builtins.ts";
import { CLOSE_INVALID_PAYLOAD, CLOSE_MESSAGE_TOO_BIG } from "./close-codes.ts";
import { failureOf, INFLATE_TAIL, type InflateFailure, type Inflater } from "./deflate.ts";
import { MAX_FINAL_BLOCKS } from "./limits.ts";

/** Bytes of one piece of output. */
const CHUNK_BYTES = 16_384;

export interface InflateStreamSink {
  /** Owned bytes, in order. */
  onInflated(bytes: Buffer): void;
  /** Once, and nothing after it. */
  onInflateFailure(code: InflateFailure): void;
}

export class InflateStream {
  private readonly inflater: Inflater;
  private readonly limit: number;
  private readonly sink: InflateStreamSink;
  private engine: InflateRaw;
  private written = 0;
  private total = 0;
  private finalBlocks = 0;
  private paused = false;
  private over = false;

  constructor(inflater: Inflater, limit: number, sink: InflateStreamSink) {
    this.inflater = inflater;
    this.limit = limit;
    this.sink = sink;
    this.engine = this.createEngine();
  }

  /** Takes owned bytes; `done` when they are consumed. Not before the last `done`. */
  write(bytes: Uint8Array, done: () => void): void {
    const { engine } = this;
    this.written += bytes.length;
    engine.write(bytes, () => {
      if (this.over) return;
      const left = this.written - engine.bytesWritten;
      if (left === 0) done();
      else this.afterFinalBlock(bytes.subarray(bytes.length - left), done);
    });
  }

  /** The message is complete; `done` when all of it has been given to the sink. */
  finish(done: () => void): void {
    this.write(INFLATE_TAIL, () => {
      this.engine.once("end", () => {
        if (!this.over) done();
        this.over = true;
      });
      this.engine.end();
    });
  }

  pause(): void {
    this.paused = true;
    this.engine.pause();
  }

  resume(): void {
    this.paused = false;
    this.engine.resume();
  }

  /** Nothing is called any more. */
  destroy(): void {
    this.over = true;
    this.engine.destroy();
  }

  /** A block with BFINAL ends zlib's stream, not the message (section 7.2.3.4). */
  private afterFinalBlock(rest: Uint8Array, done: () => void): void {
    if (++this.finalBlocks > MAX_FINAL_BLOCKS) {
      this.fail(CLOSE_INVALID_PAYLOAD);
      return;
    }
    const goOn = () => {
      if (this.over) return;
      this.written = 0;
      this.engine = this.createEngine();
      this.write(rest, done);
    };
    // Everything before must have come out first: it is the next engine's window.
    if (this.engine.readableEnded) goOn();
    else this.engine.once("end", goOn);
  }

  private createEngine(): InflateRaw {
    const { history, windowBits } = this.inflater;
    const view = history?.view();
    const engine = nodeZlib().createInflateRaw({
      windowBits,
      chunkSize: CHUNK_BYTES,
      ...(view === undefined ? {} : { dictionary: Buffer.from(view) }),
    });
    engine.on("data", (bytes: Buffer) => this.take(bytes));
    engine.on("error", (error) => this.fail(failureOf(error)));
    if (this.paused) engine.pause();
    return engine;
  }

  private take(bytes: Buffer): void {
    if (this.over) return;
    this.total += bytes.length;
    if (this.total > this.limit) {
      this.fail(CLOSE_MESSAGE_TOO_BIG);
      return;
    }
    this.inflater.history?.append(bytes);
    this.sink.onInflated(bytes);
  }

  private fail(code: InflateFailure): void {
    if (this.over) return;
    this.destroy();
    this.sink.onInflateFailure(code);
  }
}
