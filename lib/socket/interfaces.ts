// The interfaces of this host, as getifaddrs(3) lists them now. Not here: watching changes, routes.

import { native } from "../binding/native.ts";
import { errnoError } from "../errors/index.ts";
import { readFlatAddress } from "./address.ts";

/**
 * What an interface is. `tunnel`: packets in other packets, or handed to a program (WireGuard, TUN,
 * IP in IP, VXLAN, PPP). `virtual`: made by software on this host (VLAN, bond, macvlan, veth, dummy,
 * TAP).
 */
export type InterfaceKind = "loopback" | "wired" | "wireless" | "tunnel" | "bridge" | "virtual";

/** One address of an interface. */
export interface InterfaceAddress {
  /** As RFC 5952 writes it; a zone follows a link-local one. */
  readonly address: string;
  readonly family: "IPv4" | "IPv6";
  readonly prefixLength: number;
  /** Of IPv4, where the interface does broadcast. */
  readonly broadcastAddress: string | null;
  readonly scope: "host" | "link" | "site" | "global";
  /** RFC 4862 section 5.4, 5.5.4. Only a preferred or deprecated one can be used. */
  readonly state: "tentative" | "preferred" | "deprecated" | "duplicated";
}

/** One interface. */
export interface NetworkInterface {
  readonly index: number;
  readonly name: string;
  readonly kind: InterfaceKind;
  readonly up: boolean;
  /** The link is there (IFF_RUNNING, netdevice(7)). */
  readonly running: boolean;
  readonly loopback: boolean;
  readonly broadcast: boolean;
  readonly multicast: boolean;
  readonly pointToPoint: boolean;
  readonly mtuBytes: number;
  /** `aa:bb:cc:dd:ee:ff`, of InfiniBand longer; null where it has none. */
  readonly hardwareAddress: string | null;
  readonly addresses: readonly InterfaceAddress[];
}

/** One address of an interface. */
export interface InterfaceAddressInfo {
  /** As RFC 5952 writes it; a zone follows a link-local one. */
  readonly address: string;
  readonly family: "IPv4" | "IPv6";
  readonly prefixLength: number;
  /** Of IPv4, where the interface does broadcast. */
  readonly broadcastAddress: string | null;
}

/** One interface. */
export interface InterfaceInfo {
  readonly index: number;
  readonly name: string;
  readonly loopback: boolean;
  readonly up: boolean;
  /** The link is there (IFF_RUNNING, netdevice(7)). */
  readonly running: boolean;
  readonly broadcast: boolean;
  readonly multicast: boolean;
  readonly pointToPoint: boolean;
  readonly mtuBytes: number;
  readonly addresses: readonly InterfaceAddressInfo[];
}

// InterfaceFlag in native/socket/interfaces.h.
const UP = 1;
const RUNNING = 2;
const LOOPBACK = 4;
const BROADCAST = 8;
const MULTICAST = 16;
const POINT_TO_POINT = 32;
const FIELDS = 7;

type Entry = [string, number, number, number, Uint8Array, number, Uint8Array];

/**
 * The interfaces now, by index.
 *
 * @throws HawserError of getifaddrs(3)
 */
export function listInterfaces(): InterfaceInfo[] {
  const list = native.interfaces();
  if (typeof list === "number") throw errnoError(list, "getifaddrs");
  const found = new Map<number, InterfaceInfo & { addresses: InterfaceAddressInfo[] }>();
  for (let at = 0; at < list.length; at += FIELDS) {
    const entry = list.slice(at, at + FIELDS) as Entry;
    const [name, index, flags, mtuBytes] = entry;
    let one = found.get(index);
    if (one === undefined) {
      one = {
        index,
        name,
        loopback: (flags & LOOPBACK) !== 0,
        up: (flags & UP) !== 0,
        running: (flags & RUNNING) !== 0,
        broadcast: (flags & BROADCAST) !== 0,
        multicast: (flags & MULTICAST) !== 0,
        pointToPoint: (flags & POINT_TO_POINT) !== 0,
        mtuBytes,
        addresses: [],
      };
      found.set(index, one);
    }
    const address = addressOf(entry);
    if (address !== undefined) one.addresses.push(address);
  }
  return [...found.values()].sort((one, other) => one.index - other.index);
}

function addressOf([, , , , flat, prefixLength, broadcast]: Entry):
  | InterfaceAddressInfo
  | undefined {
  const own = readFlatAddress(flat);
  if (own === undefined || own.family === "unix") return undefined;
  const { address, family } = own;
  return {
    address,
    family,
    prefixLength,
    broadcastAddress: readFlatAddress(broadcast)?.address ?? null,
  };
}
