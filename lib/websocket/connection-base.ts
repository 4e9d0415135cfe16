// The ground of a WebSocket: what it holds, what can be asked of it, its deadline and its calls of
// the application. Not here: sending (connection-sending.ts), receiving (connection-receiving.ts),
// how it ends (connection.ts).
//
// A WebSocket is one object in four layers, each of which extends the one before: base, sending,
// receiving, connection. One object, because thousands of idle ones have to be small; layers,
// because each can be read alone. Fields that more than one layer uses stand here.
// Methods of a layer's own are `private` and not `#`: a class with such methods marks each of its
// objects, which is 8 bytes a layer.

import { inspect } from "node:util";
import { Deadline } from "../core/deadlines.ts";
import type { HawserError } from "../errors/index.ts";
import { type DeadlineOwner, setDeadline } from "../net/clock.ts";
import type { Connection } from "../net/connection.ts";
import type { Ending } from "../net/connection-base.ts";
import type { Path } from "../net/paths/types.ts";
import type { CloseResult, ConnectionState } from "../net/types.ts";
import { report } from "../socket/reactor.ts";
import type { Carrier } from "./carrier.ts";
import {
  type Agreed,
  CLOSE_TIMED,
  CLOSING,
  type Extras,
  makers,
  OPENING,
  PAUSED,
  WANTS_DRAIN,
} from "./connection-facts.ts";
import type { Inbox } from "./inbox.ts";
import type { StreamInbox } from "./incoming-stream.ts";
import type { Shared } from "./options.ts";
import { closeCodes, WebSocketProtocol } from "./protocol/index.ts";
import { turnTime, wallTime } from "./turn-clock.ts";

/** The part of {@link WebSocketConnection} that can be asked at any time. */
export abstract class WebSocketBase<T = unknown> {
  /** The application's own; undefined until it is set, or what `upgrade` gave. */
  data: T = undefined as T;

  /** @internal */
  protected readonly carrier: Carrier;
  /** @internal */
  protected readonly shared: Shared;
  /** @internal */
  protected agreed: Agreed;
  /** @internal The protocol, sans I/O. */
  protected readonly core: WebSocketProtocol;
  /** @internal */
  protected flags = 0;
  /** @internal */
  protected inbox: Inbox | StreamInbox | null = null;
  /** @internal */
  protected deadline: Deadline<DeadlineOwner> | null = null;
  /** @internal */
  protected extras: Extras | null = null;

  /** @internal */
  constructor(carrier: Carrier, shared: Shared, agreed: Agreed) {
    this.carrier = carrier;
    this.shared = shared;
    this.agreed = agreed;
    const now = shared.settings.watchesTime ? wallTime() : turnTime();
    this.core = new WebSocketProtocol(shared.settings, carrier, this as never, agreed.deflate, now);
    carrier.user = this as never;
  }

  /** @internal */
  protected abstract beginClose(code: number | undefined, reason: string): void;
  /** @internal The deadline has passed. */
  abstract expired(): void;

  get state(): ConnectionState {
    if (this.result !== null) return this.result.error === null ? "closed" : "failed";
    if ((this.flags & (OPENING | CLOSING)) === OPENING) {
      const { state } = this.carrier;
      return state === "setup" || state === "waiting" ? state : "preparing";
    }
    return this.core.state === "open" && (this.flags & CLOSING) === 0 ? "ready" : "closing";
  }

  /** Why the state is `waiting` or `failed`, else null. */
  get stateReason(): HawserError | null {
    if (this.result !== null) return this.result.error;
    return this.state === "waiting" ? this.carrier.stateReason : null;
  }

  /** The URL, as the client asked for it. */
  get url(): string {
    return this.agreed.url;
  }

  /** The subprotocol chosen, or `""`. */
  get protocol(): string {
    return this.agreed.protocol;
  }

  /** The value of Sec-WebSocket-Extensions, or `""`. */
  get extensions(): string {
    return this.agreed.extensions;
  }

  /** The stream beneath, for `info()`, addresses and options; its bytes are not for reading. */
  get connection(): Connection {
    return this.carrier as Connection;
  }

  /**
   * Whether the local address, the link and a route to the peer are there: `connection.viable`, as
   * the next two are what the stream beneath says.
   *
   * @throws HawserError where the system does not let this process look at its networks
   */
  get viable(): boolean {
    return this.carrier.viable;
  }

  /**
   * What a new connection would use, where that is another path than this one's; else null.
   *
   * @throws as `viable`
   */
  get betterPath(): Path | null {
    return this.carrier.betterPath;
  }

