// Between a connection and a pair of Node streams (standard input and output, a child's), with
// back-pressure both ways and half close: the end of one becomes the end of the other.

import { once } from "node:events";
import type { ReadStream } from "node:tty";
import type { Connection } from "../net/connection.ts";

/** Copies until both directions have ended. Rejects with the connection's failure. */
export async function pipeBoth(
  connection: Connection,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<void> {
  const sent = sendAll(connection, input);
  try {
    await receiveAll(connection, output);
  } finally {
    // The peer has finished. What a file or a pipe still holds is sent to it, since it may go on
    // reading; a person who types is not waited for.
    const { isTTY, destroy } = input as Partial<ReadStream>;
    if (isTTY === true || connection.state === "failed") destroy?.call(input);
  }
  await sent;
}

async function sendAll(connection: Connection, input: NodeJS.ReadableStream): Promise<void> {
  try {
    for await (const chunk of input) await connection.send(chunk as Buffer);
    await connection.shutdown();
  } catch (error) {
    // Destroyed by us, or the connection has failed, which the other direction tells.
    if (connection.state === "failed") return;
    if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  }
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
