import { describe, expect, test } from "vitest";
import type { Goal } from "../../bench/goals.ts";
import { evaluateGoals, isMet, verdictOf } from "../../bench/harness/evaluate.ts";
import type { ScenarioResult, SubjectResult, SuiteResult } from "../../bench/harness/results.ts";

function subject(id: string, cpu: readonly number[], state: SubjectResult["state"] = "measured") {
  return {
    id,
    label: id,
    version: null,
    state,
    reason: state === "measured" ? null : "not built",
    samples: cpu.map((value) => ({ cpu: value })),
    warnings: [],
    curve: null,
  } satisfies SubjectResult;
}

function suite(...subjects: SubjectResult[]): SuiteResult {
  const scenario: ScenarioResult = {
    id: "20B",
    title: "20B",
    parameters: {},
    metrics: [{ key: "cpu", label: "CPU", unit: "ns", better: "lower" }],
    reference: "c",
    subjects,
  };
  return { id: "tcp", title: "TCP", date: "", rounds: 3, scenarios: [scenario] };
}

const goal = {
  suite: "tcp",
  scenario: "20B",
  subject: "hawser",
  kind: "ratio",
  against: "c",
  bound: "at most",
  value: 1.1,
} as const satisfies Goal;

describe("a goal", () => {
  test("is met when the better end of the interval reaches the bound", () => {
    const estimate = { value: 1.2, low: 1.05, high: 1.3 };
    expect(isMet({ bound: "at most", value: 1.05 }, estimate)).toBe(true);
    expect(isMet({ bound: "at most", value: 1.04 }, estimate)).toBe(false);
    expect(isMet({ bound: "at least", value: 1.3 }, estimate)).toBe(true);
    expect(isMet({ bound: "at least", value: 1.31 }, estimate)).toBe(false);
  });

  test("that only the end of its interval reaches says so", () => {
    const result = { goal, unit: null, text: "", met: true };
    const say = (value: number, low: number) =>
      verdictOf({ ...result, estimate: { value, low, high: 9 } });
    expect(say(1.05, 1)).toBe("met");
    expect(say(1.2, 1)).toBe("met by its interval");
    expect(verdictOf({ ...result, met: false, estimate: { value: 2, low: 2, high: 2 } })).toBe(
      "MISSED",
    );
    expect(verdictOf({ ...result, met: null, estimate: null })).toBe("?");
  });

  test("of a ratio compares medians", () => {
    const measured = suite(subject("c", [100, 100, 100]), subject("hawser", [120, 120, 120]));
    const [result] = evaluateGoals([goal], measured);
    expect(result?.estimate?.value).toBeCloseTo(1.2);
    expect(result?.met).toBe(false);
  });

  test("of a difference and of a value need no ratio", () => {
    const measured = suite(subject("c", [100]), subject("hawser", [110]));
    const results = evaluateGoals(
      [
        { ...goal, kind: "difference", value: 15 },
        { ...goal, kind: "value", value: 105 },
      ],
      measured,
    );
    expect(results.map(({ met }) => met)).toEqual([true, false]);
    expect(results[0]?.estimate?.value).toBe(10);
  });

  test.each([
    ["the subject was unavailable", suite(subject("c", [1]), subject("hawser", [], "unavailable"))],
    ["the subject failed", suite(subject("c", [1]), subject("hawser", [], "failed"))],
    ["the other was left out", suite(subject("hawser", [1]))],
    ["its scenario did not run", { ...suite(), scenarios: [] }],
  ])("is neither met nor missed when %s", (_, measured) => {
    const [result] = evaluateGoals([goal], measured);
    expect(result?.met).toBeNull();
    expect(result?.text).toMatch(/^not measured: ./);
  });

  test("of another suite is left out", () => {
    expect(evaluateGoals([{ ...goal, suite: "ws" }], suite())).toEqual([]);
  });
});
