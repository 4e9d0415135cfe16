// A database server that vanishes without a word, in a network namespace whose packets are dropped.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { hasRedis } from "./servers.ts";

const canIsolate =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  ["ip", "nft"].every((tool) => spawnSync(tool, ["-V"]).status === 0);
const program = fileURLToPath(new URL("vanishing-client.ts", import.meta.url));
const LIMIT_MS = 30_000;

const namespaces: string[] = [];
afterEach(() => {
  for (const name of namespaces.splice(0)) {
    spawnSync("sh", ["-c", `ip netns pids ${name} | xargs -r kill -9; ip netns del ${name}`]);
  }
});

function newNamespace(): string {
  const name = `hawser-vanish-${process.pid}-${namespaces.length}`;
  execFileSync("ip", ["netns", "add", name]);
  namespaces.push(name);
  inside(name, "ip", "link", "set", "lo", "up");
  return name;
}

function inside(name: string, ...command: string[]): void {
  execFileSync("ip", ["netns", "exec", name, ...command]);
}

function dropEverything(name: string): void {
  inside(name, "nft", "add table inet t");
  inside(name, "nft", "add chain inet t out { type filter hook output priority 0; policy drop; }");
}

const isSkipped = !canIsolate || !hasRedis;
describe.skipIf(isSkipped)("a vanished database (skipped without root, ip, nft, Redis)", () => {
  it.each(["idle", "pending"])(
    "B8 B10 is noticed within the keepalive bound: %s connection",
    async (mode) => {
      const name = newNamespace();
      const client = spawn(
        "ip",
        ["netns", "exec", name, process.execPath, "--import", "tsx", program, mode],
        { stdio: ["pipe", "pipe", "inherit"] },
      );
      const lines = createInterface(client.stdout);
      const [ready] = await once(lines, "line");
      expect(ready).toMatch(/^ready \d+ \+PONG$/);
      dropEverything(name);
      client.stdin.write("dropped\n");
      const [line] = await once(lines, "line");
      const { code, reason, ms } = JSON.parse(line);
      expect({ code, reason }).toEqual({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
      // idle + interval * count + interval, from the last thing that was heard.
      expect(ms).toBeLessThan(4_500);
      expect(ms).toBeGreaterThan(1_500);
    },
    LIMIT_MS,
  );
});
