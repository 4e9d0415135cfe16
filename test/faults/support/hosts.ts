// Scenarios as tests: each on hosts of its own, side by side, over one stream or over several.
// Not here: the hosts (machines.ts).

import { describe, test, vi } from "vitest";
import { type Hosts, withHosts } from "./machines.ts";
import type { StreamCase } from "./pairs.ts";
import { crowdSize, slowness } from "./program.ts";
import { whatIsMissing } from "./requirements.ts";

export * from "./machines.ts";

/** Why none of this can run here, or undefined. */
export const missing = whatIsMissing();
/**
 * Scenarios at once: nearly all of their time they wait for the kernel's. Where everything is
 * slower by design, or each has a crowd beside it, fewer keep one another from being on time.
 */
vi.setConfig({ maxConcurrency: crowdSize > 0 ? 2 : slowness > 1 ? 4 : 8 });
/** Set-up, the fault and its bound together; the scenarios state their own bounds. */
const SCENARIO_LIMIT_MS = 90_000 * slowness;

/** A group of scenarios, run side by side: each has hosts of its own. */
export function scenarios(
  name: string,
  table: Readonly<Record<string, (hosts: Hosts) => Promise<void>>>,
): void {
  const title = missing === undefined ? name : `${name} (skipped: ${missing})`;
  const group = missing === undefined ? describe.concurrent : describe.skip;
  group(title, () => {
    for (const [what, body] of Object.entries(table)) {
      test(what, () => withHosts(body), SCENARIO_LIMIT_MS);
    }
  });
}

/** The same scenarios over each of several streams. */
export function scenariosOver(
  name: string,
  streams: readonly StreamCase[],
  table: Readonly<Record<string, (hosts: Hosts, stream: StreamCase) => Promise<void>>>,
): void {
  for (const stream of streams) {
    const bound = Object.entries(table).map(
      ([what, body]) => [what, (hosts: Hosts) => body(hosts, stream)] as const,
    );
    scenarios(`${name}, over ${stream.name}`, Object.fromEntries(bound));
  }
}
