// A loop inside a handler: no turn of the reactor runs inside a turn, since the slab is lent to it,
// and the outer one goes on as if nothing had been.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const { include_dir } = createRequire(import.meta.url)("node-api-headers") as {
  include_dir: string;
};
const folder = mkdtempSync(join(tmpdir(), "hawser-nested-"));
const addon = join(folder, "nested.node");

beforeAll(() => {
  const undefinedSymbols = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : [];
  const source = join(import.meta.dirname, "nested-loop.c");
  const flags = ["-shared", "-fPIC", "-O1", ...undefinedSymbols, `-I${include_dir}`];
  execFileSync(process.env["CC"] ?? "cc", [...flags, "-o", addon, source]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a turn inside a turn does nothing, and the outer one goes on", () => {
  const program = join(import.meta.dirname, "nested-loop-program.mjs");
  const output = execFileSync(process.execPath, [program, addon], { timeout: 10_000 });
  expect(JSON.parse(String(output))).toEqual({
    nested: [],
    kept: true,
    timers: 1,
    outside: "from outside",
    answers: ["hello0more", "hello1more", "hello2more"],
    again: "again",
  });
});
