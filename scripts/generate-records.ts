// Writes lib/binding/records.ts from native/reactor/records.def. With --check it writes nothing,
// and ends with 1 where the file is not what it would write.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const SOURCE = new URL("../native/reactor/records.def", import.meta.url);
const TARGET = new URL("../lib/binding/records.ts", import.meta.url);

const REGION_ALIGNMENT = 64;

interface Row {
  readonly macro: string;
  readonly name: string;
  readonly numbers: readonly number[];
  readonly help: string;
}

/** The rows of the table, in order. Adjacent string literals are one, as in C. */
export function parseRows(text: string): Row[] {
  const body = text.replace(/^\s*#.*$/gm, "").replace(/\/\/.*$/gm, "");
  const rows: Row[] = [];
  for (const [, macro, name, numbers, help] of body.matchAll(
    /([A-Z_]+)\((\w+),((?:\s*\d+,)*)\s*((?:"[^"]*"\s*)+)\)/g,
  )) {
    rows.push({
      macro: macro as string,
      name: name as string,
      numbers: (numbers as string)
        .split(",")
        .filter((number) => number.trim() !== "")
        .map(Number),
      help: [...(help as string).matchAll(/"([^"]*)"/g)].map(([, part]) => part).join(""),
    });
  }
  return rows;
}

const constant = (name: string) => name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();

function block(title: string, lines: readonly string[]): string {
  return `// ${title}\n${lines.join("\n")}\n`;
}

function words(rows: readonly Row[], macro: string, prefix: string): string[] {
  return rows
    .filter((row) => row.macro === macro)
    .map(
      (row, index) =>
        `/** ${row.help} */\nexport const ${prefix}_${constant(row.name)} = ${index};`,
    );
}

function values(rows: readonly Row[], macro: string, prefix: string): string[] {
  return rows
    .filter((row) => row.macro === macro)
    .map(
      (row) =>
        `/** ${row.help} */\nexport const ${prefix}_${constant(row.name)} = ${row.numbers[0]};`,
    );
}

function regions(rows: readonly Row[]): string[] {
  const lines: string[] = [];
  let offset = 0;
  for (const { name, numbers, help } of rows.filter((row) => row.macro === "REGION")) {
    const [bytes = 0, count = 0] = numbers;
    lines.push(`/** Byte offset of: ${help}. */`);
    lines.push(`export const ${constant(name)}_OFFSET = ${offset};`);
    lines.push(`export const ${constant(name)}_CAPACITY = ${count};`);
    offset += Math.ceil((bytes * count) / REGION_ALIGNMENT) * REGION_ALIGNMENT;
  }
  return [...lines, `export const MEMORY_BYTES = ${offset};`];
}

function counters(rows: readonly Row[]): string[] {
  const names = rows.filter((row) => row.macro === "COUNTER");
  return [
    "/** What the reactor counts; each only grows, but for `openSlots`. */",
    "export interface Counters {",
    ...names.map((row) => `  /** ${row.help} */\n  readonly ${row.name}: number;`),
    "}",
    "",
    "/** The counters in the order in which they lie in memory. */",
    "export const COUNTER_NAMES = [",
    ...names.map((row) => `  "${row.name}",`),
    "] as const;",
  ];
}

export function generate(rows: readonly Row[]): string {
  const wordCount = (macro: string) => rows.filter((row) => row.macro === macro).length;
  return [
    "// Made by scripts/generate-records.ts from native/reactor/records.def. Do not edit.\n",
    block("Regions of the shared memory", regions(rows)),
    block("Words of the header", words(rows, "HEADER", "HEADER")),
    block("Counters", counters(rows)),
    block("Words of a completion", [
      `export const COMPLETION_WORDS = ${wordCount("COMPLETION")};`,
      ...words(rows, "COMPLETION", "COMPLETION"),
    ]),
    block("Kinds of completions", values(rows, "COMPLETION_KIND", "KIND")),
    block("Words of a submission", [
      `export const SUBMISSION_WORDS = ${wordCount("SUBMISSION")};`,
      ...words(rows, "SUBMISSION", "SUBMISSION"),
    ]),
    block("Operations", values(rows, "OPERATION", "OPERATION")),
    block("Words of a head", [
      `export const HEAD_WORDS = ${wordCount("HEAD")};`,
      ...words(rows, "HEAD", "HEAD"),
    ]),
  ].join("\n");
}

function main(): void {
  const text = generate(parseRows(readFileSync(SOURCE, "utf8")));
  if (!process.argv.includes("--check")) {
    writeFileSync(TARGET, text);
    return;
  }
  if (readFileSync(TARGET, "utf8") === text) return;
  console.error("lib/binding/records.ts is stale: run `npm run generate`");
  process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();
