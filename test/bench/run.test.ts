// The command as a user runs it.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ENTRY = fileURLToPath(new URL("../../bench/run.ts", import.meta.url));
const TIMEOUT_MS = 120_000;

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hawser-bench-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function bench(...args: string[]): Promise<Run> {
  const env = { ...process.env, HAWSER_BENCH_RESULTS: join(folder, "kept.json") };
  return new Promise((resolve) => {
    execFile(process.execPath, ["--import", "tsx", ENTRY, ...args], { env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout: out, stderr: err });
    });
  });
}

describe("npm run bench", () => {
  test(
    "measures, writes JSON, keeps results, and makes the page of them",
    async () => {
      const json = join(folder, "run.json");
      const args = ["--rounds", "2", "--duration", "50", "--warmup", "10", "--peers", "node"];
      const { stdout, stderr } = await bench("tcp", ...args, "--size", "20", "--json", json);
      expect(stdout).toMatch(/^C +[\d.]+ (?:ns|µs) +[\d,]+\/s +1 /m);
      expect(stdout).toMatch(/^node:net +[\d.]+ (?:ns|µs)/m);
      expect(stderr).toContain("measuring TCP echo 20B");
      const results = JSON.parse(readFileSync(json, "utf8"));
      const [c] = results.suites[0].scenarios[0].subjects;
      expect(c.samples).toHaveLength(2);
      expect(JSON.parse(readFileSync(join(folder, "kept.json"), "utf8"))).toEqual(results);

      const html = join(folder, "page.html");
      const report = await bench("report", "--html", html);
      expect(report).toMatchObject({ code: 0, stdout: `wrote ${html}\n` });
      expect(readFileSync(html, "utf8")).toContain("TCP echo 20B, 50 connections");
    },
    TIMEOUT_MS,
  );

  test("lists suites and peers", async () => {
    const { code, stdout } = await bench("list");
    expect(code).toBe(0);
    for (const name of ["tcp", "ws", "udp", "latency", "startup", "peers: node, bun"]) {
      expect(stdout).toContain(name);
    }
  });

  test.each([
    [["nosuch"], 'no suite "nosuch"'],
    [["tcp", "--peers", "perl"], 'no peer "perl"'],
    [["report", "--json", "/nonexistent.json"], "there are no results in"],
  ])("%j ends with 2 and says why", async (args, reason) => {
    const { code, stderr } = await bench(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(reason);
    expect(stderr).toContain("npm run bench --");
  });
});
