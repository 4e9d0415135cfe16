// A connection that waits for the network: which failures a change can cure, and when to try again.
// Pure: errors, changes and the time go in, times come out.
// Not here: timers and the watch (lib/net/waiting.ts), the tries themselves (establishment.ts).

import {
  MAX_WAITING_RETRY_MS,
  MAX_WAITING_SETTLE_MS,
  MIN_WAITING_APART_MS,
  MIN_WAITING_RETRY_MS,
  WAITING_SETTLE_MS,
} from "../../core/limits.ts";

/** What an error tells of itself. */
export interface FailedTry {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly phase?: unknown;
  readonly address?: unknown;
  /** Of several addresses. */
  readonly errors?: readonly unknown[] | undefined;
}

/** There is no way to the peer now, whoever says so. */
const NO_WAY: ReadonlySet<unknown> = new Set([
  "ENETUNREACH",
  "EHOSTUNREACH",
  "ENETDOWN",
  "EHOSTDOWN",
]);

/** The interface that was asked for, or a zone's, is not there. */
const NO_INTERFACE = "ENODEV";

/**
 * No name server could be asked, by getaddrinfo(3) or by a `lookup` over `dns.resolve`, whose
 * errors have the names of c-ares.
 */
const NO_RESOLVER: ReadonlySet<unknown> = new Set([
  "EAI_AGAIN",
  "ETIMEOUT",
  "ESERVFAIL",
  "ECONNREFUSED",
]);

/**
 * Whether a change of the network can cure it. Of several addresses all must have failed so: one
 * that was refused will be refused again.
 */
export function isCurable(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, syscall, phase, address, errors }: FailedTry = error;
  if (errors !== undefined && errors.length > 0) return errors.every(isCurable);
  if (NO_WAY.has(code) || code === NO_INTERFACE) return true;
  // On connect(2) the local ports are used up; or, with IPv6, no address can be the source yet, as
  // while duplicates of a new one are looked for (RFC 4862 section 5.4).
  if (code === "EADDRNOTAVAIL") return syscall === "bind" || String(address).includes(":");
  return phase === "resolve" && NO_RESOLVER.has(code);
}

/**
 * When to try again. A change is given a moment to be complete, since routes follow addresses; a
 * storm of changes delays a try by no more than a bound, and tries stay apart. Without any change
 * there is a try now and then, further and further apart: a cure on the way shows nothing here.
 */
export class RetryPlan {
  #triedAt = Number.NEGATIVE_INFINITY;
  #failedAt = 0;
  #quietTries = 0;
  #firstChangeAt = Number.NaN;
  #lastChangeAt = Number.NaN;

  /** A try begins. */
  tried(now: number): void {
    this.#triedAt = now;
    this.#firstChangeAt = Number.NaN;
    this.#lastChangeAt = Number.NaN;
  }

  /** It has failed. What has changed meanwhile still counts. */
  failed(now: number): void {
    this.#failedAt = now;
    this.#quietTries++;
  }

  /** Addresses, routes, links or name servers are not what they were. */
  changed(now: number): void {
    if (Number.isNaN(this.#firstChangeAt)) this.#firstChangeAt = now;
    this.#lastChangeAt = now;
    this.#quietTries = 0;
  }

  /** When the next try is due, after one has failed. */
  get dueAt(): number {
    if (Number.isNaN(this.#firstChangeAt)) return this.#failedAt + this.#quietMs();
    const settled = this.#lastChangeAt + WAITING_SETTLE_MS;
    const atLatest = this.#firstChangeAt + MAX_WAITING_SETTLE_MS;
    return Math.max(Math.min(settled, atLatest), this.#triedAt + MIN_WAITING_APART_MS);
  }

  #quietMs(): number {
    return Math.min(MIN_WAITING_RETRY_MS * 2 ** (this.#quietTries - 1), MAX_WAITING_RETRY_MS);
  }
}
