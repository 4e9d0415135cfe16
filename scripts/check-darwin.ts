// Compiles and links the addon for macOS on both processors, with Zig, on any system. The result is
// looked at and thrown away: it cannot be run here. `node --import tsx scripts/check-darwin.ts`
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fetchTool } from "./cache.ts";
import { readMachO } from "./mach-o.ts";
import { root, run } from "./run.ts";

// The oldest macOS that is supported; binding.gyp says the same.
const macos = "11.0";
const targets = [
  { processor: "arm64", triple: `aarch64-macos.${macos}` },
  { processor: "x64", triple: `x86_64-macos.${macos}` },
] as const;
// Compilers that run at once.
const jobs = 2;

// Symbols that Node itself brings. Any other that is looked up at run time is one that nobody has.
const ofNode = /^_(napi|node_api|uv)_/;
const entry = "_napi_register_module_v1";

const flags = [
  "-std=c++17",
  "-O1",
  "-fPIC",
  "-fno-exceptions",
  "-fvisibility=hidden",
  "-fvisibility-inlines-hidden",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-DNAPI_VERSION=8",
  "-DNAPI_DISABLE_CPP_EXCEPTIONS",
  "-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
  `-I${join(root, "native")}`,
  "-isystem",
  join(root, "node_modules", "node-addon-api"),
  "-isystem",
  join(root, "node_modules", "node-api-headers", "include"),
];

function sources(): string[] {
  const lists = JSON.parse(readFileSync(join(root, "native", "sources.json"), "utf8")) as {
    readonly [list: string]: readonly string[];
  };
  return ["core", "darwin", "binding"].flatMap((list) => lists[list] ?? []);
}

/** Runs the compiler; what it complained of, or nothing. */
async function compile(zig: string, args: readonly string[]): Promise<string[]> {
  const { code, output } = await run(zig, ["c++", ...args]);
  return code === 0 ? [] : [output];
}

async function build(zig: string, target: (typeof targets)[number], folder: string) {
  const waiting = sources().map((source, index) => ({
    source: join(root, source),
    object: join(folder, `${index}-${basename(source)}.o`),
  }));
  const objects = waiting.map(({ object }) => object);
  const problems: string[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const args = ["-target", target.triple, ...flags, "-c", next.source, "-o", next.object];
      problems.push(...(await compile(zig, args)));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  if (problems.length > 0) return problems;

  const addon = join(folder, "hawser.node");
  const link = ["-target", target.triple, "-shared", "-fPIC", "-undefined", "dynamic_lookup"];
  problems.push(...(await compile(zig, [...link, ...objects, "-o", addon])));
  return problems.length > 0 ? problems : inspect(addon, target.processor);
}

function inspect(addon: string, processor: string): string[] {
  const built = readMachO(readFileSync(addon));
  const problems: string[] = [];
  if (built.processor !== processor) problems.push(`built for ${built.processor}\n`);
  if (!built.exported.includes(entry)) problems.push(`does not export ${entry}\n`);
  for (const symbol of built.lookedUp) {
    if (!ofNode.test(symbol)) problems.push(`needs ${symbol}, which nothing on macOS has\n`);
  }
  return problems;
}

const zig = join(await fetchTool("zig"), ".bin", "zig");
const temporary = mkdtempSync(join(tmpdir(), "hawser-darwin-"));
try {
  for (const target of targets) {
    const folder = join(temporary, target.processor);
    mkdirSync(folder);
    const problems = await build(zig, target, folder);
    for (const problem of problems) process.stderr.write(problem);
    console.log(
      `macOS ${target.processor}: ${problems.length === 0 ? "compiled and linked" : "FAILED"}`,
    );
    if (problems.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
