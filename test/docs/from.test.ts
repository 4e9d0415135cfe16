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

it("every example is linked to", () => {
  const linked = new Set(rows.flatMap(({ examples }) => examples));
  const all = readdirSync(new URL("examples/", ROOT)).filter((name) => name.endsWith(".ts"));
  expect(all.filter((name) => !linked.has(name))).toEqual([]);
});
