// A connection over TCP or a Unix socket: how it begins, and how it ends.
// Not here: what it holds (connection-base.ts), its directions (connection-sending.ts and
// -receiving), TLS on it (connection-securing.ts), the network beneath (connection-following.ts),
// how it is established (outbound.ts, establishment.ts).

import { inspect } from "node:util";
import type { Deadline } from "../core/deadlines.ts";
import { LINGER_DRAIN_BYTES } from "../core/limits.ts";
import { Deferred } from "../core/waiting.ts";
import { errnoName, type HawserError, invalidArgValue, invalidState } from "../errors/index.ts";
import { StreamChannel } from "../socket/stream-channel.ts";
import type { ByteChannel } from "./byte-channel.ts";
import { type DeadlineOwner, now } from "./clock.ts";
import {
  CLOSING,
  DETACHED,
  DROPPABLE,
  type Ending,
  HOLDING,
  OPENED,
  PAUSED,
  PEER_ENDED,
  SEND_FAILED,
  SHUT,
  STOPPED,
  TOLD,
  UNREFERENCED,
} from "./connection-facts.ts";
import { FollowingConnection } from "./connection-following.ts";
import { captureOrigin, forget, hold, watchForDrop } from "./dropped.ts";
import { parseEndpoint } from "./endpoint.ts";
import { tellKernelLimits } from "./liveness-options.ts";
import { Outbound } from "./outbound.ts";
import { parseConnectOptions, type StreamParameters } from "./parameters.ts";
import { makePolicy, type Policy } from "./policy.ts";
import { TRUNCATED } from "./tls-engine.ts";
import { traceClose, traceOpen, tracesClose, tracesStates } from "./tracing.ts";
import type { CloseResult, ConnectionHandler, ConnectOptions, StreamEndpoint } from "./types.ts";

/** A connection that is there already: an accepted slot, or a channel. Not public. */
export interface Accepted {
  readonly policy: Policy;
  readonly slot: number;
  readonly generation: number;
  /** In place of a slot. */
  readonly channel?: ByteChannel;
}

const STREAM_SCHEMES: ReadonlySet<string> = new Set(["tcp", "tls", "unix"]);
const PEERS_DOING: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ECONNREFUSED"]);

/**
 * A byte stream with states: TCP or a Unix socket, with the policy that bare sockets lack. `T` is
 * the type of `data`, the application's own.
 *
 * `connect()` makes, starts and awaits one; `listen()` accepts them; the constructor makes one in
 * `setup`, so that everything can be wired before `start()`.
 *
 * **How it ends.** `close()` flushes, sends FIN, reads on until the peer's end, and closes. When
 * the peer ends first, everything it sent is delivered, and our own FIN follows once the
 * application has consumed the end: after the `end` callback, or in the iteration of the loop after
 * a `receive()` gave null; at once where nobody has ever read and nothing is unread; `closeTimeout`
 * after the peer's end at the latest. `allowHalfOpen` leaves our direction open until `shutdown()`
 * or `close()`.
 *
 * One that was made here without callbacks, and that nobody has any more, is closed when its memory
 * is collected; a warning with the code HAWSER_DROPPED_CONNECTION says where it was made. That is
 * help for finding a mistake, and no replacement for `close()`.
 */
