// What the fault suite needs of a machine, and what this one lacks. Not here: the suite.

import { spawnSync } from "node:child_process";

const TOOLS: readonly (readonly [tool: string, ...args: string[]])[] = [
  ["ip", "-V"],
  ["nft", "--version"],
  ["conntrack", "--version"],
  ["ss", "-V"],
  ["tc", "-V"],
  ["socat", "-V"],
  ["python3", "--version"],
  ["prlimit", "--version"],
];

/** Why network namespaces cannot be had here, or undefined. */
export function whatIsMissing(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux's";
  if (process.getuid?.() !== 0) return "needs root";
  for (const [tool, ...args] of TOOLS) {
    if (spawnSync(tool, args, { stdio: "ignore" }).error) return `needs ${tool}`;
  }
  const name = `hawser-try-${process.pid}`;
  if (spawnSync("ip", ["netns", "add", name], { stdio: "ignore" }).status !== 0) {
    return "may not make network namespaces";
  }
  spawnSync("ip", ["netns", "delete", name], { stdio: "ignore" });
  return undefined;
}
