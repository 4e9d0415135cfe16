// How callbacks are called that belong to no flow: what they throw, or a promise of theirs rejects
// with, reaches uncaughtException and stops nothing (B55). Not here: those of flows, which end with
// it (flow-base.ts).

import { report } from "../../socket/reactor.ts";

/** What the callback returns; undefined where it throws. */
export function guarded(callback: () => unknown): unknown {
  try {
    const result = callback() as PromiseLike<unknown> | null | undefined;
    if (typeof result?.then === "function") result.then(undefined, report);
    return result;
  } catch (error) {
    report(error);
    return undefined;
  }
}
