// A byte channel without a socket: two ends that hand bytes to one another over the loop, with a
// bounded buffer between, as a kernel has one. With it a connection can be tested for itself.

import { Queue } from "../../lib/core/queue.ts";
import type { ByteChannel, StreamSink } from "../../lib/net/byte-channel.ts";
import { Connection } from "../../lib/net/connection.ts";
import { parseConnectOptions, type StreamParameters } from "../../lib/net/parameters.ts";
import { makePolicy } from "../../lib/net/policy.ts";
import type { ConnectOptions } from "../../lib/net/types.ts";

/** Bytes on their way in one direction, as much as a small socket buffer. */
const CAPACITY_BYTES = 65_536;
const ECONNRESET = process.platform === "darwin" ? -54 : -104;

type State = "open" | "ended" | "closed";

export class MemoryChannel implements ByteChannel {
  readonly slot = -1;
  readonly generation = 0;
  iteration = 0;
  iterationBytes = 0;
  writtenBytes = 0;
  takenBytes = 0;
  #peer: MemoryChannel | null = null;
  #sink: StreamSink | null = null;
  readonly #outbox = new Queue<Buffer>({ high: Number.MAX_SAFE_INTEGER });
  readonly #inbox = new Queue<Buffer>({ high: CAPACITY_BYTES });
  #isPaused = false;
  #willTell = false;
  #isScheduled = false;
  #isEndTold = false;
  /** What is to follow the outbox, and what has followed it. */
  #wanted: State = "open";
  #sent: State = "open";
  #error = 0;

  static pair(): [MemoryChannel, MemoryChannel] {
    const one = new MemoryChannel();
    const other = new MemoryChannel();
    one.#peer = other;
    other.#peer = one;
    return [one, other];
  }

  get isClosed(): boolean {
    return this.#sent === "closed";
  }

  get bufferedBytes(): number {
    return this.#outbox.bytes;
  }

  get isBlocked(): boolean {
    return this.#outbox.bytes > 0;
  }

  setSink(sink: StreamSink): void {
    this.#sink = sink;
    this.#schedule();
  }

  write(bytes: Uint8Array): void {
    this.writtenBytes += bytes.length;
    if (bytes.length > 4_096)
      this.#outbox.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    else this.#outbox.append(bytes);
    this.#schedule();
  }

  writeText(text: string): void {
    this.write(Buffer.from(text));
  }

  tell(): void {
    this.#willTell = true;
    this.#schedule();
  }

  shutdown(): void {
    if (this.#wanted === "open") this.#wanted = "ended";
    this.tell();
  }

  close(): void {
    this.#wanted = "closed";
    this.tell();
  }

  abort(): void {
    if (this.isClosed) return;
    this.#outbox.clear();
    this.#sent = "closed";
    const peer = this.#peer as MemoryChannel;
    peer.#error = ECONNRESET;
    peer.#schedule();
    setImmediate(() => this.#sink?.onClosed());
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  setReferenced(): void {}

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#sink === null || this.isClosed) return;
    this.#flush();
    if (!this.isClosed) this.#deliver(this.#sink);
  }

  #flush(): void {
    const peer = this.#peer as MemoryChannel;
    const before = this.takenBytes;
    while (this.#outbox.bytes > 0 && peer.#inbox.bytes < CAPACITY_BYTES) {
      const room = CAPACITY_BYTES - peer.#inbox.bytes;
      const bytes = this.#outbox.take(1, room) as Buffer;
      this.takenBytes += bytes.length;
      peer.#inbox.append(bytes);
      peer.#schedule();
    }
    if (this.#outbox.bytes === 0 && this.#sent !== this.#wanted) {
      this.#sent = this.#wanted;
      peer.#schedule();
      if (this.#sent === "closed") {
        this.#sink?.onClosed();
        return;
      }
    }
    if (!this.#willTell && this.takenBytes === before) return;
    this.#willTell = this.#outbox.bytes > 0;
    this.#sink?.onFlushed();
  }

  #deliver(sink: StreamSink): void {
    if (this.#isPaused && this.#error === 0) return;
    const peer = this.#peer as MemoryChannel;
    const bytes = this.#inbox.take(1, CAPACITY_BYTES);
    if (bytes !== undefined) {
      peer.#schedule();
      this.#schedule();
      sink.onReceived(bytes, 0, bytes.length, false);
    } else if (this.#error !== 0) {
      const errno = this.#error;
      this.#error = 0;
      sink.onFailed(errno);
    } else if (peer.#sent !== "open" && !this.#isEndTold) {
      this.#isEndTold = true;
      sink.onEnded();
    }
  }
}

/** A connection over a channel, ready and opened. */
export function connectionOver<T>(
  channel: ByteChannel,
  options?: ConnectOptions<T>,
): Connection<T> {
  const parameters = parseConnectOptions(options) as unknown as StreamParameters;
  const policy = makePolicy(parameters, "tcp", null);
  const connection = new Connection<T>({ policy, slot: -1, generation: 0, channel } as never);
  connection.opened();
  return connection;
}
