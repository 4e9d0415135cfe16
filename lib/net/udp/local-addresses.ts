// Which address of ours a peer means that sent to a group or a broadcast address: the unicast
// address of the interface that its datagram came through. Not here: groups (group.ts), how changes
// of addresses become known (lib/net/paths).

import { UDP_INTERFACES_FRESH_MS } from "../../core/limits.ts";
import { HawserError } from "../../errors/index.ts";
import { localWords } from "../../socket/datagram-many.ts";
import { listInterfaces, type NetworkInterface } from "../../socket/interfaces.ts";
import type { Peer } from "../../socket/peers.ts";
import { now } from "../clock.ts";
import { type PathWatch, watchPaths } from "../paths/watch.ts";

let users = 0;
let watch: PathWatch | null = null;
let known: readonly NetworkInterface[] = [];
let broadcasts: ReadonlySet<string> = new Set();
let askedAt = Number.NEGATIVE_INFINITY;

/**
 * Whoever answers peers holds the addresses, from its first datagram to its end; while anybody
 * does, changes are followed.
 */
export function holdAddresses(): void {
  users++;
}

export function releaseAddresses(): void {
  users--;
  if (users > 0) return;
  watch?.stop();
  watch = null;
  askedAt = Number.NEGATIVE_INFINITY;
}

function interfacesNow(): readonly NetworkInterface[] {
  if (watch !== null) return known;
  // Asked anew at most so often: a flood of new peers must not ask the kernel for each.
  if (now() - askedAt < UDP_INTERFACES_FRESH_MS) return known;
  askedAt = now();
  if (users > 0) watch = watchIfPossible();
  learn(watch?.snapshot.interfaces ?? listInterfaces());
  return known;
}

// Where the system does not tell of changes, it is asked now and then.
function watchIfPossible(): PathWatch | null {
  try {
    return watchPaths({ changed: ({ snapshot }) => learn(snapshot.interfaces) });
  } catch (error) {
    if (!(error instanceof HawserError)) throw error;
    return null;
  }
}

function learn(interfaces: readonly NetworkInterface[]): void {
  known = interfaces;
  const addresses = interfaces.flatMap((one) => one.addresses);
  broadcasts = new Set(addresses.flatMap(({ broadcastAddress }) => broadcastAddress ?? []));
}

/** Whether an address is a group's (RFC 5771, RFC 4291 section 2.7). */
export function isMulticast(address: string): boolean {
  return address.includes(":")
    ? /^ff[0-9a-f]{2}:/i.test(address)
    : /^(?:22[4-9]|23\d)\./.test(address);
}

/** Whether an address is this host's own, on its loopback interface (RFC 1122 section 3.2.1.3). */
export function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

function isBroadcast(address: string): boolean {
  if (address.includes(":")) return false;
  if (address === "255.255.255.255") return true;
  interfacesNow();
  return broadcasts.has(address);
}

/** The address to answer from; null lets the kernel choose. `index` is the interface of arrival. */
export function answeringAddress(
  local: Peer | null,
  index: number,
): { readonly words: Int32Array | null; readonly address: string } {
  if (local === null) return { words: null, address: "" };
  const { address, family } = local;
  if (!isMulticast(address) && !isBroadcast(address)) return { words: local.words, address };
  const arrival = interfacesNow().find((one) => one.index === index);
  const own = arrival?.addresses.find((one) => one.family === family);
  if (own === undefined) return { words: null, address: "" };
  return { words: localWords(own.address, "localAddress"), address: own.address };
}
