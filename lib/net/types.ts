// The public types of connections and listeners over TCP, TLS and Unix sockets: endpoints, options,
// callbacks, states and reports. Types only, nothing that runs: the rules that check these values
// live in endpoint.ts and parameters.ts, the classes in connection.ts and listener.ts. What UDP,
// WebSocket and TLS add lives with them.
//
// Units: durations are milliseconds, sizes are bytes. An option that is `undefined` counts as not
// given. An unknown key is a TypeError (ERR_INVALID_ARG_VALUE) that names the nearest known one.

import type { LookupFunction } from "node:net";
import type { ConnectionState, ListenerState } from "../core/states.ts";
import type { HawserError } from "../errors/hawser-error.ts";
import type { AddressFamily, SocketAddressInfo } from "../socket/address.ts";
import type { LingerValue, OptionInputs, SocketOptions } from "../socket/options.ts";
import type { Connection } from "./connection.ts";
import type { DescriptorEndpoint } from "./listen-descriptor.ts";
import type { Listener } from "./listener.ts";
import type { InterfaceKind, Path } from "./paths/types.ts";
import type { TlsInfo, TlsOption, TlsOptions } from "./tls-engine.ts";

// ---------------------------------------------------------------------------------- endpoints

/** `tcp://HOST:PORT`. The port is required; a path, a query or user info is a TypeError. */
export type TcpUrl = `tcp://${string}`;

/** `tls://HOST:PORT`: TLS over TCP, with the same rules as {@link TcpUrl}. */
export type TlsUrl = `tls://${string}`;

/** `unix:PATH`, `unix:///ABSOLUTE/PATH`, or `unix:@NAME` for Linux's abstract names (unix(7)). */
export type UnixUrl = `unix:${string}`;

/** The endpoints whose connections are byte streams, as text. */
export type StreamUrl = TcpUrl | TlsUrl | UnixUrl;

/** A host and a port as an object, for callers that have the two apart. */
export interface HostEndpoint {
  /** Default `"tcp"`. */
  readonly transport?: "tcp" | "tls" | undefined;
  /**
   * A name, an IPv4 address, or an IPv6 address with or without brackets, with a zone where it
   * needs one (`fe80::1%eth0`, RFC 4007 section 11). Empty or `*` is `::` on both families, and
   * good for listening only.
   */
  readonly host: string;
  /** 0 to 65535. 0 lets the system choose, and is good for listening only. */
  readonly port: number;
}

/** A Unix socket as an object. */
export interface PathEndpoint {
  readonly transport?: "unix" | undefined;
  /**
   * A path, or `@NAME` for an abstract name (Linux). At most 107 bytes on Linux and 103 on macOS
   * (`sun_path`, unix(7)); a longer one is a RangeError.
   */
  readonly path: string;
}

/** What `connect` takes for a byte stream, apart from a `URL` or a plain string. */
export type StreamEndpoint = StreamUrl | HostEndpoint | PathEndpoint;

/** What `listen` takes for a byte stream, apart from a `URL` or a plain string. */
export type ListenEndpoint = StreamEndpoint | DescriptorEndpoint;

// ------------------------------------------------------------------------------------- states

// What sockets and connections have in common stands further down.
export type { ReceiveOptions, SendData, SendOptions } from "../core/byte-stream.ts";
// The words stand in the state tables, from which docs/states.md is made.
export type {
  AddressFamily,
  ConnectionState,
  DescriptorEndpoint,
  ListenerState,
  SocketAddressInfo,
  TlsInfo,
  TlsOption,
  TlsOptions,
};

// ------------------------------------------------------------------------------------ options

/** Keepalive probes (tcp(7); RFC 9293 section 3.8.4). A member left out takes its default. */
export interface KeepAliveOptions {
  /**
   * Silence before the first probe, in milliseconds. Default 60,000. The kernel counts whole
   * seconds: rounded up. 1,000 to 32,767,000, else a RangeError that says so.
   * TCP_KEEPIDLE, on macOS TCP_KEEPALIVE.
   */
  readonly idle?: number | undefined;
  /** Between probes, in milliseconds, as `idle`. Default 10,000. TCP_KEEPINTVL. */
  readonly interval?: number | undefined;
  /** Probes without an answer after which the peer is dead. Default 3, 1 to 127. TCP_KEEPCNT. */
  readonly count?: number | undefined;
}

