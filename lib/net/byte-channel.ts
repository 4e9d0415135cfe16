// What a connection needs from beneath: a channel of bytes both ways, and what it is told by it.
// The stream channel of lib/socket is one; another engine (TLS, memory) brings its own. Types only.

import type { HawserError } from "../errors/index.ts";
import type { StreamSink } from "../socket/stream-sink.ts";
import type { TlsInfo } from "./tls-engine.ts";

export type { StreamSink };

export interface ByteChannel {
  /** The slot of the reactor that carries it; -1 where there is none. */
  readonly slot: number;
  readonly generation: number;
  /** Closed, or it will be without another byte being sent. */
  readonly isClosed: boolean;
  /** Bytes that were written and not taken yet. */
  readonly bufferedBytes: number;
  /** Bytes that were written in all. */
  readonly writtenBytes: number;
  /** Bytes of them that were taken; the rest waits, or was dropped. */
  readonly takenBytes: number;
  /**
   * Bytes that the kernel has taken, where those are others than the written ones (TLS): records
   * and handshake. Never fewer than `takenBytes`.
   */
  readonly carriedBytes?: number;
  /** What is written now waits: the other side does not take it. */
  readonly isBlocked: boolean;
  /** What was negotiated; absent where this is not TLS, null before the handshake is over. */
  readonly tls?: TlsInfo | null;
  /** Behind `onFailed`, where the number does not tell everything. */
  readonly failure?: HawserError | null;
  /** See LoopAccount in lib/socket/reactor.ts. */
  iteration: number;
  iterationBytes: number;
  setSink(sink: StreamSink): void;
  /** Up to 4 KiB are copied now; more is kept by reference until it is taken. */
  write(bytes: Uint8Array): void;
  writeText(text: string): void;
  /** `onFlushed` is to be called when what was written so far has left. */
  tell(): void;
  /** The end of this direction, after everything that was written. */
  shutdown(): void;
  /** Closes after everything that was written; `onClosed` follows. */
  close(): void;
  /** Closes now; what was not taken is dropped; `onClosed` follows. */
  abort(): void;
  pause(): void;
  resume(): void;
  setReferenced(referenced: boolean): void;
}
