// The reading side of a byte stream for those who ask for data: the receive queue, and the promises
// of receive(). One belongs to a connection or a socket, made when it is first needed.
// Not here: callbacks, the kernel, pausing (its owner sees `isFull`).
//
// A reader that is parked costs one of these, one waiter and one promise; the queue is made when
// bytes come that nobody waits for.

import {
  outOfRange,
  rejectUnknownKeys,
  requireInteger,
  requireObject,
  requireSignal,
} from "../errors/index.ts";
import type { ReceiveOptions } from "./byte-stream.ts";
import { MAX_RECEIVE_MIN_BYTES, RECEIVE_CHUNK_BYTES } from "./limits.ts";
import { allocateOwned } from "./owned-bytes.ts";
import { Queue } from "./queue.ts";
import { quiet } from "./send-waiters.ts";

interface Request {
  readonly min: number;
  readonly max: number;
  readonly signal: AbortSignal | undefined;
}

type Value = Buffer | null;
type Result = IteratorResult<Buffer, undefined>;

interface Waiter {
  readonly request: Request;
  /** Whether it wants iterator results. */
  readonly iterates: boolean;
  promise: Promise<unknown>;
  // The function that rejects is not kept, for the memory of those who are parked: a promise that
  // is resolved with a rejected one is rejected.
  resolve: (value: unknown) => void;
  stopWatching: (() => void) | undefined;
}

const KEYS: ReadonlySet<string> = new Set(["min", "max", "signal"]);
const ANYTHING: Request = { min: 1, max: Number.MAX_SAFE_INTEGER, signal: undefined };
const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

const OPEN = 0;
const ENDED = 1;
const CANCELLED = 2;

export class Receiver<Owner = undefined> {
  readonly #mark: number;
  readonly #changed: (owner: Owner) => void;
  readonly #owner: Owner;
  #queue: Queue<Buffer> | null = null;
  #first: Waiter | null = null;
  #others: Waiter[] | null = null;
  #state = OPEN;
  /** After a cancel a function that makes it, until somebody wants to know. */
  #error: unknown = null;

  /**
   * @param mark bytes held for a reader that does not come; at least one read of the kernel (64
   *   KiB)
   *   may be held whatever this is
   * @param changed called with `owner` after bytes or the end were consumed, or are waited for
   */
  constructor(mark: number, changed: (owner: Owner) => void, owner?: Owner) {
    // Who reads stops when one more read of the kernel could exceed the mark.
    this.#mark = Math.max(1, mark - RECEIVE_CHUNK_BYTES + 1);
    this.#changed = changed;
    this.#owner = owner as Owner;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#queue === null ? 0 : this.#queue.bytes;
  }

  /** More is not welcome now. */
  get isFull(): boolean {
    return this.#queue?.above === true;
  }

  get isWaiting(): boolean {
    return this.#first !== null;
  }

  /** Whether the end is known and nothing is held before it. */
  get isDrained(): boolean {
    return this.#state !== OPEN && this.bytes === 0;
  }

  /** Adds lent bytes: they are copied. */
  append(bytes: Uint8Array): void {
    if (this.#fits(bytes.length)) {
      const copy = allocateOwned(bytes.length);
      copy.set(bytes);
      this.#hand(copy);
    } else {
      this.#held().append(bytes);
      this.#serve();
    }
  }

  /** Adds bytes that are this receiver's own from now on. */
  push(bytes: Buffer): void {
    if (this.#fits(bytes.length)) {
      this.#hand(bytes);
    } else {
      this.#held().push(bytes);
      this.#serve();
    }
  }

  /** Takes out some of what is held, the oldest, for those who deliver it in another way. */
  take(): Buffer | undefined {
    return this.#queue?.take(0);
  }

