// One WebSocket after its opening handshake: the protocol between a carrier and the application.
// Not here: frames and closing (protocol/), bytes and marks (carrier.ts), the opening handshakes
// (client-upgrade.ts, server-upgrade.ts), who listens (listener.ts).

import { inspect } from "node:util";
import { bytesOf } from "../core/byte-stream.ts";
import { Deadline } from "../core/deadlines.ts";
import { quiet } from "../core/send-waiters.ts";
import {
  type HawserError,
  invalidState,
  rejectUnknownKeys,
  requireBoolean,
  requireObject,
  requireSignal,
} from "../errors/index.ts";
import { clearDeadline, type DeadlineOwner, setDeadline } from "../net/clock.ts";
import type { Connection } from "../net/connection.ts";
import type { Ending } from "../net/connection-base.ts";
import type { CloseResult, ConnectionState, SendData } from "../net/types.ts";
import { report } from "../socket/reactor.ts";
import type { Carrier, CarrierUser } from "./carrier.ts";
import { closedByPeer, failureOf } from "./errors.ts";
import { Inbox } from "./inbox.ts";
import { MessageStream } from "./message-stream.ts";
import type { Shared } from "./options.ts";
import {
  type AbortReason,
  type CloseInfo,
  closeCodes,
  type DeflateParameters,
  type PreparedMessage,
  type ProtocolHandler,
  WebSocketProtocol,
} from "./protocol/index.ts";
import { turnTime, wallTime } from "./turn-clock.ts";
import type {
  BroadcastOptions,
  Message,
  MessageOptions,
  MessageReceiveOptions,
  MessageSendOptions,
} from "./types.ts";

/** What the opening handshake has settled; one object for all that agree. */
export interface Agreed {
  readonly url: string;
  readonly protocol: string;
  readonly extensions: string;
  readonly deflate: DeflateParameters | null;
}

/** Who has a WebSocket: its listener. Not public. */
export interface SocketOwner {
  socketClosed(socket: WebSocketConnection<never>): void;
  subscribe(topic: string, socket: WebSocketConnection<never>): void;
  unsubscribe(topic: string, socket: WebSocketConnection<never>): void;
  publish(
    topic: string,
    message: SendData,
    options: BroadcastOptions | undefined,
    except: WebSocketConnection<never> | null,
  ): number;
}

interface Closed {
  readonly promise: Promise<CloseResult>;
  readonly resolve: (result: CloseResult) => void;
}

// Facts that are true or not, in one number.
const PAUSED = 1;
/** The inbox is full. */
const FULL = 2;
/** `close()` was called. */
const CLOSING = 4;
/** Everybody knows that it is over. */
const TOLD = 8;
/** The deadline of closing runs. */
const CLOSE_TIMED = 16;
/** Above the mark while messages wait for compression. */
const WANTS_DRAIN = 32;
/** A message is being inflated. */
const INFLATING = 64;

const SEND_KEYS: ReadonlySet<string> = new Set(["binary", "compress", "signal"]);
const RECEIVE_KEYS: ReadonlySet<string> = new Set(["signal"]);
const EMPTY = Buffer.alloc(0);
/** Errors that were made for a WebSocket, so that a handler may pass them on. */
const makers = new WeakMap<object, object>();

/**
 * One WebSocket, client or server. Made by `connect`, `listen`, `attach` or `handleUpgrade` when
 * the opening handshake is over. `T` is the type of `data`, the application's own.
 */
