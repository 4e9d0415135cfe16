// `npm run fix`: mends what a program can mend of what `npm run check` finds: format, safe lint,
// generated files, and the API report, whose change is then to be looked at.
import { checkApiReports } from "./checks/api-report.ts";
import { formatNative } from "./checks/native-tools.ts";
import { generate } from "./generate.ts";
import { type Outcome, run, tool } from "./run.ts";
import { wrapAllComments } from "./wrap-comments.ts";

const steps: readonly (() => Outcome | Promise<Outcome>)[] = [
  wrapAllComments,
  () => generate(false),
  () => run(tool("biome"), ["check", "--write"]),
  () => formatNative(true),
  () => run(process.execPath, ["scripts/build.mjs", "types"]),
  () => checkApiReports(true),
];

for (const step of steps) {
  const { code, output } = await step();
  if (code !== 0) {
    process.stderr.write(output);
    process.exitCode = 1;
  }
}
