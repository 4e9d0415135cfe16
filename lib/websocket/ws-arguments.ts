// What the `ws` package takes, judged and converted as it does: URLs, subprotocols, fields, data,
// codes. Not here: the classes (ws-socket.ts, ws-server.ts), its options (ws-options.ts).

import { encodeClosePayload } from "./protocol/index.ts";
import { isToken } from "./protocol/header-values.ts";
import { MAX_CONTROL_PAYLOAD_BYTES } from "./protocol/limits.ts";

export type WsData =
  | string
  | number
  | Buffer
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | readonly Buffer[]
  | readonly number[];

/** Values of an HTTP head, as node:http takes them. */
export type WsHeaders = Readonly<Record<string, string | number | readonly string[]>>;

const EMPTY = Buffer.alloc(0);
/** What the handshake sets itself, whatever a request that was copied says. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  ...["connection", "upgrade", "sec-websocket-key"],
  ...["sec-websocket-version", "sec-websocket-extensions"],
]);
const SECRET_FIELDS: ReadonlySet<string> = new Set(["authorization", "cookie", "host"]);

/** What is sent of data that is there; a Blob is read first. @throws TypeError */
export function payloadOf(data: Exclude<WsData, Blob>): string | Uint8Array {
  if (typeof data === "string") return data;
  if (typeof data === "number") return String(data);
  if (data === undefined || data === null) return EMPTY;
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const isList = Array.isArray(data) && data.length > 0;
  if (isList && data.every((one) => one instanceof Uint8Array)) return Buffer.concat(data);
  return Buffer.from(data as never);
}

/** @throws RangeError above what a control frame holds (RFC 6455 section 5.5) */
export function controlPayloadOf(data: Exclude<WsData, Blob>): string | Uint8Array {
  const payload = payloadOf(data);
  if (Buffer.byteLength(payload) <= MAX_CONTROL_PAYLOAD_BYTES) return payload;
  throw new RangeError("The data size must not be greater than 125 bytes");
}

/**
 * The reason that goes with a code; none goes without.
 *
 * @throws TypeError for a code that may not be sent, RangeError for a reason that is too long
 */
export function reasonOf(code: number | undefined, reason: string | Buffer | undefined): string {
  if (code === undefined) return "";
  try {
    encodeClosePayload(code, "");
  } catch {
    throw new TypeError("First argument must be a valid error code number");
  }
  const text = reason === undefined ? "" : String(reason);
  if (Buffer.byteLength(text) <= MAX_CONTROL_PAYLOAD_BYTES - 2) return text;
  throw new RangeError("The message must not be greater than 123 bytes");
}

/** @throws SyntaxError for what is no URL of a WebSocket */
export function checkUrl(text: string): URL {
  if (text.startsWith("ws+unix:")) return { href: text, protocol: "ws+unix:", host: text } as URL;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new SyntaxError(`Invalid URL: ${text}`);
  }
  if (url.protocol === "http:" || url.protocol === "https:") {
    url = new URL(url.href.replace(/^http/, "ws"));
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new SyntaxError(
      'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"',
    );
  }
  if (url.hash !== "") throw new SyntaxError("The URL contains a fragment identifier");
  // An empty fragment is none.
  url.hash = "";
  return url;
}

/** @throws SyntaxError where they are no distinct tokens */
export function checkProtocols(protocols: readonly unknown[]): void {
  const areTokens = protocols.every((one) => typeof one === "string" && isToken(one));
  if (areTokens && new Set(protocols).size === protocols.length) return;
  throw new SyntaxError("An invalid or duplicated subprotocol was specified");
}

/** The fields of a request as they can be sent: those of the handshake are its own. */
export function fieldsOf(headers: WsHeaders = {}): Record<string, string | readonly string[]> {
  const fields: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (OWN_FIELDS.has(name.toLowerCase())) continue;
    fields[name] = typeof value === "number" ? String(value) : value;
  }
  return fields;
}

/** The fields that may go to another host. */
export function withoutSecrets(headers: WsHeaders = {}): WsHeaders {
  const kept = Object.entries(headers).filter(([name]) => !SECRET_FIELDS.has(name.toLowerCase()));
  return Object.fromEntries(kept);
}

export function pickDefined(
  options: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): Record<string, unknown> {
  const known = keys.filter((key) => options[key] !== undefined);
  return Object.fromEntries(known.map((key) => [key, options[key]]));
}
