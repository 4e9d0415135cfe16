// Connections for those who iterate over a listener: who is there and not taken yet, and who waits.
// Not here: how many may come in (admission.ts).

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

type Result<C> = IteratorResult<C, undefined>;

export class Arrivals<C> {
  readonly #asked: () => void;
  readonly #queue: C[] = [];
  #takers: ((result: Result<C> | Promise<Result<C>>) => void)[] = [];
  #isOver = false;
  #error: unknown = null;

  /** @param asked called when somebody waits for the next one */
  constructor(asked: () => void) {
    this.#asked = asked;
  }

  /** Accepted, and not yet taken. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Steps of iterations that wait. */
  get takers(): number {
    return this.#takers.length;
  }

  offer(connection: C): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#queue.push(connection);
    else taker({ done: false, value: connection });
  }

  /** Nobody comes any more: iterations end, or throw the error. */
  end(error: unknown): void {
    this.#isOver = true;
    this.#error = error;
    for (const taker of this.#takers.splice(0)) taker(this.#finished());
  }

  /** `break` loses nobody: whoever iterates next begins where this one stopped. */
  iterate(): AsyncIterableIterator<C> {
    return {
      next: () => this.#next(),
      return: () => Promise.resolve(DONE),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #next(): Promise<Result<C>> {
    const waiting = this.#queue.shift();
    if (waiting !== undefined) return Promise.resolve({ done: false, value: waiting });
    if (this.#isOver) return this.#finished();
    return new Promise((fulfil) => {
      this.#takers.push(fulfil);
      this.#asked();
    });
  }

  #finished(): Promise<Result<C>> {
    return this.#error === null ? Promise.resolve(DONE) : Promise.reject(this.#error);
  }
}
