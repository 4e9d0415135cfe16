// The time of the turn that runs: the clock is looked at once in it, however many datagrams it
// brings. Not here: the clock (clock.ts).

import { turnNumber } from "../../socket/reactor.ts";
import { now } from "../clock.ts";

let lastTurn = -1;
let lastTime = 0;

/** Milliseconds, as of `now()`. To be asked in a turn. */
export function turnTime(): number {
  const turn = turnNumber();
  if (turn !== lastTurn) {
    lastTurn = turn;
    lastTime = now();
  }
  return lastTime;
}
