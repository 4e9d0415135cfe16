// The arguments of net.Socket.connect as an endpoint and options. Not here: what is done with them.

import { invalidArgType } from "../errors/index.ts";
import type { ConnectOptions, HostEndpoint, PathEndpoint } from "../net/types.ts";

const LOCALHOST = "localhost";

/**
 * Reads `(port, host?)`, `(path)`, `({ port, host })` or `({ path })`, each with or without a
 * function behind it, as node:net does.
 *
 * @throws TypeError for anything else
 */
export function endpointOf(args: readonly unknown[]): HostEndpoint | PathEndpoint {
  const [first, second] = args;
  if (typeof first === "object" && first !== null) {
    const { port, host, path } = first as { port?: unknown; host?: unknown; path?: unknown };
    return typeof path === "string" ? { path } : hostEndpoint(port, host);
  }
  if (typeof first === "string" && !isPort(first)) return { path: first };
  return hostEndpoint(first, typeof second === "function" ? undefined : second);
}

function isPort(text: string): boolean {
  return /^\d+$/.test(text);
}

function hostEndpoint(port: unknown, host: unknown): HostEndpoint {
  if (typeof port !== "number" && !(typeof port === "string" && isPort(port))) {
    throw invalidArgType("port", "a port number or a path", port);
  }
  if (host !== undefined && host !== null && typeof host !== "string") {
    throw invalidArgType("host", "a string", host);
  }
  return { host: host ? host : LOCALHOST, port: Number(port) };
}

/** The names that mean the same to node:net and here. */
const SHARED = ["localAddress", "localPort", "lookup"] as const;
const FAMILIES: Readonly<Record<string, number>> = { IPv4: 4, IPv6: 6 };

/** What an object of node:net's says beside the endpoint, in the options of `connect`. */
export function connectOptionsOf(given: unknown): ConnectOptions {
  const options: Record<string, unknown> = {};
  if (typeof given !== "object" || given === null) return options;
  const asked = given as Readonly<Record<string, unknown>>;
  for (const name of SHARED) {
    if (asked[name] !== undefined && asked[name] !== null) options[name] = asked[name];
  }
  const { family } = asked;
  if (family !== undefined && family !== null) options["family"] = FAMILIES[`${family}`] ?? family;
  return options;
}
