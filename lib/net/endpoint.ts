// Endpoints: what connect and listen take, made into one plain record.
// Not here: hosts (host.ts), addresses (address.ts), resolving, and anything that opens a socket.

import type { IpAddress } from "../core/address.ts";
import { MAX_ENDPOINT_LENGTH, MAX_UNIX_PATH_BYTES } from "../core/limits.ts";
import {
  invalidArgType,
  invalidArgValue,
  outOfRange,
  rejectUnknownKeys,
  requireInteger,
  requireOneOf,
  requirePort,
  requireString,
  unknownName,
} from "../errors/index.ts";
import { type EndpointUse, type Host, parseHost } from "./host.ts";

export type { EndpointUse } from "./host.ts";

export type Scheme = "tcp" | "tls" | "udp" | "unix" | "ws" | "wss" | "ws+unix";

/** An endpoint in its normal form. Frozen; what does not apply is undefined. */
export interface Endpoint {
  readonly scheme: Scheme;
  /** What carries it: wss over TCP is `tcp`, ws+unix is `unix`. */
  readonly transport: "tcp" | "udp" | "unix";
  readonly tls: boolean;
  readonly websocket: boolean;
  readonly kind: "ipv4" | "ipv6" | "name" | "any" | "path" | "abstract" | "descriptor";
  /** Canonical host without brackets and zone; `::` for any; undefined for a Unix socket. */
  readonly host: string | undefined;
  /** Interface name or index of an IPv6 address. */
  readonly zone: string | undefined;
  /** The literal address; undefined for a name. */
  readonly address: IpAddress | undefined;
  readonly port: number | undefined;
  /** Of a Unix socket: its path, or its abstract name without the `@`. */
  readonly path: string | undefined;
  /** A descriptor that listens, of whatever family: `transport` does not count then. */
  readonly fd: number | undefined;
  /** WebSocket: path and query of the request, as on its first line. */
  readonly target: string | undefined;
  /** WebSocket: `user:password` of the URL, decoded, for basic authentication. */
  readonly auth: string | undefined;
}

const SCHEMES: readonly Scheme[] = ["tcp", "tls", "udp", "unix", "ws", "wss", "ws+unix"];
const TAKES =
  "must be tcp:, tls: or udp://HOST:PORT, unix:PATH, ws: or wss://HOST, ws+unix:PATH:TARGET, " +
  "or an object { host, port } or { path }";
// The WHATWG's parser drops white space before ws: URLs; it is not meant anywhere else.
const SCHEME = /^(?:\s*(?=wss?:))?([a-z][a-z0-9+.-]*):/i;
const AUTHORITY = /^(\[[^\]]*\]|[^[\]:]*):([0-9]{1,5})$/;
const MAX_PORT = 65_535;
const DEFAULT_PORT = { ws: 80, wss: 443 } as const;

const MAX_DESCRIPTOR = 0x7fff_ffff;

const OBJECT_KEYS = new Set(["host", "port", "path", "fd", "transport"]);
const OTHER_KEYS = { hostname: "host", socketPath: "path", address: "host" };

/**
 * Reads an endpoint: a string, a `URL`, `{ host, port, transport? }`, `{ path, transport? }` or, to
 * listen, `{ fd, transport? }`.
 *
 * A malformed one is a TypeError (ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE) that names the part
 * and what it takes; a number out of range in an object is a RangeError (ERR_OUT_OF_RANGE).
 *
 * @param use connecting needs a host and a port other than 0
 * @param name what to call it in an error
 */
export function parseEndpoint(input: unknown, use: EndpointUse, name = "endpoint"): Endpoint {
  if (typeof input === "string") return parseText(input, use, name, false);
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw invalidArgType(name, "a string, a URL, or an object { host, port } or { path }", input);
  }
  const object = input as Record<string, unknown>;
  // A URL by its shape, since one may come from another realm.
  const { href, protocol } = object;
  const isUrl = typeof href === "string" && typeof protocol === "string";
  return isUrl ? parseText(href, use, name, true) : parseObject(object, use, name);
}

// ------------------------------------------------------------------------------------------ text

