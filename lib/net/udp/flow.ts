// UdpFlow: the datagrams exchanged with one peer. Not here: which datagram belongs to which flow
// (flow-table.ts), the socket beneath (port.ts).

import { bytesOf, type SendData, type SendOptions } from "../../core/byte-stream.ts";
import { Deadline } from "../../core/deadlines.ts";
import { ownedCopy } from "../../core/owned-bytes.ts";
import { quiet } from "../../core/send-waiters.ts";
import { Deferred, iterate, readSignal } from "../../core/waiting.ts";
import { codeError, errnoError, type HawserError, invalidState } from "../../errors/index.ts";
import { ManySent } from "../../socket/datagram-many.ts";
import type { DatagramOwner, DatagramRoute } from "../../socket/datagram-outbox.ts";
import { localAt } from "../../socket/datagram-record.ts";
import type { Peer } from "../../socket/peers.ts";
import { inTurn, mustWaitForLoop, nextIteration, report } from "../../socket/reactor.ts";
import { clearDeadline, type DeadlineOwner, now, setDeadline } from "../clock.ts";
import { PathFollower } from "../paths/follower.ts";
import type { Path } from "../paths/types.ts";
import type { Footing } from "../paths/viability.ts";
import type { CloseResult } from "../types.ts";
import { FlowDatagramInfo } from "./datagram-info.ts";
import type { FlowPolicy } from "./flow-policy.ts";
import { MessageQueue } from "./message-queue.ts";
import { maxDatagramSizeTo } from "./path-mtu.ts";
import type { UdpPort } from "./port.ts";
import { turnTime } from "./turn-time.ts";

/** Who has the flow. */
export interface FlowOwner {
  /** It has sent for the first time. */
  flowAnswered(flow: UdpFlow): void;
  flowClosed(flow: UdpFlow): void;
  /** An error that no call of the flow's could tell. */
  flowError(error: HawserError): void;
  flowDropped(): void;
  /** What a flow over a socket of its own stands on; absent where flows share one. */
  flowFooting?(): Footing;
}

const RESOLVED: Promise<void> = Promise.resolve();
const WITH_DATA = "receive() and for await do not go with a data callback";

/**
 * The datagrams exchanged with one peer: local address and port, remote address, port and scope.
 * The interface is that of `Connection`, with messages in place of bytes. There is no end:
 * `receive` is null only after `close()`. Closing sends nothing; the peer's next datagram makes a
 * new flow.
 */
export class UdpFlow<T = unknown> implements AsyncDisposable, AsyncIterable<Buffer> {
  /** The application's own. */
  data!: T;
  /** @internal What it is found by (flow-table.ts). */
  readonly keys: Int32Array[] = [];
  /** @internal */
  isAnswered = false;
  /** @internal For what a program sends without awaiting the loop. */
  iteration = 0;
  /** @internal */
  iterationBytes = 0;
  readonly #port: UdpPort;
  readonly #owner: FlowOwner;
  readonly #policy: FlowPolicy;
  readonly #remote: Peer;
  readonly #route: DatagramRoute;
  readonly #localAddress: string;
  readonly #queue: MessageQueue;
  readonly #startedAt = now();
  readonly #idle = new Deadline<DeadlineOwner>(this);
  #lastMoved = this.#startedAt;
  #state: "ready" | "closed" | "failed" = "ready";
  #bytesRead = 0;
  #bytesWritten = 0;
  #drops = 0;
  #needsDrain = false;
  #wasOpened = false;
  #follower: PathFollower | null = null;
  readonly #closed = new Deferred<CloseResult>();

  /** @internal */
  constructor(
    port: UdpPort,
    remote: Peer,
    local: { readonly words: Int32Array | null; readonly address: string; readonly index: number },
    policy: FlowPolicy,
    owner: FlowOwner,
    isConnected = false,
  ) {
    this.#port = port;
    this.#remote = remote;
    this.#owner = owner;
    this.#policy = policy;
    this.#localAddress = local.address;
    this.#route = {
      to: isConnected ? null : remote.words,
      local: isConnected ? null : local.words,
      interface: isConnected ? 0 : local.index,
      trafficClass: 0,
    };
    this.#queue = new MessageQueue(policy.receiveHighWaterMark);
    if (policy.idleTimeout > 0) setDeadline(this.#idle, policy.idleTimeout);
  }

  // --------------------------------------------------------------------------------- properties

  get state(): "ready" | "closed" | "failed" {
    return this.#state;
  }

  get remoteAddress(): string {
    return this.#remote.address;
  }

  get remotePort(): number {
    return this.#remote.port;
  }

  /** The address that the peer uses; replies leave from it and its interface. */
  get localAddress(): string {
    return this.#localAddress;
  }

  get localPort(): number {
    return this.#port.local.port;
  }

