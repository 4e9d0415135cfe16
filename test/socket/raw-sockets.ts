// Sockets for the tests of options: fresh ones that are neither bound nor connected, which Node's
// own
// modules cannot make, and pairs of Node's. All are closed by `closeAll`.

import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { native } from "../../lib/binding/native.ts";
import {
  DOMAIN_IPV4,
  DOMAIN_IPV6,
  DOMAIN_UNIX,
  type Domain,
  type ReactorBinding,
  SLOT_DATAGRAM,
  SLOT_STREAM,
  TYPE_DATAGRAM,
  TYPE_STREAM,
} from "../../lib/binding/types.ts";
import { makeSharedMemory } from "../../lib/socket/shared-memory.ts";

export type Kind = "tcp4" | "tcp6" | "udp4" | "udp6" | "unix";

const DOMAINS: Readonly<Record<Kind, Domain>> = {
  tcp4: DOMAIN_IPV4,
  tcp6: DOMAIN_IPV6,
  udp4: DOMAIN_IPV4,
  udp6: DOMAIN_IPV6,
  unix: DOMAIN_UNIX,
};

const closers: (() => void)[] = [];

/** Closes what was made since the last call, in the order it was made backwards. */
export function closeAll(): void {
  for (const close of closers.splice(0).reverse()) close();
}

let reactor: ReactorBinding | undefined;

function openReactor(): ReactorBinding {
  const opened = native.open(
    makeSharedMemory(),
    () => {},
    () => {},
    [],
    [],
  );
  if (typeof opened === "number") throw new Error(`no reactor: ${opened}`);
  return opened;
}

/** A socket that nothing was done with yet. */
export function fresh(kind: Kind): { readonly fd: number } {
  reactor ??= openReactor();
  const open = reactor;
  const datagram = kind.startsWith("udp");
  const name = new Int32Array(2);
  const type = datagram ? TYPE_DATAGRAM : TYPE_STREAM;
  const slotKind = datagram ? SLOT_DATAGRAM : SLOT_STREAM;
  const result = open.openSlot(DOMAINS[kind], type, 0, slotKind, name);
  if (result < 0) throw new Error(`no ${kind} socket: ${result}`);
  const [slot = -1, generation = -1] = name;
  closers.push(() => open.close(slot, generation, false));
  return { fd: open.descriptorOf(slot, generation) };
}

/** A server that listens on loopback, or at a path. */
export async function listening(path?: string): Promise<Server> {
  const server = createServer();
  closers.push(() => server.close());
  if (path === undefined) server.listen(0, "127.0.0.1");
  else server.listen(path);
  await once(server, "listening");
  return server;
}

let paths = 0;

/** A path for a Unix socket that does not exist; libuv removes it with its server. */
export function temporaryPath(): string {
  return join(tmpdir(), `hawser-test-${process.pid}-${paths++}`);
}

/** Both ends of a connection of Node's, over loopback or at a path. */
export async function pair(path?: string): Promise<{ near: Socket; far: Socket; server: Server }> {
  const server = await listening(path);
  const accepted = once(server, "connection");
  const near =
    path === undefined
      ? connect((server.address() as AddressInfo).port, "127.0.0.1")
      : connect(path);
  closers.push(() => near.destroy());
  await once(near, "connect");
  const [far] = (await accepted) as [Socket];
  closers.push(() => far.destroy());
  far.on("error", () => {});
  near.on("error", () => {});
  return { near, far, server };
}

/** A UDP socket of Node's, bound to loopback. */
export async function datagram(type: "udp4" | "udp6" = "udp4"): Promise<DatagramSocket> {
  const socket = createSocket(type);
  let open = true;
  socket.once("close", () => {
    open = false;
  });
  closers.push(() => {
    if (open) socket.close();
  });
  socket.bind(0, type === "udp4" ? "127.0.0.1" : "::1");
  await once(socket, "listening");
  return socket;
}

/** The same, connected to a socket of its own kind. */
export async function connectedDatagram(type: "udp4" | "udp6"): Promise<DatagramSocket> {
  const peer = await datagram(type);
  const socket = await datagram(type);
  const { address, port } = peer.address();
  socket.connect(port, address);
  await once(socket, "connect");
  return socket;
}

// capabilities(7): bits of CapEff in /proc/self/status.
const CAP_NET_ADMIN = 12n;

/** Why this process may not do what needs CAP_NET_ADMIN, or undefined. */
export function lacksNetAdmin(): string | undefined {
  if (process.platform !== "linux") return "capabilities(7) are Linux's";
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"));
  const effective = BigInt(`0x${line?.[1] ?? "0"}`);
  return (effective >> CAP_NET_ADMIN) & 1n ? undefined : "needs CAP_NET_ADMIN";
}
