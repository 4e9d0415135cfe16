// The line protocol that every bench subject speaks: one JSON line with the port when ready, then
// an answer to each line on standard input. Runs under Node, Bun and Deno. Measures nothing.
import process from "node:process";
import { createInterface } from "node:readline";

function runtime() {
  if (process.versions.bun !== undefined) return ["Bun", process.versions.bun];
  if (process.versions.deno !== undefined) return ["Deno", process.versions.deno];
  return ["Node", process.versions.node];
}

function collectGarbage() {
  // Twice: what finalizers let go in the first is collected in the second.
  for (let pass = 0; pass < 2; pass++) {
    if (typeof globalThis.Bun !== "undefined") globalThis.Bun.gc(true);
    else globalThis.gc?.();
  }
}

async function memory() {
  collectGarbage();
  // Finalizers run from the loop.
  await new Promise((resolve) => setTimeout(resolve, 20));
  collectGarbage();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external };
}

const COMMANDS = { usage: () => process.cpuUsage(), memory };

/** Writes one line. */
export function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Says that this subject cannot run here, and ends. */
export function unavailable(why) {
  // Where a module was looked for is of no use to the reader.
  say({ unavailable: why.replace(/ in \S+package\.json.*| imported from .*/, "") });
  process.exitCode = 3;
}

/**
 * Tells the runner the port and answers it from then on. `commands` adds verbs, `more` adds to the
 * first line.
 */
export function announce(port, commands = {}, more = {}) {
  const [name, version] = runtime();
  const all = { ...COMMANDS, ...commands };
  const lines = createInterface({ input: process.stdin });
  lines.on("line", async (line) => {
    const [verb, ...words] = line.trim().split(" ");
    try {
      const command = all[verb];
      if (command === undefined) throw new Error(`no command ${verb}`);
      say(await command(...words));
    } catch (error) {
      say({ error: String(error?.message ?? error) });
    }
  });
  lines.on("close", () => process.exit(0));
  say({ port, runtime: name, version, ...more });
}
