// A stream of Node's as a carrier: a plain TCP or Unix socket gives its descriptor to the reactor,
// anything else is used as it is. Not here: requests (attach.ts), the channel over a stream
// (duplex-channel.ts).

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { SLOT_STREAM } from "../binding/types.ts";
import { nodeNet } from "../core/builtins.ts";
import { errnoError, HawserError } from "../errors/index.ts";
import type { Policy } from "../net/policy.ts";
import { reactor } from "../socket/reactor.ts";
import { adoptDescriptor, type OpenSlot } from "../socket/socket-base.ts";
import { Carrier } from "./carrier.ts";
import { DuplexChannel } from "./duplex-channel.ts";

/** What Node hides of its sockets (lib/net.js): the handle, if it is one of the kernel's. */
interface Handle {
  readonly fd?: number;
  readonly constructor?: { readonly name: string };
  readStart?(): unknown;
  readStop?(): unknown;
}

export interface Adopted {
  readonly carrier: Carrier;
  /** What Node had read already. */
  readonly rest: Buffer;
  /** Bytes come from now on; call it when `carrier.user` is there. */
  start(): void;
}

/**
 * Never throws: where a descriptor cannot move, since none is free for its double or since the peer
 * has left already, the stream is used as it is, and tells what happens to it.
 *
 * @param head what the HTTP parser had read behind the request
 */
export function adopt(stream: Duplex, head: Buffer, policy: Policy): Adopted {
  const descriptor = descriptorOf(stream);
  return descriptor === -1
    ? wrap(stream, head, policy)
    : move(stream as Socket, head, policy, descriptor);
}

// -1 where bytes of Node's own are still to go out, or no kernel's socket lies beneath.
function descriptorOf(stream: Duplex): number {
  const { Socket: NodeSocket } = nodeNet();
  if (!(stream instanceof NodeSocket) || stream.constructor !== NodeSocket) return -1;
  if (stream.destroyed || stream.writableLength > 0 || stream.writableEnded) return -1;
  const handle = (stream as unknown as { readonly _handle?: Handle | null })._handle;
  const kind = handle?.constructor?.name;
  if (kind !== "TCP" && kind !== "Pipe") return -1;
  return typeof handle?.fd === "number" ? handle.fd : -1;
}

function move(socket: Socket, head: Buffer, policy: Policy, fd: number): Adopted {
  const handle = (socket as unknown as { readonly _handle: Handle })._handle;
  // Nothing is corked, and reading stops before the descriptor is doubled.
  handle.readStop?.();
  const buffered = socket.read() as Buffer | null;
  const rest = buffered === null ? head : Buffer.concat([head, buffered]);
  rememberNames(socket);
  const adopted = tryAdopt(fd);
  if (adopted === null) {
    handle.readStart?.();
    return wrap(socket, rest, policy);
  }
  const { slot, generation } = adopted;
  // Closes Node's own descriptor, without a shutdown of the connection that both have.
  socket.destroy();
  const carrier = new Carrier({ policy, slot, generation } as never);
  const start = () => {
    carrier.opened();
    const status = reactor.watch(slot, generation);
    if (status < 0) carrier.failWith(errnoError(status, "epoll_ctl"), "local");
  };
  return { carrier, rest, start };
}

// The peer may have left since its request was read: ENOTCONN.
function tryAdopt(fd: number): OpenSlot | null {
  try {
    return adoptDescriptor(fd, SLOT_STREAM);
  } catch (error) {
    if (error instanceof HawserError) return null;
    throw error;
  }
}

// Node looks them up once and keeps them; programs ask for them on a request long after.
function rememberNames(socket: Socket): void {
  void socket.remoteAddress;
  void socket.localAddress;
}

function wrap(stream: Duplex, head: Buffer, policy: Policy): Adopted {
  const channel = new DuplexChannel(stream);
  stream.pause();
  const carrier = new Carrier({ policy, slot: -1, generation: 0, channel } as never);
  const start = () => {
    carrier.opened();
    if (!carrier.isHeld) stream.resume();
  };
  return { carrier, rest: head, start };
}
