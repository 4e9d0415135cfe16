// Helpers of the socket tests: connected pairs, descriptors in use, names nobody else has. What
// they open is closed by `closeAll`. No tests here.

import { closeSync, fstatSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { AddressFamily } from "../../lib/socket/address.ts";
import { DatagramSocket } from "../../lib/socket/datagram-socket.ts";
import { ListenSocket } from "../../lib/socket/listen-socket.ts";
import type { InternetAddress, UnixAddress } from "../../lib/socket/socket-address.ts";
import type { SocketBase } from "../../lib/socket/socket-base.ts";
import { StreamSocket } from "../../lib/socket/stream-socket.ts";

export const isLinux = process.platform === "linux";

const closers: (() => unknown)[] = [];

/** Closes what was made since the last call, the latest first. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** Sees to it that a socket is closed after the test. */
export function tracked<S extends SocketBase>(socket: S): S {
  closers.push(() => socket.close());
  return socket;
}

/** A descriptor of a file, closed after the test. */
export function openFile(path = "/dev/null"): number {
  const fd = openSync(path, "r");
  closers.push(() => {
    if (isOpen(fd)) closeSync(fd);
  });
  return fd;
}

export function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

/** How many descriptors this process has open. */
export function openDescriptors(): number {
  return readdirSync("/dev/fd").length;
}

/** A path for a Unix socket, in a folder that is removed after the test. */
export function socketPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "hawser-"));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "s");
}

export interface Listening {
  readonly listener: ListenSocket;
  readonly address: InternetAddress | UnixAddress;
}

/** A listening socket on loopback, or on a path. */
export function listening(family: AddressFamily, backlog?: number): Listening {
  const listener = tracked(new ListenSocket({ family }));
  const address =
    family === "unix"
      ? { path: socketPath() }
      : { address: family === "IPv4" ? "127.0.0.1" : "::1", port: 0 };
  listener.bind(address);
  listener.listen(backlog);
  if ("path" in address) return { listener, address };
  const port = listener.localAddress?.port ?? 0;
  return { listener, address: { ...address, port } };
}

/** Two ends of one connection: who connected, and who was accepted. */
export async function connected(
  family: AddressFamily,
): Promise<{ client: StreamSocket; server: StreamSocket }> {
  const { listener, address } = listening(family);
  const client = tracked(new StreamSocket({ family }));
  const accepting = listener.accept();
  await client.connect(address);
  const server = tracked(await accepting);
  await listener.close();
  return { client, server };
}

export function pair(): [StreamSocket, StreamSocket] {
  const [left, right] = StreamSocket.pair();
  return [tracked(left), tracked(right)];
}

/** A datagram socket on loopback, with its address. */
export function boundDatagrams(family: "IPv4" | "IPv6" = "IPv4"): {
  socket: DatagramSocket;
  address: InternetAddress;
} {
  const socket = tracked(new DatagramSocket({ family }));
  const host = family === "IPv4" ? "127.0.0.1" : "::1";
  socket.bind({ address: host, port: 0 });
  return { socket, address: { address: host, port: socket.localAddress?.port ?? 0 } };
}

/** What a promise rejects with. */
export function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    (value) => {
      throw new Error(`resolved with ${String(value)}`);
    },
    (error) => error,
  );
}

/** What a function throws. */
export function thrown(call: () => unknown): Error & { code?: string } {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error("threw nothing");
}

/** Lets the loop turn until something holds. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setImmediate();
}

/** All that a stream gives up to its end. */
export async function readAll(socket: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}
