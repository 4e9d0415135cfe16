// A carrier that turned out to speak plain HTTP, as a stream for node:http: where no descriptor can
// be handed over, since TLS lies between. Not here: the request that was read (server-upgrade.ts),
// HTTP itself, which is Node's.

import type { Duplex } from "node:stream";
import { nodeStream } from "../core/builtins.ts";
import type { Carrier, CarrierUser } from "./carrier.ts";

type Done = (error?: Error | null) => void;

/**
 * @param concluded called when the listener closes, while an answer may still be under way
 * @returns the stream; it reads nothing ahead, and its writes settle as `send()` does
 */
export function makeHttpStream(carrier: Carrier, concluded: () => void): Duplex {
  const stream: Duplex = new (nodeStream().Duplex)({
    // A client may send its request and its end together, and still waits for the answer.
    allowHalfOpen: true,
    read: () => carrier.hold(false),
    write(chunk: Buffer, _encoding: BufferEncoding, done: Done) {
      carrier.send(chunk).then(() => done(), done);
    },
    writev(chunks: { chunk: Buffer }[], done: Done) {
      // All of one turn leave in one system call.
      Promise.all(chunks.map(({ chunk }) => carrier.send(chunk))).then(() => done(), done);
    },
    final(done: Done) {
      carrier.shutdown().then(() => done(), done);
    },
    destroy(error: Error | null, done: (error: Error | null) => void) {
      // Where bytes are lost, the peer must not take what it got for everything.
      if (error !== null || stream.writableLength > 0) carrier.abort();
      else carrier.finish();
      user.setTimeout(0);
      done(error);
    },
  });
  const user = new HttpUser(carrier, stream, concluded);
  describe(stream, carrier);
  Object.assign(stream, {
    setTimeout(ms: number) {
      user.setTimeout(ms);
      return stream;
    },
    // As on net.Socket: after the last answer nobody waits for the client's end but the carrier.
    destroySoon() {
      if (stream.writableFinished) stream.destroy();
      else stream.end(() => stream.destroy());
    },
  });
  carrier.user = user;
  return stream;
}

// What programs look for on the socket of a request.
function describe(stream: Duplex, carrier: Carrier): void {
  const { remoteAddress, remoteFamily, remotePort, localAddress, localPort, transport } = carrier;
  const place = { remoteAddress, remoteFamily, remotePort, localAddress, localPort };
  Object.assign(stream, place, transport === "tls" ? { encrypted: true } : {});
}

class HttpUser implements CarrierUser {
  readonly #carrier: Carrier;
  readonly #stream: Duplex;
  readonly #concluded: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(carrier: Carrier, stream: Duplex, concluded: () => void) {
    this.#carrier = carrier;
    this.#stream = stream;
    this.#concluded = concluded;
  }

  /** As on net.Socket: `timeout` after so long without a byte, for Node's keep-alive. */
  setTimeout(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = ms > 0 ? setTimeout(() => this.#stream.emit("timeout"), ms).unref() : undefined;
  }

  opened(): void {}
  flushed(): void {}
  drained(): void {}

  received(chunk: Buffer, start: number, end: number): void {
    this.#timer?.refresh();
    // What is lent must be owned here.
    if (!this.#stream.push(Buffer.from(chunk.subarray(start, end)))) this.#carrier.hold(true);
  }

  ended(): void {
    this.#stream.push(null);
  }

  concluded(): void {
    this.#concluded();
  }

  over(): void {
    this.#stream.destroy();
  }
}
