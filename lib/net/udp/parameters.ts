// The options of connect and listen for UDP, checked and in their normal form. Not here: what they
// do.

import {
  CONNECT_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  MAX_HIGH_WATER_MARK_BYTES,
  MAX_UDP_FLOWS_COUNT,
  RECEIVE_HIGH_WATER_MARK_BYTES,
  SEND_HIGH_WATER_MARK_BYTES,
  UDP_FLOW_IDLE_TIMEOUT_MS,
} from "../../core/limits.ts";
import { invalidArgValue, requireFunction } from "../../errors/index.ts";
import {
  callback,
  count,
  duration,
  type Field,
  flag,
  limit,
  readOptions,
  size,
  type Values,
} from "../options.ts";
import { CONNECT_FIELDS, LISTEN_FIELDS, STREAM_FIELDS } from "../parameters.ts";
import type { UdpConnectOptions, UdpFlowHandler, UdpHandlers, UdpListenOptions } from "./types.ts";

const MAX_RECEIVE_BUFFER_BYTES = 0x3fff_ffff;

const receiveBuffer = size(1, 1, MAX_RECEIVE_BUFFER_BYTES);
const RECEIVE_BUFFER: Field<number | undefined> = { initial: undefined, read: receiveBuffer.read };

const COMMON_FIELDS = {
  receiveHighWaterMark: size(RECEIVE_HIGH_WATER_MARK_BYTES, 1, MAX_HIGH_WATER_MARK_BYTES),
  sendHighWaterMark: size(SEND_HIGH_WATER_MARK_BYTES, 1, MAX_HIGH_WATER_MARK_BYTES),
  fragment: flag(false),
  broadcast: flag(false),
  interface: STREAM_FIELDS.interface,
  family: STREAM_FIELDS.family,
  lookup: STREAM_FIELDS.lookup,
  reuseAddr: flag(false),
  reusePort: flag(false),
  lend: flag(false),
  receiveBufferSize: RECEIVE_BUFFER,
  signal: STREAM_FIELDS.signal,
  socketOptions: STREAM_FIELDS.socketOptions,
};

const HANDLERS = {
  open: callback<NonNullable<UdpHandlers["open"]>>(),
  data: callback<NonNullable<UdpHandlers["data"]>>(),
  drain: callback<NonNullable<UdpHandlers["drain"]>>(),
  close: callback<NonNullable<UdpHandlers["close"]>>(),
};

const OWN_HANDLERS = {
  error: callback<NonNullable<UdpConnectOptions["error"]>>(),
  viable: callback<NonNullable<UdpConnectOptions["viable"]>>(),
  betterPath: callback<NonNullable<UdpConnectOptions["betterPath"]>>(),
};

const CONNECT_TABLE = {
  ...COMMON_FIELDS,
  ...HANDLERS,
  ...OWN_HANDLERS,
  viabilityTimeout: CONNECT_FIELDS.viabilityTimeout,
  connectTimeout: duration(CONNECT_TIMEOUT_MS),
  idleTimeout: duration(IDLE_TIMEOUT_MS),
  localAddress: CONNECT_FIELDS.localAddress,
  localPort: CONNECT_FIELDS.localPort,
};

const LISTEN_TABLE = {
  ...COMMON_FIELDS,
  ...HANDLERS,
  idleTimeout: duration(UDP_FLOW_IDLE_TIMEOUT_MS),
  ipv6Only: LISTEN_FIELDS.ipv6Only,
  maxFlows: count(MAX_UDP_FLOWS_COUNT, 1, Number.MAX_SAFE_INTEGER),
  newConnectionLimit: limit(0),
  datagram: callback<NonNullable<UdpListenOptions["datagram"]>>(),
  error: callback<NonNullable<UdpListenOptions["error"]>>(),
};

/** What both kinds of socket need to know. */
export type UdpParameters = Readonly<Values<typeof COMMON_FIELDS>>;
export type UdpHandlerSet = Readonly<Values<typeof HANDLERS>>;
/** What only a flow over a socket of its own has. */
export type UdpOwnHandlerSet = Readonly<Values<typeof OWN_HANDLERS>>;
export type UdpConnectParameters = Readonly<Values<typeof CONNECT_TABLE>>;
export type UdpListenParameters = Readonly<Values<typeof LISTEN_TABLE>> & {
  readonly handler: UdpFlowHandler | undefined;
};

/** What people write who know node:dgram, with what does the same here. */
const INSTEAD: Readonly<Record<string, string>> = {
  type: "family",
  recvBufferSize: "receiveBufferSize",
  sendBufferSize: "socketOptions: { SO_SNDBUF }",
  keepAlive: "datagrams of your own: UDP has no keepalive",
  maxConnections: "maxFlows",
};

/** Checks the options of `connect("udp://...")`. @throws TypeError or RangeError */
export function parseUdpConnect(options?: unknown): UdpConnectParameters {
  const values = readOptions(options, CONNECT_TABLE, "connect()", INSTEAD);
  requireDataForLending(values);
  return Object.freeze(values);
}

/** Checks what follows the endpoint of `listen("udp://...")`. @throws TypeError or RangeError */
export function parseUdpListen(options?: unknown, handler?: unknown): UdpListenParameters {
  if (typeof options === "function") {
    if (handler !== undefined) {
      throw invalidArgValue("handler", "must be the last argument of listen()", handler);
    }
    return parseUdpListen(undefined, options);
  }
  const values = readOptions(options, LISTEN_TABLE, "listen()", INSTEAD);
  requireDataForLending(values);
  const checked =
    handler === undefined ? undefined : requireFunction<UdpFlowHandler>(handler, "handler");
  return Object.freeze({ ...values, handler: checked });
}

/** Checks the handlers of `listener.connect()`. @throws TypeError */
export function parseUdpHandlers(handlers?: unknown): UdpHandlerSet {
  return Object.freeze(readOptions(handlers, HANDLERS, "listener.connect()"));
}

function requireDataForLending(values: { readonly lend: boolean; readonly data: unknown }): void {
  if (values.lend && values.data === undefined) {
    throw invalidArgValue("lend", "must go with the data callback, to which memory is lent", true);
  }
}
