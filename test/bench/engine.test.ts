import { describe, expect, test } from "vitest";
import { parseArguments } from "../../bench/harness/arguments.ts";
import { isSelected, runScenario } from "../../bench/harness/engine.ts";
import { UnavailableError } from "../../bench/harness/processes.ts";
import type { Context, Measured, Scenario, Subject } from "../../bench/harness/suite.ts";

const quiet = { step() {} };

function subject(id: string, peer: Subject["peer"] = null): Subject {
  return { id, label: id, peer, command: async () => ({ file: id, args: [] }) };
}

function context(...args: string[]): Context {
  return { options: parseArguments(args, []), cores: { server: null, generator: null } };
}

function scenario(subjects: Subject[], measure: Scenario["measure"]): Scenario {
  return {
    id: "s",
    title: "s",
    parameters: {},
    metrics: [{ key: "cpu", label: "CPU", unit: "ns", better: "lower" }],
    reference: "a",
    subjects,
    measure,
  };
}

const measured = (cpu: number, ...doubts: string[]): Measured => ({
  sample: { cpu },
  version: "1",
  doubts,
});

describe("a scenario", () => {
  test("interleaves its subjects, round by round", async () => {
    const order: string[] = [];
    const result = await runScenario(
      scenario([subject("a"), subject("b"), subject("c")], async ({ id }) => {
        order.push(id);
        return measured(order.length);
      }),
      context("--rounds", "2"),
      quiet,
    );
    expect(order.join("")).toBe("abcabc");
    expect(result.subjects.map(({ samples }) => samples.map(({ cpu }) => cpu))).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
  });

  test("lists a subject that is not available with the reason, and asks once", async () => {
    let asked = 0;
    const result = await runScenario(
      scenario([subject("a"), subject("b")], async ({ id }) => {
        if (id === "a") return measured(1);
        asked++;
        throw new UnavailableError("not built");
      }),
      context("--rounds", "3"),
      quiet,
    );
    expect(asked).toBe(1);
    expect(result.subjects[1]).toMatchObject({ state: "unavailable", reason: "not built" });
    expect(result.subjects[0]?.samples).toHaveLength(3);
  });

  test("throws away the rounds of a subject that fails once", async () => {
    let round = 0;
    const result = await runScenario(
      scenario([subject("a")], async () => {
        if (++round === 3) throw new Error("a message came back changed\nat line 5");
        return measured(1);
      }),
      context("--rounds", "5"),
      quiet,
    );
    expect(result.subjects[0]).toMatchObject({
      state: "failed",
      reason: "a message came back changed",
      samples: [],
    });
  });

  test("says each doubt once, with how many rounds had it", async () => {
    let round = 0;
    const result = await runScenario(
      scenario([subject("a")], async () => measured(1, ...(++round % 2 === 0 ? ["noise"] : []))),
      context("--rounds", "4"),
      quiet,
    );
    expect(result.subjects[0]?.warnings).toEqual(["noise in 2 of 4 rounds"]);
  });
});

describe("--peers", () => {
  test("selects peers, and never C or hawser", () => {
    expect(isSelected(subject("c"), [])).toBe(true);
    expect(isSelected(subject("bun", "bun"), null)).toBe(true);
    expect(isSelected(subject("bun", "bun"), ["node"])).toBe(false);
    expect(isSelected(subject("node", "node"), ["node"])).toBe(true);
  });
});
