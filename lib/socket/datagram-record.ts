// What the completion of a datagram says, read where it stands. Each function takes the index of
// the completion's first word, in the turn that brought it. Not here: who wants to know.

import {
  ADDRESSES_CAPACITY,
  ADDRESSES_OFFSET,
  COMPLETION_ECN,
  COMPLETION_INTERFACE,
  COMPLETION_LOCAL,
  COMPLETION_PEER,
  COMPLETION_TIME_HIGH,
  COMPLETION_TIME_LOW,
} from "../binding/records.ts";
import { FLAT_BYTES, readSender, type SocketAddressInfo } from "./address.ts";
import { FLAT_WORDS, internPeer, type Peer } from "./peers.ts";
import { addresses, completions, slab } from "./reactor.ts";

export type Ecn = 0 | 1 | 2 | 3;

const TRUNCATED_BIT = 1 << 8;
const CLASS_KNOWN_BIT = 1 << 9;
const FOLLOWERS_SHIFT = 10;
const FOLLOWERS_MASK = 0x7f;
const HOP_LIMIT_SHIFT = 24;
const ECN_MASK = 3;
const FAMILY_OFFSET = 22;
const FAMILY_UNIX = 1;
const NS_PER_MS = 1_000_000;
const TWO_TO_32 = 4_294_967_296;

const words = new Int32Array(addresses.buffer, ADDRESSES_OFFSET, ADDRESSES_CAPACITY * FLAT_WORDS);

/** The sender, interned; null where it has no name, or is a Unix socket. */
export function peerAt(at: number): Peer | null {
  const index = completions[at + COMPLETION_PEER] as number;
  return index < 0 || isUnix(index) ? null : internPeer(words, index * FLAT_WORDS);
}

/** The sender of any family; null where it has no name. */
export function senderAt(at: number): SocketAddressInfo | null {
  const index = completions[at + COMPLETION_PEER] as number;
  if (index < 0) return null;
  if (!isUnix(index)) return internPeer(words, index * FLAT_WORDS);
  const flat = addresses.subarray(index * FLAT_BYTES, (index + 1) * FLAT_BYTES);
  return readSender(flat, slab) ?? null;
}

function isUnix(index: number): boolean {
  return addresses[index * FLAT_BYTES + FAMILY_OFFSET] === FAMILY_UNIX;
}

/** Where the datagram was sent to, with port 0; null where that was not asked for. */
export function localAt(at: number): Peer | null {
  const index = completions[at + COMPLETION_LOCAL] as number;
  return index < 0 ? null : internPeer(words, index * FLAT_WORDS);
}

/** The index of the interface of arrival, or null. */
export function interfaceAt(at: number): number | null {
  const index = completions[at + COMPLETION_INTERFACE] as number;
  return index === 0 ? null : index;
}

/** Explicit congestion notification (RFC 3168 section 5), or null. */
export function ecnAt(at: number): Ecn | null {
  const word = completions[at + COMPLETION_ECN] as number;
  return (word & CLASS_KNOWN_BIT) === 0 ? null : ((word & ECN_MASK) as Ecn);
}

/** TTL or hop limit on arrival, or null. */
export function hopLimitAt(at: number): number | null {
  const limit = (completions[at + COMPLETION_ECN] as number) >>> HOP_LIMIT_SHIFT;
  return limit === 0 ? null : limit;
}

export function truncatedAt(at: number): boolean {
  return ((completions[at + COMPLETION_ECN] as number) & TRUNCATED_BIT) !== 0;
}

/** How many completions of datagrams of the same socket follow directly. */
export function followersAt(at: number): number {
  return ((completions[at + COMPLETION_ECN] as number) >>> FOLLOWERS_SHIFT) & FOLLOWERS_MASK;
}

/** When the kernel received it, in milliseconds since 1970 with fractions; or null. */
export function timestampAt(at: number): number | null {
  const high = (completions[at + COMPLETION_TIME_HIGH] as number) >>> 0;
  const low = (completions[at + COMPLETION_TIME_LOW] as number) >>> 0;
  return high === 0 ? null : (high * TWO_TO_32 + low) / NS_PER_MS;
}

/** Words of a key that tells flows apart: the peer whole, and the address that it has sent to. */
export const FLOW_KEY_WORDS: number = FLAT_WORDS + 4;

/** Writes the key of a datagram's flow: peer with port and scope, then the local address. */
export function flowKeyAt(at: number, key: Int32Array): void {
  const peer = (completions[at + COMPLETION_PEER] as number) * FLAT_WORDS;
  const local = (completions[at + COMPLETION_LOCAL] as number) * FLAT_WORDS;
  for (let i = 0; i < FLAT_WORDS; i++) key[i] = words[peer + i] as number;
  for (let i = 0; i < 4; i++) key[FLAT_WORDS + i] = local < 0 ? 0 : (words[local + i] as number);
}

/** The same from addresses. */
export function flowKey(peer: Int32Array, local: Int32Array | null): Int32Array {
  const key = new Int32Array(FLOW_KEY_WORDS);
  key.set(peer);
  if (local !== null) key.set(local.subarray(0, 4), FLAT_WORDS);
  return key;
}
