// What ip(8) says of the client's networks, and what a watcher (paths-watcher.ts) says, in a form
// in which both can be compared. Not here: what is expected.

import type { Hosts } from "./hosts.ts";
import type { Line } from "./program.ts";

export interface Interface {
  readonly index: number;
  readonly name: string;
  readonly kind: string;
  readonly up: boolean;
  readonly running: boolean;
  readonly mtuBytes: number;
  readonly addresses: readonly { readonly address: string; readonly state: string }[];
}

export interface Change extends Line {
  readonly at: number;
  readonly added: readonly Interface[];
  readonly removed: readonly Interface[];
  readonly changed: readonly { readonly before: Interface; readonly after: Interface }[];
  readonly routesChanged: boolean;
  readonly defaultRoutesChanged: boolean;
  readonly dnsServersChanged: boolean;
}

export interface View extends Line {
  readonly snapshot: {
    readonly interfaces: readonly Interface[];
    readonly defaultRoutes: readonly object[];
    readonly dnsServers: readonly string[];
  };
  readonly fresh: { readonly interfaces: readonly Interface[]; readonly defaultRoutes: object[] };
  readonly told: readonly Interface[];
  readonly isFaithful: boolean;
}

interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly operstate: string;
  readonly mtu: number;
  readonly address?: string;
  readonly link_type: string;
  readonly addr_info?: readonly IpAddress[];
}

interface IpAddress {
  readonly family: string;
  readonly local: string;
  readonly prefixlen: number;
  readonly broadcast?: string;
  readonly scope: string;
  readonly tentative?: boolean;
  readonly deprecated?: boolean;
  readonly dadfailed?: boolean;
}

interface IpRoute {
  readonly gateway?: string;
  readonly dev?: string;
  readonly metric?: number;
  readonly nexthops?: readonly { readonly gateway?: string; readonly dev: string }[];
}

function addressAsIp({ family, local, prefixlen, broadcast, scope, ...state }: IpAddress): object {
  return {
    address: local,
    family: family === "inet" ? "IPv4" : "IPv6",
    prefixLength: prefixlen,
    broadcastAddress: broadcast ?? null,
    scope,
    state: state.dadfailed
      ? "duplicated"
      : state.tentative
        ? "tentative"
        : state.deprecated
          ? "deprecated"
          : "preferred",
  };
}

/** Interfaces and default routes of the client. */
export async function asIpSays(
  hosts: Hosts,
): Promise<{ interfaces: object[]; defaultRoutes: object[] }> {
  const ask = async (what: string) =>
    JSON.parse((await hosts.network.run("client", `ip -j ${what}`)) || "[]");
  const links = (await ask("address")) as IpLink[];
  const indexes = new Map(links.map(({ ifname, ifindex }) => [ifname, ifindex]));
  const routesOf = async (family: "IPv4" | "IPv6", flag: string) =>
    ((await ask(`${flag} route show default`)) as IpRoute[]).flatMap((route) =>
      (route.nexthops ?? [route]).map(({ gateway, dev }) => ({
        family,
        gateway: gateway ?? null,
        interface: indexes.get(dev ?? ""),
        metric: route.metric ?? 0,
      })),
    );
  return {
    interfaces: links
      .toSorted((one, other) => one.ifindex - other.ifindex)
      .map((link) => ({
        index: link.ifindex,
        name: link.ifname,
        up: link.flags.includes("UP"),
        // ip(8) does not show IFF_RUNNING; it follows from these (RFC 2863).
        running: link.flags.includes("UP") && ["UP", "UNKNOWN"].includes(link.operstate),
        loopback: link.flags.includes("LOOPBACK"),
        broadcast: link.flags.includes("BROADCAST"),
        multicast: link.flags.includes("MULTICAST"),
        pointToPoint: link.flags.includes("POINTOPOINT"),
        mtuBytes: link.mtu,
        hardwareAddress: link.link_type === "ether" ? link.address : null,
        addresses: (link.addr_info ?? []).map(addressAsIp),
      })),
    defaultRoutes: [...(await routesOf("IPv4", "-4")), ...(await routesOf("IPv6", "-6"))],
  };
}

/** The snapshot in the words of ip(8): no zones, no kinds. */
export function inWordsOfIp({ interfaces, defaultRoutes }: View["snapshot"]): object {
  const withoutZone = (address: string) => address.replace(/%.*/, "");
  return {
    interfaces: interfaces.map(({ kind: _, addresses, ...rest }) => ({
      ...rest,
      addresses: addresses.map((one) => ({ ...one, address: withoutZone(one.address) })),
    })),
    defaultRoutes: defaultRoutes.map((route) => {
      const { gateway } = route as { gateway: string | null };
      return { ...route, gateway: gateway === null ? null : withoutZone(gateway) };
    }),
  };
}
