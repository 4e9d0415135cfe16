// UDP between two hosts with two links each, as network namespaces: source addresses, broadcast,
// groups, sizes.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { foreignEnvironment, nodeArguments } from "../../support/environment.ts";
import { shell, whatIsMissing } from "./support.ts";

const PROGRAM = new URL("./host-program.mjs", import.meta.url).pathname;
const here = `hawser-udp-${process.pid}-a`;
const there = `hawser-udp-${process.pid}-b`;

const missing = whatIsMissing();
const suffix = missing === undefined ? "" : ` (skipped: ${missing})`;

function run(namespace: string, role: string): ChildProcess {
  const node = [...nodeArguments(), process.execPath, "--import", "tsx", PROGRAM, role];
  return spawn("ip", ["netns", "exec", namespace, "env", ...node], {
    stdio: ["pipe", "pipe", "inherit"],
    env: foreignEnvironment(),
  });
}

async function firstLine(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = (await once(lines, "line")) as [string];
  return line;
}

interface Results {
  asked: { address: string; answer: Record<string, unknown> }[];
  refused: { code: string; message: string };
  broadcast: Record<string, unknown>[];
  joined: string[];
  group: Record<string, unknown>[];
  looping: string;
  again: string;
  leaked: string | null;
  looped: string;
  bySource: string;
  left: unknown;
  maxDatagramSize: number;
  tooLarge: string;
  fits: number;
}

describe.skipIf(missing !== undefined)(`UDP between hosts${suffix}`, () => {
  let server: ChildProcess;
  let client: ChildProcess | undefined;
  let results: Results;

  beforeAll(async () => {
    shell(`
      ip netns add ${here}; ip netns add ${there}
      ip link add first netns ${here} type veth peer name one netns ${there}
      ip link add second netns ${here} type veth peer name two netns ${there}
      ip -n ${here} address add 10.72.1.1/24 broadcast 10.72.1.255 dev first
      ip -n ${here} address add 10.72.2.1/24 broadcast 10.72.2.255 dev second
      ip -n ${there} address add 10.72.1.2/24 broadcast 10.72.1.255 dev one
      ip -n ${there} address add 10.72.1.3/24 dev one
      ip -n ${there} address add 10.72.2.2/24 broadcast 10.72.2.255 dev two
      for link in lo first second; do ip -n ${here} link set $link up; done
      for link in lo one two; do ip -n ${there} link set $link up; done
    `);
    server = run(there, "server");
    await firstLine(server);
    client = run(here, "client");
    results = JSON.parse(await firstLine(client)) as Results;
  }, 60_000);

  afterAll(async () => {
    client?.kill();
    if (server !== undefined) {
      const ended = once(server, "exit");
      server.stdin?.end();
      await ended;
    }
    shell(`ip netns delete ${here}; ip netns delete ${there}`);
  }, 30_000);

  test("B38: a reply leaves from the address that its request came to", () => {
    for (const { address, answer } of results.asked) {
      expect(answer).toMatchObject({ from: address, localAddress: address, flowLocal: address });
    }
    expect(results.asked).toHaveLength(3);
    const indexes = results.asked.map(({ answer }) => answer["index"]);
    expect(indexes[0]).toBe(indexes[1]);
    expect(indexes[2]).not.toBe(indexes[0]);
  });

  test("B40: broadcast needs to be asked for, and the error says how", () => {
    expect(results.refused.code).toBe("EACCES");
    expect(results.refused.message).toMatch(/broadcast: true/);
  });

  test("B40: a subnet's and the limited broadcast address; answers come from the interface's own", () => {
    expect(results.broadcast).toMatchObject([
      { text: "subnet", localAddress: "10.72.1.255", flowLocal: "10.72.1.2", from: "10.72.1.2" },
      { text: "all", localAddress: "255.255.255.255", flowLocal: "10.72.2.2", from: "10.72.2.2" },
    ]);
  });

  test("B41: a group is joined on all interfaces, and each message chooses its own", () => {
    expect(results.joined).toEqual(["first", "second"]);
    expect(results.group).toMatchObject([
      { text: "by first", group: "239.72.1.1", own: "one" },
      { text: "by second", group: "239.72.1.1", own: "two" },
    ]);
  });

  test("B41: of two groups of one listener each is heard on this host as it says", () => {
    const { looping, again, leaked } = results;
    expect({ looping, again, leaked }).toEqual({
      looping: "for this host",
      again: "again",
      leaked: null,
    });
  });

  test("B41: members of one port on one host, with and without a source", () => {
    expect(results.looped).toBe("to members here too");
    expect(results.bySource).toBe("to members here too");
    expect(results.left).toBeNull();
  });

  test("B37: 1,472 bytes pass on an MTU of 1,500, and one more puts nothing on the wire", () => {
    expect(results).toMatchObject({ maxDatagramSize: 1_472, tooLarge: "EMSGSIZE", fits: 1_472 });
  });
});
