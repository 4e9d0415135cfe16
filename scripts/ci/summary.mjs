// Adds up what the sections left, names what was skipped, and refuses a skip that this machine
// could have run. Ends with the one line: N passed, N failed, N skipped.
//   node scripts/ci/summary.mjs FOLDER
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/**
 * The reasons that hold on a CI machine too, as they stand in the names of tests. All else that is
 * skipped there could have run: .ci/run installs what a test needs.
 */
const holdsInCi = [
  process.platform === "linux" ? /\bmacOS\b|\bDarwin\b|\bkqueue\b/i : /\bLinux\b|\bepoll\b/i,
  /\bthis kernel\b/i,
  ...(process.getuid?.() === 0 ? [] : [/\broot\b|\bCAP_\w+|\bprivilege/i]),
];

const folder = process.argv[2] ?? "build/ci";
const totals = { passed: 0, failed: 0, skipped: 0 };
const refused = [];
const reasons = new Map();

for (const file of readdirSync(folder).sort()) {
  if (!/\.(?:counts|json)$/.test(file)) continue;
  const text = readFileSync(join(folder, file), "utf8");
  if (file.endsWith(".counts")) {
    const [passed = 0, failed = 0, skipped = 0] = text.trim().split(" ").map(Number);
    add(file, passed, failed, skipped);
    if (skipped > 0) refused.push(`${file}: ${skipped} skipped`);
  } else {
    readVitest(file, JSON.parse(text));
  }
}

function add(file, passed, failed, skipped) {
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped += skipped;
  const name = file.replace(/\.\w+$/, "");
  console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
}

function readVitest(file, { testResults, numFailedTests }) {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const skipped = tests.filter(({ status }) => status !== "passed" && status !== "failed");
  const passed = tests.filter(({ status }) => status === "passed").length;
  // A file that cannot be loaded has no tests, and has failed.
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  for (const { name } of broken) console.log(`${file}: ${name} could not be run`);
  add(file, passed, numFailedTests + broken.length, skipped.length);
  for (const { fullName } of skipped) {
    reasons.set(fullName, (reasons.get(fullName) ?? 0) + 1);
    if (!holdsInCi.some((reason) => reason.test(fullName))) refused.push(`${file}: ${fullName}`);
  }
}

for (const [name, times] of reasons) console.log(`skipped (${times} times): ${name}`);
if (process.env.CI && refused.length > 0) {
  console.log(`\nskipped, and could have run here:\n  ${refused.join("\n  ")}`);
  process.exitCode = 1;
}
if (totals.failed > 0 || totals.passed === 0) process.exitCode = 1;
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
