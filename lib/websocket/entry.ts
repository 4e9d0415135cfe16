// The two verbs for every scheme: connect and listen. WebSockets are made here, and what lies below
// is passed on. Not here: what they make.

import type { Connection } from "../net/connection.ts";
import { parseEndpoint } from "../net/endpoint.ts";
import {
  connectFlow,
  connect as connectStream,
  isUdp,
  listenFlows,
  listen as listenStreams,
} from "../net/entry.ts";
import type { Listener } from "../net/listener.ts";
import type {
  ConnectionHandler,
  ConnectOptions,
  ListenEndpoint,
  ListenOptions,
  StreamEndpoint,
} from "../net/types.ts";
import type { UdpFlow } from "../net/udp/flow.ts";
import type { UdpListener } from "../net/udp/listener.ts";
import type {
  UdpConnectOptions,
  UdpEndpoint,
  UdpFlowHandler,
  UdpListenOptions,
} from "../net/udp/types.ts";
import { ClientUpgrade } from "./client-upgrade.ts";
import type { WebSocketConnection } from "./connection.ts";
import { startListener, type WebSocketListener } from "./listener.ts";
import { parseClientOptions, parseListenerArguments } from "./options.ts";
import type {
  WebSocketConnectOptions,
  WebSocketDescriptor,
  WebSocketHandler,
  WebSocketListenOptions,
  WebSocketUrl,
} from "./types.ts";

/** A `string`, but no literal: a literal with a wrong scheme is an error at compile time. */
export type PlainString<S extends string> = string extends S ? S : never;

/** What `connect` makes of a scheme that the compiler does not see. */
export type AnyConnection<T = unknown> = Connection<T> | WebSocketConnection<T> | UdpFlow<T>;

/** What `listen` makes of a scheme that the compiler does not see. */
export type AnyListener<T = unknown> = Listener<T> | WebSocketListener<T> | UdpListener<T>;

const WEBSOCKET_SCHEME = /^\s*(?:wss?|ws\+unix):/i;

function isWebSocket(endpoint: unknown): endpoint is WebSocketUrl | URL {
  const text = typeof endpoint === "string" ? endpoint : (endpoint as URL | null)?.href;
  return typeof text === "string" && WEBSOCKET_SCHEME.test(text);
}

function isWebSocketDescriptor(endpoint: unknown): boolean {
  const { fd, transport } = (endpoint ?? {}) as { fd?: unknown; transport?: unknown };
  return fd !== undefined && (transport === "ws" || transport === "wss");
}

/**
 * Connects. The type of the result follows the scheme of the endpoint.
 *
 * Resolves when the connection is `ready`: connected, and where the scheme says so, through the TLS
 * and WebSocket handshakes. Names are resolved off the JavaScript thread, and their addresses raced
 * (RFC 8305).
 *
 * @throws (as a rejection) TypeError or RangeError for wrong arguments; a HawserError whose `phase`
 *   says how far it came (resolve, connect, tls, upgrade), with `errors` when several addresses
 *   failed, with `response` when the server refused the upgrade; or `signal.reason`. See
 *   connect(2).
 */
export function connect<T = unknown>(
  endpoint: StreamEndpoint,
  options?: ConnectOptions<T>,
): Promise<Connection<T>>;
/** A WebSocket (RFC 6455). */
export function connect<T = unknown>(
  endpoint: WebSocketUrl,
  options?: WebSocketConnectOptions<T>,
): Promise<WebSocketConnection<T>>;
/** A flow of datagrams with one peer, over a connected socket. */
export function connect<T = unknown>(
  endpoint: UdpEndpoint,
  options?: UdpConnectOptions<T>,
): Promise<UdpFlow<T>>;
/** A `URL`, or a string whose scheme the compiler does not see: tell the result by `instanceof`. */
export function connect<T = unknown, S extends string = string>(
  endpoint: URL | PlainString<S>,
  options?: ConnectOptions<T>,
): Promise<AnyConnection<T>>;
export function connect<T = unknown, S extends string = string>(
  endpoint: URL | PlainString<S>,
  options?: WebSocketConnectOptions<T>,
): Promise<AnyConnection<T>>;
export function connect<T = unknown, S extends string = string>(
  endpoint: URL | PlainString<S>,
  options?: UdpConnectOptions<T>,
): Promise<AnyConnection<T>>;
export async function connect<T = unknown>(
  endpoint: StreamEndpoint | UdpEndpoint | URL | string,
  options?: ConnectOptions<T> | WebSocketConnectOptions<T> | UdpConnectOptions<T>,
): Promise<AnyConnection<T>> {
  if (isUdp(endpoint)) return connectFlow(endpoint as UdpEndpoint, options as UdpConnectOptions<T>);
  if (!isWebSocket(endpoint)) {
    return connectStream(endpoint as StreamEndpoint, options as ConnectOptions<T>);
  }
  const parsed = parseEndpoint(endpoint, "connect");
  return new ClientUpgrade<T>(parsed, endpoint, parseClientOptions(options)).start();
}

