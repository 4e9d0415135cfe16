// The wire between the service and its page: which requests may have it, and what the page may ask.
// Pure. Not here: the WebSocket itself (service.ts).

import { isIP } from "node:net";
import type { UpgradeRequest } from "../../index.ts";

export const MONITOR_PATH = "/monitor";

/** What the page may ask for. */
export type Command =
  | { readonly do: "silence"; readonly id: number; readonly on: boolean }
  | { readonly do: "close"; readonly id: number }
  | { readonly do: "client" };

/** Longer ones are no command. */
const MAX_COMMAND_LENGTH = 200;

/** Null for what is no command. */
export function readCommand(message: string | Buffer): Command | null {
  if (typeof message !== "string" || message.length > MAX_COMMAND_LENGTH) return null;
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(message);
  } catch {
    return null;
  }
  const { do: verb, id, on } = value ?? {};
  if (verb === "client") return { do: "client" };
  if (typeof id !== "number") return null;
  if (verb === "close") return { do: "close", id };
  return verb === "silence" && typeof on === "boolean" ? { do: "silence", id, on } : null;
}

/** What the query of a request calls its connection: `/?as=NAME`. */
export function labelOf(path: string): string {
  return /[?&]as=([a-z0-9-]{1,24})(?:&|$)/.exec(path)?.[1] ?? "";
}

/** Whether a request is for the wire of the page. */
export function isForMonitor(path: string): boolean {
  return path === MONITOR_PATH;
}

/**
 * Whether a page of this service asks. Any site can open a WebSocket to this machine (RFC 6455
 * section 10.2), and one that points its own name here even passes for ours: so the origin must be
 * where the request went, by an address or by a name that is known to be this machine's.
 */
export function isOurPage(
  { origin, headers }: Pick<UpgradeRequest, "origin" | "headers">,
  names: readonly string[],
): boolean {
  // Whoever sends none is no browser, and could send any.
  if (origin === undefined) return true;
  const url = parsed(origin);
  if (url === null || url.host !== parsed(`${url.protocol}//${headers.host}/`)?.host) return false;
  const name = url.hostname.replace(/^\[|\]$/g, "");
  return isIP(name) !== 0 || name === "localhost" || names.includes(name);
}

function parsed(url: string): URL | null {
  try {
    return new URL(url);
  } catch {
    return null;
  }
}
