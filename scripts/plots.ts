// `npm run plots [-- CASE...] [--draw]`: runs the cases of docs/dead-peers.md and draws them: data
// and picture of each go to docs/plots. With --draw nothing is run: the pictures are made anew of
// the data. Needs what test/faults needs: root, network namespaces, Python.
import { readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { whatIsMissing } from "../test/faults/support/requirements.ts";
import { readCommandLine, requireKnown } from "./arguments.ts";
import { CASES, runCase, WATCHED_SECONDS } from "./plots/cases.ts";
import { draw, type PlotData, verdictOf } from "./plots/draw.ts";
import { root } from "./run.ts";

const USAGE = `npm run plots -- [CASE...] [options]     measures and draws docs/dead-peers.md

  --draw   only draws, of what was measured before

Cases: ${CASES.map(({ name }) => name).join(", ")}; all of them by default.
Exit status: 0 done; 2 wrong usage, or something is missing that it needs.`;

const { values, positionals } = readCommandLine("plots", USAGE, (args) => {
  const options = { draw: { type: "boolean", default: false } } as const;
  const parsed = parseArgs({ args, allowPositionals: true, options });
  const names = CASES.map(({ name }) => name);
  for (const name of parsed.positionals) requireKnown("case", name, names);
  return parsed;
});
const folder = join(root, "docs", "plots");
const missing = values.draw ? undefined : whatIsMissing();
if (missing !== undefined) {
  console.error(`plots: ${missing}`);
  process.exit(2);
}

for (const one of CASES) {
  if (positionals.length > 0 && !positionals.includes(one.name)) continue;
  const file = join(folder, `${one.name}.json`);
  const data = values.draw ? (JSON.parse(readFileSync(file, "utf8")) as PlotData) : await run(one);
  writeFileSync(file, `${JSON.stringify(data, null, 2)}\n`);
  writeFileSync(join(folder, `${one.name}.svg`), draw(data));
  console.log(data.title);
  for (const outcome of data.outcomes) {
    console.log(`  ${outcome.who}: ${verdictOf(outcome, data.watchedSeconds)}`);
  }
}

async function run(one: (typeof CASES)[number]): Promise<PlotData> {
  const { name, title, isDead } = one;
  const outcomes = await runCase(one);
  const [kernel = ""] = /^\d+\.\d+/.exec(release()) ?? [];
  const watchedSeconds = WATCHED_SECONDS;
  return { name, title, isDead, watchedSeconds, node: process.version, kernel, outcomes };
}
