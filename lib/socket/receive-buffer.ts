// The size of a socket's receive buffer: as much as was asked for, where this process may, else as
// much as the system lets anybody have. Not here: other options.

import { applyOptions, assign, getOption } from "./options.ts";

interface WithDescriptor {
  readonly fd: number;
}

/**
 * Asks for a receive buffer: SO_RCVBUFFORCE (CAP_NET_ADMIN), else SO_RCVBUF, which Linux cuts to
 * net.core.rmem_max. socket(7).
 *
 * @returns what the kernel says it has, in bytes; Linux doubles it for its own accounts
 */
export function setReceiveBuffer(socket: WithDescriptor, bytes: number | undefined): number {
  if (bytes === undefined) return receiveBufferOf(socket);
  for (const name of ["SO_RCVBUFFORCE", "SO_RCVBUF"]) {
    try {
      applyOptions(socket.fd, [assign(name, bytes)]);
      break;
    } catch {
      // Not allowed, or unknown to this system: the plain one is; what that gave is said below.
    }
  }
  return receiveBufferOf(socket);
}

/** SO_RCVBUF: bytes. */
export function receiveBufferOf(socket: WithDescriptor): number {
  return getOption(socket, "SO_RCVBUF");
}
