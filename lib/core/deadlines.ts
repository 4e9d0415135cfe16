// All deadlines of an environment in one structure, with the time passed in.
// Not here: a clock, a timer, what happens when a deadline has passed.
//
// A binary heap whose entries know their place. Moving a deadline to a later time, as an idle
// timeout does on every read, only writes the new time: the heap keeps the old one as its key and
// the entry is put where it belongs when that comes up. Everything else is O(log n).

/** Entry of {@link Deadlines}. One belongs to at most one structure at a time. */
export class Deadline<T> {
  /** Whose deadline this is: handed to whoever is told that it has passed. */
  readonly owner: T;
  /** When it passes, in milliseconds of the clock of the structure; NaN while not set. */
  at = Number.NaN;
  /** @internal What the heap is ordered by: `at`, or an earlier time. */
  key = 0;
  /** @internal Place in the heap, -1 while not set. */
  place = -1;

  constructor(owner: T) {
    this.owner = owner;
  }

  get isSet(): boolean {
    return this.place !== -1;
  }
}

export class Deadlines<T> {
  readonly #heap: Deadline<T>[] = [];

  /** How many are set. */
  get size(): number {
    return this.#heap.length;
  }

  /**
   * Sets a deadline, or moves it. O(1) when it moves to a later time.
   *
   * @param at milliseconds; not NaN. A time that has passed is fine: it expires next.
   * @returns whether the structure must be woken earlier than before, that is, `next()` has changed
   *   for the sooner. Where it has not, a timer that is armed may stay as it is.
   */
  set(deadline: Deadline<T>, at: number): boolean {
    if (Number.isNaN(at)) throw new RangeError("a deadline must be a time");
    const { place } = deadline;
    deadline.at = at;
    if (place !== -1) {
      if (at >= deadline.key) return false;
      deadline.key = at;
      return this.#up(deadline, place) === 0;
    }
    deadline.key = at;
    this.#heap.push(deadline);
    return this.#up(deadline, this.#heap.length - 1) === 0;
  }

  /** Takes a deadline out; nothing happens where it is not set. */
  clear(deadline: Deadline<T>): void {
    if (deadline.place !== -1) this.#remove(deadline);
  }

  /** When `expire` has to be called next, or undefined while nothing is set. */
  next(): number | undefined {
    return this.#settle()?.at;
  }

  /**
   * Takes out every deadline that has passed at `now` and tells it, the earliest first. `each` may
   * set and clear any deadline, this one too; one that it sets to a time already past is told by
   * the next call, so that this one ends. What `each` throws goes through; the rest stays set.
   *
   * @returns how many were told
   */
  expire(now: number, each: (owner: T, deadline: Deadline<T>) => void): number {
    const most = this.#heap.length;
    let told = 0;
    while (told < most) {
      const first = this.#settle();
      if (first === undefined || first.at > now) break;
      this.#remove(first);
      told++;
      each(first.owner, first);
    }
    return told;
  }

  // The first deadline, after those that were moved to later have been put where they belong.
  #settle(): Deadline<T> | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at <= first.key) return first;
      first.key = first.at;
      this.#down(first, 0);
    }
  }

  #remove(deadline: Deadline<T>): void {
    const { place } = deadline;
    const last = this.#heap.pop() as Deadline<T>;
    if (last !== deadline) {
      if (this.#up(last, place) === place) this.#down(last, place);
    }
    deadline.place = -1;
    deadline.at = Number.NaN;
  }

  #up(deadline: Deadline<T>, from: number): number {
    const heap = this.#heap;
    let place = from;
    while (place > 0) {
      const parentPlace = (place - 1) >> 1;
      const parent = heap[parentPlace] as Deadline<T>;
      if (parent.key <= deadline.key) break;
      heap[place] = parent;
      parent.place = place;
      place = parentPlace;
    }
    heap[place] = deadline;
    deadline.place = place;
    return place;
  }

  #down(deadline: Deadline<T>, from: number): void {
    const heap = this.#heap;
    let place = from;
    for (;;) {
      let childPlace = 2 * place + 1;
      let child = heap[childPlace];
      if (child === undefined) break;
      const right = heap[childPlace + 1];
      if (right !== undefined && right.key < child.key) {
        child = right;
        childPlace++;
      }
      if (child.key >= deadline.key) break;
      heap[place] = child;
      child.place = place;
      place = childPlace;
    }
    heap[place] = deadline;
    deadline.place = place;
  }
}
