// One WebSocket after its opening handshake: the protocol between a carrier and the application.
// How it begins, how it ends, and topics. Not here: what it holds (connection-base.ts), its
// directions (connection-sending.ts and -receiving), frames and closing (protocol/), bytes and
// marks (carrier.ts), the opening handshakes (client-upgrade.ts, server-upgrade.ts), who listens
// (listener.ts).

import { Deferred } from "../core/waiting.ts";
import { type HawserError, invalidState } from "../errors/index.ts";
import { clearDeadline, type DeadlineOwner } from "../net/clock.ts";
import type { Ending } from "../net/connection-base.ts";
import type { CloseResult, ConnectionState, SendData } from "../net/types.ts";
import type { CarrierUser } from "./carrier.ts";
import {
  type Agreed,
  CLOSING,
  DONE,
  FULL,
  makers,
  OPENING,
  PAUSED,
  type SocketOwner,
  TOLD,
} from "./connection-facts.ts";
import { ReceivingWebSocket } from "./connection-receiving.ts";
import { failureOf } from "./errors.ts";
import {
  type AbortReason,
  type CloseInfo,
  closeCodes,
  type ProtocolHandler,
} from "./protocol/index.ts";
import { wallTime } from "./turn-clock.ts";
import type { BroadcastOptions, Message } from "./types.ts";

/**
 * One WebSocket, client or server. Made by `connect`, `listen`, `attach` or `handleUpgrade` when
 * the opening handshake is over. `T` is the type of `data`, the application's own.
 */
