// A soak: steps of a plan, several at once, until the time is over; and at times a calm, in which
// nothing runs and everything must be given back. Not here: the plan (plan.ts), the steps.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { counters } from "../../lib/index.ts";
import { Datagrams } from "./datagrams.ts";
import { type Step, stepOf, TRANSPORTS } from "./plan.ts";
import { type Secrets, Streams } from "./steps.ts";

export interface SoakOptions {
  readonly seed: number;
  readonly secrets: Secrets;
  /** Until then, or for so many steps, whatever comes first. */
  readonly minutes: number;
  readonly steps?: number | undefined;
  /** One step alone, to look at what went wrong. */
  readonly only?: number | undefined;
  readonly say: (line: string) => void;
}

export interface SoakResult {
  readonly steps: number;
  readonly problems: readonly string[];
}

const AT_ONCE = 8;
const CALM_EVERY_STEPS = 400;
/** A step in which nothing arrives from one look to the next hangs, however slow the machine is. */
const LOOK_EVERY_MS = 15_000;
const CALM_LIMIT_MS = 15_000;
/** Memory that the heap and the allocator may take beside what the first calms have seen. */
const SPARE_BYTES = 64 * 1_048_576;
const CALMS_UNTIL_STEADY = 3;
const WARM_UP_INDEX = 2 ** 31;

interface Held {
  readonly slots: number;
  readonly descriptors: number;
  readonly residentBytes: number;
}

export class Soak {
  readonly #options: SoakOptions;
  readonly #streams: Streams;
  readonly #datagrams = new Datagrams();
  readonly #problems: string[] = [];
  readonly #startedAt = Date.now();
  #next = 0;
  #done = 0;
  #calms = 0;
  #atRest: Held = { slots: 0, descriptors: 0, residentBytes: 0 };

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#streams = new Streams(options.secrets);
  }

  async run(): Promise<SoakResult> {
    const folder = mkdtempSync(join(tmpdir(), "soak-"));
    const noteUncaught = (error: unknown) => this.#problem(`nobody caught ${inspectError(error)}`);
    process.on("uncaughtException", noteUncaught);
    try {
      await this.#streams.start(folder);
      await this.#datagrams.start();
      await this.#warmUp();
      await this.#rounds();
    } finally {
      await this.#streams.stop();
      await this.#datagrams.stop();
      process.off("uncaughtException", noteUncaught);
      rmSync(folder, { recursive: true });
    }
    return { steps: this.#done, problems: this.#problems };
  }

  // What is made for the first of its kind and then kept is no leak.
  async #warmUp(): Promise<void> {
    for (const transport of TRANSPORTS) {
      const step = stepOf(this.#options.seed, WARM_UP_INDEX);
      await this.#step({ ...step, transport, ending: "client closes", hindrance: "none" });
    }
    // The last ones are still saying goodbye.
    await new Promise((resolve) => setTimeout(resolve, 500));
    this.#atRest = held();
  }

  async #rounds(): Promise<void> {
    const { only, steps = Number.POSITIVE_INFINITY } = this.#options;
    if (only !== undefined) {
      await this.#step(stepOf(this.#options.seed, only));
      return;
    }
    while (!this.#isOver && this.#problems.length === 0 && this.#next < steps) {
      const until = Math.min(steps, this.#next + CALM_EVERY_STEPS);
      await Promise.all(Array.from({ length: AT_ONCE }, () => this.#worker(until)));
      await this.#calm();
    }
  }

  get #isOver(): boolean {
    return Date.now() - this.#startedAt >= this.#options.minutes * 60_000;
  }

  async #worker(until: number): Promise<void> {
    while (this.#next < until && !this.#isOver && this.#problems.length === 0) {
      await this.#step(stepOf(this.#options.seed, this.#next++));
    }
  }

  async #step(step: Step): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      let before: string | undefined;
      timer = setInterval(() => {
        const now = this.#streams.progressOf(step);
        if (now === before) reject(new Error(`it hangs: ${now}`));
        before = now;
      }, LOOK_EVERY_MS);
    });
    const run = step.transport === "udp" ? this.#datagrams.run(step) : this.#streams.run(step);
    try {
      await Promise.race([run, limit]);
    } catch (error) {
      this.#problem(`step ${step.index} ${JSON.stringify(step)}: ${inspectError(error)}`);
    } finally {
      clearInterval(timer);
      this.#done++;
    }
  }

  /** Waits until everything is given back. */
  async #calm(): Promise<void> {
    const now = await this.#settled();
    const { slots, descriptors } = this.#atRest;
    if (now.slots > slots || now.descriptors > descriptors) {
      this.#problem(`${JSON.stringify(now)} at rest, after ${slots} and ${descriptors}`);
    }
    this.#watchMemory(now);
    const megabytes = Math.round(now.residentBytes / 1_048_576);
    const seconds = Math.round((Date.now() - this.#startedAt) / 1_000);
    this.#options.say(
      `${seconds} s: ${this.#done} steps, ${now.descriptors} descriptors, ${megabytes} MB`,
    );
  }

  async #settled(): Promise<Held> {
    const startedAt = Date.now();
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const now = held();
      const isBack = now.slots <= this.#atRest.slots && now.descriptors <= this.#atRest.descriptors;
      if (isBack || Date.now() - startedAt >= CALM_LIMIT_MS) return now;
    }
  }

  #watchMemory(now: Held): void {
    if (++this.#calms <= CALMS_UNTIL_STEADY) {
      const residentBytes = Math.max(now.residentBytes, this.#atRest.residentBytes);
      this.#atRest = { ...this.#atRest, residentBytes };
    } else if (now.residentBytes > this.#atRest.residentBytes + SPARE_BYTES) {
      this.#problem(`${now.residentBytes} bytes resident, ${this.#atRest.residentBytes} before`);
    }
  }

  #problem(what: string): void {
    this.#problems.push(what);
    this.#options.say(what);
  }
}

function held(): Held {
  // Where it can be asked for (node --expose-gc), what is garbage does not count.
  (globalThis as { gc?: () => void }).gc?.();
  const folder = process.platform === "linux" ? "/proc/self/fd" : "/dev/fd";
  return {
    slots: counters().openSlots,
    descriptors: readdirSync(folder).length,
    residentBytes: process.memoryUsage.rss(),
  };
}

function inspectError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
