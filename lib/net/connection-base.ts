// The ground of a connection: what it holds, its state, its callbacks and deadlines, and what can
// be
// asked of it. Not here: sending (connection-sending.ts), receiving (connection-receiving.ts), how
// it
// begins and ends (connection.ts).
//
// A connection is one object in four layers, each of which extends the one before: base, sending,
// receiving, connection. One object, because thousands of idle ones have to be small; layers,
// because
// each can be read alone. Fields that more than one layer uses stand here.
// Methods of a layer's own are `private` and not `#`: a class with such methods marks each of its
// objects, which is 8 bytes a layer.

import { Deadline } from "../core/deadlines.ts";
import type { Receiver } from "../core/receiver.ts";
import type { SendWaiters } from "../core/send-waiters.ts";
import {
  CONNECTION_STATES,
  type ConnectionEvent,
  type ConnectionState,
  isTerminal,
  next,
} from "../core/states.ts";
import {
  codeError,
  type ErrorBytes,
  type ErrorContext,
  errnoError,
  errnoName,
  HawserError,
} from "../errors/index.ts";
import { nameOf, peerOf, type SocketAddressInfo } from "../socket/address.ts";
import type { OptionInputs, OptionValues } from "../socket/option-table.ts";
import {
  getOption,
  type ReadableOption,
  setOption,
  type WritableOption,
} from "../socket/options.ts";
import { reactor, report } from "../socket/reactor.ts";
import type { TcpInfo } from "../socket/tcp-info.ts";
import type { ByteChannel } from "./byte-channel.ts";
import { clearDeadline, type DeadlineOwner, now, setDeadline } from "./clock.ts";
import type { Connection } from "./connection.ts";
import { type Bounds, type Ending, NEEDS_DRAIN, PAUSED, UNREFERENCED } from "./connection-facts.ts";
import { optionsInForce } from "./options-in-force.ts";
import type { Outbound } from "./outbound.ts";
import type { Policy } from "./policy.ts";
import type { TlsInfo } from "./tls-engine.ts";
import { traceState, tracesStates } from "./tracing.ts";
import {
  acceptedReport,
  errorBytes,
  errorBytesLeft,
  type TransferCounts,
  transferReport,
  tryTcpInfo,
  tryTransferCounts,
} from "./transfer.ts";
import type {
  AddressFamily,
  CloseResult,
  ConnectOptions,
  EstablishmentReport,
  TransferReport,
} from "./types.ts";

export * from "./connection-facts.ts";

/** An error that a connection has made, and which one: so that a handler may pass it on. */
const makers = new WeakMap<object, object>();

/** The part of {@link Connection} that can be asked at any time. */
export abstract class ConnectionBase<T = unknown> {
  /** The application's own; undefined until it is set. */
  data: T = undefined as T;

  /** @internal */
  protected readonly policy: Policy;
  /** @internal What establishes it; null for an accepted one. */
  protected readonly outbound: Outbound | null;
  /** @internal */
  protected channel: ByteChannel | null = null;
  /** @internal */
  protected current: ConnectionState;
  /** @internal */
  protected flags = 0;
  /** @internal */
  protected received = 0;
  /** @internal When it became ready, in whole milliseconds of the monotonic clock. */
  protected readyAt = 0;
  /** @internal Bytes written before there was a channel. */
  protected early: { readonly chunks: Uint8Array[]; bytes: number } | null = null;
  /** @internal */
  protected receiver: Receiver<object> | null = null;
  /** @internal */
  protected waiters: SendWaiters | null = null;
  /** @internal */
  protected bounds: Bounds | null = null;
  /** @internal */
  protected ending: Ending | null = null;

  /** @internal */
  constructor(policy: Policy, outbound: Outbound | null) {
    this.policy = policy;
    this.outbound = outbound;
    this.current = outbound === null ? "ready" : CONNECTION_STATES.initial;
  }

  /** @internal Both directions have ended: closes when all is flushed. */
  protected abstract finishIfDone(): void;
  /** @internal Ends the connection with an error. */
  protected abstract fail(error: HawserError, initiator: CloseResult["initiator"]): void;
  /** @internal A limit of our own has passed. */
  abstract expired(deadline: Deadline<DeadlineOwner>): void;
  /** @internal */
  abstract conclude(): void;
  abstract abort(): void;

  get state(): ConnectionState {
    return this.current;
  }

  /** Why the state is `waiting` or `failed`, else null. */
  get stateReason(): HawserError | null {
    if (this.current === "waiting") return this.outbound?.waitsFor ?? null;
    return this.current === "failed" ? (this.ending?.error ?? null) : null;
  }

  /** The options in force, defaults filled in. Frozen: assigning to it, or to one, throws. */
  get options(): Readonly<ConnectOptions<T>> {
    return optionsInForce(this.policy.parameters);
  }

  get transport(): "tcp" | "tls" | "unix" {
    const isSecure = this.channel?.tls !== undefined || this.outbound?.endpoint.tls === true;
    return isSecure ? "tls" : this.policy.transport;
  }

