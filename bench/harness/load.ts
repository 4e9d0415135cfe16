// Runs a C load generator against a running subject and reads what it measured. Takes the server's
// CPU time from the generator's clock, or asks the server itself where the system has none.
import {
  askCpuNs,
  LineProcess,
  type RunningSubject,
  tellingLine,
  UnavailableError,
} from "./processes.ts";
import type { LatencyCurve } from "./results.ts";

/** Share of a core's time above which a process is taken to be saturated. */
export const SATURATED = 0.95;
/** Share of the window a process may wait for its core before the machine counts as busy. */
export const BUSY = 0.05;
const ANSWER_TIMEOUT_MS = 120_000;

/** What a generator reports, with the server's CPU time filled in. */
export interface LoadResult {
  readonly messages: number;
  readonly seconds: number;
  readonly serverCpuNs: number;
  readonly generatorCpuNs: number;
  /** Time the two were runnable and had no core, or null where the system does not tell. */
  readonly serverWaitNs: number | null;
  readonly generatorWaitNs: number | null;
  readonly latency: Latency | null;
  /** Whatever else that generator says. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly curve: LatencyCurve;
}

const numberOrNull = (value: unknown): number | null => (typeof value === "number" ? value : null);

/** What a window's numbers leave in doubt; empty when nothing. */
export function doubts(result: LoadResult): string[] {
  const windowNs = result.seconds * 1e9;
  const serverWait = result.serverWaitNs ?? 0;
  const generatorWait = result.generatorWaitNs ?? 0;
  const found: string[] = [];
  const serverFull = (result.serverCpuNs + serverWait) / windowNs >= SATURATED;
  const generatorFull = (result.generatorCpuNs + generatorWait) / windowNs >= SATURATED;
  if (generatorFull && !serverFull) found.push("the generator was the bottleneck");
  if (serverWait / windowNs > BUSY || generatorWait / windowNs > BUSY) {
    found.push("other work ran on these cores");
  }
  return found;
}

/**
 * One measured window.
 * @throws Error in the generator's words: wrong payload, lost connection, nothing came back.
 */
export async function runLoad(
  program: string,
  parameters: Readonly<Record<string, number | string>>,
  subject: RunningSubject,
  core: number | null,
): Promise<LoadResult> {
  const all = { port: subject.port, "server-pid": subject.pid, ...parameters };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const generator = new LineProcess({ file: program, args }, core);
  let asked = 0;
  let fallback: number | null = null;
  try {
    for (;;) {
      const line = await generator.next(ANSWER_TIMEOUT_MS);
      if (line === null) throw new Error(`the generator: ${tellingLine(generator.stderr)}`);
      if (typeof line.error === "string") throw new Error(line.error);
      if (typeof line.unavailable === "string") throw new UnavailableError(line.unavailable);
      if (line.event === "begin" || line.event === "end") {
        // On Linux the clock of another process can be read, and asking would cost it time.
        if (process.platform === "linux") continue;
        const now = await askCpuNs(subject);
        if (line.event === "begin") asked = now;
        else fallback = now - asked;
        continue;
      }
      return toResult(line, fallback);
    }
  } finally {
    await generator.stop();
  }
}

function toResult(line: Record<string, unknown>, fallback: number | null): LoadResult {
  const serverCpuNs = numberOrNull(line.serverCpuNs) ?? fallback;
  if (serverCpuNs === null) throw new Error("the server's CPU time could not be read");
  return {
    messages: Number(line.messages),
    seconds: Number(line.seconds),
    serverCpuNs,
    generatorCpuNs: Number(line.generatorCpuNs),
    serverWaitNs: numberOrNull(line.serverWaitNs),
    generatorWaitNs: numberOrNull(line.generatorWaitNs),
    latency: (line.latency as Latency | undefined) ?? null,
    fields: line,
  };
}
