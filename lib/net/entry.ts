// The two verbs, connect and listen, for streams and for flows of datagrams. Not here: what they
// make, and one name for all schemes (lib/websocket/entry.ts), which has the overloads.

import { codeError } from "../errors/index.ts";
import { Connection } from "./connection.ts";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import { Listener } from "./listener.ts";
import { parseListenArguments } from "./parameters.ts";
import type {
  ConnectionHandler,
  ConnectOptions,
  ListenEndpoint,
  ListenOptions,
  StreamEndpoint,
} from "./types.ts";
import { connectUdp } from "./udp/connect.ts";
import type { UdpFlow } from "./udp/flow.ts";
import { UdpListener } from "./udp/listener.ts";
import { parseUdpConnect, parseUdpListen } from "./udp/parameters.ts";
import type {
  UdpConnectOptions,
  UdpEndpoint,
  UdpFlowHandler,
  UdpListenOptions,
} from "./udp/types.ts";

/**
 * Opens a connection and resolves when it is ready.
 *
 * @throws (as a rejection) TypeError or RangeError for wrong arguments; a HawserError whose `phase`
 *   says how far it came (resolve, connect, tls), with `errors` when several addresses failed; or
 *   `signal.reason`. See connect(2).
 */
export async function connect<T = unknown>(
  endpoint: StreamEndpoint | URL,
  options?: ConnectOptions<T>,
): Promise<Connection<T>> {
  const connection = new Connection<T>(endpoint, options);
  const { ready } = connection;
  connection.start();
  return ready;
}

/** A flow of datagrams with one peer, over a connected socket. Rejects as {@link connect}. */
export async function connectFlow<T = unknown>(
  endpoint: UdpEndpoint | URL,
  options?: UdpConnectOptions<T>,
): Promise<UdpFlow<T>> {
  const parsed = parseEndpoint(endpoint, "connect");
  return connectUdp(parsed, parseUdpConnect(options)) as Promise<UdpFlow<T>>;
}

/**
 * Listens, and resolves when the port is known. The handler, a function for each connection, is
 * always last; callbacks are keys of the options. With neither, the listener is iterated.
 *
 * @throws (as a rejection) TypeError or RangeError for wrong arguments; a HawserError: EADDRINUSE,
 *   EADDRNOTAVAIL, EACCES, and of a descriptor EBADF, ENOTSOCK, EPROTOTYPE (no stream socket),
 *   EINVAL (it does not listen); or `signal.reason`. See bind(2), listen(2).
 */
export async function listen<T = unknown>(
  endpoint: ListenEndpoint | URL,
  options?: ListenOptions<T> | ConnectionHandler<T>,
  handler?: ConnectionHandler<T>,
): Promise<Listener<T>> {
  const parsed = requireStream(parseEndpoint(endpoint, "listen"));
  return new Listener<T>(parsed, parseListenArguments(options, handler)).start();
}

/** A bound UDP socket, whose connections are flows. Rejects as {@link listen}. */
export async function listenFlows<T = unknown>(
  endpoint: UdpEndpoint | URL,
  options?: UdpListenOptions<T> | UdpFlowHandler<T>,
  handler?: UdpFlowHandler<T>,
): Promise<UdpListener<T>> {
  const parsed = parseEndpoint(endpoint, "listen");
  return new UdpListener<T>(parsed, parseUdpListen(options, handler)).start();
}

const STREAM_SCHEMES: ReadonlySet<string> = new Set(["tcp", "tls", "unix"]);

function requireStream(endpoint: Endpoint): Endpoint {
  if (STREAM_SCHEMES.has(endpoint.scheme)) return endpoint;
  throw codeError("EPROTONOSUPPORT", "listen", { address: `${endpoint.scheme}:` });
}

/** By the scheme alone; whether the rest is right, the parser says. */
export function isUdp(endpoint: unknown): boolean {
  if (typeof endpoint === "string") return /^udp:/i.test(endpoint);
  const { protocol, transport } = (endpoint ?? {}) as { protocol?: unknown; transport?: unknown };
  return protocol === "udp:" || transport === "udp";
}
