// The types of paths: the host's networks at a moment, what has changed between two, and what the
// kernel would use for a destination. No code of its own; what an interface is stands in
// lib/socket/interfaces.ts.

import type { NetworkInterface } from "../../socket/interfaces.ts";
import type { DefaultRoute } from "../../socket/routes.ts";

export type {
  InterfaceAddress,
  InterfaceKind,
  NetworkInterface,
} from "../../socket/interfaces.ts";
export type { DefaultRoute } from "../../socket/routes.ts";

/** What the kernel would use for a destination. */
export interface Path {
  /**
   * `"satisfied"` where the kernel has a route, its interface is up and has a link, and the source
   * address that was asked for is there. It says nothing about what lies beyond the link.
   */
  readonly status: "satisfied" | "unsatisfied";
  /** Also of an unsatisfied path, where a route leads through an interface without a link. */
  readonly interface: NetworkInterface | null;
  readonly sourceAddress: string | null;
  /** The next hop; null where the destination is on the link itself. */
  readonly gateway: string | null;
  /** Of the route where it has one of its own, else of the interface. Bytes. */
  readonly mtuBytes: number | null;
}

/** The networks of this host at a moment. It does not change; equal parts are the same objects. */
export interface PathSnapshot {
  /** By index. */
  readonly interfaces: readonly NetworkInterface[];
  /** By name or index. */
  interface(nameOrIndex: string | number): NetworkInterface | undefined;
  /** IPv4 first, then by metric. */
  readonly defaultRoutes: readonly DefaultRoute[];
  /** The name servers that are configured (resolv.conf(5)). */
  readonly dnsServers: readonly string[];
}

/** What is different from the snapshot before. */
export interface PathChange {
  readonly snapshot: PathSnapshot;
  readonly added: readonly NetworkInterface[];
  readonly removed: readonly NetworkInterface[];
  readonly changed: readonly {
    readonly before: NetworkInterface;
    readonly after: NetworkInterface;
  }[];
  readonly defaultRoutesChanged: boolean;
  /**
   * A route or a rule came or went, default routes included: the paths of some destinations may be
   * different now.
   */
  readonly routesChanged: boolean;
  readonly dnsServersChanged: boolean;
}
