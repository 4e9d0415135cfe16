// Which blocks of the protocol core an input reaches, from V8's own counters (node:inspector,
// Profiler.takePreciseCoverage). No instrumentation and no dependency.

import { type Profiler, Session } from "node:inspector";

/** Counts are told apart by their power of two: a loop that runs longer is news, once. */
function bucketOf(count: number): number {
  return 32 - Math.clz32(count);
}

export class Coverage {
  private readonly session = new Session();
  private readonly seen = new Set<string>();
  private readonly wanted: string;

  /** Only scripts whose address contains `wanted` count. */
  constructor(wanted: string) {
    this.wanted = wanted;
    this.session.connect();
    this.session.post("Profiler.enable");
    this.session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** How many different block and bucket pairs were ever seen. */
  get size(): number {
    return this.seen.size;
  }

  /** True when what ran since the last call reached something new. */
  take(): boolean {
    let scripts: Profiler.ScriptCoverage[] = [];
    // The session is connected to this thread: the answer comes before post() returns.
    this.session.post("Profiler.takePreciseCoverage", (_, answer) => {
      scripts = answer.result;
    });
    const before = this.seen.size;
    for (const script of scripts) {
      if (!script.url.includes(this.wanted)) continue;
      for (const { ranges } of script.functions) {
        for (const range of ranges) {
          if (range.count === 0) continue;
          this.seen.add(
            `${script.scriptId}:${range.startOffset}:${range.endOffset}:${bucketOf(range.count)}`,
          );
        }
      }
    }
    return this.seen.size > before;
  }

  stop(): void {
    this.session.disconnect();
  }
}
