// Datagrams of one flow that nobody has read yet, and those who wait for one. Bounded: above the
// mark the newest is dropped. Not here: where they come from.

import { MESSAGE_OVERHEAD_BYTES } from "../../core/limits.ts";
import { quiet } from "../../core/send-waiters.ts";
import { onAbort } from "../../core/waiting.ts";

interface Waiter {
  readonly resolve: (data: Buffer | null) => void;
  readonly reject: (reason: unknown) => void;
  stopWatching: () => void;
}

export class MessageQueue {
  readonly #mark: number;
  #messages: Buffer[] = [];
  #bytes = 0;
  #waiters: Waiter[] = [];
  /** Told once to whoever asks next. */
  #error: Error | null = null;
  #isOver = false;

  /** @param mark bytes held; each message counts for 64 more */
  constructor(mark: number) {
    this.#mark = mark;
  }

  /** Whether a datagram would be kept now. */
  get hasRoom(): boolean {
    return this.#waiters.length > 0 || this.#messages.length === 0 || this.#bytes < this.#mark;
  }

  get isWaiting(): boolean {
    return this.#waiters.length > 0;
  }

  /** Adds one, owned. */
  push(data: Buffer): void {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.stopWatching();
      waiter.resolve(data);
      return;
    }
    this.#messages.push(data);
    this.#bytes += data.length + MESSAGE_OVERHEAD_BYTES;
  }

  /** Who waits is rejected; else the next who asks, after what has arrived before. */
  fail(error: Error): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#error = error;
      return;
    }
    waiter.stopWatching();
    waiter.reject(error);
  }

  /** The error that nobody was told, which is forgotten with this. */
  takeError(): Error | null {
    const error = this.#error;
    this.#error = null;
    return error;
  }

  receive(signal: AbortSignal | undefined): Promise<Buffer | null> {
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    const data = this.#messages.shift();
    if (data !== undefined) {
      this.#bytes -= data.length + MESSAGE_OVERHEAD_BYTES;
      return Promise.resolve(data);
    }
    const error = this.takeError();
    if (error !== null) return quiet(Promise.reject(error));
    if (this.#isOver) return Promise.resolve(null);
    return quiet(
      new Promise((resolve, reject) => {
        const waiter: Waiter = { resolve, reject, stopWatching: nothing };
        waiter.stopWatching = onAbort(signal, () => {
          this.#waiters = this.#waiters.filter((one) => one !== waiter);
          reject(signal?.reason);
        });
        this.#waiters.push(waiter);
      }),
    );
  }

  /** Nothing more comes. What has arrived is kept, unless `drops`; who waits is rejected. */
  end(reason: () => Error, drops: boolean): void {
    this.#isOver = true;
    if (drops) {
      this.#messages = [];
      this.#bytes = 0;
    }
    for (const waiter of this.#waiters.splice(0)) {
      waiter.stopWatching();
      waiter.reject(reason());
    }
  }
}

function nothing(): void {}
