// The flags that commands share, read from text: durations with a suffix, keepalive in seconds,
// socket options by name, URLs. Wrong usage is a UsageError, which main.ts turns into one line.
// Not here: what a command does with them.

import { MAX_KEEPALIVE_COUNT, MAX_KEEPALIVE_MS } from "../core/limits.ts";
import { MAX_DURATION_MS } from "../errors/arguments.ts";
import type { ConnectOptions, KeepAliveOptions } from "../net/types.ts";

/** The command line is wrong. */
export class UsageError extends Error {}

const DURATION = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)$/;
const MS_OF = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `5s`, `200ms`, `1.5m`, `1h`: milliseconds, from `least` to what a timer can wait. */
export function readDuration(text: string, flag: string, least = 0): number {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  if (amount === undefined || unit === undefined) {
    throw new UsageError(`${flag} takes a duration with its unit, such as 5s or 200ms: ${text}`);
  }
  const ms = Math.round(Number(amount) * MS_OF[unit as keyof typeof MS_OF]);
  if (ms < least) throw new UsageError(`${flag} takes at least ${least}ms: ${text}`);
  if (ms > MAX_DURATION_MS) throw new UsageError(`${flag} takes at most 24 days: ${text}`);
  return ms;
}

/** The URL of a byte stream, as the one argument of `connect` and `listen`. */
export function readStreamUrl(positionals: readonly string[], command: string): `tcp://${string}` {
  const [url, extra] = positionals;
  if (url === undefined || extra !== undefined) throw new UsageError(`${command} takes one URL`);
  if (!/^(?:tcp|tls|unix):/i.test(url)) {
    throw new UsageError(
      `${command} takes tcp://HOST:PORT, tls://HOST:PORT, udp://HOST:PORT or unix:PATH: ${url}`,
    );
  }
  return url as `tcp://${string}`;
}

/** `HOST:PORT` or the URL of one of the schemes, as the one argument of `probe` and `watch`. */
export function readTarget(
  positionals: readonly string[],
  command: string,
  schemes: readonly string[],
): `tcp://${string}` {
  const [target, extra] = positionals;
  if (target === undefined || extra !== undefined) {
    throw new UsageError(`${command} takes one HOST:PORT`);
  }
  const hasScheme = /^[a-z+]+:/i.test(target) && !/^[^:]+:[0-9]+$/.test(target);
  const url = hasScheme ? target : `tcp://${target}`;
  if (schemes.some((scheme) => url.toLowerCase().startsWith(`${scheme}:`))) {
    return url as `tcp://${string}`;
  }
  const forms = schemes.map((scheme) => (scheme === "unix" ? "unix:PATH" : `${scheme}://`));
  const last = forms.pop();
  throw new UsageError(`${command} takes HOST:PORT, ${forms.join(", ")} or ${last}: ${target}`);
}

/** `60/10/3`: idle and interval in seconds, and the count; or `off`. */
export function readKeepAlive(text: string): KeepAliveOptions | false {
  if (text === "off") return false;
  const parts = text.split("/").map(Number);
  if (parts.length !== 3 || parts.some((part) => !Number.isInteger(part) || part < 1)) {
    throw new UsageError(`--keepalive takes IDLE/INTERVAL/COUNT in seconds, or off: ${text}`);
  }
  const [idle = 0, interval = 0, count = 0] = parts;
  const most = MAX_KEEPALIVE_MS / 1_000;
  if (Math.max(idle, interval) > most || count > MAX_KEEPALIVE_COUNT) {
    const bounds = `${most}/${most}/${MAX_KEEPALIVE_COUNT}`;
    throw new UsageError(`--keepalive takes at most ${bounds}: ${text}`);
  }
  return { idle: idle * 1_000, interval: interval * 1_000, count };
}

/** `TCP_MAXSEG=1200`, `SO_OOBINLINE=true`, `TCP_CONGESTION=cubic`. */
export function readSocketOption(text: string): [name: string, value: number | boolean | string] {
  const equals = text.indexOf("=");
  if (equals < 1) throw new UsageError(`--option takes NAME=VALUE: ${text}`);
  const value = text.slice(equals + 1);
  const name = text.slice(0, equals);
  if (value === "true" || value === "false") return [name, value === "true"];
  return [name, /^-?[0-9]+$/.test(value) ? Number(value) : value];
}

/** A whole number of at least `min`. */
export function readCount(text: string, flag: string, min: number): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || value < min) {
    throw new UsageError(`${flag} takes a whole number of at least ${min}: ${text}`);
  }
  return value;
}

/** Flags of every command that opens connections, as `parseArgs` of node:util takes them. */
export const CONNECTION_FLAGS = {
  "connect-timeout": { type: "string" },
  "idle-timeout": { type: "string" },
  "drop-timeout": { type: "string" },
  keepalive: { type: "string" },
  family: { type: "string" },
  interface: { type: "string" },
  "local-address": { type: "string" },
  "local-port": { type: "string" },
  option: { type: "string", multiple: true },
} as const;

/** Those of them that a listener has as well. */
export const STREAM_FLAGS = {
  "idle-timeout": CONNECTION_FLAGS["idle-timeout"],
  "drop-timeout": CONNECTION_FLAGS["drop-timeout"],
  keepalive: CONNECTION_FLAGS.keepalive,
  family: CONNECTION_FLAGS.family,
  interface: CONNECTION_FLAGS.interface,
  option: CONNECTION_FLAGS.option,
} as const;

export type FlagValues = {
  readonly [K in keyof typeof CONNECTION_FLAGS]?: (typeof CONNECTION_FLAGS)[K] extends {
    multiple: true;
  }
    ? string[] | undefined
    : string | undefined;
};

/** The options that the flags ask for; what is not given is left out. */
export function connectionOptions(flags: FlagValues): ConnectOptions {
  const timeout = (flag: "connect-timeout" | "idle-timeout" | "drop-timeout") =>
    flags[flag] === undefined ? undefined : readDuration(flags[flag], `--${flag}`);
  const { family, option, keepalive } = flags;
  if (family !== undefined && family !== "4" && family !== "6") {
    throw new UsageError(`--family takes 4 or 6: ${family}`);
  }
  const port = flags["local-port"];
  const chosen = flags.interface;
  return {
    connectTimeout: timeout("connect-timeout"),
    idleTimeout: timeout("idle-timeout"),
    dropTimeout: timeout("drop-timeout"),
    keepAlive: keepalive === undefined ? undefined : readKeepAlive(keepalive),
    family: family === undefined ? undefined : (Number(family) as 4 | 6),
    interface: chosen !== undefined && /^[0-9]+$/.test(chosen) ? Number(chosen) : chosen,
    localAddress: flags["local-address"],
    localPort: port === undefined ? undefined : readCount(port, "--local-port", 0),
    socketOptions:
      option === undefined ? undefined : Object.fromEntries(option.map(readSocketOption)),
  };
}
