// UDP: what receiving, sending and echoing a small datagram costs, against C programs that use the
// kernel's batched calls. Linux only: the C programs measure recvmmsg, UDP_SEGMENT and UDP_GRO.
import { measureClient } from "../harness/clients.ts";
import { compile } from "../harness/compile.ts";
import { doubts, type LoadResult, runLoad } from "../harness/load.ts";
import { type RunningSubject, startSubject } from "../harness/processes.ts";
import type { Metric } from "../harness/results.ts";
import { bunSubject, cSubject, hawserSubject, nodeSubject } from "../harness/subjects.ts";
import type { Context, Measured, Scenario, Subject, Suite } from "../harness/suite.ts";
import { DEFAULT_CONNECTIONS, sizeName } from "./echo.ts";

const DEFAULT_BYTES = 64;
const PLAIN_RECEIVE_BUFFER = 212_992;
/** Of what was sent to the sink, the least that must have come for the sender to be believed. */
const SINK_SHARE = 0.001;

const METRICS: readonly Metric[] = [
  { key: "cpu", label: "CPU a datagram", unit: "ns", better: "lower" },
  { key: "perCpuSecond", label: "datagrams a CPU second", unit: "per-second", better: "higher" },
];

function sampleOf(cpuNs: number, datagrams: number) {
  return { cpu: cpuNs / datagrams, perCpuSecond: (datagrams / cpuNs) * 1e9 };
}

/** Every datagram must have come, with its content. */
async function checkReceived(running: RunningSubject, result: LoadResult): Promise<void> {
  const count = await running.process.ask("count");
  const { sent, sum } = result.fields;
  if (count.datagrams !== sent) throw new Error(`${sent} datagrams sent, ${count.datagrams} came`);
  if (count.sum !== sum) throw new Error("datagrams came changed");
}

async function measureReceive(
  subject: Subject,
  context: Context,
  size: number,
  gso: boolean,
): Promise<Measured> {
  const load = await compile("load_udp_fill");
  const running = await startSubject(await subject.command(context), context.cores.server);
  try {
    const { durationMs, warmupMs } = context.options;
    const receiveBuffer = Number(running.said.receiveBuffer ?? PLAIN_RECEIVE_BUFFER);
    const result = await runLoad(
      load,
      {
        size,
        gso: gso ? 1 : 0,
        "receive-buffer": receiveBuffer,
        duration: durationMs,
        warmup: warmupMs,
      },
      running,
      context.cores.generator,
    );
    await checkReceived(running, result);
    return {
      sample: sampleOf(result.serverCpuNs, result.messages),
      version: running.version,
      doubts: [],
    };
  } finally {
    await running.process.stop();
  }
}

async function measureSend(subject: Subject, context: Context, size: number): Promise<Measured> {
  const sink = cSubject("udp_receive", ["--gro"]);
  const result = await measureClient(subject, sink, context, { size }, async (server, messages) => {
    const count = await server.process.ask("count");
    if (Number(count.datagrams) < messages * SINK_SHARE) {
      throw new Error(`${messages} datagrams sent, ${count.datagrams} came`);
    }
  });
  return { sample: sampleOf(result.cpuNs, result.messages), version: result.version, doubts: [] };
}

async function measureFlows(
  subject: Subject,
  context: Context,
  size: number,
  connections: number,
): Promise<Measured> {
  const load = await compile("load_udp_echo");
  const running = await startSubject(await subject.command(context), context.cores.server);
  try {
    const { durationMs, warmupMs } = context.options;
    const result = await runLoad(
      load,
      { size, connections, duration: durationMs, warmup: warmupMs },
      running,
      context.cores.generator,
    );
    return {
      sample: sampleOf(result.serverCpuNs, result.messages),
      version: running.version,
      doubts: doubts(result),
    };
  } finally {
    await running.process.stop();
  }
}

function subjectsOf(mode: "receive" | "gro" | "send" | "echo", c: Subject): Subject[] {
  const peerMode = mode === "gro" ? "receive" : mode;
  const style = mode === "echo" ? "flows" : mode === "send" ? "sendMany" : "batch";
  return [
    c,
    hawserSubject("hawser", `hawser, ${style}`, "udp-hawser.mjs", [mode]),
    nodeSubject("node", "node:dgram", "udp-node.mjs", [peerMode]),
    bunSubject("udp-bun.mjs", [peerMode]),
  ];
}

export const udp: Suite = {
  id: "udp",
  title: "UDP",
  async scenarios({ options }): Promise<Scenario[]> {
    const size = options.size ?? DEFAULT_BYTES;
    const connections = options.connections ?? DEFAULT_CONNECTIONS;
    const bytes = sizeName(size);
    const common = { parameters: { size, connections }, metrics: METRICS, reference: "c" };
    return [
      {
        ...common,
        id: "receive",
        title: `UDP receive ${bytes}, draining a filled queue`,
        subjects: subjectsOf("receive", cSubject("udp_receive")),
        measure: (subject, context) => measureReceive(subject, context, size, false),
      },
      {
        ...common,
        id: "receive-gro",
        title: `UDP receive ${bytes} sent as segments, draining a filled queue`,
        subjects: subjectsOf("gro", cSubject("udp_receive", ["--gro"])),
        measure: (subject, context) => measureReceive(subject, context, size, true),
      },
      {
        ...common,
        id: "send",
        title: `UDP send ${bytes} to one peer`,
        subjects: subjectsOf("send", cSubject("udp_send")),
        measure: (subject, context) => measureSend(subject, context, size),
      },
      {
        ...common,
        id: "echo",
        title: `UDP echo ${bytes}, ${connections} peers`,
        subjects: subjectsOf("echo", cSubject("udp_echo")),
        measure: (subject, context) => measureFlows(subject, context, size, connections),
      },
    ];
  },
};
