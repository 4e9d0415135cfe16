// Whether a connection's local address and link are there, whether there is a better path, and when
// to tell either. Pure: a view of the networks and the time go in, answers come out.
// Not here: asking the kernel (watch.ts), timers and callbacks (follower.ts).

import {
  choosePath,
  type Destination,
  leadsTo,
  type PathRules,
  type PathView,
  refusalOf,
} from "./path-rules.ts";
import type { NetworkInterface, Path, PathSnapshot } from "./types.ts";

/** What a connection stands on, since it is ready. */
export interface Footing {
  /** Without a zone. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** What its socket is bound to, by name or index; undefined where it is not. */
  readonly interface: string | number | undefined;
  /** What the caller asked for, when a new connection would be made. */
  readonly wanted: {
    readonly interface: string | number | undefined;
    readonly localAddress: string | undefined;
  };
  readonly rules: PathRules;
}

/** The footing between two addresses, which may have zones, as asked for by the caller. */
export function footingOf(
  { remoteAddress, localAddress }: { remoteAddress: string; localAddress: string },
  { interface: asked, localAddress: from }: Footing["wanted"],
  rules: PathRules,
  boundTo?: number,
): Footing {
  const [remote = "", zone] = remoteAddress.split("%");
  const [local = ""] = localAddress.split("%");
  return {
    remoteAddress: remote,
    localAddress: local,
    interface: boundTo ?? asked ?? zone,
    wanted: { interface: asked ?? zone, localAddress: from },
    rules,
  };
}

export interface Judgement {
  readonly viable: boolean;
  /** The path in use, as the kernel routes it now. */
  readonly path: Path;
  /** What a new connection would use, where that is another one and leads there; else null. */
  readonly betterPath: Path | null;
  /** Indexes of the interfaces on which that stands. */
  readonly interfaces: readonly number[];
}

const NO_PATH: Path = Object.freeze({
  status: "unsatisfied",
  interface: null,
  sourceAddress: null,
  gateway: null,
  mtuBytes: null,
});

/** Looks at one connection. */
export function judge(view: PathView, footing: Footing): Judgement {
  const { snapshot } = view;
  const owner = ownerOf(footing.localAddress, footing.interface, snapshot);
  const path = pathInUse(view, footing, owner);
  const viable = isViable(snapshot, footing, owner, path);
  const betterPath = betterThan(viable ? path : null, view, footing);
  const interfaces = [owner, path.interface, betterPath?.interface].flatMap((one) =>
    one === undefined || one === null ? [] : [one.index],
  );
  return { viable, path, betterPath, interfaces };
}

function pathInUse(view: PathView, footing: Footing, owner: NetworkInterface | undefined): Path {
  const { remoteAddress, localAddress } = footing;
  // The kernel refuses to answer for a source that it does not have.
  if (owner === undefined) return NO_PATH;
  const bound = indexOf(footing.interface, view.snapshot);
  if (bound === null) return NO_PATH;
  return view.pathTo({ address: remoteAddress, localAddress, interface: bound });
}

function isViable(
  snapshot: PathSnapshot,
  { remoteAddress, interface: bound, rules }: Footing,
  owner: NetworkInterface | undefined,
  path: Path,
): boolean {
  const through = path.interface;
  if (owner === undefined || through === null || path.status !== "satisfied") return false;
  if (!isUsable(through) || refusalOf(through, rules) !== null) return false;
  // A destination on this host needs no link: its address is enough.
  if (through.kind !== "loopback" && !isUsable(owner)) return false;
  return bound === undefined || leadsTo(remoteAddress, path, snapshot);
}

function isUsable({ up, running }: NetworkInterface): boolean {
  return up && running;
}

/**
 * Who has an address that may be used now (RFC 4862 section 5.4, 5.5.4). A link-local one says
 * nothing without its link, to which a socket with such an address belongs.
 */
function ownerOf(
  address: string,
  bound: string | number | undefined,
  { interfaces }: PathSnapshot,
): NetworkInterface | undefined {
  const isLinkLocal = /^fe[89ab]/i.test(address);
  const owner = interfaces.find((one) => {
    if (isLinkLocal && bound !== undefined && bound !== one.name && bound !== one.index) {
      return false;
    }
    return one.addresses.some(
      (own) =>
        own.address.replace(/%.*$/, "") === address &&
        (own.state === "preferred" || own.state === "deprecated"),
    );
  });
  return owner ?? loopbackOwner(address, interfaces);
}

