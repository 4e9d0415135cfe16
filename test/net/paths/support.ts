// A host's networks that a test can change, with the kernel's way of choosing a path, and a clock
// that stands until it is told. No tests here.

import { parseAddress } from "../../../lib/core/address.ts";
import { type Deadline, Deadlines } from "../../../lib/core/deadlines.ts";
import type { DeadlineOwner } from "../../../lib/net/clock.ts";
import { PathLooks } from "../../../lib/net/paths/looks.ts";
import { compareSnapshots } from "../../../lib/net/paths/snapshot.ts";
import type { Destination, PathView } from "../../../lib/net/paths/path-rules.ts";
import type {
  InterfaceAddress,
  InterfaceKind,
  NetworkInterface,
  Path,
  PathChange,
  PathSnapshot,
} from "../../../lib/net/paths/types.ts";
import type { PathObserver, PathQuestion, PathWatch } from "../../../lib/net/paths/watch.ts";

/** One link; an address is `ADDRESS/PREFIX`, with its state behind it where it is not preferred. */
export interface Link {
  readonly index: number;
  readonly kind: InterfaceKind;
  readonly addresses: readonly string[];
  readonly up?: boolean;
  readonly running?: boolean;
}

export interface Route {
  readonly to: string;
  readonly dev: string;
  readonly via?: string;
  readonly metric?: number;
}

const NOTHING: Path = {
  status: "unsatisfied",
  interface: null,
  sourceAddress: null,
  gateway: null,
  mtuBytes: null,
};

function bitsOf(text: string): { readonly bits: string; readonly family: 4 | 6 } {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`no address: ${text}`);
  const bits = [...address.bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return { bits, family: address.family };
}

function covers(prefix: string, address: string): boolean {
  const [base = "", length = "0"] = prefix.split("/");
  const one = bitsOf(base);
  const other = bitsOf(address);
  const size = Number(length);
  return one.family === other.family && one.bits.slice(0, size) === other.bits.slice(0, size);
}

function familyOf(address: string): "IPv4" | "IPv6" {
  return address.includes(":") ? "IPv6" : "IPv4";
}

/** Two networks at home: eth0 with the default route, wlan0 with a worse one. */
export const HOME: Readonly<Record<string, Link>> = {
  lo: { index: 1, kind: "loopback", addresses: ["127.0.0.1/8", "::1/128"] },
  eth0: { index: 2, kind: "wired", addresses: ["10.0.0.2/24", "fe80::2/64"] },
  wlan0: { index: 3, kind: "wireless", addresses: ["192.168.7.5/24"] },
};

export const HOME_ROUTES: readonly Route[] = [
  { to: "0.0.0.0/0", via: "10.0.0.1", dev: "eth0", metric: 100 },
  { to: "0.0.0.0/0", via: "192.168.7.1", dev: "wlan0", metric: 600 },
];

export class FakeNetwork {
  links: Record<string, Link>;
  routes: readonly Route[];
  dnsServers: readonly string[] = ["192.0.2.53"];
  /** Questions that reached the kernel. */
  questions = 0;
  readonly observers = new Set<PathObserver>();
  #told: PathSnapshot;

  constructor(links: Readonly<Record<string, Link>> = HOME, routes = HOME_ROUTES) {
    this.links = { ...links };
    this.routes = routes;
    this.#told = this.snapshot;
  }

  /** Changes one link, and tells. */
  set(name: string, change: Partial<Link>): void {
    this.links[name] = { ...(this.links[name] as Link), ...change };
    this.changed();
  }

