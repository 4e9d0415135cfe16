// Flows of datagrams as a DNS client and a DNS server, with dnsmasq and with Node's resolver
// (c-ares) at the other end. What stands in the messages is dns-packet's affair (RFC 1035).

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import dnsPacket, { type Answer, type DecodedPacket, type Question } from "dns-packet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, listen } from "../../lib/index.ts";
import type { UdpFlow } from "../../lib/net/udp/flow.ts";
import { DatagramSocket } from "../../lib/socket/datagram-socket.ts";
import { foreignEnvironment } from "../support/environment.ts";

const DNSMASQ = ["/usr/sbin/dnsmasq", "dnsmasq"].find(
  (path) => spawnSync(path, ["--version"], { env: foreignEnvironment() }).status === 0,
);
const suffix = DNSMASQ === undefined ? " (skipped: needs dnsmasq)" : "";
/** Others may take the port between our look and the server's bind. */
const PORT_ATTEMPTS = 5;

let server: ChildProcess;
let serverPort = 0;

async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

/** Starts dnsmasq; resolves to it and its port when it answers. */
async function startDnsmasq(...args: string[]): Promise<[ChildProcess, number]> {
  for (let left = PORT_ATTEMPTS; left > 0; left--) {
    const port = await freePort();
    const child = spawn(
      DNSMASQ as string,
      [
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--user=root",
        "--pid-file=",
        "--log-facility=-",
        "--no-resolv",
        "--no-hosts",
        "--bind-interfaces",
        "--listen-address=127.0.0.1,::1",
        `--port=${port}`,
        ...args,
      ],
      { env: foreignEnvironment(), stdio: ["ignore", "ignore", "pipe"] },
    );
    const said = await saysOneOf(child, /started, version/, /failed to/);
    if (said) return [child, port];
    child.kill("SIGKILL");
  }
  throw new Error("dnsmasq does not start");
}

/** Whether a program says the first before the second, or before it ends. */
async function saysOneOf(child: ChildProcess, good: RegExp, bad: RegExp): Promise<boolean> {
  let text = "";
  return new Promise((resolve) => {
    child.stderr?.on("data", (chunk) => {
      text += chunk;
      if (good.test(text)) resolve(true);
      else if (bad.test(text)) resolve(false);
    });
    child.once("exit", () => resolve(false));
  });
}

let nextId = 1;
function query(name: string, type: Question["type"]): { id: number; bytes: Buffer } {
  const id = nextId++ & 0xffff;
  const questions: Question[] = [{ type, name }];
  const bytes = dnsPacket.encode({
    type: "query",
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions,
  });
  return { id, bytes };
}

async function ask(flow: UdpFlow, name: string, type: Question["type"]): Promise<DecodedPacket> {
  const { id, bytes } = query(name, type);
  await flow.send(bytes);
  const answer = dnsPacket.decode((await flow.receive()) as Buffer);
  expect(answer.id).toBe(id);
  return answer;
}

const dataOf = ({ answers = [] }: DecodedPacket): unknown[] =>
  answers.map((one: Answer) => (one as { data: unknown }).data);

/** A server of ours: it has one name for each number, and knows whom it answers. */
async function ownServer() {
  const peers = new Set<number>();
  const listener = await listen("udp://127.0.0.1:0", {
    data(flow, bytes) {
      peers.add(flow.remotePort);
      const { id, questions = [] } = dnsPacket.decode(bytes);
      const [question] = questions;
      const number = /^n(\d+)\.own\.test$/i.exec(question?.name ?? "")?.[1];
      const isKnown = number !== undefined && question?.type === "A";
      const answers: Answer[] = isKnown
        ? [{ type: "A", name: question.name, ttl: 60, data: `192.0.2.${number}` }]
        : [];
      // Whoever asks says what it cannot take; none of this is large.
      const flags = dnsPacket.AUTHORITATIVE_ANSWER | (number === undefined ? 3 : 0);
      flow.write(dnsPacket.encode({ type: "response", id: id ?? 0, flags, questions, answers }));
    },
  });
  return { listener, peers };
}

