// UdpFlow: the datagrams exchanged with one peer; receiving, sending, ending. Not here: what it
// tells of itself (flow-base.ts), which datagram belongs to which flow (flow-table.ts), the socket
// beneath (port.ts).

import { viewOf } from "../../core/buffer-view.ts";
import { bytesOf, type SendData, type SendOptions } from "../../core/byte-stream.ts";
import { ownedCopy } from "../../core/owned-bytes.ts";
import { quiet } from "../../core/send-waiters.ts";
import { Deferred, iterate, onAbort, readSignal } from "../../core/waiting.ts";
import { codeError, type HawserError, invalidState } from "../../errors/index.ts";
import { ManySent } from "../../socket/datagram-many.ts";
import type { DatagramOwner, SendMode } from "../../socket/datagram-outbox.ts";
import { localAt } from "../../socket/datagram-record.ts";
import type { Peer } from "../../socket/peers.ts";
import { inTurn, mustWaitForLoop, nextIteration, slab } from "../../socket/reactor.ts";
import { clearDeadline, now, setDeadline } from "../clock.ts";
import type { CloseResult } from "../types.ts";
import { datagramInfo } from "./datagram-info.ts";
import { FlowBase, type FlowLocal, type FlowOwner } from "./flow-base.ts";
import type { FlowPolicy } from "./flow-policy.ts";
import { transferOf } from "./flow-result.ts";
import { MessageQueue } from "./message-queue.ts";
import type { UdpPort } from "./port.ts";
import { turnTime } from "./turn-time.ts";

interface Ending {
  readonly error: HawserError | null;
  readonly initiator: CloseResult["initiator"];
  readonly durationMs: number;
}

const RESOLVED: Promise<void> = Promise.resolve();
const WITH_DATA = "receive() and for await do not go with a data callback";

/**
 * The datagrams exchanged with one peer: local address and port, remote address, port and scope.
 * The interface is that of `Connection`, with messages in place of bytes. There is no end:
 * `receive` is null only after `close()`. Closing sends nothing; the peer's next datagram makes a
 * new flow.
 */
