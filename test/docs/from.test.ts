// That every row of the mapping pages leads to an example, and every example is led to.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const PAGES = ["docs/from-node-net.md", "docs/from-network-framework.md"];

interface Row {
  readonly page: string;
  readonly text: string;
  readonly examples: readonly string[];
}

function rowsOf(page: string): Row[] {
  const lines = readFileSync(new URL(page, ROOT), "utf8").split("\n");
  const rows = lines.filter((line) => line.startsWith("|") && !/^\|---|\| example \|$/.test(line));
  return rows.map((text) => {
    const cell = text.split(" | ").at(-1) ?? "";
    const links = [...cell.matchAll(/\]\(\.\.\/examples\/([\w-]+\.ts)\)/g)];
    return { page, text, examples: links.map(([, name]) => name as string) };
  });
}

const rows = PAGES.flatMap(rowsOf);

it("every row links to an example that is there", () => {
  expect(rows.length).toBeGreaterThan(60);
  for (const { page, text, examples } of rows) {
    expect([page, text, examples.length > 0]).toEqual([page, text, true]);
    for (const name of examples) {
      expect([name, existsSync(new URL(`examples/${name}`, ROOT))]).toEqual([name, true]);
    }
  }
});

/** What stands in code in a cell: names, and schemes. */
const namesIn = (cell: string) =>
  [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, code = ""]) => code.match(/[A-Za-z]\w+/g) ?? []);

it("every row has an example in which one of its names stands", () => {
  for (const { page, text, examples } of rows) {
    const [theirs = "", ours = ""] = text.split(" | ");
    const isTheSame = ours.startsWith("the same");
    const names = namesIn(isTheSame ? theirs : ours);
    // Some have no counterpart, or none with a name.
    if (ours.startsWith("nothing") || names.length === 0) continue;
    const source = examples.map((name) => readFileSync(new URL(`examples/${name}`, ROOT), "utf8"));
    const shown = names.filter((name) => new RegExp(`\\b${name}\\b`).test(source.join("\n")));
    expect([page, text, shown.length > 0]).toEqual([page, text, true]);
  }
});

it("every example is linked to", () => {
  const linked = new Set(rows.flatMap(({ examples }) => examples));
  const all = readdirSync(new URL("examples/", ROOT)).filter((name) => name.endsWith(".ts"));
  expect(all.filter((name) => !linked.has(name))).toEqual([]);
});
