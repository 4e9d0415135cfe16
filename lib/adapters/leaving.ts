// How a stream that is destroyed lets go of its connection. Not here: its own state (duplex.ts).

import { HawserError } from "../errors/index.ts";
import type { Connection } from "../net/connection.ts";

/**
 * As `destroy()` of node:net on an open socket: what was written goes out and an end after it, for
 * which the process does not wait; but RST where that would pass a part off as the whole.
 *
 * @param loses whether something that was written does not go out any more
 * @param isFinished whether the stream has ended its own side
 * @param takenBytes what the stream has read of the connection
 */
export function letGo(
  connection: Connection<never>,
  loses: boolean,
  isFinished: boolean,
  takenBytes: number,
): void {
  // Who has not ended its own side leaves in the middle, and wants no more of the peer's.
  if (loses || (!isFinished && leavesUnread(connection, takenBytes))) connection.abort();
  else connection.unref().conclude(isFinished ? undefined : 0);
}

// What close(2) answers with RST (RFC 2525 section 2.17): here, or still in the kernel.
function leavesUnread(connection: Connection<never>, takenBytes: number): boolean {
  const { bytesRead, transport } = connection;
  if (bytesRead > takenBytes) return true;
  if (transport !== "tcp") return false;
  // The peer's end counts as one byte.
  return (connection.info()?.bytesReceived ?? 0) > bytesRead + 1;
}

/** What is asked of a socket that nobody has connected fails with that, as in node:net. */
export function socketClosed(): HawserError {
  return new HawserError("Socket is closed", { code: "ERR_SOCKET_CLOSED" });
}

/** What waited for the connection fails with that. */
export function closedBeforeConnect(): HawserError {
  const code = "ERR_SOCKET_CLOSED_BEFORE_CONNECTION";
  return new HawserError("Socket closed before the connection was established", { code });
}
