// Latency at a fixed rate, not in a closed loop: messages leave when they are due, and count from
// then, so that a server that stalls pays for all it held up. The rate is half of what the C server
// answers at most on this machine, measured first, and the same for every subject.
import { compile } from "../harness/compile.ts";
import type { LoadResult } from "../harness/load.ts";
import { BUSY } from "../harness/load.ts";
import type { Metric } from "../harness/results.ts";
import type { Context, Measured, Scenario, Subject, Suite } from "../harness/suite.ts";
import { DEFAULT_CONNECTIONS, measureEcho } from "./echo.ts";
import { TCP_SUBJECTS } from "./tcp.ts";
import { WS_SUBJECTS } from "./ws.ts";

const METRICS: readonly Metric[] = [
  { key: "p99", label: "p99", unit: "ns", better: "lower" },
  { key: "p50", label: "p50", unit: "ns", better: "lower" },
  { key: "p999", label: "p99.9", unit: "ns", better: "lower" },
  { key: "max", label: "max", unit: "ns", better: "lower" },
  { key: "cpu", label: "CPU a message", unit: "ns", better: "lower" },
];

const LOAD_SHARE = 0.5;
const RATE_STEP = 1_000;
/** The generator's own lateness (p99) that may be in a p99, as a share of it. */
const LATE_SHARE = 0.25;
/** Share of the rate that must have been answered within the window. */
const RATE_REACHED = 0.98;

/** Half of the most the reference answers, rounded down. */
export function halfLoad(messagesASecond: number): number {
  const half = messagesASecond * LOAD_SHARE;
  return Math.max(RATE_STEP, Math.floor(half / RATE_STEP) * RATE_STEP);
}

/** What an open-loop window leaves in doubt. */
export function latencyDoubts(result: LoadResult, rate: number): string[] {
  const found: string[] = [];
  const windowNs = result.seconds * 1e9;
  if (result.messages < rate * result.seconds * RATE_REACHED) {
    found.push("it did not keep up with the rate");
  }
  const late = Number(result.fields.lateP99);
  if (late > LATE_SHARE * (result.latency?.p99 ?? 0)) found.push("the generator was late itself");
  const waited = Math.max(result.serverWaitNs ?? 0, result.generatorWaitNs ?? 0);
  if (waited > BUSY * windowNs) found.push("other work ran on these cores");
  return found;
}

async function measure(
  subject: Subject,
  context: Context,
  parameters: Readonly<Record<string, number | string>>,
): Promise<Measured> {
  const { result, version } = await measureEcho(subject, context, parameters);
  const { latency } = result;
  if (latency === null) throw new Error("the generator measured no latency");
  return {
    sample: {
      p50: latency.p50,
      p99: latency.p99,
      p999: latency.p999,
      max: latency.max,
      cpu: result.serverCpuNs / result.messages,
    },
    version,
    doubts: latencyDoubts(result, Number(parameters.rate)),
    curve: latency.curve,
  };
}

async function scenario(
  context: Context,
  id: string,
  title: string,
  protocol: string,
  subjects: readonly Subject[],
): Promise<Scenario> {
  const size = context.options.size ?? 20;
  const connections = context.options.connections ?? DEFAULT_CONNECTIONS;
  const reference = subjects.find((subject) => subject.id === "c") as Subject;
  const most = await measureEcho(reference, context, { protocol, size, connections });
  const rate = halfLoad(most.result.messages / most.result.seconds);
  return {
    id,
    title: `${title}, ${rate.toLocaleString("en-US")} a second over ${connections} connections`,
    parameters: { size, connections, rate },
    metrics: METRICS,
    reference: "c",
    subjects,
    measure: (subject, within) => measure(subject, within, { protocol, size, connections, rate }),
  };
}

export const latency: Suite = {
  id: "latency",
  title: "Latency at half load",
  async scenarios(context) {
    await compile("load");
    return [
      await scenario(context, "tcp", "TCP echo latency", "tcp", TCP_SUBJECTS),
      await scenario(context, "ws", "WebSocket echo latency", "ws", WS_SUBJECTS),
    ];
  },
};
