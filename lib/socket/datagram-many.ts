// Arguments of sendMany and sendToMany, and the promise of such a call. Not here: how datagrams
// leave (datagram-outbox.ts).

import { native } from "../binding/native.ts";
import { DOMAIN_IPV4, DOMAIN_IPV6 } from "../binding/types.ts";
import { parseAddress } from "../core/address.ts";
import { bytesOf, type SendData } from "../core/byte-stream.ts";
import { Deferred } from "../core/waiting.ts";
import {
  codeError,
  type ErrorContext,
  invalidArgValue,
  rejectUnknownKeys,
  requireInteger,
  requireObject,
  requireOneOf,
  requireString,
} from "../errors/index.ts";
import { type AddressFamily, type SocketAddressInfo, toNativeAddress } from "./address.ts";
import type { DatagramOwner, DatagramRoute, SendMode } from "./datagram-outbox.ts";
import type { Ecn } from "./datagram-record.ts";
import { internPeer, Peer } from "./peers.ts";
import {
  type Destination,
  type InternetAddress,
  readDestination,
  type UnixAddress,
} from "./socket-address.ts";

/** One of many datagrams to be sent. */
export interface OutgoingDatagram {
  readonly data: SendData;
  /** Needed on a socket that is not connected. A `Peer` costs less than an address in words. */
  readonly to?: Peer | InternetAddress | UnixAddress | undefined;
  /**
   * The source address (IP_PKTINFO, ip(7); IPV6_PKTINFO, ipv6(7)). Default: the kernel's choice.
   */
  readonly localAddress?: string | undefined;
  /** The interface to send through, by name or index. Default: the kernel's choice. */
  readonly interface?: string | number | undefined;
  /** Explicit congestion notification (RFC 3168 section 5). Default: the socket's own. */
  readonly ecn?: Ecn | undefined;
  /**
   * `data` is many datagrams of so many bytes each, the last one maybe shorter, which the kernel
   * cuts (UDP_SEGMENT, udp(7)), or this library where it cannot.
   */
  readonly segmentSize?: number | undefined;
}

/** An outgoing datagram in its normal form. */
export interface ReadyDatagram {
  readonly bytes: Uint8Array;
  readonly stride: number;
  readonly route: DatagramRoute;
  /** Of a Unix socket that is not connected: where it goes. */
  readonly path: Destination | undefined;
}

const KEYS: ReadonlySet<string> = new Set([
  "data",
  "to",
  "localAddress",
  "interface",
  "ecn",
  "segmentSize",
]);
const MAX_INDEX = 0x7fff_ffff;
const MAX_SEGMENT = 65_507;
const CONNECTED: DatagramRoute = { to: null, local: null, interface: 0, trafficClass: 0 };

/** The datagrams of one call in their normal form, and what is to be known of all. */
export interface ReadyMany {
  readonly list: readonly ReadyDatagram[];
  /** Bytes of all. */
  readonly bytes: number;
  /** How many say where they go, and how many of those a path. */
  readonly addressed: number;
  readonly paths: number;
}

/**
 * Checks what `sendMany` is given, before anything is sent.
 *
 * @param family of the socket that is to send it
 * @throws TypeError or RangeError; HawserError ENODEV
 */
export function readMany(datagrams: unknown, family: AddressFamily): ReadyMany {
  const list: ReadyDatagram[] = [];
  let bytes = 0;
  let addressed = 0;
  let paths = 0;
  for (const one of requireIterable(datagrams, "datagrams")) {
    const ready = readOutgoing(one, family);
    list.push(ready);
    bytes += ready.bytes.length;
    if (ready.path !== undefined) paths++;
    else if (ready.route.to !== null) addressed++;
  }
  return { list, bytes, addressed: addressed + paths, paths };
}

/**
 * Checks one of many.
 *
 * @param family of the socket that is to send it
 * @throws TypeError or RangeError; HawserError ENODEV
 */
export function readOutgoing(value: unknown, family: AddressFamily): ReadyDatagram {
  if (typeof value === "string" || ArrayBuffer.isView(value)) {
    const bytes = toBytes(value as SendData);
    return { bytes, stride: 0, route: CONNECTED, path: undefined };
  }
  const given = requireObject(value, "datagram");
  // Without a list of the keys, while all are known.
  for (const key in given) if (!KEYS.has(key)) rejectUnknownKeys(given, KEYS, "sendMany()");
  const { to, segmentSize } = given;
  return {
    bytes: toBytes(given["data"] as SendData),
    stride: readSegmentSize(segmentSize),
    path: to === undefined || family !== "unix" ? undefined : pathTo(to, "sendMany()"),
    route: readRoute(given, family),
  };
}