export class WebSocketConnection<T = unknown>
  implements ProtocolHandler, CarrierUser, DeadlineOwner, AsyncIterable<Message>, AsyncDisposable
{
  /** The application's own; undefined until it is set, or what `upgrade` gave. */
  data: T = undefined as T;

  readonly #carrier: Carrier;
  readonly #shared: Shared;
  readonly #agreed: Agreed;
  readonly #owner: SocketOwner | null;
  readonly #protocol: WebSocketProtocol;
  #flags = 0;
  #inbox: Inbox | null = null;
  #deadline: Deadline<DeadlineOwner> | null = null;
  #closed: Closed | null = null;
  /** How the stream ended, and then how the WebSocket did. */
  #ending: Ending | null = null;
  #result: CloseResult | null = null;
  #whenCompressed: (() => void)[] | null = null;

  /** @internal */
  constructor(carrier: Carrier, shared: Shared, agreed: Agreed, owner: SocketOwner | null) {
    this.#carrier = carrier;
    this.#shared = shared;
    this.#agreed = agreed;
    this.#owner = owner;
    const now = shared.settings.watchesTime ? wallTime() : turnTime();
    this.#protocol = new WebSocketProtocol(shared.settings, carrier, this, agreed.deflate, now);
    carrier.user = this;
  }

  /** @internal The first thing that the application hears. */
  announce(): void {
    if (this.#shared.settings.watchesTime) this.#setTimer();
    this.#call(this.#shared.handlers.open);
  }

  // -------------------------------------------------------------------------------- properties

  get state(): ConnectionState {
    if (this.#result !== null) return this.#result.error === null ? "closed" : "failed";
    return this.#protocol.state === "open" && (this.#flags & CLOSING) === 0 ? "ready" : "closing";
  }

  /** The URL, as the client asked for it. */
  get url(): string {
    return this.#agreed.url;
  }

  /** The subprotocol chosen, or `""`. */
  get protocol(): string {
    return this.#agreed.protocol;
  }

  /** The value of Sec-WebSocket-Extensions, or `""`. */
  get extensions(): string {
    return this.#agreed.extensions;
  }

  /** The stream beneath, for `info()`, addresses and options; its bytes are not for reading. */
  get connection(): Connection {
    return this.#carrier as Connection;
  }

  /** Bytes received, frames' headers and the opening handshake included. */
  get bytesRead(): number {
    return this.#carrier.bytesRead;
  }

  /** Bytes written, those still queued included. */
  get bytesWritten(): number {
    return this.#carrier.bytesWritten;
  }

  /** Bytes that the kernel has not taken yet, those that wait for compression included. */
  get bufferedAmount(): number {
    return this.#protocol.bufferedBytes;
  }

  /** Whether `write` would return false now. */
  get writableNeedDrain(): boolean {
    return this.#carrier.writableNeedDrain || (this.#flags & WANTS_DRAIN) !== 0;
  }

  get isPaused(): boolean {
    return (this.#flags & PAUSED) !== 0;
  }

  /** @internal What `console.log` shows. */
  [inspect.custom](_depth: number, options: object): string {
    const { state, url, protocol, data } = this;
    return `WebSocketConnection ${inspect({ state, url, protocol, data }, options)}`;
  }

  // ----------------------------------------------------------------------------------- sending

  /**
   * Queues a message, and returns false when more than `sendHighWaterMark` bytes wait; `drain`
   * comes then. Strings are text messages. What is written in one turn leaves in one system call.
   * Never throws but for a wrong argument; after close or a failure nothing is queued, and false is
   * given.
   */
  write(message: SendData, options?: MessageOptions): boolean {
    return this.#put(message, options) && this.#hasRoom();
  }

  /**
   * Queues a message. Resolves as `Connection.send` does: when the kernel has taken it, or sooner
   * for a copied payload (up to 4 KiB) while fewer than `sendHighWaterMark` bytes wait.
   *
   * @throws TypeError at once for a wrong argument. Rejects with EPIPE after `close()` or the
   *   peer's
   *   Close, with the failure itself, with `signal.reason`. These never count as unhandled.
   */
  send(message: SendData, options?: MessageSendOptions): Promise<void> {
    const signal =
      options?.signal === undefined ? undefined : requireSignal(options.signal, "signal");
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    if (!this.#put(message, options)) return this.#carrier.refuseSend();
    const sent = this.#whenSent(message);
    return signal === undefined ? sent : untilAborted(sent, signal);
  }

  #put(message: SendData, options: MessageSendOptions | undefined): boolean {
    const now = this.#now();
    if (options === undefined) {
      if (typeof message === "string") return this.#protocol.sendText(message, true, now);
      const bytes = message instanceof Uint8Array ? message : bytesOf(message);
      return this.#protocol.sendBinary(bytes, true, now);
    }
    rejectUnknownKeys(requireObject(options, "options"), SEND_KEYS, "send()");
    const { binary = typeof message !== "string", compress = true } = options;
    requireBoolean(binary, "binary");
    requireBoolean(compress, "compress");
    const data = typeof message === "string" ? message : bytesOf(message);
    return this.#protocol.send(data, binary, compress, now);
  }

  #now(): number {
    return this.#shared.settings.watchesTime ? wallTime() : turnTime();
  }

  #hasRoom(): boolean {
    if (this.#protocol.compressing && this.#carrier.isSlowAt(this.#protocol.bufferedBytes)) {
      this.#flags |= WANTS_DRAIN;
      return false;
    }
    return this.#carrier.hasRoom();
  }

  #whenSent(message: SendData): Promise<void> {
    const data = typeof message === "string" ? message : bytesOf(message);
    if (!this.#protocol.compressing) return this.#carrier.sent(data, this.#carrier.hasRoom());
    // Its bytes are read by another thread until then.
    const compressed = new Promise<void>((resolve) => {
      this.#whenCompressed ??= [];
      this.#whenCompressed.push(resolve);
    });
    return quiet(
      compressed.then(() => {
        if (this.#ending !== null) return this.#carrier.refuseSend();
        return this.#carrier.sent(data, this.#carrier.hasRoom());
      }),
    );
  }

  /** @internal A message that was encoded once for many. False: not sent, for it is closing. */
  sendPrepared(prepared: PreparedMessage): boolean {
    return this.#protocol.sendPrepared(prepared, this.#now());
  }

  /** @internal More than the mark waits, for the peer does not take it. */
  get isSlow(): boolean {
    if (!this.#carrier.isSlowAt(this.#protocol.bufferedBytes)) return false;
    this.#carrier.flushUnlessBlocked();
    return this.#carrier.isSlowAt(this.#protocol.bufferedBytes);
  }

  /** A message in parts, which is never whole in memory. Its first part says whether it is text. */
  stream(options?: MessageOptions): MessageStream {
    const { binary, compress = true } = options ?? {};
    const put = (part: SendData, isLast: boolean): boolean => {
      const wantsText = binary === undefined ? typeof part === "string" : !binary;
      const bytes = typeof part === "string" ? part : bytesOf(part);
      const data =
        wantsText === (typeof bytes === "string")
          ? bytes
          : typeof bytes === "string"
            ? Buffer.from(bytes)
            : Buffer.from(bytes).toString();
      return this.#protocol.sendPart(data, isLast, compress, this.#now());
    };
    return new MessageStream(
      {
        writePart: (part, isLast) => put(part, isLast) && this.#hasRoom(),
        sendPart: (part, isLast) =>
          put(part, isLast) ? this.#whenSent(part) : this.#carrier.refuseSend(),
      },
      binary === undefined ? undefined : !binary,
    );
  }

  /** A Ping of up to 125 bytes (RFC 6455 section 5.5). @throws RangeError above. */
  ping(payload: SendData = EMPTY): boolean {
    return this.#protocol.ping(bytesOf(payload));
  }

  /** A Pong that nobody asked for (RFC 6455 section 5.5.3). */
  pong(payload: SendData = EMPTY): boolean {
    return this.#protocol.pong(bytesOf(payload));
  }

  // --------------------------------------------------------------------------------- receiving

  /**
   * The next message, or null at the end, again and again: after the peer's Close with 1000, 1001
   * or without a code. Messages that arrived before a failure come before it.
   *
   * @throws TypeError with ERR_INVALID_STATE where the `message` callback is given. Rejects with
   *   the
   *   failure, with ERR_HAWSER_WEBSOCKET_CLOSED for other codes of the peer's, with ECANCELED after
   *   a
   *   local `close()`, with `signal.reason`. These never count as unhandled.
   */
  receive(options?: MessageReceiveOptions): Promise<Message | null> {
    this.#requirePulling("receive()");
    let signal: AbortSignal | undefined;
    if (options !== undefined) {
      rejectUnknownKeys(requireObject(options, "options"), RECEIVE_KEYS, "receive()");
      if (options.signal !== undefined) signal = requireSignal(options.signal, "signal");
    }
    return this.#reading().receive(signal);
  }

  /**
   * Iterates over messages. Ends on 1000, 1001 and 1005 and on a local `close()`; throws otherwise,
   * after all messages. `break` closes nothing and loses nothing.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    this.#requirePulling("for await");
    return new Iteration(this.#reading());
  }

  #requirePulling(what: string): void {
    if (this.#shared.handlers.message === undefined) return;
    throw invalidState(`${what} cannot be used beside the message callback, which gets everything`);
  }

  #reading(): Inbox {
    if (this.#inbox !== null) return this.#inbox;
    const inbox = new Inbox(this.#shared.receiveHighWaterMark, () => this.#roomAgain());
    this.#inbox = inbox;
    if (this.#result !== null) this.#endInbox(this.#result);
    else if ((this.#flags & CLOSING) !== 0) inbox.cancel(this.#cancelled());
    return inbox;
  }

  #roomAgain(): void {
    if ((this.#flags & FULL) === 0) return;
    this.#flags &= ~FULL;
    if ((this.#flags & PAUSED) === 0) queueMicrotask(() => this.#readOn());
  }

  /** No messages from now on, and nothing read from the kernel: the peer sees the window close. */
  pause(): this {
    this.#flags |= PAUSED;
    this.#holdReading();
    return this;
  }

  /** Ends `pause()`. What was held comes first, and not inside this call. */
  resume(): this {
    if ((this.#flags & PAUSED) === 0) return this;
    this.#flags &= ~PAUSED;
    queueMicrotask(() => this.#readOn());
    return this;
  }

  #holdReading(): void {
    this.#protocol.pause();
    this.#carrier.hold(true);
  }

  #readOn(): void {
    if ((this.#flags & (PAUSED | FULL)) !== 0) return;
    this.#protocol.resume(wallTime());
    if ((this.#flags & (PAUSED | FULL | INFLATING)) === 0) this.#carrier.hold(false);
    this.#noteState();
  }

  // -------------------------------------------------------------------------- from the carrier

  /** @internal */
  opened(): void {}

  /** @internal */
  received(chunk: Buffer, start: number, end: number): void {
    this.#protocol.receive(chunk, start, end, turnTime());
    if (this.#protocol.state !== "open") this.#noteState();
    else if (this.#deadline !== null) this.#bringForward(this.#deadline);
  }

  // An answer to a heartbeat's ping makes the next one due sooner than its time-out.
  #bringForward(deadline: Deadline<DeadlineOwner>): void {
    if (this.#protocol.nextDeadline() < deadline.at - 1) this.#setTimer();
  }

  /** @internal */
  ended(): void {
    this.#protocol.end(wallTime());
  }

  /** @internal */
  flushed(): void {
    this.#protocol.flushed();
  }

  /** @internal */
  drained(): void {
    if (this.#protocol.compressing && (this.#flags & WANTS_DRAIN) !== 0) return;
    this.#flags &= ~WANTS_DRAIN;
    if (this.#protocol.state === "open") this.#call(this.#shared.handlers.drain);
  }

  /** @internal The listener closes. */
  concluded(): void {
    this.#beginClose(closeCodes.CLOSE_GOING_AWAY, "");
  }

  /** @internal The stream is gone. */
  over(ending: Ending): void {
    this.#ending = ending;
    this.#compressed();
    this.#protocol.transportClosed(wallTime());
    // Held messages come first; who never asks for them does not hold it open.
    if ((this.#flags & TOLD) === 0) this.#setDeadline(this.#shared.closeTimeout);
  }

  // -------------------------------------------------------------------------- from the protocol

  /** @internal */
  onMessage(message: Message): void {
    const callback = this.#shared.handlers.message;
    if (callback !== undefined) {
      try {
        const result = callback(this as never, message);
        if (result !== undefined) this.#watch(result);
      } catch (error) {
        this.handlerFailed(error);
      }
      return;
    }
    const inbox = this.#reading();
    inbox.push(message);
    if (inbox.isFull && (this.#flags & FULL) === 0) {
      this.#flags |= FULL;
      this.#holdReading();
    }
  }

  /** @internal Messages are given whole. */
  onPart(): void {}

  /** @internal */
  onPing(payload: Buffer): void {
    this.#call(this.#shared.handlers.ping, payload);
  }

  /** @internal */
  onPong(payload: Buffer): void {
    this.#call(this.#shared.handlers.pong, payload);
  }

  /** @internal */
  onClosing(code: number, reason: string): void {
    const error = closedByPeer(code, reason, this.#carrier.whereabouts);
    if (error !== null) makers.set(error, this);
    this.#inbox?.end(error);
  }

  /** @internal */
  onReading(wanted: boolean): void {
    if (wanted) {
      this.#flags &= ~INFLATING;
      if ((this.#flags & (PAUSED | FULL)) === 0) this.#carrier.hold(false);
    } else {
      this.#flags |= INFLATING;
      this.#carrier.hold(true);
    }
  }

  /** @internal */
  onQueueEmpty(): void {
    this.#compressed();
    if ((this.#flags & WANTS_DRAIN) === 0) return;
    if (this.#carrier.hasRoom()) this.drained();
    else this.#flags &= ~WANTS_DRAIN;
  }

  #compressed(): void {
    const waiting = this.#whenCompressed;
    this.#whenCompressed = null;
    for (const resolve of waiting ?? []) resolve();
  }

  /** @internal */
  onShutdown(): void {
    this.#noteState();
    this.#carrier.finish();
  }

  /** @internal */
  onAbort(reason: AbortReason): void {
    const carrier = this.#carrier;
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
    if ((this.#flags & TOLD) !== 0) return;
    this.#flags |= TOLD;
    if (this.#deadline !== null) clearDeadline(this.#deadline);
    const result = this.#resultOf(info);
    this.#result = result;
    if (result.error !== null) makers.set(result.error, this);
    if (this.#inbox !== null) this.#endInbox(result);
    // After those who waited for messages have heard of it.
    queueMicrotask(() => process.nextTick(tellEnd, this));
  }

  #resultOf(info: CloseInfo): CloseResult {
    const ending = this.#ending;
    const carrier = this.#carrier;
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

  #endInbox({ error, code = 1006, reason = "" }: CloseResult): void {
    const inbox = this.#inbox as Inbox;
    if (error !== null) inbox.end(error);
    else if (code === 1006) inbox.cancel(this.#cancelled());
    else this.onClosing(code, reason);
  }

  /** @internal */
  tellEnd(): void {
    const { code = 1006, reason = "", error } = this.#result as CloseResult;
    this.#call(this.#shared.handlers.close, code, reason, error);
    this.#closed?.resolve(this.#result as CloseResult);
    this.#owner?.socketClosed(this as never);
  }

  // ------------------------------------------------------------------------------------ ending

  /**
   * Ends without loss: flushes, exchanges Closes, ends TCP (a server first). Default 1000; unread
   * messages are dropped. After `closeTimeout` it aborts, and the result's `error` says so. Never
   * rejects; the same promise as `closed`.
   *
   * @throws RangeError for a code that may not be sent (1000 to 1003, 1007 to 1014, 3000 to 4999
   *   may), and for a reason of more than 123 bytes of UTF-8
   */
  close(code: number = closeCodes.CLOSE_NORMAL, reason = ""): Promise<CloseResult> {
    this.#beginClose(code, reason);
    return this.closed;
  }

  /** @internal `close()` without the promise; without a code the Close is empty. */
  closeWith(code: number | undefined, reason: string): void {
    this.#beginClose(code, reason);
  }

  /** @internal Whether both Closes were exchanged; undefined before the end. */
  get wasClean(): boolean | undefined {
    return this.#result?.wasClean;
  }

  #beginClose(code: number | undefined, reason: string): void {
    this.#protocol.close(code, reason, wallTime());
    if ((this.#flags & (CLOSING | TOLD)) !== 0) return;
    this.#flags |= CLOSING;
    this.#inbox?.cancel(this.#cancelled());
    this.#noteState();
    // The peer's Close must be seen.
    if ((this.#flags & (PAUSED | FULL)) !== 0) {
      this.#flags &= ~(PAUSED | FULL);
      queueMicrotask(() => this.#readOn());
    }
  }

  /** RST now (SO_LINGER 0, socket(7)): queued messages are lost, and the peer sees 1006. */
  abort(): void {
    this.#inbox?.cancel(this.#cancelled());
    this.#carrier.abort();
  }

  /** @internal FIN now: queued messages are lost, and the peer sees 1006. */
  drop(): void {
    this.#carrier.drop();
  }

  /** Settles when it is over, after everybody else was told. Never rejects. */
  get closed(): Promise<CloseResult> {
    if (this.#closed === null) {
      let resolve: (result: CloseResult) => void = () => {};
      const promise = new Promise<CloseResult>((fulfil) => {
        resolve = fulfil;
      });
      this.#closed = { promise, resolve };
      if (this.#result !== null) resolve(this.#result);
    }
    return this.#closed.promise;
  }

  /** `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #cancelled(): HawserError {
    const error = this.#carrier.errorOf("ECANCELED", "read", { phase: "close" });
    makers.set(error, this);
    return error;
  }

  // ------------------------------------------------------------------------------------- topics

  /** Takes part in a topic of its listener. @throws TypeError (ERR_INVALID_STATE) on a client */
  subscribe(topic: string): void {
    this.#requireOwner().subscribe(topic, this as never);
  }

  unsubscribe(topic: string): void {
    this.#requireOwner().unsubscribe(topic, this as never);
  }

  /** To the other subscribers of a topic, encoded and compressed once. Returns how many got it. */
  publish(topic: string, message: SendData, options?: BroadcastOptions): number {
    return this.#requireOwner().publish(topic, message, options, this as never);
  }

  #requireOwner(): SocketOwner {
    if (this.#owner !== null) return this.#owner;
    throw invalidState("topics are those of a listener, and this WebSocket was made by connect()");
  }

  // ----------------------------------------------------------------------------- time, handlers

  // Closing has a deadline of its own, from the first moment on.
  #noteState(): void {
    if (this.#protocol.state === "open" || (this.#flags & CLOSE_TIMED) !== 0) return;
    this.#flags |= CLOSE_TIMED;
    this.#setTimer();
  }

  #setTimer(): void {
    const next = this.#protocol.nextDeadline();
    if (next !== Number.POSITIVE_INFINITY) this.#setDeadline(Math.max(0, next - wallTime()));
  }

  #setDeadline(ms: number): void {
    this.#deadline ??= new Deadline<DeadlineOwner>(this);
    setDeadline(this.#deadline, ms);
  }

  /** @internal */
  expired(): void {
    if (this.#ending !== null) {
      // What is held back is dropped.
      this.#inbox?.cancel(this.#cancelled());
      this.#flags &= ~(PAUSED | FULL);
      this.#protocol.close(undefined, "", wallTime());
      this.#protocol.resume(wallTime());
      return;
    }
    this.#protocol.tick(wallTime());
    if (this.#result === null) this.#setTimer();
  }

  #call(callback: ((...args: never[]) => unknown) | undefined, ...rest: unknown[]): void {
    if (callback === undefined) return;
    try {
      const result = (callback as (...args: unknown[]) => unknown)(this, ...rest);
      if (result !== undefined) this.#watch(result);
    } catch (error) {
      this.handlerFailed(error);
    }
  }

  #watch(result: unknown): void {
    if (typeof (result as PromiseLike<unknown>)?.then !== "function") return;
    (result as PromiseLike<unknown>).then(undefined, (error) => this.handlerFailed(error));
  }

  /** @internal */
  handlerFailed(error: unknown): void {
    if (typeof error === "object" && error !== null && makers.get(error) === this) {
      // It only says what the WebSocket knows already.
      this.#carrier.countEndedByPeer();
      this.#beginClose(closeCodes.CLOSE_NORMAL, "");
      return;
    }
    this.#protocol.fail(closeCodes.CLOSE_INTERNAL_ERROR, "a handler threw");
    report(error);
  }
}

function tellEnd(socket: WebSocketConnection): void {
  socket.tellEnd();
}

class Iteration implements AsyncIterableIterator<Message> {
  readonly #inbox: Inbox;

  constructor(inbox: Inbox) {
    this.#inbox = inbox;
  }

  next(): Promise<IteratorResult<Message, undefined>> {
    return this.#inbox.next();
  }

  return(): Promise<IteratorResult<Message, undefined>> {
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
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
