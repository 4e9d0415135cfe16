// A case of docs/dead-peers.md as a picture: a bar for each contestant, from the fault until it was
// told, or on to the end where it was not. SVG, readable on light and on dark pages. Pure.

import type { Outcome } from "./cases.ts";

/** What stands in git beside the picture. */
export interface PlotData {
  readonly name: string;
  readonly title: string;
  readonly isDead: boolean;
  readonly watchedSeconds: number;
  readonly node: string;
  readonly kernel: string;
  readonly outcomes: readonly Outcome[];
}

const WIDTH = 820;
const LABELS = 312;
const BARS = 264;
const ROW = 26;
const TOP = 56;
const TICK_SECONDS = 5;

const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #24292f; }
    .title { font-weight: 600; font-size: 15px; }
    .tick { font-size: 11px; fill: #57606a; }
    .grid { stroke: #d0d7de; }
    .right { fill: #1a7f37; }
    .wrong { fill: #cf222e; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .tick { fill: #8b949e; }
      .grid { stroke: #30363d; }
      .right { fill: #3fb950; }
      .wrong { fill: #f85149; }
    }`;

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** What a bar says at its end. */
export function verdictOf({ toldAfter, code, reason }: Outcome, watchedSeconds: number): string {
  if (toldAfter === null) return `nothing in ${watchedSeconds} s`;
  return `${toldAfter.toFixed(1)} s: ${reason ?? code ?? "close"}`;
}

/** Whether it did what is right: a dead peer is told, a live one is left alone or told apart. */
export function isRight({ toldAfter, reason }: Outcome, isDead: boolean): boolean {
  if (isDead) return toldAfter !== null;
  return toldAfter === null || reason === "SEND_STALLED";
}

export function draw({ title, isDead, watchedSeconds, outcomes }: PlotData): string {
  const height = TOP + outcomes.length * ROW + 12;
  const x = (seconds: number) => LABELS + (seconds / watchedSeconds) * BARS;
  const lines: string[] = [];
  for (let seconds = 0; seconds <= watchedSeconds; seconds += TICK_SECONDS) {
    const at = x(seconds);
    lines.push(
      `<line class="grid" x1="${at}" y1="${TOP - 6}" x2="${at}" y2="${height - 12}"/>`,
      `<text class="tick" x="${at}" y="${TOP - 12}" text-anchor="middle">${seconds} s</text>`,
    );
  }
  outcomes.forEach((outcome, index) => {
    const y = TOP + index * ROW;
    const width = Math.max(2, x(outcome.toldAfter ?? watchedSeconds) - LABELS).toFixed(1);
    const kind = isRight(outcome, isDead) ? "right" : "wrong";
    const mark = kind === "right" ? "✓" : "✗";
    const said = `${mark} ${verdictOf(outcome, watchedSeconds)}`;
    lines.push(
      `<text x="${LABELS - 10}" y="${y + 14}" text-anchor="end">${escaped(outcome.who)}</text>`,
      `<rect class="${kind}" x="${LABELS}" y="${y + 2}" width="${width}" height="16" rx="3"/>`,
      `<text x="${LABELS + BARS + 8}" y="${y + 14}">${escaped(said)}</text>`,
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">
  <title>${escaped(title)}</title>
  <style>${STYLE}
  </style>
  <text class="title" x="12" y="22">${escaped(title)}</text>
  ${lines.join("\n  ")}
</svg>
`;
}