export class Connection<T = unknown>
  extends FollowingConnection<T>
  implements AsyncIterable<Buffer>, AsyncDisposable
{
  #closed: Deferred<CloseResult> | null = null;

  /** @throws TypeError or RangeError for wrong arguments. Nothing is opened yet. */
  constructor(endpoint: StreamEndpoint | URL, options?: ConnectOptions<T>);
  /** @internal */
  constructor(accepted: Accepted);
  constructor(first: StreamEndpoint | URL | Accepted, options?: ConnectOptions<T>) {
    if (isAccepted(first)) {
      super(first.policy, null);
      this.accept(first);
    } else {
      const endpoint = parseEndpoint(first, "connect");
      // What carries a WebSocket is a kind of connection, and has its endpoint.
      if (new.target === Connection && !STREAM_SCHEMES.has(endpoint.scheme)) {
        const why = "must be tcp:, tls: or unix: for a Connection; connect() takes every scheme";
        throw invalidArgValue("endpoint", why, first);
      }
      const parameters = parseConnectOptions(options);
      const transport = endpoint.transport === "unix" ? "unix" : "tcp";
      const policy = makePolicy(parameters as unknown as StreamParameters, transport, null);
      super(policy, new Outbound(endpoint, parameters));
      // Who has callbacks hears of it, and a timer has hold of it.
      const isPulled = new.target === Connection && policy.idleTimeout === 0;
      if (isPulled && hasNoCallbacks(policy)) captureOrigin(this);
    }
  }

  private accept({ slot, generation, channel }: Accepted): void {
    this.readyAt = Math.round(now());
    const accepted = channel ?? new StreamChannel(this);
    this.channel = accepted;
    if (accepted instanceof StreamChannel) accepted.attach(slot, generation);
    else accepted.setSink(this);
    if (this.policy.idleTimeout > 0) this.touch();
  }

  /** Starts the establishment. Once; afterwards a TypeError with ERR_INVALID_STATE. */
  start(): this {
    const { outbound } = this;
    if (outbound === null || this.current !== "setup") {
      throw invalidState("start() must be called once, on a connection that was constructed");
    }
    this.transition("start");
    const isReferenced = (this.flags & UNREFERENCED) === 0;
    outbound.begin(this, isReferenced, (reason) => this.aborted(outbound, reason));
    return this;
  }

  private aborted(outbound: Outbound, reason: unknown): void {
    outbound.refusal = reason;
    const { phase } = outbound;
    this.fail(this.error("ECANCELED", "connect", { phase, cause: reason }), "local");
  }

  /** Resolves at `ready`, rejects with what `connect()` would reject with. Never unhandled. */
  get ready(): Promise<this> {
    const { outbound } = this;
    if (outbound === null) return Promise.resolve(this);
    const { promise } = outbound.ready;
    if ((this.flags & OPENED) !== 0) outbound.resolve(this);
    else if (this.ending !== null && this.channel === null) this.refuse(outbound, this.ending);
    return promise as Promise<this>;
  }

  private refuse(outbound: Outbound, { error }: Ending): void {
    outbound.reject(outbound.refusal ?? error ?? this.cancelled("connect"));
  }

  /** @internal */
  established(channel: ByteChannel): void {
    const outbound = this.outbound as Outbound;
    this.readyAt = Math.round(now());
    this.channel = channel;
    channel.setSink(this);
    if ((this.flags & UNREFERENCED) !== 0) channel.setReferenced(false);
    if ((this.flags & (PAUSED | CLOSING)) === PAUSED) {
      this.flags |= STOPPED;
      channel.pause();
    }
    outbound.established(this.transferCounts()?.roundTripTimeMs ?? null);
    this.followAsAsked();
    if (this.ending !== null) return;
    outbound.settle();
    if (this.policy.transport === "tcp") tellKernelLimits(this.fd, this.policy.parameters);
    this.sendEarly(channel);
    this.transition("established");
    // Who has closed it meanwhile hears of the end only.
    if ((this.flags & CLOSING) !== 0) return;
    if (this.policy.idleTimeout > 0) this.touch();
    this.opened();
    outbound.resolve(this);
    if (watchForDrop(this, channel, this.place())) this.flags |= DROPPABLE;
  }

  /** @internal */
  get isUnattended(): boolean {
    const isClosing = this.current !== "ready" || (this.flags & CLOSING) !== 0;
    const isAwaited = this.receiver?.isWaiting === true || this.waiters?.isWaiting === true;
    return !isClosing && !isAwaited && this.#closed === null;
  }

  /** @internal Calls `open`, once. */
  opened(): void {
    this.flags |= OPENED;
    traceOpen(this as unknown as Connection<never>);
    const { open } = this.policy;
    if (open !== undefined) this.call(open);
  }

  /** @internal Leaves it to a function, and closes when that is done with it. */
  handledBy(handler: ConnectionHandler<T>): void {
    try {
      const result = handler(this);
      if (typeof (result as PromiseLike<unknown>)?.then === "function") {
        (result as PromiseLike<unknown>).then(
          () => this.conclude(),
          (error) => this.handlerFailed(error),
        );
      } else {
        this.conclude();
      }
    } catch (error) {
      this.handlerFailed(error);
    }
  }

  /**
   * Ends without loss: flushes, shuts down, reads until the peer's end (what comes is dropped),
   * closes. After `closeTimeout`, or 64 MiB of the peer's, it aborts, and the result's `error` says
   * so. Never rejects; the same promise as `closed`.
   */
  close(): Promise<CloseResult> {
    const { closed } = this;
    this.conclude();
    return closed;
  }

  /**
   * @internal `close()` for those who do not ask for the result.
   *
   * @param drainBytes what the peer may still send before it is an abort
   */
  conclude(drainBytes = LINGER_DRAIN_BYTES): void {
    if (this.ending !== null) this.dropHeld();
    if (this.ending !== null || (this.flags & CLOSING) !== 0) return;
    if ((this.flags & DROPPABLE) !== 0) forget(this, this.channel);
    const before = this.current;
    const isShut = (this.flags & SHUT) !== 0;
    this.flags |= CLOSING | SHUT;
    this.flags &= ~HOLDING;
    this.receiver?.cancel(() => this.cancelled("read"));
    if (before === "setup" || before === "waiting") {
      this.endAs("close", null, "local");
      return;
    }
    this.transition("close");
    this.startCloseTimeout();
    this.bound().drainTo = this.received + drainBytes;
    const { channel } = this;
    if (channel === null) return;
    if (!isShut && !this.isOver()) channel.shutdown();
    this.drainReading();
    this.finishIfDone();
  }

  /** RST now (SO_LINGER 0, socket(7)): queued bytes are lost, the descriptor is free this turn. */
  abort(): void {
    if (this.ending !== null) this.dropHeld();
    else this.endAs("abort", null, "local");
  }

  // It is over already, and only still had something for a reader who does not want it any more.
  private dropHeld(): void {
    if ((this.flags & HOLDING) === 0) return;
    this.flags &= ~HOLDING;
    this.tellEnding();
  }

  /**
   * Settles when the state is `closed` or `failed`, after everybody else was told. Never rejects.
   */
  get closed(): Promise<CloseResult> {
    if ((this.flags & DROPPABLE) !== 0) hold(this, this.channel);
    if (this.#closed === null) {
      this.#closed = new Deferred<CloseResult>();
      const { ending } = this;
      if (ending !== null && (this.flags & TOLD) !== 0) this.#closed.resolve(this.result(ending));
    }
    return this.#closed.promise;
  }

  /** `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  override onFailed(errno: number): void {
    const failure = this.channel?.failure ?? null;
    // Whoever has closed does not mind how the peer leaves (RFC 8446 section 6.1).
    if (failure?.code === TRUNCATED && (this.flags & CLOSING) !== 0) {
      this.onEnded();
      return;
    }
    const isPeers = failure !== null || PEERS_DOING.has(errnoName(errno));
    const initiator = isPeers ? "peer" : "network";
    const syscall = (this.flags & SEND_FAILED) === 0 ? "read" : "write";
    this.fail(this.failure(errno, syscall), initiator);
  }

  /** @internal The establishment hears of that. */
  override onConnected(): void {}
  /** @internal Connections do not ask for readiness. */
  override onReadable(): void {}

  /** @internal */
  expired(deadline: Deadline<DeadlineOwner>): void {
    if (deadline === this.bounds?.close) {
      this.abandonClose();
    } else if (deadline === this.bounds?.idle) {
      const context = { phase: "open", reason: "IDLE_TIMEOUT" } as const;
      this.fail(this.error("ETIMEDOUT", "read", context), "local");
    } else if (this.outbound !== null) {
      const { host, path, port } = this.outbound.endpoint;
      const { phase } = this.outbound;
      const context = { address: host ?? path, port, phase, reason: "CONNECT_TIMEOUT" } as const;
      this.fail(this.error("ETIMEDOUT", "connect", context), "local");
    }
  }

  /** @internal */
  protected override abandonClose(): void {
    if (this.ending !== null) {
      this.tellEnding();
    } else if (this.current === "closing") {
      const context = { phase: "close", reason: "CLOSE_TIMEOUT" } as const;
      this.endAs("abort", this.error("ETIMEDOUT", "close", context), "local");
    } else {
      this.followEnd();
    }
  }

  private isOver(): boolean {
    return (this.flags & PEER_ENDED) !== 0 && this.bufferedAmount === 0;
  }

  /** @internal */
  protected override finishIfDone(): void {
    if ((this.flags & SHUT) === 0 || !this.isOver()) return;
    this.endAs("finished", null, (this.flags & CLOSING) !== 0 ? "local" : "peer");
  }

  /** @internal */
  protected override fail(error: HawserError, initiator: CloseResult["initiator"]): void {
    this.endAs("fail", error, initiator);
  }

  // The one way out: settles who waits, lets go of the descriptor, and tells when it is gone.
  private endAs(
    event: Ending["event"],
    error: HawserError | null,
    initiator: CloseResult["initiator"],
  ): void {
    if (this.ending !== null) return;
    if ((this.flags & DROPPABLE) !== 0) forget(this, this.channel);
    const info = this.wantsInfo() ? this.transferCounts() : null;
    this.ending = { event, error, initiator, info, at: Math.round(now()), from: this.current };
    this.flags |= SHUT;
    this.unwatchLiveness();
    this.clearBounds();
    this.outbound?.settle();
    this.unfollow();
    if (event === "fail") {
      this.waiters?.reject(error);
      this.receiver?.end(error);
    } else if (event !== "finished") {
      this.flags &= ~HOLDING;
      this.waiters?.reject(this.cancelled("write"));
      this.receiver?.cancel(() => this.cancelled("read"));
    }
    this.transition(event);
    const { channel } = this;
    if (channel === null) queueMicrotask(() => this.onClosed());
    else if (event === "finished") channel.close();
    else channel.abort();
  }

  // One system call, which is left out where nobody can ask for what it gives.
  private wantsInfo(): boolean {
    const isAsked = this.#closed !== null || this.policy.close !== undefined || tracesClose();
    return this.policy.transport === "tcp" && (isAsked || this.outbound !== null);
  }

  /** @internal */
  override onClosed(): void {
    const { ending } = this;
    if (ending === null || (this.flags & DETACHED) !== 0) return;
    this.flags |= DETACHED;
    if ((this.flags & HOLDING) !== 0) {
      // What came before the end is still to be delivered, when resume() is called.
      this.startCloseTimeout();
    } else {
      this.tellEnding();
    }
  }

  /** @internal */
  protected override tellEnding(): void {
    if ((this.flags & DETACHED) === 0) return;
    this.flags &= ~HOLDING;
    this.clearBounds();
    // After everybody who waited has heard of it (B20), however many promises stand between: next
    // ticks run when no microtask is left.
    queueMicrotask(() => process.nextTick(tellClosed, this));
  }

  /** @internal */
  tellClosed(): void {
    const ending = this.ending as Ending;
    const { policy, outbound } = this;
    this.flags |= TOLD;
    if (policy.state !== undefined || tracesStates()) {
      this.tellState(this.current, ending.from, this.stateReason);
    }
    if ((this.flags & OPENED) === 0) {
      if (outbound !== null) this.refuse(outbound, ending);
    } else if (policy.close !== undefined) {
      this.call(policy.close as never, ending.error);
    }
    if (this.#closed !== null || tracesClose()) this.tellResult(this.result(ending));
    policy.owner?.connectionClosed(this);
  }

  private tellResult(result: CloseResult): void {
    if (tracesClose()) traceClose(this as unknown as Connection<never>, result);
    this.#closed?.resolve(result);
  }

  private result({ error, initiator, info }: Ending): CloseResult {
    return { error, initiator, transfer: this.transferOf(info) };
  }
}

// What `console.log` shows; no member, since it is no part of the interface.
Object.defineProperty(Connection.prototype, inspect.custom, {
  value(this: Connection, _depth: number, options: object): string {
    const { state, localAddress, localPort, remoteAddress, remotePort, data } = this;
    const shown = { state, localAddress, localPort, remoteAddress, remotePort, data };
    return `Connection ${inspect(shown, options)}`;
  },
});

function tellClosed(connection: Connection): void {
  connection.tellClosed();
}

function hasNoCallbacks({ data, open, drain, end, close, state }: Policy): boolean {
  return [data, open, drain, end, close, state].every((callback) => callback === undefined);
}

function isAccepted(value: object | string): value is Accepted {
  return typeof value === "object" && "policy" in value;
}
