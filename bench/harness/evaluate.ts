// Goals against results: pure. A goal is met when the better end of its interval reaches the bound,
// since that is what one run can still be shown to contradict.
import type { Goal } from "../goals.ts";
import { formatRatio, formatValue } from "./format.ts";
import type { Metric, ScenarioResult, SubjectResult, SuiteResult, Unit } from "./results.ts";
import { type Estimate, estimateDifference, estimateMedian, estimateRatio } from "./statistics.ts";

export interface GoalResult {
  readonly goal: Goal;
  readonly estimate: Estimate | null;
  /** null where it could not be measured. */
  readonly met: boolean | null;
  /** What was measured, or why nothing was. */
  readonly text: string;
  /** Of the goal's metric, where the scenario has it. */
  readonly unit: Unit | null;
}

/** A subject's values of one metric, by round. */
export function valuesOf(subject: SubjectResult, metric: string): number[] {
  return subject.samples
    .map((sample) => sample[metric])
    .filter((value): value is number => value !== undefined && Number.isFinite(value));
}

/** In words: a goal that only the better end of the interval reaches is told apart. */
export function verdictOf({ goal, met, estimate: measured }: GoalResult): string {
  if (met === null || measured === null) return "?";
  if (!met) return "MISSED";
  const { value } = measured;
  const reached = goal.bound === "at most" ? value <= goal.value : value >= goal.value;
  return reached ? "met" : "met by its interval";
}

/** Whether an estimate reaches a goal's bound. */
export function isMet(goal: Pick<Goal, "bound" | "value">, estimate: Estimate): boolean {
  return goal.bound === "at most" ? estimate.low <= goal.value : estimate.high >= goal.value;
}

function notMeasured(goal: Goal, why: string, unit: Unit | null = null): GoalResult {
  return { goal, estimate: null, met: null, text: `not measured: ${why}`, unit };
}

function find(scenario: ScenarioResult, id: string): SubjectResult | string {
  const subject = scenario.subjects.find((candidate) => candidate.id === id);
  if (subject === undefined) return `${id} was left out`;
  if (subject.state !== "measured") return `${subject.label}: ${subject.reason}`;
  return subject;
}

function estimate(goal: Goal, values: number[], against: number[]): Estimate {
  switch (goal.kind) {
    case "value":
      return estimateMedian(values);
    case "ratio":
      return estimateRatio(values, against);
    case "difference":
      return estimateDifference(values, against);
  }
}

function evaluate(goal: Goal, scenario: ScenarioResult): GoalResult {
  const metric: Metric | undefined = scenario.metrics.find(
    (candidate) => candidate.key === (goal.metric ?? scenario.metrics[0]?.key),
  );
  if (metric === undefined) return notMeasured(goal, `no metric ${goal.metric}`);
  const subject = find(scenario, goal.subject);
  if (typeof subject === "string") return notMeasured(goal, subject, metric.unit);
  let against: number[] = [];
  if (goal.kind !== "value") {
    const other = find(scenario, goal.against);
    if (typeof other === "string") return notMeasured(goal, other, metric.unit);
    against = valuesOf(other, metric.key);
    if (against.length === 0)
      return notMeasured(goal, `${other.label} gave no ${metric.label}`, metric.unit);
  }
  const values = valuesOf(subject, metric.key);
  if (values.length === 0)
    return notMeasured(goal, `${subject.label} gave no ${metric.label}`, metric.unit);
  const measured = estimate(goal, values, against);
  const show = (value: number) => formatValue(value, metric.unit);
  const text =
    goal.kind === "ratio"
      ? formatRatio(measured)
      : `${show(measured.value)} (${show(measured.low)} to ${show(measured.high)})`;
  return { goal, estimate: measured, met: isMet(goal, measured), text, unit: metric.unit };
}

/** The goals of one scenario. */
export function evaluateScenario(
  goals: readonly Goal[],
  suite: string,
  scenario: ScenarioResult,
): GoalResult[] {
  return goals
    .filter((goal) => goal.suite === suite && goal.scenario === scenario.id)
    .map((goal) => evaluate(goal, scenario));
}

/** The goals of one suite. Scenarios that did not run leave theirs unmeasured. */
export function evaluateGoals(goals: readonly Goal[], suite: SuiteResult): GoalResult[] {
  return goals
    .filter((goal) => goal.suite === suite.id)
    .map((goal) => {
      const scenario = suite.scenarios.find((candidate) => candidate.id === goal.scenario);
      return scenario === undefined
        ? notMeasured(goal, "this scenario did not run")
        : evaluate(goal, scenario);
    });
}
