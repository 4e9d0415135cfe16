// How the tests run. What a single suite needs stands in that suite.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Processes: the addon keeps one reactor for each environment, and a crash ends one file only.
    pool: "forks",
    testTimeout: 15_000,
    hookTimeout: 15_000,
    // A skipped test fails nothing here; .ci/run counts them and refuses those that could have run.
    passWithNoTests: false,
  },
});
