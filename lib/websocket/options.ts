// The options of WebSockets, checked and parted: what is the protocol's, what the stream's beneath.
// Not here: their documentation (types.ts), options of streams (lib/net/parameters.ts).

import type { RequestListener } from "node:http";
import {
  invalidArgType,
  invalidArgValue,
  rejectUnknownKeys,
  requireDuration,
  requireFunction,
  requireObject,
  requireString,
} from "../errors/index.ts";
import { captureContext, inContext } from "../net/handler-context.ts";
import {
  callback,
  count,
  duration,
  type Field,
  type Fields,
  flag,
  readOptions,
  size,
  type Values,
} from "../net/options.ts";
import { CONNECT_FIELDS, INSTEAD, LISTEN_FIELDS } from "../net/parameters.ts";
import { unmask } from "./native-mask.ts";
import { isToken } from "./protocol/header-values.ts";
import {
  type DeflateSettings,
  limits,
  ProtocolSettings,
  resolveDeflate,
} from "./protocol/index.ts";
import type {
  HeadersInput,
  UpgradeHandler,
  WebSocketHandler,
  WebSocketHandlers,
  WebSocketListenOptions,
  WebSocketPathHandlers,
} from "./types.ts";

interface Heartbeat {
  readonly interval: number;
  readonly timeout: number;
}

const HEARTBEAT_KEYS: ReadonlySet<string> = new Set(["interval", "timeout"]);

const COMMON_FIELDS = {
  heartbeat: heartbeatField(),
  maxPayload: size(limits.MAX_MESSAGE_BYTES, 1, Number.MAX_SAFE_INTEGER),
  maxFragments: count(limits.MAX_FRAGMENTS, 1, Number.MAX_SAFE_INTEGER),
  autoPong: flag(true),
  lend: flag(false),
  idleTimeout: duration(0),
  handshakeTimeout: duration(limits.HANDSHAKE_TIMEOUT_MS, 1),
  maxHeaderSize: size(limits.MAX_HEADER_BYTES, 1, Number.MAX_SAFE_INTEGER),
  maxHeaderCount: count(limits.MAX_HEADER_COUNT, 1, Number.MAX_SAFE_INTEGER),
  closeTimeout: CONNECT_FIELDS.closeTimeout,
  receiveHighWaterMark: CONNECT_FIELDS.receiveHighWaterMark,
  open: callback<NonNullable<WebSocketHandlers["open"]>>(),
  message: callback<NonNullable<WebSocketHandlers["message"]>>(),
  part: callback<NonNullable<WebSocketHandlers["part"]>>(),
  ping: callback<NonNullable<WebSocketHandlers["ping"]>>(),
  pong: callback<NonNullable<WebSocketHandlers["pong"]>>(),
  drain: callback<NonNullable<WebSocketHandlers["drain"]>>(),
  close: callback<NonNullable<WebSocketHandlers["close"]>>(),
  state: callback<NonNullable<WebSocketHandlers["state"]>>(),
};

const CONNECT_TABLE = {
  ...COMMON_FIELDS,
  perMessageDeflate: deflateField(true),
  protocols: protocolsField(),
  headers: headersField(),
  connectTimeout: CONNECT_FIELDS.connectTimeout,
  signal: CONNECT_FIELDS.signal,
  viable: callback<NonNullable<WebSocketPathHandlers["viable"]>>(),
  betterPath: callback<NonNullable<WebSocketPathHandlers["betterPath"]>>(),
};

const LISTEN_TABLE = {
  ...COMMON_FIELDS,
  perMessageDeflate: deflateField(false),
  upgrade: callback<UpgradeHandler>(),
  http: callback<RequestListener>(),
  error: callback<NonNullable<WebSocketListenOptions["error"]>>(),
};

/** Keys of the stream beneath that mean nothing here, or another thing. */
const NOT_OF_STREAM: ReadonlySet<string> = new Set(["allowHalfOpen", "idleTimeout", "lend"]);

type Options = Record<string, unknown>;

/** What all WebSockets of one listener, or one client, have in common. */
export interface Shared {
  readonly settings: ProtocolSettings;
  readonly handlers: WebSocketHandlers<never>;
  readonly receiveHighWaterMark: number;
  readonly closeTimeout: number;
  readonly handshake: {
    readonly handshakeTimeout: number;
    readonly maxHeaderBytes: number;
    readonly maxHeaderCount: number;
  };
}

export interface ClientParameters {
  readonly shared: Shared;
  readonly own: Readonly<Values<typeof CONNECT_TABLE>>;
  /** For the stream beneath, as they came. */
  readonly stream: Options;
}

export interface ListenerParameters {
  readonly shared: Shared;
  readonly own: Readonly<Values<typeof LISTEN_TABLE>>;
  readonly handler: WebSocketHandler<never> | undefined;
  readonly stream: Options;
}

/** @throws TypeError or RangeError for wrong options */
export function parseClientOptions(options: unknown = {}): ClientParameters {
  const { own, stream } = part(options, CONNECT_TABLE, CONNECT_FIELDS, "connect()");
  return { shared: share(own, "client"), own, stream };
}

