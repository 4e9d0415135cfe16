// One connection that follows its path: what it has been told of viability and of better paths, and
// how long it has not been viable. Not here: what viable means (viability.ts), looking (looks.ts),
// callbacks of the application (lib/net/connection-following.ts).

import { Deadline } from "../../core/deadlines.ts";
import { BETTER_PATH_SETTLE_MS, VIABILITY_SETTLE_MS } from "../../core/limits.ts";
import { clearDeadline, type DeadlineOwner, now, setDeadline } from "../clock.ts";
import { type Looker, type PathLooks, pathLooks } from "./looks.ts";
import type { PathView } from "./path-rules.ts";
import type { Path } from "./types.ts";
import { type Footing, isSamePath, type Judgement, judge, Settling } from "./viability.ts";

/** Whose path it is. Never called inside a call of the application's. */
export interface PathUser {
  viabilityChanged(viable: boolean): void;
  betterPathChanged(path: Path | null): void;
  /** It was not viable for the whole of its limit. */
  viabilityLapsed(): void;
}

/** What a follower stands on; tests bring their own. */
export interface FollowerHost {
  readonly looks: PathLooks;
  now(): number;
  setDeadline(deadline: Deadline<DeadlineOwner>, ms: number): void;
  clearDeadline(deadline: Deadline<DeadlineOwner>): void;
}

const HOST: FollowerHost = { looks: pathLooks, now, setDeadline, clearDeadline };

export class PathFollower implements Looker, DeadlineOwner {
  readonly #user: PathUser;
  readonly #footing: Footing;
  readonly #timeoutMs: number;
  readonly #host: FollowerHost;
  readonly #deadline = new Deadline<DeadlineOwner>(this);
  readonly #viable: Settling<boolean>;
  readonly #better: Settling<Path | null>;
  #path: Path;
  #lapsesAt = Number.POSITIVE_INFINITY;
  #isStopped = false;

  /**
   * Looks at once, and tells nothing of that.
   *
   * @param timeoutMs how long it may be not viable; 0 for no limit
   * @throws HawserError where the system does not let this process look at its networks
   */
  constructor(user: PathUser, footing: Footing, timeoutMs: number, host: FollowerHost = HOST) {
    this.#user = user;
    this.#footing = footing;
    this.#timeoutMs = timeoutMs;
    this.#host = host;
    host.looks.add(this);
    try {
      const first = judge(host.looks.view(), footing);
      this.#path = first.path;
      this.#viable = new Settling(first.viable, VIABILITY_SETTLE_MS);
      this.#better = new Settling(first.betterPath, BETTER_PATH_SETTLE_MS, isSamePath);
      if (!first.viable) this.#limit(host.now());
    } catch (error) {
      host.looks.remove(this);
      throw error;
    }
    this.#arm();
  }

  get viable(): boolean {
    return this.#viable.value;
  }

  get betterPath(): Path | null {
    return this.#better.value;
  }

  /** As the kernel would route now. */
  get path(): Path {
    return this.#path;
  }

  stop(): void {
    this.#isStopped = true;
    this.#host.looks.remove(this);
    this.#host.clearDeadline(this.#deadline);
  }

  /** @internal */
  look(view: PathView): void {
    const { viable, path, betterPath }: Judgement = judge(view, this.#footing);
    const time = this.#host.now();
    this.#path = path;
    this.#viable.note(viable, time);
    this.#better.note(betterPath, time);
    this.#arm();
  }

  /** @internal */
  expired(): void {
    const time = this.#host.now();
    if (this.#viable.elapsed(time)) this.#viabilitySettled(time);
    // Who is told may end the connection.
    if (!this.#isStopped && this.#better.elapsed(time)) {
      this.#user.betterPathChanged(this.#better.value);
    }
    if (!this.#isStopped && time >= this.#lapsesAt) {
      this.#lapsesAt = Number.POSITIVE_INFINITY;
      this.#user.viabilityLapsed();
    }
    this.#arm();
  }

  #viabilitySettled(time: number): void {
    if (this.#viable.value) this.#lapsesAt = Number.POSITIVE_INFINITY;
    else this.#limit(time);
    this.#user.viabilityChanged(this.#viable.value);
  }

  #limit(time: number): void {
    if (this.#timeoutMs > 0) this.#lapsesAt = time + this.#timeoutMs;
  }

  #arm(): void {
    if (this.#isStopped) return;
    const at = Math.min(this.#viable.dueAt, this.#better.dueAt, this.#lapsesAt);
    if (at === Number.POSITIVE_INFINITY) this.#host.clearDeadline(this.#deadline);
    else this.#host.setDeadline(this.#deadline, Math.max(0, at - this.#host.now()));
  }
}
