// What a run of the conformance suite came to, as a table in Markdown: sections down, sides under
// test across, and then what deviated. Not here: running.

import { SECTIONS } from "./cases/index.ts";
import type { Result } from "./suite.ts";

export interface Column {
  readonly name: string;
  readonly results: readonly Result[];
  readonly seconds: number;
}

export function report(columns: readonly Column[]): string {
  const sections = Object.keys(SECTIONS).filter((section) =>
    columns.some(({ results }) => inSection(results, section).length > 0),
  );
  const rows = [
    ["section", "cases", ...columns.map(({ name }) => name)],
    ["---", "--:", ...columns.map(() => "---")],
    ...sections.map((section) => [
      `${section} ${SECTIONS[section]}`,
      String(inSection(columns[0]?.results ?? [], section).length),
      ...columns.map(({ results }) => summary(inSection(results, section))),
    ]),
    [
      "all",
      String(columns[0]?.results.length ?? 0),
      ...columns.map(({ results }) => summary(results)),
    ],
    ["seconds", "", ...columns.map(({ seconds }) => seconds.toFixed(1))],
  ];
  return `${table(rows)}\n${columns.map(details).join("")}`;
}

function inSection(results: readonly Result[], section: string): Result[] {
  return results.filter(({ id }) => id.split(".")[0] === section);
}

function summary(results: readonly Result[]): string {
  const count = (verdict: Result["verdict"]) =>
    results.filter((result) => result.verdict === verdict).length;
  const [late, wrong] = [count("late"), count("wrong")];
  if (late + wrong === 0) return "ok";
  return [late > 0 ? `${late} late` : "", wrong > 0 ? `${wrong} wrong` : ""]
    .filter((part) => part !== "")
    .join(", ");
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return rows.map(line).join("\n");
}

function details({ name, results }: Column): string {
  return results
    .filter(({ verdict }) => verdict !== "ok")
    .map(({ id, title, detail }) => `\n${name}: ${id} (${title}): ${detail}`)
    .join("");
}
