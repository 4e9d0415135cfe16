import { describe, expect, test } from "vitest";
import type { Goal } from "../../bench/goals.ts";
import { evaluateScenario } from "../../bench/harness/evaluate.ts";
import {
  curvesPlot,
  escapeText,
  linearTicks,
  logTicks,
  rowsPlot,
} from "../../bench/harness/plots.ts";
import { renderReport } from "../../bench/harness/report.ts";
import {
  RESULTS_FORMAT,
  type Results,
  type ScenarioResult,
  type SubjectResult,
} from "../../bench/harness/results.ts";
import { renderGoals, renderScenario } from "../../bench/harness/terminal.ts";

const measured = (id: string, ...cpu: number[]): SubjectResult => ({
  id,
  label: id === "c" ? "C" : id,
  version: "Node 20",
  state: "measured",
  reason: null,
  samples: cpu.map((value) => ({ cpu: value, p99: value * 10 })),
  warnings: [],
  curve: [
    [0, 10],
    [0.5, 1_000],
    [1, 5_000],
  ],
});

const scenario: ScenarioResult = {
  id: "20B",
  title: "TCP echo 20B",
  parameters: { size: 20 },
  metrics: [
    { key: "cpu", label: "CPU a message", unit: "ns", better: "lower" },
    { key: "p99", label: "p99", unit: "ns", better: "lower" },
  ],
  reference: "c",
  subjects: [
    measured("c", 4_000, 4_000, 4_000),
    { ...measured("hawser", 4_400, 4_400, 4_400), warnings: ["other work <ran> in 1 of 3 rounds"] },
    { ...measured("bun"), state: "unavailable", reason: "npm could not install bun & co" },
    { ...measured("deno"), state: "failed", reason: "a message came back changed" },
  ],
};

const goals: Goal[] = [
  {
    suite: "tcp",
    scenario: "20B",
    subject: "hawser",
    kind: "ratio",
    against: "c",
    bound: "at most",
    value: 1.08,
  },
  {
    suite: "tcp",
    scenario: "20B",
    subject: "hawser",
    kind: "value",
    bound: "at most",
    value: 5_000,
  },
];

const results: Results = {
  format: RESULTS_FORMAT,
  environment: {
    machine: "2 x <cpu>",
    system: "Linux",
    cores: "0 and 1",
    versions: { node: "20" },
  },
  suites: [{ id: "tcp", title: "TCP echo", date: "2026", rounds: 3, scenarios: [scenario] }],
};

describe("the terminal's table", () => {
  const text = renderScenario(scenario, evaluateScenario(goals, "tcp", scenario)).join("\n");

  test("shows medians with units, the ratio with its interval, and goals", () => {
    expect(text).toContain("ratio to C (90 %)");
    expect(text).toMatch(/^hawser +4\.40 µs +44\.0 µs +1\.10 \(1\.10-1\.10\) +Node 20 /m);
    expect(text).toContain("  at most 1.08 of c: MISSED; at most 5.00 µs: met\n");
  });

  test("hides nothing: failures, absences and doubts have their lines", () => {
    expect(text).toContain("bun: not available: npm could not install bun & co");
    expect(text).toContain("deno: FAILED: a message came back changed");
    expect(text).toContain("! hawser: other work <ran> in 1 of 3 rounds");
  });

  test("of goals says what each is about", () => {
    const lines = renderGoals("TCP echo", evaluateScenario(goals, "tcp", scenario));
    expect(lines[0]).toBe("TCP echo: goals");
    expect(lines.some((line) => /^20B hawser: at most 1.08 of c +MISSED +1.10/.test(line))).toBe(
      true,
    );
  });
});

describe("the page", () => {
  const page = renderReport(results, goals);

  test("opens without a network and without script", () => {
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|https?:\/\//i);
  });

  test("escapes what comes from outside", () => {
    expect(page).toContain("2 x &lt;cpu&gt;");
    expect(page).toContain("other work &lt;ran&gt;");
    expect(page).toContain("bun &amp; co");
  });

  test("has a plot of rounds, one of latency, the table and the goals", () => {
    expect(page.match(/<svg /g)).toHaveLength(2);
    expect(page).toContain('aria-label="TCP echo 20B: CPU a message"');
    expect(page).toContain('<span class="missed">missed</span>');
    expect(page).toContain('<span class="met">met</span>');
    expect(page).toContain("1.10 (1.10-1.10)");
  });

  test("names what failed", () => {
    expect(page).toContain("deno failed: a message came back changed");
  });
});

describe("plots", () => {
  test.each([
    [9.3, [0, 2, 4, 6, 8, 10]],
    [100, [0, 20, 40, 60, 80, 100]],
    [0, [0, 1]],
  ])("linear ticks to %d are round", (most, ticks) => {
    expect(linearTicks(most)).toEqual(ticks);
  });

  test("logarithmic ticks enclose the values", () => {
    expect(logTicks(30, 4_000)).toEqual([10, 100, 1_000, 10_000]);
  });

  test("stay inside their box, with a dot a round", () => {
    const rows = [
      { label: "a", tone: "own" as const, values: [1, 2, 3] },
      { label: "b", tone: "peer" as const, values: [500, 600] },
    ];
    const plot = rowsPlot("t", "ns", rows);
    expect(plot.match(/<circle/g)).toHaveLength(5);
    expect(plot).toContain("logarithmic");
    for (const [, x] of plot.matchAll(/ (?:x1|x2|cx)="([\d.]+)"/g)) {
      expect(Number(x)).toBeGreaterThanOrEqual(0);
      expect(Number(x)).toBeLessThanOrEqual(760);
    }
  });

  test("are linear where values are near each other", () => {
    const rows = [{ label: "a", tone: "own" as const, values: [4, 5] }];
    expect(rowsPlot("t", "ns", rows)).not.toContain("logarithmic");
  });

  test("of nothing are empty", () => {
    expect(curvesPlot("t", [{ label: "a", tone: "own", curve: [[0, 0]] }])).toBe("");
  });

  test("of latency keep names of curves that end together apart", () => {
    const curve = [
      [0, 10],
      [0.99, 100],
    ] as const;
    const plot = curvesPlot("t", [
      { label: "first", tone: "own", curve },
      { label: "second", tone: "peer", curve },
    ]);
    const ys = [...plot.matchAll(/class="label" x="[\d.]+" y="([\d.]+)"/g)].map(([, y]) =>
      Number(y),
    );
    expect(ys).toHaveLength(2);
    expect(Math.abs((ys[0] as number) - (ys[1] as number))).toBeGreaterThanOrEqual(13);
  });

  test("text is escaped", () => {
    expect(escapeText(`<a href="x">&`)).toBe("&lt;a href=&quot;x&quot;&gt;&amp;");
  });
});
