// Socket addresses between text and the forms that cross into native code: 24 flat bytes for IP
// (FlatAddress in native/socket/address.h), the bytes of a path for Unix sockets.
// Not here: parsing of endpoints (lib/net), names (the resolver).

import { native } from "../binding/native.ts";
import {
  DOMAIN_IPV4,
  DOMAIN_IPV6,
  DOMAIN_UNIX,
  type Domain,
  type ReactorBinding,
} from "../binding/types.ts";
import { formatAddress, type IpAddress } from "../core/address.ts";
import { errnoError } from "../errors/index.ts";

export const FLAT_BYTES = 24;
const SCOPE_OFFSET = 16;
const PORT_OFFSET = 20;
const FAMILY_OFFSET = 22;
const FAMILY_UNIX = 1;
const FAMILY_IPV4 = 4;
const FAMILY_IPV6 = 6;
/** `sun_path` is 108 bytes on Linux and 104 on macOS (unix(7)). */
const PATH_BYTES = 108;

/** The family of an address, as Node writes it; `"unix"` has a path instead of a port. */
export type AddressFamily = "IPv4" | "IPv6" | "unix";

/** One end of a socket, as `listener.address` and `socket.localAddress` give it. */
export interface SocketAddressInfo {
  /**
   * The address without brackets, written as RFC 5952 says, with a zone for a link-local one;
   * a v4-mapped address is written as IPv4. For a Unix socket its path, `@NAME` or `""`.
   */
  readonly address: string;
  readonly family: AddressFamily;
  /** 0 for a Unix socket. */
  readonly port: number;
}

/** What bind, connect and sendto take in native code. */
export interface NativeAddress {
  readonly bytes: Uint8Array;
  readonly isPath: boolean;
  readonly domain: Domain;
}

/** sin6_scope_id is a 32-bit number (ipv6(7)). */
const MAX_SCOPE = 0xffff_ffff;
/** The same number on Linux and macOS. */
const ENODEV = -19;

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * The flat form of an IP address.
 *
 * @throws HawserError ENODEV where the zone names no interface of this host
 */
export function toNativeAddress(address: IpAddress, port: number): NativeAddress {
  const bytes = new Uint8Array(FLAT_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(address.bytes);
  view.setUint32(SCOPE_OFFSET, scopeOf(address.zone), isLittleEndian);
  view.setUint16(PORT_OFFSET, port, isLittleEndian);
  view.setUint8(FAMILY_OFFSET, address.family === 4 ? FAMILY_IPV4 : FAMILY_IPV6);
  return { bytes, isPath: false, domain: address.family === 4 ? DOMAIN_IPV4 : DOMAIN_IPV6 };
}

/** A Unix address: a path, or with `abstract` a name in Linux's abstract namespace (unix(7)). */
export function toNativePath(path: string, abstract: boolean): NativeAddress {
  return {
    bytes: Buffer.from(abstract ? `\0${path}` : path),
    isPath: true,
    domain: DOMAIN_UNIX,
  };
}

function scopeOf(zone: string | undefined): number {
  if (zone === undefined) return 0;
  const isNumber = /^[0-9]+$/.test(zone);
  if (isNumber && Number(zone) <= MAX_SCOPE) return Number(zone);
  const index = isNumber ? ENODEV : native.interfaceIndex(zone);
  if (index < 0) throw errnoError(index, "if_nametoindex", { address: zone });
  return index;
}

/** Reads a flat address at an offset; undefined where there is none. `path` is for Unix sockets. */
export function readFlatAddress(
  bytes: Uint8Array,
  offset = 0,
  path = "",
): SocketAddressInfo | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, FLAT_BYTES);
  const port = view.getUint16(PORT_OFFSET, isLittleEndian);
  switch (view.getUint8(FAMILY_OFFSET)) {
    case FAMILY_UNIX:
      return { address: path, family: "unix", port: 0 };
    case FAMILY_IPV4: {
      const address = formatAddress({ family: 4, bytes: bytes.subarray(offset, offset + 4) });
      return { address, family: "IPv4", port };
    }
    case FAMILY_IPV6: {
      const scope = view.getUint32(SCOPE_OFFSET, isLittleEndian);
      const raw = bytes.subarray(offset, offset + 16);
      const zone = scope === 0 ? undefined : native.interfaceName(scope) || String(scope);
      const address =
        zone === undefined
          ? { family: 6 as const, bytes: raw }
          : { family: 6 as const, bytes: raw, zone };
      return { address: formatAddress(address), family: "IPv6", port };
    }
    default:
      return undefined;
  }
}

/** Who sent a datagram. The path of a Unix socket stands in the slab (records.def). */
export function readSender(flat: Uint8Array, slab: Uint8Array): SocketAddressInfo | undefined {
  const view = new DataView(flat.buffer, flat.byteOffset, FLAT_BYTES);
  if (view.getUint8(FAMILY_OFFSET) !== FAMILY_UNIX) return readFlatAddress(flat);
  const offset = view.getUint32(SCOPE_OFFSET, isLittleEndian);
  const length = view.getUint16(PORT_OFFSET, isLittleEndian);
  const path = pathText(slab.subarray(offset, offset + length), length);
  return { address: path, family: "unix", port: 0 };
}

// Scratch for the calls below; they are synchronous and keep nothing.
const flat = new Uint8Array(FLAT_BYTES);
const pathBytes = new Uint8Array(PATH_BYTES);

/** getsockname(2) or getpeername(2) of a slot; undefined where the kernel does not know. */
export function nameOf(
  reactor: ReactorBinding,
  slot: number,
  generation: number,
  ofPeer: boolean,
): SocketAddressInfo | undefined {
  const length = reactor.name(slot, generation, ofPeer, flat, pathBytes);
  if (length < 0) return undefined;
  return readFlatAddress(flat, 0, pathText(pathBytes, length));
}

/** The peer as accept(2) or connect(2) saw it, which holds after the kernel has forgotten it. */
export function peerOf(
  reactor: ReactorBinding,
  slot: number,
  generation: number,
): SocketAddressInfo | undefined {
  return reactor.peer(slot, generation, flat) < 0 ? undefined : readFlatAddress(flat);
}

function pathText(bytes: Uint8Array, length: number): string {
  if (length === 0) return "";
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, length).toString();
  return text.startsWith("\0") ? `@${text.slice(1)}` : text;
}
