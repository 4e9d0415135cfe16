// The time as the protocol needs it: whole milliseconds, read at most once in a turn of the
// reactor. Not here: deadlines and timers (lib/net/clock.ts).

import { now } from "../net/clock.ts";
import { turnNumber } from "../socket/reactor.ts";

let turn = -1;
let time = 0;

/** The time of this turn; outside of turns that of the last, which may be long ago. */
export function turnTime(): number {
  if (turnNumber() !== turn) {
    turn = turnNumber();
    time = Math.round(now());
  }
  return time;
}

/** The time now. */
export function wallTime(): number {
  return Math.round(now());
}
