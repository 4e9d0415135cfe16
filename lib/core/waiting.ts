// Small tools for promises that wait: one to be settled from outside, and one that a signal ends.
// Not here: queues of waiters (receiver.ts, send-waiters.ts).

import { rejectUnknownKeys, requireObject, requireSignal } from "../errors/index.ts";
import { quiet } from "./send-waiters.ts";

/** A promise with its two ends. Its rejection counts as handled. */
export class Deferred<T = void> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (reason: unknown) => void;

  constructor() {
    this.promise = quiet(
      new Promise<T>((resolve, reject) => {
        this.resolve = resolve;
        this.reject = reject;
      }),
    );
  }
}

const SIGNAL_KEYS: ReadonlySet<string> = new Set(["signal"]);

/** The signal of `{ signal }`. @throws TypeError */
export function readSignal(options: unknown, call: string): AbortSignal | undefined {
  if (options === undefined) return undefined;
  const given = requireObject(options, "options");
  rejectUnknownKeys(given, SIGNAL_KEYS, call);
  return given["signal"] === undefined
    ? undefined
    : requireSignal(given["signal"], "options.signal");
}

/** Calls `aborted` when the signal is; what is returned stops that. */
export function onAbort(signal: AbortSignal | undefined, aborted: () => void): () => void {
  if (signal === undefined) return nothing;
  signal.addEventListener("abort", aborted, { once: true });
  return () => signal.removeEventListener("abort", aborted);
}

function nothing(): void {}

/** The same outcome, or a rejection with `signal.reason` where the signal is aborted first. */
export function untilAborted<T>(waiting: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return waiting;
  const outcome = new Deferred<T>();
  const stop = onAbort(signal, () => outcome.reject(signal.reason));
  waiting.then(outcome.resolve, outcome.reject).finally(stop);
  return outcome.promise;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * An iterator over what `next` resolves to, up to null. `break` changes nothing.
 *
 * @param isClosed whether a rejection is the end that the caller made itself
 */
export function iterate<T>(
  next: () => Promise<T | null>,
  isClosed: () => boolean,
): AsyncIterableIterator<T> {
  const toResult = (value: T | null): IteratorResult<T, undefined> =>
    value === null ? DONE : { done: false, value };
  const toEnd = (error: unknown): IteratorResult<T, undefined> => {
    if (isClosed()) return DONE;
    throw error;
  };
  return {
    next: () => next().then(toResult, toEnd),
    return: () => Promise.resolve(DONE),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
