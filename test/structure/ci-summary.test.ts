// How the results of a CI run are added up, and which skips fail it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const script = join(import.meta.dirname, "..", "..", "scripts", "ci", "summary.mjs");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hawser-summary-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A report as vitest writes it, of one file with these tests. */
function report(name: string, tests: Record<string, string>, numFailedTests = 0): void {
  const assertionResults = Object.entries(tests).map(([fullName, status]) => ({
    fullName,
    status,
  }));
  const testResults = [{ name: "a.test.ts", status: "passed", assertionResults }];
  writeFileSync(join(folder, name), JSON.stringify({ testResults, numFailedTests }));
}

function summary(CI: string): { status: number | null; lines: string[] } {
  const { status, stdout } = spawnSync(process.execPath, [script, folder], {
    env: { CI },
    encoding: "utf8",
  });
  return { status, lines: stdout.trimEnd().split("\n") };
}

test("counts of all runners are added in the last line", () => {
  report("tests.json", { one: "passed", two: "passed" });
  writeFileSync(join(folder, "native.counts"), "390 0 0\n");
  const { status, lines } = summary("true");
  expect(status).toBe(0);
  expect(lines.at(-1)).toBe("392 passed, 0 failed, 0 skipped");
});

test("a failure fails, also one that is a count only", () => {
  report("tests.json", { one: "passed", two: "failed" }, 1);
  expect(summary("true")).toMatchObject({ status: 1 });
  rmSync(join(folder, "tests.json"));
  writeFileSync(join(folder, "native.counts"), "3 1 0\n");
  expect(summary("").lines.at(-1)).toBe("3 passed, 1 failed, 0 skipped");
  expect(summary("").status).toBe(1);
});

test("a file that could not be run counts as a failure", () => {
  const testResults = [{ name: "broken.test.ts", status: "failed", assertionResults: [] }];
  writeFileSync(join(folder, "t.json"), JSON.stringify({ testResults, numFailedTests: 0 }));
  writeFileSync(join(folder, "native.counts"), "3 0 0\n");
  const { status, lines } = summary("true");
  expect(status).toBe(1);
  expect(lines.at(-1)).toBe("3 passed, 1 failed, 0 skipped");
});

test("a skip that could have run fails in CI, and is named", () => {
  report("tests.json", { one: "passed", "reboots (skipped without a reason)": "skipped" });
  expect(summary("").status).toBe(0);
  const { status, lines } = summary("true");
  expect(status).toBe(1);
  expect(lines.join("\n")).toContain("could have run here:\n  tests.json: reboots");
});

test("a skip whose reason holds in CI too is counted only", () => {
  const foreign = process.platform === "linux" ? "macOS" : "Linux";
  report("tests.json", { one: "passed", [`an option (${foreign} only)`]: "skipped" });
  const { status, lines } = summary("true");
  expect(status).toBe(0);
  expect(lines.at(-1)).toBe("1 passed, 0 failed, 1 skipped");
});

test("nothing at all is no success", () => {
  expect(summary("true").status).toBe(1);
});
