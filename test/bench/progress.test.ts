import { describe, expect, test } from "vitest";
import { ProgressLine } from "../../bench/harness/progress.ts";
import type { Scenario, Subject } from "../../bench/harness/suite.ts";

const subjects = ["C", "Bun"].map(
  (label): Subject => ({
    id: label,
    label,
    peer: null,
    command: async () => ({ file: "", args: [] }),
  }),
);
const scenario: Scenario = {
  id: "s",
  title: "TCP echo 20B",
  parameters: {},
  metrics: [],
  reference: "c",
  subjects,
  measure: async () => ({ sample: {}, version: null, doubts: [] }),
};

function run(stream: { isTTY?: boolean; columns?: number }): string[] {
  const written: string[] = [];
  let now = 0;
  const progress = new ProgressLine(
    { ...stream, write: (text) => written.push(text) },
    2,
    () => now,
  );
  for (let round = 0; round < 2; round++) {
    for (const subject of subjects) {
      progress.step(scenario, subject, round);
      now += 10_000;
    }
  }
  progress.clear();
  return written;
}

describe("the progress line", () => {
  test("on a terminal rewrites itself with round, subject and time left, and clears", () => {
    expect(run({ isTTY: true, columns: 100 })).toEqual([
      "\r\x1b[KTCP echo 20B: round 1 of 2, C",
      "\r\x1b[KTCP echo 20B: round 1 of 2, Bun, 30 s left",
      "\r\x1b[KTCP echo 20B: round 2 of 2, C, 20 s left",
      "\r\x1b[KTCP echo 20B: round 2 of 2, Bun, 10 s left",
      "\r\x1b[K",
    ]);
  });

  test("is cut to the terminal's width", () => {
    for (const text of run({ isTTY: true, columns: 12 })) {
      expect(text.replace("\r\x1b[K", "").length).toBeLessThan(12);
    }
  });

  test("elsewhere is one line a scenario", () => {
    expect(run({})).toEqual(["measuring TCP echo 20B\n"]);
  });
});
