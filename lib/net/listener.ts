// A listener over TCP or a Unix socket: accepting, handing out, back-off, and a graceful end.
// Not here: its connections (connection.ts), its sockets (listen-sockets.ts), how many may come in
// (admission.ts).

import { Deadline } from "../core/deadlines.ts";
import { MAX_ACCEPT_BACKOFF_MS, MIN_ACCEPT_BACKOFF_MS } from "../core/limits.ts";
import { LISTENER_STATES, type ListenerEvent, type ListenerState, next } from "../core/states.ts";
import { Deferred, onAbort } from "../core/waiting.ts";
import { errnoError, errnoName, type HawserError, invalidState } from "../errors/index.ts";
import { reactor, report } from "../socket/reactor.ts";
import { AcceptDrain, handshakeTimeMs } from "./accept-drain.ts";
import { Admission, requireLimit } from "./admission.ts";
import { Arrivals } from "./arrivals.ts";
import { clearDeadline, type DeadlineOwner, setDeadline } from "./clock.ts";
import { readCloseOptions } from "./close-options.ts";
import { type Accepted, Connection } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { captureContext, inContext } from "./handler-context.ts";
import { Handshakes } from "./handshakes.ts";
import { ListenSockets } from "./listen-sockets.ts";
import type { ListenParameters, StreamParameters } from "./parameters.ts";
import { makePolicy, type Policy } from "./policy.ts";
import { type TlsContext, tlsEngine, tlsWithoutScheme } from "./tls-engine.ts";
import { traceListenerError, traceListenerState } from "./tracing.ts";
import type {
  ConnectionHandler,
  ListenerCloseOptions,
  ListenerCloseResult,
  ListenerCounters,
  SocketAddressInfo,
} from "./types.ts";

