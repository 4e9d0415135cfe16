// The shared watch of this host's networks: one for each reactor, begun by its first observer and
// closed with its last. Not debounced: an observer hears of a change in the turn in which the kernel
// told of it. Not here: what a snapshot holds (snapshot.ts), debouncing (monitor.ts).

import { codeError } from "../../errors/index.ts";
import type { Path, PathChange, PathSnapshot } from "./types.ts";

/** Who hears of changes. */
export interface PathObserver {
  changed(change: PathChange): void;
}

/** What narrows the question for a path. */
export interface PathQuestion {
  /** Index of the interface that must be used. */
  readonly interface?: number | undefined;
  /** The source address that must be used. */
  readonly localAddress?: string | undefined;
}

/** One observer's part in the shared watch. */
export interface PathWatch {
  /** As the kernel told it last. After `stop()` it stays as it was. */
  readonly snapshot: PathSnapshot;
  /**
   * Asks the kernel now.
   *
   * @throws HawserError EINVAL for what is no literal address
   */
  pathTo(address: string, options?: PathQuestion): Path;
  /** Keeps the process alive, which a watch does not by itself. */
  ref(): void;
  unref(): void;
  stop(): void;
}

/**
 * Begins to watch. The observer is called in turns of the reactor, never from within a call of its
 * own.
 *
 * @throws HawserError of socket(2), where the system does not let this process look at its networks
 */
export function watchPaths(_observer: PathObserver): PathWatch {
  throw codeError("ENOSYS", "socket");
}