function parseText(text: string, use: EndpointUse, name: string, encoded: boolean): Endpoint {
  if (text.length > MAX_ENDPOINT_LENGTH) {
    throw invalidArgValue(name, `must be at most ${MAX_ENDPOINT_LENGTH} characters long`, text);
  }
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  switch (scheme) {
    case "tcp":
    case "tls":
    case "udp":
      return parseHostPort(text, scheme, use, name, encoded);
    case "unix":
      return parseUnix(text, name, encoded);
    case "ws":
    case "wss":
      return parseWebSocket(text, scheme, use, name);
    case "ws+unix":
      return parseWebSocketUnix(text, name, encoded);
    case "http":
    case "https":
      throw invalidArgValue(name, "must have the scheme ws: or wss: for a WebSocket", text);
    default:
      throw unknownScheme(text, scheme, name);
  }
}

function unknownScheme(text: string, scheme: string | undefined, name: string): TypeError {
  // HOST:PORT and HOST alone look like a scheme or like none; what is missing is the scheme.
  const rest = scheme === undefined ? "" : text.slice(text.indexOf(":") + 1);
  if (scheme === undefined || !rest.startsWith("//")) return invalidArgValue(name, TAKES, text);
  return unknownName(
    `${scheme}:`,
    SCHEMES.map((known) => `${known}:`),
    `scheme of "${name}"`,
  );
}

