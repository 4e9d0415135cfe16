// That docs/errors.md knows every code the sources can give, and none of our own that they cannot.

import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { HINTS } from "../../lib/errors/hints.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(join(ROOT, "docs/errors.md"), "utf8");

const sources = readdirSync(join(ROOT, "lib"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(join(ROOT, "lib", name), "utf8"));

/** The codes in the first column of the page's tables. */
const rows = new Set(
  [...page.matchAll(/^\| (?<cell>`[^|]*) \|/gm)].flatMap((row) =>
    [...(row.groups?.cell ?? "").matchAll(/`(?<code>E[A-Z0-9_]+)`/g)].map(
      (m) => m.groups?.code ?? "",
    ),
  ),
);

function literals(pattern: RegExp): Set<string> {
  return new Set(sources.flatMap((text) => [...text.matchAll(pattern)].map((m) => m[1] ?? "")));
}

describe("docs/errors.md", () => {
  test("B54: has a row for every ERR_* code that the sources give", () => {
    // Other codes of Node's appear in the sources only where they are caught.
    const used = literals(/"(ERR_(?:HAWSER|INVALID|OUT_OF)_[A-Z_]*[A-Z])"/g);
    expect(used.size).toBeGreaterThan(4);
    expect([...used].filter((code) => !rows.has(code))).toEqual([]);
  });

  test("lists no ERR_HAWSER_* code that the sources never give", () => {
    const used = literals(/"(ERR_HAWSER_[A-Z_]+)"/g);
    const listed = [...rows].filter((code) => code.startsWith("ERR_HAWSER_"));
    expect(listed.filter((code) => !used.has(code))).toEqual([]);
  });

  test("B54: has a row for every code that carries advice", () => {
    expect(HINTS.map((hint) => hint.code).filter((code) => !rows.has(code))).toEqual([]);
  });

  test("has a row for every POSIX code that the sources name", () => {
    const used = [...literals(/"(E[A-Z]{2,}[A-Z0-9]*)"/g)].filter(
      (code) => code in constants.errno,
    );
    expect(used.length).toBeGreaterThan(10);
    expect(used.filter((code) => !rows.has(code))).toEqual([]);
  });

  test("names only POSIX codes that exist", () => {
    // What Linux's headers lack, or node:os leaves out.
    const elsewhere = new Set(["ENOTFOUND", "EHOSTDOWN"]);
    const posix = [...rows].filter((code) => !code.startsWith("ERR_") && !code.startsWith("EAI_"));
    const unknown = posix.filter((code) => !(code in constants.errno) && !elsewhere.has(code));
    expect(unknown).toEqual([]);
  });

  test("has a row for every reason of a time-out", () => {
    const source = readFileSync(join(ROOT, "lib/errors/hawser-error.ts"), "utf8");
    const union = /export type ErrorReason =(?<list>[^;]*)/.exec(source)?.groups?.list ?? "";
    const reasons = [...union.matchAll(/"(?<word>[A-Z_]+)"/g)].map((m) => m.groups?.word ?? "");
    expect(reasons.length).toBeGreaterThan(4);
    expect(reasons.filter((reason) => !page.includes(`| \`${reason}\` |`))).toEqual([]);
  });
});
