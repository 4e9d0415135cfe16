// The API report: the public surface of each entry point in one file of etc/, kept in git, so that
// a change of it shows in a review. Made by API Extractor from dist/*.d.ts.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Extractor, ExtractorConfig, type IConfigFile } from "@microsoft/api-extractor";
import { type Outcome, root } from "../run.ts";

/** Compares the reports with the types, or with `write` brings them up to date. */
export function checkApiReports(write: boolean): Outcome {
  mkdirSync(join(root, "etc"), { recursive: true });
  const outcomes = entryTypes().map((types) => checkApiReport(types, write));
  return {
    code: Math.max(...outcomes.map(({ code }) => code)),
    output: outcomes.map(({ output }) => output).join(""),
  };
}

/** The declaration files that package.json's `exports` names. */
function entryTypes(): string[] {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: Record<string, string | { types: string }>;
  };
  return Object.values(exports).flatMap((entry) =>
    typeof entry === "string" ? [] : [join(root, entry.types)],
  );
}

function checkApiReport(types: string, write: boolean): Outcome {
  const name = basename(types, ".d.ts");
  const reportFileName = name === "index" ? "hawser.api.md" : `hawser-${name}.api.md`;
  if (!existsSync(types)) return { code: 1, output: `${types} is missing: run npm run build.\n` };
  const lines: string[] = [];
  const result = Extractor.invoke(configuration(types, reportFileName), {
    localBuild: write,
    messageCallback: (message) => {
      message.handled = true;
      if (message.logLevel === "error") lines.push(`${message.text}\n`);
    },
  });
  if (result.apiReportChanged && !write) {
    lines.push(
      `etc/${reportFileName} is not what dist says: look at the change, then npm run fix.\n`,
    );
    return { code: 1, output: lines.join("") };
  }
  return { code: result.errorCount > 0 ? 1 : 0, output: lines.join("") };
}

function configuration(types: string, reportFileName: string): ExtractorConfig {
  const log = (logLevel: string) => ({ logLevel }) as { logLevel: never };
  const configObject: IConfigFile = {
    projectFolder: root,
    mainEntryPointFilePath: types,
    compiler: {
      overrideTsconfig: {
        compilerOptions: {
          target: "es2022",
          module: "nodenext",
          moduleResolution: "nodenext",
          lib: ["es2023", "esnext.disposable"],
          types: ["node"],
          strict: true,
          skipLibCheck: true,
        },
        files: [types],
      },
    },
    apiReport: {
      enabled: true,
      reportFileName,
      reportFolder: join(root, "etc"),
      reportTempFolder: join(root, "build", "api"),
      includeForgottenExports: true,
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    newlineKind: "lf",
    messages: {
      compilerMessageReporting: { default: log("error") },
      // Said in the report itself, where a review sees it; except what does not hold here: there
      // are no release tags, and what is exported is public.
      extractorMessageReporting: {
        default: { ...log("none"), addToApiReportFile: true },
        "ae-missing-release-tag": log("none"),
        "ae-unresolved-link": log("none"),
      },
      // The docstrings are TypeScript's, not TSDoc's.
      tsdocMessageReporting: { default: log("none") },
    },
  };
  return ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: join(root, "api-extractor.json"),
    packageJsonFullPath: join(root, "package.json"),
  });
}
