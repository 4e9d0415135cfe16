// The goals of the project in figures: the one place they stand. Evaluated by
// harness/evaluate.ts; what is measured is defined by the suites.

import { formatValue } from "./harness/format.ts";
import type { Unit } from "./harness/results.ts";

interface GoalBase {
  readonly suite: string;
  /** Scenario id of that suite. */
  readonly scenario: string;
  /** Subject id. */
  readonly subject: string;
  /** Metric key; the scenario's first one unless given. */
  readonly metric?: string;
  readonly bound: "at most" | "at least";
  readonly value: number;
}

export type Goal =
  | (GoalBase & { readonly kind: "value" })
  | (GoalBase & { readonly kind: "ratio" | "difference"; readonly against: string });

type Ratio = readonly [
  scenario: string,
  subject: string,
  bound: "at most" | "at least",
  value: number,
  against: string,
  metric?: string,
];

function ratios(suite: string, rows: readonly Ratio[]): Goal[] {
  return rows.map(([scenario, subject, bound, value, against, metric]) => ({
    suite,
    scenario,
    subject,
    kind: "ratio",
    bound,
    value,
    against,
    ...(metric === undefined ? {} : { metric }),
  }));
}

const TCP = ratios("tcp", [
  ["20B", "hawser-lent", "at most", 1.08, "c"],
  ["16KiB", "hawser-lent", "at most", 1.08, "c"],
  ["20B-d16", "hawser-lent", "at most", 1.3, "c"],
  ["20B", "hawser", "at most", 1.25, "c"],
  ["16KiB", "hawser", "at most", 1.3, "c"],
  ["20B", "hawser-await", "at most", 1.6, "hawser"],
  ["16KiB", "hawser-await", "at most", 1.6, "hawser"],
  ["20B-d16", "hawser-await", "at most", 1.6, "hawser"],
]);

const WS = ratios("ws", [
  ["20B", "hawser", "at most", 0.65, "ws"],
  ["20B-d16", "hawser", "at most", 0.08, "ws"],
  ["16KiB", "hawser", "at most", 0.4, "ws"],
  ["20B", "hawser", "at most", 1.15, "c"],
  ["20B", "hawser", "at most", 1.05, "bun"],
  ["20B-d16", "hawser", "at most", 0.9, "bun"],
  ["1KiB", "hawser", "at most", 0.95, "bun"],
  ["16KiB", "hawser", "at most", 0.75, "bun"],
  ["20B", "hawser-await", "at most", 1.5, "hawser"],
  ["20B-d16", "hawser-await", "at most", 1.5, "hawser"],
  ["1KiB", "hawser-await", "at most", 1.5, "hawser"],
  ["16KiB", "hawser-await", "at most", 1.5, "hawser"],
  ["20B", "hawser-lent", "at most", 0.9, "uws"],
  ["20B-d16", "hawser-lent", "at most", 0.9, "uws"],
  ["1KiB", "hawser-lent", "at most", 0.9, "uws"],
  ["16KiB", "hawser-lent", "at most", 0.9, "uws"],
  ["16KiB", "hawser", "at most", 1.0, "uws"],
  ["64KiB", "hawser-lent", "at most", 0.9, "uws"],
  ["client-20B", "hawser", "at most", 0.75, "ws"],
  ["client-20B-d16", "hawser", "at most", 0.2, "ws"],
  ["client-16KiB", "hawser", "at most", 0.6, "ws"],
  ["deflate-1KiB", "hawser", "at most", 0.4, "ws"],
  ["deflate-1KiB-takeover", "hawser", "at most", 0.4, "ws"],
]);

const CONNECT = ratios("connect", [
  ["accept", "hawser", "at least", 1.5, "node", "connections"],
  ["accept", "hawser", "at most", 1 / 1.3, "node"],
  ["connect", "hawser", "at least", 1.5, "node", "connections"],
]);

const UDP = ratios("udp", [
  ["receive", "hawser", "at least", 0.7, "c", "perCpuSecond"],
  ["receive", "hawser", "at least", 2.5, "node", "perCpuSecond"],
  ["receive-gro", "hawser", "at least", 0.4, "c", "perCpuSecond"],
  ["receive-gro", "hawser", "at least", 15, "node", "perCpuSecond"],
  ["send", "hawser", "at least", 0.7, "c", "perCpuSecond"],
  ["send", "hawser", "at least", 10, "node", "perCpuSecond"],
  ["echo", "hawser", "at least", 1.7, "node", "perCpuSecond"],
]);

const BROADCAST = ratios("broadcast", [
  ["100B-to-5000", "hawser", "at most", 0.6, "ws"],
  ["100B-to-5000", "hawser", "at most", 1.25, "c"],
]);

const LATENCY = ratios("latency", [
  ["tcp", "hawser", "at most", 1.2, "c"],
  ["tcp", "hawser", "at most", 1, "node"],
  ["ws", "hawser", "at most", 1.2, "c"],
  ["ws", "hawser", "at most", 1, "ws"],
]);

const BULK = ratios("bulk", [
  ["receive", "hawser-lent", "at least", 0.95, "c"],
  ["send", "hawser-lent", "at least", 0.95, "c"],
]);

/** Bytes of heap and external memory that an idle connection may cost. */
const IDLE: Goal[] = (
  [
    ["tcp", "hawser", 500],
    ["tcp", "hawser-await", 1.8 * 1_024],
    ["ws", "hawser", 800],
    ["ws", "hawser-await", 2 * 1_024],
  ] as const
).map(([scenario, subject, value]) => ({
  suite: "idle",
  scenario,
  subject,
  kind: "value",
  bound: "at most",
  value,
}));

const STARTUP: Goal[] = [
  {
    suite: "startup",
    scenario: "import",
    subject: "hawser",
    kind: "difference",
    against: "empty",
    bound: "at most",
    value: 15e6,
  },
];

/** Every goal. */
export const GOALS: readonly Goal[] = [
  ...TCP,
  ...WS,
  ...UDP,
  ...CONNECT,
  ...IDLE,
  ...BROADCAST,
  ...LATENCY,
  ...BULK,
  ...STARTUP,
];

/** `at most 1.08 of c`; values in the metric's unit where it is known. */
export function describeGoal(goal: Goal, unit: Unit | null = null): string {
  const number = Number(goal.value.toPrecision(3));
  if (goal.kind === "ratio") return `${goal.bound} ${number} of ${goal.against}`;
  const value = unit === null ? String(number) : formatValue(goal.value, unit);
  return goal.kind === "value"
    ? `${goal.bound} ${value}`
    : `${goal.bound} ${value} over ${goal.against}`;
}
