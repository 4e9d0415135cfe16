// The arguments of net.Socket.connect as an endpoint. Not here: options beyond the address.

import { invalidArgType } from "../errors/index.ts";
import type { HostEndpoint, PathEndpoint } from "../net/types.ts";

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
