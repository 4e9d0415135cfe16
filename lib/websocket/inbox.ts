// Received messages for those who ask for them: the queue, and the promises of receive() and of
// iterations. One belongs to a WebSocket, made when it is first needed.
// Not here: callbacks, the protocol, pausing (its owner sees `isFull`).

import { Queue } from "../core/queue.ts";
import { quiet } from "../core/send-waiters.ts";
import type { Message } from "./types.ts";

type Result = IteratorResult<Message, undefined>;

interface Waiter {
  readonly iterates: boolean;
  promise: Promise<unknown>;
  resolve: (value: unknown) => void;
  stopWatching: (() => void) | undefined;
}

/** What a message counts for besides its bytes, so that empty ones are bounded as well. */
const MESSAGE_OVERHEAD_BYTES = 64;
const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

const OPEN = 0;
const ENDED = 1;
const CANCELLED = 2;

export class Inbox {
  readonly #mark: number;
  readonly #consumed: () => void;
  #queue: Queue<Message> | null = null;
  #first: Waiter | null = null;
  #others: Waiter[] | null = null;
  #state = OPEN;
  #error: unknown = null;

  /**
   * @param mark bytes held for a reader that does not come
   * @param consumed called after a message was taken
   */
  constructor(mark: number, consumed: () => void) {
    this.#mark = mark;
    this.#consumed = consumed;
  }

  /** More is not welcome now. */
  get isFull(): boolean {
    return this.#queue?.above === true;
  }

  push(message: Message): void {
    const first = this.#first;
    if (first !== null) {
      this.#advance();
      first.stopWatching?.();
      first.resolve(first.iterates ? { done: false, value: message } : message);
      return;
    }
    this.#queue ??= new Queue<Message>({ high: this.#mark, itemOverhead: MESSAGE_OVERHEAD_BYTES });
    this.#queue.push(message);
  }

  /** Nothing follows what is here. */
  end(error: unknown = null): void {
    if (this.#state !== OPEN) return;
    this.#state = ENDED;
    this.#error = error;
    this.#settle();
  }

  /** Drops what is here and settles everyone who waits. */
  cancel(error: unknown): void {
    if (this.#state !== OPEN) return;
    this.#queue = null;
    this.#state = CANCELLED;
    this.#error = error;
    this.#settle();
  }

  receive(signal: AbortSignal | undefined): Promise<Message | null> {
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    const message = this.#take();
    if (message !== undefined) return Promise.resolve(message);
    if (this.#state !== OPEN) {
      return this.#error === null ? Promise.resolve(null) : quiet(Promise.reject(this.#error));
    }
    return this.#wait(false, signal) as Promise<Message | null>;
  }

  /** The next step of an iteration: a local end is none of its errors. */
  next(): Promise<Result> {
    const message = this.#take();
    if (message !== undefined) return Promise.resolve({ done: false, value: message });
    if (this.#state !== OPEN) {
      return this.#endsQuietly() ? Promise.resolve(DONE) : quiet(Promise.reject(this.#error));
    }
    return this.#wait(true, undefined) as Promise<Result>;
  }

  #endsQuietly(): boolean {
    return this.#error === null || this.#state === CANCELLED;
  }

  #take(): Message | undefined {
    const queue = this.#queue;
    if (queue === null || queue.length === 0) return undefined;
    const wasFull = queue.above;
    const message = queue.shift();
    if (wasFull && !queue.above) this.#consumed();
    return message;
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

// Nobody has to handle it: who wants to know has the promise in hand.
function refuse(waiter: Waiter, reason: unknown): void {
  quiet(waiter.promise);
  waiter.resolve(quiet(Promise.reject(reason)));
}
