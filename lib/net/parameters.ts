// The options of connect and listen for byte streams, checked and in their normal form.
// Not here: their documentation (types.ts), how tables are read (options.ts), what they do.

import type { LookupFunction } from "node:net";
import { isZone, parseAddress } from "../core/address.ts";
import {
  CLOSE_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  DROP_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  KEEPALIVE_COUNT,
  KEEPALIVE_IDLE_MS,
  KEEPALIVE_INTERVAL_MS,
  MAX_BACKLOG,
  MAX_HIGH_WATER_MARK_BYTES,
  MAX_KEEPALIVE_COUNT,
  MAX_KEEPALIVE_MS,
  MIN_KEEPALIVE_MS,
  RECEIVE_HIGH_WATER_MARK_BYTES,
  SEND_HIGH_WATER_MARK_BYTES,
  STALL_TIMEOUT_MS,
  VIABILITY_TIMEOUT_MS,
} from "../core/limits.ts";
import {
  invalidArgType,
  invalidArgValue,
  outOfRange,
  requireFunction,
  requireObject,
  requireString,
} from "../errors/index.ts";
import { INTERFACE_KINDS } from "../socket/interfaces.ts";
import { requireOption, requireOptionValue } from "../socket/option-arguments.ts";
import { fromAddress, type Host } from "./host.ts";
import {
  abortSignal,
  callback,
  choice,
  count,
  duration,
  type Field,
  flag,
  limit,
  portNumber,
  readOptions,
  size,
  type Values,
} from "./options.ts";
import type { InterfaceKind } from "./paths/types.ts";
import type { TlsOptions } from "./tls-engine.ts";
import type {
  ConnectionHandler,
  ListenOptions,
  PathOptions,
  SocketOptionValue,
  StreamHandlers,
} from "./types.ts";

/** Keepalive as the kernels count it. */
export interface KeepAlive {
  readonly idleSeconds: number;
  readonly intervalSeconds: number;
  readonly count: number;
}

/** Options by their name in the manual page, in the order they were given; checked. */
export type RawSocketOptions = readonly (readonly [name: string, value: SocketOptionValue])[];

const KEEPALIVE_FIELDS = {
  idle: probeDuration(KEEPALIVE_IDLE_MS),
  interval: probeDuration(KEEPALIVE_INTERVAL_MS),
  count: count(KEEPALIVE_COUNT, 1, MAX_KEEPALIVE_COUNT),
};

/** Fields that connections and listeners share; other protocols add theirs to these. */
export const STREAM_FIELDS = {
  noDelay: flag(true),
  keepAlive: keepAliveField(),
  dropTimeout: duration(DROP_TIMEOUT_MS),
  stallTimeout: duration(STALL_TIMEOUT_MS),
  idleTimeout: duration(IDLE_TIMEOUT_MS),
  // A close that may not take any time is abort().
  closeTimeout: duration(CLOSE_TIMEOUT_MS, 1),
  receiveHighWaterMark: size(RECEIVE_HIGH_WATER_MARK_BYTES, 1, MAX_HIGH_WATER_MARK_BYTES),
  sendHighWaterMark: size(SEND_HIGH_WATER_MARK_BYTES, 1, MAX_HIGH_WATER_MARK_BYTES),
  allowHalfOpen: flag(false),
  lend: flag(false),
  reuseAddr: flag(false),
  reusePort: flag(false),
  interface: interfaceField(),
  family: choice<0 | 4 | 6>(0, [0, 4, 6]),
  lookup: callback<LookupFunction>(),
  socketOptions: socketOptionsField(),
  tls: tlsField(),
  signal: abortSignal(),
};

/** Fields of a connection besides its callbacks. */
export const CONNECT_FIELDS = {
  ...STREAM_FIELDS,
  localAddress: localAddressField(),
  localPort: portNumber(0),
  connectTimeout: duration(CONNECT_TIMEOUT_MS),
  waitForConnectivity: flag(false),
  prohibitedInterfaces: interfacesField(),
  requiredInterfaceKind: choice<InterfaceKind | undefined>(undefined, INTERFACE_KINDS),
  viabilityTimeout: duration(VIABILITY_TIMEOUT_MS),
};

