// The table of a run: what is in order, what is not, and why.

import { expect, test } from "vitest";
import { report } from "./report.ts";
import type { Result } from "./suite.ts";

const ok = (id: string): Result => ({ id, title: "a title", verdict: "ok", detail: "" });

test("counts by section, and names what deviates", () => {
  const wrong: Result = { id: "6.4.1", title: "soon", verdict: "wrong", detail: "nothing came" };
  const late: Result = { id: "6.4.2", title: "sooner", verdict: "late", detail: "it came late" };
  const text = report([
    { name: "one", results: [ok("1.1.1"), ok("6.4.1"), ok("6.4.2")], seconds: 1.25 },
    { name: "two", results: [ok("1.1.1"), wrong, late], seconds: 2 },
  ]);
  expect(text).toMatch(/\| 1 framing +\| 1 +\| ok +\| ok +\|/);
  expect(text).toMatch(/\| 6 UTF-8 +\| 2 +\| ok +\| 1 late, 1 wrong +\|/);
  expect(text).toMatch(/\| all +\| 3 +\| ok +\| 1 late, 1 wrong +\|/);
  expect(text).not.toContain("7 closing");
  expect(text).toContain("two: 6.4.1 (soon): nothing came");
});
