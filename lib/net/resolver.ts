// Names to addresses: the system's resolver off the JavaScript thread, or the caller's `lookup`.
// Not here: the order in which addresses are tried (happy-eyeballs.ts), retries, caching.
// Nothing here asks for the name of an address (B4).

import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { type IpAddress, parseAddress, unmapAddress } from "../core/address.ts";
import { nodeDns } from "../core/builtins.ts";
import { codeError, HawserError, received } from "../errors/index.ts";

export interface ResolveOptions {
  /** 4 or 6 for one family; 0, the default, for both. */
  readonly family?: 0 | 4 | 6 | undefined;
  /** Default: `dns.lookup`, that is getaddrinfo(3) in a thread of libuv's pool. */
  readonly lookup?: LookupFunction | undefined;
  /** Stops the waiting: the promise rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** What has to be resolved; an `Endpoint` is one. */
export interface Resolvable {
  readonly host: string | undefined;
  /** The literal address, which is not resolved. */
  readonly address: IpAddress | undefined;
}

const SYSCALL = "getaddrinfo";

/**
 * The addresses of a host: at least one, in the resolver's order (RFC 6724), each once. A literal
 * address is given back without asking anybody.
 *
 * Rejects with a HawserError of phase `resolve`: ENOTFOUND (no such name, or no address of this
 * family), EAI_AGAIN (no name server answered) and what else getaddrinfo(3) says, or what the
 * caller's `lookup` said (as the `cause`); ERR_INVALID_IP_ADDRESS where that gave no addresses.
 */
export async function resolve(
  { host = "", address }: Resolvable,
  options: ResolveOptions = {},
): Promise<readonly IpAddress[]> {
  const { family = 0, lookup, signal } = options;
  signal?.throwIfAborted();
  if (address !== undefined) {
    if (family === 0 || address.family === family) return [address];
    throw codeError("EAFNOSUPPORT", "connect", { address: host, phase: "resolve" });
  }
  const answer = await ask(host, family, lookup, signal);
  return select(host, family, answer);
}

// One answer of either form that `lookup` functions give: a list, or an address and its family.
type Answer = LookupAddress[] | string | undefined;

function ask(
  host: string,
  family: 0 | 4 | 6,
  lookup: LookupFunction | undefined,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  return new Promise((fulfil, reject) => {
    const abort = () => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const answered = (error: Error | null, answer: Answer) => {
      signal?.removeEventListener("abort", abort);
      if (error) reject(resolveError(host, error, lookup !== undefined));
      else fulfil(answer);
    };
    // As node:net asks: without a wish for a family, only families that this host has.
    const hints = family === 0 ? nodeDns().ADDRCONFIG : 0;
    const query = { all: true, family, hints, verbatim: true } as const;
    try {
      // Looked up at each call, so that what replaced dns.lookup is respected, as by node:net.
      (lookup ?? (nodeDns().lookup as LookupFunction))(host, query, answered);
    } catch (error) {
      answered(error instanceof Error ? error : new Error(String(error)), undefined);
    }
  });
}

function select(host: string, family: 0 | 4 | 6, answer: Answer): readonly IpAddress[] {
  const list = typeof answer === "string" ? [{ address: answer }] : answer;
  if (!Array.isArray(list)) throw invalid(host, answer);
  const addresses = new Map<string, IpAddress>();
  for (const entry of list) {
    const text: unknown = entry?.address;
    const parsed = typeof text === "string" ? parseAddress(text) : undefined;
    if (parsed === undefined) throw invalid(host, text);
    const address = unmapAddress(parsed);
    const key = `${address.bytes.join()}%${address.zone ?? ""}`;
    if (family !== 0 && address.family !== family) continue;
    if (!addresses.has(key)) addresses.set(key, address);
  }
  if (addresses.size === 0) {
    throw codeError("ENOTFOUND", SYSCALL, { hostname: host, phase: "resolve" });
  }
  return [...addresses.values()];
}

function invalid(host: string, answer: unknown): HawserError {
  const message = `lookup of ${host} gave no IP address. Received ${received(answer)}`;
  const code = "ERR_INVALID_IP_ADDRESS";
  return new HawserError(message, { code, hostname: host, phase: "resolve" });
}

function resolveError(host: string, error: Error, isForeign: boolean): HawserError {
  const { code, errno, syscall }: NodeJS.ErrnoException = error;
  const cause = isForeign ? error : undefined;
  const context = { hostname: host, phase: "resolve", cause } as const;
  if (typeof code !== "string") {
    return new HawserError(error.message, { ...context, code: "ERR_HAWSER_LOOKUP" });
  }
  const known = codeError(code, syscall ?? SYSCALL, context);
  if (typeof errno !== "number" || known.errno === errno) return known;
  return new HawserError(known.message, { ...context, code, errno, syscall: syscall ?? SYSCALL });
}
