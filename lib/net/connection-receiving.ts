// The receiving half of a connection: data to the callback or to receive(), pause and resume, and
// the
// peer's end. Not here: the queue and its promises (core/receiver.ts), how a connection ends
// (connection.ts).
//
// When the peer's end counts as consumed, after which our own FIN follows (B16):
//  - with the `data` callback: when the `end` callback has been called, after all data;
//  - where a receive() waits: at once, it gives null;
//  - where nobody has ever read and nothing is unread: at once;
//  - else when receive() has given null, or `closeTimeout` after the end came. An application
//    between
//    two reads may still answer; one that never comes back does not hold the connection.
// A function handler's return is close(), whatever has been consumed.

import { viewOf } from "../core/buffer-view.ts";
import type { ReceiveOptions } from "../core/byte-stream.ts";
import { ownedCopy } from "../core/owned-bytes.ts";
import { Receiver } from "../core/receiver.ts";
import { invalidState } from "../errors/index.ts";
import { nextIteration } from "../socket/reactor.ts";
import { clearDeadline } from "./clock.ts";
import {
  CLOSING,
  DROPPABLE,
  END_HELD,
  END_TOLD,
  HOLDING,
  PAUSED,
  PEER_ENDED,
  SHUT,
  STOPPED,
  TROUBLED,
  WAS_READ,
} from "./connection-facts.ts";
import { SendingConnection } from "./connection-sending.ts";
import { type Droppable, hold } from "./dropped.ts";

type DataHandler = (connection: never, bytes: Buffer) => unknown;

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

function consumed(connection: object): void {
  (connection as ReceivingConnection).onConsumed();
}

/** The receiving half of {@link Connection}. */
export abstract class ReceivingConnection<T = unknown> extends SendingConnection<T> {
  /** @internal Aborts, or closes without being asked, when the time or the bytes are used up. */
  protected abstract abandonClose(): void;
  /** @internal A failed connection has delivered what it held. */
  protected abstract tellEnding(): void;

  /**
   * Resolves with at least `min` and at most `max` bytes, with what came before the end, or with
   * null at the end, again and again. Data that arrived before a failure comes before it.
   *
   * Once the end is consumed, and without `allowHalfOpen`, our own FIN follows in the next
   * iteration
   * of the loop: an answer must be written at once, or before the end is read. Until then, and for
   * at
   * most `closeTimeout` after the peer's end has come, an application that reads may still send.
   *
   * @throws RangeError for `min` over 16 MiB or over `max`; TypeError with ERR_INVALID_STATE where
   *   the `data` callback is given. Rejects with the failure, with ECANCELED after a local
   *   `close()`
   *   or `abort()` (what was unread is dropped then), with `signal.reason`. These never count as
   *   unhandled rejections. See recv(2).
   */
  receive(options?: ReceiveOptions): Promise<Buffer | null> {
    this.requirePulling("receive()");
    const promise = this.reading().receive(options);
    this.endWhenDrained();
    return promise;
  }

  /**
   * Iterates over what arrives. Ends on a clean end and on a local `close()`; throws otherwise,
   * after all data. `break` closes nothing and loses nothing: iterate again, or `receive()`.
   *
   * @throws TypeError with ERR_INVALID_STATE where the `data` callback is given.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    this.requirePulling("for await");
    return new Iteration(this);
  }

  /** @internal */
  nextResult(): Promise<IteratorResult<Buffer, undefined>> {
    const promise = this.reading().next();
    this.endWhenDrained();
    return promise;
  }

  private requirePulling(what: string): void {
    if (this.policy.data === undefined) return;
    throw invalidState(`${what} cannot be used beside the data callback, which gets everything`);
  }

  private endWhenDrained(): void {
    if ((this.flags & PEER_ENDED) === 0 || this.ending !== null) return;
    if (this.receiver?.isDrained) this.endConsumed();
  }

  /** No `data` from now on, and nothing read from the kernel: the peer sees the window close. */
  pause(): this {
    if ((this.flags & PAUSED) !== 0) return this;
    this.flags |= PAUSED;
    if ((this.flags & (CLOSING | TROUBLED)) === 0) this.stopReading();
    return this;
  }

  /** Ends `pause()`. What was held comes first, and not inside this call. */
  resume(): this {
    if ((this.flags & PAUSED) === 0) return this;
    this.flags &= ~PAUSED;
    queueMicrotask(() => this.resumed());
    return this;
  }

  private resumed(): void {
    const { data } = this.policy;
    if ((this.flags & PAUSED) !== 0) return;
    if (data !== undefined && (this.flags & HOLDING) !== 0 && !this.deliverHeld(data)) return;
    if (this.ending !== null) return;
    if (this.receiver === null || !this.receiver.isFull) this.readOn();
  }

  // False when a callback has paused or closed in the middle.
  private deliverHeld(data: DataHandler): boolean {
    for (;;) {
      const bytes = this.receiver?.take();
      if (bytes === undefined) break;
      this.deliver(data, bytes);
      if ((this.flags & (PAUSED | HOLDING)) !== HOLDING) return false;
    }
    this.flags &= ~HOLDING;
    if ((this.flags & PEER_ENDED) !== 0) this.endConsumed(false);
    if (this.ending !== null) this.tellEnding();
    return true;
  }

  /** @internal Bytes received that nobody has taken yet. */
  get heldBytes(): number {
    return this.receiver === null ? 0 : this.receiver.bytes;
  }

  /** @internal */
  get keepsReceived(): boolean {
    return !this.policy.lend;
  }