/**
 * Listens, and resolves when the port is known. The handler, a function for each connection, is
 * always last; callbacks are keys of the options. With neither, the listener is iterated. The type
 * of the result follows the scheme of the endpoint.
 *
 * @throws (as a rejection) TypeError or RangeError for wrong arguments; a HawserError: EADDRINUSE,
 *   EADDRNOTAVAIL, EACCES, and of a descriptor EBADF, ENOTSOCK, EPROTOTYPE (no stream socket),
 *   EINVAL (it does not listen); or `signal.reason`. See bind(2), listen(2).
 */
export function listen<T = unknown>(
  endpoint: ListenEndpoint,
  handler?: ConnectionHandler<T>,
): Promise<Listener<T>>;
export function listen<T = unknown>(
  endpoint: ListenEndpoint,
  options: ListenOptions<T> | undefined,
  handler?: ConnectionHandler<T>,
): Promise<Listener<T>>;
/** WebSockets (RFC 6455). A path other than "/" is the only one that is served. */
export function listen<T = unknown>(
  endpoint: WebSocketUrl | WebSocketDescriptor,
  handler?: WebSocketHandler<T>,
): Promise<WebSocketListener<T>>;
export function listen<T = unknown>(
  endpoint: WebSocketUrl | WebSocketDescriptor,
  options: WebSocketListenOptions<T> | undefined,
  handler?: WebSocketHandler<T>,
): Promise<WebSocketListener<T>>;
/** A bound UDP socket, whose connections are flows. */
export function listen<T = unknown>(
  endpoint: UdpEndpoint,
  handler?: UdpFlowHandler<T>,
): Promise<UdpListener<T>>;
export function listen<T = unknown>(
  endpoint: UdpEndpoint,
  options: UdpListenOptions<T> | undefined,
  handler?: UdpFlowHandler<T>,
): Promise<UdpListener<T>>;
/** A `URL`, or a string whose scheme the compiler does not see: tell the result by `instanceof`. */
export function listen<T = unknown, S extends string = string>(
  endpoint: URL | PlainString<S>,
  options?: ListenOptions<T>,
  handler?: ConnectionHandler<T>,
): Promise<AnyListener<T>>;
export function listen<T = unknown, S extends string = string>(
  endpoint: URL | PlainString<S>,
  options?: WebSocketListenOptions<T>,
  handler?: WebSocketHandler<T>,
): Promise<AnyListener<T>>;
export function listen<T = unknown, S extends string = string>(
  endpoint: URL | PlainString<S>,
  options?: UdpListenOptions<T>,
  handler?: UdpFlowHandler<T>,
): Promise<AnyListener<T>>;
export async function listen<T = unknown>(
  endpoint: ListenEndpoint | WebSocketDescriptor | UdpEndpoint | URL | string,
  options?: unknown,
  handler?: unknown,
): Promise<AnyListener<T>> {
  if (isUdp(endpoint)) {
    return listenFlows(endpoint as UdpEndpoint, options as never, handler as never);
  }
  if (!isWebSocket(endpoint) && !isWebSocketDescriptor(endpoint)) {
    return listenStreams(endpoint as ListenEndpoint, options as never, handler as never);
  }
  const parsed = parseEndpoint(endpoint, "listen");
  return startListener<T>(parsed, parseListenerArguments(options, handler));
}