function parseHostPort(
  text: string,
  scheme: "tcp" | "tls" | "udp",
  use: EndpointUse,
  name: string,
  encoded: boolean,
): Endpoint {
  const prefix = `${scheme}://`;
  const authority = text.slice(prefix.length);
  if (text.slice(0, prefix.length).toLowerCase() !== prefix) {
    throw invalidArgValue(name, `must be ${prefix}HOST:PORT`, text);
  }
  if (/[/?#@\\]/.test(authority)) {
    const why = `must be ${prefix}HOST:PORT, without path, query, fragment or user info`;
    throw invalidArgValue(name, why, text);
  }
  const [, host, digits] = AUTHORITY.exec(authority) ?? [];
  if (host === undefined || digits === undefined) {
    const bracketed = authority.split(":").length > 2 && !authority.startsWith("[");
    const why = bracketed
      ? `must be ${prefix}[ADDRESS]:PORT, with IPv6 addresses in brackets`
      : `must be ${prefix}HOST:PORT, with a port from 0 to 65535`;
    throw invalidArgValue(name, why, text);
  }
  const port = Number(digits);
  if (port > MAX_PORT) throw invalidArgValue(name, "must have a port from 0 to 65535", text);
  if (port === 0 && use === "connect") {
    throw invalidArgValue(name, "must have a port from 1 to 65535 to connect to", text);
  }
  const plain = encoded ? decode(host, name, text) : host;
  return hostEndpoint(scheme, parseHost(plain, use, `host of ${name}`), port);
}

function parseUnix(text: string, name: string, encoded: boolean): Endpoint {
  if (encoded && /[?#]/.test(text)) {
    throw invalidArgValue(name, "must be unix:PATH, without query and fragment", text);
  }
  const rest = text.slice("unix:".length);
  return pathEndpoint("unix", stripSlashes(encoded ? decode(rest, name, text) : rest, name), name);
}

// `unix:///abs` is a URL with an empty host; `unix://name` has a host, which a path is not.
function stripSlashes(rest: string, name: string): string {
  if (!rest.startsWith("//")) return rest;
  if (!rest.startsWith("///")) {
    throw invalidArgValue(name, "must be unix:PATH or unix:///PATH, without a host", rest);
  }
  return rest.slice(2);
}

function parseWebSocketUnix(text: string, name: string, encoded: boolean): Endpoint {
  const rest = stripSlashes(text.slice("ws+unix:".length), name);
  const colon = rest.indexOf(":");
  const path = colon === -1 ? rest : rest.slice(0, colon);
  const target = colon === -1 ? "/" : rest.slice(colon + 1);
  if (!target.startsWith("/")) {
    throw invalidArgValue(
      name,
      "must be ws+unix:PATH:TARGET with a TARGET that begins with /",
      text,
    );
  }
  const url = parseUrl(`ws://localhost${target}`, name, text);
  const plain = encoded ? decode(path, name, text) : path;
  return pathEndpoint("ws+unix", plain, name, url.pathname + url.search);
}

// A zone is no part of the WHATWG's URL syntax: it is taken out before and put back after.
const ZONED = /^(\s*wss?:[/\\]*(?:[^@/?#\\]*@)?\[[0-9a-f:.]+)(%[^\]/?#]*)\]/i;
const HOSTLESS = /^(\s*wss?:\/\/)(?=:[0-9])/i;

function parseWebSocket(
  text: string,
  scheme: "ws" | "wss",
  use: EndpointUse,
  name: string,
): Endpoint {
  const zone = ZONED.exec(text)?.[2] ?? "";
  const zoneless = zone === "" ? text : text.replace(ZONED, "$1]");
  const hosted = use === "listen" ? zoneless.replace(HOSTLESS, "$1*") : zoneless;
  const url = parseUrl(hosted, name, text);
  const auth = url.username === "" && url.password === "" ? undefined : basicAuth(url, name, text);
  if (use === "listen" && (auth !== undefined || url.search !== "")) {
    throw invalidArgValue(name, "must have no query and no user info to listen on", text);
  }
  const port = url.port === "" ? DEFAULT_PORT[scheme] : Number(url.port);
  if (port === 0 && use === "connect") {
    throw invalidArgValue(name, "must have a port from 1 to 65535 to connect to", text);
  }
  const inner = url.hostname.replace(/\]$/, `${zone}]`);
  const host = parseHost(inner, use, `host of ${name}`);
  return hostEndpoint(scheme, host, port, url.pathname + url.search, auth);
}

function parseUrl(text: string, name: string, whole: string): URL {
  if (!URL.canParse(text)) throw invalidArgValue(name, "must be a valid URL", whole);
  const url = new URL(text);
  // WebSockets Standard, "get a URL record": a fragment, even an empty one, is a mistake.
  if (url.href.includes("#")) throw invalidArgValue(name, "must have no fragment", whole);
  return url;
}

function basicAuth(url: URL, name: string, text: string): string {
  return `${decode(url.username, name, text)}:${decode(url.password, name, text)}`;
}

function decode(part: string, name: string, text: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalidArgValue(name, "must have valid percent-encoding", text);
  }
}

// --------------------------------------------------------------------------------------- objects

function parseObject(input: Record<string, unknown>, use: EndpointUse, name: string): Endpoint {
  const { path, transport } = input;
  rejectUnknownKeys(input, OBJECT_KEYS, name, OTHER_KEYS);
  if (input.fd !== undefined) return parseDescriptor(input, use, name);
  if (path === undefined) {
    const host = parseHost(requireString(input.host, `${name}.host`), use, `${name}.host`);
    const port = requirePort(input.port, `${name}.port`);
    if (port === 0 && use === "connect") {
      throw outOfRange(`${name}.port`, "a port number from 1 to 65535 to connect to", port);
    }
    const scheme = requireOneOf(transport ?? "tcp", `${name}.transport`, ["tcp", "tls", "udp"]);
    return hostEndpoint(scheme, host, port);
  }
  if (input.host !== undefined || input.port !== undefined) {
    throw invalidArgValue(name, "must have either host and port or path, not both", input);
  }
  requireOneOf(transport ?? "unix", `${name}.transport`, ["unix"]);
  const text = requireString(path, `${name}.path`);
  if (Buffer.byteLength(text) > longestPath()) throw outOfRange(`${name}.path`, pathTakes(), text);
  return pathEndpoint("unix", text, `${name}.path`);
}

function parseDescriptor(input: Record<string, unknown>, use: EndpointUse, name: string): Endpoint {
  if (use === "connect") {
    const why = "must have no fd to connect to; a connected one is for StreamSocket.adopt(fd)";
    throw invalidArgValue(name, why, input);
  }
  const { fd, host, port, path, transport } = input;
  if (host !== undefined || port !== undefined || path !== undefined) {
    throw invalidArgValue(name, "must have fd alone, without host, port and path", input);
  }
  const chosen = requireOneOf(transport ?? "tcp", `${name}.transport`, ["tcp", "tls", "ws", "wss"]);
  return Object.freeze({
    scheme: chosen,
    transport: "tcp",
    tls: chosen === "tls" || chosen === "wss",
    websocket: chosen === "ws" || chosen === "wss",
    kind: "descriptor",
    host: undefined,
    zone: undefined,
    address: undefined,
    port: undefined,
    path: undefined,
    fd: requireInteger(fd, `${name}.fd`, 0, MAX_DESCRIPTOR),
    target: undefined,
    auth: undefined,
  });
}

// --------------------------------------------------------------------------------------- records

function hostEndpoint(
  scheme: "tcp" | "tls" | "udp" | "ws" | "wss",
  { kind, host, zone, address }: Host,
  port: number,
  target?: string,
  auth?: string,
): Endpoint {
  return Object.freeze({
    scheme,
    transport: scheme === "udp" ? "udp" : "tcp",
    tls: scheme === "tls" || scheme === "wss",
    websocket: scheme === "ws" || scheme === "wss",
    kind,
    host,
    zone,
    address,
    port,
    path: undefined,
    fd: undefined,
    target,
    auth,
  });
}

function pathEndpoint(
  scheme: "unix" | "ws+unix",
  text: string,
  name: string,
  target?: string,
): Endpoint {
  const abstract = text.startsWith("@");
  const path = abstract ? text.slice(1) : text;
  if (path === "") throw invalidArgValue(name, "must have a path", text);
  if (path.includes("\0")) throw invalidArgValue(name, "must have a path without null bytes", text);
  if (Buffer.byteLength(text) > longestPath()) {
    throw invalidArgValue(name, `must have a path of ${pathTakes()}`, text);
  }
  return Object.freeze({
    scheme,
    transport: "unix",
    tls: false,
    websocket: scheme === "ws+unix",
    kind: abstract ? "abstract" : "path",
    host: undefined,
    zone: undefined,
    address: undefined,
    port: undefined,
    path,
    fd: undefined,
    target,
    auth: undefined,
  });
}

function longestPath(): number {
  return process.platform === "darwin" ? MAX_UNIX_PATH_BYTES.darwin : MAX_UNIX_PATH_BYTES.linux;
}

function pathTakes(): string {
  return `at most ${longestPath()} bytes (sun_path)`;
}

// ------------------------------------------------------------------------------------ formatting

/** Host and port as a URL has them, a zone as `%eth0`; of a Unix socket its path or `@name`. */
export function formatAuthority(endpoint: Endpoint): string {
  const { kind, host, zone, port, path = "" } = endpoint;
  if (host === undefined) return kind === "abstract" ? `@${path}` : path;
  const scoped = zone === undefined ? host : `${host}%${zone}`;
  return `${scoped.includes(":") ? `[${scoped}]` : scoped}:${port}`;
}

/** The `Host` header of a WebSocket's request: no zone (RFC 6874 section 4), no default port. */
export function formatHostHeader(endpoint: Endpoint): string {
  const { host, port, tls } = endpoint;
  if (host === undefined || port === undefined) return "localhost";
  const text = host.includes(":") ? `[${host}]` : host;
  return port === (tls ? DEFAULT_PORT.wss : DEFAULT_PORT.ws) ? text : `${text}:${port}`;
}

/** The endpoint as text that `parseEndpoint` reads as the same endpoint, user info left out. */
export function formatEndpoint(endpoint: Endpoint): string {
  const { scheme, target = "" } = endpoint;
  if (scheme === "ws+unix") return `ws+unix:${formatPath(endpoint)}:${target}`;
  if (scheme === "unix") return `unix:${formatPath(endpoint)}`;
  return `${scheme}://${formatAuthority(endpoint)}${target}`;
}

// Two slashes in front would be read as those of `unix:///abs`.
function formatPath(endpoint: Endpoint): string {
  const path = formatAuthority(endpoint);
  return path.startsWith("//") ? `//${path}` : path;
}
