// `npm run check [-- NAME...]`: what can be told without running the product. CI runs exactly this
// and the tests. Each check is silent when all is well, and says the file and what to do when
// it is not; `npm run fix` mends what a program can mend.
import { availableParallelism } from "node:os";
import { checkApiReports } from "./checks/api-report.ts";
import { checkBuildFiles } from "./checks/build-files.ts";
import { checkConsumers } from "./checks/consumers.ts";
import { type Finding, formatFindings } from "./checks/finding.ts";
import { checkLayers } from "./checks/layers.ts";
import { formatNative, tidyNative } from "./checks/native-tools.ts";
import { checkPackage } from "./checks/package.ts";
import { checkSize } from "./checks/size.ts";
import { generate } from "./generate.ts";
import { type Outcome, run, tool } from "./run.ts";

const told = (findings: readonly Finding[]): Outcome => ({
  code: findings.length > 0 ? 1 : 0,
  output: formatFindings(findings),
});

const checks: Readonly<Record<string, () => Outcome | Promise<Outcome>>> = {
  types: () => run(tool("tsc"), ["-p", "tsconfig.json", "--pretty", "false"]),
  tidy: tidyNative,
  format: async () => {
    const script = await run(tool("biome"), ["format", "--colors=off"]);
    const native = await formatNative(false);
    return { code: script.code || native.code, output: failed(script) + failed(native) };
  },
  lint: () => run(tool("biome"), ["lint", "--error-on-warnings", "--colors=off"]),
  layers: () => told(checkLayers()),
  size: () => told(checkSize()),
  "build-files": () => told(checkBuildFiles()),
  generated: () => generate(true),
  consumers: checkConsumers,
  api: () => checkApiReports(false),
  package: checkPackage,
};

/** These read dist/ and build/, which are therefore made first. */
const ofTheBuild = new Set(["tidy", "consumers", "api", "package"]);

function failed({ code, output }: Outcome): string {
  return code === 0 ? "" : output;
}

async function check(names: readonly string[]): Promise<boolean> {
  let waiting = [...names];
  let ok = true;
  if (names.some((name) => ofTheBuild.has(name))) {
    const { code, output } = await run(process.execPath, ["scripts/build.mjs"]);
    if (code !== 0) {
      ok = false;
      waiting = names.filter((name) => !ofTheBuild.has(name));
      const missed = names.filter((name) => ofTheBuild.has(name));
      process.stdout.write(`FAIL build; not checked without it: ${missed.join(", ")}\n${output}\n`);
    }
  }
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      ok = (await checkOne(name)) && ok;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return ok;
}

async function checkOne(name: string): Promise<boolean> {
  const start = performance.now();
  const { code, output } = await outcomeOf(name);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const text = code === 0 ? "" : `\n${output.trimEnd()}\n`;
  process.stdout.write(`${code === 0 ? "ok  " : "FAIL"} ${name} (${seconds} s)${text}\n`);
  return code === 0;
}

async function outcomeOf(name: string): Promise<Outcome> {
  try {
    return (await checks[name]?.()) ?? { code: 1, output: "no such check" };
  } catch (error) {
    return { code: 1, output: error instanceof Error ? error.message : String(error) };
  }
}

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in checks));
if (unknown !== undefined) {
  console.error(`no check "${unknown}"; there are ${Object.keys(checks).join(", ")}.`);
  process.exitCode = 2;
} else if (!(await check(wanted.length > 0 ? wanted : Object.keys(checks)))) {
  process.exitCode = 1;
}
