// A listener over TCP or a Unix socket: binding, limits, credits, back-off, and a graceful end.
// Not here: its connections (connection.ts), what an endpoint is (endpoint.ts).

import { unlinkSync } from "node:fs";
import {
  DOMAIN_IPV4,
  DOMAIN_IPV6,
  DOMAIN_UNIX,
  type Domain,
  SLOT_LISTENER,
  TYPE_STREAM,
} from "../binding/types.ts";
import { Deadline } from "../core/deadlines.ts";
import { MAX_ACCEPT_BACKOFF_MS, MIN_ACCEPT_BACKOFF_MS } from "../core/limits.ts";
import { LISTENER_STATES, type ListenerEvent, type ListenerState, next } from "../core/states.ts";
import {
  errnoError,
  errnoName,
  type HawserError,
  invalidState,
  outOfRange,
  rejectUnknownKeys,
  requireDuration,
  requireObject,
} from "../errors/index.ts";
import { type NativeAddress, nameOf, toNativeAddress } from "../socket/address.ts";
import { ListenChannel, type ListenSink } from "../socket/listen-channel.ts";
import { reactor, report } from "../socket/reactor.ts";
import { clearDeadline, type DeadlineOwner, setDeadline } from "./clock.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ListenParameters, StreamParameters } from "./parameters.ts";
import { resolve } from "./resolver.ts";
import { literalAddress, setUp } from "./socket-setup.ts";
import type { ConnectionHandler, ListenerCloseOptions, SocketAddressInfo } from "./types.ts";

export interface ListenerCloseResult {
  /** What ended the listener, or null after `close()`. */
  readonly error: HawserError | null;
  /** Connections that had to be aborted. */
  readonly aborted: number;
}

export interface ListenerCounters {
  readonly accepted: number;
  /** Failed before `open`. */
  readonly failed: number;
  /** A handler ended with its connection's own error. */
  readonly endedByPeer: number;
  /** accept(2) had no descriptor (EMFILE, ENFILE) and was retried later. */
  readonly acceptRetries: number;
}