// The names and kinds of socket options come from their table; docs/options.md lists them.
export type { LingerValue, SocketOptions };

/** A value of a socket option in the kernel's own unit; which kind, `docs/options.md` says. */
export type SocketOptionValue = OptionInputs[keyof OptionInputs];

/**
 * What `connect` and `listen` share. On a listener they hold for each connection it accepts.
 */
export interface StreamOptions {
  /** Send small writes at once (TCP_NODELAY, tcp(7)). Default true. Ignored on Unix sockets. */
  readonly noDelay?: boolean | undefined;
  /**
   * Keepalive, on by default with 60,000/10,000/3: a silent peer fails the connection with
   * ETIMEDOUT within `idle + interval * count + interval`. `false` turns it off. Ignored on Unix
   * sockets, whose peer cannot vanish.
   */
  readonly keepAlive?: KeepAliveOptions | false | undefined;
  /**
   * How long sent data may stay without any acknowledgement, in milliseconds, before the connection
   * fails with ETIMEDOUT and `reason` PEER_UNREACHABLE; the error comes between this and 1.2 times
   * this + 1 s. 0, the default, sets no limit beyond keepalive's. A peer that is alive and does not
   * read is not concerned: that is `stallTimeout`. Kept by the kernel's counters, and not by
   * TCP_USER_TIMEOUT (tcp(7)), which overrides keepalive and kills live peers. On macOS it turns
   * keepalive on where that is off. See docs/dead-peers.md.
   */
  readonly dropTimeout?: number | undefined;
  /**
   * How long a peer that is alive may keep its window closed while data waits, in milliseconds,
   * before the connection fails with ETIMEDOUT and `reason` SEND_STALLED. Default 600,000; 0
   * sets no limit.
   */
  readonly stallTimeout?: number | undefined;
  /**
   * How long nothing may be sent or received, in milliseconds, before the connection fails with
   * ETIMEDOUT and `reason` IDLE_TIMEOUT. Default 0: no limit.
   */
  readonly idleTimeout?: number | undefined;
  /**
   * Bounds `close()`: flush, closing handshake and linger together, in milliseconds, after which
   * the connection is aborted. Default 30,000, at least 1.
   */
  readonly closeTimeout?: number | undefined;
  /**
   * Received bytes held for an application that does not read; above it the TCP window closes.
   * One read of the kernel, up to 65,536 bytes, is held whatever this is. Bytes, default 65,536 (as
   * Node's streams), 1 to 1,073,741,824.
   */
  readonly receiveHighWaterMark?: number | undefined;
  /**
   * Bytes waiting to be sent above which `write` returns false and `send` waits, until the low mark
   * (half of it). Bytes, default 65,536 (as Node's streams), 1 to 1,073,741,824.
   */
  readonly sendHighWaterMark?: number | undefined;
  /**
   * Keep the sending side open after the peer's end (half-open, as in node:net). Default false: our
   * FIN follows once the application has consumed everything; {@link Connection} says when that is.
   */
  readonly allowHalfOpen?: boolean | undefined;
  /**
   * Give `data` a view of the receive slab instead of an owned `Buffer`: valid until the callback
   * returns, then used again. Who keeps bytes copies them. With `HAWSER_DEBUG=lend` lent memory is
   * overwritten afterwards, so that a mistake shows. Default false. Needs `data`.
   */
  readonly lend?: boolean | undefined;
  /**
   * Allow binding to an address in TIME_WAIT (SO_REUSEADDR, socket(7)). Default true on a listener,
   * else false.
   */
  readonly reuseAddr?: boolean | undefined;
  /**
   * Let several sockets bind to one address (SO_REUSEPORT, socket(7)). Default false. Listeners
   * share the connections on Linux; on macOS, which does not balance, `listen` fails with ENOTSUP.
   */
  readonly reusePort?: boolean | undefined;
  /**
   * Bind to an interface, by name or index (SO_BINDTODEVICE, socket(7); IP_BOUND_IF and
   * IPV6_BOUND_IF on macOS). ENODEV where there is none.
   */
  readonly interface?: string | number | undefined;
  /** 4 or 6 keeps to one family; 0, the default, takes both. */
  readonly family?: 0 | 4 | 6 | undefined;
  /**
   * Resolves names, with the signature of `dns.lookup`; asked with `{ all: true }`. Default
   * `dns.lookup`, which runs off the JavaScript thread. Never asked about a literal address.
   */
  readonly lookup?: LookupFunction | undefined;
  /**
   * Raw socket options by their name in the manual page, e.g. `{ TCP_NOTSENT_LOWAT: 16384 }`, in
   * the kernel's own units, applied after the named ones above and before bind or connect. One that
   * this system lacks fails with ENOPROTOOPT and says where it exists. The list: `docs/options.md`.
   */
  readonly socketOptions?: SocketOptions | undefined;
}

