// `npm run fuzz [-- NAME...] [--seconds N] [--seed N]`: runs the fuzzers, one after the other. Each
// is a program test/fuzz/**/NAME.fuzz.ts that takes --seconds and --seed, prints its seed first,
// and ends with another exit code than 0, or a signal, when it has found something.
import { spawn } from "node:child_process";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { readCommandLine, readCount, requireKnown } from "./arguments.ts";
import { projectFiles } from "./files.ts";
import { root } from "./run.ts";

const nameOf = (path: string) => basename(path, ".fuzz.ts");
const all = projectFiles(["test/fuzz"], [".fuzz.ts"]);

const USAGE = `npm run fuzz -- [NAME...] [options]     runs the fuzzers, one after the other

  --seconds N   how long each (default 60)
  --seed N      the same as in the run that printed it

Fuzzers: ${all.map(nameOf).join(", ")}; all of them by default.
Exit status: 0 nothing was found; 1 something was; 2 wrong usage.`;

const { values, positionals } = readCommandLine("fuzz", USAGE, (args) => {
  const options = {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
  } as const;
  const parsed = parseArgs({ args, allowPositionals: true, options });
  readCount(parsed.values.seconds, "--seconds", 1);
  if (parsed.values.seed !== undefined) readCount(parsed.values.seed, "--seed", 0);
  for (const name of parsed.positionals) requireKnown("fuzzer", name, all.map(nameOf));
  return parsed;
});
const wanted = positionals.length === 0 ? all : all.filter((p) => positionals.includes(nameOf(p)));
for (const path of wanted) {
  const args = ["--import", "tsx", path, `--seconds=${values.seconds}`];
  if (values.seed !== undefined) args.push(`--seed=${values.seed}`);
  const end = await new Promise<number | string>((resolve) => {
    spawn(process.execPath, args, { cwd: root, stdio: "inherit" }).on("close", (code, signal) =>
      resolve(code ?? signal ?? "no exit"),
    );
  });
  console.log(`${nameOf(path)}: ${end === 0 ? "found nothing" : `FOUND something (${end})`}`);
  if (end !== 0) process.exitCode = 1;
}
