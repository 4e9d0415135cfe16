// A Node stream over a byte channel, for node:tls to read and write records on.
// Not here: TLS (tls-channel.ts), the stream that applications get (lib/adapters).

import { Duplex } from "node:stream";
import type { ByteChannel } from "../net/byte-channel.ts";

type Done = (error?: Error | null) => void;

/**
 * Writes are done when the channel has them: back-pressure is the connection's, which counts what
 * the channel holds.
 */
export class Transport extends Duplex {
  readonly #channel: ByteChannel;
  readonly #ended: () => void;

  /** @param ended called when everything, close_notify included, was written */
  constructor(channel: ByteChannel, ended: () => void) {
    super({ allowHalfOpen: true });
    this.#channel = channel;
    this.#ended = ended;
  }

  override _read(): void {}

  override _write(record: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#channel.write(record);
    done();
  }

  override _writev(records: { chunk: Buffer }[], done: Done): void {
    for (const { chunk } of records) this.#channel.write(chunk);
    done();
  }

  override _final(done: Done): void {
    this.#ended();
    done();
  }
}
