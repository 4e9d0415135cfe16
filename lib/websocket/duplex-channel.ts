// A byte channel over a Node stream: what node:https and others give for an upgrade, where there is
// no descriptor that the reactor could have. Not here: descriptors (adopt.ts).

import type { Duplex } from "node:stream";
import { COPY_THRESHOLD_BYTES } from "../core/limits.ts";
import { HawserError, isCodedError } from "../errors/index.ts";
import type { ByteChannel, StreamSink } from "../net/byte-channel.ts";
import { isSlab } from "../socket/reactor.ts";

export class DuplexChannel implements ByteChannel {
  readonly slot = -1;
  readonly generation = 0;
  iteration = 0;
  iterationBytes = 0;
  /** Behind `onFailed`, where the number does not tell everything. */
  failure: HawserError | null = null;
  readonly #stream: Duplex;
  #sink: StreamSink | null = null;
  #written = 0;
  #isClosed = false;
  #isCorked = false;
  #wantsTell = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("data", (chunk: Buffer) => {
      if (!this.#isClosed) this.#sink?.onReceived(chunk, 0, chunk.length, false);
    });
    stream.on("end", () => {
      if (!this.#isClosed) this.#sink?.onEnded();
    });
    stream.on("error", (error) => this.#failed(error));
    stream.on("close", () => this.#over());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get bufferedBytes(): number {
    return this.#stream.writableLength;
  }

  get writtenBytes(): number {
    return this.#written;
  }

  get takenBytes(): number {
    return this.#written - this.#stream.writableLength;
  }

  get isBlocked(): boolean {
    return this.#stream.writableNeedDrain;
  }

  setSink(sink: StreamSink): void {
    this.#sink = sink;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const copies = bytes.length <= COPY_THRESHOLD_BYTES || isSlab(bytes);
    this.#put(copies ? Buffer.from(bytes) : bytes);
  }

  writeText(text: string): void {
    if (text !== "") this.#put(Buffer.from(text));
  }

  #put(bytes: Uint8Array): void {
    const stream = this.#stream;
    if (this.#isClosed || stream.destroyed) return;
    // What is written in one turn goes down in one piece.
    if (!this.#isCorked) {
      this.#isCorked = true;
      stream.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        stream.uncork();
      });
    }
    this.#written += bytes.length;
    stream.write(bytes, (error) => {
      if (!error) this.#flushed();
    });
  }

  #flushed(): void {
    if (this.#wantsTell && this.#stream.writableLength === 0) this.#wantsTell = false;
    this.#sink?.onFlushed();
  }

  tell(): void {
    if (this.#stream.writableLength > 0 || this.#wantsTell) return;
    this.#wantsTell = true;
    queueMicrotask(() => this.#flushed());
  }

  shutdown(): void {
    this.#stream.end();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#stream.destroyed) queueMicrotask(() => this.#sink?.onClosed());
    else if (this.#stream.writableFinished) this.#stream.destroy();
    else this.#stream.end(() => this.#stream.destroy());
  }

  abort(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#stream.destroyed) queueMicrotask(() => this.#sink?.onClosed());
    else this.#stream.destroy();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  setReferenced(referenced: boolean): void {
    const stream = this.#stream as Duplex & { ref?(): void; unref?(): void };
    if (referenced) stream.ref?.();
    else stream.unref?.();
  }

  #failed(error: Error): void {
    const code = isCodedError(error) ? error.code : "ECONNRESET";
    this.failure ??= new HawserError(error.message, { code, phase: "open", cause: error });
  }

  #over(): void {
    if (this.#isClosed) {
      this.#sink?.onClosed();
      return;
    }
    this.failure ??= new HawserError("The stream beneath was destroyed", {
      code: "ECONNRESET",
      phase: "open",
    });
    this.#sink?.onFailed(-1);
  }
}
