// The progress line on a terminal: what runs now, how far, how long it will take. Off a terminal,
// one line a scenario.

import { type Progress, roundsOf } from "./engine.ts";
import { formatDuration } from "./format.ts";
import type { Scenario, Subject } from "./suite.ts";

/** What progress is written to. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class ProgressLine implements Progress {
  readonly #stream: ProgressStream;
  readonly #rounds: number;
  readonly #now: () => number;
  #scenario: Scenario | null = null;
  #startedAt = 0;
  #steps = 0;
  #total = 0;

  constructor(stream: ProgressStream, rounds: number, now: () => number = Date.now) {
    this.#stream = stream;
    this.#rounds = rounds;
    this.#now = now;
  }

  step(scenario: Scenario, subject: Subject, round: number): void {
    if (scenario !== this.#scenario) {
      this.#scenario = scenario;
      this.#startedAt = this.#now();
      this.#steps = 0;
      this.#total = scenario.subjects.length * roundsOf(scenario, this.#rounds);
      if (this.#stream.isTTY !== true) this.#stream.write(`measuring ${scenario.title}\n`);
    }
    const done = Math.max(this.#steps, round * scenario.subjects.length);
    this.#steps = done + 1;
    if (this.#stream.isTTY !== true) return;
    const elapsed = this.#now() - this.#startedAt;
    const left =
      done === 0 ? "" : `, ${formatDuration((elapsed / done) * (this.#total - done))} left`;
    const at = `round ${round + 1} of ${roundsOf(scenario, this.#rounds)}`;
    const text = `${scenario.title}: ${at}, ${subject.label}${left}`;
    this.#stream.write(`\r\x1b[K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
  }

  clear(): void {
    if (this.#stream.isTTY === true) this.#stream.write("\r\x1b[K");
  }
}