  /** What TLS has negotiated; null without TLS, and before its handshake is over. */
  get tls(): TlsInfo | null {
    return this.channel?.tls ?? null;
  }

  /** The descriptor, for `tune` and the like; -1 before there is one and after it is closed. */
  get fd(): number {
    const { channel } = this;
    if (channel === null || channel.isClosed) return -1;
    return Math.max(-1, reactor.descriptorOf(channel.slot, channel.generation));
  }

  /** As Node writes it; undefined before it is known. IPv4 where it is v4-mapped. */
  get remoteAddress(): string | undefined {
    return this.remote()?.address;
  }

  get remotePort(): number | undefined {
    return this.remote()?.port;
  }

  get remoteFamily(): AddressFamily | undefined {
    return this.remote()?.family;
  }

  get localAddress(): string | undefined {
    return this.local()?.address;
  }

  get localPort(): number | undefined {
    return this.local()?.port;
  }

  get localFamily(): AddressFamily | undefined {
    return this.local()?.family;
  }

  /** Bytes received, counted when they leave the kernel. */
  get bytesRead(): number {
    return this.received;
  }

  /** Bytes written by the application, those still queued included, as in node:net. */
  get bytesWritten(): number {
    return this.channel === null ? this.earlyBytes() : this.channel.writtenBytes;
  }

  /** Bytes written that the kernel has not taken yet. */
  get bufferedAmount(): number {
    return this.channel === null ? this.earlyBytes() : this.channel.bufferedBytes;
  }

  /** Whether `write` would return false now. */
  get writableNeedDrain(): boolean {
    return (this.flags & NEEDS_DRAIN) !== 0;
  }

  get isPaused(): boolean {
    return (this.flags & PAUSED) !== 0;
  }

  /** How it became ready; null before. An accepted connection's has no phases and no attempts. */
  get establishmentReport(): EstablishmentReport | null {
    return this.outbound === null ? acceptedReport(this.readyAt) : this.outbound.report;
  }

  /** What went over it, so far or in all. */
  transferReport(): TransferReport {
    return this.transferOf(this.ending?.info ?? this.transferCounts());
  }

  /** The kernel's counters now; null for Unix sockets and after the end. One system call. */
  info(): TcpInfo | null {
    return this.policy.transport === "unix" ? null : tryTcpInfo(this.fd);
  }

  /** Raw option in the kernel's own unit. @throws HawserError: ENOPROTOOPT, EINVAL, EBADF. */
  getOption<N extends ReadableOption>(name: N): OptionValues[N] {
    return getOption(this, name);
  }

  setOption<N extends WritableOption>(name: N, value: OptionInputs[N]): void {
    setOption(this, name, value);
  }

  /** Keeps the process alive while it is open or waits, which is the default. */
  ref(): this {
    return this.refer(true);
  }

  /** Lets the process end while this connection is open or waits. */
  unref(): this {
    return this.refer(false);
  }

  private refer(isReferenced: boolean): this {
    this.flags = isReferenced ? this.flags & ~UNREFERENCED : this.flags | UNREFERENCED;
    this.outbound?.setReferenced(isReferenced);
    this.channel?.setReferenced(isReferenced);
    return this;
  }

  // --------------------------------------------------------------------------- for the layers abov

  private remote(): SocketAddressInfo | undefined {
    const { channel } = this;
    if (channel === null) return undefined;
    const { slot, generation } = channel;
    // The name of a Unix peer is the kernel's to tell; an address stays with the slot.
    const known = peerOf(reactor, slot, generation);
    return known?.family === "unix" ? nameOf(reactor, slot, generation, true) : known;
  }

  private local(): SocketAddressInfo | undefined {
    const { channel } = this;
    return channel === null ? undefined : nameOf(reactor, channel.slot, channel.generation, false);
  }

  /** @internal */
  protected earlyBytes(): number {
    return this.early === null ? 0 : this.early.bytes;
  }

  /** @internal Bytes that the kernel has taken. */
  protected handedOver(): number {
    return this.channel === null ? 0 : this.channel.takenBytes;
  }

  /** @internal */
  protected transferCounts(): TransferCounts | null {
    return this.policy.transport === "unix" ? null : tryTransferCounts(this.fd);
  }

  /** @internal */
  protected transferOf(info: TransferCounts | null): TransferReport {
    const until = this.ending?.at ?? Math.round(now());
    const totals = {
      durationMs: this.readyAt === 0 ? 0 : until - this.readyAt,
      bytesRead: this.received,
      bytesHandedOver: this.handedOver(),
    };
    return transferReport(totals, info, this.outbound !== null, this.channel?.carriedBytes);
  }

  /** @internal Where it is, for errors. */
  protected place(): ErrorContext {
    const remote = this.remote();
    const local = this.local();
    if (this.policy.transport === "unix") return { address: remote?.address || local?.address };
    return {
      address: remote?.address,
      port: remote?.port,
      localAddress: local?.address,
      localPort: local?.port,
    };
  }

