// Broadcast: one WebSocket message to thousands; CPU time of the server a delivery.
import { compile } from "../harness/compile.ts";
import { doubts, runLoad } from "../harness/load.ts";
import { startSubject } from "../harness/processes.ts";
import {
  bunSubject,
  cSubject,
  hawserSubject,
  packageSubject,
  uwsSubject,
} from "../harness/subjects.ts";
import type { Context, Measured, Scenario, Subject, Suite } from "../harness/suite.ts";
import { sizeName } from "./echo.ts";

const DEFAULT_RECEIVERS = 5_000;
const DEFAULT_BYTES = 100;

const SUBJECTS: readonly Subject[] = [
  cSubject("ws_echo_epoll", ["--broadcast"]),
  hawserSubject("hawser", "hawser, publish", "broadcast-hawser.mjs", []),
  hawserSubject("hawser-ws", "hawser/ws", "broadcast-ws.mjs", ["hawser"]),
  packageSubject("ws", "ws", "ws", "broadcast-ws.mjs", ["ws"]),
  bunSubject("broadcast-bun.mjs"),
  uwsSubject("broadcast-uws.mjs"),
];

async function measure(
  subject: Subject,
  context: Context,
  parameters: Readonly<Record<string, number>>,
): Promise<Measured> {
  const load = await compile("load_broadcast");
  const running = await startSubject(await subject.command(context), context.cores.server);
  try {
    const { durationMs, warmupMs } = context.options;
    const result = await runLoad(
      load,
      { ...parameters, duration: durationMs, warmup: warmupMs },
      running,
      context.cores.generator,
    );
    return {
      sample: {
        cpu: result.serverCpuNs / result.messages,
        deliveries: result.messages / result.seconds,
      },
      version: running.version,
      doubts: doubts(result),
    };
  } finally {
    await running.process.stop();
  }
}

export const broadcast: Suite = {
  id: "broadcast",
  title: "Broadcast",
  async scenarios({ options }): Promise<Scenario[]> {
    const connections = options.connections ?? DEFAULT_RECEIVERS;
    const size = options.size ?? DEFAULT_BYTES;
    return [
      {
        id: `${sizeName(size)}-to-${connections}`,
        title: `Broadcast of ${sizeName(size)} to ${connections} WebSockets`,
        parameters: { size, connections },
        metrics: [
          { key: "cpu", label: "CPU a delivery", unit: "ns", better: "lower" },
          { key: "deliveries", label: "deliveries", unit: "per-second", better: "higher" },
        ],
        reference: "c",
        subjects: SUBJECTS,
        measure: (subject, context) => measure(subject, context, { size, connections }),
      },
    ];
  },
};
