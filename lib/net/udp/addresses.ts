// The addresses that a UDP listener takes and the one that a flow goes to: literal, resolved, any,
// or localhost with its two. Not here: the sockets themselves (port.ts).

import { DOMAIN_IPV4, DOMAIN_IPV6 } from "../../binding/types.ts";
import type { IpAddress } from "../../core/address.ts";
import { LOCALHOST_PORT_ATTEMPTS_COUNT } from "../../core/limits.ts";
import { aggregateError, HawserError } from "../../errors/index.ts";
import { type NativeAddress, toNativeAddress } from "../../socket/address.ts";
import type { Endpoint } from "../endpoint.ts";
import { isLocalhost } from "../host.ts";
import { type ResolveOptions, resolve } from "../resolver.ts";
import type { UdpListenParameters } from "./parameters.ts";
import { type PortOwner, UdpPort } from "./port.ts";

const ANY_IPV4: IpAddress = { family: 4, bytes: new Uint8Array(4) };
const LOOPBACK_IPV4: IpAddress = { family: 4, bytes: Uint8Array.of(127, 0, 0, 1) };
const LOOPBACK_IPV6_BYTES = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const LOOPBACK_IPV6: IpAddress = { family: 6, bytes: LOOPBACK_IPV6_BYTES };
// What says that there is no way to an address, or none from the one that was asked for.
const NO_WAY: ReadonlySet<string> = new Set([
  "ENETUNREACH",
  "EHOSTUNREACH",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "EAFNOSUPPORT",
]);
// A host without IPv6 lacks the family, or has it and no loopback address.
const WITHOUT_IPV6: ReadonlySet<string> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);

/**
 * The addresses of an endpoint, literal or resolved, in the resolver's order; at least one. Rejects
 * as the resolver does.
 */
export async function addressesOf(
  { zone, port = 0, ...endpoint }: Endpoint,
  options: ResolveOptions,
): Promise<NativeAddress[]> {
  const found = await resolve(endpoint, options);
  return found.map((one) => toNativeAddress(zone === undefined ? one : { ...one, zone }, port));
}

/**
 * What `use` makes of the first address to which there is a way from here: nothing else is known of
 * one before a datagram is sent.
 *
 * @throws what `use` throws; where there is no way to any of several, one error with all of them
 */
export function firstReached<R>(
  addresses: readonly NativeAddress[],
  { kind, host, port }: Endpoint,
  use: (address: NativeAddress) => R,
): R {
  const errors: HawserError[] = [];
  for (const address of addresses) {
    try {
      return use(address);
    } catch (error) {
      if (!(error instanceof HawserError) || !NO_WAY.has(error.code)) throw error;
      errors.push(error);
    }
  }
  throw aggregateError(errors, { ...(kind === "name" ? { hostname: host } : {}), port });
}

function place({ host = "", port = 0 }: Endpoint): { address: string; port: number } {
  return { address: host, port };
}

/**
 * The bound and watched sockets of a listener. Rejects with a HawserError; nothing stays open then.
 */
export async function bindPorts(
  endpoint: Endpoint,
  parameters: UdpListenParameters,
  owner: PortOwner,
): Promise<UdpPort[]> {
  const { family, lookup, signal } = parameters;
  const { kind, host, port = 0 } = endpoint;
  const open = (address: IpAddress, number: number, isOneOfTwo = false): UdpPort =>
    bindPort(toNativeAddress(address, number), parameters, owner, endpoint, isOneOfTwo);
  if (kind === "any") {
    if (family === 4) return [open(ANY_IPV4, port)];
    try {
      const any: IpAddress = { family: 6, bytes: new Uint8Array(16) };
      return [open(any, port)];
    } catch (error) {
      if (family === 6 || (error as HawserError).code !== "EAFNOSUPPORT") throw error;
      return [open(ANY_IPV4, port)];
    }
  }
  // RFC 6761 section 6.3: this name is the loopback, whatever a resolver would say.
  if (kind === "name" && isLocalhost(host ?? "")) {
    if (family !== 0) return [open(family === 4 ? LOOPBACK_IPV4 : LOOPBACK_IPV6, port)];
    return bindBoth(port, open);
  }
  const [address] = await addressesOf(endpoint, { family, lookup, signal });
  signal?.throwIfAborted();
  return [bindPort(address as NativeAddress, parameters, owner, endpoint, false)];
}

// A port that is free in one family may be taken in the other.
function bindBoth(
  port: number,
  open: (address: IpAddress, port: number, isOneOfTwo: boolean) => UdpPort,
): UdpPort[] {
  for (let left = port === 0 ? LOCALHOST_PORT_ATTEMPTS_COUNT : 1; ; left--) {
    const first = open(LOOPBACK_IPV4, port, true);
    try {
      return [first, open(LOOPBACK_IPV6, first.local.port, true)];
    } catch (error) {
      const { code } = error as HawserError;
      if (WITHOUT_IPV6.has(code)) return [first];
      first.close();
      if (left <= 1 || code !== "EADDRINUSE") throw error;
    }
  }
}

function bindPort(
  address: NativeAddress,
  parameters: UdpListenParameters,
  owner: PortOwner,
  endpoint: Endpoint,
  isOneOfTwo: boolean,
): UdpPort {
  const domain = address.domain === DOMAIN_IPV6 ? DOMAIN_IPV6 : DOMAIN_IPV4;
  const setup = isOneOfTwo ? { ...parameters, ipv6Only: true } : parameters;
  const port = new UdpPort(domain, setup, owner);
  try {
    port.bind(address, place(endpoint));
    port.start();
  } catch (error) {
    port.close();
    throw error;
  }
  return port;
}
