import { describe, expect, test } from "vitest";
import {
  mergeResults,
  parseResults,
  RESULTS_FORMAT,
  type Results,
  type SuiteResult,
} from "../../bench/harness/results.ts";

function results(rounds: number, versions: Record<string, string>, ...suites: string[]): Results {
  return {
    format: RESULTS_FORMAT,
    environment: { machine: "m", system: "s", cores: "c", versions },
    suites: suites.map((id) => ({ id, title: id, date: "", rounds, scenarios: [] })),
  };
}

function suiteOf(id: string, rounds: number, ...scenarios: string[]): SuiteResult {
  return {
    id,
    title: id,
    date: "",
    rounds,
    scenarios: scenarios.map((scenario) => ({
      id: scenario,
      title: `${scenario} in ${rounds}`,
      parameters: {},
      metrics: [],
      reference: "c",
      subjects: [],
    })),
  };
}

describe("results", () => {
  test("of a new run replace the scenarios it ran, in place, and keep the others", () => {
    const older = results(15, { node: "20", bun: "1" }, "ws");
    const merged = mergeResults(
      { ...older, suites: [suiteOf("tcp", 15, "20B", "16KiB"), ...older.suites] },
      {
        ...results(3, { node: "22" }, "udp"),
        suites: [suiteOf("udp", 3, "echo"), suiteOf("tcp", 3, "16KiB", "1B")],
      },
    );
    expect(merged.suites.map(({ id }) => id)).toEqual(["tcp", "ws", "udp"]);
    expect(merged.suites[0]?.scenarios.map(({ title }) => title)).toEqual([
      "20B in 15",
      "16KiB in 3",
      "1B in 3",
    ]);
    expect(merged.environment.versions).toEqual({ node: "22", bun: "1" });
  });

  test("of the first run are themselves", () => {
    const first = results(1, {}, "tcp");
    expect(mergeResults(null, first)).toBe(first);
  });

  test("survive a file", () => {
    const written = results(2, {}, "tcp");
    expect(parseResults(JSON.stringify(written))).toEqual(written);
  });

  test.each([
    ["{}", /not a file of benchmark results/],
    ["[1]", /not a file of benchmark results/],
    ["null", /not a file/],
    ['{"format":99}', /format 99; this reads 1/],
    ["nonsense", /JSON/],
  ])("%s is refused", (text, reason) => {
    expect(() => parseResults(text)).toThrow(reason);
  });
});
