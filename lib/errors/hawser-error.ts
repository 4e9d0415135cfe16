// The one error class of the library and the shape of what it carries.
// Not here: names of errno values (errno.ts), what to do about an error (hints.ts),
// wrong arguments, which are TypeErrors and RangeErrors (arguments.ts).

/** What a connection was doing when it failed. */
export type ErrorPhase = "resolve" | "connect" | "tls" | "upgrade" | "open" | "close";

/**
 * Why, where one code has several causes. ETIMEDOUT of an open connection is either
 * `PEER_UNREACHABLE` (nothing is acknowledged) or `SEND_STALLED` (the peer is alive and its window
 * stays closed); the other words name the limit of this library that ended the connection.
 */
export type ErrorReason =
  | "PEER_UNREACHABLE"
  | "SEND_STALLED"
  | "CONNECT_TIMEOUT"
  | "IDLE_TIMEOUT"
  | "CLOSE_TIMEOUT"
  | "HEARTBEAT_TIMEOUT"
  | "VIABILITY_TIMEOUT"
  | (string & {});

/**
 * How far the bytes of a failed connection came. All three count bytes of this connection. Over TLS
 * the kernel counts records, so `acknowledged` is the least that it can be.
 */
export interface ErrorBytes {
  /** Bytes that the kernel took from the library. */
  readonly handedOver: number;
  /** Bytes that the peer acknowledged, as far as the kernel knows. */
  readonly acknowledged: number;
  /** Bytes handed over and not acknowledged. The peer may or may not have read them. */
  readonly unacknowledged: number;
}

/** The HTTP answer to an upgrade that was refused. */
export interface ErrorResponse {
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case; values of repeated fields joined as Node joins them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** Up to 64 KiB of the body. */
  readonly body: Buffer;
}

/** Where an error happened. Every key may be absent. */
export interface ErrorContext {
  /** Remote address (or the address that was being bound); the path of a Unix socket. */
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  /** The name that was being resolved. */
  readonly hostname?: string | undefined;
  readonly phase?: ErrorPhase | undefined;
  readonly reason?: ErrorReason | undefined;
  readonly bytes?: ErrorBytes | undefined;
  readonly cause?: unknown;
  /** One error for each address that was tried. */
  readonly errors?: readonly Error[] | undefined;
  readonly response?: ErrorResponse | undefined;
}

export interface HawserErrorInit extends ErrorContext {
  readonly code: string;
  readonly errno?: number | undefined;
  readonly syscall?: string | undefined;
}

// Copied in this order, so that util.inspect prints what matters first.
const CARRIED = [
  "errno",
  "code",
  "syscall",
  "address",
  "port",
  "localAddress",
  "localPort",
  "hostname",
  "phase",
  "reason",
  "bytes",
  "response",
] as const satisfies readonly (keyof HawserErrorInit)[];

/**
 * What every operation of hawser rejects with or reports, except wrong arguments (TypeError,
 * RangeError) and an aborted `signal` (its own reason). Properties that do not apply are absent,
 * as on Node's own system errors.
 */
export class HawserError extends Error {
  /** POSIX name (`ECONNRESET`), name of a resolver's error (`ENOTFOUND`) or `ERR_HAWSER_*`. */
  declare readonly code: string;
  /** The negative error number, as in Node. Absent where no system error lies beneath. */
  declare readonly errno?: number;
  /** The system call that failed, as its manual page is called. */
  declare readonly syscall?: string;
  /** Remote address, or the one that was being bound; the path of a Unix socket. */
  declare readonly address?: string;
  declare readonly port?: number;
  declare readonly localAddress?: string;
  declare readonly localPort?: number;
  /** The name that was being resolved. */
  declare readonly hostname?: string;
  declare readonly phase?: ErrorPhase;
  declare readonly reason?: ErrorReason;
  declare readonly bytes?: ErrorBytes;
  /** When several addresses failed: the error of each, in the order of the attempts. */
  declare readonly errors?: readonly Error[];
  /** The answer to a refused upgrade. */
  declare readonly response?: ErrorResponse;

  constructor(message: string, init: HawserErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    for (const key of CARRIED) {
      const value = init[key];
      if (value !== undefined) define(this, key, value, true);
    }
    // As on AggregateError: present, but printed by util.inspect only where it is asked for.
    if (init.errors !== undefined) define(this, "errors", Object.freeze([...init.errors]), false);
  }
}

define(HawserError.prototype, "name", "HawserError", false);

function define(target: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true });
}

/** Whether a value is an error with a `code`, of this library or of Node. */
export function isCodedError(value: unknown): value is Error & { code: string } {
  return value instanceof Error && typeof (value as { code?: unknown }).code === "string";
}
