// The host part of an endpoint: an address, a name, or any address.
// Not here: ports and schemes (endpoint.ts), resolving names (resolver.ts).

import { domainToASCII } from "node:url";
import { formatAddress, type IpAddress, parseAddress, unmapAddress } from "../core/address.ts";
import { MAX_HOST_NAME_LENGTH, MAX_LABEL_LENGTH } from "../core/limits.ts";
import { invalidArgValue } from "../errors/index.ts";

/** What an endpoint is for. Any address, and port 0, are good for listening only. */
export type EndpointUse = "connect" | "listen";

export interface Host {
  readonly kind: "ipv4" | "ipv6" | "name" | "any";
  /**
   * Canonical: an address as RFC 5952 writes it, without zone or brackets; a name in lower case
   * ASCII; `::` for any.
   */
  readonly host: string;
  readonly zone: string | undefined;
  /** The bytes of a literal address, and of `::` for any; undefined for a name. */
  readonly address: IpAddress | undefined;
}

// More than RFC 952 allows: names with underscores and stray hyphens are in use and resolve.
const LABEL = /^[a-z0-9_-]+$/;
// WHATWG URL, "ends in a number": such a host is an IPv4 address or a mistake, never a name.
const NUMERIC_LABEL = /^(?:[0-9]+|0x[0-9a-f]*)$/;
// Anything but ASCII.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant
const BEYOND_ASCII = /[^\u0000-\u007f]/;
const ANY = Object.freeze({ family: 6 as const, bytes: new Uint8Array(16) });

/**
 * Reads a host.
 *
 * @param text an address with or without brackets, a name, or `` or `*` for any address
 * @param name what to call it in an error
 */
export function parseHost(text: string, use: EndpointUse, name: string): Host {
  if (text === "" || text === "*") {
    if (use === "connect") {
      throw invalidArgValue(name, "must have a host to connect to", text);
    }
    return { kind: "any", host: "::", zone: undefined, address: ANY };
  }
  if (text.startsWith("[") || text.includes(":")) return parseBracketed(text, name);
  const literal = parseAddress(text);
  return literal === undefined ? parseName(text, name) : fromAddress(literal);
}

/** The host that stands for an address. */
export function fromAddress(literal: IpAddress): Host {
  // A v4-mapped address reaches the same peer as its IPv4 form, and is reported as that.
  const address = unmapAddress(literal);
  const { zone } = address;
  const host = formatAddress({ family: address.family, bytes: address.bytes });
  return { kind: address.family === 4 ? "ipv4" : "ipv6", host, zone, address };
}

function parseBracketed(text: string, name: string): Host {
  const closed = text.startsWith("[") && text.endsWith("]");
  const inner = closed ? text.slice(1, -1) : text;
  const address = parseAddress(decodeZoneMark(inner));
  if (address?.family !== 6) {
    throw invalidArgValue(name, "must be an IPv6 address, as in [2001:db8::1]", text);
  }
  return fromAddress(address);
}

// RFC 6874: inside a URL the percent sign before a zone is written %25. Alone it is zone 25.
function decodeZoneMark(text: string): string {
  return text.replace(/%25(?=.)/, "%");
}

function parseName(text: string, name: string): Host {
  const ascii = BEYOND_ASCII.test(text) ? domainToASCII(text) : text.toLowerCase();
  const labels = ascii.split(".");
  if (labels.length > 1 && labels.at(-1) === "") labels.pop();
  const length = labels.reduce((sum, label) => sum + label.length + 1, -1);
  const wellFormed =
    length <= MAX_HOST_NAME_LENGTH &&
    labels.every((label) => label.length <= MAX_LABEL_LENGTH && LABEL.test(label));
  if (!wellFormed) {
    throw invalidArgValue(name, "must be a host name or an IP address", text);
  }
  if (NUMERIC_LABEL.test(labels.at(-1) ?? "")) {
    throw invalidArgValue(name, "must be an IPv4 address of four decimal numbers", text);
  }
  return { kind: "name", host: ascii, zone: undefined, address: undefined };
}

/** Whether a name is this host (RFC 6761 section 6.3), which listens on both loopback addresses. */
export function isLocalhost(host: string): boolean {
  return host === "localhost" || host === "localhost.";
}
