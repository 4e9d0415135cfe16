// IP addresses as text and as bytes: strict parsing (RFC 4291 section 2.2, RFC 4007 section 11),
// canonical formatting (RFC 5952).
// Not here: names, ports, URLs (endpoint.ts), and legacy forms such as 127.1 or 0x7f000001, which
// are no addresses.

import { MAX_ZONE_LENGTH } from "./limits.ts";

export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 bytes in network order. */
  readonly bytes: Uint8Array;
  /** Interface name or index of an IPv6 address that needs one. */
  readonly zone?: string;
}

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const IPV6_GROUPS = 8;
const LONGEST_IPV6_TEXT = 45;
const DECIMAL_BYTE = /^(?:0|[1-9][0-9]{0,2})$/;
const HEX_GROUP = /^[0-9a-fA-F]{1,4}$/;
// What neither an interface's name nor the text around a zone may hold.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
const BAD_ZONE = /[\u0000-\u0020\u007f/%[\]\\]/;

/** The address, or undefined where the text is none. No brackets; a zone after `%`. */
export function parseAddress(text: string): IpAddress | undefined {
  if (text.length > LONGEST_IPV6_TEXT + 1 + MAX_ZONE_LENGTH) return undefined;
  if (!text.includes(":")) {
    const bytes = parseIPv4(text);
    return bytes === undefined ? undefined : { family: 4, bytes: Uint8Array.from(bytes) };
  }
  const percent = text.indexOf("%");
  const bytes = parseIPv6(percent === -1 ? text : text.slice(0, percent));
  if (bytes === undefined) return undefined;
  if (percent === -1) return { family: 6, bytes };
  const zone = text.slice(percent + 1);
  return isZone(zone) ? { family: 6, bytes, zone } : undefined;
}

/** Whether a text can be a zone: the name of an interface, or its index. */
export function isZone(text: string): boolean {
  return text !== "" && Buffer.byteLength(text) <= MAX_ZONE_LENGTH && !BAD_ZONE.test(text);
}

function parseIPv4(text: string): number[] | undefined {
  const parts = text.split(".", IPV4_BYTES + 1);
  if (parts.length !== IPV4_BYTES) return undefined;
  const bytes: number[] = [];
  for (const part of parts) {
    if (!DECIMAL_BYTE.test(part) || Number(part) > 255) return undefined;
    bytes.push(Number(part));
  }
  return bytes;
}

function parseIPv6(text: string): Uint8Array | undefined {
  const halves = text.split("::", 3);
  if (halves.length > 2) return undefined;
  const [before = "", after] = halves;
  const front = parseGroups(before, after === undefined);
  if (front === undefined) return undefined;
  if (after === undefined) {
    return front.length === IPV6_BYTES ? Uint8Array.from(front) : undefined;
  }
  const back = parseGroups(after, true);
  // `::` stands for one group of zeros at least.
  if (back === undefined || front.length + back.length > IPV6_BYTES - 2) return undefined;
  const bytes = new Uint8Array(IPV6_BYTES);
  bytes.set(front);
  bytes.set(back, IPV6_BYTES - back.length);
  return bytes;
}

// The bytes of groups between colons; an IPv4 address may stand for the last two of the address.
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":", IPV6_GROUPS + 1);
  const bytes: number[] = [];
  for (const [i, group] of groups.entries()) {
    if (HEX_GROUP.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
      continue;
    }
    const embedded = last && i === groups.length - 1 ? parseIPv4(group) : undefined;
    if (embedded === undefined) return undefined;
    bytes.push(...embedded);
  }
  return bytes.length > IPV6_BYTES ? undefined : bytes;
}

/** Whether bytes are an IPv4 address in IPv6 form, `::ffff:a.b.c.d` (RFC 4291 section 2.5.5.2). */
export function isMapped(bytes: Uint8Array): boolean {
  if (bytes.length !== IPV6_BYTES || bytes[10] !== 0xff || bytes[11] !== 0xff) return false;
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** The IPv4 address inside a v4-mapped one; any other address as it is. */
export function unmapAddress(address: IpAddress): IpAddress {
  if (address.family === 4 || !isMapped(address.bytes)) return address;
  return { family: 4, bytes: address.bytes.slice(IPV6_BYTES - IPV4_BYTES) };
}

/**
 * The canonical text (RFC 5952): lower case, no leading zeros, the longest run of two or more zero
 * groups as `::` (the first of equals). A v4-mapped address is written as IPv4 (B31). The zone
 * follows after `%`.
 */
export function formatAddress(address: IpAddress): string {
  const { bytes, zone } = address;
  if (bytes.length === IPV4_BYTES) return bytes.join(".");
  if (isMapped(bytes)) return bytes.subarray(IPV6_BYTES - IPV4_BYTES).join(".");
  const text = formatIPv6(bytes);
  return zone === undefined ? text : `${text}%${zone}`;
}

function formatIPv6(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < IPV6_BYTES; i += 2) {
    groups.push(((bytes[i] as number) << 8) | (bytes[i + 1] as number));
  }
  const run = longestZeroRun(groups);
  if (run.length < 2) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}

function hex(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(":");
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [i, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: i - length + 1, length };
  }
  return best;
}
