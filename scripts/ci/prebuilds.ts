// Looks at every prebuild: the processor and system it is for, what it exports, and on Linux the C
// library it asks for. Then runs the one for Linux on arm64 with a Node of that processor under
// qemu: the addon loads and an echo goes round.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchTool } from "../cache.ts";
import { readMachO } from "../mach-o.ts";
import { targets } from "../prebuild.ts";
import { root, run } from "../run.ts";

const entry = "napi_register_module_v1";
const newestGlibc = [2, 28] as const;
const machines: Record<string, string> = { x64: "X86-64", arm64: "AArch64" };

let passed = 0;
let failed = 0;

function tell(what: string, problems: readonly string[]): void {
  if (problems.length === 0) passed++;
  else failed++;
  console.log(`${problems.length === 0 ? "ok  " : "FAIL"} ${[what, ...problems].join("\n  ")}`);
}

async function elfProblems(path: string, processor: string, libc: string): Promise<string[]> {
  const { output } = await run("readelf", ["-hdW", "--dyn-syms", "-V", path]);
  const problems: string[] = [];
  if (!new RegExp(`Machine:.*${machines[processor]}`).test(output))
    problems.push("wrong processor");
  if (!new RegExp(`GLOBAL +DEFAULT +\\d+ ${entry}`).test(output)) problems.push(`no ${entry}`);
  const needed = [...output.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1] ?? "");
  const foreign = needed.filter((name) => !/^(?:lib(?:c|m|dl|pthread|rt)\.so|ld-linux)/.test(name));
  if (foreign.length > 0) problems.push(`needs ${foreign.join(", ")}`);
  if (libc === "musl" && /GLIBC_/.test(output)) problems.push("asks for glibc");
  for (const [version, major, minor] of output.matchAll(/GLIBC_(\d+)\.(\d+)/g)) {
    const tooNew = Number(major) > newestGlibc[0] || Number(minor) > newestGlibc[1];
    if (tooNew) problems.push(`asks for ${version}`);
  }
  return [...new Set(problems)];
}

function machOProblems(path: string, processor: string): string[] {
  const built = readMachO(readFileSync(path));
  const problems: string[] = [];
  if (built.processor !== processor) problems.push(`built for ${built.processor}`);
  if (!built.exported.includes(`_${entry}`)) problems.push(`no ${entry}`);
  return problems;
}

async function runUnderQemu(): Promise<void> {
  const node = join(await fetchTool("node-arm64"), "node-arm64", "bin", "node");
  const folder = mkdtempSync(join(tmpdir(), "hawser-arm64-"));
  try {
    const installed = join(folder, "node_modules", "hawser");
    mkdirSync(installed, { recursive: true });
    for (const part of ["package.json", "dist", "prebuilds"]) {
      cpSync(join(root, part), join(installed, part), { recursive: true });
    }
    copyFileSync(
      join(root, "test", "packaging", "installed", "echo.mjs"),
      join(folder, "echo.mjs"),
    );
    const args = ["-L", "/usr/aarch64-linux-gnu", node, "echo.mjs"];
    const { code, output } = await run("qemu-aarch64", args, { cwd: folder });
    tell(`under qemu: ${output.trim().split("\n").at(-1)}`, code === 0 ? [] : [output]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const [name, { system, file }] of Object.entries(targets)) {
  const path = join(root, "prebuilds", file);
  const [, processor = "", libc = ""] = name.split("-");
  if (!existsSync(path)) tell(name, ["was not made"]);
  else if (system === "darwin") tell(name, machOProblems(path, processor));
  else tell(name, await elfProblems(path, processor, libc));
}
await runUnderQemu();

const results = process.env.HAWSER_CI_RESULTS;
if (results) writeFileSync(join(results, "prebuilds.counts"), `${passed} ${failed} 0\n`);
if (failed > 0) process.exitCode = 1;
