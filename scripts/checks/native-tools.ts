// clang-format and clang-tidy over native/ and test/native/. Both are pinned to one version, since
// each version formats and warns differently.
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { projectFiles } from "../files.ts";
import { type Outcome, root, run } from "../run.ts";
import { isFresh, stampOf, writeStamp } from "../stamp.mjs";

const version = 14;
const formatted = ["native", "test/native", "bench/c"];

/** The command of the pinned version: `NAME-14`, or `NAME` where that is this version. */
async function clangTool(name: string): Promise<string> {
  for (const command of [`${name}-${version}`, name]) {
    const { code, output } = await run(command, ["--version"]);
    if (code === 0 && new RegExp(`\\bversion ${version}\\.`).test(output)) return command;
  }
  throw new Error(
    `hawser is checked with ${name} ${version}: install the package ${name}-${version} ` +
      `(Debian, Ubuntu), or clang-tools-extra of LLVM ${version}.`,
  );
}

export async function formatNative(write: boolean): Promise<Outcome> {
  const files = projectFiles(formatted, [".h", ".cc", ".c"]);
  const mode = write ? ["-i"] : ["--dry-run", "-Werror"];
  return run(await clangTool("clang-format"), [...mode, "--style=file", ...files]);
}

/** Skipped when nothing of native/ changed since it last found nothing. */
export async function tidyNative(): Promise<Outcome> {
  const commands = join(root, "build", "compile_commands.json");
  if (!existsSync(commands)) {
    return { code: 1, output: "build/compile_commands.json is missing: run `npm run build`.\n" };
  }
  const stampFile = join(root, "build", ".stamps", "tidy");
  const stamp = stampOf([join(root, "native"), join(root, ".clang-tidy"), commands]);
  if (isFresh(stampFile, stamp, [])) return { code: 0, output: "" };

  const tidy = await clangTool("clang-tidy");
  const foreign = foreignSources();
  const files = projectFiles(["native"], [".cc"]).filter((path) => !foreign.includes(path));
  const outcomes: Outcome[] = [];
  const worker = async () => {
    for (let file = files.shift(); file !== undefined; file = files.shift()) {
      outcomes.push(await run(tidy, ["--quiet", "-p", "build", file]));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  const failed = outcomes.filter((outcome) => outcome.code !== 0);
  if (failed.length === 0) writeStamp(stampFile, stamp);
  return { code: failed.length > 0 ? 1 : 0, output: failed.map(({ output }) => output).join("") };
}

/** The sources of the other system, whose headers are not here; except those that need none. */
function foreignSources(): readonly string[] {
  const lists = JSON.parse(readFileSync(join(root, "native", "sources.json"), "utf8")) as {
    readonly [list: string]: readonly string[];
  };
  const others = lists[process.platform === "darwin" ? "linux" : "darwin"] ?? [];
  return others.filter((path) => !path.endsWith("route_messages_darwin.cc"));
}
