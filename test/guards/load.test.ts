// What `import "hawser"` costs a fresh process, beside what `import "node:net"` costs it: modules
// of Node's own, which are counted, and CPU time, as a ratio of medians over runs in turn. The
// bound of that ratio is wide, since it is for a module too many at the top and not for a
// percentage; bench/suites/startup.ts measures.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cleanEnvironment, timeLimitMs } from "./support.ts";

/** Node's own modules that are loaded with it. Measured: 8 to 30 on Node 20 to 26. */
const MODULES_MOST = 40;
/** CPU time of the whole process against one that imports node:net. Measured: 1.3 to 2.0. */
const CPU_RATIO_MOST = 2.6;
const RUNS = 9;

interface Load {
  readonly modules: readonly string[];
  readonly cpu: number;
}

function load(name: string): Load {
  const program = join(import.meta.dirname, "load-program.mjs");
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, name], {
    encoding: "utf8",
    env: cleanEnvironment(),
  });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Load;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

test("the modules of Node's own that an import loads", { timeout: timeLimitMs }, () => {
  const { modules } = load("hawser");
  expect(modules.length, modules.join(" ")).toBeLessThanOrEqual(MODULES_MOST);
  // Each is loaded when it is first used. An import of node:http brings more on Node 22 and later,
  // by the getters among its exports.
  const lazy = ["http", "crypto", "zlib", "tls", "http2", "dgram", "internal/deps/undici/undici"];
  for (const late of lazy) {
    expect(modules).not.toContain(late);
  }
});

test("the CPU time of an import against that of node:net", { timeout: timeLimitMs }, () => {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    theirs.push(load("node:net").cpu);
    ours.push(load("hawser").cpu);
  }
  const ratio = median(ours) / median(theirs);
  if (process.env["HAWSER_SHOW_GUARDS"] === "1") console.log(`load: ${ratio.toFixed(2)}`);
  expect(ratio).toBeLessThanOrEqual(CPU_RATIO_MOST);
  // Less than half of it is not possible, with node:net in it.
  expect(ratio).toBeGreaterThan(0.5);
});
