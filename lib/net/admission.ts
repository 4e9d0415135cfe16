// How many connections may come in: credits, connections open at once, and how far a program that
// iterates is ahead. Pure numbers. Not here: who accepts them (listener.ts).

import { ITERATION_AHEAD_COUNT } from "../core/limits.ts";
import { outOfRange } from "../errors/index.ts";

/** What a listener has now. */
export interface Load {
  /** Connections open. */
  readonly open: number;
  /** Accepted, and not yet taken by an iteration. */
  readonly waiting: number;
  /** Steps of iterations that wait for a connection. */
  readonly takers: number;
}

export class Admission {
  /** Connections that may still be delivered. */
  credits: number;
  maxConnections: number;
  readonly #isIterated: boolean;

  constructor(credits: number, maxConnections: number, isIterated: boolean) {
    this.credits = credits;
    this.maxConnections = maxConnections;
    this.#isIterated = isIterated;
  }

  /** One was delivered. */
  spend(): void {
    this.credits--; // Infinity stays what it is.
  }

  /** How many more may be delivered now. */
  allowance({ open }: Load): number {
    return Math.max(0, Math.min(this.credits, this.maxConnections - open));
  }

  /**
   * How many more each of `sockets` may accept now. Where several share fewer than one each, every
   * one of them may take one all the same: nobody knows at which the next will knock. What is too
   * much then is held back until it may be delivered.
   */
  share(load: Load, sockets: number): number {
    const allowance = Math.min(this.allowance(load), this.#ahead(load));
    if (allowance === 0 || allowance === Number.POSITIVE_INFINITY) return allowance;
    return Math.max(1, Math.floor(allowance / sockets));
  }

  // Nobody asks for a connection: the kernel keeps them.
  #ahead({ waiting, takers }: Load): number {
    if (!this.#isIterated) return Number.POSITIVE_INFINITY;
    return takers === 0 ? 0 : Math.max(0, ITERATION_AHEAD_COUNT - waiting);
  }
}

/** A limit that a program sets later: a whole number or Infinity. @throws RangeError */
export function requireLimit(limit: unknown, what: string, min: number): number {
  if (limit === Number.POSITIVE_INFINITY) return limit;
  if (!Number.isInteger(limit) || (limit as number) < min) {
    throw outOfRange(what, `a whole number of at least ${min}, or Infinity`, limit);
  }
  return limit as number;
}
