// The connection options that are the kernel's alone, on a socket that is already open; and which
// socket options such a policy becomes on each system. Durations here are milliseconds, the
// kernels'
// are seconds or milliseconds. Not here: the calls (options.ts).

import {
  KEEPALIVE_COUNT,
  KEEPALIVE_IDLE_MS,
  KEEPALIVE_INTERVAL_MS,
  MAX_KEEPALIVE_COUNT,
  MAX_KEEPALIVE_MS,
  MIN_KEEPALIVE_MS,
} from "../core/limits.ts";
import {
  invalidArgType,
  invalidArgValue,
  outOfRange,
  rejectUnknownKeys,
  requireBoolean,
  requireDuration,
  requireInteger,
  requireObject,
} from "../errors/index.ts";
import { type AnySocket, type Target, targetOf } from "./descriptor.ts";
import { type OptionSystem, SYSTEM } from "./option-errors.ts";
import {
  applyAllOrNone,
  assign,
  getOption,
  type OptionAssignment,
  type SocketOptions,
} from "./options.ts";

/** What `tune` takes; an option that is `undefined` or not given is left as it is. */
export interface TuneOptions {
  /** Send small writes at once (TCP_NODELAY, tcp(7)). Ignored on Unix sockets. */
  readonly noDelay?: boolean | undefined;
  /**
   * Keepalive probes (tcp(7); RFC 9293 section 3.8.4), or `false` for none. Ignored on Unix
   * sockets,
   * whose peer cannot vanish.
   */
  readonly keepAlive?: TuneKeepAlive | false | undefined;
  /**
   * How long sent data may stay without any acknowledgement, in milliseconds; 0: the kernel's own
   * limit. This is the bare TCP_USER_TIMEOUT (tcp(7), RFC 5482), on macOS TCP_RXT_CONNDROPTIME,
   * which counts whole seconds: rounded up. It also kills a peer that is alive with its window
   * closed,
   * and on Linux it takes the place of `keepAlive.count`; only a `Connection` of this library tells
   * these apart. Ignored on Unix sockets.
   */
  readonly dropTimeout?: number | undefined;
  /** Raw socket options in the kernel's own units, set after the named ones above. */
  readonly socketOptions?: SocketOptions | undefined;
}

/** Keepalive probes. A member left out takes its default. */
export interface TuneKeepAlive {
  /**
   * Silence before the first probe, in milliseconds. Default 60,000; at least 1,000, rounded up.
   */
  readonly idle?: number | undefined;
  /** Between probes, in milliseconds. Default 10,000; at least 1,000, rounded up. */
  readonly interval?: number | undefined;
  /** Probes without an answer after which the peer is dead. Default 3; 1 to 127. */
  readonly count?: number | undefined;
}

/**
 * Applies options to an open socket, all or none: where one fails, those set before it are set back
 * as far as the kernel lets them, and the error names it. On a listener they hold for the
 * connections it accepts.
 *
 * @param socket of this library, or of Node's net, tls, dgram or http
 * @returns the socket
 * @example tune(request.socket, { keepAlive: { idle: 60_000, interval: 10_000, count: 3 } });
 * @throws TypeError or RangeError for a wrong option, one that the kind of socket cannot have, and
 *   a
 *   `keepAlive` duration under 1,000 ms; HawserError as `setOption`
 */
export function tune<S extends AnySocket>(socket: S, options: TuneOptions): S {
  const { policy, raw } = readTuneOptions(options);
  const target = targetOf(socket, "setsockopt");
  const first = Object.keys(policy)[0];
  if (first !== undefined && isDatagram(target)) {
    throw invalidArgValue(first, "needs a TCP socket, and this one is UDP's", socket);
  }
  const pairs = isUnix(target) ? [] : policyOptions(policy);
  applyAllOrNone(target.descriptor, [...pairs.map(([name, value]) => assign(name, value)), ...raw]);
  return socket;
}

/** Keepalive in the kernels' seconds. */
export interface KeepAliveSeconds {
  readonly idleSeconds: number;
  readonly intervalSeconds: number;
  readonly count: number;
}

export interface Policy {
  readonly noDelay?: boolean;
  readonly keepAlive?: KeepAliveSeconds | null;
  /** Milliseconds. */
  readonly dropTimeout?: number;
}

