// Runs the cases against a side under test and says what deviates. Not here: what a case is
// (case.ts, cases/), how it is carried out (session.ts), what is printed (report.ts).

import type { Case } from "./case.ts";
import { type Patience, Session } from "./session.ts";
import type { Subject } from "./subjects.ts";

export interface Result {
  readonly id: string;
  readonly title: string;
  /** "late": right, but only when more had come than had to. */
  readonly verdict: "ok" | "late" | "wrong";
  /** What was wrong; empty otherwise. */
  readonly detail: string;
}

export interface SuiteOptions {
  readonly patience?: Patience;
  /** Connections at once. */
  readonly width?: number;
}

const slowness = Number(process.env["HAWSER_TEST_SLOWNESS"] ?? 1);

/** A verdict that needs longer than a connection's round trip here is late. */
export const PATIENCE: Patience = { answerMs: 10_000 * slowness, verdictMs: 300 * slowness };

/** The results in the order of the cases. */
export async function runCases(
  cases: readonly Case[],
  subject: Subject,
  { patience = PATIENCE, width = 8 }: SuiteOptions = {},
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async () => {
    while (next < cases.length) {
      const index = next++;
      results[index] = await runCase(cases[index] as Case, subject, patience);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

async function runCase(one: Case, subject: Subject, patience: Patience): Promise<Result> {
  const { id, title } = one;
  for (const [index, run] of one.runs.entries()) {
    const where = one.runs.length > 1 ? `run ${index + 1}: ` : "";
    try {
      const session = new Session(await subject.open(), subject.side, patience);
      if ((await session.carryOut(run)) === "late") {
        return { id, title, verdict: "late", detail: `${where}the verdict came late` };
      }
    } catch (error) {
      const detail = `${where}${error instanceof Error ? error.message : String(error)}`;
      return { id, title, verdict: "wrong", detail };
    }
  }
  return { id, title, verdict: "ok", detail: "" };
}

/** What is not in order, shortly. */
export function deviations(results: readonly Result[]): string[] {
  return results
    .filter(({ verdict }) => verdict !== "ok")
    .map(({ id, verdict, detail }) =>
      verdict === "late" ? `${id} late` : `${id} wrong: ${detail}`,
    );
}
