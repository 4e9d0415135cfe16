// The suites' pure parts, and that goals and suites agree.
import { describe, expect, test } from "vitest";
import { describeGoal, GOALS } from "../../bench/goals.ts";
import { parseArguments } from "../../bench/harness/arguments.ts";
import type { LoadResult } from "../../bench/harness/load.ts";
import { PEER_NAMES } from "../../bench/harness/peers.ts";
import type { Context, Scenario } from "../../bench/harness/suite.ts";
import { chooseParameters, echoId, echoTitle, sizeName } from "../../bench/suites/echo.ts";
import { bytesEach, stages } from "../../bench/suites/idle.ts";
import { SUITES } from "../../bench/suites/index.ts";
import { halfLoad, latencyDoubts } from "../../bench/suites/latency.ts";
import { startupDoubts } from "../../bench/suites/startup.ts";

function context(...args: string[]): Context {
  return { options: parseArguments(args, []), cores: { server: null, generator: null } };
}

/** Every scenario that can be had without measuring first. */
async function scenariosOf(id: string): Promise<readonly Scenario[]> {
  const suite = SUITES.find((candidate) => candidate.id === id);
  if (suite === undefined) throw new Error(`no suite ${id}`);
  return suite.scenarios(context());
}

describe("goals", () => {
  // The latency suite measures its rate before it can name its scenarios.
  const checked = GOALS.filter((goal) => goal.suite !== "latency");

  test.each(checked.map((goal) => [goal.suite, goal.scenario, goal.subject, goal] as const))(
    "%s %s %s is about something that is measured",
    async (suite, id, _, goal) => {
      const scenario = (await scenariosOf(suite)).find((candidate) => candidate.id === id);
      const subjects = scenario?.subjects.map((subject) => subject.id) ?? [];
      expect(subjects).toContain(goal.subject);
      if (goal.kind !== "value") expect(subjects).toContain(goal.against);
      const metrics = scenario?.metrics.map((metric) => metric.key) ?? [];
      expect(metrics).toContain(goal.metric ?? metrics[0]);
    },
  );

  test("read as sentences, in the metric's unit", () => {
    const goal = GOALS.find((candidate) => candidate.suite === "startup");
    if (goal === undefined) throw new Error("no goal");
    expect(describeGoal(goal, "ns")).toBe("at most 15.0 ms over empty");
    expect(describeGoal(goal)).toBe("at most 15000000 over empty");
  });
});

describe("suites", () => {
  const ids = SUITES.map((suite) => suite.id).filter((id) => id !== "latency");

  test.each(ids)("%s: scenario and subject ids are unique, peers known", async (id) => {
    const scenarios = await scenariosOf(id);
    const names = scenarios.map((scenario) => scenario.id);
    expect(new Set(names).size).toBe(names.length);
    for (const { subjects, reference } of scenarios) {
      const subjectIds = subjects.map((subject) => subject.id);
      expect(new Set(subjectIds).size).toBe(subjectIds.length);
      expect(subjectIds).toContain(reference);
      for (const { peer } of subjects) {
        if (peer !== null) expect(PEER_NAMES).toContain(peer);
      }
    }
  });
});

describe("echo scenarios", () => {
  test.each([
    [{ size: 20, connections: 50, depth: 1 }, "20B"],
    [{ size: 16_384, connections: 50, depth: 1 }, "16KiB"],
    [{ size: 1 << 20, connections: 1, depth: 2 }, "1MiB-c1-d2"],
    [{ size: 1_000, connections: 50, depth: 16 }, "1000B-d16"],
  ])("%j is called %s", (parameters, id) => {
    expect(echoId(parameters)).toBe(id);
  });

  test("say their conditions", () => {
    expect(echoTitle("TCP echo", { size: 20, connections: 5, depth: 16 })).toBe(
      "TCP echo 20B, 5 connections, 16 in flight",
    );
    expect(sizeName(1_025)).toBe("1025B");
  });

  test("give way to the command line's own", () => {
    const own = [{ size: 1, connections: 2, depth: 3 }];
    expect(chooseParameters(context().options, own)).toBe(own);
    expect(chooseParameters(context("--size", "7").options, own)).toEqual([
      { size: 7, connections: 50, depth: 1 },
    ]);
    expect(chooseParameters(context("--depth", "4", "--connections", "9").options, own)).toEqual([
      { size: 20, connections: 9, depth: 4 },
    ]);
  });
});

describe("memory of a connection", () => {
  test("is the difference between many and few, heap and external together", () => {
    expect(
      bytesEach(
        { rss: 100, heapUsed: 50, external: 10 },
        { rss: 1_100, heapUsed: 250, external: 110 },
        10,
      ),
    ).toEqual({ counted: 30, resident: 100 });
  });

  test("of C is its resident set alone", () => {
    expect(bytesEach({ rss: 0 }, { rss: 500 }, 10)).toEqual({ resident: 50 });
  });

  test("is measured within the limit of descriptors", () => {
    expect(stages(20_000)).toEqual([5_000, 15_000]);
    expect(stages(3_000)).toEqual([1_000, 3_000]);
  });
});

describe("latency", () => {
  test("is measured at half of the most, in whole thousands", () => {
    expect(halfLoad(197_435)).toBe(98_000);
    expect(halfLoad(500)).toBe(1_000);
  });

  const window: LoadResult = {
    messages: 10_000,
    seconds: 1,
    serverCpuNs: 1,
    generatorCpuNs: 1,
    serverWaitNs: 0,
    generatorWaitNs: 0,
    latency: { p50: 50_000, p99: 100_000, p999: 1, max: 1, curve: [] },
    fields: { lateP99: 5_000 },
  };

  test("leaves no doubt when the rate was kept by both sides", () => {
    expect(latencyDoubts(window, 10_000)).toEqual([]);
  });

  test("doubts a rate that was not reached, a late generator and foreign work", () => {
    expect(latencyDoubts({ ...window, messages: 9_000 }, 10_000)).toEqual([
      "it did not keep up with the rate",
    ]);
    expect(latencyDoubts({ ...window, fields: { lateP99: 30_000 } }, 10_000)).toEqual([
      "the generator was late itself",
    ]);
    expect(latencyDoubts({ ...window, serverWaitNs: 1e8 }, 10_000)).toEqual([
      "other work ran on these cores",
    ]);
  });
});

describe("a fresh process", () => {
  test("that took much longer than its CPU time is in doubt", () => {
    expect(startupDoubts({ wall: 60e6, cpu: 58e6 })).toEqual([]);
    expect(startupDoubts({ wall: 100e6, cpu: 58e6 })).toEqual(["other work ran on this core"]);
  });
});
