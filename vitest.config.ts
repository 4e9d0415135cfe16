// How the tests run. What a single suite needs stands in that suite; what CI varies comes in the
// environment:
//   HAWSER_TEST_REPORT      a file for the results as JSON, beside what is printed
//   HAWSER_TEST_NODE_FLAGS  flags of Node and V8 for the processes that run tests
//   HAWSER_TEST_PRELOAD     a library for LD_PRELOAD there: the run-time of a sanitizer
//   HAWSER_TEST_SLOWNESS    a factor on the time limits, for a build that is slower by design
//   HAWSER_TEST_CROWD       connections beside each one under test (test/faults/README.md)
import { defineConfig } from "vitest/config";

const { HAWSER_TEST_REPORT, HAWSER_TEST_NODE_FLAGS, HAWSER_TEST_PRELOAD, HAWSER_TEST_SLOWNESS } =
  process.env;
const timeLimitMs = 15_000 * Number(HAWSER_TEST_SLOWNESS ?? 1);

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Processes: the addon keeps one reactor for each environment, and a crash ends one file only.
    pool: "forks",
    execArgv: HAWSER_TEST_NODE_FLAGS?.split(" ").filter(Boolean) ?? [],
    env: HAWSER_TEST_PRELOAD ? { LD_PRELOAD: HAWSER_TEST_PRELOAD } : {},
    testTimeout: timeLimitMs,
    hookTimeout: timeLimitMs,
    reporters: HAWSER_TEST_REPORT
      ? ["default", ["json", { outputFile: HAWSER_TEST_REPORT }]]
      : ["default"],
  },
});
