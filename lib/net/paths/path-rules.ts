// Which interfaces a connection may use, and which one it is bound to for that. Pure: a snapshot
// and the kernel's answers go in, a decision comes out.
// Not here: asking the kernel (watch.ts), when a connection looks (follower.ts, establishment.ts).

import { type IpAddress, parseAddress } from "../../core/address.ts";
import type { InterfaceKind, NetworkInterface, Path, PathSnapshot } from "./types.ts";

/** What the options of `connect` say about interfaces. */
export interface PathRules {
  /** By name or index. */
  readonly prohibitedInterfaces: readonly (string | number)[];
  readonly requiredInterfaceKind: InterfaceKind | undefined;
}

/** Why no path will do. */
export type PathRefusal = "UNSATISFIED" | "PROHIBITED_INTERFACE" | "INTERFACE_KIND";

/** What is asked about: literal addresses without a zone, an interface by its index. */
export interface Destination {
  readonly address: string;
  readonly interface?: number | undefined;
  readonly localAddress?: string | undefined;
}

/** The networks at a moment, and the kernel's answers about them. */
export interface PathView {
  readonly snapshot: PathSnapshot;
  pathTo(destination: Destination): Path;
}

export const NO_RULES: PathRules = Object.freeze({
  prohibitedInterfaces: Object.freeze([]),
  requiredInterfaceKind: undefined,
});

/** Whether there is anything to keep to. */
export function hasRules({ prohibitedInterfaces, requiredInterfaceKind }: PathRules): boolean {
  return prohibitedInterfaces.length > 0 || requiredInterfaceKind !== undefined;
}

/** Why an interface may not be used; null where it may. */
export function refusalOf(one: NetworkInterface, rules: PathRules): PathRefusal | null {
  const { prohibitedInterfaces, requiredInterfaceKind } = rules;
  if (prohibitedInterfaces.some((name) => name === one.name || name === one.index)) {
    return "PROHIBITED_INTERFACE";
  }
  if (requiredInterfaceKind !== undefined && one.kind !== requiredInterfaceKind) {
    return "INTERFACE_KIND";
  }
  return null;
}

/**
 * Whether a path that was asked for on one interface leads anywhere. Where no route leads through
 * an interface that a socket is bound to, Linux takes every destination for a neighbour on its
 * link; so it must be one, or the route must have a next hop, or the interface must be a route
 * itself.
 */
export function leadsTo(address: string, path: Path, snapshot: PathSnapshot): boolean {
  const { status, gateway, interface: through } = path;
  if (status !== "satisfied" || through === null) return false;
  if (gateway !== null || through.kind === "loopback" || through.kind === "tunnel") return true;
  const target = parseAddress(address);
  if (target === undefined) return false;
  // Every link has these (RFC 4291 section 2.5.6).
  if (isLinkLocal(target)) return true;
  const family = target.family === 4 ? "IPv4" : "IPv6";
  const isDefault = snapshot.defaultRoutes.some(
    (route) => route.interface === through.index && route.family === family,
  );
  return isDefault || through.addresses.some((own) => isWithin(target, own));
}

function isLinkLocal({ family, bytes }: IpAddress): boolean {
  return family === 6 && bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;
}

function isWithin(
  target: IpAddress,
  own: { readonly address: string; readonly prefixLength: number },
): boolean {
  const address = parseAddress(own.address);
  if (address?.family !== target.family) return false;
  for (let bit = 0; bit < own.prefixLength; bit += 8) {
    const mask = 0xff << Math.max(0, 8 - (own.prefixLength - bit));
    const at = bit >>> 3;
    if ((((address.bytes[at] ?? 0) ^ (target.bytes[at] ?? 0)) & mask & 0xff) !== 0) return false;
  }
  return true;
}

/** A path that may be used, and the interface to bind to so that no other one is: 0 for none. */
export interface PathChoice {
  readonly path: Path;
  readonly bindTo: number;
}

/**
 * The path to a destination under the rules: the kernel's own choice where that is allowed, else
 * the first that leads there through an interface that is, those with default routes first, in the
 * order of their metrics. What stays inside this host is not bound: no link is used.
 */
export function choosePath(
  view: PathView,
  destination: Destination,
  rules: PathRules,
): PathChoice | PathRefusal {
  const { snapshot } = view;
  const path = view.pathTo(destination);
  const through = path.interface;
  let refusal: PathRefusal = "UNSATISFIED";
  if (path.status === "satisfied" && through !== null) {
    const why = refusalOf(through, rules);
    const isBound = destination.interface !== undefined;
    if (why === null && (!isBound || leadsTo(destination.address, path, snapshot))) {
      return { path, bindTo: hasRules(rules) && through.kind !== "loopback" ? through.index : 0 };
    }
    if (why !== null) refusal = why;
    // Bound to another interface it would be sent out there, and nobody would answer.
    if (why !== null && through.kind === "loopback") return refusal;
  }
  // Without rules nothing is bound, and so nothing else than the kernel's own choice is used.
  if (destination.interface !== undefined || !hasRules(rules)) return refusal;
  for (const other of byPreference(snapshot)) {
    if (other === through || !other.up || !other.running) continue;
    if (refusalOf(other, rules) !== null) continue;
    const detour = view.pathTo({ ...destination, interface: other.index });
    if (detour.interface?.index !== other.index) continue;
    if (leadsTo(destination.address, detour, snapshot)) {
      return { path: detour, bindTo: other.index };
    }
  }
  return refusal;
}

function byPreference({ interfaces, defaultRoutes }: PathSnapshot): NetworkInterface[] {
  const metricOf = (one: NetworkInterface) =>
    defaultRoutes.reduce(
      (least, route) => (route.interface === one.index ? Math.min(least, route.metric) : least),
      Number.POSITIVE_INFINITY,
    );
  const metrics = new Map(interfaces.map((one) => [one, metricOf(one)]));
  const rank = (one: NetworkInterface) => metrics.get(one) ?? Number.POSITIVE_INFINITY;
  // Infinity minus itself is no order.
  return interfaces
    .filter(({ kind }) => kind !== "loopback")
    .sort((one, other) =>
      rank(one) === rank(other) ? one.index - other.index : rank(one) - rank(other),
    );
}
