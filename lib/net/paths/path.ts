// What the kernel would use for a destination, as a path. Not here: who asks and when.

import { type IpAddress, parseAddress, unmapAddress } from "../../core/address.ts";
import { codeError, errnoError, errnoName, HawserError } from "../../errors/index.ts";
import { toNativeAddress } from "../../socket/address.ts";
import { listInterfaces } from "../../socket/interfaces.ts";
import { askRoute } from "../../socket/routes.ts";
import { findInterface } from "./snapshot.ts";
import type { NetworkInterface, Path, PathSnapshot } from "./types.ts";

/** What narrows the question for a path. */
export interface PathQuestion {
  /** Index of the interface that must be used. */
  readonly interface?: number | undefined;
  /** The source address that must be used. */
  readonly localAddress?: string | undefined;
}

// What the kernel says of a destination that it has no way to (ip-route(8): unreachable, prohibit,
// blackhole), of an interface that is gone or down, and of a source that is not this host's. Any
// other error says nothing of the path.
const VERDICTS: ReadonlySet<string> = new Set([
  "ENETUNREACH",
  "EHOSTUNREACH",
  "EACCES",
  "EINVAL",
  "ENODEV",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "EAFNOSUPPORT",
]);

const NO_PATH: Path = Object.freeze({
  status: "unsatisfied",
  interface: null,
  sourceAddress: null,
  gateway: null,
  mtuBytes: null,
});

/**
 * Asks the kernel now.
 *
 * @param snapshot where its answer's interface is looked up
 * @throws HawserError EINVAL for what is no literal address; EMFILE and its like where the question
 *   could not be asked
 */
export function pathTo(snapshot: PathSnapshot, address: string, question: PathQuestion = {}): Path {
  const destination = flatOf(address);
  const { localAddress, interface: index = 0 } = question;
  const source = localAddress === undefined ? undefined : flatOf(localAddress);
  if (destination === null || source === null) return NO_PATH;
  if (source !== undefined && !isOwn(snapshot, localAddress as string, source)) return NO_PATH;
  const route = askRoute(destination, source, index);
  if (typeof route === "number") return refuse(route, address);
  // The snapshot may not have heard of it yet.
  const used =
    snapshot.interface(route.interface) ?? findInterface(listInterfaces(), route.interface);
  if (used === undefined) return NO_PATH;
  return Object.freeze({
    status: used.up && used.running ? "satisfied" : "unsatisfied",
    interface: used,
    sourceAddress: localAddress ?? route.source,
    gateway: route.gateway,
    mtuBytes: mtuOf(route.mtuBytes, used),
  });
}

function refuse(errno: number, address: string): Path {
  if (VERDICTS.has(errnoName(errno))) return NO_PATH;
  throw errnoError(errno, "route", { address });
}

function mtuOf(ofRoute: number | null, used: NetworkInterface): number {
  return ofRoute === null ? used.mtuBytes : Math.min(ofRoute, used.mtuBytes);
}

/** Whether an address belongs to this host and can be used. */
function isOwn(snapshot: PathSnapshot, address: string, flat: Uint8Array): boolean {
  const known = snapshot.interfaces
    .flatMap(({ addresses }) => addresses)
    .find((one) => one.address === address);
  if (known !== undefined) return known.state === "preferred" || known.state === "deprecated";
  // Any of a loopback network, for one, is in no list.
  const route = askRoute(flat, undefined, 0);
  return typeof route === "object" && route.local;
}

/** Null where its zone names no interface of this host. */
function flatOf(text: string): Uint8Array | null {
  const address: IpAddress | undefined = parseAddress(text);
  if (address === undefined) throw codeError("EINVAL", "route", { address: text });
  try {
    return toNativeAddress(unmapAddress(address), 0).bytes;
  } catch (error) {
    if (error instanceof HawserError && error.code === "ENODEV") return null;
    throw error;
  }
}
