// Connections a second: accepted by a server (accept, echo one message, both FINs), and made by a
// client (connect, echo, both FINs) against the C server.

import { measureClient } from "../harness/clients.ts";
import { compile } from "../harness/compile.ts";
import { doubts, runLoad } from "../harness/load.ts";
import { startSubject } from "../harness/processes.ts";
import type { Metric } from "../harness/results.ts";
import { cSubject, hawserSubject, nodeSubject } from "../harness/subjects.ts";
import type { Context, Measured, Scenario, Subject, Suite } from "../harness/suite.ts";
import { DEFAULT_CONNECTIONS } from "./echo.ts";
import { TCP_SUBJECTS } from "./tcp.ts";

const METRICS: readonly Metric[] = [
  { key: "cpu", label: "CPU a connection", unit: "ns", better: "lower" },
  { key: "connections", label: "connections", unit: "per-second", better: "higher" },
];
const MESSAGE_BYTES = 20;
/** Compilers that work at run time count calls, and each life here is only a few. */
const WARMUP_CONNECTIONS = 20_000;

async function measureAccept(
  subject: Subject,
  context: Context,
  connections: number,
): Promise<Measured> {
  const load = await compile("load_connect");
  const running = await startSubject(await subject.command(context), context.cores.server);
  try {
    const { durationMs, warmupMs } = context.options;
    const result = await runLoad(
      load,
      {
        connections,
        size: MESSAGE_BYTES,
        duration: durationMs,
        warmup: warmupMs,
        "warmup-connections": warmupMs === 0 ? 0 : WARMUP_CONNECTIONS,
      },
      running,
      context.cores.generator,
    );
    return {
      sample: {
        cpu: result.serverCpuNs / result.messages,
        connections: result.messages / result.seconds,
      },
      version: running.version,
      doubts: doubts(result),
    };
  } finally {
    await running.process.stop();
  }
}

async function measureConnect(
  subject: Subject,
  context: Context,
  connections: number,
): Promise<Measured> {
  const result = await measureClient(subject, cSubject("tcp_echo_epoll"), context, {
    connections,
    size: MESSAGE_BYTES,
    warmupUnits: context.options.warmupMs === 0 ? 0 : WARMUP_CONNECTIONS,
  });
  return {
    sample: {
      cpu: result.cpuNs / result.messages,
      connections: result.messages / result.seconds,
    },
    version: result.version,
    doubts: [],
  };
}

export const connect: Suite = {
  id: "connect",
  title: "Connections a second",
  scenarios: async (context): Promise<Scenario[]> => {
    const connections = context.options.connections ?? DEFAULT_CONNECTIONS;
    const common = { parameters: { connections, size: MESSAGE_BYTES }, metrics: METRICS };
    return [
      {
        ...common,
        id: "accept",
        title: `Connections accepted, ${connections} at once`,
        reference: "c",
        subjects: TCP_SUBJECTS,
        measure: (subject, within) => measureAccept(subject, within, connections),
      },
      {
        ...common,
        id: "connect",
        title: `Connections made, ${connections} at once`,
        reference: "node",
        subjects: [
          nodeSubject("node", "node:net", "connect-node.mjs"),
          hawserSubject("hawser", "hawser, callback owned", "connect-hawser.mjs", ["owned"]),
          hawserSubject("hawser-await", "hawser, await", "connect-hawser.mjs", ["await"]),
        ],
        measure: (subject, within) => measureConnect(subject, within, connections),
      },
    ];
  },
};
