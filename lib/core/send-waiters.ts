// The promises of send() that are not settled yet. One belongs to a connection or a socket, made
// when the first has to wait. Not here: when to wait (its owner knows), the bytes (lib/socket).

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** A promise whose rejection nobody has to handle: who wants to know has it in hand. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignore);
  return promise;
}

function ignore(): void {}

function defer(): Deferred {
  let resolve: () => void = ignore;
  let reject: (reason: unknown) => void = ignore;
  const promise = quiet(
    new Promise<void>((fulfil, refuse) => {
      resolve = fulfil;
      reject = refuse;
    }),
  );
  return { promise, resolve, reject };
}

export class SendWaiters {
  /** Those who wait for the low mark share one promise. */
  #drained: Deferred | null = null;
  /** Those whose bytes are kept by reference, by the position of the byte after their last. */
  #taken: { readonly position: number; readonly deferred: Deferred }[] = [];

  get isWaiting(): boolean {
    return this.#drained !== null || this.#taken.length > 0;
  }

  whenDrained(): Promise<void> {
    this.#drained ??= defer();
    return this.#drained.promise;
  }

  whenTaken(position: number): Promise<void> {
    const last = this.#taken.at(-1);
    if (last?.position === position) return last.deferred.promise;
    const deferred = defer();
    this.#taken.push({ position, deferred });
    return deferred.promise;
  }

  /** The kernel has the bytes before `position`. */
  advance(position: number): void {
    let count = 0;
    for (const waiter of this.#taken) {
      if (waiter.position > position) break;
      waiter.deferred.resolve();
      count++;
    }
    if (count > 0) this.#taken.splice(0, count);
  }

  drained(): void {
    this.#drained?.resolve();
    this.#drained = null;
  }

  reject(reason: unknown): void {
    this.#drained?.reject(reason);
    this.#drained = null;
    for (const { deferred } of this.#taken) deferred.reject(reason);
    this.#taken = [];
  }
}
