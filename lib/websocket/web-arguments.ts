// What the WHATWG's classes take (https://websockets.spec.whatwg.org/): URLs, subprotocols, codes,
// reasons and data, judged and converted as that standard and Web IDL say.
// Not here: the classes (websocket.ts, websocket-stream.ts), options of this library (options.ts).

import { isToken } from "./protocol/header-values.ts";

const MAX_REASON_BYTES = 123;
const HTTP_SCHEME = /^(https?):$/;

/** @throws DOMException "SyntaxError" for what is none, or has a fragment or another scheme */
export function parseWebUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new DOMException(`The URL is invalid: ${text}`, "SyntaxError");
  }
  const scheme = HTTP_SCHEME.exec(url.protocol)?.[1];
  if (scheme !== undefined) {
    url = new URL(url.href.replace(/^http/, "ws"));
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new DOMException(`The scheme must be ws or wss: ${text}`, "SyntaxError");
  }
  if (url.href.includes("#")) {
    throw new DOMException(`The URL must have no fragment: ${text}`, "SyntaxError");
  }
  return url;
}

/**
 * @throws DOMException "SyntaxError" where they are no distinct tokens; TypeError for options,
 *   which come after them
 */
export function readProtocols(protocols: string | Iterable<string>): readonly string[] {
  const isList = typeof protocols === "object" && protocols !== null;
  if (isList && typeof protocols[Symbol.iterator] !== "function") {
    throw new TypeError("Subprotocols must be a string or a sequence; options come after them");
  }
  const list = isList ? Array.from(protocols, (one) => `${one}`) : [`${protocols}`];
  const isUnique = new Set(list.map((one) => one.toLowerCase())).size === list.length;
  if (isUnique && list.every(isToken)) return list;
  throw new DOMException("The subprotocols must be distinct tokens", "SyntaxError");
}

/**
 * A code and a reason for a Close; a reason without a code goes with 1000.
 *
 * @throws DOMException "InvalidAccessError" for a code that is neither 1000 nor 3000 to 4999,
 *   "SyntaxError" for a reason of more than 123 bytes of UTF-8
 */
export function readClose(
  code: number | undefined,
  reason: string,
): { readonly code: number | undefined; readonly reason: string } {
  if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
    throw new DOMException("The code must be 1000 or 3000 to 4999", "InvalidAccessError");
  }
  if (Buffer.byteLength(reason) > MAX_REASON_BYTES) {
    throw new DOMException("The reason must be at most 123 bytes long", "SyntaxError");
  }
  return { code: code ?? (reason === "" ? undefined : 1000), reason };
}

/** What can be sent: bytes as a view of the caller's, the rest as a string. */
export function readData(data: unknown): Buffer | string {
  if (ArrayBuffer.isView(data)) {
    return Buffer.from(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  }
  return isBuffer(data) ? Buffer.from(data) : toWellFormed(`${data}`);
}

function isBuffer(data: unknown): data is ArrayBuffer {
  return (
    data instanceof ArrayBuffer ||
    (typeof SharedArrayBuffer !== "undefined" && data instanceof SharedArrayBuffer)
  );
}

/** Lone surrogates become U+FFFD, as in every USVString. */
export function toWellFormed(text: string): string {
  return (text as string & { toWellFormed(): string }).toWellFormed();
}

/** Web IDL, [Clamp] unsigned short. */
export function clampToUnsignedShort(value: unknown): number {
  const number = Number(value);
  if (Number.isNaN(number)) return 0;
  return Math.min(65_535, Math.max(0, Math.round(number)));
}

/** Web IDL, [EnforceRange] unsigned short. @throws TypeError */
export function requireUnsignedShort(value: unknown, name: string): number {
  const number = Math.trunc(Number(value));
  if (number >= 0 && number <= 65_535) return number;
  throw new TypeError(`${name} must be a number from 0 to 65535`);
}

/** Web IDL tells what is missing from what is undefined. @throws TypeError */
export function requireArguments(call: string, given: number): void {
  if (given === 0) throw new TypeError(`${call} needs an argument, and none was given`);
}

/** Web IDL, section 3.7: the members of an interface can be enumerated. */
export function showMembers(prototype: object): void {
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (name !== "constructor") Object.defineProperty(prototype, name, { enumerable: true });
  }
}
