// Results as text for a terminal: the environment, one table a scenario, the goals. Pure.
import { describeGoal } from "../goals.ts";
import { type GoalResult, valuesOf, verdictOf } from "./evaluate.ts";
import { type Column, formatRatio, formatTable, formatValue } from "./format.ts";
import type { Environment, Metric, ScenarioResult, SubjectResult } from "./results.ts";
import { estimateRatio, median } from "./statistics.ts";

export function renderEnvironment(environment: Environment): string[] {
  const versions = Object.entries(environment.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
  return [environment.machine, `${environment.system}; ${environment.cores}`, versions];
}

function ratioCell(subject: SubjectResult, reference: SubjectResult, metric: Metric): string {
  if (subject === reference) return "1";
  const values = valuesOf(subject, metric.key);
  const against = valuesOf(reference, metric.key);
  return values.length === 0 || against.length === 0
    ? "-"
    : formatRatio(estimateRatio(values, against));
}

function goalsCell(subject: SubjectResult, goals: readonly GoalResult[]): string {
  return goals
    .filter(({ goal, met }) => goal.subject === subject.id && met !== null)
    .map((result) => `${describeGoal(result.goal, result.unit)}: ${verdictOf(result)}`)
    .join("; ");
}

function row(
  subject: SubjectResult,
  scenario: ScenarioResult,
  goals: readonly GoalResult[],
): string[] {
  const { metrics } = scenario;
  const first = metrics[0] as Metric;
  const reference = scenario.subjects.find(
    (candidate) => candidate.id === scenario.reference && candidate.state === "measured",
  );
  const cells = metrics.map((metric) => {
    const values = valuesOf(subject, metric.key);
    return values.length === 0 ? "-" : formatValue(median(values), metric.unit);
  });
  const ratio = reference === undefined ? "-" : ratioCell(subject, reference, first);
  return [subject.label, ...cells, ratio, subject.version ?? "", goalsCell(subject, goals)];
}

/** The table of a scenario, then what was not measured and what is in doubt. */
export function renderScenario(
  scenario: ScenarioResult,
  goals: readonly GoalResult[] = [],
): string[] {
  const reference = scenario.subjects.find((subject) => subject.id === scenario.reference);
  const columns: Column[] = [
    { title: "subject", align: "left" },
    ...scenario.metrics.map((metric): Column => ({ title: metric.label, align: "right" })),
    { title: `ratio to ${reference?.label ?? scenario.reference} (90 %)`, align: "right" },
    { title: "version", align: "left" },
    { title: "goals", align: "left" },
  ];
  const measured = scenario.subjects.filter((subject) => subject.state === "measured");
  const others = scenario.subjects.filter((subject) => subject.state !== "measured");
  const lines = [scenario.title];
  lines.push(
    ...formatTable(
      columns,
      measured.map((subject) => row(subject, scenario, goals)),
    ),
  );
  for (const subject of others) {
    const what = subject.state === "failed" ? "FAILED" : "not available";
    lines.push(`${subject.label}: ${what}: ${subject.reason}`);
  }
  for (const subject of measured) {
    for (const warning of subject.warnings) lines.push(`! ${subject.label}: ${warning}`);
  }
  return lines;
}

/** A goal a line: met, missed or not measured. */
export function renderGoals(title: string, results: readonly GoalResult[]): string[] {
  const columns: Column[] = [
    { title: "goal", align: "left" },
    { title: "", align: "left" },
    { title: "measured", align: "left" },
  ];
  const name = ({ goal }: GoalResult) =>
    [goal.scenario, goal.subject, goal.metric].filter((part) => part !== undefined).join(" ");
  const rows = results.map((result) => [
    `${name(result)}: ${describeGoal(result.goal, result.unit)}`,
    verdictOf(result),
    result.text,
  ]);
  return [`${title}: goals`, ...formatTable(columns, rows)];
}
