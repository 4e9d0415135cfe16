// `npm run fuzz [-- NAME...] [--seconds N] [--seed N]`: runs the fuzzers, one after the other. Each
// is a program test/fuzz/**/NAME.fuzz.ts that takes --seconds and --seed, prints its seed first,
// and ends with another exit code than 0, or a signal, when it has found something.
import { spawn } from "node:child_process";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { projectFiles } from "./files.ts";
import { root } from "./run.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
  },
});

const nameOf = (path: string) => basename(path, ".fuzz.ts");
const all = projectFiles(["test/fuzz"], [".fuzz.ts"]);
const wanted = positionals.length === 0 ? all : all.filter((p) => positionals.includes(nameOf(p)));
if (wanted.length === 0) {
  console.error(`no such fuzzer; there are ${all.map(nameOf).join(", ")}.`);
  process.exitCode = 2;
}
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
