// The kept inputs: a file for each target, on each line an input in hexadecimal digits, the
// shortest first.

import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("./corpus/", import.meta.url));

function pathOf(target: string): string {
  return `${FOLDER}${target}.hex`;
}

export function readCorpus(target: string): Buffer[] {
  const path = pathOf(target);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => Buffer.from(line, "hex"));
}

export function writeCorpus(target: string, inputs: readonly Buffer[]): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(pathOf(target), inputs.map((input) => `${input.toString("hex")}\n`).join(""));
}

/** Keeps one more input and gives the file's name. */
export function keep(target: string, input: Buffer): string {
  mkdirSync(FOLDER, { recursive: true });
  appendFileSync(pathOf(target), `${input.toString("hex")}\n`);
  return pathOf(target);
}
