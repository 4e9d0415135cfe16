// The receiving half of a WebSocket: messages to the callbacks or to who asks for them, whole or in
// parts, pause and resume. Not here: who waits and what is held (inbox.ts, incoming-stream.ts), how
// a WebSocket ends (connection.ts).

import type { Deadline } from "../core/deadlines.ts";
import { readSignal } from "../core/waiting.ts";
import { invalidState } from "../errors/index.ts";
import type { DeadlineOwner } from "../net/clock.ts";
import type { CloseResult } from "../net/types.ts";
import { CLOSING, FULL, INFLATING, makers, OPENING, PAUSED } from "./connection-facts.ts";
import { SendingWebSocket } from "./connection-sending.ts";
import { closedByPeer, cutByPeer } from "./errors.ts";
import { Inbox, Iteration } from "./inbox.ts";
import { type IncomingMessageStream, StreamInbox } from "./incoming-stream.ts";
import { Marks } from "./marks.ts";
import { turnTime, wallTime } from "./turn-clock.ts";
import type { Message, MessageReceiveOptions } from "./types.ts";

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
    this.requirePulling("receive()");
    const signal = readSignal(options, "receive()");
    return this.reading().receive(signal);
  }

  /**
   * Iterates over messages. Ends on 1000, 1001 and 1005 and on a local `close()`; throws otherwise,
   * after all messages. `break` closes nothing and loses nothing.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    this.requirePulling("for await");
    return new Iteration<Message>(this.reading());
  }

  /**
   * The next message in parts, as soon as its first one has come, or null at the end: for messages
   * that shall never be whole in memory. `maxPayload` and `maxFragments` hold for them as well, and
   * may be raised. What is left of the message before is dropped.
   *
   * From the first call on every message comes this way, and `receive()` and `for await` throw;
   * `whole()` gives short ones in one piece.
   *
   * @throws TypeError with ERR_INVALID_STATE where the `message` or `part` callback is given, or
   *   where a `receive()` waits. Rejects as `receive()` does.
   */
  receiveStream(options?: MessageReceiveOptions): Promise<IncomingMessageStream | null> {
    this.requirePulling("receiveStream()");
    const signal = readSignal(options, "receiveStream()");
    return this.streaming().receive(signal);
  }

  /** Iterates over messages in parts, as `receiveStream()` gives them. Ends as `for await` does. */
  streams(): AsyncIterableIterator<IncomingMessageStream> {
    this.requirePulling("streams()");
    return new Iteration<IncomingMessageStream>(this.streaming());
  }

  private requirePulling(what: string): void {
    const { message, part } = this.shared.handlers;
    if (message === undefined && part === undefined) return;
    const callback = message === undefined ? "part" : "message";
    throw invalidState(
      `${what} cannot be used beside the ${callback} callback, which gets everything`,
    );
  }

  private reading(): Inbox {
    const { inbox } = this;
    if (inbox instanceof Inbox) return inbox;
    if (inbox !== null) throw invalidState("messages are received in parts; there is whole()");
    return this.begin(new Inbox<Message>(this.marks()));
  }

  private streaming(): StreamInbox {
    const { inbox } = this;
    if (inbox instanceof StreamInbox) return inbox;
    if (inbox instanceof Inbox && inbox.isAwaited) {
      throw invalidState("a receive() waits for a whole message");
    }
    const streams = new StreamInbox(this.marks());
    for (const message of inbox instanceof Inbox ? inbox.drain() : []) {
      streams.put(message, true, true);
    }
    this.core.giveParts();
    return this.begin(streams);
  }

  private marks(): Marks {
    return new Marks(this.shared.receiveHighWaterMark, () => this.roomAgain());
  }

  private begin<I extends Inbox | StreamInbox>(inbox: I): I {
    this.inbox = inbox;
    if (this.result !== null) this.endInbox(this.result);
    else if ((this.flags & CLOSING) !== 0) inbox.cancel(this.cancelled());
    if (!inbox.isFull) this.roomAgain();
    return inbox;
  }

  private roomAgain(): void {
    if ((this.flags & FULL) === 0) return;
    this.flags &= ~FULL;
    if ((this.flags & PAUSED) === 0) queueMicrotask(() => this.readOn());
  }

  /**
   * No messages from now on, and nothing read from the kernel: the peer sees the window close. Does
   * nothing after `close()`, when no messages come and the peer's Close must be seen.
   */
  pause(): this {
    const isLate = (this.flags & CLOSING) !== 0 && !this.shared.settings.deliverWhileClosing;
    if (isLate) return this;
    this.flags |= PAUSED;
    this.holdReading();
    return this;
  }

  /** Ends `pause()`. What was held comes first, and not inside this call. */
  resume(): this {
    if ((this.flags & PAUSED) === 0) return this;
    this.flags &= ~PAUSED;
    queueMicrotask(() => this.readOn());
    return this;
  }

  private holdReading(): void {
    this.core.pause();
    // Before `open` it is the answer that is read.
    if ((this.flags & OPENING) === 0) this.carrier.hold(true);
  }

  /** @internal */
  protected readOn(): void {
    if ((this.flags & (PAUSED | FULL)) !== 0) return;
    this.core.resume(wallTime());
    if ((this.flags & (PAUSED | FULL | INFLATING)) === 0) this.carrier.hold(false);
    this.noteState();
    if (this.deadline !== null) this.bringForward(this.deadline);
  }

  /** @internal */
  protected endInbox({ error, code = 1006, reason = "" }: CloseResult): void {
    if (error !== null) this.inbox?.end(error);
    else if (code === 1006) this.inbox?.cancel(this.cancelled());
    else this.onClosing(code, reason);
  }

  // ---------------------------------------------------------- from the carrier and the protocol

  /** @internal */
  get keepsReceived(): boolean {
    return !this.shared.settings.lend;
  }

  /** @internal */
  received(chunk: Buffer, start: number, end: number, given = false): void {
    this.core.receive(chunk, start, end, turnTime(), given);
    if (this.core.state !== "open") this.noteState();
    else if (this.deadline !== null) this.bringForward(this.deadline);
  }

  // An answer to a heartbeat's ping makes the next one due sooner than its time-out; and while
  // nothing is read there is no heartbeat, which begins again afterwards.
  private bringForward(deadline: Deadline<DeadlineOwner>): void {
    if (!deadline.isSet || this.core.nextDeadline() < deadline.at - 1) this.setTimer();
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
    const { inbox } = this;
    if (inbox instanceof StreamInbox) inbox.put(message, true, true);
    else this.reading().push(message);
    this.holdIfFull();
  }

  /** @internal */
  onPart(data: Message, isFirst: boolean, isLast: boolean): void {
    const callback = this.shared.handlers.part;
    if (callback !== undefined) {
      this.call(callback, data, isFirst, isLast);
      return;
    }
    this.streaming().put(data, isFirst, isLast);
    this.holdIfFull();
  }

  private holdIfFull(): void {
    if (this.inbox?.isFull !== true || (this.flags & FULL) !== 0) return;
    this.flags |= FULL;
    this.holdReading();
  }

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
    const place = this.carrier.whereabouts;
    const error = closedByPeer(code, reason, place);
    if (error !== null) makers.set(error, this);
    const { inbox } = this;
    if (inbox instanceof StreamInbox && inbox.isInside) {
      const cut = error ?? cutByPeer(code, reason, place);
      makers.set(cut, this);
      inbox.end(error, cut);
    } else {
      inbox?.end(error);
    }
  }

  /** @internal */
  onReading(wanted: boolean): void {
    if (wanted) {
      this.flags &= ~INFLATING;
      if ((this.flags & (PAUSED | FULL)) === 0) this.carrier.hold(false);
      if (this.deadline !== null) this.bringForward(this.deadline);
    } else {
      this.flags |= INFLATING;
      this.carrier.hold(true);
    }
  }
}
