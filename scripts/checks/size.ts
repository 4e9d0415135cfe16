// How long files and lines may be, and which are longer for a reason. The length of functions is
// checked by Biome (biome.json) and clang-tidy (.clang-tidy).
import { projectFiles, readAll } from "../files.ts";
import type { Finding } from "./finding.ts";

/** The rule is "about 400"; a little more is no reason to split. */
export const maxFileLines = 450;
export const maxLineColumns = 100;

/** Files that may be longer, each with the reason why it is worse in parts. */
export const longFiles: Readonly<Record<string, string>> = {};

const folders = ["lib", "native", "scripts", "test", "bench", "examples"];
const endings = [".ts", ".mjs", ".h", ".cc", ".c", ".def", ".txt"];

/** A generated file says so in its head, and its generator answers for its length. */
const generatedMark = /\b(?:generated|made) by scripts\//i;

/**
 * A link, a test's title or another literal cannot be broken: what counts is the line without its
 * longest one. Whoever formats the code has broken what can be.
 */
function isUnbreakable(line: string): boolean {
  if (/https?:\/\/\S+/.test(line)) return true;
  const code = line.trimStart();
  if (/^(?:\/\/|\/?\*)/.test(code)) return false;
  const literals =
    code.match(/"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|\/(?:[^/\\\n]|\\.)+\/[a-z]*/g) ?? [];
  const longest = Math.max(0, ...literals.map((literal) => [...literal].length));
  return [...line].length - longest <= maxLineColumns / 2;
}

/** The files that these limits are for. */
export function sizedFiles(): string[] {
  return projectFiles(folders, endings);
}

export function checkSize(): Finding[] {
  return sizeFindings(readAll(sizedFiles()), longFiles);
}

export function sizeFindings(
  files: ReadonlyMap<string, string>,
  allowed: Readonly<Record<string, string>>,
): Finding[] {
  const findings: Finding[] = [];
  for (const [path, text] of files) {
    const lines = text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    if (generatedMark.test(lines.slice(0, 5).join("\n"))) continue;
    if (lines.length > maxFileLines && allowed[path] === undefined) {
      const message = `${lines.length} lines: split it, or give the reason in checks/size.ts`;
      findings.push({ path, message });
    }
    lines.forEach((line, index) => {
      if ([...line].length > maxLineColumns && !isUnbreakable(line)) {
        findings.push({ path, line: index + 1, message: `longer than ${maxLineColumns} columns` });
      }
    });
  }
  for (const path of Object.keys(allowed)) {
    const text = files.get(path);
    if (text !== undefined && text.split("\n").length - 1 > maxFileLines) continue;
    findings.push({ path, message: "needs no exception in checks/size.ts any more" });
  }
  return findings;
}
