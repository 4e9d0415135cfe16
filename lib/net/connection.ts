// A connection over TCP or a Unix socket: its states, its two directions, and how it ends.
// Not here: how it is established (establishment.ts), the receive queue (lib/core), the kernel
// (lib/socket), what listeners do (listener.ts).
//
// Longer than most: the two directions and the ending share one set of flags, and the hot path
// goes through here without another object between.

import { bytesOf } from "../core/byte-stream.ts";
import { COPY_THRESHOLD_BYTES, LINGER_DRAIN_BYTES } from "../core/limits.ts";
import { Deadline } from "../core/deadlines.ts";
import {
  CONNECTION_STATES,
  type ConnectionEvent,
  type ConnectionState,
  next,
} from "../core/states.ts";
import { Receiver } from "../core/receiver.ts";
import { quiet, SendWaiters } from "../core/send-waiters.ts";
import {
  codeError,
  type ErrorContext,
  errnoError,
  errnoName,
  type HawserError,
  invalidState,
  rejectUnknownKeys,
  requireObject,
  requireSignal,
} from "../errors/index.ts";
import { nameOf, peerOf, type SocketAddressInfo } from "../socket/address.ts";
import { getOption, type SocketOptionName, setOption } from "../socket/options.ts";
import { mustWaitForLoop, nextIteration, reactor, report } from "../socket/reactor.ts";
import { StreamChannel, type StreamSink } from "../socket/stream-channel.ts";
import type { TcpInfo } from "../socket/tcp-info.ts";
import { clearDeadline, type DeadlineOwner, setDeadline } from "./clock.ts";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import { Establishment, type EstablishmentOwner } from "./establishment.ts";
import {
  type ConnectParameters,
  parseConnectOptions,
  type StreamParameters,
} from "./parameters.ts";
import { errorBytes, transferReport, tryTcpInfo } from "./transfer.ts";
import type {
  AddressFamily,
  CloseResult,
  ConnectOptions,
  EstablishmentReport,
  ReceiveOptions,
  SendData,
  SendOptions,
  SocketOptionValue,
  StreamEndpoint,
  TransferReport,
} from "./types.ts";

/** A channel that a listener has accepted. */
export interface Accepted {
  readonly slot: number;
  readonly generation: number;
  readonly parameters: StreamParameters;
  readonly transport: "tcp" | "unix";
  /** Told when the connection is over. */
  readonly owner: ConnectionOwner;
}

export interface ConnectionOwner {
  connectionClosed(connection: Connection<never>): void;
}

interface Ending {
  readonly event: "finished" | "abort" | "fail";
  readonly error: HawserError | null;
  readonly initiator: CloseResult["initiator"];
  readonly info: TcpInfo | null;
}

interface Closed {
  readonly promise: Promise<CloseResult>;
  readonly resolve: (result: CloseResult) => void;
}

interface Ready<C> {
  readonly promise: Promise<C>;
  readonly resolve: (connection: C) => void;
  readonly reject: (reason: unknown) => void;
}

// Facts that are true or not; one number, so that an idle connection stays small.
const PAUSED = 1 << 0; // by the application
const STOPPED = 1 << 1; // reading is held back in the kernel
const NEEDS_DRAIN = 1 << 2; // above the send mark
const PEER_ENDED = 1 << 3; // End has come
const END_TOLD = 1 << 4; // and the application knows
const SHUT = 1 << 5; // our FIN is on its way
const CLOSING = 1 << 6; // close() was called
const OPENED = 1 << 7; // `open` was called
const WAS_READ = 1 << 8; // receive() was called at least once
const FINISHING = 1 << 9; // our end will follow in the next iteration of the loop
const UNREFERENCED = 1 << 10;
const END_HELD = 1 << 11; // whoever wraps this connection ends the sending side

const RESOLVED = Promise.resolve();
const SEND_KEYS: ReadonlySet<string> = new Set(["signal"]);
const ITERATION_DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * A byte stream with states: TCP or a Unix socket, with the policy that bare sockets lack.
 * `connect()` makes, starts and awaits one; `listen()` accepts them.
 */
