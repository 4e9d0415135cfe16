// `npm run prebuild [-- TARGET... | all]`: makes prebuilds/, which the published package carries.
// Without arguments for this machine, by prebuildify from binding.gyp; a named target, or all of
// them, by Zig, which brings the C libraries of the others. Nothing else is downloaded.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { libcOf } from "../lib/binding/loader.ts";
import { readCommandLine, requireKnown } from "./arguments.ts";
import { fetchTool } from "./cache.ts";
import { root, run, tool } from "./run.ts";

interface Target {
  /** As Zig names it. The versions are the oldest that the binary runs on. */
  readonly zig: string;
  /** The list of native/sources.json that this system adds. */
  readonly system: "linux" | "darwin";
  /** Below prebuilds/, as prebuildify names it. */
  readonly file: string;
}

export const targets: Readonly<Record<string, Target>> = {
  "linux-x64-glibc": {
    zig: "x86_64-linux-gnu.2.28",
    system: "linux",
    file: "linux-x64/hawser.glibc.node",
  },
  "linux-arm64-glibc": {
    zig: "aarch64-linux-gnu.2.28",
    system: "linux",
    file: "linux-arm64/hawser.glibc.node",
  },
  "linux-x64-musl": {
    zig: "x86_64-linux-musl",
    system: "linux",
    file: "linux-x64/hawser.musl.node",
  },
  "linux-arm64-musl": {
    zig: "aarch64-linux-musl",
    system: "linux",
    file: "linux-arm64/hawser.musl.node",
  },
  "darwin-x64": { zig: "x86_64-macos.11.0", system: "darwin", file: "darwin-x64/hawser.node" },
  "darwin-arm64": { zig: "aarch64-macos.11.0", system: "darwin", file: "darwin-arm64/hawser.node" },
};

/** By prebuildify, in a copy: node-gyp empties the build/ that it works in. */
async function prebuildHere(): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), "hawser-prebuild-"));
  try {
    for (const path of ["package.json", "binding.gyp", "native"]) {
      cpSync(join(root, path), join(copy, path), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    const libc = process.platform === "linux" ? [`--tag-libc=${libcOf(process.execPath)}`] : [];
    await must(tool("prebuildify"), [
      "--napi",
      "--strip",
      // The headers are those of the Node that runs this; Node-API is the same in all.
      `--target=${process.versions.node}`,
      `--cwd=${copy}`,
      `--out=${root}`,
      ...libc,
    ]);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** By Zig, for any target from anywhere: one command compiles and links. */
async function prebuildWithZig(name: string, { zig, system, file }: Target): Promise<void> {
  const modules = await fetchTool("zig");
  const compiler = join(modules, "@zigc", `${process.platform}-${process.arch}`, "bin", "zig");
  const require = createRequire(import.meta.url);
  const output = join(root, "prebuilds", file);
  mkdirSync(dirname(output), { recursive: true });
  const sources = JSON.parse(readFileSync(join(root, "native", "sources.json"), "utf8"));
  await must(compiler, [
    "c++",
    `--target=${zig}`,
    "-std=c++17",
    "-O3",
    "-DNDEBUG",
    "-DNAPI_VERSION=8",
    "-DNAPI_DISABLE_CPP_EXCEPTIONS",
    "-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
    "-fno-exceptions",
    "-fno-sanitize=all",
    "-fvisibility=hidden",
    "-fvisibility-inlines-hidden",
    "-fPIC",
    "-shared",
    "-s",
    // Node-API and libuv are found in the process that loads the addon.
    ...(system === "darwin" ? ["-undefined", "dynamic_lookup"] : []),
    `-I${join(root, "native")}`,
    `-isystem${require("node-api-headers").include_dir}`,
    `-isystem${dirname(require.resolve("node-addon-api/package.json"))}`,
    ...[...sources.core, ...sources[system], ...sources.binding],
    "-o",
    output,
  ]);
  console.log(`${name}: prebuilds/${file}`);
}

async function must(command: string, args: readonly string[]): Promise<void> {
  const { code, output } = await run(command, args);
  if (code !== 0) throw new Error(`${command} failed:\n${output}`);
}

const USAGE = `npm run prebuild -- [TARGET... | all]     makes the package's binaries in prebuilds/

Targets: ${Object.keys(targets).join(", ")}; without any, this machine's.
Exit status: 0 done; 1 a compiler failed; 2 wrong usage.`;

if (process.argv[1]?.endsWith("prebuild.ts")) {
  const wanted = readCommandLine("prebuild", USAGE, (args) => {
    const { positionals } = parseArgs({ args, allowPositionals: true });
    for (const name of positionals) requireKnown("target", name, ["all", ...Object.keys(targets)]);
    return positionals;
  });
  const names = wanted.includes("all") ? Object.keys(targets) : wanted;
  if (names.length === 0) await prebuildHere();
  for (const name of names) await prebuildWithZig(name, targets[name] as Target);
}
