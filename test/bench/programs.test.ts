// The other C programs and the subjects' line protocol, each run once for a moment.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { parseArguments } from "../../bench/harness/arguments.ts";
import { measureClient } from "../../bench/harness/clients.ts";
import { compile } from "../../bench/harness/compile.ts";
import { runLoad } from "../../bench/harness/load.ts";
import { SUBJECTS } from "../../bench/harness/paths.ts";
import {
  type Command,
  LineProcess,
  parseLine,
  type RunningSubject,
  startSubject,
  tellingLine,
} from "../../bench/harness/processes.ts";
import { cSubject, nodeSubject } from "../../bench/harness/subjects.ts";
import type { Context } from "../../bench/harness/suite.ts";

const WINDOW = { duration: 80, warmup: 20 };
const context: Context = {
  options: { ...parseArguments([], []), durationMs: 80, warmupMs: 20 },
  cores: { server: null, generator: null },
};
const opened: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each.stop();
});

async function start(command: Command): Promise<RunningSubject> {
  const subject = await startSubject(command, null);
  opened.push(subject.process);
  return subject;
}

async function startC(program: string, ...args: string[]): Promise<RunningSubject> {
  return start({ file: await compile(program), args });
}

function startNode(script: string, ...args: string[]): Promise<RunningSubject> {
  return start({ file: process.execPath, args: ["--expose-gc", join(SUBJECTS, script), ...args] });
}

describe("connections", () => {
  test.each(["c", "node"])("accepted by %s are counted as whole lives", async (kind) => {
    const subject = kind === "c" ? await startC("tcp_echo_epoll") : await startNode("tcp-node.mjs");
    const load = await compile("load_connect");
    const result = await runLoad(load, { ...WINDOW, connections: 8 }, subject, null);
    expect(result.messages).toBeGreaterThan(0);
  });

  test("made by node:net are counted against the C server", async () => {
    const client = nodeSubject("node", "node:net", "connect-node.mjs");
    const result = await measureClient(client, cSubject("tcp_echo_epoll"), context, {
      connections: 4,
      size: 20,
    });
    expect(result.messages).toBeGreaterThan(0);
    expect(result.cpuNs).toBeGreaterThan(0);
  });
});

describe("bulk", () => {
  test.each([
    ["c", "receive"],
    ["c", "send"],
    ["node", "receive"],
    ["node", "send"],
  ])("%s: %s, every byte accounted for", async (kind, direction) => {
    const subject =
      kind === "c" ? await startC("tcp_bulk_epoll") : await startNode("bulk-node.mjs");
    const load = await compile("load_bulk");
    const result = await runLoad(load, { ...WINDOW, direction }, subject, null);
    expect(result.messages).toBeGreaterThan(1 << 20);
  });
});

describe("broadcast", () => {
  test("each message reaches each connection", async () => {
    const subject = await startC("ws_echo_epoll", "--broadcast");
    const load = await compile("load_broadcast");
    const result = await runLoad(load, { ...WINDOW, connections: 20, size: 100 }, subject, null);
    expect(result.messages % 20).toBe(0);
    expect(result.messages).toBeGreaterThan(0);
  });
});

describe("idle connections", () => {
  test.each(["tcp", "ws"])(
    "are opened in steps over %s, while memory is asked",
    async (protocol) => {
      const subject = await startC(protocol === "ws" ? "ws_echo_epoll" : "tcp_echo_epoll");
      const args = ["--port", String(subject.port), "--protocol", protocol];
      const holder = new LineProcess({ file: await compile("load_hold"), args }, null);
      opened.push(holder);
      expect((await holder.next(5_000))?.limit).toBeGreaterThan(50);
      expect(await holder.ask("10")).toEqual({ open: 10 });
      expect(await holder.ask("30")).toEqual({ open: 30 });
      expect(await subject.process.ask("memory")).toEqual({ rss: expect.any(Number) });
    },
  );

  test("are counted by a Node subject after a forced collection", async () => {
    const subject = await startNode("tcp-node.mjs");
    expect(await subject.process.ask("memory")).toEqual({
      rss: expect.any(Number),
      heapUsed: expect.any(Number),
      external: expect.any(Number),
    });
  });
});