  changed(): void {
    const { snapshot } = this;
    // Where nothing is different, a route was that nobody shows.
    const change =
      compareSnapshots(this.#told, snapshot, false) ??
      (compareSnapshots(this.#told, snapshot, true) as PathChange);
    this.#told = snapshot;
    for (const observer of [...this.observers]) observer.changed(change);
  }

  watch = (observer: PathObserver): PathWatch => {
    this.observers.add(observer);
    const network = this;
    return {
      get snapshot() {
        return network.snapshot;
      },
      pathTo: (address, options) => network.pathTo(address, options),
      ref() {},
      unref() {},
      stop: () => void this.observers.delete(observer),
    };
  };

  /** As a connection sees it. */
  get view(): PathView {
    const pathTo = ({ address, ...question }: Destination) => this.pathTo(address, question);
    return { snapshot: this.snapshot, pathTo };
  }

  get snapshot(): PathSnapshot {
    const interfaces = Object.entries(this.links).map(([name, link]) => interfaceOf(name, link));
    return {
      interfaces,
      interface: (wanted) =>
        interfaces.find(({ name, index }) => name === wanted || index === wanted),
      defaultRoutes: this.routes
        .filter(({ to }) => to.endsWith("/0"))
        .map(({ to, via = null, dev, metric = 0 }) => ({
          family: familyOf(to),
          gateway: via,
          interface: this.links[dev]?.index ?? 0,
          metric,
        })),
      dnsServers: this.dnsServers,
    };
  }

  pathTo(address: string, { interface: bound, localAddress }: PathQuestion = {}): Path {
    this.questions++;
    const { interfaces } = this.snapshot;
    const isOwn = (one: string) =>
      one.startsWith("127.") ||
      interfaces.some(({ addresses }) => addresses.some((other) => other.address === one));
    if (localAddress !== undefined && !isOwn(localAddress)) return NOTHING;
    if (isOwn(address)) {
      return pathThrough(
        interfaceOf("lo", this.links["lo"] as Link),
        localAddress ?? address,
        null,
      );
    }
    const isAllowed = (dev: string) => {
      const link = this.links[dev];
      return link !== undefined && link.up !== false && (bound ?? link.index) === link.index;
    };
    const matching = [...this.routes, ...this.#onLink()]
      .filter(({ to, dev }) => covers(to, address) && isAllowed(dev))
      .sort((one, other) => lengthOf(other) - lengthOf(one) || metricOf(one) - metricOf(other));
    const [best] = matching;
    // As Linux does: a neighbour on the link that the socket is bound to.
    const dev = best?.dev ?? interfaces.find(({ index, up }) => index === bound && up)?.name;
    if (dev === undefined) return NOTHING;
    const through = interfaceOf(dev, this.links[dev] as Link);
    const source = through.addresses.find(({ family }) => family === familyOf(address));
    return pathThrough(through, localAddress ?? source?.address ?? null, best?.via ?? null);
  }

  #onLink(): Route[] {
    return Object.entries(this.links).flatMap(([dev, { addresses }]) =>
      addresses.map((one) => ({ to: one.split(" ")[0] as string, dev })),
    );
  }
}

function lengthOf({ to }: Route): number {
  return Number(to.split("/")[1]);
}

function metricOf({ metric = 0 }: Route): number {
  return metric;
}

function pathThrough(
  through: NetworkInterface,
  source: string | null,
  gateway: string | null,
): Path {
  return {
    status: through.up && through.running ? "satisfied" : "unsatisfied",
    interface: through,
    sourceAddress: source,
    gateway,
    mtuBytes: through.mtuBytes,
  };
}

function interfaceOf(name: string, link: Link): NetworkInterface {
  const { index, kind, up = true, running = up } = link;
  const addresses = link.addresses.map((text) => {
    const [prefix = "", state = "preferred"] = text.split(" ");
    const [address = "", length = "0"] = prefix.split("/");
    const known: Partial<InterfaceAddress> = {
      address,
      family: familyOf(address),
      prefixLength: Number(length),
      state: state as InterfaceAddress["state"],
    };
    return known as InterfaceAddress;
  });
  const known: Partial<NetworkInterface> = {
    index,
    name,
    kind,
    up,
    running,
    mtuBytes: 1_500,
    addresses,
  };
  return known as NetworkInterface;
}

/** A clock that stands, with the deadlines that were set on it. */
export class FakeClock {
  time = 1_000;
  readonly #deadlines = new Deadlines<DeadlineOwner>();

  now = (): number => this.time;

  setDeadline = (deadline: Deadline<DeadlineOwner>, ms: number): void => {
    this.#deadlines.set(deadline, this.time + ms);
  };

  clearDeadline = (deadline: Deadline<DeadlineOwner>): void => {
    this.#deadlines.clear(deadline);
  };

  /** When the next deadline passes, from now. */
  get nextMs(): number | undefined {
    const next = this.#deadlines.next();
    return next === undefined ? undefined : next - this.time;
  }

  /** Lets time pass; what is due meanwhile happens at its time. */
  advance(ms: number): void {
    const until = this.time + ms;
    for (let next = this.#deadlines.next(); next !== undefined && next <= until; ) {
      this.time = Math.max(this.time, next);
      this.#deadlines.expire(this.time, (owner, deadline) => owner.expired(deadline));
      next = this.#deadlines.next();
    }
    this.time = Math.max(this.time, until);
  }
}

/** A network, a clock and looks at the one by the other. */
export function makeHost(network = new FakeNetwork(), clock = new FakeClock()) {
  const { now, setDeadline, clearDeadline } = clock;
  const looks = new PathLooks({ now, setDeadline, clearDeadline, watch: network.watch });
  return { network, clock, looks, now, setDeadline, clearDeadline };
}
