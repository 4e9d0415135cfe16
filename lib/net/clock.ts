// The one clock and the one timer behind every deadline of this environment.
// Not here: the structure (core/deadlines.ts), what a passed deadline means (its owner).

import { type Deadline, Deadlines } from "../core/deadlines.ts";
import { report } from "../socket/reactor.ts";

/** Who is told that a deadline has passed. */
export interface DeadlineOwner {
  expired(deadline: Deadline<DeadlineOwner>): void;
}

const deadlines = new Deadlines<DeadlineOwner>();
let timer: NodeJS.Timeout | undefined;
let holders = 0;

/** Milliseconds of a clock that never goes back. */
export function now(): number {
  return performance.now();
}

/** Sets a deadline `ms` from now, or moves it. */
export function setDeadline(deadline: Deadline<DeadlineOwner>, ms: number): void {
  if (deadlines.set(deadline, now() + ms)) arm();
}

export function clearDeadline(deadline: Deadline<DeadlineOwner>): void {
  deadlines.clear(deadline);
}

/**
 * Keeps the process alive for deadlines, until `letProcessGo` was called as often. Mostly sockets
 * do that, where it is their time that is measured; this is for whoever has none yet.
 */
export function holdProcess(): void {
  holders++;
  if (holders === 1) timer?.ref();
}

export function letProcessGo(): void {
  holders--;
  if (holders === 0) timer?.unref();
}

function arm(): void {
  clearTimeout(timer);
  timer = undefined;
  const next = deadlines.next();
  if (next === undefined) return;
  timer = setTimeout(expire, Math.max(0, Math.ceil(next - now())));
  if (holders === 0) timer.unref();
}

function expire(): void {
  timer = undefined;
  try {
    deadlines.expire(now(), (owner, deadline) => {
      try {
        owner.expired(deadline);
      } catch (error) {
        report(error);
      }
    });
  } finally {
    arm();
  }
}
