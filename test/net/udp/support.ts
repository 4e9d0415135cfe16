// Hosts for the tests of UDP: network namespaces, scripts that change them, and processes with
// hawser in them. No tests here.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Program } from "../../faults/support/program.ts";
import { foreignEnvironment, nodeArguments } from "../../support/environment.ts";

/** Why there are no network namespaces here, or undefined. */
export function whatIsMissing(): string | undefined {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root";
  try {
    execFileSync("ip", ["-V"], { stdio: "ignore", env: foreignEnvironment() });
    return undefined;
  } catch {
    return "needs iproute2";
  }
}

/** Runs a shell script. @throws with what it said where it fails */
export function shell(script: string): void {
  execFileSync("sh", ["-e"], {
    input: script,
    stdio: ["pipe", "ignore", "pipe"],
    env: foreignEnvironment(),
  });
}

const PROGRAM = join(import.meta.dirname, "remote-program.mjs");

/** Starts remote-program.mjs in a namespace. */
export async function startIn(namespace: string): Promise<Program> {
  const program = new Program("ip", [
    "netns",
    "exec",
    namespace,
    "env",
    ...nodeArguments(),
    process.execPath,
    "--import",
    "tsx",
    PROGRAM,
  ]);
  await program.event(({ event }) => event === "started");
  return program;
}
