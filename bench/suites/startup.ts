// What it costs to load: fresh processes that import nothing, node:net, `ws` or hawser and end, and
// fresh processes that go on to one connection with one echoed message.
import { join } from "node:path";
import { compile } from "../harness/compile.ts";
import { SUBJECTS } from "../harness/paths.ts";
import { LineProcess, tellingLine, UnavailableError } from "../harness/processes.ts";
import type { Metric } from "../harness/results.ts";
import { median } from "../harness/statistics.ts";
import { hawserSubject, nodeSubject, packageSubject } from "../harness/subjects.ts";
import type { Context, Measured, Scenario, Subject, Suite } from "../harness/suite.ts";

/** Processes started one after the other in each round; the round is their median. */
const PROCESSES_A_ROUND = 5;
const ROUND_TIMEOUT_MS = 60_000;

const METRICS: readonly Metric[] = [
  { key: "wall", label: "time", unit: "ns", better: "lower" },
  { key: "cpu", label: "CPU", unit: "ns", better: "lower" },
  { key: "rss", label: "peak resident", unit: "bytes", better: "lower" },
];

/** Starting is all work: where it took much longer than its CPU time, others had the core. */
const WAITING_SHARE = 0.15;

/** What the time of a fresh process leaves in doubt. */
export function startupDoubts(sample: { wall: number; cpu: number }): string[] {
  return sample.wall > sample.cpu * (1 + WAITING_SHARE) ? ["other work ran on this core"] : [];
}

type Run = readonly [wall: number, cpu: number, rss: number];

async function measureProcesses(subject: Subject, context: Context): Promise<Measured> {
  const program = await compile("spawn_time");
  const { file, args, env } = await subject.command(context);
  const spawner = new LineProcess(
    {
      file: program,
      args: ["--times", String(PROCESSES_A_ROUND), "--", file, ...args],
      ...(env === undefined ? {} : { env }),
    },
    context.cores.server,
  );
  try {
    const line = await spawner.next(ROUND_TIMEOUT_MS);
    if (line === null) {
      const why = tellingLine(spawner.stderr);
      throw why.startsWith("unavailable: ") ? new UnavailableError(why.slice(13)) : new Error(why);
    }
    const runs = line.runs as readonly Run[];
    const at = (index: 0 | 1 | 2) => median(runs.map((run) => run[index]));
    const sample = { wall: at(0), cpu: at(1), rss: at(2) };
    return { sample, version: null, doubts: startupDoubts(sample) };
  } finally {
    await spawner.stop();
  }
}

function scenario(id: string, title: string, script: string): Scenario {
  const subjects: Subject[] = [
    nodeSubject("node", "node:net", script, ["node"]),
    packageSubject("ws", "ws", "ws", script, ["ws"]),
    hawserSubject("hawser", "hawser", script, ["hawser"]),
  ];
  // Nothing is what Node costs by itself; it takes part whatever the peers.
  const empty: Subject = {
    id: "empty",
    label: "nothing",
    peer: null,
    command: async () => ({
      file: process.execPath,
      args: ["--expose-gc", join(SUBJECTS, script), "nothing"],
    }),
  };
  return {
    id,
    title,
    parameters: { processes: PROCESSES_A_ROUND },
    metrics: METRICS,
    reference: "empty",
    subjects: [empty, ...subjects],
    measure: measureProcesses,
  };
}

export const startup: Suite = {
  id: "startup",
  title: "Load time",
  scenarios: async () => [
    scenario("import", "A fresh process that imports", "startup-import.mjs"),
    scenario("first-echo", "A fresh process to its first echo", "startup-echo.mjs"),
  ],
};
