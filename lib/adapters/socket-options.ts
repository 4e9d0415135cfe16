// The two setters that programs call on a net.Socket, on a connection's descriptor.
// Not here: the options a connection sets itself (lib/net), the table (lib/socket).

import { MAX_KEEPALIVE_COUNT, MAX_KEEPALIVE_MS } from "../core/limits.ts";
import type { Connection } from "../net/connection.ts";

const IDLE = process.platform === "darwin" ? "TCP_KEEPALIVE" : "TCP_KEEPIDLE";

type Options = Pick<Connection<never>, "transport" | "setOption">;

/** TCP_NODELAY (tcp(7)). */
export function setNoDelay(connection: Options, enable: boolean): void {
  if (connection.transport === "unix") return;
  connection.setOption("TCP_NODELAY", enable);
}

/** What `setKeepAlive` was asked for. What is 0 stays as it is. */
export interface KeepAliveRequest {
  readonly enable: boolean;
  readonly initialDelayMs: number;
  readonly intervalMs: number;
  readonly count: number;
}

/**
 * The arguments of Node's: `(enable, initialDelay)`, and since Node 24 `interval` and `count`
 * behind them, or one object.
 */
export function readKeepAlive(args: readonly unknown[]): KeepAliveRequest {
  const [first] = args;
  const named = typeof first === "object" && first !== null ? first : undefined;
  const [enable, delay, interval, count] =
    named === undefined
      ? args
      : ["enable", "initialDelay", "interval", "count"].map((key) => Reflect.get(named, key));
  return {
    enable: Boolean(enable),
    initialDelayMs: positive(delay),
    intervalMs: positive(interval),
    count: Math.trunc(positive(count)),
  };
}

// As in Node, what is no number counts as 0.
function positive(value: unknown): number {
  const number = Number(value ?? 0);
  return number > 0 ? number : 0;
}

/** SO_KEEPALIVE (socket(7)); durations are rounded up to seconds and kept within tcp(7)'s. */
export function setKeepAlive(connection: Options, request: KeepAliveRequest): void {
  if (connection.transport === "unix") return;
  const { enable, initialDelayMs, intervalMs, count } = request;
  if (enable && initialDelayMs > 0) connection.setOption(IDLE, seconds(initialDelayMs));
  if (enable && intervalMs > 0) connection.setOption("TCP_KEEPINTVL", seconds(intervalMs));
  if (enable && count > 0) {
    connection.setOption("TCP_KEEPCNT", Math.min(count, MAX_KEEPALIVE_COUNT));
  }
  connection.setOption("SO_KEEPALIVE", enable);
}

const seconds = (ms: number) => Math.ceil(Math.min(ms, MAX_KEEPALIVE_MS) / 1_000);