/** Fields of a listener besides its callbacks. */
export const LISTEN_FIELDS = {
  ...STREAM_FIELDS,
  reuseAddr: flag(true),
  backlog: backlogField(),
  ipv6Only: flag(false),
  maxConnections: limit(1),
  newConnectionLimit: limit(0),
};

/** The callbacks of a byte stream. */
export const STREAM_CALLBACKS = {
  open: callback<NonNullable<StreamHandlers["open"]>>(),
  data: callback<NonNullable<StreamHandlers["data"]>>(),
  drain: callback<NonNullable<StreamHandlers["drain"]>>(),
  end: callback<NonNullable<StreamHandlers["end"]>>(),
  close: callback<NonNullable<StreamHandlers["close"]>>(),
  state: callback<NonNullable<StreamHandlers["state"]>>(),
};

/** The callbacks of a connection that follows its path. */
const PATH_CALLBACKS = {
  viable: callback<NonNullable<PathOptions["viable"]>>(),
  betterPath: callback<NonNullable<PathOptions["betterPath"]>>(),
};

const LISTENER_CALLBACKS = {
  ...STREAM_CALLBACKS,
  error: callback<NonNullable<ListenOptions["error"]>>(),
};

/** Keys that people know from node:net, Bun or ws, with what does the same here. */
export const INSTEAD: Readonly<Record<string, string>> = {
  timeout: "idleTimeout, or connectTimeout",
  keepAliveInitialDelay: "keepAlive: { idle }, in milliseconds",
  highWaterMark: "receiveHighWaterMark or sendHighWaterMark",
  readableHighWaterMark: "receiveHighWaterMark",
  writableHighWaterMark: "sendHighWaterMark",
  host: "the endpoint for the host",
  hostname: "the endpoint for the host",
  port: "the endpoint for the port",
  path: "the endpoint for the path",
  onread: "lend: true with the data callback",
  pauseOnConnect: "no data callback: nothing is read before receive()",
  autoSelectFamily: "family: addresses of both are always raced",
  exclusive: "reusePort",
};

const CONNECT_TABLE = { ...CONNECT_FIELDS, ...STREAM_CALLBACKS, ...PATH_CALLBACKS };
const LISTEN_TABLE = { ...LISTEN_FIELDS, ...LISTENER_CALLBACKS };

/** Every key of the options of `connect`, in its normal form. One object of one shape. */
export type ConnectParameters = Readonly<Values<typeof CONNECT_TABLE>>;

/** Every key of the options of `listen`, and the handler. */
export type ListenParameters = Readonly<Values<typeof LISTEN_TABLE>> & {
  readonly handler: ConnectionHandler | undefined;
};

/** What a connection needs to know, whichever side it came from. */
export type StreamParameters = Readonly<
  Values<typeof STREAM_FIELDS> & Values<typeof STREAM_CALLBACKS>
>;

/**
 * Checks the options of `connect` and `new Connection`.
 *
 * Wrong kinds of value are TypeErrors, numbers out of range RangeErrors, and an unknown key is a
 * TypeError that names the nearest known one.
 */
export function parseConnectOptions(options?: unknown): ConnectParameters {
  const values = readOptions(options, CONNECT_TABLE, "connect()", INSTEAD);
  requireDataForLending(values);
  const local = values.localAddress;
  if (local !== undefined && values.family !== 0 && local.address?.family !== values.family) {
    throw invalidArgValue("localAddress", `must be of family ${values.family}`, local.host);
  }
  return Object.freeze(values);
}

/**
 * Checks what follows the endpoint in a call of `listen`: `(options)`, `(handler)`,
 * `(options, handler)` or nothing.
 */
export function parseListenArguments(options?: unknown, handler?: unknown): ListenParameters {
  if (typeof options === "function") {
    if (handler !== undefined) {
      throw invalidArgValue("handler", "must be the last argument of listen()", handler);
    }
    return parseListenArguments(undefined, options);
  }
  const values = readOptions(options, LISTEN_TABLE, "listen()", INSTEAD);
  requireDataForLending(values);
  const checked =
    handler === undefined ? undefined : requireFunction<ConnectionHandler>(handler, "handler");
  return Object.freeze({ ...values, handler: checked });
}