describe.skipIf(DNSMASQ === undefined)(`a DNS server of Debian's${suffix}`, () => {
  beforeAll(async () => {
    [server, serverPort] = await startDnsmasq(
      "--address=/four.test/192.0.2.4",
      "--address=/six.test/2001:db8::6",
      "--txt-record=text.test,what stands here",
      "--srv-host=_sip._udp.test,four.test,5060,1,2",
      ...Array.from({ length: 200 }, (_, n) => `--host-record=n${n}.many.test,192.0.2.${n}`),
    );
  });
  afterAll(async () => {
    const ended = once(server, "exit");
    server.kill("SIGKILL");
    await ended;
  });

  test.each(["127.0.0.1", "[::1]"])("answers a flow of %s, record for record", async (host) => {
    const flow = await connect(`udp://${host}:${serverPort}`);
    expect(dataOf(await ask(flow, "four.test", "A"))).toEqual(["192.0.2.4"]);
    expect(dataOf(await ask(flow, "six.test", "AAAA"))).toEqual(["2001:db8::6"]);
    expect(dataOf(await ask(flow, "text.test", "TXT"))).toEqual([
      [Buffer.from("what stands here")],
    ]);
    expect(dataOf(await ask(flow, "_sip._udp.test", "SRV"))).toEqual([
      { target: "four.test", port: 5_060, priority: 1, weight: 2 },
    ]);
    await flow.close();
  });

  test("200 questions at once on one flow, and on flows of one listener's port (B32)", async () => {
    const listener = await listen("udp://[::]:0");
    const flows = [
      await connect(`udp://127.0.0.1:${serverPort}`, { receiveHighWaterMark: 1_000_000 }),
      await listener.connect(`udp://127.0.0.1:${serverPort}`),
      await listener.connect(`udp://[::1]:${serverPort}`),
    ];
    for (const flow of flows) {
      const wanted = new Map<number, string>();
      for (let n = 0; n < 200; n++) {
        const { id, bytes } = query(`n${n}.many.test`, "A");
        wanted.set(id, `192.0.2.${n}`);
        await flow.send(bytes);
        // As many as the server's buffer and ours have room for.
        if (n % 20 !== 19) continue;
        for (let left = 20; left > 0; left--) {
          const answer = dnsPacket.decode((await flow.receive()) as Buffer);
          expect(dataOf(answer)).toEqual([wanted.get(answer.id ?? -1)]);
          wanted.delete(answer.id ?? -1);
        }
      }
      expect(wanted.size).toBe(0);
      await flow.close();
    }
    await listener.close();
  });

  test("many questions of one sendMany, answers in batches", async () => {
    const wanted = new Map<number, string>();
    let done: () => void = () => {};
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    const socket = new DatagramSocket({
      family: "IPv4",
      batch(_, batch) {
        for (let index = 0; index < batch.length; index++) {
          const answer = dnsPacket.decode(Buffer.from(batch.view(index)));
          if (wanted.get(answer.id ?? -1) === dataOf(answer)[0]) wanted.delete(answer.id ?? -1);
        }
        if (wanted.size === 0) done();
      },
    });
    socket.connect({ address: "127.0.0.1", port: serverPort });
    const questions = Array.from({ length: 50 }, (_, n) => {
      const { id, bytes } = query(`n${n}.many.test`, "A");
      wanted.set(id, `192.0.2.${n}`);
      return bytes;
    });
    await socket.sendMany(questions);
    await all;
    await socket.close();
  });

  test("asks a server of ours in turn, from ports of its own", async () => {
    const { listener, peers } = await ownServer();
    const [forwarder, port] = await startDnsmasq(
      `--server=/own.test/127.0.0.1#${listener.port}`,
      "--cache-size=0",
    );
    const flow = await connect(`udp://127.0.0.1:${port}`);
    for (let n = 1; n <= 30; n++) {
      expect(dataOf(await ask(flow, `n${n}.own.test`, "A"))).toEqual([`192.0.2.${n}`]);
    }
    expect(peers.size).toBeGreaterThan(1);
    const ended = once(forwarder, "exit");
    forwarder.kill("SIGKILL");
    await Promise.all([ended, flow.close(), listener.close()]);
  });
});

test("Node's resolver asks a server of ours", async () => {
  const { listener, peers } = await ownServer();
  const resolver = new Resolver({ timeout: 5_000, tries: 2 });
  resolver.setServers([`127.0.0.1:${listener.port}`]);
  const names = Array.from({ length: 50 }, (_, n) => `n${n}.own.test`);
  const answers = await Promise.all(names.map((name) => resolver.resolve4(name)));
  expect(answers).toEqual(names.map((_, n) => [`192.0.2.${n}`]));
  await expect(resolver.resolve4("nobody.test")).rejects.toMatchObject({ code: "ENOTFOUND" });
  expect(peers.size).toBeGreaterThan(0);
  await listener.close();
});
