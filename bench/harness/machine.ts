// The machine a run was made on, and which cores it uses.
import { existsSync, readFileSync } from "node:fs";
import { arch, cpus, release, totalmem, type } from "node:os";
import { canPin } from "./processes.ts";
import type { Environment } from "./results.ts";

/** Cores for the server and for the generator; null where processes cannot be pinned. */
export interface Cores {
  readonly server: number | null;
  readonly generator: number | null;
}

/** `0-2,4` as numbers, as the kernel writes lists of processors. */
export function parseCpuList(text: string): number[] {
  const numbers: number[] = [];
  for (const part of text.trim().split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) continue;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    for (let cpu = first; cpu <= last; cpu++) numbers.push(cpu);
  }
  return numbers;
}

/**
 * The first allowed core serves; the generator gets the next that is not the same physical core,
 * or the next at all where every other shares it.
 */
export function chooseCores(
  allowed: readonly number[],
  siblingsOfFirst: readonly number[],
): { server: number; generator: number } | null {
  const server = allowed[0];
  if (server === undefined) return null;
  const others = allowed.slice(1);
  const generator = others.find((cpu) => !siblingsOfFirst.includes(cpu)) ?? others[0];
  return generator === undefined ? null : { server, generator };
}

function readOr(path: string, otherwise: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : otherwise;
}

export function findCores(): Cores {
  if (!canPin) return { server: null, generator: null };
  const status = readOr("/proc/self/status", "");
  const allowed = parseCpuList(/^Cpus_allowed_list:\s*(.+)$/m.exec(status)?.[1] ?? "");
  const first = allowed[0] ?? 0;
  const siblings = parseCpuList(
    readOr(`/sys/devices/system/cpu/cpu${first}/topology/thread_siblings_list`, ""),
  );
  return chooseCores(allowed, siblings) ?? { server: null, generator: null };
}

export function describeCores(cores: Cores): string {
  if (cores.server === null) return "not pinned: this system has no taskset";
  return `server on core ${cores.server}, generator on core ${cores.generator}`;
}

/** The environment of this run; versions of peers are added as they are measured. */
export function describeEnvironment(
  cores: Cores,
  versions: Readonly<Record<string, string>>,
): Environment {
  const processors = cpus();
  const model = processors[0]?.model.trim() || "unknown processor";
  const memory = Math.round(totalmem() / 2 ** 30);
  return {
    machine: `${processors.length} x ${model}, ${memory} GiB, ${arch()}`,
    system: `${type()} ${release()}`,
    cores: describeCores(cores),
    versions: {
      node: process.versions.node,
      v8: process.versions.v8,
      uv: process.versions.uv,
      ...versions,
    },
  };
}
