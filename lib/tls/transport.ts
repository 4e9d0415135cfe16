// A Node stream over a byte channel, for node:tls to read and write records on.
// Not here: TLS (tls-channel.ts), the stream that applications get (lib/adapters).

import type { Duplex } from "node:stream";
import { nodeStream } from "../core/builtins.ts";
import type { ByteChannel } from "../net/byte-channel.ts";

type Done = (error?: Error | null) => void;

/** The stream that node:tls gets. */
export type Transport = Duplex;

/**
 * Writes are done when the channel has them: back-pressure is the connection's, which counts what
 * the channel holds.
 *
 * @param ended called when everything, close_notify included, was written
 */
export function makeTransport(channel: ByteChannel, ended: () => void): Transport {
  return new (nodeStream().Duplex)({
    allowHalfOpen: true,
    read() {},
    write(record: Buffer, _encoding: BufferEncoding, done: Done) {
      channel.write(record);
      done();
    },
    writev(records: { chunk: Buffer }[], done: Done) {
      for (const { chunk } of records) channel.write(chunk);
      done();
    },
    final(done: Done) {
      ended();
      done();
    },
  });
}
