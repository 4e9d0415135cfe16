// The contract of a byte stream that sockets and connections share: what can be written, and how
// one waits for either direction. Not here: queues and promises (receiver.ts, send-waiters.ts).

import { invalidArgType } from "../errors/index.ts";

/**
 * What can be written. A string is sent as UTF-8. Up to 4 KiB is copied at the call; more is kept
 * by reference, and must not be changed before its `send` has resolved (or, after `write`, before
 * `drain`). A buffer that is detached or shrunk before then fails the connection.
 */
export type SendData = string | ArrayBuffer | ArrayBufferView;

export interface SendOptions {
  /**
   * Stops the waiting: the promise rejects with `signal.reason`. Bytes that were handed over stay
   * in the stream, since a byte stream cannot lose some of its middle.
   */
  readonly signal?: AbortSignal | undefined;
}

export interface ReceiveOptions {
  /**
   * Resolve with at least this many bytes, or with what came before the end. Default 1. Above
   * `receiveHighWaterMark` it raises that mark for this call, up to 16 MiB (16,777,216); more is a
   * RangeError.
   */
  readonly min?: number | undefined;
  /** Resolve with at most this many bytes. Default: all that is there. At least `min`. */
  readonly max?: number | undefined;
  /** Stops the waiting: the promise rejects with `signal.reason`, and no byte is lost. */
  readonly signal?: AbortSignal | undefined;
}

/** What can be written, as bytes. A view of the caller's memory, but for strings. */
export function bytesOf(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (typeof data === "string") return Buffer.from(data);
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw invalidArgType("data", "a string, an ArrayBuffer or a view of one", data);
}
