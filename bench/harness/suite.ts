// What a suite is made of. Types only, and the two errors' meaning: a subject whose `command` or
// start throws UnavailableError is listed with the reason; any other error is a failure.
import type { BenchOptions } from "./arguments.ts";
import type { Cores } from "./machine.ts";
import type { PeerName } from "./peers.ts";
import type { Command } from "./processes.ts";
import type { LatencyCurve, Metric, Sample, Series } from "./results.ts";

/** What every measurement may need. */
export interface Context {
  readonly options: BenchOptions;
  readonly cores: Cores;
}

/** A program that is measured. */
export interface Subject {
  /** What goals and ratios name it by. */
  readonly id: string;
  readonly label: string;
  /** What `--peers` selects it by; null for C and hawser, which always run. */
  readonly peer: PeerName | null;
  /** @throws UnavailableError where this machine does not have it. */
  command(context: Context): Promise<Command>;
}

/** One round of one subject. */
export interface Measured {
  readonly sample: Sample;
  readonly version: string | null;
  readonly doubts: readonly string[];
  readonly curve?: LatencyCurve | null;
}

/** Subjects under the same conditions, to be compared with each other. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly parameters: Readonly<Record<string, number | string>>;
  /** The first is what ratios are made of. */
  readonly metrics: readonly Metric[];
  /** The subject that ratios are against. */
  readonly reference: string;
  readonly subjects: readonly Subject[];
  /** Where fewer rounds than asked for are enough. */
  readonly roundsMax?: number;
  /** Where scenarios are points of one curve. */
  readonly series?: Series;
  measure(subject: Subject, context: Context): Promise<Measured>;
}

export interface Suite {
  readonly id: string;
  readonly title: string;
  scenarios(context: Context): Promise<readonly Scenario[]>;
}