function requireDataForLending(values: { readonly lend: boolean; readonly data: unknown }): void {
  if (values.lend && values.data === undefined) {
    throw invalidArgValue("lend", "must go with the data callback, to which memory is lent", true);
  }
}

// ---------------------------------------------------------------------------------------- fields

function probeDuration(initialMs: number): Field<number> {
  return {
    initial: initialMs,
    read(value, name) {
      const takes = `at least ${MIN_KEEPALIVE_MS} and at most ${MAX_KEEPALIVE_MS}`;
      if (typeof value !== "number") {
        throw invalidArgType(`keepAlive.${name}`, "a duration in milliseconds (a number)", value);
      }
      if (!(value >= MIN_KEEPALIVE_MS && value <= MAX_KEEPALIVE_MS)) {
        const why = `${takes}: the unit is milliseconds, so that 60 seconds are 60000`;
        throw outOfRange(`keepAlive.${name}`, why, value);
      }
      return value;
    },
  };
}

function keepAliveField(): Field<KeepAlive | null> {
  return {
    initial: keepAlive({}),
    read(value, name) {
      if (value === false) return null;
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        const takes = "an object { idle, interval, count }, or false; it is on by default";
        throw invalidArgType(name, takes, value);
      }
      return keepAlive(value);
    },
  };
}

function keepAlive(value: object): KeepAlive {
  const fields = readOptions(value, KEEPALIVE_FIELDS, "keepAlive");
  return Object.freeze({
    idleSeconds: Math.ceil(fields.idle / 1_000),
    intervalSeconds: Math.ceil(fields.interval / 1_000),
    count: fields.count,
  });
}

// Not given, a socket that listens already keeps its own.
function backlogField(): Field<number | undefined> {
  return { ...count(0, 0, MAX_BACKLOG), initial: undefined };
}

function interfaceField(): Field<string | number | undefined> {
  return { initial: undefined, read: requireInterface };
}

function interfacesField(): Field<readonly (string | number)[]> {
  return {
    initial: Object.freeze([]),
    read(value, name) {
      if (!Array.isArray(value)) {
        throw invalidArgType(name, "an array of interfaces, each by name or index", value);
      }
      return Object.freeze(value.map((one, at) => requireInterface(one, `${name}[${at}]`)));
    },
  };
}

function requireInterface(value: unknown, name: string): string | number {
  const takes = "an interface, by name (at most 15 bytes) or index (1 or more)";
  if (typeof value === "string") {
    if (!isZone(value)) throw invalidArgValue(name, `must be ${takes}`, value);
    return value;
  }
  if (typeof value !== "number") throw invalidArgType(name, takes, value);
  if (!Number.isInteger(value) || value < 1 || value > 0x7fffffff) {
    throw outOfRange(name, takes, value);
  }
  return value;
}

function localAddressField(): Field<Host | undefined> {
  return {
    initial: undefined,
    read(value, name) {
      const text = requireString(value, name);
      const address = parseAddress(text.replace(/^\[(.*)\]$/, "$1"));
      if (address === undefined) throw invalidArgValue(name, "must be an IP address", value);
      return fromAddress(address);
    },
  };
}

// What is in it, the engine checks.
function tlsField(): Field<TlsOptions | undefined> {
  return { initial: undefined, read: (value, name) => requireObject(value, name) as TlsOptions };
}

function socketOptionsField(): Field<RawSocketOptions> {
  return {
    initial: Object.freeze([]),
    read(value, name) {
      const list: (readonly [string, SocketOptionValue])[] = [];
      for (const [key, item] of Object.entries(requireObject(value, name))) {
        const row = requireOption(key);
        if (item === undefined) continue;
        const checked = requireOptionValue(key, row, item) as SocketOptionValue;
        list.push(Object.freeze([key, checked] as const));
      }
      return Object.freeze(list);
    },
  };
}
