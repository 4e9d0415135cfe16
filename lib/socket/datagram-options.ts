// The options of a DatagramSocket, checked, and what they set on its descriptor. Not here: what the
// socket does with the rest.

import { SLOT_DATAGRAM } from "../binding/types.ts";
import { MAX_HIGH_WATER_MARK_BYTES } from "../core/limits.ts";
import {
  type HawserError,
  invalidArgValue,
  rejectUnknownKeys,
  requireBoolean,
  requireBytes,
  requireFunction,
  requireObject,
  requireOneOf,
} from "../errors/index.ts";
import type { AddressFamily } from "./address.ts";
import type { DatagramBatch } from "./datagram-batch.ts";
import type { DatagramSocket } from "./datagram-socket.ts";
import { assign, type OptionAssignment, type SocketOptions } from "./options.ts";
import { reactor } from "./reactor.ts";
import { setReceiveBuffer } from "./receive-buffer.ts";
import {
  type ConnectedSlot,
  type OpenSlot,
  openSocket,
  readSocketOptions,
  requireFamily,
} from "./socket-base.ts";

export interface DatagramSocketOptions {
  readonly family: AddressFamily;
  /**
   * `"seqpacket"`: messages over a connection (SOCK_SEQPACKET, unix(7)), with family `"unix"`. It
   * connects to a `ListenSocket` of this type, tells the time of each message, and `receive()`
   * gives null when the peer has finished. Not on macOS (EPROTONOSUPPORT). Default `"datagram"`.
   */
  readonly type?: "datagram" | "seqpacket" | undefined;
  /** SO_BROADCAST (socket(7)). Default false: EACCES when sending to a broadcast address. */
  readonly broadcast?: boolean | undefined;
  /**
   * Tell of each datagram where it was sent to and the interface that it came through (IP_PKTINFO,
   * ip(7); IPV6_RECVPKTINFO, ipv6(7)). Default false.
   */
  readonly packetInfo?: boolean | undefined;
  /** Tell ECN of each datagram (IP_RECVTOS, IPV6_RECVTCLASS). Default false. */
  readonly ecn?: boolean | undefined;
  /** Tell when the kernel received each (SO_TIMESTAMPNS). Default false; nothing on macOS. */
  readonly timestamps?: boolean | undefined;
  /**
   * Let the kernel join datagrams of one peer that came together (UDP_GRO, udp(7)); they are told
   * apart again here. Quicker for floods of small ones. Default false; nothing on macOS.
   */
  readonly gro?: boolean | undefined;
  /**
   * The receive buffer to ask for, in bytes: SO_RCVBUFFORCE where this process may, else SO_RCVBUF,
   * which the system cuts. `receiveBufferSize` of the socket is what it got. Default: the system's.
   */
  readonly receiveBufferSize?: number | undefined;
  /** Set before the socket is bound; the kernel's own units (`docs/options.md`). */
  readonly socketOptions?: SocketOptions | undefined;
  /**
   * Bytes of datagrams held for a reader that does not read; above it the kernel's buffer fills
   * (SO_RCVBUF), and then the kernel drops. Each counts for 64 more. Default 65,536.
   */
  readonly receiveHighWaterMark?: number | undefined;
  /**
   * All that one system call gave, lent until the callback returns. With it the socket receives
   * from its first use on, and `receive()` and `for await` throw.
   */
  batch?(socket: DatagramSocket, batch: DatagramBatch): unknown;
  /** Beside `batch`: the peer of a seqpacket socket has finished. */
  end?(socket: DatagramSocket): unknown;
  /** Beside `batch`: an asynchronous error, as of an ICMP message. The socket lives on. */
  error?(socket: DatagramSocket, error: HawserError): unknown;
}

export interface DatagramSettings {
  readonly opened: OpenSlot;
  readonly mark: number | undefined;
  readonly batch: DatagramSocketOptions["batch"];
  readonly end: DatagramSocketOptions["end"];
  readonly error: DatagramSocketOptions["error"];
}

