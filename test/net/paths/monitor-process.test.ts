// Whether a monitor keeps its process alive, and how it ends with a thread. Each case is a process
// of its own.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const LIBRARY = new URL("../../../dist/index.js", import.meta.url).href;
const LIMIT_MS = 15_000 * Number(process.env["HAWSER_TEST_SLOWNESS"] ?? 1);

function run(body: string): string {
  const program = `
    const { PathMonitor } = await import(${JSON.stringify(LIBRARY)});
    process.on("exit", () => console.log("exit"));
    ${body}`;
  const args = ["--input-type=module", "--eval", program];
  const { stdout, stderr, error, signal } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    timeout: LIMIT_MS - 2_000,
  });
  expect(error, stderr).toBeUndefined();
  expect(signal, stderr).toBeNull();
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

test("one in a thread that is terminated ends with it", { timeout: LIMIT_MS }, () => {
  const body = `
    const { Worker } = await import("node:worker_threads");
    const main = new PathMonitor().unref();
    const code = \`
      const { PathMonitor } = await import(${JSON.stringify(LIBRARY)});
      const { parentPort } = await import("node:worker_threads");
      const monitor = new PathMonitor();
      parentPort.postMessage(monitor.interfaces().length);\`;
    for (let round = 0; round < 3; round++) {
      const worker = new Worker(new URL("data:text/javascript," + encodeURIComponent(code)));
      const [count] = await new Promise((resolve, reject) => {
        worker.once("message", (...all) => resolve(all)).once("error", reject);
      });
      console.log(count === main.interfaces().length);
      await worker.terminate();
    }`;
  expect(run(body)).toBe("true\ntrue\ntrue\nexit\n");
});
