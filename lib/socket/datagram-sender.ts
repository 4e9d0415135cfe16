// Datagrams on their way out: one system call each, and a line of those that the kernel had no room
// for. Not here: addresses in words (datagram-socket.ts), batches (datagram-outbox.ts).

import {
  COPY_THRESHOLD_BYTES,
  MAX_DATAGRAM_RETRY_MS,
  MESSAGE_OVERHEAD_BYTES,
  MIN_DATAGRAM_RETRY_MS,
  SEND_HIGH_WATER_MARK_BYTES,
} from "../core/limits.ts";
import { quiet } from "../core/send-waiters.ts";
import { Deferred, onAbort } from "../core/waiting.ts";
import { errnoOf } from "../errors/index.ts";
import type { NativeAddress } from "./address.ts";
import type { DatagramChannel } from "./datagram-channel.ts";
import { mustWaitForLoop, nextIteration, reactor } from "./reactor.ts";

interface Outgoing {
  readonly bytes: Uint8Array;
  readonly to: NativeAddress | undefined;
  /** The error for a negative errno. */
  readonly failure: (errno: number) => Error;
}

interface Waiting extends Outgoing {
  readonly sent: Deferred;
  stopWatching: () => void;
}

const RESOLVED: Promise<void> = Promise.resolve();
const EAGAIN = errnoOf("EAGAIN") as number;
const ENOBUFS = errnoOf("ENOBUFS") as number;

export class DatagramSender {
  readonly #channel: DatagramChannel;
  #line: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #delayMs = MIN_DATAGRAM_RETRY_MS;
  #isReferenced = true;

  constructor(channel: DatagramChannel) {
    this.#channel = channel;
  }

  /** Whether datagrams wait for room. */
  get isWaiting(): boolean {
    return this.#line.length > 0;
  }

  /** Resolves when those in line now are sent or refused. */
  whenIdle(): Promise<unknown> {
    const last = this.#line.at(-1);
    return last === undefined ? RESOLVED : last.sent.promise.then(nothing, nothing);
  }

  /** Whether waiting keeps the process alive. */
  setReferenced(referenced: boolean): void {
    this.#isReferenced = referenced;
    if (referenced) this.#timer?.ref();
    else this.#timer?.unref();
  }

  /** Resolves when the kernel has it. In order, whatever has to wait. */
  send(outgoing: Outgoing, signal: AbortSignal | undefined): Promise<void> {
    if (this.#line.length > 0) return this.#wait(outgoing, signal);
    const taken = this.#try(outgoing);
    if (taken === EAGAIN || taken === ENOBUFS) return this.#wait(outgoing, signal);
    if (taken < 0) return quiet(Promise.reject(outgoing.failure(taken)));
    // Code that awaits promises that are resolved already keeps the loop from turning.
    const weight = outgoing.bytes.length + MESSAGE_OVERHEAD_BYTES;
    const mustWait = mustWaitForLoop(this.#channel, weight, SEND_HIGH_WATER_MARK_BYTES);
    return mustWait ? nextIteration() : RESOLVED;
  }

  #try({ bytes, to }: Outgoing): number {
    const { slot, generation } = this.#channel;
    return reactor.sendDatagram(slot, generation, bytes, to?.bytes, to?.isPath === true);
  }

  #wait(outgoing: Outgoing, signal: AbortSignal | undefined): Promise<void> {
    const { bytes } = outgoing;
    const kept = bytes.length <= COPY_THRESHOLD_BYTES ? Buffer.from(bytes) : bytes;
    const sent = new Deferred();
    const waiting: Waiting = { ...outgoing, bytes: kept, sent, stopWatching: nothing };
    waiting.stopWatching = onAbort(signal, () => {
      this.#line = this.#line.filter((one) => one !== waiting);
      if (this.#line.length === 0) this.#stopTimer();
      sent.reject(signal?.reason);
    });
    this.#line.push(waiting);
    this.#startTimer();
    return sent.promise;
  }

  // Writable tells of room in this socket's own buffer. Nothing tells of room in an interface's
  // queue (ENOBUFS), nor in that of a Unix socket that this one is not connected to (EAGAIN).
  #startTimer(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#delayMs = Math.min(2 * this.#delayMs, MAX_DATAGRAM_RETRY_MS);
      this.retry();
    }, this.#delayMs);
    if (!this.#isReferenced) this.#timer.unref();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#delayMs = MIN_DATAGRAM_RETRY_MS;
  }

  /** Sends those in line, as far as there is room. */
  retry(): void {
    for (;;) {
      const first = this.#line[0];
      if (first === undefined) {
        this.#stopTimer();
        return;
      }
      const taken = this.#try(first);
      if (taken === EAGAIN || taken === ENOBUFS) {
        this.#startTimer();
        return;
      }
      this.#delayMs = MIN_DATAGRAM_RETRY_MS;
      this.#line.shift();
      first.stopWatching();
      if (taken < 0) first.sent.reject(first.failure(taken));
      else first.sent.resolve();
    }
  }

  /** Drops those in line and rejects their promises. */
  cancel(error: Error): void {
    this.#stopTimer();
    for (const waiting of this.#line.splice(0)) {
      waiting.stopWatching();
      waiting.sent.reject(error);
    }
  }
}

function nothing(): void {}
