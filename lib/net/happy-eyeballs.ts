// The race between the addresses of one name (RFC 8305), as a pure machine: what happened and the
// time go in, what to do comes out.
// Not here: sockets, timers, the resolver, errors of the whole (errors/aggregate.ts).
//
// Rules, each with a test:
//  - Each candidate is tried at most once, in order.
//  - An attempt begins when the delay since the last one has passed, or at once when one failed.
//  - The first to succeed wins; every other attempt under way is cancelled. There is one winner or
//    one failure, and nothing comes out after it.

import { HAPPY_EYEBALLS_DELAY_MS, MAX_CANDIDATES } from "../core/limits.ts";

/**
 * Orders addresses for the race: families alternate, and the family that the resolver put first
 * goes first (RFC 8305 section 4, First Address Family Count 1). Within a family the resolver's
 * order stands (RFC 6724). At most 64 are kept.
 */
export function interleave<A extends { readonly family: 4 | 6 }>(addresses: readonly A[]): A[] {
  const first = addresses[0]?.family;
  const own = addresses.filter((address) => address.family === first);
  const other = addresses.filter((address) => address.family !== first);
  const ordered: A[] = [];
  for (let i = 0; i < Math.max(own.length, other.length); i++) {
    for (const address of [own[i], other[i]]) {
      if (address !== undefined && ordered.length < MAX_CANDIDATES) ordered.push(address);
    }
  }
  return ordered;
}

/** What to do. Indexes are those of the candidates. */
export type RaceAction =
  | { readonly type: "start"; readonly index: number }
  | { readonly type: "cancel"; readonly index: number }
  /** Call `elapsed` at this time; it replaces every earlier `wait`. */
  | { readonly type: "wait"; readonly until: number }
  | { readonly type: "done"; readonly winner: number }
  /** Every candidate has failed: `errors` has why. */
  | { readonly type: "failed" };

/** One attempt, for the establishment report. Times are those that were passed in. */
export interface RaceAttempt<E> {
  readonly index: number;
  readonly startedAt: number;
  /** Undefined while it is under way. */
  readonly endedAt: number | undefined;
  readonly outcome: "pending" | "won" | "failed" | "cancelled";
  readonly error: E | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Race<E = Error> {
  readonly #candidates: number;
  readonly #delayMs: number;
  readonly #attempts: Mutable<RaceAttempt<E>>[] = [];
  #nextAt = Number.POSITIVE_INFINITY;
  #over = false;

  /**
   * @param candidates how many there are, in the order of `interleave`
   * @param delayMs Connection Attempt Delay; 250 as RFC 8305 recommends
   */
  constructor(candidates: number, delayMs: number = HAPPY_EYEBALLS_DELAY_MS) {
    if (!(candidates >= 1)) throw new RangeError("a race needs a candidate");
    this.#candidates = candidates;
    this.#delayMs = delayMs;
  }

  /** Every attempt so far, in the order in which they were started. */
  get attempts(): readonly RaceAttempt<E>[] {
    return this.#attempts;
  }

  /** Whether it has been won, lost or stopped. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Why attempts failed, in the order in which they were started. */
  get errors(): E[] {
    return this.#attempts.flatMap(({ outcome, error }) =>
      outcome === "failed" ? [error as E] : [],
    );
  }

  /** Begins. Once. */
  begin(now: number): RaceAction[] {
    return this.#attempts.length > 0 || this.#over ? [] : this.#startNext(now);
  }

  /** The time of a `wait` has come. Called too early, it asks to wait for the rest. */
  elapsed(now: number): RaceAction[] {
    if (this.#over || this.#nextAt === Number.POSITIVE_INFINITY) return [];
    return now < this.#nextAt ? [this.#wait()] : this.#startNext(now);
  }

  /** An attempt has failed. The next one, if there is one, begins at once. */
  failed(index: number, error: E, now: number): RaceAction[] {
    const attempt = this.#pending(index);
    if (attempt === undefined) return [];
    end(attempt, "failed", now);
    attempt.error = error;
    if (this.#attempts.length < this.#candidates) return this.#startNext(now);
    if (this.#attempts.some(({ outcome }) => outcome === "pending")) return [];
    this.#over = true;
    return [{ type: "failed" }];
  }

  /** An attempt has succeeded, and so the race is won. */
  succeeded(index: number, now: number): RaceAction[] {
    const attempt = this.#pending(index);
    if (attempt === undefined) return [];
    end(attempt, "won", now);
    return [...this.stop(now), { type: "done", winner: index }];
  }

  /** Gives up: cancels what is under way. */
  stop(now: number): RaceAction[] {
    if (this.#over) return [];
    this.#over = true;
    const actions: RaceAction[] = [];
    for (const attempt of this.#attempts) {
      if (attempt.outcome !== "pending") continue;
      end(attempt, "cancelled", now);
      actions.push({ type: "cancel", index: attempt.index });
    }
    return actions;
  }

  // What an attempt reports twice, or after the race, counts for nothing: none is pending then.
  #pending(index: number): Mutable<RaceAttempt<E>> | undefined {
    const attempt = this.#attempts[index];
    return attempt?.outcome === "pending" ? attempt : undefined;
  }

  #startNext(now: number): RaceAction[] {
    const index = this.#attempts.length;
    this.#attempts.push({
      index,
      startedAt: now,
      endedAt: undefined,
      outcome: "pending",
      error: undefined,
    });
    const isLast = this.#attempts.length === this.#candidates;
    this.#nextAt = isLast ? Number.POSITIVE_INFINITY : now + this.#delayMs;
    const start: RaceAction = { type: "start", index };
    return isLast ? [start] : [start, this.#wait()];
  }

  #wait(): RaceAction {
    return { type: "wait", until: this.#nextAt };
  }
}

function end(
  attempt: Mutable<RaceAttempt<unknown>>,
  outcome: "won" | "failed" | "cancelled",
  now: number,
): void {
  attempt.outcome = outcome;
  attempt.endedAt = now;
}
