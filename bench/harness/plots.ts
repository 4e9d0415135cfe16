// Plots of the report as SVG text: a row a subject with every round, median and interval; and
// latency distributions. Pure; colours come from the page's style sheet by class name.
import { formatValue } from "./format.ts";
import type { LatencyCurve, Unit } from "./results.ts";
import { estimateMedian } from "./statistics.ts";

const WIDTH = 760;
const LABEL_WIDTH = 190;
const ROW_HEIGHT = 30;
const AXIS_HEIGHT = 30;
const PAD_RIGHT = 30;
/** Where values are further apart than this, the axis is logarithmic. */
const LINEAR_MAX = 25;
const CURVE_HEIGHT = 300;
const CURVE_LEFT = 70;
const NAME_HEIGHT = 15;
/** Colour tells hawser from the others, dashes tell the others apart. */
const DASHES = ["none", "6 3", "2 3", "10 3 2 3", "10 3 2 3 2 3", "14 4"] as const;
const TICKS = 5;

export type Tone = "own" | "reference" | "peer";

export interface PlotRow {
  readonly label: string;
  readonly tone: Tone;
  readonly values: readonly number[];
}

export interface PlotCurve {
  readonly label: string;
  readonly tone: Tone;
  readonly curve: LatencyCurve;
}

/** Text as it may stand in HTML and SVG. */
export function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** Round steps (1, 2, 5 times a power of ten) from 0 to at least `most`. */
export function linearTicks(most: number): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const ticks: number[] = [];
  for (let index = 0; ticks.length === 0 || (ticks.at(-1) as number) < most; index++) {
    ticks.push(index * (step as number));
  }
  return ticks;
}

/** Powers of ten around the values. */
export function logTicks(least: number, most: number): number[] {
  const ticks: number[] = [];
  const last = Math.ceil(Math.log10(most));
  for (let power = Math.floor(Math.log10(least)); power <= last; power++) ticks.push(10 ** power);
  return ticks;
}

interface Axis {
  readonly ticks: readonly number[];
  readonly logarithmic: boolean;
  /** 0 to 1. */
  at(value: number): number;
}

function chooseAxis(values: readonly number[]): Axis {
  const positive = values.filter((value) => value > 0);
  const most = Math.max(...positive);
  const least = Math.min(...positive);
  if (positive.length === 0 || most / least <= LINEAR_MAX) {
    const ticks = linearTicks(most);
    const end = ticks.at(-1) as number;
    return { ticks, logarithmic: false, at: (value) => Math.max(0, value) / end };
  }
  return logAxis(least, most);
}

function logAxis(least: number, most: number): Axis {
  const ticks = logTicks(least, most);
  const low = Math.log10(ticks[0] as number);
  const high = Math.log10(ticks.at(-1) as number);
  const span = high - low || 1;
  return {
    ticks,
    logarithmic: true,
    at: (value) => (Math.log10(Math.max(value, 10 ** low)) - low) / span,
  };
}

type Attributes = Readonly<Record<string, string | number>>;

/** One element; numbers get a tenth of a pixel, `content` must be escaped already. */
function element(name: string, attributes: Attributes, content = ""): string {
  const list = Object.entries(attributes).map(([key, value]) => {
    const text = typeof value === "number" ? Number(value.toFixed(1)) : value;
    return ` ${key}="${text}"`;
  });
  return `<${name}${list.join("")}>${content}</${name}>`;
}

function textAt(kind: "tick" | "label", x: number, y: number, anchor: string, text: string) {
  return element("text", { class: kind, x, y, "text-anchor": anchor }, escapeText(text));
}

function lineAt(
  className: string,
  x1: number,
  x2: number,
  y1: number,
  y2: number,
  dashes = "none",
) {
  return element("line", { class: className, x1, x2, y1, y2, "stroke-dasharray": dashes });
}

const tickName = (value: number, unit: Unit) => (value === 0 ? "0" : formatValue(value, unit));

function svg(height: number, title: string, body: readonly string[]): string {
  const name = escapeText(title);
  return element(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": name },
    [element("title", {}, name), ...body].join(""),
  );
}

/** Every round as a dot, the median as a bar's end, the interval as a line. */
export function rowsPlot(title: string, unit: Unit, rows: readonly PlotRow[]): string {
  const axis = chooseAxis(rows.flatMap((row) => row.values));
  const inner = WIDTH - LABEL_WIDTH - PAD_RIGHT;
  const x = (value: number) => LABEL_WIDTH + axis.at(value) * inner;
  const height = rows.length * ROW_HEIGHT + AXIS_HEIGHT;
  const bottom = rows.length * ROW_HEIGHT;
  const body: string[] = [];
  for (const tick of axis.ticks) {
    body.push(lineAt("grid", x(tick), x(tick), 0, bottom));
    body.push(textAt("tick", x(tick), bottom + 18, "middle", tickName(tick, unit)));
  }
  for (const [index, row] of rows.entries()) {
    const y = index * ROW_HEIGHT + ROW_HEIGHT / 2;
    const { value, low, high } = estimateMedian(row.values);
    const bar = { x: LABEL_WIDTH, y: y - 7, width: x(value) - LABEL_WIDTH, height: 14 };
    body.push(textAt("label", LABEL_WIDTH - 10, y + 4, "end", row.label));
    body.push(element("rect", { class: `bar ${row.tone}`, ...bar }));
    for (const each of row.values) {
      body.push(element("circle", { class: "round", cx: x(each), cy: y, r: 2 }));
    }
    body.push(lineAt("interval", x(low), x(high), y, y));
  }
  if (axis.logarithmic) {
    body.push(textAt("tick", LABEL_WIDTH - 10, bottom + 18, "end", "logarithmic"));
  }
  return svg(height, title, body);
}

