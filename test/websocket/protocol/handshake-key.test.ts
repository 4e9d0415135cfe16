// Sec-WebSocket-Key and Sec-WebSocket-Accept.

import { expect, test } from "vitest";
import { acceptFor, createKey, isKey } from "../../../lib/websocket/protocol/handshake-key.ts";

test("the example of RFC 6455 section 1.3", () => {
  expect(acceptFor("dGhlIHNhbXBsZSBub25jZQ==")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

test("a key is sixteen bytes in base64", () => {
  expect(isKey(createKey())).toBe(true);
  for (const bad of [
    "",
    "dGhlIHNhbXBsZSBub25jZQ",
    "dGhlIHNhbXBsZSBub25jZQ= ",
    "dGhlIHNhbXBsZSBub25jZXg=",
    "dGhlIHNhbXBsZSBub25jZ_==",
    " dGhlIHNhbXBsZSBub25jZ==",
  ]) {
    expect(isKey(bad), bad).toBe(false);
  }
});
