// A database server that vanishes without a word, in a network namespace whose packets are dropped:
// Redis, PostgreSQL and MariaDB, each with a client that people use.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { foreignEnvironment, nodeArguments } from "../support/environment.ts";
import { hasOpenssl } from "./certificates.ts";
import { hasMariadb, hasPostgres, hasRedis, installPeers } from "./servers.ts";

const foreign = { env: foreignEnvironment() };
const canIsolate =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  ["ip", "nft"].every((tool) => spawnSync(tool, ["-V"], foreign).status === 0);
const hasPeers = installPeers();
const program = fileURLToPath(new URL("vanishing-client.ts", import.meta.url));
const slowness = Number(process.env["HAWSER_TEST_SLOWNESS"] ?? 1);
const LIMIT_MS = 60_000 * slowness;

const namespaces: string[] = [];
afterEach(() => {
  for (const name of namespaces.splice(0)) {
    const script = `ip netns pids ${name} | xargs -r kill -9; ip netns del ${name}`;
    spawnSync("sh", ["-c", script], foreign);
  }
});

let count = 0;
function newNamespace(): string {
  const name = `hawser-vanish-${process.pid}-${count++}`;
  execFileSync("ip", ["netns", "add", name], foreign);
  namespaces.push(name);
  inside(name, "ip", "link", "set", "lo", "up");
  return name;
}

function inside(name: string, ...command: string[]): void {
  execFileSync("ip", ["netns", "exec", name, ...command], foreign);
}

function dropEverything(name: string): void {
  inside(name, "nft", "add table inet t");
  inside(name, "nft", "add chain inet t out { type filter hook output priority 0; policy drop; }");
}

/** The client in its namespace: the lines it prints, and lines to it. */
function run(name: string, args: readonly string[]) {
  const node = ["env", ...nodeArguments(), process.execPath, "--import", "tsx", program, ...args];
  const child = spawn("ip", ["netns", "exec", name, ...node], {
    stdio: ["pipe", "pipe", "inherit"],
    env: foreignEnvironment(),
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the client ended");
    return value as string;
  };
  return { line, tell: (text: string) => child.stdin.write(`${text}\n`) };
}

describe.each([
  ["redis", "PONG", ["idle", "waiting", "pending"], hasRedis && hasPeers],
  ["postgres", "42", ["idle", "waiting", "pending"], hasPostgres && hasPeers],
  ["postgres+tls", "42", ["idle", "waiting", "pending"], hasPostgres && hasPeers && hasOpenssl],
  ["mariadb", "42", ["idle", "waiting", "pending"], hasMariadb && hasPeers],
] as const)("a vanished %s", (database, answer, modes, isThere) => {
  it.skipIf(!canIsolate || !isThere)(
    `B8 B10 is noticed within the keepalive bound: ${modes.join(", ")} (skipped without root, ip, nft, ${database})`,
    async () => {
      const name = newNamespace();
      const { line, tell } = run(name, [database, ...modes]);
      for (const mode of modes) {
        expect(await line()).toBe(`ready ${answer}`);
        dropEverything(name);
        tell("dropped");
        const { code, reason, ms } = JSON.parse(await line());
        const expected = { mode, code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" };
        expect({ mode, code, reason }).toEqual(expected);
        // idle + interval * count + interval, from the last thing that was heard.
        expect(ms).toBeLessThan(4_500);
        expect(ms).toBeGreaterThan(1_500);
        inside(name, "nft", "delete table inet t");
        tell("healed");
      }
    },
    LIMIT_MS,
  );
});