/** @throws TypeError or RangeError for wrong arguments */
export function parseListenerArguments(
  options?: unknown,
  handler?: unknown,
  call = "listen()",
): ListenerParameters {
  if (typeof options === "function") {
    if (handler !== undefined) {
      throw invalidArgValue("handler", "must be the last argument of listen()", handler);
    }
    return parseListenerArguments(undefined, options);
  }
  const { own, stream } = part(options ?? {}, LISTEN_TABLE, LISTEN_FIELDS, call);
  const context = captureContext();
  const checked =
    handler === undefined
      ? undefined
      : inContext(context, requireFunction<WebSocketHandler<never>>(handler, "handler"));
  const bound = {
    ...own,
    upgrade: inContext(context, own.upgrade),
    http: inContext(context, own.http),
    error: inContext(context, own.error),
  };
  return { shared: share(own, "server"), own: bound, handler: checked, stream };
}

function part<F extends Fields>(
  input: unknown,
  fields: F,
  streamFields: Fields,
  what: string,
): { own: Values<F>; stream: Options } {
  const options = requireObject(input, `options of ${what}`);
  const streamKeys = Object.keys(streamFields).filter((key) => !NOT_OF_STREAM.has(key));
  const known = new Set([...Object.keys(fields), ...streamKeys]);
  rejectUnknownKeys(options, known, what, INSTEAD);
  const own: Options = {};
  const stream: Options = {};
  for (const key of known) {
    const value = options[key];
    if (value === undefined) continue;
    if (key in fields) own[key] = value;
    // What both know, both keep; the protocol's signal and limit in time cover the whole way.
    const isBoth = key === "closeTimeout" || key === "receiveHighWaterMark";
    if (!(key in fields) || isBoth || key === "connectTimeout") stream[key] = value;
  }
  return { own: readOptions(own, fields, what), stream };
}

function share(
  own: Readonly<Values<typeof COMMON_FIELDS>> & { readonly perMessageDeflate: Deflate },
  role: "server" | "client",
): Shared {
  if (own.lend && own.message === undefined && own.part === undefined) {
    const why = "must go with the message or part callback, to which memory is lent";
    throw invalidArgValue("lend", why, true);
  }
  if (own.message !== undefined && own.part !== undefined) {
    throw invalidArgValue("part", "cannot be given beside message: one gets everything", own.part);
  }
  const context = captureContext();
  const heartbeat = own.heartbeat;
  const settings = new ProtocolSettings({
    role,
    limits: { maxMessageBytes: own.maxPayload, maxFragments: own.maxFragments },
    timeouts: {
      ...(heartbeat === null
        ? {}
        : { heartbeatInterval: heartbeat.interval, heartbeatTimeout: heartbeat.timeout }),
      idleTimeout: own.idleTimeout,
      closeTimeout: own.closeTimeout,
    },
    deflate: own.perMessageDeflate ?? false,
    lend: own.lend,
    stream: own.part !== undefined,
    unmask,
    autoPong: own.autoPong,
  });
  const handlers = {
    open: inContext(context, own.open),
    message: inContext(context, own.message),
    part: inContext(context, own.part),
    ping: inContext(context, own.ping),
    pong: inContext(context, own.pong),
    drain: inContext(context, own.drain),
    close: inContext(context, own.close),
    state: inContext(context, own.state),
  };
  return {
    settings,
    handlers: handlers as unknown as WebSocketHandlers<never>,
    receiveHighWaterMark: own.receiveHighWaterMark,
    closeTimeout: own.closeTimeout,
    handshake: {
      handshakeTimeout: own.handshakeTimeout,
      maxHeaderBytes: own.maxHeaderSize,
      maxHeaderCount: own.maxHeaderCount,
    },
  };
}

// ---------------------------------------------------------------------------------------- fields

type Deflate = DeflateSettings | null;

function deflateField(initial: boolean): Field<Deflate> {
  return {
    initial: initial ? resolveDeflate() : null,
    read(value, name) {
      if (value === false) return null;
      if (value === true) return resolveDeflate();
      if (typeof value !== "object" || value === null) {
        throw invalidArgType(name, "a boolean or an object", value);
      }
      return resolveDeflate(value);
    },
  };
}

function heartbeatField(): Field<Heartbeat | null> {
  return {
    initial: null,
    read(value, name) {
      if (value === false) return null;
      const options = requireObject(value, name);
      rejectUnknownKeys(options, HEARTBEAT_KEYS, name);
      return {
        interval: requireDuration(options["interval"], `${name}.interval`, 1),
        timeout: requireDuration(
          options["timeout"] ?? limits.HEARTBEAT_TIMEOUT_MS,
          `${name}.timeout`,
          1,
        ),
      };
    },
  };
}

function protocolsField(): Field<readonly string[]> {
  return {
    initial: [],
    read(value, name) {
      const list = typeof value === "string" ? [value] : value;
      if (!Array.isArray(list))
        throw invalidArgType(name, "a string or an array of strings", value);
      for (const one of list) {
        if (!isToken(requireString(one, name))) {
          throw invalidArgValue(name, "must be tokens (RFC 6455 section 4.1)", one);
        }
      }
      if (new Set(list).size !== list.length) {
        throw invalidArgValue(name, "must be distinct", value);
      }
      return Object.freeze([...(list as string[])]);
    },
  };
}

function headersField(): Field<HeadersInput> {
  return { initial: {}, read: (value, name) => requireObject(value, name) as HeadersInput };
}
