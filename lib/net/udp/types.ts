// The public types of UDP flows and listeners. Types only; the rules that check these values stand
// in parameters.ts, the classes in flow.ts and listener.ts.

import type { LookupFunction } from "node:net";
import type { HawserError } from "../../errors/index.ts";
import type { Datagram } from "../../socket/datagram-receiver.ts";
import type { SocketOptions } from "../../socket/options.ts";
import type { Path } from "../paths/types.ts";
import type { UdpFlow } from "./flow.ts";
import type { UdpListener } from "./listener.ts";

export type UdpUrl = `udp://${string}`;

/** A string, or its parts. */
export type UdpEndpoint =
  | UdpUrl
  | { readonly host: string; readonly port: number; readonly transport: "udp" };

/** What flows share. Marks are in bytes of datagrams. */
export interface UdpOptions {
  /**
   * Silence both ways after which a flow is closed; milliseconds. Default 60,000 on a listener,
   * else 0.
   */
  readonly idleTimeout?: number | undefined;
  /** Bytes held per flow; the newest datagram is dropped above it, and counted. Default 65,536. */
  readonly receiveHighWaterMark?: number | undefined;
  /** Bytes that wait for room in the kernel above which `write` says false. Default 65,536. */
  readonly sendHighWaterMark?: number | undefined;
  /** Allow IP fragmentation: datagrams above `maxDatagramSize`. Default false. */
  readonly fragment?: boolean | undefined;
  /** SO_BROADCAST. Without it the error is EACCES and says so. Default false. */
  readonly broadcast?: boolean | undefined;
  /** Bind to an interface, by name or index (SO_BINDTODEVICE, socket(7); IP_BOUND_IF). */
  readonly interface?: string | number | undefined;
  readonly family?: 0 | 4 | 6 | undefined;
  readonly lookup?: LookupFunction | undefined;
  /** SO_REUSEADDR: on UDP a second socket then takes this one's datagrams. Default false. */
  readonly reuseAddr?: boolean | undefined;
  /** SO_REUSEPORT (socket(7)). Default false. */
  readonly reusePort?: boolean | undefined;
  /** Lend `data` views that are valid until the callback returns. Default false. */
  readonly lend?: boolean | undefined;
  /**
   * The receive buffer to ask for, in bytes: SO_RCVBUFFORCE where allowed, else SO_RCVBUF. Default:
   * the system's.
   */
  readonly receiveBufferSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly socketOptions?: SocketOptions | undefined;
}

/** The callbacks of a flow. None runs inside a call that the application makes. */
export interface UdpHandlers<T = unknown> {
  open?(flow: UdpFlow<T>): unknown;
  /** One whole datagram, empty ones included. With it `receive()` and `for await` throw. */
  data?(flow: UdpFlow<T>, bytes: Buffer, info: DatagramInfo): unknown;
  /** What was held for want of room has left, after a `write` that returned false. */
  drain?(flow: UdpFlow<T>): unknown;
  close?(flow: UdpFlow<T>, error: HawserError | null): unknown;
}

/** What is known of a datagram besides its bytes. */
export type DatagramInfo = Omit<Datagram, "data">;

export interface UdpConnectOptions<T = unknown> extends UdpOptions, UdpHandlers<T> {
  /**
   * Bounds the resolution of the name, which is all that connecting waits for: milliseconds.
   * ETIMEDOUT with `phase` "resolve". Default 0: no limit but the resolver's.
   */
  readonly connectTimeout?: number | undefined;
  readonly localAddress?: string | undefined;
  /** EADDRINUSE where a listener here owns it: use `listener.connect()`, as the message says. */
  readonly localPort?: number | undefined;
  /**
   * How long `viable` may be false, in milliseconds, before the flow fails with ENETDOWN and
   * `reason` VIABILITY_TIMEOUT. Default 0: no limit.
   */
  readonly viabilityTimeout?: number | undefined;
  /**
   * What went wrong and does not end the flow: beside `data` what ICMP says of the peer, and what
   * the kernel refused of a `write`. Without it the next `send`, or `receive`, rejects with that.
   */
  error?(flow: UdpFlow<T>, error: HawserError): unknown;
  /** `flow.viable` has changed, as of a connection: within 200 ms. */
  viable?(flow: UdpFlow<T>, viable: boolean): unknown;
  /** `flow.betterPath` has changed. Nothing migrates by itself. */
  betterPath?(flow: UdpFlow<T>, path: Path | null): unknown;
}

export interface UdpListenOptions<T = unknown> extends UdpOptions, UdpHandlers<T> {
  readonly ipv6Only?: boolean | undefined;
  /**
   * Flows at once. A new peer then evicts the flow that was never answered and is the longest
   * there; one that was answered is never evicted by one that was not. Default 65,536, of which a
   * quarter may be unanswered.
   */
  readonly maxFlows?: number | undefined;
  /** Credits: so many flows of new peers, then their datagrams are dropped. Default Infinity. */
  readonly newConnectionLimit?: number | undefined;
  /**
   * A datagram of a peer without a flow, before one is made. Answer without state by
   * `listener.send`; return `"accept"` to make the flow; anything else ignores it, a promise
   * included: nothing is kept of a stranger.
   */
  datagram?(listener: UdpListener<T>, datagram: Datagram): unknown;
  /** What went wrong and stops nobody: what ICMP says of a peer, first of all. */
  error?(listener: UdpListener<T>, error: HawserError): unknown;
}

/** To whom a datagram goes that belongs to no flow. A received `Datagram` will do. */
export interface UdpDestination {
  readonly address: string;
  readonly port: number;
  /** The source address. A group's or broadcast one gives that of its interface. */
  readonly localAddress?: string | null | undefined;
  readonly interface?: string | number | null | undefined;
}

/**
 * A function for each flow. Its return is `close()`; when it ends with an error of its own flow
 * (ECANCELED, ECONNREFUSED, ...), that ends quietly; any other is `abort()`, and then
 * `uncaughtException`.
 */
export type UdpFlowHandler<T = unknown> = (flow: UdpFlow<T>) => unknown;

/** What a UDP listener counts. They only grow, but for `receiveBufferBytes`. */
export interface UdpCounters {
  /** By the kernel, for want of buffer (SO_RXQ_OVFL). Linux; null on macOS. */
  readonly kernelDrops: number | null;
  /** Datagrams dropped here: of flows that nobody reads, and of peers that got no flow. */
  readonly flowDrops: number;
  readonly evictedFlows: number;
  /** SO_RCVBUF as the kernel tells it. */
  readonly receiveBufferBytes: number;
}

export interface UdpListenerCloseResult {
  readonly error: HawserError | null;
}
