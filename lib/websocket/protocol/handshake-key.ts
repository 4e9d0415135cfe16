// Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455 sections 4.1 and 4.2.2). Nothing else.

import { nodeCrypto } from "../../core/builtins.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Sixteen bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;

export function createKey(): string {
  return nodeCrypto().randomBytes(16).toString("base64");
}

export function isKey(text: string): boolean {
  return KEY.test(text);
}

export function acceptFor(key: string): string {
  return nodeCrypto()
    .createHash("sha1")
    .update(key + GUID)
    .digest("base64");
}