/**
 * The callbacks of a byte stream: keys of the options object, one object for all connections of a
 * listener. `open` comes first, `close` last, each once; no `close` without `open`. None runs
 * inside a call that the application makes. After `pause()` or `close()` no more `data` comes.
 *
 * A callback that throws goes to `uncaughtException`, after `abort()` of its connection. A promise
 * that one returns is watched in the same way, except that a rejection with the connection's own
 * error ends that connection quietly and is counted.
 */
export interface StreamHandlers<T = unknown> {
  /** The connection is ready. */
  open?(connection: Connection<T>): unknown;
  /**
   * Bytes have arrived, never empty. With this callback `receive()` and `for await` throw. Owned,
   * unless `lend` is true; chunks may share an ArrayBuffer, so copy what is to be transferred (to a
   * worker, or by a `ReadableStream` of bytes).
   */
  data?(connection: Connection<T>, bytes: Buffer): unknown;
  /** The outbox is at its low mark again, after a `write` that returned false. */
  drain?(connection: Connection<T>): unknown;
  /** The peer will send no more (FIN, or TLS close_notify). Called once, after all data. */
  end?(connection: Connection<T>): unknown;
  /** The connection is over; `error` is null after a clean end. Nothing comes after this. */
  close?(connection: Connection<T>, error: HawserError | null): unknown;
  /**
   * The state has changed. `reason` is what sent it to `waiting` or `failed`, else null. This one
   * is called before `open` too.
   */
  state?(connection: Connection<T>, state: ConnectionState, reason: HawserError | null): unknown;
}

/**
 * Which interfaces a connection may use, and what becomes of it when its path changes. Checked
 * before connecting, for each address of the peer, and again at every change of the network. A Unix
 * socket has no path: it is always viable, and the two rules are TypeErrors.
 */
export interface PathOptions<T = unknown> {
  /**
   * Interfaces that must not be used, by name or index. The socket is bound (as by `interface`) to
   * one that may be; a peer that is on this host needs none. Where no way is left: ENETUNREACH,
   * `reason` PROHIBITED_INTERFACE.
   */
  readonly prohibitedInterfaces?: readonly (string | number)[] | undefined;
  /** The kind of interface to use, bound in the same way. ENETUNREACH, `reason` INTERFACE_KIND. */
  readonly requiredInterfaceKind?: InterfaceKind | undefined;
  /**
   * How long `viable` may be false, in milliseconds, before the connection fails with ENETDOWN and
   * `reason` VIABILITY_TIMEOUT. Default 0: no limit, since the path may come back, and with it
   * everything that was sent meanwhile.
   */
  readonly viabilityTimeout?: number | undefined;
  /**
   * `connection.viable` has changed: the local address, the link or the route was lost, or is back.
   * Told within 200 ms, when it has held for 50 ms. Never before `open`.
   */
  viable?(connection: Connection<T>, viable: boolean): unknown;
  /**
   * `connection.betterPath` has changed, and has held for 100 ms: what a new connection would use
   * now, or null where that is the path in use. Nothing migrates by itself.
   */
  betterPath?(connection: Connection<T>, path: Path | null): unknown;
}

