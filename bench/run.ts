// `npm run bench`: parses the command line, runs suites, prints tables, keeps results.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { GOALS } from "./goals.ts";
import { type BenchOptions, parseArguments, USAGE, UsageError } from "./harness/arguments.ts";
import { runScenario } from "./harness/engine.ts";
import { evaluateGoals, evaluateScenario } from "./harness/evaluate.ts";
import { describeEnvironment, findCores } from "./harness/machine.ts";
import { REPORT_FILE, RESULTS_FILE } from "./harness/paths.ts";
import { installedVersions, PEER_NAMES } from "./harness/peers.ts";
import { ProgressLine } from "./harness/progress.ts";
import { renderReport } from "./harness/report.ts";
import {
  mergeResults,
  parseResults,
  RESULTS_FORMAT,
  type Results,
  type SuiteResult,
} from "./harness/results.ts";
import type { Context, Suite } from "./harness/suite.ts";
import { renderEnvironment, renderGoals, renderScenario } from "./harness/terminal.ts";
import { SUITES } from "./suites/index.ts";

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

function checkPeers(peers: readonly string[] | null): void {
  const known: readonly string[] = PEER_NAMES;
  for (const peer of peers ?? []) {
    if (!known.includes(peer)) {
      throw new UsageError(`no peer "${peer}"; there are ${known.join(", ")}`);
    }
  }
}

async function runSuite(suite: Suite, context: Context): Promise<SuiteResult> {
  const { options } = context;
  const progress = new ProgressLine(process.stderr, options.rounds);
  const scenarios = (await suite.scenarios(context)).filter(
    (scenario) => options.only === null || scenario.id.includes(options.only),
  );
  const results = [];
  for (const scenario of scenarios) {
    const result = await runScenario(scenario, context, progress);
    progress.clear();
    results.push(result);
    print(["", ...renderScenario(result, evaluateScenario(GOALS, suite.id, result))]);
  }
  return {
    id: suite.id,
    title: suite.title,
    date: new Date().toISOString(),
    rounds: options.rounds,
    scenarios: results,
  };
}

async function readResults(path: string): Promise<Results | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  return parseResults(text);
}

async function writeText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

async function keepResults(
  options: BenchOptions,
  context: Context,
  suites: readonly SuiteResult[],
): Promise<void> {
  const results: Results = {
    format: RESULTS_FORMAT,
    environment: describeEnvironment(context.cores, installedVersions()),
    suites,
  };
  if (options.json !== null) await writeText(options.json, `${JSON.stringify(results, null, 2)}\n`);
  const merged = mergeResults(await readResults(RESULTS_FILE), results);
  await writeText(RESULTS_FILE, `${JSON.stringify(merged, null, 2)}\n`);
}

async function runSuites(options: BenchOptions): Promise<number> {
  checkPeers(options.peers);
  const context: Context = { options, cores: findCores() };
  const chosen = SUITES.filter(
    (suite) => options.suites.length === 0 || options.suites.includes(suite.id),
  );
  print(renderEnvironment(describeEnvironment(context.cores, installedVersions())));
  const suites: SuiteResult[] = [];
  for (const suite of chosen) {
    const result = await runSuite(suite, context);
    suites.push(result);
    const ran = new Set(result.scenarios.map((scenario) => scenario.id));
    const goals = evaluateGoals(GOALS, result).filter(({ goal }) => ran.has(goal.scenario));
    if (goals.length > 0) print(["", ...renderGoals(suite.title, goals)]);
    // After each suite: all of them take long.
    await keepResults(options, context, suites);
  }
  const failed = suites.some((suite) =>
    suite.scenarios.some((scenario) => scenario.subjects.some((s) => s.state === "failed")),
  );
  return failed ? 1 : 0;
}

function list(): number {
  print(SUITES.map((suite) => `${suite.id.padEnd(10)} ${suite.title}`));
  print(["", `peers: ${PEER_NAMES.join(", ")}`]);
  return 0;
}

async function writeReport(options: BenchOptions): Promise<number> {
  const source = options.json ?? RESULTS_FILE;
  const results = await readResults(source);
  if (results === null) {
    throw new UsageError(`there are no results in ${source}; run a suite first`);
  }
  const target = options.html ?? REPORT_FILE;
  await writeText(target, renderReport(results, GOALS));
  print([`wrote ${target}`]);
  return 0;
}

async function main(): Promise<number> {
  const options = parseArguments(
    process.argv.slice(2),
    SUITES.map((suite) => suite.id),
  );
  switch (options.command) {
    case "help":
      print([USAGE]);
      return 0;
    case "list":
      return list();
    case "report":
      return writeReport(options);
    case "run":
      return runSuites(options);
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => process.exit(130)); // subjects are ended by the exit handler
}
try {
  process.exitCode = await main();
} catch (error) {
  const usage = error instanceof UsageError;
  process.stderr.write(`${usage ? `${error.message}\n\n${USAGE}` : String(error)}\n`);
  process.exitCode = usage ? 2 : 1;
}
