// TLS on a connection that has begun without it. Not here: the engine and its channel
// (tls-engine.ts says what they are), TLS from the beginning (establishment.ts, listener.ts).

import { quiet } from "../core/send-waiters.ts";
import { type HawserError, invalidState } from "../errors/index.ts";
import type { ByteChannel } from "./byte-channel.ts";
import {
  DROPPABLE,
  HOLDING,
  PAUSED,
  PEER_ENDED,
  SEND_FAILED,
  SHUT,
  STOPPED,
} from "./connection-facts.ts";
import { ReceivingConnection } from "./connection-receiving.ts";
import { type Droppable, forget } from "./dropped.ts";
import { type TlsOptions, tlsEngine } from "./tls-engine.ts";

/** The part of {@link Connection} that changes to TLS. */
export abstract class SecuringConnection<T = unknown> extends ReceivingConnection<T> {
  /** @internal The rest of what a channel tells. */
  abstract onConnected(): void;
  /** @internal */
  abstract onReadable(): void;
  /** @internal */
  abstract onFailed(errno: number): void;
  /** @internal */
  abstract onClosed(): void;

  /**
   * @internal Of whoever is to end this side itself. Else our own end follows the peer's, and no
   * error comes behind a clean one (B17).
   */
  onFailedAfterEnd(errno: number): void {
    if (!this.policy.allowHalfOpen) return;
    // Nothing but sending was left.
    this.flags |= SEND_FAILED;
    this.onFailed(errno);
  }

  /**
   * Begins TLS on a connection that is `ready` (RFC 3207 and like): as a client where the
   * connection was made here, as a server where it was accepted. What is written from now on goes
   * out when the handshake is over; what was received and not read yet is taken for the peer's
   * handshake, never for data.
   *
   * @throws TypeError with ERR_INVALID_STATE on a connection that is not `ready`, that uses TLS
   *   already, or whose peer has ended. Rejects with why the handshake failed, `phase` "tls", and
   *   the connection fails with the same error.
   */
  startTls(options: TlsOptions = {}): Promise<void> {
    const { channel } = this;
    const isBusy = (this.flags & (SHUT | PEER_ENDED)) !== 0 || channel?.tls !== undefined;
    if (channel === null || this.current !== "ready" || isBusy) {
      throw invalidState("startTls() needs a connection that is ready and has no TLS");
    }
    // From now on the engine has hold of it.
    if ((this.flags & DROPPABLE) !== 0) forget(this as unknown as Droppable, channel);
    const context =
      this.outbound === null
        ? tlsEngine().server(options)
        : tlsEngine().client(options, this.outbound.endpoint.host);
    return quiet(
      new Promise<void>((resolve, reject) => {
        const done = (error: HawserError | null) => {
          if (error === null) {
            resolve();
            return;
          }
          reject(error);
          this.fail(error, "peer");
        };
        this.changeChannel(channel, (received) =>
          context.secure({
            channel,
            received,
            writtenBytes: channel.writtenBytes,
            place: this.place(),
            done,
          }),
        );
      }),
    );
  }

  private changeChannel(
    under: ByteChannel,
    make: (received: Buffer | undefined) => ByteChannel,
  ): void {
    const unread: Buffer[] = [];
    for (let bytes = this.receiver?.take(); bytes; bytes = this.receiver?.take()) {
      unread.push(bytes);
    }
    this.flags &= ~HOLDING;
    const isStopped = (this.flags & STOPPED) !== 0;
    if (isStopped) under.resume();
    const channel = make(unread.length === 0 ? undefined : Buffer.concat(unread));
    channel.setSink(this);
    if (isStopped) {
      if ((this.flags & PAUSED) === 0) this.flags &= ~STOPPED;
      else channel.pause();
    }
    this.channel = channel;
  }
}