/**
 * Options of `connect` and `new Connection` for tcp, tls and unix. They are read once: changing the
 * object afterwards does nothing, and assigning to `connection.options` throws.
 */
export interface ConnectOptions<T = unknown>
  extends StreamOptions,
    StreamHandlers<T>,
    TlsOption,
    PathOptions<T> {
  /** The address to connect from. EADDRNOTAVAIL where this host does not have it. */
  readonly localAddress?: string | undefined;
  /** The port to connect from, 0 to 65535. Default 0: the system chooses. */
  readonly localPort?: number | undefined;
  /**
   * Bounds name resolution, TCP, TLS and the WebSocket upgrade together, to within 100 ms;
   * milliseconds. ETIMEDOUT, with `phase` telling where. Default 0: no limit but the kernel's, as
   * in node:net. Time in `waiting` does not count, and each try after it has this time anew; bound
   * the whole with `signal`.
   */
  readonly connectTimeout?: number | undefined;
  /**
   * Ends the establishment: everything is closed and the promise rejects with `signal.reason`.
   * Once the connection is ready, the signal has no more effect.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Go to `waiting` instead of failing where a change of the network can cure it: no route
   * (ENETUNREACH, EHOSTUNREACH, ENETDOWN), no name server (EAI_AGAIN), `localAddress` or
   * `interface` not there (EADDRNOTAVAIL, ENODEV). It tries again when addresses, routes, links or
   * name servers change, and now and then without that, the name resolved anew each time, each try
   * within `connectTimeout`; one that takes longer is the end. Of several addresses all must have
   * failed so. Default false: it fails at once.
   */
  readonly waitForConnectivity?: boolean | undefined;
}

/** Options of `listen` for tcp, tls and unix. */
export interface ListenOptions<T = unknown> extends StreamOptions, StreamHandlers<T>, TlsOption {
  /**
   * Connections that the kernel queues before they are accepted (listen(2)). Default 511; with
   * `{ fd }` what it is.
   */
  readonly backlog?: number | undefined;
  /** On `[::]`, take no IPv4 (IPV6_V6ONLY, ipv6(7)). Default false: one listener for both. */
  readonly ipv6Only?: boolean | undefined;
  /** Connections open at once, at least 1; the rest wait in the kernel. Default Infinity. */
  readonly maxConnections?: number | undefined;
  /**
   * Credits: deliver this many connections, then leave the rest queued until the listener's
   * `newConnectionLimit` is raised. Default Infinity.
   */
  readonly newConnectionLimit?: number | undefined;
  /** Closes the listener when aborted, as `listener.close()`. Before `ready`, `listen` rejects. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Something went wrong that stops no other connection: a connection that failed before `open`, or
   * accept(2) out of descriptors (EMFILE, ENFILE), which is retried by a timer. Without this
   * callback such errors are counted only.
   */
  error?(listener: Listener<T>, error: HawserError): unknown;
}

/**
 * A function for each connection, always the last argument of `listen`. When it returns (or its
 * promise resolves), the connection is closed with `close()`. When it fails with the connection's
 * own error, that connection ends quietly and is counted; any other error is `abort()`, and then
 * `uncaughtException`.
 */
export type ConnectionHandler<T = unknown> = (connection: Connection<T>) => unknown;

export interface ListenerCloseOptions {
  /**
   * How long the connections have to close, in milliseconds, before they are aborted. Default: each
   * connection's own `closeTimeout`. 0 aborts them at once.
   */
  readonly timeout?: number | undefined;
  /**
   * Accept what the kernel has queued, which closing a listening socket resets (listen(2)), and
   * leave the connections open until they end by themselves, or `timeout` has passed. Limits on how
   * many may come in do not hold any more. With `reusePort` handshakes that are under way are given
   * up to 250 ms, and new ones go to the others. `close()` without it ends the waiting. Default
   * false.
   */
  readonly drain?: boolean | undefined;
}

// ------------------------------------------------------------------------------------ reports

