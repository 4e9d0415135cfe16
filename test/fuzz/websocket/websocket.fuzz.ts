// Coverage-guided fuzzing of the protocol core:
//
//   npm run fuzz -- websocket [--seconds N] [--seed N]
//   npx tsx test/fuzz/websocket/websocket.fuzz.ts --target NAME --keep
//
// Inputs that reach something new are mutated further; with --keep the shortest that reach it all
// become the corpus. A finding is kept in any case, is printed with its seed, and makes the exit
// code 1. The corpus is replayed by an ordinary test.

import { parseArgs } from "node:util";
import { keep, readCorpus, writeCorpus } from "./corpus.ts";
import { Coverage } from "./coverage.ts";
import { Mutator } from "./mutator.ts";
import type { Target } from "./target.ts";
import { TARGETS } from "./targets.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    target: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1e9) },
    keep: { type: "boolean", default: false },
  },
});

/** Inputs are no longer than this: what needs more is better written as a test. */
const MAX_INPUT_BYTES = 1_500;

interface Result {
  readonly runs: number;
  readonly blocks: number;
  readonly kept: number;
  readonly failed: boolean;
}

const CORE = "/lib/websocket/protocol/";

/** The shortest inputs that together reach everything that all of them reach. */
function minimize(target: Target, inputs: readonly Buffer[]): Buffer[] {
  const coverage = new Coverage(CORE);
  const sorted = [...inputs].sort((a, b) => a.length - b.length || Buffer.compare(a, b));
  const needed = sorted.filter((input) => {
    target.run(Buffer.from(input));
    return coverage.take();
  });
  coverage.stop();
  return needed;
}

function fuzz(target: Target, milliseconds: number, seed: number): Result {
  const mutator = new Mutator(seed, target.dictionary, MAX_INPUT_BYTES);
  const coverage = new Coverage(CORE);
  const pool: Buffer[] = [];
  let runs = 0;
  const attempt = (input: Buffer): boolean => {
    runs++;
    try {
      target.run(Buffer.from(input));
    } catch (error) {
      const path = keep(target.name, input);
      process.stderr.write(`${target.name}: last line of ${path} (seed ${seed})\n${error}\n`);
      return false;
    }
    if (coverage.take()) pool.push(input);
    return true;
  };
  let good = [...readCorpus(target.name), ...target.seeds].every(attempt);
  const end = performance.now() + milliseconds;
  while (good && performance.now() < end) good = attempt(mutator.next(pool));
  coverage.stop();
  const kept = good && values.keep ? minimize(target, pool) : null;
  if (kept !== null) writeCorpus(target.name, kept);
  return { runs, blocks: coverage.size, kept: kept?.length ?? 0, failed: !good };
}

process.stdout.write(`seed ${values.seed}\n`);
const targets = TARGETS.filter(({ name }) => values.target === undefined || values.target === name);
if (targets.length === 0) {
  process.stderr.write(
    `no such target; there are: ${TARGETS.map(({ name }) => name).join(", ")}\n`,
  );
  process.exit(2);
}
const share = (Number(values.seconds) * 1_000) / targets.length;
for (const target of targets) {
  const { runs, kept, blocks, failed } = fuzz(target, share, Number(values.seed));
  process.stdout.write(`${target.name}: ${runs} inputs, ${blocks} blocks, ${kept} kept\n`);
  if (failed) process.exitCode = 1;
}