  /** @internal */
  onReceived(slab: Buffer, offset: number, length: number, given: boolean): void {
    this.received += length;
    const { policy } = this;
    if (this.bounds !== null) this.touch();
    if ((this.flags & (PAUSED | HOLDING | CLOSING)) === 0 && policy.data !== undefined) {
      const bytes =
        policy.lend || given
          ? viewOf(slab, offset, offset + length)
          : ownedCopy(slab, offset, length);
      this.deliver(policy.data, bytes);
    } else {
      this.keep(viewOf(slab, offset, offset + length), given);
    }
  }

  private deliver(data: DataHandler, bytes: Buffer): void {
    try {
      const result = data(this as never, bytes);
      if (result !== undefined) this.watch(result);
    } catch (error) {
      this.handlerFailed(error);
    }
  }

  private keep(bytes: Buffer, given: boolean): void {
    if ((this.flags & CLOSING) !== 0) {
      // Read and dropped, so that the peer's end can come and ours arrives without a reset.
      if (this.received > this.bound().drainTo) this.abandonClose();
      return;
    }
    if (this.policy.data !== undefined) this.flags |= HOLDING;
    const receiver = this.reading();
    // Held for long it is better copied: a block must not be kept for each slow reader.
    if (given && receiver.isWaiting) receiver.push(bytes);
    else receiver.append(bytes);
    if (receiver.isFull) this.stopReading();
  }

  private reading(): Receiver<object> {
    if ((this.flags & DROPPABLE) !== 0) hold(this as unknown as Droppable, this.channel);
    if (this.receiver !== null) return this.receiver;
    const receiver = new Receiver<object>(this.policy.receiveHighWaterMark, consumed, this);
    this.receiver = receiver;
    // Who begins to read when all is over hears how it ended.
    const { ending } = this;
    if (ending?.event === "fail") receiver.end(ending.error);
    else if ((this.flags & (PEER_ENDED | CLOSING)) === PEER_ENDED) receiver.end();
    else if (ending !== null || (this.flags & CLOSING) !== 0) {
      receiver.cancel(() => this.cancelled("read"));
    }
    return receiver;
  }

  private stopReading(): void {
    if ((this.flags & (STOPPED | TROUBLED)) !== 0) return;
    this.flags |= STOPPED;
    this.channel?.pause();
  }

  private readOn(): void {
    if ((this.flags & STOPPED) === 0) return;
    this.flags &= ~STOPPED;
    this.channel?.resume();
  }

  /** @internal */
  onConsumed(): void {
    this.flags |= WAS_READ;
    if ((this.flags & (STOPPED | PAUSED)) === STOPPED && this.receiver?.isFull === false) {
      this.readOn();
    }
  }

  /** @internal From now on everything is read, and what arrives is dropped. */
  protected drainReading(): void {
    this.readOn();
  }

  /** @internal */
  onTroubled(): void {
    // The connection is gone beneath; what the kernel still holds is read, and then the reason.
    this.flags |= TROUBLED;
    this.flags &= ~STOPPED;
    this.channel?.resume();
  }

  /** @internal */
  onEnded(): void {
    this.flags |= PEER_ENDED;
    if ((this.flags & CLOSING) !== 0) {
      this.finishIfDone();
    } else if (this.policy.data !== undefined) {
      // After what is held, when resume() is called; a pause in this turn holds the end itself.
      if ((this.flags & PAUSED) !== 0) this.flags |= HOLDING;
      if ((this.flags & HOLDING) === 0) this.endConsumed(false);
      else this.awaitReader();
    } else {
      this.pullEnded(this.reading());
    }
  }

  private pullEnded(receiver: Receiver<object>): void {
    const isAwaited = receiver.isWaiting;
    receiver.end();
    if (isAwaited || ((this.flags & WAS_READ) === 0 && receiver.isDrained)) this.endConsumed();
    else this.awaitReader();
  }

  // Whoever does not come back to read the rest does not hold the connection for ever.
  private awaitReader(): void {
    const isHeld = this.policy.allowHalfOpen || (this.flags & END_HELD) !== 0;
    if (!isHeld) this.startCloseTimeout();
  }

  /**
   * @internal For whoever puts a stream with buffers of its own around this connection: what those
   * still hold when the peer's end is consumed must go out before our own, which is then the
   * wrapper's to send.
   */
  holdEnd(): void {
    this.flags |= END_HELD;
  }

  // The application knows that the peer has finished. Our own end follows in the next iteration of
  // the loop, so that what it answers now still goes out before it.
  private endConsumed(isInCall = true): void {
    if ((this.flags & (END_TOLD | CLOSING)) !== 0) return;
    this.flags |= END_TOLD;
    const { end, allowHalfOpen } = this.policy;
    if (this.bounds !== null && this.bounds.close !== null) clearDeadline(this.bounds.close);
    if (end !== undefined) {
      if (isInCall) queueMicrotask(() => this.call(end));
      else this.call(end);
    }
    if (this.ending !== null) return;
    if (allowHalfOpen || (this.flags & END_HELD) !== 0) this.finishIfDone();
    else void nextIteration().then(() => this.followEnd());
  }

  /** @internal Our FIN, after the peer's. */
  protected followEnd(): void {
    if (this.ending !== null || (this.flags & CLOSING) !== 0) return;
    const isShut = (this.flags & SHUT) !== 0;
    this.flags |= SHUT;
    this.transition("peerFinished");
    this.startCloseTimeout();
    // Where nothing waits, the close that follows is our FIN as well.
    if (!isShut && this.bufferedAmount > 0) this.channel?.shutdown();
    this.finishIfDone();
  }
}

// One step after the other over a connection; a class, since every parked reader has one.
class Iteration implements AsyncIterableIterator<Buffer> {
  readonly #connection: ReceivingConnection<never>;

  constructor(connection: object) {
    this.#connection = connection as ReceivingConnection<never>;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    return this.#connection.nextResult();
  }

  return(): Promise<IteratorResult<Buffer, undefined>> {
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
