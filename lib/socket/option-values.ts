// The shapes of socket option values and of a row of the table. Types only.
// Not here: the table (option-table.ts), the calls (options.ts).

/** SO_LINGER (socket(7)). */
export interface LingerValue {
  readonly enabled: boolean;
  /** How long close(2) waits, in seconds. Enabled with 0, close sends RST. */
  readonly seconds: number;
}

/** SO_PEERCRED (unix(7)), LOCAL_PEERCRED (unix(4) of macOS). */
export interface PeerCredentials {
  /** Process; null on macOS, where it is LOCAL_PEERPID. */
  readonly pid: number | null;
  /** Effective user. */
  readonly uid: number | null;
  /** Effective group. */
  readonly gid: number | null;
}

/**
 * What an option's value is. `integer` and `unsigned` are numbers of 32 bits; an `interfaceAddress`
 * is read as an IPv4 address, and set as one or as an interface's index.
 */
export type OptionKind =
  | "boolean"
  | "integer"
  | "unsigned"
  | "linger"
  | "text"
  | "interfaceAddress"
  | "credentials"
  | "structure";

/** A row of the table of socket options. */
export interface OptionRow {
  /** What the addon calls it. */
  readonly index: number;
  readonly kind: OptionKind;
  /** The kernel's own unit; `""` for what has none. */
  readonly unit: string;
  readonly access: "read-only" | "write-only" | "read-write";
  /** Where it exists. */
  readonly systems: readonly ("linux" | "darwin")[];
  /** The name of the same idea on the other system, or `""`. */
  readonly counterpart: string;
}

/** State of a TCP connection (RFC 9293 section 3.3.2), in the spelling of Linux. */
export type TcpState =
  | "ESTABLISHED"
  | "SYN_SENT"
  | "SYN_RECV"
  | "FIN_WAIT1"
  | "FIN_WAIT2"
  | "TIME_WAIT"
  | "CLOSE"
  | "CLOSE_WAIT"
  | "LAST_ACK"
  | "LISTEN"
  | "CLOSING";

/** State of congestion control (tcp_ca_state of Linux, include/uapi/linux/tcp.h). */
export type TcpCongestionState = "open" | "disorder" | "cwr" | "recovery" | "loss";