export class WebSocketConnection<T = unknown>
  extends ReceivingWebSocket<T>
  implements ProtocolHandler, CarrierUser, DeadlineOwner, AsyncIterable<Message>, AsyncDisposable
{
  /** @internal The opening handshake is still to come; the stream's user is another until then. */
  opening(): this {
    this.flags |= OPENING;
    this.core.mute();
    return this;
  }

  /** @internal And is over. */
  accepted(agreed: Agreed): void {
    this.agreed = agreed;
    this.flags &= ~OPENING;
    this.core.opened(agreed.deflate, wallTime());
    this.carrier.user = this as never;
    if ((this.flags & PAUSED) !== 0) this.carrier.hold(true);
    this.noteChange("ready");
  }

  /** @internal */
  stateChanged(state: ConnectionState, reason: HawserError | null): void {
    this.call(this.shared.handlers.state, state, reason);
  }

  /** @internal The first thing that the application hears, but for states. */
  announce(): void {
    if (this.shared.settings.watchesTime) this.setTimer();
    this.call(this.shared.handlers.open);
  }

  // -------------------------------------------------------------------------- from the carrier

  /** @internal */
  opened(): void {}

  /** @internal The listener closes. */
  concluded(): void {
    this.beginClose(closeCodes.CLOSE_GOING_AWAY, "");
  }

  /** @internal The stream is gone. */
  over(ending: Ending): void {
    this.extra().ending = ending;
    this.compressed();
    this.core.transportClosed(wallTime());
    if ((this.flags & TOLD) !== 0) return;
    // Held messages come first; who never asks for them does not hold it open.
    this.setDeadline(this.shared.closeTimeout);
    // Who aborts does not want them.
    if (ending.event === "abort") this.dropHeld();
  }

  /** @internal The stream is gone, and it never was open. */
  neverOpened(ending: Ending, error: HawserError | null): void {
    const { initiator } = ending;
    const transfer = this.carrier.transferReport();
    const result = { error, initiator, transfer, code: 1006, reason: "", wasClean: false };
    this.flags |= TOLD;
    this.core.transportClosed(wallTime());
    this.settle(result);
  }

  private dropHeld(): void {
    this.inbox?.cancel(this.cancelled());
    this.flags &= ~(PAUSED | FULL);
    this.core.close(undefined, "", wallTime());
    this.core.resume(wallTime());
  }

  /** @internal */
  expired(): void {
    if (this.ending !== null) {
      this.dropHeld();
      return;
    }
    this.core.tick(wallTime());
    if (this.result === null) this.setTimer();
  }

  // -------------------------------------------------------------------------- from the protocol

  /** @internal */
  onShutdown(): void {
    this.noteState();
    this.carrier.finish();
  }

  /** @internal */
  onAbort(reason: AbortReason): void {
    const { carrier } = this;
    if (reason === "queueOverflow") {
      carrier.failWith(carrier.errorOf("ENOBUFS", "write", { phase: "open" }), "local");
    } else if (reason === "heartbeatTimeout") {
      const context = { phase: "open", reason: "HEARTBEAT_TIMEOUT" } as const;
      carrier.failWith(carrier.errorOf("ETIMEDOUT", "read", context), "network");
    } else {
      const context = { phase: "close", reason: "CLOSE_TIMEOUT" } as const;
      carrier.failWith(carrier.errorOf("ETIMEDOUT", "close", context), "local");
    }
  }

  /** @internal */
  onClosed(info: CloseInfo): void {
    if ((this.flags & TOLD) !== 0) return;
    this.flags |= TOLD;
    if (this.deadline !== null) clearDeadline(this.deadline);
    this.settle(this.resultOf(info));
  }

  private settle(result: CloseResult): void {
    this.extra().result = result;
    if (result.error !== null) makers.set(result.error, this);
    if (this.inbox !== null) this.endInbox(result);
    // After those who waited for messages have heard of it.
    queueMicrotask(() => process.nextTick(tellEnd, this));
  }

  private resultOf(info: CloseInfo): CloseResult {
    const { carrier, ending } = this;
    const isAborted = ending?.event === "abort";
    const error = ending?.error ?? failureOf(info, isAborted, carrier.whereabouts);
    const byProtocol = info.initiator === "local" ? "local" : "peer";
    return {
      error,
      initiator: ending?.error ? ending.initiator : isAborted ? "local" : byProtocol,
      transfer: carrier.transferReport(),
      code: info.code,
      reason: info.reason,
      wasClean: info.wasClean && (ending?.error ?? null) === null,
    };
  }

  /** @internal */
  tellEnd(): void {
    const { code = 1006, reason = "", error } = this.result as CloseResult;
    const { close } = this.shared.handlers;
    this.stateChanged(this.state, error);
    if ((this.flags & OPENING) === 0) this.call(close, code, reason, error);
    this.flags |= DONE;
    this.extras?.closed?.resolve(this.result as CloseResult);
    this.agreed.owner?.socketClosed(this as never);
  }

  // ------------------------------------------------------------------------------------ ending

  /**
   * Ends without loss: flushes, exchanges Closes, ends TCP (a server first). Default 1000; unread
   * messages are dropped. After `closeTimeout` it aborts, and the result's `error` says so. Before
   * `open` it ends the establishment, and `connect()` rejects with ECANCELED. Never rejects; the
   * same promise as `closed`.
   *
   * @throws RangeError for a code that may not be sent (1000 to 1003, 1007 to 1014, 3000 to 4999
   *   may), and for a reason of more than 123 bytes of UTF-8
   */
  close(code: number = closeCodes.CLOSE_NORMAL, reason = ""): Promise<CloseResult> {
    this.beginClose(code, reason);
    return this.closed;
  }

  /** @internal `close()` without the promise; without a code the Close is empty. */
  closeWith(code: number | undefined, reason: string): void {
    this.beginClose(code, reason);
  }

  /** @internal Whether both Closes were exchanged; undefined before the end. */
  get wasClean(): boolean | undefined {
    return this.result?.wasClean;
  }

  /** @internal */
  protected override beginClose(code: number | undefined, reason: string): void {
    this.core.close(code, reason, wallTime());
    if ((this.flags & (CLOSING | TOLD)) !== 0) return;
    this.flags |= CLOSING;
    this.inbox?.cancel(this.cancelled());
    if ((this.flags & OPENING) !== 0) {
      this.carrier.conclude();
      return;
    }
    this.noteState();
    // The peer's Close must be seen.
    if ((this.flags & (PAUSED | FULL)) !== 0) {
      this.flags &= ~(PAUSED | FULL);
      queueMicrotask(() => this.readOn());
    }
  }

  /** RST now (SO_LINGER 0, socket(7)): queued messages are lost, and the peer sees 1006. */
  abort(): void {
    this.giveUp();
    this.carrier.abort();
  }

  /** @internal FIN now: queued messages are lost, and the peer sees 1006. */
  drop(): void {
    this.giveUp();
    this.carrier.drop();
  }

  private giveUp(): void {
    this.flags |= CLOSING;
    this.core.mute();
    this.inbox?.cancel(this.cancelled());
  }

  /** Settles when it is over, after everybody else was told. Never rejects. */
  get closed(): Promise<CloseResult> {
    const extras = this.extra();
    if (extras.closed === null) {
      extras.closed = new Deferred<CloseResult>();
      const { result } = extras;
      if (result !== null && (this.flags & DONE) !== 0) extras.closed.resolve(result);
    }
    return extras.closed.promise;
  }

  /** `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // ------------------------------------------------------------------------------------- topics

  /** Takes part in a topic of its listener. @throws TypeError (ERR_INVALID_STATE) on a client */
  subscribe(topic: string): void {
    this.requireOwner().subscribe(topic, this as never);
  }

  unsubscribe(topic: string): void {
    this.requireOwner().unsubscribe(topic, this as never);
  }

  /** To the other subscribers of a topic, encoded and compressed once. Returns how many got it. */
  publish(topic: string, message: SendData, options?: BroadcastOptions): number {
    return this.requireOwner().publish(topic, message, options, this as never);
  }

  private requireOwner(): SocketOwner {
    if (this.agreed.owner !== null) return this.agreed.owner;
    throw invalidState("topics are those of a listener, and this WebSocket was made by connect()");
  }
}

function tellEnd(socket: WebSocketConnection): void {
  socket.tellEnd();
}
