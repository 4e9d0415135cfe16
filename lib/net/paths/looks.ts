// The looks at the networks that connections of this environment share: one watch while anybody
// wants to know, one look for many changes, and one question to the kernel for many connections
// that ask the same. Not here: what a connection makes of it (follower.ts, lib/net/waiting.ts).

import { Deadline } from "../../core/deadlines.ts";
import { PATH_LOOK_AGAIN_MS, PATH_LOOK_EVERY_MS, PATH_LOOK_SHARE } from "../../core/limits.ts";
import { HawserError } from "../../errors/index.ts";
import { report } from "../../socket/reactor.ts";
import { clearDeadline, type DeadlineOwner, now, setDeadline } from "../clock.ts";
import type { Destination, PathView } from "./path-rules.ts";
import type { Path, PathChange, PathSnapshot } from "./types.ts";
import { type PathObserver, type PathWatch, watchPaths } from "./watch.ts";

/** Who looks when something has changed. */
export interface Looker {
  look(view: PathView): void;
}

/** What the looks stand on; tests bring their own. */
export interface LookHost {
  now(): number;
  setDeadline(deadline: Deadline<DeadlineOwner>, ms: number): void;
  clearDeadline(deadline: Deadline<DeadlineOwner>): void;
  watch(observer: PathObserver): PathWatch;
}

/** The networks at one moment. What was asked is remembered. */
class Look implements PathView {
  readonly snapshot: PathSnapshot;
  readonly #watch: PathWatch;
  readonly #answers = new Map<string, Path>();

  constructor(watch: PathWatch) {
    this.#watch = watch;
    this.snapshot = watch.snapshot;
  }

  pathTo({ address, localAddress, interface: index }: Destination): Path {
    const key = `${address} ${localAddress ?? ""} ${index ?? ""}`;
    let path = this.#answers.get(key);
    if (path === undefined) {
      path = this.#watch.pathTo(address, { interface: index, localAddress });
      this.#answers.set(key, path);
    }
    return path;
  }
}

export class PathLooks implements PathObserver, DeadlineOwner {
  readonly #host: LookHost;
  readonly #lookers = new Set<Looker>();
  readonly #deadline = new Deadline<DeadlineOwner>(this);
  #watch: PathWatch | null = null;
  #nextAt = Number.NEGATIVE_INFINITY;
  #view: Look | null = null;
  /** When interfaces have changed last, by index; and routes of unknown ones. */
  readonly #touchedAt = new Map<number, number>();
  #routedAt = Number.NEGATIVE_INFINITY;

  constructor(host: LookHost) {
    this.#host = host;
  }

  /** How many look. */
  get size(): number {
    return this.#lookers.size;
  }

  /**
   * From now on it looks at each change, until `remove`.
   *
   * @throws HawserError where the system does not let this process look at its networks
   */
  add(looker: Looker): void {
    this.#watch ??= this.#host.watch(this);
    this.#lookers.add(looker);
  }

  remove(looker: Looker): void {
    if (!this.#lookers.delete(looker) || this.#lookers.size > 0) return;
    this.#watch?.stop();
    this.#watch = null;
    this.#view = null;
    this.#touchedAt.clear();
    this.#host.clearDeadline(this.#deadline);
  }

  /** Whether `view` can be called. */
  get isWatching(): boolean {
    return this.#watch !== null;
  }

  /** The networks now; for those who look. */
  view(): PathView {
    if (this.#watch === null) throw new Error("nobody watches the paths");
    this.#view ??= new Look(this.#watch);
    return this.#view;
  }

  /** When something has changed last that what stands on these interfaces may follow from. */
  disturbedAt(interfaces: readonly number[]): number {
    const touched = interfaces.map((index) => this.#touchedAt.get(index) ?? this.#routedAt);
    return Math.max(this.#routedAt, ...touched);
  }

  // What came and went between two lists is not seen in either; then only routes have changed.
  #disturb(change: PathChange): void {
    const { added, removed, changed, routesChanged, defaultRoutesChanged } = change;
    const time = this.#host.now();
    const touched = [...added, ...removed, ...changed.map(({ after }) => after)];
    for (const { index } of touched) this.#touchedAt.set(index, time);
    const isUnseen = touched.length === 0 && routesChanged;
    if (isUnseen || defaultRoutesChanged) this.#routedAt = time;
  }

  /** @internal */
  changed(change: PathChange): void {
    this.#view = null;
    this.#disturb(change);
    if (this.#deadline.isSet || this.#watch === null) return;
    this.#host.setDeadline(this.#deadline, Math.max(0, this.#nextAt - this.#host.now()));
  }

  /** @internal */
  expired(): void {
    if (this.#watch === null) return;
    const startedAt = this.#host.now();
    // An event may still be on its way.
    this.#view = null;
    const view = this.view();
    this.#forget(startedAt - PATH_LOOK_AGAIN_MS);
    for (const looker of [...this.#lookers]) {
      // One that was removed by another's callback does not look any more.
      if (!this.#lookers.has(looker)) continue;
      try {
        looker.look(view);
      } catch (error) {
        // The kernel could not be asked (EMFILE): what was known holds until it can.
        if (error instanceof HawserError)
          this.#host.setDeadline(this.#deadline, PATH_LOOK_AGAIN_MS);
        else report(error);
      }
    }
    // Thousands of connections in a storm of changes must not keep the loop from other work.
    const tookMs = this.#host.now() - startedAt;
    this.#nextAt = startedAt + Math.max(PATH_LOOK_EVERY_MS, PATH_LOOK_SHARE * tookMs);
  }

  // Interfaces may come and go without end.
  #forget(before: number): void {
    for (const [index, time] of this.#touchedAt) {
      if (time < before) this.#touchedAt.delete(index);
    }
  }
}

/** The looks of this environment. */
export const pathLooks: PathLooks = new PathLooks({
  now,
  setDeadline,
  clearDeadline,
  watch: watchPaths,
});