/** What `connection.closed` and `connection.close()` resolve to. */
export interface CloseResult {
  /** What ended the connection, or null after a clean end. */
  readonly error: HawserError | null;
  /**
   * Who ended it: `"local"` by `close()`, `abort()` or a limit of our own; `"peer"` by its FIN or
   * RST; `"network"` where neither did (no acknowledgements, no route).
   */
  readonly initiator: "local" | "peer" | "network";
  readonly transfer: TransferReport;
  /** WebSocket: the close code (RFC 6455 section 7.4), 1005 and 1006 included. */
  readonly code?: number;
  /** WebSocket: the close reason, `""` where there was none. */
  readonly reason?: string;
  /** WebSocket: whether both sides said Close (RFC 6455 section 7.1.4). */
  readonly wasClean?: boolean;
}

/** What `listener.closed` and `listener.close()` resolve to. */
export interface ListenerCloseResult {
  /** What ended the listener, or null after `close()`. */
  readonly error: HawserError | null;
  /** Connections that had to be aborted. */
  readonly aborted: number;
}

/** What a listener has counted since it was made. */
export interface ListenerCounters {
  readonly accepted: number;
  /** Failed before `open`. */
  readonly failed: number;
  /** A handler ended with its connection's own error. */
  readonly endedByPeer: number;
  /** accept(2) had no descriptor (EMFILE, ENFILE) or memory, and was retried later. */
  readonly acceptRetries: number;
}

/** A part of the way to `ready`. */
export type EstablishmentPhase = "resolve" | "connect" | "tls" | "upgrade";

/** One part of the way to `ready`; times are milliseconds from the report's `startedAtMs`. */
export interface PhaseReport {
  readonly phase: EstablishmentPhase;
  readonly startMs: number;
  readonly durationMs: number;
}

/** One connect(2) of the race between addresses (RFC 8305 section 5). */
export interface AttemptReport {
  readonly address: string;
  readonly family: AddressFamily;
  readonly port: number;
  /** From the report's `startedAtMs`. */
  readonly startMs: number;
  readonly durationMs: number;
  /** `"cancelled"`: another address won, or the establishment ended, while this was under way. */
  readonly outcome: "won" | "failed" | "cancelled";
  /** Set where `outcome` is `"failed"`. */
  readonly error: HawserError | null;
}

/** How a connection became ready. An accepted connection's has no phases and no attempts. */
export interface EstablishmentReport {
  /** When `start()` was called or the connection accepted; milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Until `ready`, time in `waiting` included. */
  readonly durationMs: number;
  /**
   * In order. A phase that did not happen (resolving a literal address) is not there. Where it
   * waited, phases and attempts are those of the last try.
   */
  readonly phases: readonly PhaseReport[];
  /** In the order they were started; the last start is not always the winner. */
  readonly attempts: readonly AttemptReport[];
  /** How often the establishment went through `waiting`. */
  readonly waits: number;
  /** How long it was in `waiting`, in all. */
  readonly waitedMs: number;
  /** Smoothed, at `ready`, from TCP_INFO; null for Unix sockets and accepted connections. */
  readonly roundTripTimeMs: number | null;
}

/**
 * What went over a connection, so far or in all. Bytes are those of the application. What comes
 * from TCP_INFO (tcp(7); TCP_CONNECTION_INFO on macOS) is null for Unix sockets and where the
 * kernel did not tell.
 */
export interface TransferReport {
  /** Since `ready`; up to the end where there was one. */
  readonly durationMs: number;
  readonly bytesRead: number;
  /** Taken by the kernel; what is still queued here is not in it. */
  readonly bytesHandedOver: number;
  /** Of `bytesHandedOver`: acknowledged by the peer's kernel. */
  readonly bytesAcknowledged: number | null;
  readonly segmentsSent: number | null;
  readonly segmentsReceived: number | null;
  readonly segmentsRetransmitted: number | null;
  readonly bytesRetransmitted: number | null;
  /** Smoothed round-trip time (RFC 6298 section 2). */
  readonly roundTripTimeMs: number | null;
  /** Its mean deviation, RTTVAR. */
  readonly roundTripTimeVarianceMs: number | null;
  readonly minRoundTripTimeMs: number | null;
}
