// A byte channel over a Node stream, so that the contract can be checked of a ConnectionDuplex by a
// connection on top of it. Not here: the stream (lib/adapters/duplex.ts).

import type { ConnectionDuplex } from "../../lib/adapters/duplex.ts";
import type { ByteChannel, StreamSink } from "../../lib/net/byte-channel.ts";

const ECONNRESET = process.platform === "darwin" ? -54 : -104;

export class DuplexChannel implements ByteChannel {
  readonly slot = -1;
  readonly generation = 0;
  iteration = 0;
  iterationBytes = 0;
  writtenBytes = 0;
  readonly #stream: ConnectionDuplex;
  #sink: StreamSink | null = null;
  #isClosing = false;

  constructor(stream: ConnectionDuplex) {
    this.#stream = stream;
  }

  get isClosed(): boolean {
    return this.#stream.destroyed;
  }

  get bufferedBytes(): number {
    return this.#stream.destroyed ? 0 : this.#stream.writableLength;
  }

  get takenBytes(): number {
    return this.writtenBytes - this.bufferedBytes;
  }

  get isBlocked(): boolean {
    return this.#stream.writableNeedDrain;
  }

  setSink(sink: StreamSink): void {
    this.#sink = sink;
    this.#stream.on("data", (bytes: Buffer) => sink.onReceived(bytes, 0, bytes.length, false));
    this.#stream.on("end", () => sink.onEnded());
    this.#stream.on("error", (error: { errno?: number }) => {
      if (!this.#isClosing) sink.onFailed(error.errno ?? ECONNRESET);
    });
    this.#stream.on("close", () => sink.onClosed());
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.writtenBytes += bytes.length;
    this.#stream.write(bytes.length > 4_096 ? bytes : Buffer.from(bytes), (error) => {
      if (!error) queueMicrotask(() => this.#sink?.onFlushed());
    });
  }

  writeText(text: string): void {
    this.write(Buffer.from(text));
  }

  tell(): void {
    if (this.bufferedBytes === 0) queueMicrotask(() => this.#sink?.onFlushed());
  }

  shutdown(): void {
    this.#stream.end();
  }

  close(): void {
    this.#isClosing = true;
    this.#stream.destroySoon();
  }

  abort(): void {
    this.#isClosing = true;
    this.#stream.resetAndDestroy();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  setReferenced(referenced: boolean): void {
    if (referenced) this.#stream.ref();
    else this.#stream.unref();
  }
}
