// The options of the `ws` package in this library's terms. Not here: what the classes do with them
// (ws-socket.ts, ws-server.ts).

import { unmask } from "./native-mask.ts";
import type { Shared } from "./options.ts";
import {
  type DeflateSettings,
  limits,
  ProtocolSettings,
  resolveDeflate,
} from "./protocol/index.ts";
import type { WebSocketHandlers } from "./types.ts";

/** As in `ws`: both names of its options for zlib, of which level and memLevel are met. */
export interface WsDeflateOptions {
  readonly serverNoContextTakeover?: boolean | undefined;
  readonly clientNoContextTakeover?: boolean | undefined;
  readonly serverMaxWindowBits?: number | undefined;
  readonly clientMaxWindowBits?: number | boolean | undefined;
  readonly threshold?: number | undefined;
  readonly zlibDeflateOptions?:
    | { readonly level?: number | undefined; readonly memLevel?: number | undefined }
    | undefined;
  readonly zlibInflateOptions?: object | undefined;
  readonly concurrencyLimit?: number | undefined;
}

/** What clients and servers have in common. */
export interface WsCommonOptions {
  /** Bytes; 0 is no limit. Default 104,857,600. */
  readonly maxPayload?: number | undefined;
  /** Fragments of one message; 0 is no limit. Default 16,384. */
  readonly maxFragments?: number | undefined;
  /**
   * Chunks of a message are one buffer here, whatever the size in which they came: there is nothing
   * to bound.
   */
  readonly maxBufferedChunks?: number | undefined;
  /**
   * Nothing to bound either: while 64 KiB are unsent only the newest ping waits for its answer.
   */
  readonly maxPendingAutoPongs?: number | undefined;
  /**
   * Unsent bytes above which another message fails the connection with ENOBUFS: what a peer that
   * does not read may cost. Not in `ws`. Default: no limit, as there.
   */
  readonly maxQueuedBytes?: number | undefined;
  readonly perMessageDeflate?: boolean | WsDeflateOptions | undefined;
  readonly autoPong?: boolean | undefined;
  /** Milliseconds. Default 30,000. */
  readonly closeTimeout?: number | undefined;
  /** UTF-8 is always checked here: text that is none could not be given as a string. */
  readonly skipUTF8Validation?: boolean | undefined;
  /** Events are always synchronous here. */
  readonly allowSynchronousEvents?: boolean | undefined;
}

/** As in `ws`. */
const MAX_PAYLOAD_BYTES = 104_857_600;
const RECEIVE_MARK_BYTES = 65_536;

/** The same for all WebSockets of one server, or for one client. */
export function shareOf(
  role: "server" | "client",
  options: WsCommonOptions,
  deflates: boolean,
  handlers: WebSocketHandlers<never>,
): Shared {
  const { maxPayload = MAX_PAYLOAD_BYTES, perMessageDeflate = deflates } = options;
  const { maxFragments = limits.MAX_FRAGMENTS, maxQueuedBytes = Number.POSITIVE_INFINITY } =
    options;
  const closeTimeout = options.closeTimeout ?? limits.CLOSE_TIMEOUT_MS;
  const settings = new ProtocolSettings({
    role,
    limits: {
      maxMessageBytes: maxPayload > 0 ? maxPayload : Number.POSITIVE_INFINITY,
      maxFragments: maxFragments > 0 ? maxFragments : Number.POSITIVE_INFINITY,
      maxQueuedBytes,
    },
    timeouts: { closeTimeout },
    deflate: deflateOf(perMessageDeflate) ?? false,
    unmask,
    autoPong: options.autoPong ?? true,
    deliverWhileClosing: true,
  });
  return {
    settings,
    handlers,
    receiveHighWaterMark: RECEIVE_MARK_BYTES,
    closeTimeout,
    handshake: {
      handshakeTimeout: limits.HANDSHAKE_TIMEOUT_MS,
      maxHeaderBytes: limits.MAX_HEADER_BYTES,
      maxHeaderCount: limits.MAX_HEADER_COUNT,
    },
  };
}

function deflateOf(value: boolean | WsDeflateOptions): DeflateSettings | null {
  if (value === false) return null;
  if (value === true) return resolveDeflate();
  const { clientMaxWindowBits, zlibDeflateOptions = {} } = value;
  return resolveDeflate({
    ...pick(value, ["serverNoContextTakeover", "clientNoContextTakeover"]),
    ...pick(value, ["serverMaxWindowBits", "threshold"]),
    ...(typeof clientMaxWindowBits === "number" ? { clientMaxWindowBits } : {}),
    ...pick(zlibDeflateOptions, ["level", "memLevel"]),
  });
}

function pick<O extends object, K extends keyof O>(
  object: O,
  keys: readonly K[],
): { [N in K]?: NonNullable<O[N]> } {
  const picked: { [N in K]?: NonNullable<O[N]> } = {};
  for (const key of keys) {
    const value = object[key];
    if (value !== undefined && value !== null) picked[key] = value as NonNullable<O[K]>;
  }
  return picked;
}
