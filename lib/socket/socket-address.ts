// The addresses that callers of sockets write: literal ones only. Not here: names and URLs
// (lib/net), what the kernel reports (address.ts).

import { type IpAddress, isZone, parseAddress } from "../core/address.ts";
import { MAX_UNIX_PATH_BYTES } from "../core/limits.ts";
import {
  type ErrorContext,
  invalidArgValue,
  outOfRange,
  rejectUnknownKeys,
  requireInteger,
  requireObject,
  requirePort,
  requireString,
} from "../errors/index.ts";
import {
  type AddressFamily,
  type NativeAddress,
  toNativeAddress,
  toNativePath,
} from "./address.ts";

/** An IPv4 or IPv6 address, literally: no name is looked up. */
export interface InternetAddress {
  /** Without brackets. A link-local IPv6 address has a zone (`fe80::1%eth0`) or a `scopeId`. */
  readonly address: string;
  /** 0 to 65535; `bind` takes 0 for any free one. */
  readonly port: number;
  /** Index of the interface, for link-local addresses (ipv6(7)); instead of a zone. */
  readonly scopeId?: number | undefined;
  /**
   * The address's own, which needs not be said; so that what `localAddress` and node:net give can
   * be passed on. With `"unix"` the address is a path, and the port 0.
   */
  readonly family?: AddressFamily | undefined;
}

/** A Unix socket's (unix(7)). */
export interface UnixAddress {
  /** At most 107 bytes, on macOS 103; `@NAME` is an abstract name (Linux). */
  readonly path: string;
}

/** An address that was checked, with its text for errors. */
export interface Destination {
  readonly native: NativeAddress;
  readonly place: ErrorContext;
}

const INTERNET_KEYS: ReadonlySet<string> = new Set(["address", "port", "scopeId", "family"]);
const UNIX_KEYS: ReadonlySet<string> = new Set(["path"]);
const MAX_SCOPE_ID = 0xffff_ffff;

/**
 * Checks an address.
 *
 * @param call whose argument it is, as in `bind()`
 * @throws TypeError or RangeError; HawserError ENODEV for a zone that is no interface of this host
 */
export function readDestination(value: unknown, call: string): Destination {
  const given = requireObject(value, "address");
  if (given["path"] !== undefined) {
    rejectUnknownKeys(given, UNIX_KEYS, call);
    const path = requirePath(given["path"], "address.path");
    return { native: path, place: { address: given["path"] as string } };
  }
  rejectUnknownKeys(given, INTERNET_KEYS, call);
  const { family } = given;
  if (family === "unix") {
    const path = requirePath(given["address"], "address.address");
    return { native: path, place: { address: given["address"] as string } };
  }
  const address = requireAddress(given["address"], given["scopeId"]);
  if (family !== undefined && family !== `IPv${address.family}`) {
    throw invalidArgValue("address.family", "must be that of the address", family);
  }
  const port = requirePort(given["port"], "address.port");
  const place = { address: given["address"] as string, port };
  return { native: toNativeAddress(address, port), place };
}

function requireAddress(value: unknown, scopeId: unknown): IpAddress {
  const text = requireString(value, "address.address");
  const address = parseAddress(text);
  if (address === undefined) {
    throw invalidArgValue("address.address", "must be an IPv4 or IPv6 address", text);
  }
  if (scopeId === undefined) return address;
  const scope = String(requireInteger(scopeId, "address.scopeId", 0, MAX_SCOPE_ID));
  if (address.family === 4 || address.zone !== undefined || !isZone(scope)) {
    throw invalidArgValue(
      "address.scopeId",
      "is for an IPv6 address without a zone",
      `${text}, ${scope}`,
    );
  }
  return { ...address, zone: scope };
}

function requirePath(value: unknown, name: string): NativeAddress {
  const path = requireString(value, name);
  if (path === "" || path.includes("\0")) {
    throw invalidArgValue(name, "must be neither empty nor contain a zero", path);
  }
  const isAbstract = path.startsWith("@");
  // The zero that makes a name abstract stands where the "@" does.
  const size = Buffer.byteLength(path) - (isAbstract ? 1 : 0);
  const { linux, darwin } = MAX_UNIX_PATH_BYTES;
  const most = process.platform === "darwin" ? darwin : linux;
  if (size > most) throw outOfRange(name, `at most ${most} bytes (sun_path)`, path);
  return toNativePath(isAbstract ? path.slice(1) : path, isAbstract);
}
