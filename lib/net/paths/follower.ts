// One connection that follows its path: what it has been told of viability and of better paths, and
// how long it has not been viable. Not here: what viable means (viability.ts), looking (looks.ts),
// callbacks of the application (lib/net/connection-following.ts).

import { Deadline } from "../../core/deadlines.ts";
import {
  BETTER_PATH_SETTLE_MS,
  MAX_BETTER_PATH_SETTLE_MS,
  MAX_VIABILITY_SETTLE_MS,
  VIABILITY_SETTLE_MS,
} from "../../core/limits.ts";
import { HawserError } from "../../errors/index.ts";
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

const VIABILITY_TIMES = { quietMs: VIABILITY_SETTLE_MS, atLatestMs: MAX_VIABILITY_SETTLE_MS };
const BETTER_PATH_TIMES = {
  quietMs: BETTER_PATH_SETTLE_MS,
  atLatestMs: MAX_BETTER_PATH_SETTLE_MS,
};

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
  /** The interfaces that count, also while the address is on none of them. */
  #standsOn: readonly number[];
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
      this.#standsOn = first.interfaces;
      this.#viable = new Settling(first.viable, VIABILITY_TIMES);
      this.#better = new Settling(first.betterPath, BETTER_PATH_TIMES, isSamePath);
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
    this.#note(view);
    this.#arm();
  }

  #note(view: PathView): void {
    const { viable, path, betterPath, interfaces }: Judgement = judge(view, this.#footing);
    const time = this.#host.now();
    this.#path = path;
    const disturbedAt = this.#host.looks.disturbedAt([...this.#standsOn, ...interfaces]);
    if (viable) this.#standsOn = interfaces;
    this.#viable.note(viable, time, disturbedAt);
    this.#better.note(betterPath, time, disturbedAt);
  }

  /** @internal */
  expired(): void {
    this.#lookAgain();
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

  // What is told is true now, whatever the last look has seen.
  #lookAgain(): void {
    try {
      this.#note(this.#host.looks.view());
    } catch (error) {
      // The kernel could not be asked.
      if (!(error instanceof HawserError)) throw error;
    }
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