  /** Nothing follows: after what is here, receive() gives null, or rejects with an error. */
  end(error: unknown = null): void {
    if (this.#state !== OPEN) return;
    this.#state = ENDED;
    this.#error = error;
    this.#serve();
  }

  /**
   * Drops what is here and settles everyone who waits. An end or error that has been consumed, or
   * only remains to be, stays what it is: receive() gives null again and again.
   *
   * @param error makes the error when somebody wants to know it: that costs as much as the rest of
   *   an end, and mostly nobody does
   */
  cancel(error: () => unknown): void {
    if (this.isDrained) return;
    this.#queue = null;
    this.#state = CANCELLED;
    this.#error = error;
    this.#serve();
  }

  /** See `Connection.receive`. */
  receive(options?: ReceiveOptions): Promise<Value> {
    const request = options === undefined ? ANYTHING : readRequest(options);
    if (request.signal?.aborted) return quiet(Promise.reject(request.signal.reason));
    if (this.#first === null) {
      const bytes = this.#take(request);
      if (bytes !== undefined) {
        this.#changed(this.#owner);
        return Promise.resolve(bytes);
      }
      if (this.#state !== OPEN) {
        return this.#error === null ? Promise.resolve(null) : quiet(Promise.reject(this.#reason()));
      }
    }
    return this.#wait(request, false) as Promise<Value>;
  }

  /**
   * The next step of an iteration: `receive()` in iterator results, where a local end is no error.
   */
  next(): Promise<Result> {
    if (this.#first === null) {
      const bytes = this.#take(ANYTHING);
      if (bytes !== undefined) {
        this.#changed(this.#owner);
        return Promise.resolve({ done: false, value: bytes });
      }
      if (this.#state !== OPEN) {
        return this.#endsIteration()
          ? Promise.resolve(DONE)
          : quiet(Promise.reject(this.#reason()));
      }
    }
    return this.#wait(ANYTHING, true) as Promise<Result>;
  }

  #endsIteration(): boolean {
    return this.#error === null || this.#state === CANCELLED;
  }

  #reason(): unknown {
    if (this.#state === CANCELLED && typeof this.#error === "function") this.#error = this.#error();
    return this.#error;
  }

  #held(): Queue<Buffer> {
    if (this.#queue === null) {
      this.#queue = new Queue<Buffer>({ high: this.#wanted() });
    }
    return this.#queue;
  }

  // Bytes that the first in line takes as they come need no queue.
  #fits(size: number): boolean {
    const first = this.#first;
    if (first === null || this.bytes > 0) return false;
    return size >= first.request.min && size <= first.request.max;
  }

  #hand(bytes: Buffer): void {
    const first = this.#first as Waiter;
    this.#advance();
    deliver(first, bytes);
  }

  #take({ min, max }: Request): Buffer | undefined {
    return this.#queue?.take(this.#state === OPEN ? min : 0, max);
  }

  #wait(request: Request, iterates: boolean): Promise<unknown> {
    let resolve: (value: unknown) => void = ignore;
    const promise = new Promise((fulfil) => {
      resolve = fulfil;
    });
    const waiter: Waiter = { request, iterates, promise, resolve, stopWatching: undefined };
    if (request.signal !== undefined) this.#watch(request.signal, waiter);
    if (this.#first === null) {
      this.#first = waiter;
      this.#setMark();
    } else {
      this.#others ??= [];
      this.#others.push(waiter);
    }
    this.#changed(this.#owner);
    return promise;
  }

  #watch(signal: AbortSignal, waiter: Waiter): void {
    const abort = () => {
      if (waiter === this.#first) this.#advance();
      else this.#others = this.#others?.filter((one) => one !== waiter) ?? null;
      refuse(waiter, signal.reason);
      // Who stood behind it may want less.
      this.#serve();
    };
    signal.addEventListener("abort", abort, { once: true });
    waiter.stopWatching = () => signal.removeEventListener("abort", abort);
  }

  // The next in line becomes the first.
  #advance(): void {
    this.#first = this.#others?.shift() ?? null;
    if (this.#others?.length === 0) this.#others = null;
    this.#setMark();
  }

  // The first in line may want more than the mark allows: it is raised for that call.
  #wanted(): number {
    return Math.max(this.#mark, this.#first === null ? 0 : this.#first.request.min);
  }

  #setMark(): void {
    const queue = this.#queue;
    if (queue === null) return;
    const wanted = this.#wanted();
    if (queue.high !== wanted) queue.setMarks(wanted);
  }

  #serve(): void {
    while (this.#first !== null) {
      const first = this.#first;
      const bytes = this.#take(first.request);
      if (bytes === undefined && this.#state === OPEN) return;
      this.#advance();
      first.stopWatching?.();
      if (bytes !== undefined) deliver(first, bytes);
      else if (first.iterates && this.#endsIteration()) first.resolve(DONE);
      else if (this.#error === null) first.resolve(null);
      else refuse(first, this.#reason());
    }
  }
}

function ignore(): void {}

function deliver(waiter: Waiter, bytes: Buffer): void {
  waiter.stopWatching?.();
  waiter.resolve(waiter.iterates ? { done: false, value: bytes } : bytes);
}

// Nobody has to handle it: who wants to know has the promise in hand.
function refuse(waiter: Waiter, reason: unknown): void {
  quiet(waiter.promise);
  waiter.resolve(quiet(Promise.reject(reason)));
}

function readRequest(value: ReceiveOptions): Request {
  const options = requireObject(value, "options");
  rejectUnknownKeys(options, KEYS, "receive()");
  const min =
    options["min"] === undefined
      ? 1
      : requireInteger(options["min"], "min", 1, MAX_RECEIVE_MIN_BYTES);
  const max =
    options["max"] === undefined
      ? Number.MAX_SAFE_INTEGER
      : requireInteger(options["max"], "max", 1, Number.MAX_SAFE_INTEGER);
  if (min > max) throw outOfRange("max", `at least min, which is ${min}`, max);
  const signal =
    options["signal"] === undefined ? undefined : requireSignal(options["signal"], "signal");
  return { min, max, signal };
}
