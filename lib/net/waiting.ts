// Waiting for the network with a connection that could not be made (B5): hears of changes, and says
// when to try again. Not here: which failures wait, and the times (paths/retry.ts), what a try is
// (establishment.ts), the state (connection-following.ts).

import { Deadline } from "../core/deadlines.ts";
import { clearDeadline, type DeadlineOwner, now, setDeadline } from "./clock.ts";
import { type Looker, type PathLooks, pathLooks } from "./paths/looks.ts";
import { RetryPlan } from "./paths/retry.ts";

/** What waiting stands on; tests bring their own. */
export interface WaitingHost {
  readonly looks: PathLooks;
  now(): number;
  setDeadline(deadline: Deadline<DeadlineOwner>, ms: number): void;
  clearDeadline(deadline: Deadline<DeadlineOwner>): void;
}

const HOST: WaitingHost = { looks: pathLooks, now, setDeadline, clearDeadline };

/** Who waits. */
export interface Waiter {
  /** A try is due; `tried` has to follow. */
  retry(): void;
  /** The network has changed during a try. Where that is hopeless now, a new one may begin. */
  reconsider(): void;
}

export class Waiting implements Looker, DeadlineOwner {
  readonly #waiter: Waiter;
  readonly #host: WaitingHost;
  readonly #plan = new RetryPlan();
  readonly #deadline = new Deadline<DeadlineOwner>(this);
  #since = Number.NaN;
  #waitedMs = 0;

  constructor(waiter: Waiter, host: WaitingHost = HOST) {
    this.#waiter = waiter;
    this.#host = host;
    try {
      host.looks.add(this);
    } catch {
      // Where a process may not look at its networks, there are still tries by time.
    }
  }

  /** How long nothing was tried, in all. */
  get waitedMs(): number {
    return Number.isNaN(this.#since)
      ? this.#waitedMs
      : this.#waitedMs + this.#host.now() - this.#since;
  }

  /** A try has failed: waits from now on. */
  failed(): void {
    const time = this.#host.now();
    this.#since = time;
    this.#plan.failed(time);
    this.#arm();
  }

  /** A try begins, due or not: waits no more until it has failed. */
  tried(): void {
    this.#waitedMs = this.waitedMs;
    this.#since = Number.NaN;
    this.#plan.tried(this.#host.now());
    this.#host.clearDeadline(this.#deadline);
  }

  stop(): void {
    this.#waitedMs = this.waitedMs;
    this.#since = Number.NaN;
    this.#host.looks.remove(this);
    this.#host.clearDeadline(this.#deadline);
  }

  /** @internal */
  look(): void {
    this.#plan.changed(this.#host.now());
    this.#arm();
  }

  /** @internal */
  expired(): void {
    if (Number.isNaN(this.#since)) this.#waiter.reconsider();
    else this.#waiter.retry();
  }

  #arm(): void {
    const ms = this.#plan.dueAt - this.#host.now();
    this.#host.setDeadline(this.#deadline, Math.max(0, ms));
  }
}
