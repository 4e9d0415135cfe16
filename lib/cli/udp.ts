// `hawser connect udp://...` and `hawser listen udp://...`: each line of standard input is a
// datagram, and what arrives is printed. Not here: byte streams (connect.ts, listen.ts).

import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connectFlow as connect, listenFlows as listen } from "../net/entry.ts";
import type { UdpFlow } from "../net/udp/flow.ts";
import { DatagramGroup } from "../net/udp/group.ts";
import type { UdpListener } from "../net/udp/listener.ts";
import type { UdpOptions } from "../net/udp/types.ts";
import type { Datagram } from "../socket/datagram-receiver.ts";
import { readCount, readDuration, readSocketOption, UsageError } from "./flags.ts";
import { place } from "./terminal.ts";

export const UDP_HELP = `hawser connect udp://HOST:PORT [options]
hawser listen udp://HOST:PORT [options]

Each line of standard input is sent as one datagram; what arrives is printed as it comes. connect
ends when its input has ended and nothing arrived for a while (--idle-timeout, 1s). listen sends its
input to whom it heard last; with the address of a multicast group it joins that.

  --echo                      listen: send everything back
  --broadcast                 the address may be a broadcast one
  --multicast-interface NAME  join, or send to a group, on this interface
  --ttl N                     hops that datagrams may go
  --idle-timeout 1s
  --family 4|6                only this family
  --interface NAME            bind to an interface, by name or index
  --local-address ADDRESS     connect: send from there
  --local-port PORT
  --option NAME=VALUE         a socket option in the kernel's unit; may be repeated`;

/** As `parseArgs` of node:util takes them. */
export const UDP_FLAGS = {
  echo: { type: "boolean" },
  broadcast: { type: "boolean" },
  "multicast-interface": { type: "string" },
  ttl: { type: "string" },
  "idle-timeout": { type: "string" },
  family: { type: "string" },
  interface: { type: "string" },
  "local-address": { type: "string" },
  "local-port": { type: "string" },
  option: { type: "string", multiple: true },
} as const;

const DEFAULT_IDLE_MS = 1_000;
const MAX_TTL = 255;

type Flags = { [K in keyof typeof UDP_FLAGS]?: string | boolean | string[] | undefined };

/** Whether a command line is about UDP. */
export function isAboutUdp(args: readonly string[]): boolean {
  return args.some((arg) => /^udp:/i.test(arg));
}

function read(args: string[]): {
  host: string;
  port: number;
  text: `udp://${string}`;
  flags: Flags;
} {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: UDP_FLAGS });
  const [text, extra] = positionals;
  if (text === undefined || extra !== undefined) throw new UsageError("one URL is needed");
  // The host is looked at for what it is; whether the URL is right, the library says.
  const [, host = "", port] = /^udp:\/\/(\[[^\]]*\]|[^:]*):([0-9]+)$/i.exec(text) ?? [];
  return { host, port: Number(port), text: text as `udp://${string}`, flags: values };
}

function optionsOf(flags: Flags, isIpv6: boolean): UdpOptions {
  const { family, broadcast, ttl, option = [] } = flags;
  if (family !== undefined && family !== "4" && family !== "6") {
    throw new UsageError(`--family takes 4 or 6: ${family}`);
  }
  const chosen = flags.interface as string | undefined;
  return {
    broadcast: broadcast === true,
    family: family === undefined ? undefined : (Number(family) as 4 | 6),
    interface: byNameOrIndex(chosen),
    socketOptions: Object.fromEntries([
      ...(option as string[]).map(readSocketOption),
      ...hops(ttl as string | undefined, isIpv6),
    ]),
  };
}

function byNameOrIndex(text: string | undefined): string | number | undefined {
  return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : text;
}

function hops(text: string | undefined, isIpv6: boolean): [name: string, hops: number][] {
  if (text === undefined) return [];
  const count = readCount(text, "--ttl", 1);
  if (count > MAX_TTL) throw new UsageError(`--ttl takes at most ${MAX_TTL}: ${text}`);
  const names = isIpv6
    ? ["IPV6_UNICAST_HOPS", "IPV6_MULTICAST_HOPS"]
    : ["IP_TTL", "IP_MULTICAST_TTL"];
  return names.map((name) => [name, count]);
}