/** Connections that an iterating program may find waiting; the rest stay in the kernel's queue. */
const ITERATION_CREDITS = 16;
const CLOSE_KEYS: ReadonlySet<string> = new Set(["timeout"]);
const LOCALHOST = "localhost";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Takes connections in. `listen()` makes it, and resolves when it is ready. */
export class Listener<T = unknown>
  implements
    AsyncIterable<Connection<T>>,
    AsyncDisposable,
    ListenSink,
    DeadlineOwner,
    ConnectionOwner
{
  readonly #endpoint: Endpoint;
  readonly #parameters: ListenParameters;
  readonly #streamParameters: StreamParameters;
  readonly #channels: ListenChannel[] = [];
  readonly #connections = new Set<Connection<T>>();
  readonly #counters: Mutable<ListenerCounters> = {
    accepted: 0,
    failed: 0,
    endedByPeer: 0,
    acceptRetries: 0,
  };
  readonly #deadline = new Deadline<DeadlineOwner>(this);
  readonly #backoff = new Deadline<DeadlineOwner>(this);
  #addresses: readonly SocketAddressInfo[] = [];
  #state: ListenerState = LISTENER_STATES.initial;
  #credits: number;
  #maxConnections: number;
  #backoffMs = MIN_ACCEPT_BACKOFF_MS;
  #queue: Connection<T>[] | null;
  #takers: ((result: IteratorResult<Connection<T>, undefined>) => void)[] = [];
  #error: HawserError | null = null;
  #aborted = 0;
  #path: string | undefined;
  #resolveClosed: (result: ListenerCloseResult) => void = () => {};
  #stopWatching: (() => void) | undefined;

  /** Settles when the listener and all its connections are closed. Never rejects. */
  readonly closed: Promise<ListenerCloseResult>;

  /** @internal Made by `listen()`. */
  constructor(endpoint: Endpoint, parameters: ListenParameters) {
    this.#endpoint = endpoint;
    this.#parameters = parameters;
    this.#streamParameters = parameters as unknown as StreamParameters;
    this.#credits = parameters.newConnectionLimit;
    this.#maxConnections = parameters.maxConnections;
    this.#queue = isIterated(parameters) ? [] : null;
    this.closed = new Promise((fulfil) => {
      this.#resolveClosed = fulfil;
    });
  }

  /** @internal Binds and listens. Rejects with what `listen()` rejects with. */
  async start(): Promise<this> {
    this.#transition("start");
    try {
      const { signal } = this.#parameters;
      signal?.throwIfAborted();
      const addresses = await this.#addressesToBind();
      signal?.throwIfAborted();
      this.#bindAll(addresses);
      this.#transition("listening");
      if (signal !== undefined) this.#closeOnAbort(signal);
      return this;
    } catch (error) {
      for (const channel of this.#channels) channel.close();
      this.#error = error as HawserError;
      this.#transition("fail");
      this.#finish();
      throw error;
    }
  }

  #closeOnAbort(signal: AbortSignal): void {
    const abort = () => void this.close();
    signal.addEventListener("abort", abort, { once: true });
    this.#stopWatching = () => signal.removeEventListener("abort", abort);
  }

  // ------------------------------------------------------------------------------------ binding

  async #addressesToBind(): Promise<NativeAddress[]> {
    const literal = literalAddress(this.#endpoint);
    if (literal !== undefined) return [this.#narrowed(literal)];
    const { family, lookup, signal } = this.#parameters;
    const found = await resolve(this.#endpoint, { family, lookup, signal });
    const all = found.map((one) => toNativeAddress(one, this.#endpoint.port ?? 0));
    // A name of one host may have several addresses; `localhost` means both of its own.
    return this.#endpoint.host === LOCALHOST ? all : all.slice(0, 1);
  }

  // Any address is `[::]`; with `family: 4`, or on a host without IPv6, it is `0.0.0.0`.
  #narrowed(address: NativeAddress): NativeAddress {
    const { kind, port = 0 } = this.#endpoint;
    if (kind !== "any" || this.#parameters.family !== 4) return address;
    return toNativeAddress({ family: 4, bytes: new Uint8Array(4) }, port);
  }

  #bindAll(addresses: readonly NativeAddress[]): void {
    const infos: SocketAddressInfo[] = [];
    for (const address of addresses) {
      const port = infos[0]?.port ?? 0;
      infos.push(this.#bind(infos.length === 0 ? address : withPort(address, port)));
    }
    this.#addresses = Object.freeze(infos);
    // All are bound before one accepts, so that nothing is accepted where another fails.
    for (const channel of this.#channels) this.#listen(channel);
  }

  #bind(address: NativeAddress): SocketAddressInfo {
    try {
      return this.#bindOne(address);
    } catch (error) {
      const isDualStack = this.#endpoint.kind === "any" && this.#parameters.family === 0;
      if (!isDualStack || (error as HawserError).code !== "EAFNOSUPPORT") throw error;
      const any = { family: 4 as const, bytes: new Uint8Array(4) };
      return this.#bindOne(toNativeAddress(any, this.#endpoint.port ?? 0));
    }
  }

  #bindOne(address: NativeAddress): SocketAddressInfo {
    const { domain } = address;
    const [slot, generation] = openSlot(domain, this.#place());
    const channel = new ListenChannel(this);
    channel.attach(slot, generation);
    this.#channels.push(channel);
    setUp(reactor.descriptorOf(slot, generation), domain, this.#setup(domain), "listen");
    const status = reactor.bind(slot, generation, address.bytes, address.isPath);
    if (status < 0) throw errnoError(status, "bind", this.#place());
    if (domain === DOMAIN_UNIX && this.#endpoint.kind === "path") this.#path = this.#endpoint.path;
    const name = nameOf(reactor, slot, generation, false);
    return Object.freeze(name ?? { address: "", family: "unix", port: 0 });
  }

  #setup(domain: Domain): ListenParameters {
    // Two sockets on one port, one for each family: the IPv6 one must leave IPv4 to the other.
    const alone = this.#endpoint.host !== LOCALHOST;
    if (alone || domain !== DOMAIN_IPV6) return this.#parameters;
    return { ...this.#parameters, ipv6Only: true };
  }

  #listen(channel: ListenChannel): void {
    const { backlog } = this.#parameters;
    const credits = this.#allowance();
    const status = reactor.listen(
      channel.slot,
      channel.generation,
      backlog,
      Number.isFinite(credits) ? credits : -1,
    );
    if (status < 0) throw errnoError(status, "listen", this.#place());
  }

  #place(): { address: string; port?: number } {
    const { kind, host = "", path = "", port } = this.#endpoint;
    if (kind === "path") return { address: path };
    if (kind === "abstract") return { address: `@${path}` };
    return port === undefined ? { address: host } : { address: host, port };
  }

  // ---------------------------------------------------------------------------------- accepting

  /** @internal */
  onAccepted(slot: number, generation: number): void {
    const isUnix = this.#endpoint.transport === "unix";
    const connection = new Connection<T>({
      slot,
      generation,
      parameters: this.#streamParameters,
      transport: isUnix ? "unix" : "tcp",
      owner: this,
    } as never);
    this.#counters.accepted++;
    this.#backoffMs = MIN_ACCEPT_BACKOFF_MS;
    this.#connections.add(connection);
    if (Number.isFinite(this.#credits)) this.#credits--;
    this.#spread();
    if (this.#queue !== null) {
      this.#offer(connection);
      return;
    }
    connection.opened();
    const { handler } = this.#parameters;
    if (handler !== undefined) void this.#handle(handler as ConnectionHandler<T>, connection);
  }

  async #handle(handler: ConnectionHandler<T>, connection: Connection<T>): Promise<void> {
    try {
      await handler(connection);
      await connection.close();
    } catch (error) {
      if (error !== null && error === connection.stateReason) {
        this.#counters.endedByPeer++;
        return;
      }
      connection.abort();
      report(error);
    }
  }

  /** @internal */
  onAcceptFailed(errno: number): void {
    this.#counters.acceptRetries++;
    this.#tell(errnoError(errno, "accept", this.#place()));
    if (this.#state !== "ready") return;
    if (!RETRIED.has(errnoName(errno))) {
      this.#error = errnoError(errno, "accept", this.#place());
      this.#end("fail");
      return;
    }
    // Descriptors come back when connections close, which no event tells.
    setDeadline(this.#backoff, this.#backoffMs);
    this.#backoffMs = Math.min(2 * this.#backoffMs, MAX_ACCEPT_BACKOFF_MS);
  }

  #tell(error: HawserError): void {
    const { error: told } = this.#parameters;
    if (told === undefined) return;
    try {
      told(this as never, error);
    } catch (thrown) {
      report(thrown);
    }
  }

  /** @internal */
  expired(deadline: Deadline<DeadlineOwner>): void {
    if (deadline === this.#backoff) {
      for (const channel of this.#channels) channel.resume();
      return;
    }
    for (const connection of this.#connections) {
      this.#aborted++;
      connection.abort();
    }
  }

  /** @internal */
  connectionClosed(connection: Connection<never>): void {
    this.#connections.delete(connection as never);
    if (this.#state === "closing") this.#finishIfDone();
    else if (Number.isFinite(this.#maxConnections)) this.#spread();
  }

  // What may be accepted now, by both limits.
  #allowance(): number {
    const waiting = this.#queue === null ? 0 : this.#queue.length;
    const wanted =
      this.#queue === null || this.#takers.length === 0
        ? this.#queue === null
          ? Number.POSITIVE_INFINITY
          : 0
        : ITERATION_CREDITS - waiting;
    return Math.max(
      0,
      Math.min(this.#credits, this.#maxConnections - this.#connections.size, wanted),
    );
  }

  #isLimited(): boolean {
    return (
      this.#queue !== null ||
      Number.isFinite(this.#credits) ||
      Number.isFinite(this.#maxConnections)
    );
  }

  // Tells the kernel's end what may come. Several sockets of one listener share the limits: one
  // credit at a time goes to each, so that together they never take more.
  #spread(): void {
    if (!this.#isLimited() || this.#state !== "ready") return;
    const allowance = this.#allowance();
    const share = this.#channels.length === 1 ? allowance : Math.min(1, allowance);
    for (const channel of this.#channels) channel.setCredits(share);
  }

  // ---------------------------------------------------------------------------------- iterating

  #offer(connection: Connection<T>): void {
    const taker = this.#takers.shift();
    connection.opened();
    if (taker === undefined) this.#queue?.push(connection);
    else taker({ done: false, value: connection });
  }

  /** Without handler and callbacks: each connection as it is accepted, until `close()`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Connection<T>> {
    if (this.#queue === null) {
      throw invalidState("a listener with a handler or callbacks gives its connections to those");
    }
    return {
      next: () => this.#take(),
      return: () => Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #take(): Promise<IteratorResult<Connection<T>, undefined>> {
    const waiting = this.#queue?.shift();
    if (waiting !== undefined) return Promise.resolve({ done: false, value: waiting });
    if (this.#state === "failed") return Promise.reject(this.#error);
    if (this.#state !== "ready") return Promise.resolve({ done: true, value: undefined });
    return new Promise((fulfil) => {
      this.#takers.push(fulfil);
      this.#spread();
    });
  }

  // --------------------------------------------------------------------------------- properties

  get state(): ListenerState {
    return this.#state;
  }

  /** The port, also where 0 was asked for; undefined for a Unix socket. */
  get port(): number | undefined {
    return this.#endpoint.transport === "unix" ? undefined : this.#addresses[0]?.port;
  }

  /** The first address. `localhost` has two. */
  get address(): SocketAddressInfo {
    return this.#addresses[0] as SocketAddressInfo;
  }

  get addresses(): readonly SocketAddressInfo[] {
    return this.#addresses;
  }

  /** The first descriptor, for socket options; -1 when closed. */
  get fd(): number {
    const channel = this.#channels[0];
    if (channel === undefined || channel.deaf) return -1;
    return Math.max(-1, reactor.descriptorOf(channel.slot, channel.generation));
  }

  /** Those open now. Safe to close connections while iterating. */
  get connections(): Iterable<Connection<T>> & { readonly size: number } {
    return this.#connections;
  }

  /** Credits left; set it to take more. @throws RangeError below 0. */
  get newConnectionLimit(): number {
    return this.#credits;
  }

  set newConnectionLimit(limit: number) {
    this.#credits = requireLimit(limit, "newConnectionLimit", 0);
    this.#spread();
  }

  /** May be changed at any time. @throws RangeError below 1. */
  get maxConnections(): number {
    return this.#maxConnections;
  }

  set maxConnections(limit: number) {
    this.#maxConnections = requireLimit(limit, "maxConnections", 1);
    if (this.#isLimited()) this.#spread();
    else for (const channel of this.#channels) channel.setCredits(Number.POSITIVE_INFINITY);
  }

  /** What a program that has no `error` callback can still look at. */
  get counters(): ListenerCounters {
    return { ...this.#counters };
  }

  ref(): this {
    for (const channel of this.#channels) channel.setReferenced(true);
    return this;
  }

  unref(): this {
    for (const channel of this.#channels) channel.setReferenced(false);
    return this;
  }

  // ------------------------------------------------------------------------------------- ending

  /**
   * Stops accepting, closes each connection, aborts what is left after `timeout`. Resolves when all
   * are gone. Never rejects; the same promise as `closed`.
   */
  close(options?: ListenerCloseOptions): Promise<ListenerCloseResult> {
    const timeout = options === undefined ? undefined : readTimeout(options);
    if (this.#state === "ready") this.#end("close");
    if (this.#state === "closing" && timeout !== undefined) setDeadline(this.#deadline, timeout);
    return this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #end(event: "close" | "fail"): void {
    this.#transition(event);
    this.#stopWatching?.();
    clearDeadline(this.#backoff);
    for (const channel of this.#channels) channel.close();
    this.#removePath();
    for (const take of this.#takers) take({ done: true, value: undefined });
    this.#takers = [];
    for (const connection of this.#connections) void connection.close();
    this.#finishIfDone();
  }

  #finishIfDone(): void {
    if (this.#connections.size > 0) return;
    if (this.#state === "closing") this.#transition("finished");
    this.#finish();
  }

  #finish(): void {
    clearDeadline(this.#deadline);
    this.#resolveClosed({ error: this.#error, aborted: this.#aborted });
  }

  // A socket's file outlives its listener; who binds it next would find EADDRINUSE.
  #removePath(): void {
    if (this.#path === undefined) return;
    try {
      unlinkSync(this.#path);
    } catch {
      // Somebody else has removed it, or put another one there that is not ours to remove.
    }
  }

  #transition(event: ListenerEvent): void {
    this.#state = next(LISTENER_STATES, this.#state, event) ?? this.#state;
  }
}

// What goes away when others close descriptors or memory is freed (accept(2)).
const RETRIED: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

function isIterated(parameters: ListenParameters): boolean {
  const { handler, open, data, drain, end, close, state } = parameters;
  return [handler, open, data, drain, end, close, state].every((one) => one === undefined);
}

const name = new Int32Array(2);

function openSlot(domain: Domain, place: { address: string }): [slot: number, generation: number] {
  const status = reactor.openSlot(domain, TYPE_STREAM, 0, SLOT_LISTENER, name);
  if (status < 0) throw errnoError(status, "socket", place);
  return [name[0] as number, name[1] as number];
}

function withPort(address: NativeAddress, port: number): NativeAddress {
  if (address.domain !== DOMAIN_IPV4 && address.domain !== DOMAIN_IPV6) return address;
  const family = address.domain === DOMAIN_IPV4 ? 4 : 6;
  const bytes = address.bytes.slice(0, family === 4 ? 4 : 16);
  return toNativeAddress({ family, bytes }, port);
}

function requireLimit(limit: unknown, what: string, min: number): number {
  if (limit === Number.POSITIVE_INFINITY) return limit;
  if (!Number.isInteger(limit) || (limit as number) < min) {
    throw outOfRange(what, `a whole number of at least ${min}, or Infinity`, limit);
  }
  return limit as number;
}

function readTimeout(options: ListenerCloseOptions): number | undefined {
  rejectUnknownKeys(requireObject(options, "options"), CLOSE_KEYS, "close()");
  return options.timeout === undefined ? undefined : requireDuration(options.timeout, "timeout");
}
