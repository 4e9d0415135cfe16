// What the echo suites share: scenarios of size, connections and depth, and how one round of one
// server is measured with the C generator.
import { compile } from "../harness/compile.ts";
import { doubts, type LoadResult, runLoad } from "../harness/load.ts";
import { startSubject } from "../harness/processes.ts";
import type { Metric } from "../harness/results.ts";
import type { Context, Measured, Scenario, Subject } from "../harness/suite.ts";

export const CPU_PER_MESSAGE: Metric = {
  key: "cpu",
  label: "CPU a message",
  unit: "ns",
  better: "lower",
};
export const MESSAGES_A_SECOND: Metric = {
  key: "messages",
  label: "messages",
  unit: "per-second",
  better: "higher",
};

/** Conditions of an echo scenario: bytes of a message, connections, messages in flight on each. */
export interface EchoParameters {
  readonly size: number;
  readonly connections: number;
  readonly depth: number;
}

/** `16KiB`, `20B`. */
export function sizeName(bytes: number): string {
  if (bytes >= 1 << 20 && bytes % (1 << 20) === 0) return `${bytes >> 20}MiB`;
  if (bytes >= 1 << 10 && bytes % (1 << 10) === 0) return `${bytes >> 10}KiB`;
  return `${bytes}B`;
}

export const DEFAULT_CONNECTIONS = 50;

/** `20B`, `20B-d16`, `20B-c1000`: what differs from 50 connections at depth 1 is named. */
export function echoId({ size, connections, depth }: EchoParameters): string {
  const parts = [sizeName(size)];
  if (connections !== DEFAULT_CONNECTIONS) parts.push(`c${connections}`);
  if (depth !== 1) parts.push(`d${depth}`);
  return parts.join("-");
}

export function echoTitle(prefix: string, { size, connections, depth }: EchoParameters): string {
  const flight = depth === 1 ? "" : `, ${depth} in flight`;
  return `${prefix} ${sizeName(size)}, ${connections} connections${flight}`;
}

/** The command line's one scenario where it names one, else the suite's own. */
export function chooseParameters(
  options: Context["options"],
  own: readonly EchoParameters[],
): readonly EchoParameters[] {
  const { size, connections, depth } = options;
  if (size === null && connections === null && depth === null) return own;
  return [{ size: size ?? 20, connections: connections ?? DEFAULT_CONNECTIONS, depth: depth ?? 1 }];
}

/** Messages before a window, up to four times the warm-up's time. */
const WARMUP_MESSAGES = 30_000;

/** One round: a fresh server, warm-up, one window. */
export async function measureEcho(
  subject: Subject,
  context: Context,
  parameters: Readonly<Record<string, number | string>>,
): Promise<{ result: LoadResult; version: string }> {
  const load = await compile("load");
  const command = await subject.command(context);
  const running = await startSubject(command, context.cores.server);
  try {
    const result = await runLoad(
      load,
      {
        duration: context.options.durationMs,
        warmup: context.options.warmupMs,
        "warmup-messages": context.options.warmupMs === 0 ? 0 : WARMUP_MESSAGES,
        ...parameters,
      },
      running,
      context.cores.generator,
    );
    return { result, version: running.version };
  } finally {
    await running.process.stop();
  }
}

function toMeasured({ result, version }: { result: LoadResult; version: string }): Measured {
  return {
    sample: {
      cpu: result.serverCpuNs / result.messages,
      messages: result.messages / result.seconds,
    },
    version,
    doubts: doubts(result),
  };
}

/** A closed-loop echo scenario. */
export function echoScenario(
  prefix: string,
  protocol: string,
  parameters: EchoParameters,
  subjects: readonly Subject[],
): Scenario {
  return {
    id: echoId(parameters),
    title: echoTitle(prefix, parameters),
    parameters: { ...parameters },
    metrics: [CPU_PER_MESSAGE, MESSAGES_A_SECOND],
    reference: "c",
    subjects,
    measure: async (subject, context) =>
      toMeasured(await measureEcho(subject, context, { ...parameters, protocol })),
  };
}