function readRoute(given: Record<string, unknown>, family: AddressFamily): DatagramRoute {
  const { to, localAddress, interface: chosen, ecn } = given;
  const goes = to !== undefined && family !== "unix";
  if (!goes && localAddress === undefined && chosen === undefined && ecn === undefined) {
    return CONNECTED;
  }
  return {
    to: goes ? peerWords(to, "sendMany()") : null,
    local: localAddress === undefined ? null : localWords(localAddress, "datagram.localAddress"),
    interface: chosen === undefined ? 0 : interfaceIndex(chosen, "datagram.interface"),
    trafficClass: ecn === undefined ? 0 : requireOneOf(ecn, "datagram.ecn", [0, 1, 2, 3]),
  };
}

/** The bytes of what may be sent; a string's are UTF-8. @throws TypeError */
export function toBytes(data: SendData): Uint8Array {
  return typeof data === "string" ? Buffer.from(data) : bytesOf(data);
}

function readSegmentSize(value: unknown): number {
  if (value === undefined) return 0;
  return requireInteger(value, "datagram.segmentSize", 1, MAX_SEGMENT, "bytes");
}

/** The flat address of a peer. @throws TypeError or RangeError; HawserError ENODEV */
export function peerWords(to: unknown, call: string): Int32Array {
  if (to instanceof Peer) return to.words;
  const { native: address } = readDestination(to, call);
  if (address.isPath) throw invalidArgValue("to", "must be an Internet address here", to);
  return internPeer(new Int32Array(address.bytes.buffer), 0).words;
}

/** Where one datagram goes. @throws TypeError or RangeError */
export function destinationOf(to: Peer | InternetAddress | UnixAddress, call: string): Destination {
  if (!(to instanceof Peer)) return readDestination(to, call);
  const bytes = new Uint8Array(to.words.buffer, to.words.byteOffset, to.words.byteLength);
  const domain = to.family === "IPv6" ? DOMAIN_IPV6 : DOMAIN_IPV4;
  return { native: { bytes, isPath: false, domain }, place: placeOf(to) };
}

/** An address, as errors tell it. */
export function placeOf({ address, port }: SocketAddressInfo): ErrorContext {
  return { address, port };
}

/** The path of a peer. @throws TypeError or RangeError */
export function pathTo(to: unknown, call: string): Destination {
  const destination = to instanceof Peer ? undefined : readDestination(to, call);
  if (destination?.native.isPath) return destination;
  throw invalidArgValue("to", "must be a path here", to);
}

/** The flat address of a source. @throws TypeError */
export function localWords(value: unknown, name: string): Int32Array {
  const text = requireString(value, name);
  const address = parseAddress(text);
  if (address === undefined) throw invalidArgValue(name, "must be an IPv4 or IPv6 address", text);
  return internPeer(new Int32Array(toNativeAddress(address, 0).bytes.buffer), 0).words;
}

/** An interface by its name or index. @throws TypeError or RangeError; HawserError ENODEV */
export function interfaceIndex(value: unknown, name: string): number {
  if (typeof value === "number") return requireInteger(value, name, 1, MAX_INDEX);
  const text = requireString(value, name);
  const index = native.interfaceIndex(text);
  if (index < 0) throw codeError("ENODEV", "if_nametoindex", { address: text });
  return index;
}

/** Checks that the list is one. @throws TypeError */
export function requireIterable(value: unknown, name: string): Iterable<unknown> {
  const isIterable =
    typeof value === "object" &&
    value !== null &&
    Symbol.iterator in value &&
    !ArrayBuffer.isView(value);
  if (isIterable) return value as Iterable<unknown>;
  throw invalidArgValue(name, "must be an array or another iterable", value);
}

/** What stands behind a call that sends many: one promise, and the first error. */
export class ManySent implements DatagramOwner {
  readonly mode: SendMode | undefined;
  readonly #sent = new Deferred();
  readonly #failure: (errno: number, to: Int32Array | null) => Error;
  #error: Error | undefined;

  constructor(failure: (errno: number, to: Int32Array | null) => Error, mode?: SendMode) {
    this.#failure = failure;
    this.mode = mode;
  }

  get promise(): Promise<void> {
    return this.#sent.promise;
  }

  refused(errno: number, to: Int32Array | null): void {
    this.#error ??= this.#failure(errno, to);
  }

  told(): void {
    if (this.#error === undefined) this.#sent.resolve();
    else this.#sent.reject(this.#error);
  }

  /** Nobody waits any more, whatever becomes of what was sent. */
  abandon(reason: unknown): void {
    this.#sent.reject(reason);
  }
}