const FLAGS = ["broadcast", "packetInfo", "ecn", "timestamps", "gro"] as const;
const OPTION_KEYS: ReadonlySet<string> = new Set([
  ...FLAGS,
  "family",
  "type",
  "receiveBufferSize",
  "socketOptions",
  "receiveHighWaterMark",
  "batch",
  "end",
  "error",
]);
const MAX_RECEIVE_BUFFER_BYTES = 0x3fff_ffff;
const isLinux = process.platform === "linux";

/**
 * Checks the options and opens the socket.
 *
 * @throws TypeError or RangeError; HawserError of socket(2) and setsockopt(2)
 */
export function openDatagramSocket(options: DatagramSocketOptions): DatagramSettings {
  const given = requireObject(options, "options");
  rejectUnknownKeys(given, OPTION_KEYS, "DatagramSocket");
  const family = requireFamily(given["family"]);
  const mark = optional(given["receiveHighWaterMark"], (value) =>
    requireBytes(value, "options.receiveHighWaterMark", 1, MAX_HIGH_WATER_MARK_BYTES),
  );
  const buffer = optional(given["receiveBufferSize"], (value) =>
    requireBytes(value, "options.receiveBufferSize", 1, MAX_RECEIVE_BUFFER_BYTES),
  );
  const batch = optional(given["batch"], (value) =>
    requireFunction<NonNullable<DatagramSocketOptions["batch"]>>(value, "options.batch"),
  );
  const error = optional(given["error"], (value) =>
    requireFunction<NonNullable<DatagramSocketOptions["error"]>>(value, "options.error"),
  );
  const end = optional(given["end"], (value) =>
    requireFunction<NonNullable<DatagramSocketOptions["end"]>>(value, "options.end"),
  );
  const isSequenced = requireSequenced(given["type"], family);
  const raw = readSocketOptions(given["socketOptions"] as SocketOptions | undefined);
  const assignments = flagAssignments(given, family);
  const opened = openSocket(family, SLOT_DATAGRAM, [...assignments, ...raw], isSequenced);
  if (buffer !== undefined) {
    setReceiveBuffer({ fd: reactor.descriptorOf(opened.slot, opened.generation) }, buffer);
  }
  return { opened, mark, batch, end, error };
}

const TYPES = ["datagram", "seqpacket"] as const;

/** Checks `type`: whether it is that of seqpacket sockets. @throws TypeError */
export function requireSequenced(value: unknown, family: AddressFamily): boolean {
  if (value === undefined) return false;
  if (requireOneOf(value, "options.type", TYPES) === "datagram") return false;
  if (family === "unix") return true;
  throw invalidArgValue("options.type", 'must go with family "unix"', value);
}

/** Of a socket that was adopted or accepted. */
export function settingsOf(opened: ConnectedSlot): DatagramSettings {
  return { opened, mark: undefined, batch: undefined, end: undefined, error: undefined };
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}

function flagAssignments(
  given: Record<string, unknown>,
  family: AddressFamily,
): OptionAssignment[] {
  const assignments: OptionAssignment[] = [];
  for (const name of FLAGS) {
    const value = given[name];
    if (value === undefined) continue;
    requireBoolean(value, `options.${name}`);
    if (name === "broadcast") assignments.push(assign("SO_BROADCAST", value));
    else if (value === true && family !== "unix") assignments.push(...told(name, family));
  }
  // Costs nothing while nothing is lost.
  if (isLinux && family !== "unix") assignments.push(assign("SO_RXQ_OVFL", true));
  return assignments;
}

function told(
  name: "packetInfo" | "ecn" | "timestamps" | "gro",
  family: "IPv4" | "IPv6",
): OptionAssignment[] {
  switch (name) {
    case "packetInfo":
      return [assign(family === "IPv6" ? "IPV6_RECVPKTINFO" : "IP_PKTINFO", true)];
    case "ecn":
      return family === "IPv6" ? classOptions() : [assign("IP_RECVTOS", true)];
    case "timestamps":
      return isLinux ? [assign("SO_TIMESTAMPNS", true)] : [];
    case "gro":
      return isLinux ? [assign("UDP_GRO", true)] : [];
  }
}

// Linux tells the class of IPv4 datagrams on an IPv6 socket where IPv4's own option is on.
function classOptions(): OptionAssignment[] {
  const six = assign("IPV6_RECVTCLASS", true);
  return isLinux ? [six, assign("IP_RECVTOS", true)] : [six];
}
