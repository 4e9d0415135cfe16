// The timer behind `socket.setTimeout`: passes when nothing has moved for a while.
// Not here: what moves (its owner says so, and counts it), what a passed timer means.

import { MAX_DURATION_MS, requireDuration } from "../errors/index.ts";

export class InactivityTimer {
  readonly #progress: () => number;
  readonly #passed: () => void;
  #timer: NodeJS.Timeout | undefined;
  #ms = 0;
  #seen = 0;

  /**
   * @param progress a number that changes when bytes move that nobody told of with `touch`: those
   *   that the kernel takes from a long write
   * @param passed called when the duration has passed without a move
   */
  constructor(progress: () => number, passed: () => void) {
    this.#progress = progress;
    this.#passed = passed;
  }

  get ms(): number {
    return this.#ms;
  }

  /**
   * Starts anew with a duration in milliseconds; 0 stops. As in node:net, one that is longer than a
   * timer can be is the longest.
   *
   * @throws TypeError or RangeError for what is no duration
   */
  set(ms: number): void {
    const isTooLong = ms > MAX_DURATION_MS && Number.isFinite(ms);
    this.#ms = isTooLong ? MAX_DURATION_MS : requireDuration(ms, "timeout");
    this.#seen = this.#progress();
    clearTimeout(this.#timer);
    // As Node's: an idle socket's timer keeps no process alive.
    this.#timer = ms === 0 ? undefined : setTimeout(() => this.#elapsed(), this.#ms).unref();
  }

  /** Something has moved. */
  touch(): void {
    if (this.#timer === undefined) return;
    this.#seen = this.#progress();
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #elapsed(): void {
    const progress = this.#progress();
    if (progress === this.#seen) {
      // As in node:net, it starts again with the next move.
      this.#passed();
      return;
    }
    this.#seen = progress;
    this.#timer?.refresh();
  }
}
