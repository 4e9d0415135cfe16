// The report: results as one HTML page that needs no network and no script. Pure: results in, text
// out.
import { describeGoal, type Goal } from "../goals.ts";
import { evaluateGoals, type GoalResult, valuesOf, verdictOf } from "./evaluate.ts";
import { formatRatio, formatValue } from "./format.ts";
import { curvesPlot, escapeText, growthPlot, rowsPlot, type Tone } from "./plots.ts";
import type { Metric, Results, ScenarioResult, SubjectResult, SuiteResult } from "./results.ts";
import { estimateRatio, median } from "./statistics.ts";

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --dim: #5b6675; --paper: #fff; --line: #d9dee5;
  --own: #0b7a75; --reference: #8a94a3; --peer: #b9c4d2; --good: #0b7a3e; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9f0; --dim: #98a4b3; --paper: #12171e;
  --line: #2c3541; --own: #35b5ad; --reference: #8a94a3; --peer: #4b596a; --good: #5ccf8b;
  --bad: #ff8a80; } }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 { margin-top: 2rem; } p.meta, .note { color: var(--dim); font-size: 0.9rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.9rem; width: 100%; }
th, td { padding: 0.25rem 0.75rem 0.25rem 0; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
.met { color: var(--good); font-weight: 600; } .missed { color: var(--bad); font-weight: 600; }
svg { width: 100%; height: auto; margin: 0.75rem 0; font: 12px system-ui, sans-serif; }
svg .grid { stroke: var(--line); } svg .tick { fill: var(--dim); } svg .label { fill: var(--ink); }
svg .bar.own { fill: var(--own); } svg .bar.reference { fill: var(--reference); }
svg .bar.peer { fill: var(--peer); } svg .round { fill: var(--ink); opacity: 0.35; }
svg .interval { stroke: var(--ink); stroke-width: 3; } svg .curve { fill: none; stroke-width: 2; }
svg .curve.own { stroke: var(--own); } svg .curve.reference { stroke: var(--reference); }
svg .curve.peer { stroke: var(--peer); }
`;

function toneOf(subject: SubjectResult, scenario: ScenarioResult): Tone {
  if (subject.id.startsWith("hawser")) return "own";
  return subject.id === scenario.reference ? "reference" : "peer";
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) =>
    row.map((cell) => `<${tag}>${cell}</${tag}>`).join("");
  const body = rows.map((row) => `<tr>${cells("td", row)}</tr>`).join("");
  const top = `<thead><tr>${cells("th", head)}</tr></thead>`;
  return `<div class="scroll"><table>${top}<tbody>${body}</tbody></table></div>`;
}

function ratioText(
  subject: SubjectResult,
  reference: SubjectResult | undefined,
  metric: Metric,
): string {
  if (reference === undefined) return "-";
  if (subject === reference) return "1";
  const values = valuesOf(subject, metric.key);
  const against = valuesOf(reference, metric.key);
  if (values.length === 0 || against.length === 0) return "-";
  return formatRatio(estimateRatio(values, against));
}

function scenarioTable(scenario: ScenarioResult, measured: readonly SubjectResult[]): string {
  const reference = measured.find((subject) => subject.id === scenario.reference);
  const first = scenario.metrics[0] as Metric;
  const head = [
    "subject",
    ...scenario.metrics.map((metric) => escapeText(metric.label)),
    `ratio to ${escapeText(reference?.label ?? scenario.reference)}`,
    "version",
  ];
  const rows = measured.map((subject) => [
    escapeText(subject.label),
    ...scenario.metrics.map((metric) => {
      const values = valuesOf(subject, metric.key);
      return values.length === 0 ? "-" : escapeText(formatValue(median(values), metric.unit));
    }),
    ratioText(subject, reference, first),
    escapeText(subject.version ?? ""),
  ]);
  return table(head, rows);
}

function notes(scenario: ScenarioResult): string[] {
  const lines: string[] = [];
  for (const subject of scenario.subjects) {
    if (subject.state === "failed") lines.push(`${subject.label} failed: ${subject.reason}`);
    if (subject.state === "unavailable") {
      lines.push(`${subject.label} was not available: ${subject.reason}`);
    }
    for (const warning of subject.warnings) lines.push(`${subject.label}: ${warning}`);
  }
  return lines;
}

function renderScenario(scenario: ScenarioResult): string {
  const measured = scenario.subjects.filter((subject) => subject.state === "measured");
  const first = scenario.metrics[0] as Metric;
  const rows = measured
    .map((subject) => ({
      label: subject.label,
      tone: toneOf(subject, scenario),
      values: valuesOf(subject, first.key),
    }))
    .filter((row) => row.values.length > 0);
  const curves = measured.flatMap((subject) =>
    subject.curve === null
      ? []
      : [{ label: subject.label, tone: toneOf(subject, scenario), curve: subject.curve }],
  );
  const better = first.better === "lower" ? "less is better" : "more is better";
  return [
    `<h3>${escapeText(scenario.title)}</h3>`,
    `<p class="note">${escapeText(first.label)}, ${better}; dots are rounds,
the line is the 90 % interval of the median.</p>`,
    rows.length > 0 ? rowsPlot(`${scenario.title}: ${first.label}`, first.unit, rows) : "",
    curves.length > 0 ? curvesPlot(`${scenario.title}: latency by quantile`, curves) : "",
    scenarioTable(scenario, measured),
    ...notes(scenario).map((line) => `<p class="note">${escapeText(line)}</p>`),
  ].join("\n");
}

function verdict(result: GoalResult): string {
  if (result.met === null) return "not measured";
  const className = result.met ? "met" : "missed";
  return `<span class="${className}">${verdictOf(result).toLowerCase()}</span>`;
}

function renderGoals(results: readonly GoalResult[]): string {
  if (results.length === 0) return "";
  const rows = results.map((result) => [
    escapeText(`${result.goal.scenario}, ${result.goal.subject}`),
    escapeText(describeGoal(result.goal, result.unit)),
    verdict(result),
    escapeText(result.text),
  ]);
  return `<h3>Goals</h3>${table(["what", "goal", "", "measured (90 % interval)"], rows)}`;
}

/** One plot for each thing that grows in a suite. */
function renderSeries(suite: SuiteResult): string {
  const names = new Set(suite.scenarios.flatMap(({ series }) => series?.name ?? []));
  return [...names]
    .map((name) => {
      const points = suite.scenarios.filter(({ series }) => series?.name === name);
      const metric = points[0]?.metrics[0] as Metric;
      const unit = points[0]?.series?.unit ?? "count";
      const lines = (points[0]?.subjects ?? []).map((subject) => ({
        label: subject.label,
        tone: toneOf(subject, points[0] as ScenarioResult),
        points: points.flatMap((scenario) => pointOf(scenario, subject.id, metric)),
      }));
      const title = `${metric.label} against ${name}`;
      const plot = growthPlot(title, { x: unit, y: metric.unit }, lines);
      return `<h3>${escapeText(title)}</h3>${plot}`;
    })
    .join("\n");
}

function pointOf(scenario: ScenarioResult, id: string, metric: Metric): [number, number][] {
  const subject = scenario.subjects.find((candidate) => candidate.id === id);
  const values = subject === undefined ? [] : valuesOf(subject, metric.key);
  return scenario.series === undefined || values.length === 0
    ? []
    : [[scenario.series.at, median(values)]];
}

function renderSuite(suite: SuiteResult, goals: readonly Goal[]): string {
  return [
    `<h2 id="${escapeText(suite.id)}">${escapeText(suite.title)}</h2>`,
    `<p class="meta">${escapeText(suite.date)}, up to ${suite.rounds} interleaved rounds.</p>`,
    renderGoals(evaluateGoals(goals, suite)),
    renderSeries(suite),
    ...suite.scenarios.map(renderScenario),
  ].join("\n");
}

/** The whole page. */
export function renderReport(results: Results, goals: readonly Goal[]): string {
  const { machine, system, cores, versions } = results.environment;
  const list = Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
  const links = results.suites
    .map((suite) => `<a href="#${escapeText(suite.id)}">${escapeText(suite.title)}</a>`)
    .join(" · ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>hawser: speed</title>
<style>${STYLE}</style>
</head>
<body>
<h1>hawser: speed</h1>
<p class="meta">${escapeText(machine)}<br>${escapeText(system)}; ${escapeText(cores)}<br>
${escapeText(list)}</p>
<p>CPU time is that of the server's process alone. Rounds are interleaved, each in a fresh process
after a warm-up; values are medians. A goal is met when the better end of its 90 % interval
reaches it.</p>
<p>${links}</p>
${results.suites.map((suite) => renderSuite(suite, goals)).join("\n")}
</body>
</html>
`;
}
