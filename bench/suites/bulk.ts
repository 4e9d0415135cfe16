// Bulk: as many bytes as one connection carries, to the server and from it.
import { compile } from "../harness/compile.ts";
import { doubts, runLoad } from "../harness/load.ts";
import { startSubject } from "../harness/processes.ts";
import type { Metric } from "../harness/results.ts";
import {
  bunSubject,
  cSubject,
  denoSubject,
  hawserSubject,
  nodeSubject,
} from "../harness/subjects.ts";
import type { Context, Measured, Scenario, Subject, Suite } from "../harness/suite.ts";

const METRICS: readonly Metric[] = [
  { key: "bytes", label: "throughput", unit: "bytes-per-second", better: "higher" },
  { key: "cpu", label: "CPU a MiB", unit: "ns", better: "lower" },
];

const SUBJECTS: readonly Subject[] = [
  cSubject("tcp_bulk_epoll"),
  hawserSubject("hawser-lent", "hawser, callback lent", "bulk-hawser.mjs", ["lent"]),
  hawserSubject("hawser", "hawser, callback owned", "bulk-hawser.mjs", ["owned"]),
  nodeSubject("node", "node:net", "bulk-node.mjs"),
  bunSubject("bulk-bun.mjs"),
  denoSubject("bulk-deno.mjs"),
];

async function measure(
  subject: Subject,
  context: Context,
  direction: "receive" | "send",
): Promise<Measured> {
  const load = await compile("load_bulk");
  const running = await startSubject(await subject.command(context), context.cores.server);
  try {
    const { durationMs, warmupMs } = context.options;
    const result = await runLoad(
      load,
      { direction, duration: durationMs, warmup: warmupMs },
      running,
      context.cores.generator,
    );
    return {
      sample: {
        bytes: result.messages / result.seconds,
        cpu: (result.serverCpuNs / result.messages) * 2 ** 20,
      },
      version: running.version,
      doubts: doubts(result),
    };
  } finally {
    await running.process.stop();
  }
}

function scenario(direction: "receive" | "send", title: string): Scenario {
  return {
    id: direction,
    title,
    parameters: { connections: 1 },
    metrics: METRICS,
    reference: "c",
    subjects: SUBJECTS,
    measure: (subject, context) => measure(subject, context, direction),
  };
}

export const bulk: Suite = {
  id: "bulk",
  title: "Bulk transfer",
  scenarios: async () => [
    scenario("receive", "Bulk: the server receives on one connection"),
    scenario("send", "Bulk: the server sends on one connection"),
  ],
};
