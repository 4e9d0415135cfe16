// Reads the reports that sanitizers wrote into a folder (log_path) and tells those that are about
// the addon. Exits 1 when there is one.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A frame of the addon: by its source where symbols are known, by its file where they are not. */
const ours = /\bhawser\.node\b|\/native\/(?:binding|reactor|socket|platform)\//;

/** What V8 allocates for itself (pages, maps, compiled code), and JavaScript in between. */
const engine = /\bin v8::(?:internal|base)::|\bin Builtins_|\(<unknown module>\)/;

/**
 * Whether a leak's memory was asked for by the addon, itself or through Node-API: whether a frame
 * of it stands below everything of V8's own. Where the process ends in the middle of a turn, all
 * that V8 holds has our dispatch somewhere up its stack.
 */
function isOurs(leak: string): boolean {
  for (const frame of leak.split("\n")) {
    if (ours.test(frame)) return true;
    if (engine.test(frame)) return false;
  }
  return false;
}

/** The parts of one report that matter: leaks that are ours, and every other error. */
export function findingsIn(report: string): string[] {
  const parts = report.split(
    /^(?=(?:Direct|Indirect) leak of |SUMMARY: |={18}$|==\d+==|\S+ runtime error: )/m,
  );
  const findings: string[] = [];
  for (const part of parts) {
    if (/^(?:Direct|Indirect) leak of /.test(part)) {
      if (isOurs(part)) findings.push(part);
    } else if (/ERROR: (?!LeakSanitizer: detected)|runtime error: /.test(part)) {
      findings.push(part);
    } else if (/WARNING: ThreadSanitizer/.test(part)) {
      findings.push(part);
    }
  }
  return findings;
}

if (process.argv[1]?.endsWith("sanitizer-reports.ts")) {
  const folder = process.argv[2] ?? "";
  const files = existsSync(folder) ? readdirSync(folder) : [];
  for (const file of files) {
    for (const finding of findingsIn(readFileSync(join(folder, file), "utf8"))) {
      process.stderr.write(`${file}:\n${finding}\n`);
      process.exitCode = 1;
    }
  }
}
