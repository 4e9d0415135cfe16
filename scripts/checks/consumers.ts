// The published types as their users see them: every entry point of the package and the examples,
// under each module resolution that TypeScript has for it. The clone refers to itself by the
// package's name, so that `exports` of package.json is what is tested.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectFiles } from "../files.ts";
import { type Outcome, root, run, tool } from "../run.ts";

/** module, moduleResolution, and whether CommonJS modules may require an ES module there. */
const settings = [
  { module: "node16", moduleResolution: "node16", requires: false },
  { module: "nodenext", moduleResolution: "nodenext", requires: true },
  { module: "esnext", moduleResolution: "bundler", requires: false },
];

/** The names by which the package's modules are imported. */
export function entryPointNames(): string[] {
  const { name, exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    name: string;
    exports: Record<string, unknown>;
  };
  return Object.keys(exports)
    .filter((key) => key !== "./package.json")
    .map((key) => name + key.slice(1));
}

export async function checkConsumers(): Promise<Outcome> {
  const folder = join(root, "build", "consumers");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const names = entryPointNames();
  const imports = names.map((name, index) => `import * as m${index} from "${name}";`);
  const uses = names.map((_, index) => `void m${index};`);
  writeFileSync(join(folder, "imports.mts"), `${[...imports, ...uses].join("\n")}\n`);
  const requires = names.map((name, index) => `import m${index} = require("${name}");`);
  writeFileSync(join(folder, "requires.cts"), `${[...requires, ...uses].join("\n")}\n`);

  const examples = projectFiles(["examples"], [".ts", ".mts"]).map((path) => join(root, path));
  const outcomes = await Promise.all(
    settings.map(async ({ requires: withRequires, ...setting }) => {
      const config = join(folder, `tsconfig.${setting.moduleResolution}.json`);
      const files = ["imports.mts", ...(withRequires ? ["requires.cts"] : []), ...examples];
      writeFileSync(config, JSON.stringify(consumerConfig(setting, files)));
      const { code, output } = await run(tool("tsc"), ["-p", config]);
      return { code, output: code === 0 ? "" : `${setting.moduleResolution}:\n${output}` };
    }),
  );
  return {
    code: Math.max(...outcomes.map(({ code }) => code)),
    output: outcomes.map(({ output }) => output).join(""),
  };
}

function consumerConfig(setting: { module: string; moduleResolution: string }, files: string[]) {
  return {
    compilerOptions: {
      ...setting,
      target: "es2022",
      lib: ["es2023", "esnext.disposable"],
      types: ["node"],
      strict: true,
      exactOptionalPropertyTypes: true,
      // Declarations are what is checked here, so they are not skipped.
      skipLibCheck: false,
      noEmit: true,
    },
    files,
  };
}
