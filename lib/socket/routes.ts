// Default routes, what the kernel would use for a destination, and the slot that hears of changes
// of this host's networks. Not here: what follows from a change (lib/net/paths).

import { native } from "../binding/native.ts";
import { errnoError } from "../errors/index.ts";
import { FLAT_BYTES, readFlatAddress } from "./address.ts";
import { listOrThrow } from "./interfaces.ts";
import { type Channel, reactor, register, unregister } from "./reactor.ts";

/** A route for every destination of a family that has no other. */
export interface DefaultRoute {
  readonly family: "IPv4" | "IPv6";
  /** The next hop; null where the interface itself is one (a tunnel). */
  readonly gateway: string | null;
  /** Index of the interface. */
  readonly interface: number;
  /** The smallest wins. 0 on macOS, where routes have none. */
  readonly metric: number;
}

/** What the kernel would use for a destination. */
export interface Route {
  readonly source: string | null;
  readonly gateway: string | null;
  /** Index of the interface. */
  readonly interface: number;
  /** Of the route; null where it has none of its own. Bytes. */
  readonly mtuBytes: number | null;
  /** Whether the destination is an address of this host. */
  readonly local: boolean;
}

// NetworkChange in native/socket/networks.h.
export const LINKS_CHANGED = 1;
export const ADDRESSES_CHANGED = 2;
export const ROUTES_CHANGED = 4;
/** Events were lost; everything counts as changed. */
export const NETWORK_OVERRUN = 8;

// RouteEntry and RouteAnswer of the same file.
const ROUTE_BYTES = 36;
const ROUTE_INDEX = 24;
const ROUTE_METRIC = 28;
const ROUTE_FAMILY = 32;
const ANSWER_BYTES = 60;
const ANSWER_GATEWAY = FLAT_BYTES;
const ANSWER_INDEX = 48;
const ANSWER_MTU = 52;
const ANSWER_LOCAL = 56;

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** The records of the default routes. @throws HawserError */
export function readDefaultRoutes(): Uint8Array {
  return listOrThrow(native.defaultRoutes());
}

/** Default routes from their records: IPv4 first, then by metric. */
export function decodeDefaultRoutes(records: Uint8Array): DefaultRoute[] {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const routes: DefaultRoute[] = [];
  for (let at = 0; at + ROUTE_BYTES <= records.length; at += ROUTE_BYTES) {
    routes.push(
      Object.freeze({
        family: view.getUint8(at + ROUTE_FAMILY) === 4 ? "IPv4" : "IPv6",
        gateway: readFlatAddress(records, at)?.address ?? null,
        interface: view.getInt32(at + ROUTE_INDEX, isLittleEndian),
        metric: view.getUint32(at + ROUTE_METRIC, isLittleEndian),
      }),
    );
  }
  // Stable: routes of one metric stay in the kernel's order.
  return routes.sort((one, other) =>
    one.family === other.family ? one.metric - other.metric : one.family < other.family ? -1 : 1,
  );
}

/**
 * What the kernel would use for a destination; a negative errno where it has no route.
 *
 * @param destination, source flat addresses
 * @param index of the interface that must be used; 0 for any
 */
export function askRoute(
  destination: Uint8Array,
  source: Uint8Array | undefined,
  index: number,
): Route | number {
  const answer = new Uint8Array(ANSWER_BYTES);
  const status = native.route(destination, source, index, answer);
  if (status < 0) return status;
  const view = new DataView(answer.buffer);
  const mtu = view.getInt32(ANSWER_MTU, isLittleEndian);
  return {
    source: readFlatAddress(answer)?.address ?? null,
    gateway: readFlatAddress(answer, ANSWER_GATEWAY)?.address ?? null,
    interface: view.getInt32(ANSWER_INDEX, isLittleEndian),
    mtuBytes: mtu > 0 ? mtu : null,
    local: view.getUint32(ANSWER_LOCAL, isLittleEndian) !== 0,
  };
}

/** Hears that the networks of this host have changed. It does not keep the process alive. */
export class ChangeChannel implements Channel {
  slot = -1;
  generation = 0;
  deaf = false;
  batch = -1;
  tail = 0;
  batchBytes = 0;
  readonly #changed: (changes: number) => void;

  /**
   * @param changed receives bits: `LINKS_CHANGED` and its like
   * @throws HawserError of socket(2) and bind(2)
   */
  constructor(changed: (changes: number) => void) {
    this.#changed = changed;
    const name = new Int32Array(2);
    const status = reactor.openChanges(name);
    if (status < 0) throw errnoError(status, "socket");
    register(this, name[0] as number, name[1] as number);
  }

  get fd(): number {
    return reactor.descriptorOf(this.slot, this.generation);
  }

  setReferenced(referenced: boolean): void {
    if (!this.deaf) reactor.setReferenced(this.slot, this.generation, referenced);
  }

  close(): void {
    if (this.deaf) return;
    this.deaf = true;
    reactor.close(this.slot, this.generation, false);
    unregister(this);
  }

  /** Readable is all that its slot ever tells. */
  complete(): void {
    const changes = reactor.readChanges(this.slot, this.generation);
    if (changes > 0) this.#changed(changes);
  }

  /** It submits nothing. */
  settle(): void {}
}
