// Idle: what a connection costs in memory while nothing happens on it. The difference between many
// and few connections, after a forced collection: what the runtime counts (heap and external), and
// the resident set beside it.
import { compile } from "../harness/compile.ts";
import { LineProcess, startSubject } from "../harness/processes.ts";
import type { Metric, Sample } from "../harness/results.ts";
import type { Context, Measured, Scenario, Subject, Suite } from "../harness/suite.ts";
import { TCP_SUBJECTS } from "./tcp.ts";
import { WS_SUBJECTS } from "./ws.ts";

const METRICS: readonly Metric[] = [
  { key: "counted", label: "heap and external", unit: "bytes", better: "lower" },
  { key: "resident", label: "resident set", unit: "bytes", better: "lower" },
];

/** Connections of the two states that are compared. */
const FEW = 5_000;
const MANY = 15_000;
/** Memory varies less than time, and opening takes long. */
const ROUNDS_MAX = 5;
const OPEN_TIMEOUT_MS = 120_000;

export interface Memory {
  readonly rss: number;
  readonly heapUsed?: number;
  readonly external?: number;
}

/** Bytes a connection. C has no counters, only a resident set. */
export function bytesEach(few: Memory, many: Memory, connections: number): Sample {
  const resident = (many.rss - few.rss) / connections;
  const before = few.heapUsed === undefined ? null : few.heapUsed + (few.external ?? 0);
  const after = many.heapUsed === undefined ? null : many.heapUsed + (many.external ?? 0);
  if (before === null || after === null) return { resident };
  return { counted: (after - before) / connections, resident };
}

/** The numbers of connections to compare, within the limit of descriptors. */
export function stages(limit: number): readonly [few: number, many: number] {
  return limit >= MANY ? [FEW, MANY] : [Math.floor(limit / 3), limit];
}

async function memoryAt(
  holder: LineProcess,
  connections: number,
  subject: LineProcess,
): Promise<Memory> {
  holder.child.stdin?.write(`${connections}\n`);
  const opened = await holder.next(OPEN_TIMEOUT_MS);
  if (opened === null) throw new Error(`connections were not opened: ${holder.stderr}`);
  if (typeof opened.error === "string") throw new Error(opened.error);
  return (await subject.ask("memory")) as unknown as Memory;
}

async function measure(subject: Subject, context: Context, protocol: string): Promise<Measured> {
  const program = await compile("load_hold");
  const running = await startSubject(await subject.command(context), context.cores.server);
  const args = ["--port", String(running.port), "--protocol", protocol];
  const holder = new LineProcess({ file: program, args }, context.cores.generator);
  try {
    const limit = await holder.next(OPEN_TIMEOUT_MS);
    // The subject needs as many descriptors, and some of its own.
    const [few, many] = stages(Number(limit?.limit) - 100);
    const before = await memoryAt(holder, few, running.process);
    const after = await memoryAt(holder, many, running.process);
    return {
      sample: bytesEach(before, after, many - few),
      version: running.version,
      doubts: [],
    };
  } finally {
    await holder.stop();
    await running.process.stop();
  }
}

function scenario(
  id: string,
  title: string,
  reference: string,
  subjects: readonly Subject[],
): Scenario {
  return {
    id,
    title,
    parameters: { few: FEW, many: MANY },
    metrics: METRICS,
    reference,
    subjects: subjects.filter((subject) => subject.id !== "hawser-lent"),
    roundsMax: ROUNDS_MAX,
    measure: (subject, context) => measure(subject, context, id),
  };
}

export const idle: Suite = {
  id: "idle",
  title: "Memory of an idle connection",
  scenarios: async () => [
    scenario("tcp", "Memory of an idle TCP connection", "node", TCP_SUBJECTS),
    scenario("ws", "Memory of an idle WebSocket", "ws", WS_SUBJECTS),
  ],
};
