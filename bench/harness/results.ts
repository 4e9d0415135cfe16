// The shape of what a run of the benchmark gives: what `--json` writes and the report reads.
// Types and their merging only; no measuring and no formatting.

/** One thing measured in every round. */
export interface Metric {
  /** Key in each sample. */
  readonly key: string;
  readonly label: string;
  readonly unit: Unit;
  readonly better: "lower" | "higher";
}

/** Units of samples; formatting picks the prefix. */
export type Unit = "ns" | "per-second" | "bytes" | "bytes-per-second" | "count";

/** One round of one subject: metric key to value, in the metric's unit. */
export type Sample = Readonly<Record<string, number>>;

/** Points of a latency distribution: quantile (0 to 1), nanoseconds. */
export type LatencyCurve = readonly (readonly [number, number])[];

export interface SubjectResult {
  readonly id: string;
  readonly label: string;
  /** Runtime and version as the subject itself said. */
  readonly version: string | null;
  readonly state: "measured" | "unavailable" | "failed";
  /** Why it is unavailable or failed. */
  readonly reason: string | null;
  /** By round. Empty unless measured. */
  readonly samples: readonly Sample[];
  /** What makes these numbers less than sure, each said once. */
  readonly warnings: readonly string[];
  /** Of the last round, where the scenario measures latency. */
  readonly curve: LatencyCurve | null;
}

export interface ScenarioResult {
  readonly id: string;
  readonly title: string;
  readonly parameters: Readonly<Record<string, number | string>>;
  /** The first is what ratios and goals are about unless they name another. */
  readonly metrics: readonly Metric[];
  /** The subject that ratios are against. */
  readonly reference: string;
  readonly subjects: readonly SubjectResult[];
  /** Where scenarios are points of one curve. */
  readonly series?: Series;
}

/** A point of a curve: which one, and where on its axis. */
export interface Series {
  /** What grows. */
  readonly name: string;
  readonly unit: Unit;
  readonly at: number;
}

export interface SuiteResult {
  readonly id: string;
  readonly title: string;
  readonly date: string;
  readonly rounds: number;
  readonly scenarios: readonly ScenarioResult[];
}

/** The machine and what ran on it. */
export interface Environment {
  readonly machine: string;
  readonly system: string;
  readonly cores: string;
  readonly versions: Readonly<Record<string, string>>;
}

export const RESULTS_FORMAT = 1;

export interface Results {
  readonly format: typeof RESULTS_FORMAT;
  readonly environment: Environment;
  readonly suites: readonly SuiteResult[];
}

function mergeSuite(older: SuiteResult | undefined, newer: SuiteResult): SuiteResult {
  if (older === undefined) return newer;
  const fresh = new Map(newer.scenarios.map((scenario) => [scenario.id, scenario]));
  const kept = older.scenarios.map((scenario) => {
    const replacement = fresh.get(scenario.id);
    fresh.delete(scenario.id);
    return replacement ?? scenario;
  });
  return { ...newer, scenarios: [...kept, ...fresh.values()] };
}

/** The newer run's scenarios replace those of the same name in place; all others stay. */
export function mergeResults(older: Results | null, newer: Results): Results {
  if (older === null) return newer;
  const fresh = new Map(newer.suites.map((suite) => [suite.id, suite]));
  const kept = older.suites.map((suite) => {
    const replacement = fresh.get(suite.id);
    fresh.delete(suite.id);
    return replacement === undefined ? suite : mergeSuite(suite, replacement);
  });
  return {
    ...newer,
    environment: {
      ...newer.environment,
      versions: { ...older.environment.versions, ...newer.environment.versions },
    },
    suites: [...kept, ...fresh.values()],
  };
}

/** @throws Error that says what is wrong with the text. */
export function parseResults(text: string): Results {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || !("format" in value)) {
    throw new Error("this is not a file of benchmark results");
  }
  if (value.format !== RESULTS_FORMAT) {
    throw new Error(`results of format ${String(value.format)}; this reads ${RESULTS_FORMAT}`);
  }
  return value as Results;
}
