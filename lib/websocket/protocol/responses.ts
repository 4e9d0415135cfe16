// HTTP responses that a WebSocket server writes (RFC 9112 section 4): the 101 and every refusal.
// Values in, bytes out.

import {
  invalidArgType,
  invalidArgValue,
  requireInteger,
  requireObject,
} from "../../errors/arguments.ts";
import { isToken } from "./header-values.ts";
import { requirePayload } from "./payload.ts";

/** Any answer but 101 (B44). */
export interface Refusal {
  /** 200 to 599. */
  readonly status: number;
  /** Default: the usual phrase, or none where the code is rare. */
  readonly statusText?: string;
  /** Values of several lines as arrays. Content-Length and Connection are set by themselves. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Default: none. */
  readonly body?: string | Uint8Array;
}

/** The reason phrases (RFC 9110 section 15) of what a WebSocket server is likely to answer. */
const PHRASES: ReadonlyMap<number, string> = new Map([
  [101, "Switching Protocols"],
  [200, "OK"],
  [204, "No Content"],
  [301, "Moved Permanently"],
  [302, "Found"],
  [303, "See Other"],
  [304, "Not Modified"],
  [307, "Temporary Redirect"],
  [308, "Permanent Redirect"],
  [400, "Bad Request"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [408, "Request Timeout"],
  [409, "Conflict"],
  [410, "Gone"],
  [413, "Content Too Large"],
  [414, "URI Too Long"],
  [421, "Misdirected Request"],
  [426, "Upgrade Required"],
  [429, "Too Many Requests"],
  [431, "Request Header Fields Too Large"],
  [500, "Internal Server Error"],
  [501, "Not Implemented"],
  [502, "Bad Gateway"],
  [503, "Service Unavailable"],
  [504, "Gateway Timeout"],
  [505, "HTTP Version Not Supported"],
  [511, "Network Authentication Required"],
]);

/** Field content (RFC 9110 section 5.5): visible characters, spaces, tabs, latin1. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Set by the writer: another value would contradict what is sent. */
const FRAMING_FIELDS = new Set(["content-length", "transfer-encoding"]);

/** Throws TypeError or RangeError (ERR_INVALID_ARG_*) for a name or value that cannot be sent. */
export function writeFields(headers: Readonly<Record<string, string | readonly string[]>>): string {
  requireObject(headers, "headers");
  let text = "";
  for (const [name, value] of Object.entries(headers)) {
    if (!isToken(name)) throw invalidArgValue("headers", "must have tokens as names", name);
    const lines = typeof value === "string" ? [value] : value;
    if (!Array.isArray(lines)) {
      throw invalidArgType(`headers.${name}`, "a string or an array of strings", value);
    }
    for (const line of lines) {
      if (typeof line !== "string") throw invalidArgType(`headers.${name}`, "a string", line);
      if (!VALUE.test(line)) {
        throw invalidArgValue(`headers.${name}`, "must have no control characters", line);
      }
      text += `${name}: ${line}\r\n`;
    }
  }
  return text;
}

/** Status line, fields and the empty line. */
export function responseHead(
  status: number,
  statusText: string | undefined,
  headers: Readonly<Record<string, string | readonly string[]>>,
): Buffer {
  const phrase = statusText ?? PHRASES.get(status) ?? "";
  if (!VALUE.test(phrase)) {
    throw invalidArgValue("statusText", "must have no control characters", phrase);
  }
  return Buffer.from(`HTTP/1.1 ${status} ${phrase}\r\n${writeFields(headers)}\r\n`, "latin1");
}

/** A whole refusal; `head` leaves the body out, as the answer to HEAD must. */
export function writeRefusal(refusal: Refusal, head: boolean): Buffer {
  requireObject(refusal, "refusal");
  const { status, statusText, headers = {}, body = "" } = refusal;
  requireInteger(status, "status", 200, 599);
  requirePayload(body, "body");
  const bytes = Buffer.from(body as Uint8Array);
  const fields: Record<string, string | readonly string[]> = {};
  let connection: string | readonly string[] = "close";
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase();
    if (key === "connection") connection = keepsClose(value);
    else if (!FRAMING_FIELDS.has(key)) fields[name] = value;
  }
  fields.Connection = connection;
  // RFC 9110 section 8.6: 204 has no Content-Length, 304 may leave it out.
  const bodiless = status === 204 || status === 304;
  if (!bodiless) fields["Content-Length"] = String(bytes.length);
  const start = responseHead(status, statusText, fields);
  return head || bodiless ? start : Buffer.concat([start, bytes]);
}

/** The connection ends after a refusal, whatever else its options are. */
function keepsClose(value: string | readonly string[]): string {
  const options = [value]
    .flat()
    .join(", ")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "" && !/^(?:close|keep-alive)$/i.test(each));
  return [...options, "close"].join(", ");
}