describe("fresh processes", () => {
  test("are timed one by one", async () => {
    const args = ["--times", "2", "--", process.execPath, "-e", "0"];
    const spawner = new LineProcess({ file: await compile("spawn_time"), args }, null);
    const runs = (await spawner.next(15_000))?.runs as number[][];
    expect(runs).toHaveLength(2);
    for (const [wall, cpu, rss] of runs) {
      expect(wall).toBeGreaterThan(1e6);
      expect(cpu).toBeGreaterThan(1e6);
      expect(rss).toBeGreaterThan(1 << 20);
    }
  });

  test("that fail are an error", async () => {
    const args = ["--times", "1", "--", process.execPath, "-e", "process.exit(1)"];
    const spawner = new LineProcess({ file: await compile("spawn_time"), args }, null);
    expect(await spawner.next(15_000)).toBeNull();
    expect(spawner.stderr).toContain("the command failed");
  });
});

const linux = process.platform === "linux";

describe.runIf(linux)("UDP (recvmmsg and UDP_SEGMENT are Linux's)", () => {
  test.each([
    ["c", 0, []],
    ["c", 1, ["--gro"]],
    ["node", 0, ["receive"]],
    ["node", 1, ["receive"]],
  ] as const)("%s drains a filled queue, gso %d %j, and counts each", async (kind, gso, args) => {
    const subject =
      kind === "c"
        ? await startC("udp_receive", ...args)
        : await startNode("udp-node.mjs", ...args);
    const load = await compile("load_udp_fill");
    const buffer = Number(subject.said.receiveBuffer);
    const result = await runLoad(load, { ...WINDOW, gso, "receive-buffer": buffer }, subject, null);
    const count = await subject.process.ask("count");
    expect(count).toEqual({ datagrams: result.fields.sent, sum: result.fields.sum });
  });

  test.each(["c", "node"])("%s echoes for many peers", async (kind) => {
    const subject =
      kind === "c" ? await startC("udp_echo") : await startNode("udp-node.mjs", "echo");
    const load = await compile("load_udp_echo");
    const result = await runLoad(load, { ...WINDOW, connections: 8 }, subject, null);
    expect(result.messages).toBeGreaterThan(0);
  });

  test.each([
    ["c", cSubject("udp_send")],
    ["node", nodeSubject("node", "node:dgram", "udp-node.mjs", ["send"])],
  ])("%s sends to a sink that counts them", async (_, sender) => {
    let came = 0;
    const sink = cSubject("udp_receive", ["--gro"]);
    const result = await measureClient(sender, sink, context, { size: 64 }, async (server) => {
      came = Number((await server.process.ask("count")).datagrams);
    });
    expect(result.messages).toBeGreaterThan(0);
    expect(came).toBeGreaterThan(0);
  });
});

describe.runIf(existsSync("/usr/include/zlib.h"))("permessage-deflate (needs zlib.h)", () => {
  test("a server that does not compress is refused", async () => {
    const load = await compile("load_deflate", ["-lz"]);
    const subject = await startC("ws_echo_epoll");
    await expect(runLoad(load, WINDOW, subject, null)).rejects.toThrow("declined to compress");
  });

  test("answers of `ws` are inflated and compared", async () => {
    const load = await compile("load_deflate", ["-lz"]);
    const peer = join(import.meta.dirname, "../..");
    const subject = await start({
      file: process.execPath,
      args: [join(SUBJECTS, "ws-ws.mjs"), "ws", "deflate"],
      env: { BENCH_PEER: peer },
    });
    const result = await runLoad(load, { ...WINDOW, connections: 4 }, subject, null);
    expect(result.messages).toBeGreaterThan(0);
    expect(Number(result.fields.compressedBytes) / result.messages).toBeLessThan(700);
  });
});

describe("a subject's lines", () => {
  test("that are no JSON objects are none of ours", () => {
    expect(parseLine("(node:1) Warning: x")).toBeNull();
    expect(parseLine("{broken")).toBeNull();
    expect(parseLine('{"port":1}')).toEqual({ port: 1 });
  });

  test("an unknown command is answered with an error", async () => {
    const subject = await startNode("tcp-node.mjs");
    await expect(subject.process.ask("dance")).rejects.toThrow("no command dance");
    const c = await startC("tcp_echo_epoll");
    await expect(c.process.ask("dance")).rejects.toThrow("no such command");
  });

  test("of an error give the one that names it", () => {
    const stack = "node:internal:1\n  throw x\n\nTypeError: bad thing\n    at f (x.js:1)";
    expect(tellingLine(stack)).toBe("TypeError: bad thing");
    expect(tellingLine("ld: no such library\n")).toBe("ld: no such library");
    expect(tellingLine("")).toBe("it said nothing");
  });
});