  /** The path in use; null after the end and for Unix sockets. @throws as `viable` */
  get path(): Path | null {
    return this.carrier.path;
  }

  /**
   * `waitForConnectivity`: tries again at once, instead of at the next change of the network. Does
   * nothing in other states than `waiting`.
   */
  restart(): void {
    this.carrier.restart();
  }

  /** Bytes received, frames' headers and the opening handshake included. */
  get bytesRead(): number {
    return this.carrier.bytesRead;
  }

  /** Bytes written, those still queued included. */
  get bytesWritten(): number {
    return this.carrier.bytesWritten;
  }

  /** Bytes that the kernel has not taken yet, those that wait for compression included. */
  get bufferedAmount(): number {
    return this.core.bufferedBytes;
  }

  /** Whether `write` would return false now. */
  get writableNeedDrain(): boolean {
    return this.carrier.writableNeedDrain || (this.flags & WANTS_DRAIN) !== 0;
  }

  get isPaused(): boolean {
    return (this.flags & PAUSED) !== 0;
  }

  /** @internal What `console.log` shows. */
  [inspect.custom](_depth: number, options: object): string {
    const { state, url, protocol, data } = this;
    return `WebSocketConnection ${inspect({ state, url, protocol, data }, options)}`;
  }

  // ----------------------------------------------------------------------------- for the layers

  /** @internal How the stream ended. */
  protected get ending(): Ending | null {
    return this.extras === null ? null : this.extras.ending;
  }

  /** @internal How the WebSocket ended. */
  protected get result(): CloseResult | null {
    return this.extras === null ? null : this.extras.result;
  }

  /** @internal */
  protected extra(): Extras {
    this.extras ??= { ending: null, result: null, closed: null, whenCompressed: null };
    return this.extras;
  }

  /** @internal The time for the protocol, read only where it watches it. */
  protected now(): number {
    return this.shared.settings.watchesTime ? wallTime() : turnTime();
  }

  /** @internal What those who wait hear when we end it ourselves. */
  protected cancelled(): HawserError {
    const error = this.carrier.errorOf("ECANCELED", "read", { phase: "close" });
    makers.set(error, this);
    return error;
  }

  /** @internal Closing has a deadline of its own, from the first moment on. */
  protected noteState(): void {
    if (this.core.state === "open" || (this.flags & CLOSE_TIMED) !== 0) return;
    this.flags |= CLOSE_TIMED;
    this.setTimer();
    this.noteChange("closing");
  }

  /** @internal The state is another one: told in a microtask, so never inside the caller's call. */
  noteChange(state: ConnectionState): void {
    const callback = this.shared.handlers.state;
    if (callback !== undefined) queueMicrotask(() => this.call(callback, state, null));
  }

  /** @internal */
  protected setTimer(): void {
    const next = this.core.nextDeadline();
    if (next !== Number.POSITIVE_INFINITY) this.setDeadline(Math.max(0, next - wallTime()));
  }

  /** @internal */
  protected setDeadline(ms: number): void {
    this.deadline ??= new Deadline<DeadlineOwner>(this);
    setDeadline(this.deadline, ms);
  }

  /** @internal */
  protected call(callback: ((...args: never[]) => unknown) | undefined, ...rest: unknown[]): void {
    if (callback === undefined) return;
    try {
      const result = (callback as (...args: unknown[]) => unknown)(this, ...rest);
      if (result !== undefined) this.watch(result);
    } catch (error) {
      this.handlerFailed(error);
    }
  }

  /** @internal */
  protected watch(result: unknown): void {
    if (typeof (result as PromiseLike<unknown>)?.then !== "function") return;
    (result as PromiseLike<unknown>).then(undefined, (error) => this.handlerFailed(error));
  }

  /** @internal */
  handlerFailed(error: unknown): void {
    if (typeof error === "object" && error !== null && this.made(error)) {
      // It only says what the WebSocket knows already.
      this.carrier.countEndedByPeer();
      this.beginClose(closeCodes.CLOSE_NORMAL, "");
      return;
    }
    if ((this.flags & OPENING) !== 0) this.carrier.abort();
    else this.core.fail(closeCodes.CLOSE_INTERNAL_ERROR, "a handler threw");
    report(error);
  }

  // Sends are settled by the stream, with its errors.
  private made(error: object): boolean {
    return makers.get(error) === this || this.carrier.knows(error);
  }
}
