// The receiving half of a WebSocket: messages to the callback or to who asks for them, pause and
// resume. Not here: who waits and what is held (inbox.ts), how a WebSocket ends (connection.ts).

import type { Deadline } from "../core/deadlines.ts";
import { invalidState, rejectUnknownKeys, requireObject, requireSignal } from "../errors/index.ts";
import type { DeadlineOwner } from "../net/clock.ts";
import type { CloseResult } from "../net/types.ts";
import { CLOSING, FULL, INFLATING, makers, PAUSED } from "./connection-facts.ts";
import { SendingWebSocket } from "./connection-sending.ts";
import { closedByPeer } from "./errors.ts";
import { Inbox } from "./inbox.ts";
import { turnTime, wallTime } from "./turn-clock.ts";
import type { Message, MessageReceiveOptions } from "./types.ts";

const RECEIVE_KEYS: ReadonlySet<string> = new Set(["signal"]);

/** The receiving half of {@link WebSocketConnection}. */
export abstract class ReceivingWebSocket<T = unknown> extends SendingWebSocket<T> {
  /**
   * The next message, or null at the end, again and again: after the peer's Close with 1000, 1001
   * or without a code. Messages that arrived before a failure come before it.
   *
   * @throws TypeError with ERR_INVALID_STATE where the `message` callback is given. Rejects with
   *   the failure, with ERR_HAWSER_WEBSOCKET_CLOSED for other codes of the peer's, with ECANCELED
   *   after a local `close()`, with `signal.reason`. These never count as unhandled.
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
    if (this.shared.handlers.message === undefined) return;
    throw invalidState(`${what} cannot be used beside the message callback, which gets everything`);
  }

  #reading(): Inbox {
    if (this.inbox !== null) return this.inbox;
    const inbox = new Inbox(this.shared.receiveHighWaterMark, () => this.#roomAgain());
    this.inbox = inbox;
    if (this.result !== null) this.endInbox(this.result);
    else if ((this.flags & CLOSING) !== 0) inbox.cancel(this.cancelled());
    return inbox;
  }

  #roomAgain(): void {
    if ((this.flags & FULL) === 0) return;
    this.flags &= ~FULL;
    if ((this.flags & PAUSED) === 0) queueMicrotask(() => this.readOn());
  }

  /** No messages from now on, and nothing read from the kernel: the peer sees the window close. */
  pause(): this {
    this.flags |= PAUSED;
    this.#holdReading();
    return this;
  }

  /** Ends `pause()`. What was held comes first, and not inside this call. */
  resume(): this {
    if ((this.flags & PAUSED) === 0) return this;
    this.flags &= ~PAUSED;
    queueMicrotask(() => this.readOn());
    return this;
  }

  #holdReading(): void {
    this.core.pause();
    this.carrier.hold(true);
  }

  /** @internal */
  protected readOn(): void {
    if ((this.flags & (PAUSED | FULL)) !== 0) return;
    this.core.resume(wallTime());
    if ((this.flags & (PAUSED | FULL | INFLATING)) === 0) this.carrier.hold(false);
    this.noteState();
  }

  /** @internal */
  protected endInbox({ error, code = 1006, reason = "" }: CloseResult): void {
    const inbox = this.inbox as Inbox;
    if (error !== null) inbox.end(error);
    else if (code === 1006) inbox.cancel(this.cancelled());
    else this.onClosing(code, reason);
  }

  // ---------------------------------------------------------- from the carrier and the protocol

  /** @internal */
  received(chunk: Buffer, start: number, end: number): void {
    this.core.receive(chunk, start, end, turnTime());
    if (this.core.state !== "open") this.noteState();
    else if (this.deadline !== null) this.#bringForward(this.deadline);
  }

  // An answer to a heartbeat's ping makes the next one due sooner than its time-out.
  #bringForward(deadline: Deadline<DeadlineOwner>): void {
    if (this.core.nextDeadline() < deadline.at - 1) this.setTimer();
  }

  /** @internal */
  ended(): void {
    this.core.end(wallTime());
  }

  /** @internal */
  onMessage(message: Message): void {
    const callback = this.shared.handlers.message;
    if (callback !== undefined) {
      try {
        const result = callback(this as never, message);
        if (result !== undefined) this.watch(result);
      } catch (error) {
        this.handlerFailed(error);
      }
      return;
    }
    const inbox = this.#reading();
    inbox.push(message);
    if (inbox.isFull && (this.flags & FULL) === 0) {
      this.flags |= FULL;
      this.#holdReading();
    }
  }

  /** @internal Messages are given whole. */
  onPart(): void {}

  /** @internal */
  onPing(payload: Buffer): void {
    this.call(this.shared.handlers.ping, payload);
  }

  /** @internal */
  onPong(payload: Buffer): void {
    this.call(this.shared.handlers.pong, payload);
  }

  /** @internal */
  onClosing(code: number, reason: string): void {
    const error = closedByPeer(code, reason, this.carrier.whereabouts);
    if (error !== null) makers.set(error, this);
    this.inbox?.end(error);
  }

  /** @internal */
  onReading(wanted: boolean): void {
    if (wanted) {
      this.flags &= ~INFLATING;
      if ((this.flags & (PAUSED | FULL)) === 0) this.carrier.hold(false);
    } else {
      this.flags |= INFLATING;
      this.carrier.hold(true);
    }
  }
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