  /** Index of the interface that the first datagram came through; null where we began. */
  get interface(): number | null {
    return this.#route.interface === 0 ? null : this.#route.interface;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Bytes that wait for room in the kernel, of all flows of this socket. */
  get bufferedAmount(): number {
    return this.#port.outbox.heldBytes;
  }

  /** Datagrams dropped here because nobody read. */
  get drops(): number {
    return this.#drops;
  }

  /**
   * The largest datagram that the path takes without fragmentation, as far as the kernel knows now
   * (IP_MTU, ip(7); the interface's MTU on macOS). Bytes of payload.
   */
  get maxDatagramSize(): number {
    return maxDatagramSizeTo(this.#remote);
  }

  /**
   * Of a flow that `connect()` made: whether the local address, the link and a route to the peer
   * are there, as of a {@link Connection}. A flow of a listener, whose socket has no path of its
   * own, is viable while it is open. @throws HawserError where this process may not look at its
   * networks
   */
  get viable(): boolean {
    return this.#state === "ready" && (this.#followed()?.viable ?? true);
  }

  /** What a new flow would use, where that is another path; null on a listener's flows. */
  get betterPath(): Path | null {
    return this.#followed()?.betterPath ?? null;
  }

  /** The path in use; null on a listener's flows, and after the end. */
  get path(): Path | null {
    return this.#followed()?.path ?? null;
  }

  #followed(): PathFollower | null {
    const { flowFooting } = this.#owner;
    if (this.#follower === null && flowFooting !== undefined && this.#state === "ready") {
      const footing = flowFooting.call(this.#owner);
      this.#follower = new PathFollower(this, footing, this.#policy.viabilityTimeout);
    }
    return this.#follower;
  }

  /** @internal Follows from the beginning, where an option or a callback asks for it. */
  followAsAsked(): void {
    const { handlers, viabilityTimeout } = this.#policy;
    const { viable, betterPath } = handlers;
    if (viable !== undefined || betterPath !== undefined || viabilityTimeout > 0) this.#followed();
  }

  /** @internal */
  viabilityChanged(isViable: boolean): void {
    const { viable } = this.#policy.handlers;
    if (viable !== undefined) this.#call(() => viable(this as never, isViable));
  }

  /** @internal */
  betterPathChanged(path: Path | null): void {
    const { betterPath } = this.#policy.handlers;
    if (betterPath !== undefined) this.#call(() => betterPath(this as never, path));
  }

  /** @internal */
  viabilityLapsed(): void {
    const context = { ...this.#place(), phase: "open", reason: "VIABILITY_TIMEOUT" } as const;
    this.end(codeError("ENETDOWN", "recvmsg", context), "network");
  }

  // ---------------------------------------------------------------------------------- receiving

  /** @internal A datagram of this flow, lent. */
  deliver(bytes: Buffer, at: number): void {
    if (this.#policy.idleTimeout > 0) this.#lastMoved = turnTime();
    const { data } = this.#policy.handlers;
    this.#bytesRead += bytes.length;
    if (data !== undefined) {
      const given = this.#policy.lend ? bytes : ownedCopy(bytes, 0, bytes.length);
      const info = new FlowDatagramInfo(this.#remote, this.#localOf(at), at);
      try {
        const result: unknown = data(this as never, given, info);
        if (result !== undefined) this.#watch(result);
      } catch (error) {
        this.#failed(error);
      }
      return;
    }
    if (!this.#queue.hasRoom) {
      this.#drops++;
      this.#owner.flowDropped();
      return;
    }
    this.#queue.push(ownedCopy(bytes, 0, bytes.length));
  }

  // One that came by a group or broadcast address says so.
  #localOf(at: number): string {
    return this.keys.length > 1 ? (localAt(at)?.address ?? "") : this.#localAddress;
  }

  /**
   * One whole datagram, an empty one included.
   *
   * @throws TypeError ERR_INVALID_STATE beside a `data` callback; (rejection) HawserError: what
   *   ICMP
   *   said of this peer, once (ECONNREFUSED, EHOSTUNREACH, ...), and the flow lives on; ECANCELED
   *   (closed meanwhile); `signal.reason`, and no datagram is lost
   */
  receive(options?: { readonly signal?: AbortSignal | undefined }): Promise<Buffer | null> {
    const signal = readSignal(options, "receive()");
    if (this.#policy.handlers.data !== undefined) throw invalidState(WITH_DATA);
    return this.#queue.receive(signal);
  }

  /** Ends on a local `close()`; throws what `receive` rejects with. `break` closes nothing. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    return iterate(
      () => this.receive(),
      () => this.#state === "closed",
    );
  }

  /** @internal What ICMP said of this peer (B39). */
  trouble(errno: number): void {
    const error = errnoError(errno, "recvmsg", this.#place());
    if (this.#policy.handlers.data === undefined) this.#queue.fail(error);
    else this.#owner.flowError(error);
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
   *   `broadcast: true`), what ICMP said of this peer; EPIPE after `close()`
   */
  send(data: SendData, options?: SendOptions): Promise<void> {
    const bytes = bytesOf(data);
    const signal = readSignal(options, "send()");
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    if (this.#state !== "ready")
      return quiet(Promise.reject(codeError("EPIPE", "sendmsg", this.#place())));
    const told = this.#queue.takeError();
    if (told !== null) return quiet(Promise.reject(told));
    const sent = new ManySent((errno) => errnoError(errno, "sendmsg", this.#place()));
    this.#push(bytes, sent);
    this.#port.outbox.tell(sent);
    const weight = bytes.length;
    if (!mustWaitForLoop(this, weight, this.#policy.sendHighWaterMark)) return sent.promise;
    return quiet(Promise.all([sent.promise, nextIteration()]).then(() => RESOLVED));
  }

  /**
   * One datagram, quickest: nobody is told whether the kernel took it, but for the `error`
   * callback. False while too much waits for room; then `drain` follows.
   *
   * @throws TypeError for what cannot be sent
   */
  write(data: SendData): boolean {
    const bytes = bytesOf(data);
    if (this.#state !== "ready") return false;
    this.#push(bytes, this);
    const isBelow = this.#port.outbox.heldBytes < this.#policy.sendHighWaterMark;
    if (!isBelow) this.#needsDrain = true;
    return isBelow;
  }

  #push(bytes: Uint8Array, owner: DatagramOwner): void {
    if (!this.isAnswered) {
      this.isAnswered = true;
      this.#owner.flowAnswered(this as UdpFlow);
    }
    if (this.#policy.idleTimeout > 0) this.#lastMoved = inTurn() ? turnTime() : now();
    this.#bytesWritten += bytes.length;
    this.#port.outbox.push(bytes, 0, this.#route, owner);
  }

  /** @internal Of `write`: the kernel has refused one. */
  refused(errno: number): void {
    if (this.#state === "ready") {
      this.#owner.flowError(errnoError(errno, "sendmsg", this.#place()));
    }
  }

  /** @internal */
  told(): void {}

  /** @internal There is room again. */
  drained(): void {
    if (!this.#needsDrain || this.#state !== "ready") return;
    this.#needsDrain = false;
    const { drain } = this.#policy.handlers;
    if (drain !== undefined) this.#call(() => drain(this as never));
  }

  // ------------------------------------------------------------------------------------- ending

  /** @internal Beginning: the `open` callback. */
  opened(): void {
    this.#wasOpened = true;
    const { open } = this.#policy.handlers;
    if (open !== undefined) this.#call(() => open(this as never));
  }

  /** @internal Silence. */
  expired(): void {
    const left = this.#lastMoved + this.#policy.idleTimeout - now();
    if (left > 0) setDeadline(this.#idle, left);
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
    if (this.#state !== "ready") return;
    this.#state = error === null ? "closed" : "failed";
    clearDeadline(this.#idle);
    this.#follower?.stop();
    this.#follower = null;
    this.#queue.end(error ?? codeError("ECANCELED", "recvmsg"), drops);
    this.#owner.flowClosed(this as UdpFlow);
    const result: CloseResult = Object.freeze({ error, initiator, transfer: this.#transfer() });
    // No callback runs inside the call that closes.
    queueMicrotask(() => {
      const { close } = this.#policy.handlers;
      if (close !== undefined && this.#wasOpened) this.#call(() => close(this as never, error));
      this.#closed.resolve(result);
    });
  }

  get closed(): Promise<CloseResult> {
    return this.#closed.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => {});
  }

  #transfer(): CloseResult["transfer"] {
    return Object.freeze({
      durationMs: now() - this.#startedAt,
      bytesRead: this.#bytesRead,
      bytesHandedOver: this.#bytesWritten,
      bytesAcknowledged: null,
      segmentsSent: null,
      segmentsReceived: null,
      segmentsRetransmitted: null,
      bytesRetransmitted: null,
      roundTripTimeMs: null,
      roundTripTimeVarianceMs: null,
      minRoundTripTimeMs: null,
    });
  }

  #place() {
    const { address, port } = this.#remote;
    return { address, port, localAddress: this.#localAddress, localPort: this.localPort };
  }

  // A handler that throws ends its own flow and reaches uncaughtException; the turn goes on (B55).
  #call(callback: () => unknown): void {
    try {
      this.#watch(callback());
    } catch (error) {
      this.#failed(error);
    }
  }

  #watch(result: unknown): void {
    if (typeof (result as PromiseLike<unknown> | undefined)?.then !== "function") return;
    (result as PromiseLike<unknown>).then(undefined, (error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    this.abort();
    report(error);
  }
}
