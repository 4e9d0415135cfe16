// The public types of WebSockets. No code.

import type { HawserError } from "../errors/index.ts";
import type { Path } from "../net/paths/types.ts";
import type {
  ConnectionState,
  ConnectOptions,
  ListenOptions,
  SendData,
  StreamHandlers,
  TlsOptions,
} from "../net/types.ts";
import type { WebSocketConnection } from "./connection.ts";
import type { WebSocketListener } from "./listener.ts";

/** The endpoints whose connections are WebSockets, as text. */
export type WebSocketUrl = `ws://${string}` | `wss://${string}` | `ws+unix:${string}`;

/** A listening descriptor, as `DescriptorEndpoint`, for WebSockets; any path is served. */
export interface WebSocketDescriptor {
  readonly fd: number;
  readonly transport: "ws" | "wss";
}

/** A message: text is a string, binary a Buffer. */
export type Message = string | Buffer;

export interface MessageOptions {
  /** Default: strings are text, the rest binary. */
  readonly binary?: boolean | undefined;
  /** Default true: above the threshold, where permessage-deflate was negotiated. */
  readonly compress?: boolean | undefined;
}

export interface MessageSendOptions extends MessageOptions {
  /** Stops the waiting: the promise rejects with `signal.reason`. The message still goes out. */
  readonly signal?: AbortSignal | undefined;
}

export interface MessageReceiveOptions {
  /** Stops the waiting: the promise rejects with `signal.reason`, and no message is lost. */
  readonly signal?: AbortSignal | undefined;
}

export interface BroadcastOptions extends MessageOptions {
  /**
   * What happens to a receiver that has more than `sendHighWaterMark` waiting: it is left out this
   * time, or closed with 1013. Default `"skip"`. Nobody's backlog grows without bound.
   */
  readonly slow?: "skip" | "close" | undefined;
}

export interface WebSocketOptions {
  /**
   * Pings of our own after `interval` milliseconds of silence, for peers behind proxies that answer
   * TCP's probes; without a sign of life within `timeout` (default 10,000) the connection fails
   * with ETIMEDOUT, `reason` HEARTBEAT_TIMEOUT. Default off.
   */
  readonly heartbeat?:
    | { readonly interval: number; readonly timeout?: number | undefined }
    | false
    | undefined;
  /**
   * Longest message, inflated, also where it is received in parts. Bytes, default 16,777,216; above
   * it the close code is 1009.
   */
  readonly maxPayload?: number | undefined;
  /** Fragments of one message, default 16,384; above it 1008. */
  readonly maxFragments?: number | undefined;
  /** permessage-deflate (RFC 7692). Default false on a server, true on a client. */
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  /** Answer pings (RFC 6455 section 5.5.2). Default true. */
  readonly autoPong?: boolean | undefined;
  /** The opening handshake's own limit, milliseconds. Default 10,000; a server then says 408. */
  readonly handshakeTimeout?: number | undefined;
  /** HTTP head: bytes, default 16,384; a server then says 431. */
  readonly maxHeaderSize?: number | undefined;
  /** HTTP head: fields, default 128; a server then says 431. */
  readonly maxHeaderCount?: number | undefined;
  /** Milliseconds without a message either way, then Close 1001. Default 0: no limit. */
  readonly idleTimeout?: number | undefined;
  /**
   * Give `message` a view of the receive slab instead of an owned `Buffer` where a binary message
   * lies whole in it, or `part` one of each part that lies there: valid until the callback returns.
   * Default false. Needs `message` or `part`.
   */
  readonly lend?: boolean | undefined;
}

/** RFC 7692 section 7.1. */
export interface PerMessageDeflateOptions {
  readonly serverNoContextTakeover?: boolean | undefined;
  readonly clientNoContextTakeover?: boolean | undefined;
  /** 8 to 15. */
  readonly serverMaxWindowBits?: number | undefined;
  /** 8 to 15. */
  readonly clientMaxWindowBits?: number | undefined;
  /** Shorter messages go uncompressed. Bytes, default 1,024. */
  readonly threshold?: number | undefined;
  /** zlib's level, 0 to 9. Default 6. */
  readonly level?: number | undefined;
  /** zlib's memory level, 1 to 9. Default 8. */
  readonly memLevel?: number | undefined;
  /** Bytes of earlier messages that the compressor refers to. Default 4,096. */
  readonly historyBytes?: number | undefined;
}

/**
 * The callbacks of a WebSocket: keys of the options object. `open` comes first, `close` last, each
 * once. None runs inside a call that the application makes. One that throws ends its WebSocket with
 * 1011, and reaches `uncaughtException`.
 */