interface Curve {
  readonly label: string;
  readonly tone: Tone;
  /** In pixels. */
  readonly points: readonly (readonly [number, number])[];
}

/** Curves and, right of them, their names; gives where the lowest name ends. */
function drawCurves(body: string[], curves: readonly Curve[], from: number): number {
  const drawn = curves
    .filter(({ points }) => points.length > 0)
    .sort((left, right) => (left.points.at(-1)?.[1] ?? 0) - (right.points.at(-1)?.[1] ?? 0));
  let free = 0;
  for (const [index, { label, tone, points }] of drawn.entries()) {
    const dashes = DASHES[index % DASHES.length] as string;
    const path = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    // Names of curves that end together are moved apart, downwards.
    const end = Math.max(points.at(-1)?.[1] as number, free);
    free = end + NAME_HEIGHT;
    const look = { class: `curve ${tone}`, "stroke-dasharray": dashes };
    body.push(element("polyline", { ...look, points: path }));
    body.push(lineAt(`curve ${tone}`, from, from + 24, end, end, dashes));
    body.push(textAt("label", from + 30, end + 4, "start", label));
  }
  return free;
}

/** A value at an axis where room is short: no digits that say nothing. */
function shortName(value: number, unit: Unit): string {
  return formatValue(value, unit).replace(/\.0+(?= |$)/, "");
}

const QUANTILES = [
  [0.5, "50 %"],
  [0.9, "90 %"],
  [0.99, "99 %"],
  [0.999, "99.9 %"],
  [0.9999, "99.99 %"],
] as const;
const NINES_MAX = 5;

/** Nines: 0.9 is 1, 0.99 is 2. */
function nines(quantile: number): number {
  return quantile >= 1 ? NINES_MAX : Math.min(NINES_MAX, -Math.log10(1 - quantile));
}

/** Latency by quantile, both axes so that the tail can be read. */
export function curvesPlot(title: string, curves: readonly PlotCurve[]): string {
  const latencies = curves.flatMap(({ curve }) => curve.map(([, value]) => value));
  const positive = latencies.filter((value) => value > 0);
  if (positive.length === 0) return "";
  const axis = logAxis(Math.min(...positive), Math.max(...positive));
  const inner = WIDTH - LABEL_WIDTH - CURVE_LEFT;
  const x = (quantile: number) => CURVE_LEFT + (nines(quantile) / NINES_MAX) * inner;
  const y = (value: number) => CURVE_HEIGHT - axis.at(value) * (CURVE_HEIGHT - 20);
  const body: string[] = [];
  for (const tick of axis.ticks) {
    body.push(lineAt("grid", CURVE_LEFT, CURVE_LEFT + inner, y(tick), y(tick)));
    body.push(textAt("tick", CURVE_LEFT - 8, y(tick) + 4, "end", tickName(tick, "ns")));
  }
  for (const [quantile, name] of QUANTILES) {
    body.push(textAt("tick", x(quantile), CURVE_HEIGHT + 18, "middle", name));
  }
  const shown = curves.map(({ label, tone, curve }) => ({
    label,
    tone,
    points: curve
      .filter(([quantile]) => quantile < 1)
      .map(([quantile, value]) => [x(quantile), y(value)] as const),
  }));
  const lowest = drawCurves(body, shown, CURVE_LEFT + inner + 6);
  return svg(Math.ceil(Math.max(CURVE_HEIGHT + AXIS_HEIGHT, lowest)), title, body);
}

export interface PlotLine {
  readonly label: string;
  readonly tone: Tone;
  /** From left to right. */
  readonly points: readonly (readonly [number, number])[];
}

/** How a value grows with another, both axes logarithmic. */
export function growthPlot(
  title: string,
  units: { readonly x: Unit; readonly y: Unit },
  lines: readonly PlotLine[],
): string {
  const all = lines.flatMap((line) => line.points);
  if (all.length === 0) return "";
  const first = Math.log(Math.min(...all.map(([x]) => x)));
  const last = Math.log(Math.max(...all.map(([x]) => x)));
  const up = logAxis(Math.min(...all.map(([, y]) => y)), Math.max(...all.map(([, y]) => y)));
  const inner = WIDTH - LABEL_WIDTH - CURVE_LEFT;
  const x = (value: number) =>
    CURVE_LEFT + ((Math.log(value) - first) / (last - first || 1)) * inner;
  const y = (value: number) => CURVE_HEIGHT - up.at(value) * (CURVE_HEIGHT - 20);
  const body: string[] = [];
  for (const tick of up.ticks) {
    body.push(lineAt("grid", CURVE_LEFT, CURVE_LEFT + inner, y(tick), y(tick)));
    body.push(textAt("tick", CURVE_LEFT - 8, y(tick) + 4, "end", tickName(tick, units.y)));
  }
  for (const at of new Set(all.map(([value]) => value))) {
    body.push(textAt("tick", x(at), CURVE_HEIGHT + 18, "middle", shortName(at, units.x)));
  }
  const curves = lines.map(({ label, tone, points }) => ({
    label,
    tone,
    points: points.map(([left, top]) => [x(left), y(top)] as const),
  }));
  const lowest = drawCurves(body, curves, CURVE_LEFT + inner + 6);
  return svg(Math.ceil(Math.max(CURVE_HEIGHT + AXIS_HEIGHT, lowest)), title, body);
}
