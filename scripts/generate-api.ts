// Fills docs/api.md with the declarations that stand in the sources, so that the page cannot say
// something else than the code. Only that; what is planned and has no source yet is written in the
// page by hand.
//
//   node --import tsx scripts/generate-api.ts          writes
//   node --import tsx scripts/generate-api.ts --check  exits 1 when the page is stale
//
// In the page, `<!-- from FILE: NAME NAME -->` stands before the block of code it fills. Where no
// names are given, all that the file exports is taken, in the file's order.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const MARKER = /^<!-- from (?<file>\S+?)(?:: (?<names>[\w ]+))? -->$/;

/** A declaration as .d.ts text, with its docstring and without what is private. */
interface Declaration {
  readonly name: string;
  readonly text: string;
}

/** The exported declarations of one source, bodies and private members left out. */
export function declarationsOf(source: string, fileName: string): Declaration[] {
  const options: ts.CompilerOptions = { target: ts.ScriptTarget.ES2022, stripInternal: true };
  const { outputText } = ts.transpileDeclaration(source, { fileName, compilerOptions: options });
  const original = ts.createSourceFile(fileName, source, ts.ScriptTarget.ES2022, true);
  const emitted = ts.createSourceFile(`${fileName}.d.ts`, outputText, ts.ScriptTarget.ES2022, true);
  // Types look as they were written; the rest is what the compiler makes of it.
  const types = new Map(original.statements.filter(isType).map((type) => [nameOf(type), type]));
  const found: Declaration[] = [];
  for (const statement of emitted.statements) {
    const name = nameOf(statement);
    if (name === undefined || !isExported(statement)) continue;
    const type = isType(statement) ? types.get(name) : undefined;
    const text = type === undefined ? render(statement, emitted) : withDocstring(type, original);
    found.push({ name, text });
  }
  return found;
}

function isType(statement: ts.Statement): boolean {
  return ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
}

function isExported(statement: ts.Statement): boolean {
  if (!ts.canHaveModifiers(statement)) return false;
  const modifiers = ts.getModifiers(statement) ?? [];
  return modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword);
}

function nameOf(statement: ts.Statement): string | undefined {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations[0]?.name.getText();
  }
  const declaration = statement as ts.DeclarationStatement;
  return declaration.name?.getText();
}

function render(statement: ts.Statement, file: ts.SourceFile): string {
  let text = withDocstring(statement, file);
  if (ts.isClassDeclaration(statement)) {
    for (const member of statement.members) {
      if (isPrivate(member) || isEcho(member, statement))
        text = text.replace(`    ${withDocstring(member, file)}\n`, "");
    }
  }
  return text
    .split("\n")
    .map(narrowIndent)
    .filter((line) => line.trim() !== "")
    .join("\n");
}

function isPrivate(member: ts.ClassElement): boolean {
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return true;
  const modifiers = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : [];
  return modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.PrivateKeyword);
}

// The compiler declares a method with a computed name a second time, as a property.
function isEcho(member: ts.ClassElement, { members }: ts.ClassDeclaration): boolean {
  if (!ts.isPropertyDeclaration(member) || !ts.isComputedPropertyName(member.name)) return false;
  const name = member.name.getText();
  return members.some((other) => ts.isMethodDeclaration(other) && other.name.getText() === name);
}

// A docstring ends on the line before its declaration; rulers and remarks above it stay out.
function withDocstring(node: ts.Node, file: ts.SourceFile): string {
  const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const start = docs.at(-1)?.getStart(file) ?? node.getStart(file);
  return file.text.slice(start, node.end);
}

// The compiler indents by four.
function narrowIndent(line: string): string {
  const spaces = line.length - line.trimStart().length;
  return `${" ".repeat(Math.floor(spaces / 4) * 2 + (spaces % 4))}${line.trimStart()}`;
}

/** The page with every marked block filled. `read` gives a source by its path in the project. */
export function fill(page: string, read: (path: string) => string): string {
  const lines = page.split("\n");
  const out: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? "";
    out.push(line);
    const match = MARKER.exec(line);
    const path = match?.groups?.file;
    if (path === undefined) continue;
    if (lines[i + 1] !== "```ts") throw new Error(`No block of TypeScript follows "${line}"`);
    const end = lines.indexOf("```", i + 1);
    if (end === -1) throw new Error(`The block after "${line}" does not end`);
    const names = match?.groups?.names?.split(" ").filter((name) => name !== "");
    out.push("```ts", select(declarationsOf(read(path), path), names, path), "```");
    i = end;
  }
  return out.join("\n");
}

function select(all: Declaration[], names: string[] | undefined, path: string): string {
  if (names === undefined) return all.map((one) => one.text).join("\n\n");
  const chosen = names.map((name) => {
    const one = all.find((declaration) => declaration.name === name);
    if (one === undefined) throw new Error(`${path} exports no ${name}`);
    return one.text;
  });
  return chosen.join("\n\n");
}

function main(): void {
  const root = new URL("../", import.meta.url);
  const page = new URL("docs/api.md", root);
  const before = readFileSync(page, "utf8");
  const after = fill(before, (path) => readFileSync(new URL(path, root), "utf8"));
  if (after === before) return;
  if (process.argv.includes("--check")) {
    console.error("docs/api.md is stale: run node --import tsx scripts/generate-api.ts");
    process.exitCode = 1;
    return;
  }
  writeFileSync(page, after);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
