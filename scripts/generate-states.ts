// Writes docs/states.md from the state tables. With --check it writes nothing, and ends with 1
// where the file is not what it would write.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { CONNECTION_STATES, LISTENER_STATES, type StateTable } from "../lib/core/states.ts";

type AnyTable = StateTable<string, string>;

const TARGET = new URL("../docs/states.md", import.meta.url);

/** A mermaid diagram of a table; events that stay in their state are left out. */
export function diagram(table: AnyTable): string {
  const lines = ["```mermaid", "stateDiagram-v2", `  [*] --> ${table.initial}`];
  for (const [state, row] of Object.entries(table.rows)) {
    for (const [target, events] of byTarget(row)) {
      if (target !== state) lines.push(`  ${state} --> ${target}: ${events.join(", ")}`);
    }
  }
  for (const state of table.terminal) lines.push(`  ${state} --> [*]`);
  lines.push("```");
  return lines.join("\n");
}

function byTarget(row: Readonly<Partial<Record<string, string>>>): Map<string, string[]> {
  const targets = new Map<string, string[]>();
  for (const [event, target] of Object.entries(row)) {
    if (target === undefined) continue;
    targets.set(target, [...(targets.get(target) ?? []), event]);
  }
  return targets;
}

/** The table itself: a row for each state, a column for each event. */
export function grid(table: AnyTable): string {
  const events = Object.keys(table.events);
  const lines = [`| | ${events.join(" | ")} |`, `|---|${events.map(() => "---").join("|")}|`];
  for (const [state, row] of Object.entries(table.rows)) {
    const cells = events.map((event) => row[event] ?? "");
    lines.push(`| **${state}** | ${cells.join(" | ")} |`);
  }
  return lines.join("\n");
}

function glossary(words: Readonly<Record<string, string>>): string {
  return Object.entries(words)
    .map(([word, meaning]) => `- **${word}**: ${meaning}`)
    .join("\n");
}

export function page(tables: readonly AnyTable[]): string {
  const parts = [
    "# States",
    "Made from `lib/core/states.ts` by `scripts/generate-states.ts`; do not edit. An empty cell " +
      "is an event that cannot happen in that state.",
  ];
  for (const table of tables) {
    parts.push(
      `## ${table.name}`,
      diagram(table),
      "States",
      glossary(table.states),
      "Events",
      glossary(table.events),
      grid(table),
    );
  }
  return `${parts.join("\n\n")}\n`;
}

export function states(): string {
  return page([CONNECTION_STATES, LISTENER_STATES]);
}

function main(): void {
  const wanted = states();
  if (!process.argv.includes("--check")) {
    writeFileSync(TARGET, wanted);
    return;
  }
  let found = "";
  try {
    found = readFileSync(TARGET, "utf8");
  } catch {
    // A missing file is as stale as a wrong one.
  }
  if (found !== wanted) {
    console.error("docs/states.md is stale: run node --import tsx scripts/generate-states.ts");
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main();
}
