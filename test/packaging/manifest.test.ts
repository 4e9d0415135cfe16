// What package.json must say so that an installation runs nothing and misses nothing.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { manifestFindings } from "../../scripts/checks/package.ts";

const root = join(import.meta.dirname, "..", "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

test("the package as it is runs nothing at installation", () => {
  expect(manifestFindings(manifest)).toEqual([]);
});

test.each([
  ["an install script", { scripts: { install: "node-gyp rebuild" } }, "install"],
  ["a prepare script", { scripts: { prepare: "npm run build" } }, "prepare"],
  ["no gypfile: false", { gypfile: undefined }, "gypfile"],
  ["prebuilds left out", { files: ["dist"] }, "prebuilds"],
  ["a dependency", { dependencies: { ws: "8" } }, "dependencies"],
])("%s is found", (_, change, word) => {
  const findings = manifestFindings({ ...manifest, ...change });
  expect(findings).toHaveLength(1);
  expect(findings[0]).toContain(word);
});

test("the types come first in every entry point, and every entry point has a default", () => {
  for (const [key, entry] of Object.entries(manifest.exports)) {
    if (typeof entry === "string") continue;
    expect([key, ...Object.keys(entry as object)]).toEqual([key, "types", "default"]);
  }
});
