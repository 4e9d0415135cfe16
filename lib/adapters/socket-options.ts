// The two setters that programs call on a net.Socket, on a connection's descriptor.
// Not here: the options a connection sets itself (lib/net), the table (lib/socket).

import { MAX_KEEPALIVE_MS } from "../core/limits.ts";
import type { Connection } from "../net/connection.ts";

const IDLE = process.platform === "darwin" ? "TCP_KEEPALIVE" : "TCP_KEEPIDLE";

type Options = Pick<Connection<never>, "transport" | "setOption">;

/** TCP_NODELAY (tcp(7)). */
export function setNoDelay(connection: Options, enable: boolean): void {
  if (connection.transport === "unix") return;
  connection.setOption("TCP_NODELAY", enable);
}

/** SO_KEEPALIVE (socket(7)); a delay above 0 is rounded up to seconds and kept within tcp(7)'s. */
export function setKeepAlive(connection: Options, enable: boolean, initialDelayMs: number): void {
  if (connection.transport === "unix") return;
  if (enable && initialDelayMs > 0) {
    const delayMs = Math.min(initialDelayMs, MAX_KEEPALIVE_MS);
    connection.setOption(IDLE, Math.ceil(delayMs / 1_000));
  }
  connection.setOption("SO_KEEPALIVE", enable);
}
