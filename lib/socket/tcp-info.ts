// TCP_INFO (tcp(7)) and TCP_CONNECTION_INFO (tcp(4) of macOS) as one typed object.
// Not here: which fields there are (tcp-info-table.ts), and what follows from them.

import { native } from "../binding/native.ts";
import { type AnySocket, targetOf } from "./descriptor.ts";
import { type OptionSystem, refusedOption, SYSTEM } from "./option-errors.ts";
import type { TcpCongestionState, TcpState } from "./option-values.ts";
import {
  TCP_INFO_FIELD_COUNT,
  TCP_INFO_INDEX,
  TCP_INFO_TYPES,
  type TcpInfo,
} from "./tcp-info-table.ts";

export { TCP_INFO_INDEX, type TcpInfo } from "./tcp-info-table.ts";

// include/net/tcp_states.h of Linux, from 1; a bound one that is not connected (13) counts as
// closed.
const LINUX_STATES: readonly (TcpState | undefined)[] = [
  undefined,
  "ESTABLISHED",
  "SYN_SENT",
  "SYN_RECV",
  "FIN_WAIT1",
  "FIN_WAIT2",
  "TIME_WAIT",
  "CLOSE",
  "CLOSE_WAIT",
  "LAST_ACK",
  "LISTEN",
  "CLOSING",
  "SYN_RECV",
  "CLOSE",
];

// bsd/netinet/tcp_fsm.h of XNU, from 0.
const DARWIN_STATES: readonly TcpState[] = [
  "CLOSE",
  "LISTEN",
  "SYN_SENT",
  "SYN_RECV",
  "ESTABLISHED",
  "CLOSE_WAIT",
  "FIN_WAIT1",
  "CLOSING",
  "LAST_ACK",
  "FIN_WAIT2",
  "TIME_WAIT",
];

const CONGESTION_STATES: readonly TcpCongestionState[] = [
  "open",
  "disorder",
  "cwr",
  "recovery",
  "loss",
];

/** The name of the kernel's number of a state, or null. */
export function tcpStateName(state: number, system: OptionSystem = SYSTEM): TcpState | null {
  return (system === "darwin" ? DARWIN_STATES : LINUX_STATES)[state] ?? null;
}

/** The object for what the addon wrote. */
export function decodeTcpInfo(fields: Float64Array, system: OptionSystem = SYSTEM): TcpInfo {
  const info: Record<string, unknown> = {};
  for (const [name, index] of Object.entries(TCP_INFO_INDEX)) {
    const value = fields[index] ?? Number.NaN;
    info[name] = Number.isNaN(value) ? null : typed(name, value, system);
  }
  return info as unknown as TcpInfo;
}

const TYPES: Readonly<Record<string, string>> = TCP_INFO_TYPES;

function typed(name: string, value: number, system: OptionSystem): unknown {
  switch (TYPES[name]) {
    case "boolean":
      return value !== 0;
    case "state":
      return tcpStateName(value, system);
    case "congestion":
      return CONGESTION_STATES[value] ?? null;
    default:
      return value;
  }
}

const OPTION = SYSTEM === "darwin" ? "TCP_CONNECTION_INFO" : "TCP_INFO";

const scratch = new Float64Array(TCP_INFO_FIELD_COUNT);

/**
 * The same without the object, for those who need a few fields of many connections: by the places
 * of TCP_INFO_INDEX, NaN for what this system does not tell. Lent until the next call; null where
 * there is no connection.
 */
export function tcpInfoFields(descriptor: number): Float64Array | null {
  return native.getTcpInfo(descriptor, scratch) < 0 ? null : scratch;
}

/**
 * TCP_INFO of a descriptor.
 *
 * @throws HawserError EOPNOTSUPP, ENOPROTOOPT or EINVAL where it is not TCP
 */
export function tcpInfoOf(descriptor: number): TcpInfo {
  const fields = new Float64Array(TCP_INFO_FIELD_COUNT);
  const result = native.getTcpInfo(descriptor, fields);
  if (result < 0) throw refusedOption("getsockopt", OPTION, result);
  return decodeTcpInfo(fields);
}

/**
 * What the kernel knows of a TCP connection: TCP_INFO (tcp(7)), on macOS TCP_CONNECTION_INFO
 * (tcp(4)). On a listener of Linux, its accept queue.
 *
 * @param socket of this library, or of Node's net, tls or http, while it is open
 * @throws TypeError for what is no socket; HawserError: EBADF (closed), ENOTCONN (not open yet),
 *   EOPNOTSUPP, ENOPROTOOPT or EINVAL (not TCP)
 */
export function getTcpInfo(socket: AnySocket): TcpInfo {
  return tcpInfoOf(targetOf(socket, "getsockopt").descriptor);
}
