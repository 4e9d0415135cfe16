import { describe, expect, test } from "vitest";
import {
  DEFAULT_DURATION_MS,
  DEFAULT_ROUNDS,
  DEFAULT_WARMUP_MS,
  parseArguments,
  UsageError,
} from "../../bench/harness/arguments.ts";

const SUITES = ["tcp", "ws"];
const parse = (...args: string[]) => parseArguments(args, SUITES);

describe("the benchmark's command line", () => {
  test("without words runs all suites, all peers, with the default method", () => {
    expect(parse()).toEqual({
      command: "run",
      suites: [],
      peers: null,
      rounds: DEFAULT_ROUNDS,
      durationMs: DEFAULT_DURATION_MS,
      warmupMs: DEFAULT_WARMUP_MS,
      size: null,
      connections: null,
      depth: null,
      json: null,
      html: null,
      uws: null,
      only: null,
    });
    expect(DEFAULT_ROUNDS).toBeGreaterThanOrEqual(15);
  });

  test("takes suites and options in any order, with = or a space", () => {
    const options = parse("--rounds", "3", "tcp", "--peers=bun,node", "--json", "x.json", "ws");
    expect(options).toMatchObject({
      suites: ["tcp", "ws"],
      rounds: 3,
      peers: ["bun", "node"],
      json: "x.json",
    });
  });

  test("--peers none leaves C and hawser alone", () => {
    expect(parse("--peers", "none").peers).toEqual([]);
  });

  test("report, list and help are commands", () => {
    expect(parse("report", "--html", "p.html")).toMatchObject({
      command: "report",
      html: "p.html",
      suites: [],
    });
    expect(parse("list").command).toBe("list");
    expect(parse("tcp", "--help").command).toBe("help");
  });

  test.each([
    [["nosuch"], /no suite "nosuch".*tcp, ws/],
    [["--colour", "1"], /unknown option --colour/],
    [["--rounds"], /--rounds needs a value/],
    [["--rounds", "0"], /--rounds takes a whole number from 1/],
    [["--rounds", "2.5"], /whole number/],
    [["--rounds", "1e3"], /whole number/],
    [["--size", "-1"], /whole number/],
    [["--connections", "99999999"], /to 60000/],
  ])("%j is refused with the reason", (args, reason) => {
    expect(() => parse(...args)).toThrow(UsageError);
    expect(() => parse(...args)).toThrow(reason);
  });
});
