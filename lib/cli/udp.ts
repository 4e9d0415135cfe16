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
import { setOption } from "../socket/options.ts";
import { readCount, readDuration, readSocketOption, UsageError } from "./flags.ts";
import { place } from "./terminal.ts";

export const UDP_HELP = `hawser connect udp://HOST:PORT [options]
hawser listen udp://HOST:PORT [options]

Each line of standard input is sent as one datagram; what arrives is printed as it comes. connect
ends when its input has ended and nothing arrived for a while (--idle-timeout, 1s). listen sends its
input to whom it heard last; with the address of a multicast group it joins that.

  --echo                      listen: send everything back
  --broadcast                 the address may be a broadcast one
  --multicast-interface NAME  join, or send to a group or broadcast address, on this interface
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

/** A flag that would do nothing is a mistake. */
function refuse(flags: Flags, names: readonly (keyof Flags)[], why: string): void {
  for (const name of names) {
    if (flags[name] !== undefined) throw new UsageError(`--${name} ${why}`);
  }
}

function optionsOf(flags: Flags, names: readonly HopOption[] = []): UdpOptions {
  const { family, broadcast, option = [] } = flags;
  const hops = readHops(flags);
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
      ...(hops === undefined ? [] : names.map((name) => [name, hops] as const)),
    ]),
  };
}

function byNameOrIndex(text: string | undefined): string | number | undefined {
  return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : text;
}

const HOPS4 = ["IP_TTL", "IP_MULTICAST_TTL"] as const;
const HOPS6 = ["IPV6_UNICAST_HOPS", "IPV6_MULTICAST_HOPS"] as const;
type HopOption = (typeof HOPS4 | typeof HOPS6)[number];

/** The options of a socket for this host; of any both (Linux), since it sends to either family. */
function hopOptions(host: string, { family }: Flags): readonly HopOption[] {
  const isAny = host === "[::]" || host === "*" || host === "";
  if (family === "4" || !(isAny || host.startsWith("["))) return HOPS4;
  return isAny && process.platform === "linux" ? [...HOPS6, ...HOPS4] : HOPS6;
}

function readHops({ ttl }: Flags): number | undefined {
  if (ttl === undefined) return undefined;
  const hops = readCount(ttl as string, "--ttl", 1);
  if (hops > MAX_TTL) throw new UsageError(`--ttl takes at most ${MAX_TTL}: ${ttl}`);
  return hops;
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
  refuse(flags, ["echo"], "is for listen");
  const isToMany = flags.broadcast === true || isGroup(host);
  if (!isToMany) refuse(flags, ["multicast-interface"], "is for a group, or --broadcast");
  const isIpv6 = host.startsWith("[");
  let heardAt = performance.now();
  const heard = (data: Buffer) => {
    heardAt = performance.now();
    void print(data);
  };
  const port = flags["local-port"] as string | undefined;
  const localPort = port === undefined ? 0 : readCount(port, "--local-port", 0);
  const localAddress = flags["local-address"] as string | undefined;
  let close: () => Promise<unknown>;
  if (isToMany) {
    // Answers come from other addresses than the one that is asked.
    const from = inUrl(localAddress ?? (isIpv6 ? "::" : "0.0.0.0"));
    const options = {
      ...optionsOf(flags, isIpv6 ? HOPS6 : HOPS4),
      data: (_: unknown, b: Buffer) => heard(b),
    };
    const own = await listen(`udp://${from}:${localPort}`, options);
    const through = byNameOrIndex(flags["multicast-interface"] as string | undefined);
    const to = { address: bare(host), port: remotePort, interface: through };
    close = () => own.close();
    await eachLine((line) => own.send(line, to));
  } else {
    const flow = await connect(text, { ...optionsOf(flags), localAddress, localPort });
    const hops = readHops(flags);
    // Only now it is known to which family the name belongs.
    const option = flow.remoteFamily === "IPv6" ? "IPV6_UNICAST_HOPS" : "IP_TTL";
    if (hops !== undefined) setOption(flow, option, hops);
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
  refuse(flags, ["idle-timeout", "local-address", "local-port"], "is for connect");
  if (isGroup(host)) {
    await listenToGroup(text, flags);
    return;
  }
  refuse(flags, ["multicast-interface"], "is for a group");
  const isEcho = flags.echo === true;
  let last: UdpFlow | undefined;
  const listener = await listen(text, {
    ...optionsOf(flags, hopOptions(host, flags)),
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
  const others = ["echo", "broadcast", "family", "interface", "option"] as const;
  refuse(flags, others, "does not go with a group");
  const chosen = byNameOrIndex(flags["multicast-interface"] as string | undefined);
  const group = await DatagramGroup.join(text, {
    interfaces: chosen === undefined ? undefined : [chosen],
    ttl: readHops(flags),
  });
  const names = group.interfaces.map(({ name }) => name).join(", ");
  const stop = () => void group.leave();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  console.error(`listening on udp://${place(group)} through ${names}`);
  void eachLine(orComplain((line) => group.send(line)));
  for await (const { data } of group as AsyncIterable<Datagram>) await print(data);
  process.stdin.destroy();
}

function inUrl(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
