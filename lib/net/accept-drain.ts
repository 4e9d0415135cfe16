// How a listener knows that the kernel's accept queue is empty, which no system call tells: a few
// iterations of the loop, in each of which the reactor asks the kernel, have brought no connection.
// Not here: what it does then (listener.ts).

import { DRAIN_LIMIT_MS } from "../core/limits.ts";
import { now } from "./clock.ts";

/** The first iteration may be what is left of this one, without a look at the sockets. */
const QUIET_ITERATIONS = 3;
/** How long until it looks again where nobody can come. */
const STUCK_MS = 5;

export class AcceptDrain {
  #quietIterations = 0;
  #isRunning = false;

  /** Whether it waits. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** A connection came. */
  heard(): void {
    this.#quietIterations = 0;
  }

  /**
   * Calls `done` when nothing has come for a while, or after DRAIN_LIMIT_MS; not after `stop`.
   *
   * @param isStuck whether nobody can come now, so that it says nothing when nobody does
   */
  start(done: () => void, isStuck: () => boolean = () => false): void {
    const until = now() + DRAIN_LIMIT_MS;
    this.#isRunning = true;
    this.#quietIterations = 0;
    const look = () => {
      if (!this.#isRunning) return;
      if (isStuck() && now() < until) {
        this.#quietIterations = 0;
        setTimeout(look, STUCK_MS);
        return;
      }
      if (++this.#quietIterations <= QUIET_ITERATIONS && now() < until) {
        setImmediate(look);
        return;
      }
      this.#isRunning = false;
      done();
    };
    setImmediate(look);
  }

  stop(): void {
    this.#isRunning = false;
  }
}
