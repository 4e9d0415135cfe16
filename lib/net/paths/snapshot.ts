// Snapshots of this host's networks and what is different between two. Pure.
// Not here: how one is come by (watch.ts).

import type { DefaultRoute, NetworkInterface, PathChange, PathSnapshot } from "./types.ts";

class Snapshot implements PathSnapshot {
  readonly interfaces: readonly NetworkInterface[];
  readonly defaultRoutes: readonly DefaultRoute[];
  readonly dnsServers: readonly string[];

  constructor(
    interfaces: readonly NetworkInterface[],
    defaultRoutes: readonly DefaultRoute[],
    dnsServers: readonly string[],
  ) {
    this.interfaces = Object.freeze(interfaces);
    this.defaultRoutes = Object.freeze(defaultRoutes);
    this.dnsServers = Object.freeze(dnsServers);
    Object.freeze(this);
  }

  interface(nameOrIndex: string | number): NetworkInterface | undefined {
    return findInterface(this.interfaces, nameOrIndex);
  }
}

/** The one of a name or an index. */
export function findInterface(
  interfaces: readonly NetworkInterface[],
  nameOrIndex: string | number,
): NetworkInterface | undefined {
  return typeof nameOrIndex === "number"
    ? interfaces.find(({ index }) => index === nameOrIndex)
    : interfaces.find(({ name }) => name === nameOrIndex);
}

/**
 * A snapshot whose parts are the objects of `before` where they are equal to them; `before` itself
 * where nothing is different.
 *
 * @param interfaces by index
 */
export function makeSnapshot(
  interfaces: readonly NetworkInterface[],
  defaultRoutes: readonly DefaultRoute[],
  dnsServers: readonly string[],
  before?: PathSnapshot,
): PathSnapshot {
  if (before === undefined) return new Snapshot(interfaces, defaultRoutes, dnsServers);
  const known = new Map(before.interfaces.map((one) => [one.index, one]));
  const kept = interfaces.map((one) => {
    const old = known.get(one.index);
    return old !== undefined && isEqual(old, one) ? old : one;
  });
  const next = new Snapshot(
    sameItems(before.interfaces, kept) ? before.interfaces : kept,
    isEqual(before.defaultRoutes, defaultRoutes) ? before.defaultRoutes : defaultRoutes,
    isEqual(before.dnsServers, dnsServers) ? before.dnsServers : dnsServers,
  );
  const isSame =
    next.interfaces === before.interfaces &&
    next.defaultRoutes === before.defaultRoutes &&
    next.dnsServers === before.dnsServers;
  return isSame ? before : next;
}

/**
 * What is different between two snapshots, or null where nothing is.
 *
 * @param routesChanged whether a route came or went that no snapshot shows
 */
export function compareSnapshots(
  before: PathSnapshot,
  after: PathSnapshot,
  routesChanged: boolean,
): PathChange | null {
  const defaultRoutesChanged = !isEqual(before.defaultRoutes, after.defaultRoutes);
  const change: PathChange = {
    snapshot: after,
    ...compareInterfaces(before.interfaces, after.interfaces),
    defaultRoutesChanged,
    routesChanged: routesChanged || defaultRoutesChanged,
    dnsServersChanged: !isEqual(before.dnsServers, after.dnsServers),
  };
  const isNone =
    change.added.length + change.removed.length + change.changed.length === 0 &&
    !change.routesChanged &&
    !change.dnsServersChanged;
  return isNone ? null : Object.freeze(change);
}

// An interface that was made anew under another index is another one, whatever its name.
function compareInterfaces(
  before: readonly NetworkInterface[],
  after: readonly NetworkInterface[],
): Pick<PathChange, "added" | "removed" | "changed"> {
  if (before === after) return { added: [], removed: [], changed: [] };
  const old = new Map(before.map((one) => [one.index, one]));
  const added: NetworkInterface[] = [];
  const changed: { before: NetworkInterface; after: NetworkInterface }[] = [];
  for (const one of after) {
    const known = old.get(one.index);
    old.delete(one.index);
    if (known === undefined) added.push(one);
    else if (!isEqual(known, one)) changed.push({ before: known, after: one });
  }
  return { added, removed: [...old.values()], changed };
}

function sameItems<T>(some: readonly T[], others: readonly T[]): boolean {
  return some.length === others.length && some.every((one, index) => one === others[index]);
}

/** Of records: plain values, arrays and objects with the same keys. */
function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
    return false;
  }
  if (Array.isArray(one) && Array.isArray(other) && one.length !== other.length) return false;
  for (const key of Object.keys(one)) {
    if (!isEqual(one[key as keyof typeof one], other[key as keyof typeof other])) return false;
  }
  return true;
}
