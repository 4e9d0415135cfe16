// UDP with peers that are not hawser: socat, Python's socket module and node:dgram.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { connect, listen } from "../../lib/index.ts";
import type { DatagramInfo } from "../../lib/net/udp/types.ts";
import { DatagramSocket } from "../../lib/socket/datagram-socket.ts";
import { foreignEnvironment } from "../support/environment.ts";

const isLinux = process.platform === "linux";
const has = (command: string, ...args: string[]) =>
  spawnSync(command, args, { env: foreignEnvironment() }).status === 0;
const hasSocat = has("socat", "-V");
const hasPython = has("python3", "--version");

const children: ChildProcess[] = [];
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
  for (const one of open.splice(0)) await one.close();
});

function start(command: string, ...args: string[]): ChildProcess {
  const child = spawn(command, args, {
    env: foreignEnvironment(),
    stdio: ["pipe", "pipe", "pipe"],
  });
  children.push(child);
  return child;
}

function tracked<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}

async function said(stream: NodeJS.ReadableStream | null, pattern: RegExp): Promise<string> {
  let text = "";
  for (;;) {
    const [chunk] = await once(stream as NodeJS.ReadableStream, "data");
    text += chunk;
    const [, group = ""] = pattern.exec(text) ?? [];
    if (group !== "") return group;
  }
}

describe.skipIf(!hasSocat)(`socat${hasSocat ? "" : " (skipped: needs socat)"}`, () => {
  test.each([
    ["UDP4", "127.0.0.1"],
    ["UDP6", "[::1]"],
  ])("%s echoes what a flow sends, and nothing of it is joined or cut", async (kind, host) => {
    // -d -d says where it is bound.
    const child = start("socat", "-d", "-d", "-b65536", `${kind}-LISTEN:0,bind=${host}`, "PIPE");
    const port = Number(await said(child.stderr, /listening on .*:(\d+)/));
    const flow = tracked(await connect(`udp://${host}:${port}` as "udp://x", { fragment: true }));
    for (const size of [1, 100, 1_472, 9_000]) {
      const bytes = Buffer.alloc(size, size % 251);
      await flow.send(bytes);
      expect(await flow.receive()).toEqual(bytes);
    }
  });

  test("sends to a listener, and prints what its flow answers", async () => {
    const listener = tracked(
      await listen("udp://[::]:0", { data: (flow, bytes) => flow.write(`${bytes}`.toUpperCase()) }),
    );
    for (const target of [`UDP4:127.0.0.1:${listener.port}`, `UDP6:[::1]:${listener.port}`]) {
      const child = start("socat", "-t5", "-", target);
      child.stdin?.write("from socat\n");
      expect(await said(child.stdout, /(.*)\n/)).toBe("FROM SOCAT");
    }
    expect(listener.connections.size).toBe(2);
  });
});

const PYTHON_ECHO = `
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
s.bind(("::", 0))
print(s.getsockname()[1], flush=True)
while True:
    data, peer = s.recvfrom(65536)
    s.sendto(data, peer)
`;

const PYTHON_SENDER = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", int(sys.argv[1])))
for ecn in range(4):
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, ecn)
    s.send(b"ecn %d" % ecn)
s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0)
s.send(b"")
# UDP_SEGMENT: the kernel cuts.
if len(sys.argv) > 2:
    size = (100).to_bytes(2, sys.byteorder)
    s.sendmsg([bytes(range(1, 8)) * 100], [(socket.IPPROTO_UDP, 103, size)])
print(s.getsockname()[1], flush=True)
sys.stdin.read()
`;

describe.skipIf(!hasPython)(`Python${hasPython ? "" : " (skipped: needs python3)"}`, () => {
  test.each(["127.0.0.1", "[::1]"])("echoes to %s, in bursts and empty ones too", async (host) => {
    const child = start("python3", "-u", "-c", PYTHON_ECHO);
    const port = await said(child.stdout, /(\d+)\n/);
    const flow = tracked(await connect(`udp://${host}:${port}` as "udp://x"));
    for (let round = 0; round < 10; round++) {
      const texts = Array.from({ length: 50 }, (_, n) => (n === 7 ? "" : `${round} ${n}`));
      for (const text of texts) flow.write(text);
      for (const text of texts) expect(String(await flow.receive())).toBe(text);
    }
  });

  test("its ECN arrives with each datagram, empty ones too", async () => {
    const got: { text: string; info: DatagramInfo }[] = [];
    const listener = tracked(
      await listen("udp://127.0.0.1:0", {
        data: (_, bytes, info) => got.push({ text: `${bytes}`, info }),
      }),
    );
    const child = start("python3", "-u", "-c", PYTHON_SENDER, `${listener.port}`);
    const port = Number(await said(child.stdout, /(\d+)\n/));
    while (got.length < 5) await new Promise((resolve) => setImmediate(resolve));
    expect(got.map(({ text }) => text)).toEqual(["ecn 0", "ecn 1", "ecn 2", "ecn 3", ""]);
    expect(got.map(({ info }) => info.ecn)).toEqual([0, 1, 2, 3, 0]);
    for (const { info } of got) {
      expect(info).toMatchObject({ address: "127.0.0.1", port, localAddress: "127.0.0.1" });
    }
  });

  test.skipIf(!isLinux)(
    "what it sends as segments arrives apart, joined by the kernel or not (Linux)",
    async () => {
      for (const gro of [false, true]) {
        const socket = tracked(new DatagramSocket({ family: "IPv4", gro }));
        socket.bind({ address: "127.0.0.1", port: 0 });
        const port = `${socket.localAddress?.port ?? 0}`;
        start("python3", "-u", "-c", PYTHON_SENDER, port, "segments");
        for (let left = 5; left > 0; left--) await socket.receive();
        const run = Buffer.concat(Array(100).fill(Buffer.of(1, 2, 3, 4, 5, 6, 7)));
        for (let at = 0; at < run.length; at += 100) {
          expect((await socket.receive())?.data).toEqual(run.subarray(at, at + 100));
        }
      }
    },
  );
});

describe("node:dgram", () => {
  test("exchanges thousands with a listener, each answered to whoever sent it", async () => {
    const listener = tracked(
      await listen("udp://127.0.0.1:0", { data: (flow, bytes) => flow.write(bytes) }),
    );
    const wrong: string[] = [];
    const clients = Array.from({ length: 10 }, async (_, number) => {
      const socket = tracked(createSocket("udp4"));
      socket.connect(listener.port, "127.0.0.1");
      await once(socket, "connect");
      for (let n = 0; n < 200; n++) {
        const text = `${number} ${n}`;
        socket.send(text);
        const [answer] = await once(socket, "message");
        if (`${answer}` !== text) wrong.push(`${answer}`);
      }
    });
    await Promise.all(clients);
    expect(wrong).toEqual([]);
    expect(listener.connections.size).toBe(10);
  });
});
