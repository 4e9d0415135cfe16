// Runs the fuzzer of the binding in worker threads, one after the other, and counts what
// descriptors stay open when their reactors have ended with them. Started by fuzz.test.ts:
//   node fuzz-in-workers.mjs BUNDLED_FUZZER SECONDS [SEED]
import { once } from "node:events";
import { readdirSync } from "node:fs";
import process from "node:process";
import { Worker } from "node:worker_threads";

const [program, seconds, seed = String(Date.now() % 2 ** 31)] = process.argv.slice(2);
// The second worker finds loaded what the first one loaded, so that only what it leaks is new.
const warmUpSeconds = "0.2";

async function fuzz(duration) {
  const worker = new Worker(program, { argv: [`--seconds=${duration}`, `--seed=${seed}`] });
  const [code] = await once(worker, "exit");
  if (code !== 0) process.exit(code);
  return readdirSync("/dev/fd").length;
}

const before = await fuzz(warmUpSeconds);
const after = await fuzz(seconds);
console.log(`descriptors leaked: ${after - before}`);
