// When a peer is dead: a beat of ours that has waited too long for its echo. Time is handed in.
// Not here: sending beats (echo.js).

/** Between two beats, in milliseconds. */
export const BEAT_MS = 1_000;
/** Silence after a beat that is taken for death, in milliseconds. */
export const DEAD_MS = 3_000;
/** Silence that is worth a word, in milliseconds. */
const QUIET_MS = 1_200;

export class Heartbeat {
  /** When the oldest beat without an answer was sent; null where none waits. */
  #waitingSince = null;

  sent(nowMs) {
    this.#waitingSince ??= nowMs;
  }

  heard() {
    this.#waitingSince = null;
  }

  /** How long an answer is due, in milliseconds. */
  waitedMs(nowMs) {
    return this.#waitingSince === null ? 0 : nowMs - this.#waitingSince;
  }

  /** @returns {"alive" | "quiet" | "dead"} */
  judge(nowMs) {
    const waited = this.waitedMs(nowMs);
    if (waited >= DEAD_MS) return "dead";
    return waited >= QUIET_MS ? "quiet" : "alive";
  }
}
