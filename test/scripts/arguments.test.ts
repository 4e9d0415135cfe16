// Command lines of the project's own programs: help, and one sentence with exit code 2 for what is
// wrong, without a stack trace.
import { describe, expect, test } from "vitest";
import { readPositive, requireKnown } from "../../scripts/arguments.ts";
import { runScript } from "../../scripts/run.ts";

test.each(["0", "-1", "", "1e3", "many", "1.2.3"])("%j is no number above 0", (text) => {
  expect(() => readPositive(text, "--minutes")).toThrow("--minutes takes a number above 0");
});

test.each([
  ["5", 5],
  ["0.5", 0.5],
])("%s is a number above 0", (text, value) => {
  expect(readPositive(text, "--minutes")).toBe(value);
});

test("a name that is not known is told with those that are", () => {
  expect(() => requireKnown("case", "x", ["a", "b"])).toThrow("there is no case x; there are a, b");
  expect(() => requireKnown("case", "a", ["a", "b"])).not.toThrow();
});

const PROGRAMS = {
  soak: "scripts/soak.ts",
  plots: "scripts/plots.ts",
  fuzz: "scripts/fuzz.ts",
  prebuild: "scripts/prebuild.ts",
  screenshot: "scripts/screenshot.ts",
  conformance: "test/conformance/run.ts",
} as const;
type Name = keyof typeof PROGRAMS;

const WRONG: readonly (readonly [Name, string[], string])[] = [
  ["soak", ["--minuets", "5"], "Unknown option '--minuets'"],
  ["soak", ["--minutes", "soon"], "--minutes takes a number above 0: soon"],
  ["soak", ["--seed"], "Option '--seed <value>' argument missing"],
  ["soak", ["now"], "Unexpected argument 'now'"],
  ["plots", ["idel"], "there is no case idel; there are "],
  ["fuzz", ["--seconds=0"], "--seconds takes a whole number of at least 1: 0"],
  ["fuzz", ["bindnig"], "there is no fuzzer bindnig; there are "],
  ["prebuild", ["amiga"], "there is no target amiga; there are all, "],
  ["screenshot", ["--big"], "Unknown option '--big'"],
  ["conformance", ["--width", "0"], "--width takes a whole number of at least 1: 0"],
  ["conformance", ["--case", "99"], "there is no case 99"],
];

describe("programs", () => {
  test.each(WRONG)("%s %j: %s, and exit code 2", async (name, args, complaint) => {
    const { code, output } = await runScript(PROGRAMS[name], args);
    expect(output.trim().split("\n")).toHaveLength(1);
    expect(output).toContain(`${name}: ${complaint}`);
    expect(output).toContain(`; see npm run ${name} -- --help`);
    expect(code).toBe(2);
  });

  test.each(Object.keys(PROGRAMS) as Name[])("%s --help says what it takes", async (name) => {
    const { code, output } = await runScript(PROGRAMS[name], ["--help"]);
    expect(output).toMatch(new RegExp(`^npm run ${name} `));
    expect(output).toContain("Exit status: ");
    expect(code).toBe(0);
  });
});
