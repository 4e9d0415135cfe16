// Many datagrams to paths of Unix sockets: a path does not fit into the shared memory's addresses,
// so each has a system call of its own, in order. Not here: Internet addresses
// (datagram-outbox.ts), waiting for room (datagram-sender.ts).

import type { ReadyDatagram } from "./datagram-many.ts";
import type { DatagramSender } from "./datagram-sender.ts";
import type { Destination } from "./socket-address.ts";

/**
 * Sends all; resolves when the kernel has taken them.
 *
 * @param failure the error for a negative errno
 * @throws (as a rejection) the first error, after all the others were sent
 */
export async function sendToPaths(
  sender: DatagramSender,
  datagrams: readonly ReadyDatagram[],
  failure: (errno: number, to: Destination | undefined) => Error,
): Promise<void> {
  const sent: Promise<void>[] = [];
  for (const { bytes, stride, path } of datagrams) {
    const size = stride === 0 ? Math.max(1, bytes.length) : stride;
    // An empty one is one datagram too.
    for (let from = 0; from === 0 || from < bytes.length; from += size) {
      const part = bytes.subarray(from, from + size);
      const outgoing = {
        bytes: part,
        to: path?.native,
        failure: (errno: number) => failure(errno, path),
      };
      sent.push(sender.send(outgoing, undefined));
    }
  }
  for (const outcome of await Promise.allSettled(sent)) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
}