export interface WebSocketHandlers<T = unknown> {
  open?(socket: WebSocketConnection<T>): unknown;
  /** A whole message. With this callback `receive()` and `for await` throw. */
  message?(socket: WebSocketConnection<T>, message: Message): unknown;
  /**
   * A part of a message as it arrives, so that none is ever whole in memory: a string that is cut
   * at characters, or a Buffer of up to 64 KiB. The last may be empty. Instead of `message`; with
   * it `receive()` and `for await` throw. `pause()` holds the rest of a message back as well.
   */
  part?(socket: WebSocketConnection<T>, data: Message, isFirst: boolean, isLast: boolean): unknown;
  /** After it was answered. The payload is owned. */
  ping?(socket: WebSocketConnection<T>, payload: Buffer): unknown;
  pong?(socket: WebSocketConnection<T>, payload: Buffer): unknown;
  /** The outbox is at its low mark again, after a `write` that returned false. */
  drain?(socket: WebSocketConnection<T>): unknown;
  /** 1006 where no Close came, 1005 where it had no code (RFC 6455 section 7.1.5). */
  close?(
    socket: WebSocketConnection<T>,
    code: number,
    reason: string,
    error: HawserError | null,
  ): unknown;
  /**
   * The state has changed. `reason` is what sent it to `waiting` or `failed`, else null. This one
   * is called before `open` too: the WebSocket can be given up then (`close`, `abort`) or told to
   * try again (`restart`), and sends nothing yet.
   */
  state?(
    socket: WebSocketConnection<T>,
    state: ConnectionState,
    reason: HawserError | null,
  ): unknown;
}

/** Options of a stream without its callbacks and what WebSockets have no use for. */
export type WithoutStreamHandlers<O> = Omit<
  O,
  keyof StreamHandlers | "allowHalfOpen" | "idleTimeout" | "lend" | "error"
>;

/** Fields of an HTTP head; several of one name as an array. */
export type HeadersInput = Readonly<Record<string, string | readonly string[]>>;

/** What a WebSocket made by `connect` hears of its path; see the options of streams. */
export interface WebSocketPathHandlers<T = unknown> {
  /** `socket.viable` has changed. Never before `open`. */
  viable?(socket: WebSocketConnection<T>, viable: boolean): unknown;
  /** `socket.betterPath` has changed. */
  betterPath?(socket: WebSocketConnection<T>, path: Path | null): unknown;
}

/** Options of `connect` for ws and wss. */
export interface WebSocketConnectOptions<T = unknown>
  extends Omit<WithoutStreamHandlers<ConnectOptions<T>>, keyof WebSocketPathHandlers>,
    WebSocketOptions,
    WebSocketHandlers<T>,
    WebSocketPathHandlers<T> {
  /** Subprotocols, in order of preference. The server must choose one. */
  readonly protocols?: string | readonly string[] | undefined;
  /** More fields of the request; those of the handshake itself are a TypeError. */
  readonly headers?: HeadersInput | undefined;
  readonly tls?: TlsOptions | undefined;
}

/** Options of `listen` for ws and wss. */
export interface WebSocketListenOptions<T = unknown>
  extends WithoutStreamHandlers<ListenOptions<T>>,
    WebSocketOptions,
    WebSocketHandlers<T> {
  /**
   * Before a WebSocket exists: undefined or `{protocol?, headers?, data?}` accepts, `{status, ...}`
   * or a `Response` refuses; or a promise of one of them. What it throws is answered with 500 and
   * reported. Without it the first of the client's subprotocols is taken.
   */
  upgrade?(request: UpgradeRequest): UpgradeResult<T> | PromiseLike<UpgradeResult<T>>;
  /** Plain HTTP. Without it: 426 (RFC 9110 section 15.5.22). */
  http?: import("node:http").RequestListener | undefined;
  readonly tls?: TlsOptions | undefined;
  /** What failed before `open` (bad requests, TLS handshakes), or accept(2). */
  error?(listener: WebSocketListener<T>, error: HawserError): unknown;
}

/** A request to become a WebSocket. */
export interface UpgradeRequest {
  /** The request's target with the Host field, absolute. */
  readonly url: string;
  /** The target as it came. */
  readonly path: string;
  readonly headers: import("node:http").IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  /** Subprotocols that the client offers, in its order of preference. */
  readonly protocols: readonly string[];
  readonly origin: string | undefined;
  /** `""` on a Unix socket. */
  readonly remoteAddress: string;
  /** Aborted when the client gave up while `upgrade` was still thinking. */
  readonly signal: AbortSignal;
}

/** What `upgrade` decides. */
export type UpgradeResult<T = unknown> =
  | undefined
  | {
      readonly protocol?: string | undefined;
      readonly headers?: HeadersInput | undefined;
      readonly data?: T | undefined;
    }
  | {
      readonly status: number;
      readonly headers?: HeadersInput | undefined;
      readonly body?: SendData | undefined;
    }
  | Response;

/** The `upgrade` callback. */
export type UpgradeHandler = (
  request: UpgradeRequest,
) => UpgradeResult<never> | PromiseLike<UpgradeResult<never>>;

/**
 * A function for each WebSocket, always the last argument of `listen`. When it returns (or its
 * promise resolves) the WebSocket is closed with 1000. Failing with the WebSocket's own error ends
 * it quietly; any other error closes with 1011, and then reaches `uncaughtException`.
 */
export type WebSocketHandler<T = unknown> = (socket: WebSocketConnection<T>) => unknown;
