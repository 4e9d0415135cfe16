// WebSockets for those who iterate over a listener: how many may be open before anybody asks for
// them. Beyond that an upgrade waits for its answer, and a stream in the kernel.
// Not here: who takes whom (lib/net/arrivals.ts), the answer to an upgrade (server-upgrade.ts).

import { ITERATION_AHEAD_COUNT } from "../core/limits.ts";
import { Arrivals } from "../net/arrivals.ts";

/** Where streams come from, as far as it is held back. */
export interface HeldSource {
  /** Streams that may still come; 0 holds the rest back. */
  newConnectionLimit: number;
}

export class WaitingRoom<C> {
  readonly #source: HeldSource;
  readonly #arrivals = new Arrivals<C>(() => queueMicrotask(() => this.#letIn()));
  /** Upgrades without an answer yet. */
  readonly #held: (() => void)[] = [];
  /** The source's credits while it is held back; null while it is not. */
  #withheld: number | null = null;

  constructor(source: HeldSource) {
    this.#source = source;
  }

  /** Whether one more may open now; otherwise `goOn` is called when it may. */
  admits(goOn: () => void): boolean {
    if (this.#hasRoom && this.#held.length === 0) return true;
    this.#held.push(goOn);
    return false;
  }

  /** It is open, and nobody has taken it yet. */
  offer(one: C): void {
    this.#arrivals.offer(one);
    if (this.#hasRoom || this.#withheld !== null) return;
    this.#withheld = this.#source.newConnectionLimit;
    this.#source.newConnectionLimit = 0;
  }

  /** The credits that the application has set, less those that were used. */
  get credits(): number {
    return this.#source.newConnectionLimit + (this.#withheld ?? 0);
  }

  set credits(limit: number) {
    // It checks the number.
    this.#source.newConnectionLimit = limit;
    if (this.#withheld === null) return;
    this.#withheld = limit;
    this.#source.newConnectionLimit = 0;
  }

  iterate(): AsyncIterableIterator<C> {
    return this.#arrivals.iterate();
  }

  /** Nobody comes any more. */
  end(): void {
    this.#arrivals.end(null);
  }

  get #hasRoom(): boolean {
    return this.#arrivals.waiting < ITERATION_AHEAD_COUNT;
  }

  // Those who waited longest come first. One who has left meanwhile takes no place.
  #letIn(): void {
    while (this.#hasRoom) {
      const goOn = this.#held.shift();
      if (goOn === undefined) break;
      goOn();
    }
    if (!this.#hasRoom || this.#withheld === null) return;
    const credits = this.credits;
    this.#withheld = null;
    this.#source.newConnectionLimit = credits;
  }
}
