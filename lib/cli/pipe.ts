// Between a connection and a pair of Node streams (standard input and output), with back-pressure
// both ways and half close: the end of one becomes the end of the other.

import { once } from "node:events";
import type { ReadStream } from "node:tty";
import type { Connection } from "../net/connection.ts";

/** What is sent: for one connection, or for several one after the other. */
export class Input {
  readonly #stream: NodeJS.ReadableStream;
  readonly #chunks: AsyncIterator<Buffer>;
  #next: Promise<IteratorResult<Buffer>> | null = null;

  constructor(stream: NodeJS.ReadableStream) {
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Whether it is a person who types. */
  get isTyped(): boolean {
    return (this.#stream as Partial<ReadStream>).isTTY === true;
  }

  /** The next chunk: the same one until it is taken. */
  peek(): Promise<IteratorResult<Buffer>> {
    this.#next ??= this.#chunks.next();
    return this.#next;
  }

  take(): void {
    this.#next = null;
  }

  /** Reads no more, so that the process can end. */
  close(): void {
    this.#next?.catch(() => {});
    (this.#stream as Partial<ReadStream>).destroy?.();
  }
}

/** Copies until both directions have ended. Rejects with the connection's failure. */
export async function pipeBoth(
  connection: Connection,
  input: Input,
  output: NodeJS.WritableStream,
): Promise<void> {
  const received = receiveAll(connection, output);
  // The peer has finished. What a file or a pipe still holds is sent to it, since it may go on
  // reading; a person who types is not waited for.
  const over = input.isTyped ? received.catch(() => {}) : connection.closed;
  await Promise.all([received, sendAll(connection, input, over)]);
}

async function sendAll(
  connection: Connection,
  input: Input,
  over: Promise<unknown>,
): Promise<void> {
  let isOver = false;
  let wake = () => {};
  void over.then(() => {
    isOver = true;
    wake();
  });
  while (!isOver) {
    const next = await new Promise<IteratorResult<Buffer> | null>((resolve, reject) => {
      wake = () => resolve(null);
      input.peek().then(resolve, reject);
    });
    if (next === null) return;
    if (next.done === true) break;
    input.take();
    try {
      await connection.send(next.value);
    } catch (error) {
      // The other direction tells what the connection has failed with.
      if (connection.state !== "ready") return;
      throw error;
    }
  }
  await connection.shutdown().catch(() => {});
}

/** Writes all that arrives. A reader that has gone (EPIPE) ends it quietly, as it does for cat. */
export async function receiveAll(
  connection: Connection,
  output: NodeJS.WritableStream,
): Promise<void> {
  for await (const chunk of connection) {
    if (!output.write(chunk)) await once(output, "drain");
  }
}
