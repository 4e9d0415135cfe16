// Compiles the C programs of the benchmark, each when a source is newer than its binary.
import { execFile } from "node:child_process";
import { mkdir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { C_SOURCES, OUTPUT } from "./paths.ts";

const run = promisify(execFile);

const FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra"];
const COMPILE_TIMEOUT_MS = 60_000;

/** A binary is stale when it is missing or older than any of its sources. */
export function isStale(binaryTime: number | null, sourceTimes: readonly number[]): boolean {
  return binaryTime === null || sourceTimes.some((time) => time > binaryTime);
}

async function modified(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return null;
  }
}

/** The source and every header: they are few, and a header may be in any program. */
async function sourceTimes(program: string): Promise<number[]> {
  const names = (await readdir(C_SOURCES)).filter(
    (name) => name === `${program}.c` || name.endsWith(".h"),
  );
  if (!names.includes(`${program}.c`)) throw new Error(`there is no bench/c/${program}.c`);
  return Promise.all(names.map(async (name) => (await stat(join(C_SOURCES, name))).mtimeMs));
}

const compiling = new Map<string, Promise<string>>();

async function compileOnce(program: string, libraries: readonly string[]): Promise<string> {
  const binary = join(OUTPUT, program);
  if (!isStale(await modified(binary), await sourceTimes(program))) return binary;
  await mkdir(OUTPUT, { recursive: true });
  const compiler = process.env.CC ?? "cc";
  const fresh = `${binary}.${process.pid}`;
  const source = join(C_SOURCES, `${program}.c`);
  try {
    await run(compiler, [...FLAGS, "-o", fresh, source, ...libraries], {
      timeout: COMPILE_TIMEOUT_MS,
    });
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim();
    throw new Error(`${compiler} could not build bench/c/${program}.c: ${said || String(error)}`);
  }
  // A rename, so that a program another run has just started is never half written.
  await rename(fresh, binary);
  return binary;
}

/**
 * The path of a compiled program, compiled first where it is stale.
 * @throws Error with the compiler's own words.
 */
export function compile(program: string, libraries: readonly string[] = []): Promise<string> {
  const known = compiling.get(program);
  if (known !== undefined) return known;
  const started = compileOnce(program, libraries);
  compiling.set(program, started);
  return started;
}
