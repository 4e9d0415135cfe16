// The built command over UDP between two hosts as network namespaces: broadcast and groups.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { shell, whatIsMissing } from "../net/udp/support.ts";
import { foreignEnvironment, nodeArguments } from "../support/environment.ts";

const MAIN = new URL("../../dist/cli.js", import.meta.url).pathname;
const missing = whatIsMissing();
const here = `hawser-cli-${process.pid}-a`;
const there = `hawser-cli-${process.pid}-b`;
const GROUP = "239.76.1.1";
const children: ChildProcessWithoutNullStreams[] = [];

function hawser(namespace: string, ...args: string[]): ChildProcessWithoutNullStreams {
  const node = ["env", ...nodeArguments(), process.execPath, MAIN, ...args];
  const child = spawn("ip", ["netns", "exec", namespace, ...node], { env: foreignEnvironment() });
  children.push(child);
  return child;
}

async function said(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<string> {
  let text = "";
  for (;;) {
    const [chunk] = await once(stream, "data");
    text += chunk;
    if (pattern.test(text)) return text;
  }
}

describe.skipIf(missing !== undefined)(
  `the command between hosts${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    beforeAll(() => {
      shell(`
        ip netns add ${here}; ip netns add ${there}
        for n in 1 2; do
          ip link add link$n netns ${here} type veth peer name peer$n netns ${there}
          ip -n ${here} address add 10.76.$n.1/24 broadcast 10.76.$n.255 dev link$n
          ip -n ${there} address add 10.76.$n.2/24 broadcast 10.76.$n.255 dev peer$n
          ip -n ${here} link set link$n up; ip -n ${there} link set peer$n up
        done
        ip -n ${here} link set lo up; ip -n ${there} link set lo up
      `);
    });

    afterEach(async () => {
      for (const child of children.splice(0)) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
      }
    });

    afterAll(() => shell(`ip netns delete ${here}; ip netns delete ${there}`));

    test("B40: --broadcast asks a whole subnet, and prints who answers", async () => {
      const server = hawser(there, "listen", "udp://0.0.0.0:9000", "--echo");
      await said(server.stderr, /listening/);
      const asking = hawser(here, "connect", "udp://10.76.2.255:9000", "--broadcast");
      asking.stdin.end("anybody there\n");
      expect(await said(asking.stdout, /\n/)).toBe("anybody there\n");
      const [code] = await once(asking, "close");
      expect(code).toBe(0);
    });

    test("B40: without it, one line says what to give", async () => {
      const asking = hawser(here, "connect", "udp://10.76.2.255:9000");
      asking.stdin.end("anybody there\n");
      expect(await said(asking.stderr, /\n/)).toMatch(/^hawser: .*EACCES/);
      const [code] = await once(asking, "close");
      expect(code).toBe(1);
    });

    test("B41: listen joins a group, on the interface that is named, and connect sends to it", async () => {
      const url = `udp://${GROUP}:9001`;
      const member = hawser(there, "listen", url, "--multicast-interface", "peer2");
      expect(await said(member.stderr, /\n/)).toBe(`listening on ${url} through peer2\n`);
      for (const name of ["link1", "link2"]) {
        const sender = hawser(here, "connect", url, "--multicast-interface", name, "--ttl", "1");
        sender.stdin.end(`by ${name}\n`);
        const [code] = await once(sender, "close");
        expect(code).toBe(0);
      }
      expect(await said(member.stdout, /\n/)).toBe("by link2\n");
    });

    test("B41: members on all interfaces hear each other, and answer the group", async () => {
      const url = `udp://${GROUP}:9002`;
      const [one, other] = [hawser(here, "listen", url), hawser(there, "listen", url)];
      expect(await said(one.stderr, /\n/)).toBe(`listening on ${url} through link1, link2\n`);
      await said(other.stderr, /peer1, peer2\n/);
      other.stdin.write("to all\n");
      // By both links.
      expect(await said(one.stdout, /to all\nto all\n/)).toBe("to all\nto all\n");
      one.kill("SIGINT");
      const [code] = await once(one, "close");
      expect(code).toBe(0);
    });
  },
);