// What goes away when others close descriptors or memory is freed; and the errors of connections
// that were lost in the queue, which are told only when all are (accept(2)).
const RETRIED: ReadonlySet<string> = new Set([
  ...["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ENOSR"],
  ...["ECONNABORTED", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENONET"],
  ...["ENOPROTOOPT", "EOPNOTSUPP", "EPERM", "EPROTO", "ETIMEDOUT"],
]);

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** How an accepted socket becomes a connection: for protocols whose connections do more. */
export type MakeConnection<T> = (accepted: Accepted) => Connection<T>;

/** Takes connections in. Made by `listen()`, which resolves when it is ready. */
export class Listener<T = unknown> implements AsyncIterable<Connection<T>>, AsyncDisposable {
  readonly #parameters: ListenParameters;
  readonly #policy: Policy;
  readonly #handler: ConnectionHandler<T> | undefined;
  readonly #onError: ListenParameters["error"];
  readonly #sockets: ListenSockets;
  readonly #admission: Admission;
  readonly #make: MakeConnection<T>;
  readonly #tls: TlsContext | null;
  /** Accepted, and not connections yet. */
  readonly #handshakes = new Handshakes(
    (accepted) => this.#open(accepted),
    (error) => this.#handshakeFailed(error),
  );
  readonly #connections = new Set<Connection<T>>();
  readonly #counters: Mutable<ListenerCounters> = {
    accepted: 0,
    failed: 0,
    endedByPeer: 0,
    acceptRetries: 0,
  };
  readonly #deadline = new Deadline<DeadlineOwner>(this);
  readonly #backoff = new Deadline<DeadlineOwner>(this);
  #backoffMs = MIN_ACCEPT_BACKOFF_MS;
  #state: ListenerState = LISTENER_STATES.initial;
  /** For those who iterate; null where a handler or callbacks take the connections. */
  readonly #arrivals: Arrivals<Connection<T>> | null;
  /** Slots that were accepted beyond what may be delivered. */
  #surplus: (readonly [slot: number, generation: number])[] = [];
  #willSpread = false;
  /** Accepts what is queued, and leaves the connections to themselves. */
  #drains = false;
  readonly #queue = new AcceptDrain();
  #error: HawserError | null = null;
  #aborted = 0;
  readonly #over = new Deferred<ListenerCloseResult>();
  #stopWatching: (() => void) | undefined;

  /** Settles when the listener and all its connections are closed. Never rejects. */
  readonly closed: Promise<ListenerCloseResult> = this.#over.promise;

  /** @internal Made by `listen()`. */
  constructor(
    endpoint: Endpoint,
    parameters: ListenParameters,
    make: MakeConnection<T> = (accepted) => new Connection<T>(accepted),
  ) {
    const { newConnectionLimit, maxConnections, handler, error } = parameters;
    const context = captureContext();
    const isIterated = takesNothing(parameters);
    this.#parameters = parameters;
    this.#make = make;
    this.#tls = endpoint.tls ? tlsEngine().server(parameters.tls ?? {}) : null;
    if (!endpoint.tls && parameters.tls !== undefined) throw tlsWithoutScheme(parameters.tls);
    this.#sockets = new ListenSockets(endpoint, parameters, this);
    const { transport } = this.#sockets;
    this.#policy = makePolicy(parameters as unknown as StreamParameters, transport, this);
    this.#handler = inContext(context, handler) as ConnectionHandler<T> | undefined;
    this.#onError = inContext(context, error);
    this.#admission = new Admission(newConnectionLimit, maxConnections, isIterated);
    this.#arrivals = isIterated ? new Arrivals(() => this.#spreadSoon()) : null;
  }

  /** @internal Binds and listens. Rejects with what `listen()` rejects with. */
  async start(): Promise<this> {
    const { signal } = this.#parameters;
    this.#transition("start");
    try {
      signal?.throwIfAborted();
      await this.#sockets.bind();
      this.#sockets.listen(() => this.#share());
    } catch (error) {
      this.#sockets.close();
      this.#error = error as HawserError;
      this.#transition("fail");
      this.#finishIfDone();
      throw error;
    }
    this.#transition("listening");
    this.#stopWatching = onAbort(signal, () => void this.close());
    return this;
  }

  /** @internal */
  onAccepted(slot: number, generation: number): void {
    this.#backoffMs = MIN_ACCEPT_BACKOFF_MS;
    if (this.#drains || this.#admission.allowance(this.#load()) > 0) {
      this.#deliver(slot, generation);
      return;
    }
    // Nothing of it has been read: it was accepted in this very turn.
    reactor.pause(slot, generation);
    this.#surplus.push([slot, generation]);
  }

  #deliver(slot: number, generation: number): void {
    this.#admission.spend();
    // One socket counts its credits down as this does.
    if (this.#sockets.channels.length > 1 || this.#arrivals !== null) this.#spreadSoon();
    const accepted = { slot, generation, policy: this.#policy };
    if (this.#tls === null) this.#open(accepted);
    else this.#handshakes.begin(this.#tls, accepted);
  }

  // It was no connection yet, so that its credit goes to another.
  #handshakeFailed(error: HawserError): void {
    this.#counters.failed++;
    this.#admission.credits++;
    this.#spreadSoon();
    this.#tell(error);
    if (this.#drains) this.#finishIfDone();
  }

  #open(accepted: Accepted): void {
    const connection = this.#make(accepted);
    this.#counters.accepted++;
    this.#connections.add(connection);
    connection.opened();
    if (this.#arrivals !== null) this.#arrivals.offer(connection);
    else if (this.#handler !== undefined) connection.handledBy(this.#handler);
    if (this.#drains) this.#finishIfDone();
  }

  /** @internal A socket that drains is empty, and closed. */
  onEmptied(): void {
    this.#queue.emptied();
  }

  /** @internal */
  onAcceptFailed(errno: number): void {
    const error = errnoError(errno, "accept", this.#sockets.place);
    const isRetried = RETRIED.has(errnoName(errno));
    if (isRetried) this.#counters.acceptRetries++;
    this.#tell(error);
    if (this.#state !== "ready" && !(this.#drains && isRetried)) return;
    if (!isRetried) {
      this.#error = error;
      this.#end("fail");
      return;
    }
    // Descriptors come back when others close theirs, which no event tells.
    setDeadline(this.#backoff, this.#backoffMs);
    this.#backoffMs = Math.min(2 * this.#backoffMs, MAX_ACCEPT_BACKOFF_MS);
  }

  #tell(error: HawserError): void {
    traceListenerError(this as unknown as Listener<never>, error);
    if (this.#onError === undefined) return;
    try {
      const result: unknown = this.#onError(this as never, error);
      if (typeof (result as PromiseLike<unknown>)?.then === "function") {
        (result as PromiseLike<unknown>).then(undefined, report);
      }
    } catch (thrown) {
      report(thrown);
    }
  }

  /** @internal */
  expired(deadline: Deadline<DeadlineOwner>): void {
    if (deadline === this.#backoff) {
      this.#retry();
      return;
    }
    for (const connection of this.#connections) {
      this.#aborted++;
      connection.abort();
    }
  }

  #retry(): void {
    for (const channel of this.#sockets.channels) channel.resume();
    this.#spread();
  }

  /** @internal */
  handlerEndedByPeer(): void {
    this.#counters.endedByPeer++;
  }

  /** @internal */
  connectionClosed(connection: object): void {
    this.#connections.delete(connection as Connection<T>);
    if (this.#state !== "ready") {
      this.#finishIfDone();
      return;
    }
    if (Number.isFinite(this.#admission.maxConnections)) this.#spreadSoon();
    if (this.#backoff.isSet) {
      // Its descriptor is free, and somebody may be waiting for one.
      clearDeadline(this.#backoff);
      this.#retry();
    }
  }

  #load(): { open: number; waiting: number; takers: number } {
    const open = this.#connections.size + this.#handshakes.size;
    const { waiting = 0, takers = 0 } = this.#arrivals ?? {};
    return { open, waiting, takers };
  }

  #share(): number {
    return this.#admission.share(this.#load(), this.#sockets.channels.length);
  }

  // Once for all that has changed in a turn.
  #spreadSoon(): void {
    if (this.#willSpread) return;
    this.#willSpread = true;
    queueMicrotask(() => {
      this.#willSpread = false;
      this.#spread();
    });
  }

  // Tells the sockets what may come, after what has come already.
  #spread(): void {
    while (this.#state === "ready" && this.#admission.allowance(this.#load()) > 0) {
      const held = this.#surplus.shift();
      if (held === undefined) break;
      // Before anybody is told of it, who may pause it again.
      reactor.resume(...held);
      this.#deliver(...held);
    }
    // Out of descriptors, it is the timer that asks again.
    if (this.#state !== "ready" || this.#backoff.isSet) return;
    const share = this.#surplus.length > 0 ? 0 : this.#share();
    for (const channel of this.#sockets.channels) channel.setCredits(share);
  }

  /**
   * Without handler and callbacks: each connection as it is accepted, until `close()`. Throws what
   * the listener failed with.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Connection<T>> {
    if (this.#arrivals === null) {
      throw invalidState("a listener with a handler or callbacks gives its connections to those");
    }
    return this.#arrivals.iterate();
  }

  get state(): ListenerState {
    return this.#state;
  }

  /** The port, also where 0 was asked for; undefined for a Unix socket. */
  get port(): number | undefined {
    return this.#policy.transport === "unix" ? undefined : this.#sockets.addresses[0]?.port;
  }

  /** The first address. `localhost` has two. */
  get address(): SocketAddressInfo {
    return this.#sockets.addresses[0] as SocketAddressInfo;
  }

  get addresses(): readonly SocketAddressInfo[] {
    return this.#sockets.addresses;
  }

  /** The descriptor of the first address, for `tune` and the like; -1 when closed. */
  get fd(): number {
    const channel = this.#sockets.channels[0];
    if (channel === undefined || channel.deaf) return -1;
    return Math.max(-1, reactor.descriptorOf(channel.slot, channel.generation));
  }

  /** Those open now. Safe to close connections while iterating. */
  get connections(): Iterable<Connection<T>> & { readonly size: number } {
    return this.#connections;
  }

  /** Credits left; set it to take more. @throws RangeError below 0. */
  get newConnectionLimit(): number {
    return this.#admission.credits;
  }

  set newConnectionLimit(limit: number) {
    this.#admission.credits = requireLimit(limit, "newConnectionLimit", 0);
    this.#spreadSoon();
  }

  /** May be changed at any time. @throws RangeError below 1. */
  get maxConnections(): number {
    return this.#admission.maxConnections;
  }

  set maxConnections(limit: number) {
    this.#admission.maxConnections = requireLimit(limit, "maxConnections", 1);
    this.#spreadSoon();
  }

  /** What a program that has no `error` callback can still look at. */
  get counters(): ListenerCounters {
    return { ...this.#counters };
  }

  /** Keeps the process alive while it listens, which is the default. */
  ref(): this {
    for (const channel of this.#sockets.channels) channel.setReferenced(true);
    return this;
  }

  /** Lets the process end while this listens. */
  unref(): this {
    for (const channel of this.#sockets.channels) channel.setReferenced(false);
    return this;
  }

  /**
   * Stops accepting, closes each connection, aborts what is left after `timeout`. Resolves when all
   * are gone. Never rejects; the same promise as `closed`.
   */
  close(options?: ListenerCloseOptions): Promise<ListenerCloseResult> {
    const { timeout, drain } = readCloseOptions(options);
    if (this.#state === "ready" && drain) this.#drain();
    else if (this.#state === "ready") this.#end("close");
    else if (this.#drains && !drain) this.#conclude();
    if (this.#state === "closing" && timeout !== undefined) setDeadline(this.#deadline, timeout);
    return this.closed;
  }

  // Closing a socket resets what the kernel has queued in it, so that this is accepted first.
  #drain(): void {
    this.#leave("close");
    this.#drains = true;
    const { channels, sharesPort } = this.#sockets;
    const handshakesMs = sharesPort ? handshakeTimeMs(this.#connections) : 0;
    this.#queue.start(channels, handshakesMs, () => {
      clearDeadline(this.#backoff);
      this.#sockets.close();
      this.#finishIfDone();
    });
    for (const held of this.#surplus.splice(0)) {
      reactor.resume(...held);
      this.#deliver(...held);
    }
    for (const channel of channels) {
      channel.setCredits(Number.POSITIVE_INFINITY);
      channel.resume();
    }
  }

  /** `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #leave(event: "close" | "fail"): void {
    this.#transition(event);
    this.#stopWatching?.();
    clearDeadline(this.#backoff);
  }

  #end(event: "close" | "fail"): void {
    this.#leave(event);
    this.#conclude();
  }

  #conclude(): void {
    this.#drains = false;
    this.#queue.stop();
    this.#sockets.close();
    // As those that the kernel still has in its queue.
    for (const [slot, generation] of this.#surplus) reactor.close(slot, generation, true);
    this.#surplus = [];
    this.#arrivals?.end(this.#error);
    this.#handshakes.abort();
    for (const connection of this.#connections) connection.conclude();
    this.#finishIfDone();
  }

  #finishIfDone(): void {
    if (this.#handshakes.size > 0) return;
    if (this.#drains && !this.#queue.isRunning) this.#arrivals?.end(null);
    if (this.#connections.size > 0) return;
    if (this.#sockets.channels.some((channel) => !channel.deaf)) return;
    clearDeadline(this.#deadline);
    if (this.#state === "closing") this.#transition("finished");
    this.#over.resolve({ error: this.#error, aborted: this.#aborted });
  }

  #transition(event: ListenerEvent): void {
    const previous = this.#state;
    this.#state = next(LISTENER_STATES, previous, event) ?? previous;
    if (this.#state === previous) return;
    traceListenerState(this as unknown as Listener<never>, this.#state, previous, this.#error);
  }
}

function takesNothing(parameters: ListenParameters): boolean {
  const { handler, open, data, drain, end, close, state } = parameters;
  return [handler, open, data, drain, end, close, state].every((one) => one === undefined);
}