  /** @internal An error by its name, as this connection's own. */
  protected error(code: string, syscall: string, context: ErrorContext): HawserError {
    const error = codeError(code, syscall, { ...this.place(), ...context });
    makers.set(error, this);
    return error;
  }

  /** @internal The error of an open connection by its number, with how far the bytes came. */
  protected failure(errno: number, syscall: string): HawserError {
    // Here the kernel gives up by its keepalive, or after its own number of retransmissions.
    const reason = errnoName(errno) === "ETIMEDOUT" ? "PEER_UNREACHABLE" : undefined;
    const bytes = this.bytesSoFar();
    const known = this.channel?.failure ?? null;
    if (known !== null) {
      const { message, code, phase = "open", cause } = known;
      return new HawserError(message, { ...this.place(), code, phase, cause, bytes });
    }
    return errnoError(errno, syscall, { ...this.place(), phase: "open", reason, bytes });
  }

  /** @internal How far what was written came; undefined where nobody knows. */
  protected bytesSoFar(): ErrorBytes | undefined {
    const { channel } = this;
    if (channel === null || this.policy.transport !== "tcp") return undefined;
    const { slot, generation } = channel;
    // Also where it is to be closed already: so a failure of TLS, whose alert still goes out.
    const descriptor = Math.max(-1, reactor.descriptorOf(slot, generation));
    const handedOver = this.handedOver();
    const carried = channel.carriedBytes ?? handedOver;
    const info = tryTransferCounts(descriptor);
    const counted = errorBytes(info, handedOver, this.outbound !== null, carried);
    if (counted !== undefined) return counted;
    return errorBytesLeft(reactor.unacknowledgedBytes(slot, generation), handedOver);
  }

  /** @internal What outstanding receives and sends reject with when we end it ourselves. */
  protected cancelled(syscall: string): HawserError {
    return this.error("ECANCELED", syscall, { phase: "close" });
  }

  /**
   * @internal Takes a step in the table of states. Who listens is told in a microtask: never inside
   *   a
   * call of the application's, and always in order. The last state is told with the close.
   */
  protected transition(event: ConnectionEvent): void {
    const previous = this.current;
    const state = next(CONNECTION_STATES, previous, event);
    if (state === undefined || state === previous) return;
    this.current = state;
    if (this.policy.state === undefined && !tracesStates()) return;
    if (isTerminal(CONNECTION_STATES, state)) return;
    const { stateReason } = this;
    queueMicrotask(() => this.tellState(state, previous, stateReason));
  }

  /** @internal */
  protected tellState(
    state: ConnectionState,
    previous: ConnectionState,
    reason: HawserError | null,
  ): void {
    traceState(this as unknown as Connection<never>, state, previous, reason);
    if (this.policy.state !== undefined) this.call(this.policy.state, state, reason);
  }

  /** @internal Calls a handler; what it throws ends this connection and no other (B55). */
  protected call(callback: (...args: never[]) => unknown, ...rest: unknown[]): void {
    try {
      const result = (callback as (...args: unknown[]) => unknown)(this, ...rest);
      if (result !== undefined) this.watch(result);
    } catch (error) {
      this.handlerFailed(error);
    }
  }

  /** @internal A promise that a callback returned: its rejection is the handler's failure. */
  protected watch(result: unknown): void {
    if (typeof (result as PromiseLike<unknown>)?.then !== "function") return;
    (result as PromiseLike<unknown>).then(undefined, (error) => this.handlerFailed(error));
  }

  /** @internal */
  handlerFailed(error: unknown): void {
    const isOwn = typeof error === "object" && error !== null && this.made(error);
    if (isOwn) {
      // It only says what the connection knows already.
      this.policy.owner?.handlerEndedByPeer();
      this.conclude();
      return;
    }
    this.abort();
    report(error);
  }

  /** @internal Whether an error only says what this connection knows already. */
  protected made(error: object): boolean {
    return error === this.ending?.error || makers.get(error) === this;
  }

  /** @internal Something was sent or received. Called only where there are bounds. */
  protected touch(): void {
    const { idleTimeout } = this.policy;
    if (idleTimeout === 0 || this.ending !== null) return;
    const bounds = this.bound();
    bounds.idle ??= new Deadline<DeadlineOwner>(this);
    setDeadline(bounds.idle, idleTimeout);
  }

  /** @internal */
  protected bound(): Bounds {
    this.bounds ??= { idle: null, close: null, drainTo: Number.POSITIVE_INFINITY };
    return this.bounds;
  }

  /** @internal From now on there is `closeTimeout` left. */
  protected startCloseTimeout(): void {
    const bounds = this.bound();
    bounds.close ??= new Deadline<DeadlineOwner>(this);
    setDeadline(bounds.close, this.policy.closeTimeout);
  }

  /** @internal */
  protected clearBounds(): void {
    if (this.bounds === null) return;
    if (this.bounds.idle !== null) clearDeadline(this.bounds.idle);
    if (this.bounds.close !== null) clearDeadline(this.bounds.close);
  }
}
