// The networks of this host for applications: a snapshot that follows them, and a stream of changes
// that is quiet while they flicker. Not here: the watch beneath, which all share (watch.ts).

import { Deadline } from "../../core/deadlines.ts";
import { MAX_PATH_DEBOUNCE_FACTOR, PATH_DEBOUNCE_MS } from "../../core/limits.ts";
import { onAbort } from "../../core/waiting.ts";
import {
  rejectUnknownKeys,
  requireDuration,
  requireFunction,
  requireObject,
  requireSignal,
} from "../../errors/index.ts";
import { report } from "../../socket/reactor.ts";
import { clearDeadline, type DeadlineOwner, now, setDeadline } from "../clock.ts";
import { captureContext, inContext } from "../handler-context.ts";
import { ChangeIterator } from "./change-iterator.ts";
import { compareSnapshots } from "./snapshot.ts";
import type { NetworkInterface, Path, PathChange, PathSnapshot } from "./types.ts";
import { type PathWatch, watchPaths } from "./watch.ts";

/** Options of `new PathMonitor()`. */
export interface PathMonitorOptions {
  /**
   * Quiet time before a change is told, milliseconds. Under changes that do not cease, one is told
   * after ten times as long. Default 100; 0 tells each as it comes.
   */
  readonly debounce?: number | undefined;
  /** Closes the monitor. */
  readonly signal?: AbortSignal | undefined;
  /** What is different since it was called last. What came and went meanwhile is not told. */
  change?(monitor: PathMonitor, change: PathChange): unknown;
}

const KEYS: ReadonlySet<string> = new Set(["debounce", "signal", "change"]);

/** Follows rtnetlink(7), on macOS the routing socket (route(4)). No polling. */
export class PathMonitor implements AsyncDisposable, AsyncIterable<PathChange> {
  readonly #watch: PathWatch;
  readonly #debounceMs: number;
  readonly #change: PathMonitorOptions["change"];
  readonly #quiet = new Deadline<DeadlineOwner>(this);
  readonly #iterators = new Set<ChangeIterator>();
  /** What the application was told last. */
  #told: PathSnapshot;
  /**
   * Since then: whether routes changed that no snapshot shows, and when it must be told at last.
   */
  #routesChanged = false;
  #tellBefore = Number.POSITIVE_INFINITY;
  #stopWaiting: (() => void) | undefined;
  #isClosed = false;

  /**
   * Keeps the process alive until it is closed, but for `unref()`.
   *
   * @throws TypeError or RangeError for wrong options; `signal.reason`; HawserError of socket(2),
   *   where the system does not let this process look at its networks
   */
  constructor(options: PathMonitorOptions = {}) {
    rejectUnknownKeys(requireObject(options, "options"), KEYS, "new PathMonitor()");
    const { debounce = PATH_DEBOUNCE_MS, signal, change } = options;
    this.#debounceMs = requireDuration(debounce, "options.debounce");
    if (change !== undefined) requireFunction(change, "options.change");
    if (signal !== undefined) requireSignal(signal, "options.signal").throwIfAborted();
    this.#change = inContext(captureContext(), change);
    this.#watch = watchPaths({ changed: (one) => this.#changed(one) });
    this.#watch.ref();
    this.#told = this.#watch.snapshot;
    this.#stopWaiting = onAbort(signal, () => void this.close());
  }

  /** As the kernel told it last, ahead of what is still to be told. */
  get snapshot(): PathSnapshot {
    return this.#watch.snapshot;
  }

  interfaces(): readonly NetworkInterface[] {
    return this.snapshot.interfaces;
  }

  /** By name or index. */
  interface(nameOrIndex: string | number): NetworkInterface | undefined {
    return this.snapshot.interface(nameOrIndex);
  }

  /**
   * What the kernel would use for a destination now.
   *
   * @throws HawserError: EINVAL for what is no literal address; EMFILE and its like where the
   *   kernel could not be asked
   */
  pathTo(address: string): Path {
    return this.#watch.pathTo(address);
  }

  /**
   * Each change from now on, until `close()`. Who takes them slowly finds several as one. `break`
   * ends this iteration only.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<PathChange> {
    const iterator = new ChangeIterator(this.#told, (ended) => this.#iterators.delete(ended));
    if (this.#isClosed) iterator.end();
    else this.#iterators.add(iterator);
    return iterator;
  }

  /** Keeps the process alive, which is the default. */
  ref(): this {
    this.#watch.ref();
    return this;
  }

  unref(): this {
    this.#watch.unref();
    return this;
  }

  /** Tells nothing more. Never rejects. */
  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#stopWaiting?.();
      clearDeadline(this.#quiet);
      this.#watch.stop();
      for (const iterator of [...this.#iterators]) iterator.end();
    }
    return Promise.resolve();
  }

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #changed(change: PathChange): void {
    if (change.routesChanged) this.#routesChanged = true;
    if (this.#debounceMs === 0) {
      this.#tell();
      return;
    }
    const time = now();
    if (this.#tellBefore === Number.POSITIVE_INFINITY) {
      this.#tellBefore = time + MAX_PATH_DEBOUNCE_FACTOR * this.#debounceMs;
    }
    setDeadline(this.#quiet, Math.max(0, Math.min(this.#debounceMs, this.#tellBefore - time)));
  }

  /** @internal The quiet time is over. */
  expired(): void {
    this.#tell();
  }

  #tell(): void {
    const change = compareSnapshots(this.#told, this.snapshot, this.#routesChanged);
    this.#tellBefore = Number.POSITIVE_INFINITY;
    this.#routesChanged = false;
    if (change === null) return;
    this.#told = change.snapshot;
    for (const iterator of [...this.#iterators]) iterator.offer(change);
    if (this.#change === undefined) return;
    try {
      const result: unknown = this.#change(this, change);
      if (typeof (result as PromiseLike<unknown>)?.then === "function") {
        (result as PromiseLike<unknown>).then(undefined, report);
      }
    } catch (thrown) {
      report(thrown);
    }
  }
}
