// One iteration over the changes of a PathMonitor. However slowly they are taken, no more is kept
// than the snapshot that was taken last and the newest one. Not here: when a change is told.

import { compareSnapshots } from "./snapshot.ts";
import type { PathChange, PathSnapshot } from "./types.ts";

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

type Result = IteratorResult<PathChange, undefined>;

export class ChangeIterator implements AsyncIterableIterator<PathChange, undefined> {
  readonly #ended: (iterator: ChangeIterator) => void;
  #takers: ((result: Result) => void)[] = [];
  #taken: PathSnapshot;
  #newest: PathSnapshot;
  #routesChanged = false;
  #isOver = false;

  /**
   * @param from the snapshot that is known already
   * @param ended called once, when nothing more is to be offered
   */
  constructor(from: PathSnapshot, ended: (iterator: ChangeIterator) => void) {
    this.#taken = from;
    this.#newest = from;
    this.#ended = ended;
  }

  /** A change that follows on the one offered before. */
  offer(change: PathChange): void {
    this.#newest = change.snapshot;
    if (change.routesChanged) this.#routesChanged = true;
    const taker = this.#takers[0];
    if (taker === undefined) return;
    const merged = this.#take();
    if (merged === null) return;
    this.#takers.shift();
    taker({ done: false, value: merged });
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const taker of this.#takers.splice(0)) taker(DONE);
    this.#ended(this);
  }

  next(): Promise<Result> {
    if (this.#isOver) return Promise.resolve(DONE);
    const waiting = this.#takers.length === 0 ? this.#take() : null;
    if (waiting !== null) return Promise.resolve({ done: false, value: waiting });
    return new Promise((resolve) => {
      this.#takers.push(resolve);
    });
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.end();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // All that is different since the last one taken; null where it is as it was.
  #take(): PathChange | null {
    const change = compareSnapshots(this.#taken, this.#newest, this.#routesChanged);
    this.#taken = this.#newest;
    this.#routesChanged = false;
    return change;
  }
}