/** The socket options of a policy on a system, in the order to set them. */
export function policyOptions(
  { noDelay, keepAlive, dropTimeout }: Policy,
  system: OptionSystem = SYSTEM,
): [name: string, value: number | boolean][] {
  const pairs: [string, number | boolean][] = [];
  if (noDelay !== undefined) pairs.push(["TCP_NODELAY", noDelay]);
  if (keepAlive === null) pairs.push(["SO_KEEPALIVE", false]);
  else if (keepAlive !== undefined) {
    pairs.push(
      [system === "linux" ? "TCP_KEEPIDLE" : "TCP_KEEPALIVE", keepAlive.idleSeconds],
      ["TCP_KEEPINTVL", keepAlive.intervalSeconds],
      ["TCP_KEEPCNT", keepAlive.count],
      // Last, so that the first probe is timed by the values above.
      ["SO_KEEPALIVE", true],
    );
  }
  if (dropTimeout !== undefined) {
    pairs.push(
      system === "linux"
        ? ["TCP_USER_TIMEOUT", dropTimeout]
        : ["TCP_RXT_CONNDROPTIME", Math.ceil(dropTimeout / 1_000)],
    );
  }
  return pairs;
}

const KEYS: ReadonlySet<string> = new Set(["noDelay", "keepAlive", "dropTimeout", "socketOptions"]);
const KEEPALIVE_KEYS: ReadonlySet<string> = new Set(["idle", "interval", "count"]);

function readTuneOptions(value: unknown): { policy: Policy; raw: OptionAssignment[] } {
  const options = requireObject(value, "options");
  rejectUnknownKeys(options, KEYS, "tune()", { userTimeout: "dropTimeout" });
  const { noDelay, keepAlive, dropTimeout, socketOptions } = options;
  const policy: Policy = {
    ...(noDelay !== undefined && { noDelay: requireBoolean(noDelay, "noDelay") }),
    ...(keepAlive !== undefined && { keepAlive: readKeepAlive(keepAlive) }),
    ...(dropTimeout !== undefined && { dropTimeout: requireDuration(dropTimeout, "dropTimeout") }),
  };
  const entries = socketOptions === undefined ? {} : requireObject(socketOptions, "socketOptions");
  const raw = Object.entries(entries)
    .filter(([, one]) => one !== undefined)
    .map(([name, one]) => assign(name, one));
  return { policy, raw };
}

function readKeepAlive(value: unknown): KeepAliveSeconds | null {
  if (value === false) return null;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidArgType("keepAlive", "an object { idle, interval, count }, or false", value);
  }
  rejectUnknownKeys(value, KEEPALIVE_KEYS, "keepAlive");
  const {
    idle = KEEPALIVE_IDLE_MS,
    interval = KEEPALIVE_INTERVAL_MS,
    count = KEEPALIVE_COUNT,
  } = value as TuneKeepAlive;
  return {
    idleSeconds: probeSeconds(idle, "keepAlive.idle"),
    intervalSeconds: probeSeconds(interval, "keepAlive.interval"),
    count: requireInteger(count, "keepAlive.count", 1, MAX_KEEPALIVE_COUNT),
  };
}

function probeSeconds(value: unknown, name: string): number {
  if (typeof value !== "number") {
    throw invalidArgType(name, "a duration in milliseconds (a number)", value);
  }
  if (!(value >= MIN_KEEPALIVE_MS && value <= MAX_KEEPALIVE_MS)) {
    const range = `at least ${MIN_KEEPALIVE_MS} and at most ${MAX_KEEPALIVE_MS}`;
    throw outOfRange(name, `${range}: the unit is milliseconds, so that 60 s are 60000`, value);
  }
  return Math.ceil(value / 1_000);
}

const SOCK_DGRAM = 2;
const AF_UNIX = 1;

function isDatagram({ descriptor }: Target): boolean {
  return getOption({ fd: descriptor }, "SO_TYPE") === SOCK_DGRAM;
}

// macOS cannot be asked for a socket's domain; there Node's own handle tells.
function isUnix({ descriptor, pipe }: Target): boolean {
  return pipe || (SYSTEM === "linux" && getOption({ fd: descriptor }, "SO_DOMAIN") === AF_UNIX);
}
