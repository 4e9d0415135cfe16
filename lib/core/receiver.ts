// The reading side of a byte stream for those who ask for data: the receive queue, and the promises
// of receive(). One belongs to a connection or a socket, made when it is first needed.
// Not here: callbacks, the kernel, pausing (its owner sees `isFull`).

import {
  outOfRange,
  rejectUnknownKeys,
  requireInteger,
  requireObject,
  requireSignal,
} from "../errors/index.ts";
import type { ReceiveOptions } from "./byte-stream.ts";
import { MAX_RECEIVE_MIN_BYTES } from "./limits.ts";
import { Queue } from "./queue.ts";

interface Waiter {
  readonly min: number;
  readonly max: number;
  readonly resolve: (value: Buffer | null) => void;
  readonly reject: (reason: unknown) => void;
  readonly stopWatching: (() => void) | undefined;
}

interface Request {
  readonly min: number;
  readonly max: number;
  readonly signal: AbortSignal | undefined;
}

const KEYS: ReadonlySet<string> = new Set(["min", "max", "signal"]);
const ANYTHING: Request = { min: 1, max: Number.MAX_SAFE_INTEGER, signal: undefined };

export class Receiver {
  readonly #queue: Queue<Buffer>;
  readonly #mark: number;
  readonly #changed: () => void;
  #waiters: Waiter[] = [];
  #isOver = false;
  #error: unknown = null;

  /**
   * @param mark bytes held for a reader that does not come
   * @param changed called after bytes or the end were consumed
   */
  constructor(mark: number, changed: () => void) {
    this.#queue = new Queue<Buffer>({ high: mark });
    this.#mark = mark;
    this.#changed = changed;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#queue.bytes;
  }

  /** More is not welcome now. */
  get isFull(): boolean {
    return this.#queue.above;
  }

  get isWaiting(): boolean {
    return this.#waiters.length > 0;
  }

  /** Adds lent bytes: they are copied. */
  append(bytes: Uint8Array): void {
    this.#queue.append(bytes);
    this.#serve();
  }

  /** Adds bytes that are this receiver's own from now on. */
  push(bytes: Buffer): void {
    this.#queue.push(bytes);
    this.#serve();
  }

  /** Takes out everything, for those who deliver it in another way. */
  takeAll(): Buffer | undefined {
    return this.#queue.take(0);
  }

  /** Nothing follows: after what is here, receive() gives null, or rejects with an error. */
  end(error: unknown = null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#serve();
  }

  /** Drops what is here and settles everyone who waits. */
  cancel(error: unknown): void {
    this.#queue.clear();
    this.#isOver = true;
    this.#error = error;
    this.#serve();
  }

  /** Whether everything has been consumed, the end included or about to be. */
  get isDrained(): boolean {
    return this.#isOver && this.#queue.bytes === 0;
  }

  /** See `Connection.receive`. */
  receive(options?: ReceiveOptions): Promise<Buffer | null> {
    const request = options === undefined ? ANYTHING : readRequest(options);
    if (request.signal?.aborted) return Promise.reject(request.signal.reason);
    if (this.#waiters.length === 0) {
      const bytes = this.#take(request);
      if (bytes !== undefined) {
        this.#changed();
        return Promise.resolve(bytes);
      }
      if (this.#isOver) return this.#finished();
    }
    return new Promise((resolve, reject) => this.#wait(request, resolve, reject));
  }

  #take({ min, max }: { min: number; max: number }): Buffer | undefined {
    return this.#queue.take(this.#isOver ? 0 : min, max);
  }

  #finished(): Promise<null> {
    return this.#error === null ? Promise.resolve(null) : Promise.reject(this.#error);
  }

  #wait(
    request: Request,
    resolve: (value: Buffer | null) => void,
    reject: (reason: unknown) => void,
  ): void {
    const { min, max, signal } = request;
    let stopWatching: (() => void) | undefined;
    if (signal !== undefined) {
      const abort = () => {
        this.#waiters = this.#waiters.filter((one) => one !== waiter);
        this.#setMark();
        reject(signal.reason);
      };
      signal.addEventListener("abort", abort, { once: true });
      stopWatching = () => signal.removeEventListener("abort", abort);
    }
    const waiter: Waiter = { min, max, resolve, reject, stopWatching };
    this.#waiters.push(waiter);
    this.#setMark();
    this.#changed();
  }

  // The first in line may want more than the mark allows: it is raised for that call.
  #setMark(): void {
    const wanted = Math.max(this.#mark, this.#waiters[0]?.min ?? 0);
    if (this.#queue.high !== wanted) this.#queue.setMarks(wanted);
  }

  #serve(): void {
    while (this.#waiters.length > 0) {
      const first = this.#waiters[0] as Waiter;
      const bytes = this.#take(first);
      if (bytes === undefined && !this.#isOver) return;
      this.#waiters.shift();
      first.stopWatching?.();
      if (bytes !== undefined) first.resolve(bytes);
      else if (this.#error === null) first.resolve(null);
      else first.reject(this.#error);
      this.#setMark();
    }
  }
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
