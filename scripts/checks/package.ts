// package.json as npm, Node and bundlers will read it: publint, and what it does not know.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { type Outcome, root } from "../run.ts";

const hooks = ["preinstall", "install", "postinstall", "prepare", "prepublish"];

export async function checkPackage(): Promise<Outcome> {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const lines = manifestFindings(manifest);
  const { messages } = await publint({ pkgDir: root, strict: true });
  for (const message of messages) lines.push(formatMessage(message, manifest) ?? message.code);
  return { code: lines.length > 0 ? 1 : 0, output: lines.map((line) => `${line}\n`).join("") };
}

/** What makes an installation run something, or leaves out what it needs. */
export function manifestFindings(manifest: {
  gypfile?: unknown;
  scripts?: Record<string, string>;
  files?: string[];
  dependencies?: Record<string, string>;
}): string[] {
  const lines: string[] = [];
  if (manifest.gypfile !== false) {
    lines.push('package.json: without "gypfile": false npm runs node-gyp at every installation');
  }
  for (const hook of hooks) {
    if (manifest.scripts?.[hook])
      lines.push(`package.json: the script ${hook} runs at installation`);
  }
  for (const folder of ["dist", "prebuilds"]) {
    if (!manifest.files?.includes(folder)) lines.push(`package.json: files lacks ${folder}`);
  }
  if (Object.keys(manifest.dependencies ?? {}).length > 0) {
    lines.push("package.json: the package has no dependencies");
  }
  return lines;
}
