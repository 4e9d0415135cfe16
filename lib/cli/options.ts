// `hawser options [NAME...]`: the table of socket options, or some rows of it.

import { parseArgs } from "node:util";
import { OPTIONS } from "../socket/option-table.ts";
import type { OptionRow } from "../socket/option-values.ts";
import { UsageError } from "./flags.ts";
import { table } from "./terminal.ts";

export const OPTIONS_HELP = `hawser options [NAME...]

Lists the socket options that hawser knows: kind, unit, access, and the systems that have them. With
names only those whose name contains one of them.

  --json   as one JSON object`;

/** As `parseArgs` of node:util takes them. */
export const OPTIONS_FLAGS = { json: { type: "boolean" } } as const;

export async function runOptions(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: OPTIONS_FLAGS,
  });
  const rows = matching(positionals);
  if (rows.length === 0)
    throw new UsageError(`no socket option is named ${positionals.join(", ")}`);
  console.log(values.json ? JSON.stringify(Object.fromEntries(rows), null, 2) : listing(rows));
}

type Named = [name: string, row: OptionRow];

function matching(wanted: readonly string[]): Named[] {
  const parts = wanted.map((part) => part.toUpperCase());
  return Object.entries(OPTIONS).filter(
    ([name]) => parts.length === 0 || parts.some((part) => name.includes(part)),
  );
}

function listing(rows: readonly Named[]): string {
  const systems = ({ systems: on }: OptionRow) =>
    on.map((system) => (system === "darwin" ? "macOS" : "Linux")).join(", ");
  return table([
    ["NAME", "KIND", "UNIT", "ACCESS", "SYSTEMS"],
    ...rows.map(([name, row]) => [name, row.kind, row.unit, row.access, systems(row)]),
  ]);
}
