// Sockets that a listener has accepted and that shake hands: no connections yet.
// Not here: the handshake itself (tls-engine.ts).

import type { HawserError } from "../errors/index.ts";
import { peerOf } from "../socket/address.ts";
import { reactor } from "../socket/reactor.ts";
import { StreamChannel } from "../socket/stream-channel.ts";
import type { StreamSink } from "../socket/stream-sink.ts";
import type { Accepted } from "./connection.ts";
import type { SecureChannel, TlsContext } from "./tls-engine.ts";

// Who has a channel between accept and its handshake; nothing happens in that time.
const NOBODY: StreamSink = {
  onConnected() {},
  onReceived() {},
  onEnded() {},
  onFailed() {},
  onFlushed() {},
  onSendFailed() {},
  onTroubled() {},
  onReadable() {},
  onClosed() {},
};

export class Handshakes {
  readonly #opened: (accepted: Accepted) => void;
  readonly #failed: (error: HawserError) => void;
  readonly #channels = new Set<SecureChannel>();

  constructor(opened: (accepted: Accepted) => void, failed: (error: HawserError) => void) {
    this.#opened = opened;
    this.#failed = failed;
  }

  get size(): number {
    return this.#channels.size;
  }

  begin(tls: TlsContext, accepted: Accepted): void {
    const { slot, generation } = accepted;
    const under = new StreamChannel(NOBODY);
    under.attach(slot, generation);
    const peer = peerOf(reactor, slot, generation);
    const done = (error: HawserError | null) => {
      // Those of a listener that has ended are aborted, and no news.
      if (!this.#channels.delete(channel)) return;
      if (error === null) this.#opened({ ...accepted, channel });
      else this.#failed(error);
    };
    const place = peer === undefined ? {} : { address: peer.address, port: peer.port };
    const channel = tls.secure({ channel: under, place, done });
    this.#channels.add(channel);
  }

  /** Gives all of them up. */
  abort(): void {
    const channels = [...this.#channels];
    this.#channels.clear();
    for (const channel of channels) channel.abort();
  }
}
