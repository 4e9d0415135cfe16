import { describe, expect, test } from "vitest";
import {
  mergeResults,
  parseResults,
  RESULTS_FORMAT,
  type Results,
} from "../../bench/harness/results.ts";

function results(rounds: number, versions: Record<string, string>, ...suites: string[]): Results {
  return {
    format: RESULTS_FORMAT,
    environment: { machine: "m", system: "s", cores: "c", versions },
    suites: suites.map((id) => ({ id, title: id, date: "", rounds, scenarios: [] })),
  };
}

describe("results", () => {
  test("of a new run replace the suites it ran and keep the others", () => {
    const merged = mergeResults(
      results(15, { node: "20", bun: "1" }, "tcp", "ws"),
      results(3, { node: "22" }, "udp", "tcp"),
    );
    expect(merged.suites.map(({ id, rounds }) => [id, rounds])).toEqual([
      ["tcp", 3],
      ["udp", 3],
      ["ws", 15],
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
