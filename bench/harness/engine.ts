// Runs a scenario: interleaved rounds (A B C A B C), each subject in a fresh process each round, so
// that neither drift of the machine nor one lucky process favours anybody. Knows no protocol.
import { UnavailableError } from "./processes.ts";
import type { LatencyCurve, Sample, ScenarioResult, SubjectResult } from "./results.ts";
import type { Context, Measured, Scenario, Subject } from "./suite.ts";

/** What the runner shows while it works. */
export interface Progress {
  step(scenario: Scenario, subject: Subject, round: number): void;
}

interface Entry {
  readonly subject: Subject;
  state: "measured" | "unavailable" | "failed";
  reason: string | null;
  version: string | null;
  samples: Sample[];
  doubts: Map<string, number>;
  curve: LatencyCurve | null;
}

function message(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0] as string;
}

function store(record: Entry, measured: Measured): void {
  record.samples.push(measured.sample);
  record.version = measured.version ?? record.version;
  record.curve = measured.curve ?? record.curve;
  for (const doubt of measured.doubts) {
    record.doubts.set(doubt, (record.doubts.get(doubt) ?? 0) + 1);
  }
}

function toResult(record: Entry, rounds: number): SubjectResult {
  return {
    id: record.subject.id,
    label: record.subject.label,
    version: record.version,
    state: record.state,
    reason: record.reason,
    samples: record.state === "measured" ? record.samples : [],
    warnings: [...record.doubts].map(
      ([doubt, count]) => `${doubt} in ${count} of ${rounds} rounds`,
    ),
    curve: record.curve,
  };
}

/** Whether a subject is among those that `--peers` leaves. */
export function isSelected(subject: Subject, peers: readonly string[] | null): boolean {
  return subject.peer === null || peers === null || peers.includes(subject.peer);
}

/** How many rounds a scenario gets when this many are asked for. */
export function roundsOf(scenario: Scenario, asked: number): number {
  return Math.min(asked, scenario.roundsMax ?? asked);
}

/** Measures every selected subject of a scenario in every round. */
export async function runScenario(
  scenario: Scenario,
  context: Context,
  progress: Progress,
): Promise<ScenarioResult> {
  const { peers } = context.options;
  const rounds = roundsOf(scenario, context.options.rounds);
  const records: Entry[] = scenario.subjects
    .filter((subject) => isSelected(subject, peers))
    .map((subject) => ({
      subject,
      state: "measured",
      reason: null,
      version: null,
      samples: [],
      doubts: new Map(),
      curve: null,
    }));
  for (let round = 0; round < rounds; round++) {
    for (const record of records) {
      if (record.state !== "measured") continue;
      progress.step(scenario, record.subject, round);
      try {
        store(record, await scenario.measure(record.subject, context));
      } catch (error) {
        record.state = error instanceof UnavailableError ? "unavailable" : "failed";
        record.reason = message(error);
      }
    }
  }
  return {
    id: scenario.id,
    title: scenario.title,
    parameters: scenario.parameters,
    metrics: scenario.metrics,
    reference: scenario.reference,
    subjects: records.map((record) => toResult(record, rounds)),
    ...(scenario.series === undefined ? {} : { series: scenario.series }),
  };
}
