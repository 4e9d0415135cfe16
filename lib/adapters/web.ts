// A connection as a pair of Web Streams (WHATWG Streams Standard).
// Not here: Node's streams (duplex.ts), what a connection does at its end.

import { type ReadableByteStreamController, ReadableStream, WritableStream } from "node:stream/web";
import type { SendData } from "../core/byte-stream.ts";
import { codeError } from "../errors/index.ts";
import type { Connection } from "../net/connection.ts";
import { claim } from "./claim.ts";

export interface WebStreams {
  /** A byte stream: takes BYOB readers, which save a copy. Its cancel is `abort()`. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Takes bytes and strings (as UTF-8). Its close is `shutdown()`, its abort `abort()`. */
  readonly writable: WritableStream<SendData>;
}

/**
 * Web Streams over one connection, which belongs to them from now on.
 *
 * Nothing is read ahead: the queue of the readable side is the connection's own, whose mark closes
 * the TCP window. A write settles as `send()` does. Both fail with the connection's error, and
 * the writable side with EPIPE when the connection has ended without one. Without
 * `allowHalfOpen` our end follows the peer's when that was read, as on the connection itself.
 *
 * @throws TypeError for what is no connection, with ERR_INVALID_STATE where a `data` callback or
 *   another stream takes its bytes
 */
export function toWeb<T>(connection: Connection<T>): WebStreams {
  claim(connection);
  return { readable: readableOf(connection), writable: writableOf(connection) };
}

function readableOf<T>(connection: Connection<T>): ReadableStream<Uint8Array> {
  const source = {
    type: "bytes" as const,
    async pull(controller: ReadableByteStreamController): Promise<void> {
      const wanted = controller.byobRequest?.view ?? null;
      const bytes = await connection.receive(
        wanted === null ? undefined : { max: wanted.byteLength },
      );
      // Cancelled meanwhile: there is nobody to give it to.
      if (wanted !== null && controller.byobRequest === null) return;
      if (bytes === null) finish(controller);
      else if (wanted === null) controller.enqueue(transferable(bytes));
      else fill(controller, wanted, bytes);
    },
    cancel() {
      connection.abort();
    },
  };
  // Node's types know the strategy of a byte stream, and not its source together with it.
  return new ReadableStream(source as never, { highWaterMark: 0 });
}

function finish(controller: ReadableByteStreamController): void {
  controller.close();
  // A reader that brought a buffer gets it back, empty.
  controller.byobRequest?.respond(0);
}

function fill(
  controller: ReadableByteStreamController,
  view: ArrayBufferView,
  bytes: Uint8Array,
): void {
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(bytes);
  controller.byobRequest?.respond(bytes.length);
}

// A byte stream transfers what is enqueued: a slice of a pool, or of a receive block, must be
// copied out of it first. No chunk is a whole block: a read of the kernel is shorter.
function transferable(bytes: Buffer): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

function writableOf<T>(connection: Connection<T>): WritableStream<SendData> {
  return new WritableStream<SendData>({
    start(controller) {
      // After a clean end as well, so that nobody waits for a stream whose connection is gone; to
      // one that is closed it does nothing.
      void connection.closed.then(({ error }) => {
        controller.error(error ?? codeError("EPIPE", "write"));
      });
    },
    write: (chunk) => connection.send(chunk),
    close: () => connection.shutdown(),
    abort() {
      connection.abort();
    },
  });
}
