// The interfaces of this host with their addresses, as the kernel lists them now.
// Not here: routes (routes.ts), following changes (lib/net/paths).

import { native } from "../binding/native.ts";
import { formatAddress, type IpAddress } from "../core/address.ts";
import { errnoError } from "../errors/index.ts";

/**
 * What an interface is. `tunnel`: packets in other packets, or handed to a program (WireGuard, TUN,
 * IP in IP, VXLAN, PPP). `virtual`: made by software on this host (VLAN, bond, macvlan, veth,
 * dummy, TAP).
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
  /** The link is there (IFF_LOWER_UP and not IFF_DORMANT, netdevice(7); on macOS IFM_ACTIVE). */
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

// The records of native/socket/networks.h.
const LINK_BYTES = 52;
const LINK_INDEX = 16;
const LINK_FLAGS = 20;
const LINK_MTU = 24;
const LINK_KIND = 28;
const LINK_HARDWARE_LENGTH = 29;
const LINK_HARDWARE = 30;
const ADDRESS_BYTES = 56;
const ADDRESS_BROADCAST = 24;
const ADDRESS_INDEX = 48;
const ADDRESS_PREFIX_LENGTH = 52;
const ADDRESS_SCOPE = 53;
const ADDRESS_STATE = 54;
/** In a flat address (native/socket/address.h). */
const FLAT_SCOPE = 16;
const FLAT_FAMILY = 22;

// InterfaceFlag of the same file.
const UP = 1;
const RUNNING = 2;
const LOOPBACK = 4;
const BROADCAST = 8;
const MULTICAST = 16;
const POINT_TO_POINT = 32;

// Its enumerations, in the order of their numbers.
export const INTERFACE_KINDS = [
  "wired",
  "loopback",
  "wireless",
  "tunnel",
  "bridge",
  "virtual",
] as const;
const SCOPES = ["global", "site", "link", "host"] as const;
const STATES = ["preferred", "tentative", "deprecated", "duplicated"] as const;

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * The interfaces now, by index.
 *
 * @throws HawserError of socket(2), where the system does not let this process look at its networks
 */
export function listInterfaces(): NetworkInterface[] {
  return decodeInterfaces(readLinks(), readAddresses());
}

/** The records of all interfaces. @throws HawserError */
export function readLinks(): Uint8Array {
  return listOrThrow(native.links());
}

/** The records of all addresses. @throws HawserError */
export function readAddresses(): Uint8Array {
  return listOrThrow(native.addresses());
}

/** The records that the addon listed. @throws HawserError */
export function listOrThrow(list: Uint8Array | number): Uint8Array {
  // Opening the socket that is asked is what fails where anything does.
  if (typeof list === "number") throw errnoError(list, "socket");
  return list;
}

/**
 * Interfaces from their records, by index. An address whose interface is not among them is left
 * out: it came between the two lists.
 */
export function decodeInterfaces(links: Uint8Array, addresses: Uint8Array): NetworkInterface[] {
  const names = new Map<number, string>();
  const owned = new Map<number, InterfaceAddress[]>();
  const linkView = viewOf(links);
  for (let at = 0; at + LINK_BYTES <= links.length; at += LINK_BYTES) {
    const index = linkView.getInt32(at + LINK_INDEX, isLittleEndian);
    names.set(index, nameAt(links, at));
    owned.set(index, []);
  }
  const addressView = viewOf(addresses);
  for (let at = 0; at + ADDRESS_BYTES <= addresses.length; at += ADDRESS_BYTES) {
    const index = addressView.getInt32(at + ADDRESS_INDEX, isLittleEndian);
    const name = names.get(index);
    if (name === undefined) continue;
    const address = addressAt(addresses, addressView, at, name);
    if (address !== undefined) owned.get(index)?.push(address);
  }
  const found: NetworkInterface[] = [];
  for (let at = 0; at + LINK_BYTES <= links.length; at += LINK_BYTES) {
    const index = linkView.getInt32(at + LINK_INDEX, isLittleEndian);
    found.push(linkAt(links, linkView, at, names.get(index) ?? "", owned.get(index) ?? []));
  }
  return found.sort((one, other) => one.index - other.index);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function nameAt(links: Uint8Array, at: number): string {
  const bytes = Buffer.from(links.buffer, links.byteOffset + at, LINK_INDEX);
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? LINK_INDEX : end);
}

function linkAt(
  links: Uint8Array,
  view: DataView,
  at: number,
  name: string,
  addresses: readonly InterfaceAddress[],
): NetworkInterface {
  const flags = view.getInt32(at + LINK_FLAGS, isLittleEndian);
  const hardware = links.subarray(
    at + LINK_HARDWARE,
    at + LINK_HARDWARE + view.getUint8(at + LINK_HARDWARE_LENGTH),
  );
  return Object.freeze({
    index: view.getInt32(at + LINK_INDEX, isLittleEndian),
    name,
    kind: INTERFACE_KINDS[view.getUint8(at + LINK_KIND)] ?? "virtual",
    up: (flags & UP) !== 0,
    running: (flags & RUNNING) !== 0,
    loopback: (flags & LOOPBACK) !== 0,
    broadcast: (flags & BROADCAST) !== 0,
    multicast: (flags & MULTICAST) !== 0,
    pointToPoint: (flags & POINT_TO_POINT) !== 0,
    mtuBytes: view.getInt32(at + LINK_MTU, isLittleEndian),
    hardwareAddress: hardware.length === 0 ? null : hardwareText(hardware),
    addresses: Object.freeze(addresses),
  });
}

function hardwareText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

function addressAt(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  interfaceName: string,
): InterfaceAddress | undefined {
  const address = textAt(bytes, view, at, interfaceName);
  if (address === undefined) return undefined;
  return Object.freeze({
    address,
    family: view.getUint8(at + FLAT_FAMILY) === 4 ? "IPv4" : "IPv6",
    prefixLength: view.getUint8(at + ADDRESS_PREFIX_LENGTH),
    broadcastAddress: textAt(bytes, view, at + ADDRESS_BROADCAST, interfaceName) ?? null,
    scope: SCOPES[view.getUint8(at + ADDRESS_SCOPE)] ?? "global",
    state: STATES[view.getUint8(at + ADDRESS_STATE)] ?? "preferred",
  });
}

// As readFlatAddress, with the name of the interface at hand: one call of the kernel less for each
// link-local address.
function textAt(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  interfaceName: string,
): string | undefined {
  const family = view.getUint8(at + FLAT_FAMILY);
  if (family !== 4 && family !== 6) return undefined;
  const raw = bytes.subarray(at, at + (family === 4 ? 4 : 16));
  const address: IpAddress =
    view.getUint32(at + FLAT_SCOPE, isLittleEndian) === 0
      ? { family, bytes: raw }
      : { family, bytes: raw, zone: interfaceName };
  return formatAddress(address);
}
