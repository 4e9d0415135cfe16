// What was received, for those who ask for it: the queue, and the promises of receive() and of
// iterations. Holds messages, parts of one, or messages that come in parts.
// Not here: callbacks, the protocol, pausing (its owner sees `isFull`).

import { Queue } from "../core/queue.ts";
import { quiet } from "../core/send-waiters.ts";
import type { Marks } from "./marks.ts";
import type { Message } from "./types.ts";

type Result<T> = IteratorResult<T, undefined>;

interface Waiter {
  readonly iterates: boolean;
  promise: Promise<unknown>;
  resolve: (value: unknown) => void;
  stopWatching: (() => void) | undefined;
}

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

const OPEN = 0;
const ENDED = 1;
const CANCELLED = 2;

/** What a WebSocket asks of whatever it puts its messages into. */
export interface Holder {
  /** More is not welcome now. */
  readonly isFull: boolean;
  /** Nothing follows what is here. */
  end(error: unknown): void;
  /** Drops what is here and settles everyone who waits. */
  cancel(error: unknown): void;
}

export class Inbox<T extends object | string = Message> implements Holder {
  readonly #marks: Marks;
  /** Sizes are handed over with what is put in. */
  #queue: Queue<Message> | null = null;
  #first: Waiter | null = null;
  #others: Waiter[] | null = null;
  #state = OPEN;
  #error: unknown = null;

  /** @param marks what is held counts there */
  constructor(marks: Marks) {
    this.#marks = marks;
  }

  /** More is not welcome now. */
  get isFull(): boolean {
    return this.#marks.isAbove;
  }

  /** Somebody waits for what comes next. */
  get isAwaited(): boolean {
    return this.#first !== null;
  }

  /** @param size its bytes, where it is no message */
  push(item: T, size: number = sizeOf(item)): void {
    if (this.#state !== OPEN) return;
    const first = this.#first;
    if (first !== null) {
      this.#advance();
      first.stopWatching?.();
      first.resolve(first.iterates ? { done: false, value: item } : item);
      return;
    }
    this.#queue ??= new Queue<Message>({ high: Number.POSITIVE_INFINITY });
    this.#queue.push(item as Message, size);
    this.#marks.add(1, size);
  }

  /** Nothing follows what is here. */
  end(error: unknown = null): void {
    if (this.#state !== OPEN) return;
    this.#state = ENDED;
    this.#error = error;
    this.#settle();
  }

  /** Drops what is here and settles everyone who waits; iterations end without an error. */
  cancel(error: unknown): void {
    if (this.#state !== OPEN) return;
    this.clear();
    this.#state = CANCELLED;
    this.#error = error;
    this.#settle();
  }

  /** Drops what is here. */
  clear(): void {
    const queue = this.#queue;
    this.#queue = null;
    if (queue !== null) this.#marks.remove(queue.length, queue.bytes);
  }

  /** What is here, taken out at once. */
  drain(): T[] {
    const items: T[] = [];
    for (let item = this.#take(); item !== undefined; item = this.#take()) items.push(item);
    return items;
  }

  receive(signal: AbortSignal | undefined): Promise<T | null> {
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    const item = this.#take();
    if (item !== undefined) return Promise.resolve(item);
    if (this.#state !== OPEN) {
      return this.#error === null ? Promise.resolve(null) : quiet(Promise.reject(this.#error));
    }
    return this.#wait(false, signal) as Promise<T | null>;
  }

  /** The next step of an iteration: a local end is none of its errors. */
  next(): Promise<Result<T>> {
    const item = this.#take();
    if (item !== undefined) return Promise.resolve({ done: false, value: item });
    if (this.#state !== OPEN) {
      return this.#endsQuietly() ? Promise.resolve(DONE) : quiet(Promise.reject(this.#error));
    }
    return this.#wait(true, undefined) as Promise<Result<T>>;
  }

  #endsQuietly(): boolean {
    return this.#error === null || this.#state === CANCELLED;
  }

  #take(): T | undefined {
    const queue = this.#queue;
    if (queue === null || queue.length === 0) return undefined;
    const size = queue.sizeAt(0);
    const item = queue.shift() as unknown as T;
    this.#marks.remove(1, size);
    return item;
  }

  #wait(iterates: boolean, signal: AbortSignal | undefined): Promise<unknown> {
    let resolve: (value: unknown) => void = () => {};
    const promise = new Promise((fulfil) => {
      resolve = fulfil;
    });
    const waiter: Waiter = { iterates, promise, resolve, stopWatching: undefined };
    if (signal !== undefined) this.#watch(signal, waiter);
    if (this.#first === null) {
      this.#first = waiter;
    } else {
      this.#others ??= [];
      this.#others.push(waiter);
    }
    return promise;
  }

  #watch(signal: AbortSignal, waiter: Waiter): void {
    const abort = () => {
      if (waiter === this.#first) this.#advance();
      else this.#others = this.#others?.filter((one) => one !== waiter) ?? null;
      refuse(waiter, signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    waiter.stopWatching = () => signal.removeEventListener("abort", abort);
  }

  #advance(): void {
    this.#first = this.#others?.shift() ?? null;
    if (this.#others?.length === 0) this.#others = null;
  }

  // Who waits finds nothing in the queue.
  #settle(): void {
    while (this.#first !== null) {
      const first = this.#first;
      this.#advance();
      first.stopWatching?.();
      if (first.iterates && this.#endsQuietly()) first.resolve(DONE);
      else if (this.#error === null) first.resolve(null);
      else refuse(first, this.#error);
    }
  }
}

/** An iteration over an inbox; leaving it changes nothing. */
export class Iteration<T> implements AsyncIterableIterator<T> {
  readonly #source: { next(): Promise<Result<T>> };

  constructor(source: { next(): Promise<Result<T>> }) {
    this.#source = source;
  }

  next(): Promise<Result<T>> {
    return this.#source.next();
  }

  return(): Promise<Result<T>> {
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function sizeOf(item: object | string): number {
  if (typeof item === "string") return Buffer.byteLength(item);
  return item instanceof Uint8Array ? item.length : 0;
}

// Nobody has to handle it: who wants to know has the promise in hand.
function refuse(waiter: Waiter, reason: unknown): void {
  quiet(waiter.promise);
  waiter.resolve(quiet(Promise.reject(reason)));
}