export class Connection<T = unknown>
  implements AsyncIterable<Buffer>, AsyncDisposable, StreamSink, EstablishmentOwner, DeadlineOwner
{
  /** The application's own; undefined until it is set. */
  data: T = undefined as T;

  readonly #parameters: StreamParameters;
  #channel: StreamChannel | null = null;
  #state: ConnectionState;
  #flags = 0;
  #bytesRead = 0;
  /** Bytes written before there was a channel. */
  #early: Uint8Array[] | null = null;
  #receiver: Receiver | null = null;
  #waiters: SendWaiters | null = null;
  #ending: Ending | null = null;
  #closed: Closed | null = null;
  #deadlines: { idle?: Deadline<DeadlineOwner>; close?: Deadline<DeadlineOwner> } | null = null;
  /** What only a connection that was made here has, or what only a listener's has. */
  #origin: Outbound<T> | Accepted;

  /** @throws TypeError or RangeError for wrong arguments. Nothing is opened yet. */
  constructor(endpoint: StreamEndpoint | URL, options?: ConnectOptions<T>);
  /** @internal */
  constructor(accepted: Accepted);
  constructor(first: StreamEndpoint | URL | Accepted, options?: ConnectOptions<T>) {
    if (isAccepted(first)) {
      this.#parameters = first.parameters;
      this.#origin = first;
      this.#state = "ready";
      const channel = new StreamChannel(this);
      this.#channel = channel;
      channel.attach(first.slot, first.generation);
      if (this.#parameters.idleTimeout > 0) this.#touch();
    } else {
      const endpoint = parseEndpoint(first, "connect");
      const parameters = parseConnectOptions(options);
      this.#parameters = parameters as unknown as StreamParameters;
      this.#origin = new Outbound<T>(endpoint, parameters, options ?? {});
      this.#state = CONNECTION_STATES.initial;
    }
  }

  // --------------------------------------------------------------------------- establishment

  /** Starts the establishment. Once; afterwards a TypeError with ERR_INVALID_STATE. */
  start(): this {
    const origin = this.#origin;
    if (!(origin instanceof Outbound) || this.#state !== "setup") {
      throw invalidState("start() must be called once, on a connection that was constructed");
    }
    const { parameters } = origin;
    this.#transition("start");
    origin.establishment = new Establishment(origin.endpoint, parameters, this);
    if (parameters.signal?.aborted) {
      queueMicrotask(() => this.#fail(parameters.signal?.reason, "local"));
      return this;
    }
    origin.watchSignal((reason) => this.#fail(reason, "local"));
    if (parameters.connectTimeout > 0) {
      origin.deadline = new Deadline<DeadlineOwner>(this);
      setDeadline(origin.deadline, parameters.connectTimeout);
    }
    // Nothing of the user's runs inside this call, a failure that is known at once included.
    queueMicrotask(() => {
      if (this.#state === "preparing" || this.#state === "closing") origin.establishment?.start();
    });
    return this;
  }

  /** Resolves at `ready`, rejects with what `connect()` would reject with. Never unhandled. */
  get ready(): Promise<this> {
    const origin = this.#origin;
    if (!(origin instanceof Outbound)) return Promise.resolve(this);
    origin.ready ??= deferReady();
    if (this.#flags & OPENED) origin.ready.resolve(this);
    else if (this.#ending !== null && this.#channel === null) {
      origin.ready.reject(this.#ending.error ?? this.#cancelled("connect"));
    }
    return origin.ready.promise as unknown as Promise<this>;
  }

  /** @internal */
  established(channel: StreamChannel): void {
    const origin = this.#origin as Outbound<T>;
    origin.settle();
    this.#channel = channel;
    channel.setSink(this);
    if (this.#flags & UNREFERENCED) channel.setReferenced(false);
    const early = this.#early ?? [];
    this.#early = null;
    for (const bytes of early) channel.write(bytes);
    const info = origin.endpoint.transport === "unix" ? null : tryTcpInfo(this.fd);
    origin.report = origin.establishment?.report(info?.roundTripTimeMs ?? null) ?? null;
    this.#transition("established");
    if (this.#parameters.idleTimeout > 0) this.#touch();
    this.opened();
    if (origin.ready !== null) origin.ready.resolve(this);
    if (this.#flags & SHUT) channel.shutdown();
  }

  /** @internal */
  establishmentFailed(error: Error): void {
    this.#fail(error as HawserError, "network");
  }

  /** @internal Calls `open`, once. */
  opened(): void {
    this.#flags |= OPENED;
    const { open } = this.#parameters;
    if (open !== undefined) this.#call(open);
  }

  // --------------------------------------------------------------------------------- properties

  get state(): ConnectionState {
    return this.#state;
  }

  /** Why the state is `waiting` or `failed`, else null. */
  get stateReason(): HawserError | null {
    return this.#state === "failed" ? (this.#ending?.error ?? null) : null;
  }

  /** The options in force, defaults filled in. Frozen. */
  get options(): Readonly<ConnectOptions<T>> {
    return this.#parameters as unknown as ConnectOptions<T>;
  }

  get transport(): "tcp" | "unix" {
    const origin = this.#origin;
    if (!(origin instanceof Outbound)) return origin.transport;
    return origin.endpoint.transport === "unix" ? "unix" : "tcp";
  }

  /** The descriptor, for socket options; -1 while there is none. It stays the connection's. */
  get fd(): number {
    const channel = this.#channel;
    if (channel === null || channel.isClosed) return -1;
    return Math.max(-1, reactor.descriptorOf(channel.slot, channel.generation));
  }

  get remoteAddress(): string | undefined {
    return this.#remote()?.address;
  }

  get remotePort(): number | undefined {
    return this.#remote()?.port;
  }

  get remoteFamily(): AddressFamily | undefined {
    return this.#remote()?.family;
  }

  get localAddress(): string | undefined {
    return this.#local()?.address;
  }

  get localPort(): number | undefined {
    return this.#local()?.port;
  }

  get localFamily(): AddressFamily | undefined {
    return this.#local()?.family;
  }

  /** Bytes received, counted when they leave the kernel. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Bytes written by the application, those still queued included, as in node:net. */
  get bytesWritten(): number {
    return this.#channel === null ? this.#earlyBytes() : this.#channel.writtenBytes;
  }

  /** Bytes written that the kernel has not taken yet. */
  get bufferedAmount(): number {
    return this.#channel === null ? this.#earlyBytes() : this.#channel.bufferedBytes;
  }

  /** Whether `write` would return false now. */
  get writableNeedDrain(): boolean {
    return (this.#flags & NEEDS_DRAIN) !== 0;
  }

  get isPaused(): boolean {
    return (this.#flags & PAUSED) !== 0;
  }

  /** How it became ready; null before. */
  get establishmentReport(): EstablishmentReport | null {
    const origin = this.#origin;
    return origin instanceof Outbound ? origin.report : null;
  }

  #remote(): SocketAddressInfo | undefined {
    const channel = this.#channel;
    if (channel === null) return undefined;
    const { slot, generation } = channel;
    // The name of a Unix peer is the kernel's to tell; an address stays with the slot.
    const known = peerOf(reactor, slot, generation);
    return known?.family === "unix" ? nameOf(reactor, slot, generation, true) : known;
  }

  #local(): SocketAddressInfo | undefined {
    const channel = this.#channel;
    return channel === null ? undefined : nameOf(reactor, channel.slot, channel.generation, false);
  }

  #earlyBytes(): number {
    return (this.#early ?? []).reduce((sum, bytes) => sum + bytes.length, 0);
  }

  // ------------------------------------------------------------------------------------ sending

  /**
   * Queues bytes, and returns false when more than `sendHighWaterMark` wait; `drain` comes then.
   * What is written in one turn to one connection leaves in one system call. Never throws but for a
   * wrong argument; after close or a failure nothing is queued, and false is returned.
   */
  write(data: SendData): boolean {
    if (!(data instanceof Uint8Array) && typeof data !== "string") return this.write(bytesOf(data));
    const channel = this.#channel;
    if (this.#flags & (SHUT | CLOSING) || this.#ending !== null) return false;
    if (channel === null) return this.#writeEarly(data);
    if (typeof data === "string") channel.writeText(data);
    else channel.write(data);
    if (this.#deadlines !== null) this.#touch();
    return this.#flags & NEEDS_DRAIN ? false : this.#judge(channel);
  }

  #judge(channel: StreamChannel): boolean {
    if (channel.bufferedBytes <= this.#parameters.sendHighWaterMark) return true;
    this.#flags |= NEEDS_DRAIN;
    channel.tell();
    return false;
  }

  #writeEarly(data: Uint8Array | string): boolean {
    // Kept as it is only if it is large, as after the connection is there.
    const bytes =
      typeof data !== "string" && data.length > COPY_THRESHOLD_BYTES
        ? data
        : Buffer.from(data as string);
    this.#early ??= [];
    this.#early.push(bytes);
    if (this.#earlyBytes() <= this.#parameters.sendHighWaterMark) return true;
    this.#flags |= NEEDS_DRAIN;
    return false;
  }

  /**
   * Queues bytes. Resolves when the kernel has taken them, or sooner: a copied payload (up to
   * 4 KiB) once fewer than `sendHighWaterMark` bytes wait, one kept by reference no earlier than the
   * kernel has taken its last byte.
   *
   * @throws TypeError at once for a wrong argument. Rejects with EPIPE after `shutdown()` or
   *   `close()`, with ECANCELED when a local `close()` or `abort()` cut it off, with the failure
   *   itself after a failure, with `signal.reason`. These never count as unhandled rejections.
   */
  send(data: SendData, options?: SendOptions): Promise<void> {
    const bytes = data instanceof Uint8Array || typeof data === "string" ? data : bytesOf(data);
    const signal = options === undefined ? undefined : readSendSignal(options);
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    if (this.#flags & (SHUT | CLOSING) || this.#ending !== null) {
      return quiet(Promise.reject(this.#whyNotSending()));
    }
    const needsDrain = !this.write(bytes);
    const sent = this.#whenSent(bytes, needsDrain);
    return signal === undefined || sent === RESOLVED ? sent : untilAborted(sent, signal);
  }

  #whenSent(bytes: Uint8Array | string, needsDrain: boolean): Promise<void> {
    const channel = this.#channel;
    if (channel !== null && bytes.length > COPY_THRESHOLD_BYTES && typeof bytes !== "string") {
      if (channel.bufferedBytes === 0) return RESOLVED;
      this.#waiters ??= new SendWaiters();
      return this.#waiters.whenTaken(channel.writtenBytes);
    }
    if (needsDrain) {
      this.#waiters ??= new SendWaiters();
      return this.#waiters.whenDrained();
    }
    if (
      channel !== null &&
      mustWaitForLoop(channel, bytes.length, this.#parameters.sendHighWaterMark)
    ) {
      return nextIteration();
    }
    return RESOLVED;
  }

  #whyNotSending(): unknown {
    const ending = this.#ending;
    if (ending?.event === "fail") return ending.error;
    return codeError("EPIPE", "write", { ...this.#place(), phase: "open" });
  }

  /** @internal */
  onFlushed(): void {
    const channel = this.#channel as StreamChannel;
    const buffered = channel.bufferedBytes;
    this.#waiters?.advance(channel.writtenBytes - buffered);
    if (this.#flags & NEEDS_DRAIN) {
      if (buffered <= this.#parameters.sendHighWaterMark >>> 1) this.#drained();
      else channel.tell();
    }
    if (buffered === 0 && this.#flags & SHUT && this.#flags & PEER_ENDED) this.#finishIfDone();
  }

  #drained(): void {
    this.#flags &= ~NEEDS_DRAIN;
    this.#waiters?.drained();
    const { drain } = this.#parameters;
    // A flush may have been made by a write of the user's own, inside which nothing else runs.
    if (drain !== undefined) queueMicrotask(() => this.#ending === null && this.#call(drain));
  }

  /** @internal */
  onSendFailed(errno: number): void {
    // What arrived before is still read; then the reactor tells the same error again. A reader who
    // does not come must not keep it from being told: there is nothing left to hold back.
    this.#waiters?.reject(errnoError(errno, "write", { ...this.#place(), phase: "open" }));
    this.#waiters = null;
    this.#flags |= SHUT;
    this.#resumeReading();
  }

  // ---------------------------------------------------------------------------------- receiving

  /** @internal */
  onReceived(slab: Buffer, offset: number, length: number): void {
    this.#bytesRead += length;
    if (this.#deadlines !== null) this.#touch();
    if (this.#flags & CLOSING) {
      if (this.#bytesRead > this.#drainLimit) this.#abandonClose();
      return;
    }
    const { data, lend } = this.#parameters;
    if (data !== undefined && (this.#flags & PAUSED) === 0) {
      const lent = slab.subarray(offset, offset + length);
      this.#deliver(data, lend ? lent : own(lent));
      return;
    }
    const receiver = this.#reading();
    receiver.append(slab.subarray(offset, offset + length));
    this.#adjustReading(receiver);
  }

  #drainLimit = Number.MAX_SAFE_INTEGER;

  #deliver(data: (connection: never, bytes: Buffer) => unknown, bytes: Buffer): void {
    try {
      const result = data(this as never, bytes);
      if (result !== undefined) this.#watch(result);
    } catch (error) {
      this.#handlerFailed(error);
    }
  }

  #reading(): Receiver {
    this.#receiver ??= new Receiver(this.#parameters.receiveHighWaterMark, () => this.#consumed());
    return this.#receiver;
  }

  // The kernel is asked for more while the queue is below its mark.
  #adjustReading(receiver: Receiver): void {
    const isStopped = (this.#flags & STOPPED) !== 0;
    if (receiver.isFull === isStopped) return;
    if (receiver.isFull) {
      this.#flags |= STOPPED;
      this.#channel?.pause();
    } else {
      this.#resumeReading();
    }
  }

  #resumeReading(): void {
    this.#flags &= ~STOPPED;
    this.#channel?.resume();
  }

  #consumed(): void {
    const receiver = this.#receiver as Receiver;
    this.#flags |= WAS_READ;
    if ((this.#flags & (PEER_ENDED | CLOSING)) === 0 && this.#ending === null) {
      this.#adjustReading(receiver);
    }
  }

  /**
   * Resolves with at least `min` and at most `max` bytes, with what came before the end, or with
   * null at the end, again and again. Data that arrived before a failure comes before it.
   *
   * @throws RangeError for `min` over 16 MiB or over `max`; TypeError with ERR_INVALID_STATE where
   *   the `data` callback is given. Rejects with the failure, with ECANCELED on a local close, with
   *   `signal.reason`.
   */
  receive(options?: ReceiveOptions): Promise<Buffer | null> {
    if (this.#parameters.data !== undefined) {
      throw invalidState(
        "receive() cannot be used beside the data callback, which gets everything",
      );
    }
    const promise = quiet(this.#reading().receive(options));
    if (this.#flags & PEER_ENDED && this.#receiver?.isDrained) this.#endConsumed();
    return promise;
  }

  /**
   * Iterates over what arrives. Ends on a clean end and on a local `close()`; throws otherwise,
   * after all data. `break` closes nothing and loses nothing: iterate again, or `receive()`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    const toResult = (bytes: Buffer | null): IteratorResult<Buffer, undefined> =>
      bytes === null ? ITERATION_DONE : { done: false, value: bytes };
    const toEnd = (error: unknown): IteratorResult<Buffer, undefined> => {
      if (this.#flags & CLOSING || this.#ending?.event === "abort") return ITERATION_DONE;
      throw error;
    };
    return {
      next: () => this.receive().then(toResult, toEnd),
      return: () => Promise.resolve(ITERATION_DONE),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** No `data` from now on, and nothing read from the kernel: the peer sees the window close. */
  pause(): this {
    if (this.#flags & PAUSED) return this;
    this.#flags |= PAUSED | STOPPED;
    this.#channel?.pause();
    return this;
  }

  resume(): this {
    if ((this.#flags & PAUSED) === 0) return this;
    this.#flags &= ~PAUSED;
    // What was held is delivered first, and not inside this call.
    queueMicrotask(() => this.#resumed());
    return this;
  }

  #resumed(): void {
    if (this.#flags & (PAUSED | CLOSING) || this.#ending !== null) return;
    const { data } = this.#parameters;
    const held = data === undefined ? undefined : this.#receiver?.takeAll();
    if (data !== undefined && held !== undefined) this.#deliver(data, held);
    if ((this.#flags & (PAUSED | CLOSING)) === 0 && this.#ending === null) {
      if (!this.#receiver?.isFull) this.#resumeReading();
    }
  }

  /** @internal */
  onEnded(): void {
    this.#flags |= PEER_ENDED;
    if (this.#flags & CLOSING) {
      this.#finishIfDone();
      return;
    }
    if (this.#parameters.data !== undefined) {
      this.#endConsumed();
      return;
    }
    const receiver = this.#receiver;
    const isAwaited = receiver?.isWaiting === true;
    receiver?.end();
    if (receiver === null) this.#reading().end();
    // Nobody has ever asked and nothing is unread, or somebody has just been told.
    if (isAwaited || ((this.#flags & WAS_READ) === 0 && this.#receiver?.isDrained)) {
      this.#endConsumed();
    } else {
      // Whoever does not come back to read the rest does not hold the connection for ever.
      this.#setCloseDeadline();
    }
  }

  /**
   * @internal For whoever puts a stream with buffers of its own around this connection: what those
   * still hold when the peer's end is consumed must go out before our own, which is then the
   * wrapper's to send.
   */
  holdEnd(): void {
    this.#flags |= END_HELD;
  }

  // The application knows that the peer has finished. Our own end follows in the next iteration of
  // the loop, so that what it answers now still goes out before it (B16).
  #endConsumed(): void {
    if (this.#flags & END_TOLD) return;
    this.#flags |= END_TOLD;
    const { end, allowHalfOpen } = this.#parameters;
    if (end !== undefined) this.#callLater(end);
    if (allowHalfOpen || this.#flags & END_HELD) {
      if (this.#deadlines?.close !== undefined) clearDeadline(this.#deadlines.close);
      this.#finishIfDone();
      return;
    }
    this.#flags |= FINISHING;
    void nextIteration().then(() => this.#followEnd());
  }

  #followEnd(): void {
    if (this.#ending !== null || this.#flags & (SHUT | CLOSING)) return;
    this.#setCloseDeadline();
    this.#flags |= SHUT;
    this.#transition("peerFinished");
    this.#finishIfDone();
  }

  // Both sides have ended: the descriptor closes after what is still to be flushed.
  #finishIfDone(): void {
    if ((this.#flags & SHUT) === 0 || (this.#flags & PEER_ENDED) === 0) return;
    const initiator = this.#flags & CLOSING ? "local" : "peer";
    this.#end("finished", null, initiator);
  }

  /** @internal */
  onFailed(errno: number): void {
    const byPeer = isPeersDoing(errno);
    this.#fail(this.#failure(errno), byPeer ? "peer" : "network");
  }

  #failure(errno: number): HawserError {
    const handedOver = this.#handedOver();
    const bytes = errorBytes(tryTcpInfo(this.fd), handedOver);
    return errnoError(errno, "read", { ...this.#place(), phase: "open", bytes });
  }

  #handedOver(): number {
    const channel = this.#channel;
    return channel === null ? 0 : channel.writtenBytes - channel.bufferedBytes;
  }

  /** @internal */
  onTroubled(): void {
    // The connection is gone beneath; what the kernel still holds is read, and then the reason.
    if ((this.#flags & CLOSING) === 0) this.#resumeReading();
  }

  /** @internal */
  onConnected(): void {}
  /** @internal */
  onReadable(): void {}

  // ------------------------------------------------------------------------------------- ending

  /** FIN after all that was written; receiving goes on. See shutdown(2). */
  shutdown(): Promise<void> {
    if (this.#ending !== null || this.#flags & (SHUT | CLOSING)) return Promise.resolve();
    this.#flags |= SHUT;
    const channel = this.#channel;
    if (channel === null) return Promise.resolve();
    this.#waiters ??= new SendWaiters();
    const flushed =
      channel.bufferedBytes === 0 ? RESOLVED : this.#waiters.whenTaken(channel.writtenBytes);
    channel.shutdown();
    return flushed;
  }

  /**
   * Ends without loss: flushes, shuts down, reads until the peer's end, closes. After
   * `options.closeTimeout` it aborts. Never rejects; the same promise as `closed`.
   */
  close(): Promise<CloseResult> {
    const { closed } = this;
    if (this.#ending !== null || this.#flags & CLOSING) return closed;
    this.#flags |= CLOSING;
    const before = this.#state;
    this.#transition("close");
    this.#receiver?.cancel(this.#cancelled("read"));
    if (before === "setup" || before === "waiting") {
      this.#end("finished", null, "local");
      return closed;
    }
    this.#setCloseDeadline();
    const isShut = (this.#flags & SHUT) !== 0;
    this.#flags |= SHUT;
    if (this.#channel === null) return closed;
    this.#drainLimit = this.#bytesRead + LINGER_DRAIN_BYTES;
    if (this.#flags & PEER_ENDED) this.#finishIfDone();
    else {
      if (!isShut) this.#channel.shutdown();
      this.#resumeReading();
    }
    return closed;
  }

  /** RST now (SO_LINGER 0, socket(7)): queued bytes are lost, the descriptor is free this turn. */
  abort(): void {
    this.#end("abort", null, "local");
  }

  /** Settles when the state is `closed` or `failed`. Never rejects. */
  get closed(): Promise<CloseResult> {
    if (this.#closed === null) {
      let resolve: (result: CloseResult) => void = () => {};
      const promise = new Promise<CloseResult>((fulfil) => {
        resolve = fulfil;
      });
      this.#closed = { promise, resolve };
      if (this.#ending !== null && (this.#channel === null || this.#channel.isClosed)) {
        resolve(this.#result(this.#ending));
      }
    }
    return this.#closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal A limit of our own has passed. */
  expired(deadline: Deadline<DeadlineOwner>): void {
    if (deadline === this.#deadlines?.close) {
      this.#abandonClose();
    } else if (deadline === this.#deadlines?.idle) {
      const reason = "IDLE_TIMEOUT";
      this.#fail(
        codeError("ETIMEDOUT", "read", { ...this.#place(), phase: "open", reason }),
        "local",
      );
    } else if (this.#origin instanceof Outbound) {
      const { endpoint, establishment } = this.#origin;
      const { host, path, port } = endpoint;
      const phase = establishment?.phase ?? "connect";
      const reason = "CONNECT_TIMEOUT";
      const place = { address: host ?? path, port, phase, reason };
      this.#fail(codeError("ETIMEDOUT", "connect", place), "local");
    }
  }

  // The peer has not come to an end within the time or the bytes that close() gives it.
  #abandonClose(): void {
    const error =
      this.#flags & CLOSING
        ? codeError("ETIMEDOUT", "close", {
            ...this.#place(),
            phase: "close",
            reason: "CLOSE_TIMEOUT",
          })
        : null;
    if (this.#flags & CLOSING || this.#flags & SHUT) this.#end("abort", error, "local");
    else this.#followEnd();
  }

  #fail(error: unknown, initiator: CloseResult["initiator"]): void {
    this.#end("fail", error as HawserError, initiator);
  }

  // The one way out: settles who waits, lets go of the descriptor, and tells when it is gone.
  #end(
    event: Ending["event"],
    error: HawserError | null,
    initiator: CloseResult["initiator"],
  ): void {
    if (this.#ending !== null) return;
    const info = this.#closed === null ? null : tryTcpInfo(this.fd);
    this.#ending = { event, error, initiator, info };
    if (event !== "finished") this.#transition(event);
    if (this.#deadlines !== null) this.#clearDeadlines(event === "finished");
    if (this.#origin instanceof Outbound) this.#origin.cancel();
    const why = event === "fail" ? error : this.#cancelled("write");
    if (event !== "finished") {
      this.#waiters?.reject(why);
      if (event === "fail") this.#receiver?.end(error);
      else this.#receiver?.cancel(this.#cancelled("read"));
    }
    const channel = this.#channel;
    if (channel === null) queueMicrotask(() => this.onClosed());
    else if (event === "finished") channel.close();
    else channel.abort();
  }

  /** @internal */
  onClosed(): void {
    const ending = this.#ending as Ending;
    if (ending.event === "finished") this.#transition("finished");
    this.#waiters?.reject(this.#cancelled("write"));
    if (this.#deadlines !== null) this.#clearDeadlines(false);
    // After the settled promises of those who waited have been heard (B20).
    queueMicrotask(() => this.#tellClosed(ending));
  }

  #tellClosed(ending: Ending): void {
    const { event, error } = ending;
    const origin = this.#origin;
    if (this.#flags & OPENED) {
      const { close } = this.#parameters;
      if (close !== undefined) this.#call(close as never, event === "fail" ? error : null);
    } else if (origin instanceof Outbound) {
      origin.ready?.reject(error ?? this.#cancelled("connect"));
    }
    this.#closed?.resolve(this.#result(ending));
    if (!(origin instanceof Outbound)) origin.owner.connectionClosed(this as never);
  }

  #result({ error, initiator, info }: Ending): CloseResult {
    return { error, initiator, transfer: this.#transfer(info) };
  }

  // ------------------------------------------------------------------------------------ the rest

  /** The kernel's counters now; null for Unix sockets and after the end. One system call. */
  info(): TcpInfo | null {
    return this.transport === "unix" ? null : tryTcpInfo(this.fd);
  }

  transferReport(): TransferReport {
    return this.#transfer(this.#ending?.info ?? this.info());
  }

  #transfer(info: TcpInfo | null): TransferReport {
    return transferReport(
      { durationMs: 0, bytesRead: this.#bytesRead, bytesHandedOver: this.#handedOver() },
      info,
    );
  }

  /** Raw option in the kernel's own unit. @throws HawserError: ENOPROTOOPT, EINVAL, EBADF. */
  getOption(name: SocketOptionName): SocketOptionValue {
    return getOption(this, name as never) as SocketOptionValue;
  }

  setOption(name: SocketOptionName, value: SocketOptionValue): void {
    setOption(this, name as never, value as never);
  }

  /** Whether this connection keeps the process alive. Default yes. */
  ref(): this {
    this.#flags &= ~UNREFERENCED;
    this.#channel?.setReferenced(true);
    return this;
  }

  unref(): this {
    this.#flags |= UNREFERENCED;
    this.#channel?.setReferenced(false);
    return this;
  }

  #place(): ErrorContext {
    const remote = this.#remote();
    const local = this.#local();
    if (remote?.family === "unix") return { address: remote.address };
    return {
      address: remote?.address,
      port: remote?.port,
      localAddress: local?.address,
      localPort: local?.port,
    };
  }

  #cancelled(syscall: string): HawserError {
    return codeError("ECANCELED", syscall, { phase: "close" });
  }

  #transition(event: ConnectionEvent): void {
    const state = next(CONNECTION_STATES, this.#state, event);
    if (state === undefined || state === this.#state) return;
    this.#state = state;
    const { state: told } = this.#parameters;
    if (told === undefined) return;
    const reason = state === "failed" ? (this.#ending?.error ?? null) : null;
    // Never inside a call of the user's, and always in order: microtasks are both.
    queueMicrotask(() => this.#call(told as never, state, reason));
  }

  #touch(): void {
    const { idleTimeout } = this.#parameters;
    if (idleTimeout === 0 || this.#ending !== null) return;
    this.#deadlines ??= {};
    this.#deadlines.idle ??= new Deadline<DeadlineOwner>(this);
    setDeadline(this.#deadlines.idle, idleTimeout);
  }

  #setCloseDeadline(): void {
    this.#deadlines ??= {};
    this.#deadlines.close ??= new Deadline<DeadlineOwner>(this);
    setDeadline(this.#deadlines.close, this.#parameters.closeTimeout);
  }

  #clearDeadlines(keepClose: boolean): void {
    const { idle, close } = this.#deadlines ?? {};
    if (idle !== undefined) clearDeadline(idle);
    if (close !== undefined && !keepClose) clearDeadline(close);
  }

  #call(callback: (...args: never[]) => unknown, ...rest: unknown[]): void {
    try {
      const result = (callback as (...args: unknown[]) => unknown)(this, ...rest);
      if (result !== undefined) this.#watch(result);
    } catch (error) {
      this.#handlerFailed(error);
    }
  }

  #callLater(callback: (...args: never[]) => unknown): void {
    queueMicrotask(() => this.#call(callback));
  }

  /** A promise that a callback returned: its rejection is the handler's failure. */
  #watch(result: unknown): void {
    if (typeof (result as PromiseLike<unknown>)?.then !== "function") return;
    (result as PromiseLike<unknown>).then(undefined, (error) => this.#handlerFailed(error));
  }

  #handlerFailed(error: unknown): void {
    // The connection's own error, which the handler passed on: it ends that connection quietly.
    if (error !== null && error === this.#ending?.error) return;
    this.abort();
    report(error);
  }
}

// What a connection has that was made here, and an accepted one has not.
class Outbound<T> {
  readonly endpoint: Endpoint;
  readonly parameters: ConnectParameters;
  readonly options: ConnectOptions<T>;
  establishment: Establishment | null = null;
  report: EstablishmentReport | null = null;
  ready: Ready<unknown> | null = null;
  deadline: Deadline<DeadlineOwner> | null = null;
  #stopWatching: (() => void) | null = null;

  constructor(endpoint: Endpoint, parameters: ConnectParameters, options: ConnectOptions<T>) {
    this.endpoint = endpoint;
    this.parameters = parameters;
    this.options = options;
  }

  watchSignal(aborted: (reason: unknown) => void): void {
    const { signal } = this.parameters;
    if (signal === undefined) return;
    const listener = () => aborted(signal.reason);
    signal.addEventListener("abort", listener, { once: true });
    this.#stopWatching = () => signal.removeEventListener("abort", listener);
  }

  /** The establishment is over. */
  settle(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
    if (this.deadline !== null) clearDeadline(this.deadline);
    this.deadline = null;
  }

  cancel(): void {
    this.settle();
    this.establishment?.cancel();
  }
}

function isAccepted(value: object | string): value is Accepted {
  return typeof value === "object" && "generation" in value;
}

function deferReady(): Ready<unknown> {
  let resolve: (value: unknown) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = quiet(
    new Promise<unknown>((fulfil, refuse) => {
      resolve = fulfil;
      reject = refuse;
    }),
  );
  return { promise, resolve, reject };
}

/** An owned copy of lent bytes. Small ones come from Node's pool of 8 KiB blocks. */
function own(lent: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(lent.length);
  copy.set(lent);
  return copy;
}

function readSendSignal(options: SendOptions): AbortSignal | undefined {
  rejectUnknownKeys(requireObject(options, "options"), SEND_KEYS, "send()");
  return options.signal === undefined ? undefined : requireSignal(options.signal, "signal");
}

function untilAborted(sent: Promise<void>, signal: AbortSignal): Promise<void> {
  return quiet(
    new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      sent.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    }),
  );
}

const PEERS_DOING: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ECONNREFUSED"]);

function isPeersDoing(errno: number): boolean {
  return PEERS_DOING.has(errnoName(errno));
}
