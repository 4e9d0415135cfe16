// Whether a monitor keeps its process alive. Each case is a process of its own.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const LIBRARY = new URL("../../../lib/index.ts", import.meta.url).href;
const LIMIT_MS = 15_000 * Number(process.env["HAWSER_TEST_SLOWNESS"] ?? 1);

function run(body: string): string {
  const program = `
    const { PathMonitor } = await import(${JSON.stringify(LIBRARY)});
    process.on("exit", () => console.log("exit"));
    ${body}`;
  const args = ["--import", "tsx", "--input-type=module", "--eval", program];
  const { stdout, stderr, error } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    timeout: LIMIT_MS - 2_000,
  });
  expect(error, stderr).toBeUndefined();
  expect(stderr).toBe("");
  return stdout;
}

test("one that is unref'd lets the process end", { timeout: LIMIT_MS }, () => {
  expect(run("new PathMonitor().unref();")).toBe("exit\n");
});

test("one that is closed lets the process end", { timeout: LIMIT_MS }, () => {
  expect(run("await new PathMonitor().close();")).toBe("exit\n");
});

test("one that is open keeps it alive", { timeout: LIMIT_MS }, () => {
  const body = `
    const monitor = new PathMonitor();
    setTimeout(() => { console.log("still here"); monitor.close(); }, 300).unref();`;
  expect(run(body)).toBe("still here\nexit\n");
});
