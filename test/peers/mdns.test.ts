// Groups with an mDNS responder (RFC 6762): avahi of Debian on one host, hawser on another, in
// network namespaces with two links between them.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { foreignEnvironment, nodeArguments } from "../support/environment.ts";

const PROGRAM = join(import.meta.dirname, "mdns-program.mjs");
const here = `hawser-mdns-${process.pid}-a`;
const there = `hawser-mdns-${process.pid}-b`;
const timeLimitMs = 60_000 * Number(process.env["HAWSER_TEST_SLOWNESS"] ?? 1);

function whatIsMissing(): string | undefined {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root";
  for (const [tool, argument] of [
    ["ip", "-V"],
    ["unshare", "-V"],
    ["avahi-daemon", "-V"],
  ] as const) {
    const env = { ...foreignEnvironment(), PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
    if (spawnSync(tool, [argument], { env }).error) return `needs ${tool}`;
  }
  return undefined;
}

const missing = whatIsMissing();

/** Without D-Bus and without a user of its own; what it would write of itself goes nowhere. */
const CONFIGURATION = `
[server]
host-name=hawser-peer
domain-name=local
use-ipv4=yes
use-ipv6=yes
enable-dbus=no
allow-interfaces=far
disallow-other-stacks=no
[wide-area]
enable-wide-area=no
[publish]
publish-addresses=yes
publish-hinfo=no
publish-workstation=no
publish-aaaa-on-ipv4=yes
publish-a-on-ipv6=no
[rlimits]
`;

function shell(script: string): void {
  execFileSync("sh", ["-e"], {
    input: script,
    stdio: ["pipe", "ignore", "pipe"],
    env: foreignEnvironment(),
  });
}

interface Answer {
  readonly id: number;
  readonly data: string;
  readonly from: string;
  readonly port: number;
  readonly localAddress?: string;
  readonly by?: string;
}

describe.skipIf(missing !== undefined)(
  `mDNS with avahi${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    let folder: string;
    let responder: ChildProcess | undefined;
    let results: Record<"group" | "shared" | "unicast" | "legacy" | "group6", Answer>;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "hawser-mdns-"));
      const file = join(folder, "avahi.conf");
      writeFileSync(file, CONFIGURATION);
      shell(`
        ip netns add ${here}; ip netns add ${there}
        ip link add near netns ${here} type veth peer name far netns ${there}
        ip link add aside netns ${here} type veth peer name apart netns ${there}
        ip -n ${here} address add 10.73.1.1/24 dev near
        ip -n ${here} address add 10.73.2.1/24 dev aside
        ip -n ${there} address add 10.73.1.2/24 dev far
        ip -n ${there} address add 10.73.2.2/24 dev apart
        for ns in ${here} ${there}; do
          ip netns exec $ns sysctl -q -w net.ipv6.conf.all.accept_dad=0
          ip netns exec $ns sysctl -q -w net.ipv6.conf.default.accept_dad=0
        done
        for link in lo near aside; do ip -n ${here} link set $link up; done
        for link in lo far apart; do ip -n ${there} link set $link up; done
        # The link-local addresses come with the link, a moment later.
        for place in "${here} near" "${here} aside" "${there} far" "${there} apart"; do
          set -- $place
          until ip -n $1 -6 address show dev $2 scope link -tentative | grep -q fe80; do
            sleep 0.05
          done
        done
      `);
      const command = `mount -t tmpfs none /run && mkdir -p /run/avahi-daemon &&
        exec avahi-daemon --no-drop-root --no-chroot --no-rlimits --no-proc-title --file ${file}`;
      responder = spawn("ip", ["netns", "exec", there, "unshare", "--mount", "sh", "-c", command], {
        env: { ...foreignEnvironment(), PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` },
        stdio: ["ignore", "ignore", "pipe"],
      });
      const node = ["env", ...nodeArguments(), process.execPath, "--import", "tsx", PROGRAM];
      const child = spawn("ip", ["netns", "exec", here, ...node], {
        env: foreignEnvironment(),
        stdio: ["ignore", "pipe", "inherit"],
      });
      const lines = createInterface({ input: child.stdout });
      const ended = once(lines, "close").then(() => {
        throw new Error("the program ended without its answer");
      });
      const [line] = (await Promise.race([once(lines, "line"), ended])) as [string];
      ended.catch(() => {});
      results = JSON.parse(line);
    }, timeLimitMs);

    afterAll(async () => {
      if (responder !== undefined && responder.exitCode === null) {
        const ended = once(responder, "exit");
        responder.kill("SIGKILL");
        await ended;
      }
      shell(`ip netns delete ${here}; ip netns delete ${there}`);
      rmSync(folder, { recursive: true, force: true });
    }, timeLimitMs);

    test("B41: a question to the group is answered to the group, by the link that it lives on", () => {
      expect(results.group).toMatchObject({
        data: "10.73.1.2",
        from: "10.73.1.2",
        port: 5_353,
        localAddress: "224.0.0.251",
        by: "near",
      });
    });

    test("B41: members that share the port hear it as well", () => {
      expect(results.shared).toMatchObject({ data: "10.73.1.2", from: "10.73.1.2", port: 5_353 });
    });

    test("an answer to us alone is a flow's, and no group's", () => {
      expect(results.unicast).toMatchObject({
        data: "10.73.1.2",
        from: "10.73.1.2",
        port: 5_353,
        localAddress: "10.73.1.1",
      });
    });

    test("a question from any other port is answered as a plain resolver expects", () => {
      expect(results.legacy).toMatchObject({ id: 4_711, data: "10.73.1.2", from: "10.73.1.2" });
    });

    test("B41: the same over IPv6, with the scope of the link", () => {
      const { data, from, localAddress, by } = results.group6;
      expect(data).toMatch(/^fe80:/);
      expect(from).toBe(`${data}%near`);
      expect(localAddress).toBe("ff02::fb");
      expect(by).toBe("near");
    });
  },
);