function isGroup(host: string): boolean {
  return /^(?:22[4-9]|23\d)\./.test(host) || /^\[ff[0-9a-f]{2}:/i.test(host);
}

async function print(data: Buffer): Promise<void> {
  if (!process.stdout.write(data)) await once(process.stdout, "drain");
}

async function eachLine(send: (line: string) => Promise<void>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) await send(`${line}\n`);
}

// One that is too long, or that nobody takes (ICMP): the next may fare better.
function orComplain(send: (line: string) => Promise<void>): (line: string) => Promise<void> {
  return (line) =>
    send(line).catch((error: Error) => {
      console.error(`hawser: ${error.message.split("\n")[0]}`);
    });
}

export async function runUdpConnect(args: string[]): Promise<void> {
  const { host, port: remotePort, text, flags } = read(args);
  const idle = flags["idle-timeout"] as string | undefined;
  const idleMs = idle === undefined ? DEFAULT_IDLE_MS : readDuration(idle, "--idle-timeout");
  const isIpv6 = host.startsWith("[");
  const options = optionsOf(flags, isIpv6);
  let heardAt = performance.now();
  const heard = (data: Buffer) => {
    heardAt = performance.now();
    void print(data);
  };
  const port = flags["local-port"] as string | undefined;
  const localPort = port === undefined ? 0 : readCount(port, "--local-port", 0);
  let close: () => Promise<unknown>;
  if (flags.broadcast === true || isGroup(host)) {
    // Answers come from other addresses than the one that is asked.
    const any = isIpv6 ? "[::]" : "0.0.0.0";
    const own = await listen(`udp://${any}:${localPort}`, { ...options, data: (_, b) => heard(b) });
    const through = byNameOrIndex(flags["multicast-interface"] as string | undefined);
    const to = { address: bare(host), port: remotePort, interface: through };
    close = () => own.close();
    await eachLine((line) => own.send(line, to));
  } else {
    const localAddress = flags["local-address"] as string | undefined;
    const flow = await connect(text, { ...options, localAddress, localPort });
    const printing = printAll(flow, heard);
    close = async () => {
      await flow.close();
      await printing;
    };
    await Promise.race([eachLine((line) => flow.send(line)), printing]);
  }
  heardAt = Math.max(heardAt, performance.now());
  for (;;) {
    const left = heardAt + idleMs - performance.now();
    if (left <= 0) break;
    await sleep(left);
  }
  await close();
}

async function printAll(flow: UdpFlow, heard: (data: Buffer) => void): Promise<void> {
  for await (const data of flow) heard(data);
}

export async function runUdpListen(args: string[]): Promise<void> {
  const { host, text, flags } = read(args);
  const isIpv6 = host.startsWith("[");
  if (isGroup(host)) {
    await listenToGroup(text, flags);
    return;
  }
  const isEcho = flags.echo === true;
  let last: UdpFlow | undefined;
  const listener = await listen(text, {
    ...optionsOf(flags, isIpv6),
    data(flow, bytes) {
      last = flow;
      if (isEcho) flow.write(bytes);
      else void print(bytes);
    },
  });
  const stop = () => void listener.close({ timeout: 1_000 });
  process.once("SIGINT", stop).once("SIGTERM", stop);
  announce(listener);
  if (!isEcho) {
    void eachLine(
      orComplain(async (line) => {
        if (last?.state === "ready") await last.send(line);
      }),
    );
  }
  const { error } = await listener.closed;
  process.stdin.destroy();
  if (error !== null) throw error;
}

function announce(listener: UdpListener): void {
  for (const at of listener.addresses) {
    console.error(`listening on udp://${place(at)}`);
  }
}

async function listenToGroup(text: `udp://${string}`, flags: Flags): Promise<void> {
  const chosen = byNameOrIndex(flags["multicast-interface"] as string | undefined);
  const group = await DatagramGroup.join(text, {
    interfaces: chosen === undefined ? undefined : [chosen],
    ttl: flags.ttl === undefined ? undefined : readCount(flags.ttl as string, "--ttl", 1),
  });
  const names = group.interfaces.map(({ name }) => name).join(", ");
  const stop = () => void group.leave();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  console.error(`listening on udp://${place(group)} through ${names}`);
  void eachLine(orComplain((line) => group.send(line)));
  for await (const { data } of group as AsyncIterable<Datagram>) await print(data);
  process.stdin.destroy();
}

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