export class UdpFlow<T = unknown>
  extends FlowBase<T>
  implements AsyncDisposable, AsyncIterable<Buffer>
{
  readonly #queue: MessageQueue;
  readonly #startedAt = now();
  #lastMoved = this.#startedAt;
  #wasOpened = false;
  #closed: Deferred<CloseResult> | null = null;
  #ending: Ending | null = null;

  /** @internal */
  constructor(
    port: UdpPort,
    remote: Peer,
    local: FlowLocal,
    policy: FlowPolicy,
    owner: FlowOwner,
    isConnected = false,
  ) {
    super(port, remote, local, policy, owner, isConnected);
    this.#queue = new MessageQueue(policy.receiveHighWaterMark);
    if (policy.idleTimeout > 0) setDeadline(this.idle, policy.idleTimeout);
  }

  // ---------------------------------------------------------------------------------- receiving

  /** @internal A datagram of this flow, in the slab; `at` is its completion. */
  deliver(offset: number, length: number, at: number): void {
    const { handlers, idleTimeout, lend } = this.policy;
    if (idleTimeout > 0) this.#lastMoved = turnTime();
    const { data } = handlers;
    this.received += length;
    if (data !== undefined) {
      const given = lend ? viewOf(slab, offset, offset + length) : ownedCopy(slab, offset, length);
      const info = datagramInfo(this.peer, this.#localOf(at), at);
      try {
        const result: unknown = data(this as never, given, info);
        if (result !== undefined) this.watch(result);
      } catch (error) {
        this.handlerFailed(error);
      }
      return;
    }
    if (!this.#queue.hasRoom) {
      this.dropped++;
      this.owner.flowDropped();
      return;
    }
    this.#queue.push(ownedCopy(slab, offset, length));
  }

  // One that came by a group or broadcast address says so.
  #localOf(at: number): string {
    return this.keys.length > 1 ? (localAt(at)?.address ?? "") : this.localAddress;
  }

  /**
   * One whole datagram, an empty one included.
   *
   * @throws TypeError ERR_INVALID_STATE beside a `data` callback; (rejection) HawserError: what
   *   ICMP said of this peer, once (ECONNREFUSED, EHOSTUNREACH, ...), and the flow lives on;
   *   ECANCELED (closed meanwhile); `signal.reason`, and no datagram is lost
   */
  receive(options?: { readonly signal?: AbortSignal | undefined }): Promise<Buffer | null> {
    const signal = readSignal(options, "receive()");
    if (this.policy.handlers.data !== undefined) throw invalidState(WITH_DATA);
    return this.#queue.receive(signal);
  }

  /** Ends on a local `close()`; throws what `receive` rejects with. `break` closes nothing. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    return iterate(
      () => this.receive(),
      () => this.current === "closed",
    );
  }

  /** @internal What ICMP said of this peer (B39). */
  trouble(errno: number): void {
    const error = this.error(errno, "recvmsg");
    if (this.policy.handlers.data === undefined) this.#queue.fail(error);
    else this.tell(error);
  }

  /** @internal An error that no call could tell: the next one does. */
  note(error: HawserError): void {
    this.#queue.fail(error);
  }

  // ------------------------------------------------------------------------------------ sending

  /**
   * One datagram. Resolves when the kernel has taken it; ENOBUFS and EAGAIN are waited out. Up to
   * 4 KiB is copied at the call; larger data must not be changed until then.
   *
   * @throws TypeError for what cannot be sent; (rejection) HawserError: EMSGSIZE above
   *   `maxDatagramSize` without `fragment` (nothing was sent), EACCES (broadcast without
   *   `broadcast: true`), what ICMP said of this peer (nothing was sent); EPIPE after `close()`;
   *   `signal.reason`, and what still waited for room is not sent
   */
  send(data: SendData, options?: SendOptions): Promise<void> {
    const bytes = bytesOf(data);
    const signal = readSignal(options, "send()");
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    if (this.current !== "ready") {
      return quiet(Promise.reject(this.own(codeError("EPIPE", "sendmsg", this.place()))));
    }
    const told = this.#queue.takeError();
    if (told !== null) return quiet(Promise.reject(told));
    const sent = new ManySent((errno) => this.error(errno, "sendmsg"), this.mode);
    this.#push(bytes, sent);
    this.port.outbox.tell(sent);
    if (signal !== undefined) this.#abandonAt(signal, sent);
    const weight = bytes.length;
    if (!mustWaitForLoop(this, weight, this.policy.sendHighWaterMark)) return sent.promise;
    return quiet(Promise.all([sent.promise, nextIteration()]).then(() => RESOLVED));
  }

  // What still waits for room is not sent then.
  #abandonAt(signal: AbortSignal, sent: ManySent): void {
    const stop = onAbort(signal, () => {
      this.port.outbox.forget(sent);
      sent.abandon(signal.reason);
    });
    sent.promise.then(stop, stop);
  }

  /**
   * One datagram, quickest: nobody is told whether the kernel took it, but for the `error`
   * callback. False while too much waits for room; then `drain` follows.
   *
   * @throws TypeError for what cannot be sent
   */
  write(data: SendData): boolean {
    const bytes = bytesOf(data);
    if (this.current !== "ready") return false;
    this.#push(bytes, this);
    const isBelow = this.port.outbox.heldBytes < this.policy.sendHighWaterMark;
    if (!isBelow && !this.needsDrain) {
      this.needsDrain = true;
      this.owner.flowBlocked(this as UdpFlow);
    }
    return isBelow;
  }

  /** @internal Of what is sent to a group. */
  get mode(): SendMode | undefined {
    return this.isToGroup ? this.owner.flowMode?.(this.port, this.peer) : undefined;
  }

  #push(bytes: Uint8Array, owner: DatagramOwner): void {
    if (!this.isAnswered) {
      this.isAnswered = true;
      this.owner.flowAnswered(this as UdpFlow);
    }
    if (this.policy.idleTimeout > 0) this.#lastMoved = inTurn() ? turnTime() : now();
    this.written += bytes.length;
    if (this.isToGroup) this.port.outbox.pushIn(bytes, this.route, owner);
    else this.port.outbox.push(bytes, 0, this.route, owner);
  }

  /** @internal Of `write`: the kernel has refused one. */
  refused(errno: number): void {
    // It may be refused inside a call of the application's.
    queueMicrotask(() => {
      if (this.current === "ready") this.tell(this.error(errno, "sendmsg"));
    });
  }

  /** @internal */
  told(): void {}

  /** @internal There is room again. */
  drained(): void {
    if (!this.needsDrain || this.current !== "ready") return;
    this.needsDrain = false;
    const { drain } = this.policy.handlers;
    if (drain !== undefined) this.call(() => drain(this as never));
  }

  // ------------------------------------------------------------------------------------- ending

  /** @internal Beginning: the `open` callback. */
  opened(): void {
    this.#wasOpened = true;
    const { open } = this.policy.handlers;
    if (open !== undefined) this.call(() => open(this as never));
  }

  /** @internal Silence. */
  expired(): void {
    const left = this.#lastMoved + this.policy.idleTimeout - now();
    if (left > 0) setDeadline(this.idle, left);
    else this.end(null, "local");
  }

  /** Ends the flow; nothing is sent for that. What was given to `send` still leaves. */
  close(): Promise<CloseResult> {
    this.end(null, "local");
    return this.closed;
  }

  /** As `close`, and what has arrived is dropped. */
  abort(): void {
    this.end(null, "local", true);
  }

  /** @internal */
  end(error: HawserError | null, initiator: CloseResult["initiator"], drops = false): void {
    if (this.current !== "ready") return;
    this.current = error === null ? "closed" : "failed";
    this.#ending = { error, initiator, durationMs: now() - this.#startedAt };
    clearDeadline(this.idle);
    this.paths?.stop();
    // Made for those who wait only: a flood of peers ends a flow for each.
    const canceled = () => this.own(codeError("ECANCELED", "recvmsg", this.place()));
    this.#queue.end(() => error ?? canceled(), drops);
    this.owner.flowClosed(this as UdpFlow);
    const { close } = this.policy.handlers;
    const isHeard = close !== undefined && this.#wasOpened;
    if (!isHeard && this.#closed === null) return;
    // No callback runs inside the call that closes.
    queueMicrotask(() => {
      if (isHeard) this.call(() => close(this as never, error));
      this.#closed?.resolve(this.#result());
    });
  }

  #result(): CloseResult {
    const { error, initiator, durationMs } = this.#ending as Ending;
    const transfer = transferOf(durationMs, this.received, this.written);
    return Object.freeze({ error, initiator, transfer });
  }

  get closed(): Promise<CloseResult> {
    if (this.#closed === null) {
      this.#closed = new Deferred();
      if (this.#ending !== null) this.#closed.resolve(this.#result());
    }
    return this.#closed.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => {});
  }
}
