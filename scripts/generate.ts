// `npm run generate [-- --check]`: runs every generator, that is every scripts/generate-*.ts. With
// --check each only says whether what it writes is fresh.
import { projectFiles } from "./files.ts";
import { type Outcome, runScript } from "./run.ts";

export async function generate(check: boolean): Promise<Outcome> {
  const scripts = projectFiles(["scripts"], [".ts"]).filter((path) =>
    path.startsWith("scripts/generate-"),
  );
  const outcomes: Outcome[] = [];
  for (const script of scripts) {
    const { code, output } = await runScript(script, check ? ["--check"] : []);
    outcomes.push({ code, output: code === 0 ? "" : `${script}:\n${output}` });
  }
  return {
    code: Math.max(0, ...outcomes.map(({ code }) => code)),
    output: outcomes.map(({ output }) => output).join(""),
  };
}

if (process.argv[1]?.endsWith("generate.ts")) {
  const { code, output } = await generate(process.argv.includes("--check"));
  process.stderr.write(output);
  process.exitCode = code;
}
