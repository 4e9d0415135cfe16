// Breaks the lines of comments that are too long, which neither Biome nor clang-format does. What
// no longer fits a line moves to the next of the same paragraph. Code and lists stay as they are.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { maxLineColumns, sizedFiles } from "./checks/size.ts";
import { readAll } from "./files.ts";
import { type Outcome, root } from "./run.ts";

/** A line that is comment only: what it begins with, and its words. */
const commentLine = /^(\s*(?:\/\/|#|\*) )(\S.*)$/;
/** A docstring on one line. */
const shortDocstring = /^(\s*)\/\*\* (.*) \*\/$/;
/** What begins something of its own: an item, a tag, a table, an indented example. */
const beginning = /^(?:[-*@|#]|\d+\. |\s)/;

export function wrapComments(text: string): string {
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    if ([...line].length <= maxLineColumns || /https?:\/\//.test(line)) continue;
    const [, indent, docstring] = shortDocstring.exec(line) ?? [];
    if (indent !== undefined && docstring !== undefined) {
      // The words of it are looked at in the next round.
      lines.splice(index, 1, `${indent}/**`, `${indent} * ${docstring}`, `${indent} */`);
      continue;
    }
    const [, prefix, content] = commentLine.exec(line) ?? [];
    if (prefix === undefined || content === undefined || /^[@|]/.test(content)) continue;
    const kept = content.split(" ");
    const moved: string[] = [];
    while (kept.length > 1 && [...(prefix + kept.join(" "))].length > maxLineColumns) {
      moved.unshift(kept.pop() ?? "");
    }
    if (moved.length === 0) continue;
    lines[index] = prefix + kept.join(" ");
    const next = lines[index + 1] ?? "";
    const rest = next.startsWith(prefix) ? next.slice(prefix.length) : "";
    if (rest !== "" && !beginning.test(rest)) {
      lines[index + 1] = `${prefix}${moved.join(" ")} ${rest}`;
    } else {
      lines.splice(index + 1, 0, prefix + moved.join(" "));
    }
  }
  return lines.join("\n");
}

/** Over every file whose lines are limited. */
export function wrapAllComments(): Outcome {
  for (const [path, text] of readAll(sizedFiles())) {
    const wrapped = wrapComments(text);
    if (wrapped !== text) writeFileSync(join(root, path), wrapped);
  }
  return { code: 0, output: "" };
}
