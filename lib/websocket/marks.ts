// How much is held for a reader that does not come, and the two marks at which that matters.
// Several queues of one WebSocket share one of these. Not here: the queues (inbox.ts).

/** What an item counts for besides its bytes, so that empty ones are bounded as well. */
const ITEM_OVERHEAD_BYTES = 64;

export class Marks {
  readonly #high: number;
  readonly #low: number;
  readonly #sunk: () => void;
  #weight = 0;
  #isAbove = false;

  /**
   * @param high bytes from which on more is not welcome; until half of them are left
   * @param sunk called when more is welcome again
   */
  constructor(high: number, sunk: () => void) {
    this.#high = high;
    this.#low = high >>> 1;
    this.#sunk = sunk;
  }

  get isAbove(): boolean {
    return this.#isAbove;
  }

  /** Items came. */
  add(items: number, bytes: number): void {
    this.#weight += bytes + items * ITEM_OVERHEAD_BYTES;
    if (this.#weight >= this.#high) this.#isAbove = true;
  }

  /** Items went. */
  remove(items: number, bytes: number): void {
    this.#weight -= bytes + items * ITEM_OVERHEAD_BYTES;
    if (!this.#isAbove || this.#weight > this.#low) return;
    this.#isAbove = false;
    this.#sunk();
  }
}