// All of 127.0.0.0/8 is this host's (RFC 1122 section 3.2.1.3), whatever is listed.
function loopbackOwner(
  address: string,
  interfaces: readonly NetworkInterface[],
): NetworkInterface | undefined {
  if (!address.startsWith("127.")) return undefined;
  return interfaces.find(({ kind }) => kind === "loopback");
}

/** Its index; undefined for none, null where there is no such interface. */
function indexOf(
  nameOrIndex: string | number | undefined,
  snapshot: PathSnapshot,
): number | undefined | null {
  if (nameOrIndex === undefined) return undefined;
  return snapshot.interface(nameOrIndex)?.index ?? null;
}

function betterThan(current: Path | null, view: PathView, footing: Footing): Path | null {
  const { remoteAddress, wanted, rules } = footing;
  const bound = indexOf(wanted.interface, view.snapshot);
  if (bound === null) return null;
  const { localAddress } = wanted;
  const { snapshot } = view;
  const isAway = localAddress !== undefined && !ownerOf(localAddress, wanted.interface, snapshot);
  if (isAway) return null;
  const destination: Destination = { address: remoteAddress, localAddress, interface: bound };
  const choice = choosePath(view, destination, rules);
  if (typeof choice === "string") return null;
  const { path } = choice;
  if (current === null) return path;
  const isSame =
    path.interface?.index === current.interface?.index &&
    path.sourceAddress === (current.sourceAddress ?? footing.localAddress);
  return isSame ? null : path;
}

/** Whether two paths are the same way: what else differs is no reason to tell anybody. */
export function isSamePath(one: Path | null, other: Path | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.status === other.status &&
    one.interface?.index === other.interface?.index &&
    one.sourceAddress === other.sourceAddress &&
    one.gateway === other.gateway
  );
}

/** How long a value must hold before it counts. */
export interface SettleTimes {
  /** Since the last disturbance. */
  readonly quietMs: number;
  /** In spite of disturbances, since it was first noted in a row. */
  readonly atLatestMs: number;
}

/**
 * A value that counts only when it has held for a while: what flickers is never told, and what is
 * told differs from what was told before.
 */
export class Settling<T> {
  readonly #times: SettleTimes;
  readonly #isSame: (one: T, other: T) => boolean;
  #told: T;
  #latest: T;
  #since = 0;
  #dueAt = Number.POSITIVE_INFINITY;

  /** @param initial counts as told */
  constructor(initial: T, times: SettleTimes, isSame: (one: T, other: T) => boolean = Object.is) {
    this.#told = initial;
    this.#latest = initial;
    this.#times = times;
    this.#isSame = isSame;
  }

  /** What counts. */
  get value(): T {
    return this.#told;
  }

  /** When to call `elapsed`; Infinity where nothing is on its way. */
  get dueAt(): number {
    return this.#dueAt;
  }

  /**
   * What it is now.
   *
   * @param disturbedAt when something has changed last that it follows from, seen or not
   */
  note(value: T, now: number, disturbedAt: number = Number.NEGATIVE_INFINITY): void {
    const isNew = this.#dueAt === Number.POSITIVE_INFINITY || !this.#isSame(value, this.#latest);
    this.#latest = value;
    if (this.#isSame(value, this.#told)) {
      // What is equal in what matters may be newer in the rest.
      this.#told = value;
      this.#dueAt = Number.POSITIVE_INFINITY;
      return;
    }
    if (isNew) this.#since = now;
    const { quietMs, atLatestMs } = this.#times;
    const quietAt = Math.max(this.#since, disturbedAt) + quietMs;
    this.#dueAt = Math.min(quietAt, this.#since + atLatestMs);
  }

  /** Whether the value has changed, now that it has held for long enough. */
  elapsed(now: number): boolean {
    if (now < this.#dueAt) return false;
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#told = this.#latest;
    return true;
  }
}
