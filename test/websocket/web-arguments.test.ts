// What the WHATWG's classes take, and what they make of it.

import { expect, test } from "vitest";
import {
  clampToUnsignedShort,
  parseWebUrl,
  readClose,
  readData,
  readProtocols,
  requireUnsignedShort,
  toWellFormed,
} from "../../lib/websocket/web-arguments.ts";

const named = (name: string) => expect.objectContaining({ name });

test.each([
  ["http://example.com/a/../b", "ws://example.com/b"],
  ["HTTPS://Example.com", "wss://example.com/"],
  ["ws://example.com:80/", "ws://example.com/"],
  ["wss://[::1]:8443/x?y", "wss://[::1]:8443/x?y"],
])("%s is %s", (text, href) => {
  expect(parseWebUrl(text).href).toBe(href);
});

test.each(["", "/path", "ftp://a", "ws://a/#", "ws://a/#b", "mailto:a", "ws://a:99999/"])(
  "%j is a SyntaxError",
  (text) => {
    expect(() => parseWebUrl(text)).toThrow(named("SyntaxError"));
  },
);

test("subprotocols are distinct tokens, however they are given", () => {
  expect(readProtocols("chat")).toEqual(["chat"]);
  expect(readProtocols(["a", "b"])).toEqual(["a", "b"]);
  expect(readProtocols(new Set(["a"]))).toEqual(["a"]);
  expect(readProtocols([])).toEqual([]);
  for (const wrong of ["", "a b", "a,b", "é", ["a", "A"], ["a", "a"], [""]]) {
    expect(() => readProtocols(wrong)).toThrow(named("SyntaxError"));
  }
});

test("codes are 1000 and 3000 to 4999; a reason alone makes it 1000, nothing nothing", () => {
  for (const code of [1_000, 3_000, 4_999]) expect(readClose(code, "").code).toBe(code);
  for (const code of [0, 1_001, 1_005, 2_999, 5_000]) {
    expect(() => readClose(code, "")).toThrow(named("InvalidAccessError"));
  }
  expect(readClose(undefined, "")).toEqual({ code: undefined, reason: "" });
  expect(readClose(undefined, "why")).toEqual({ code: 1_000, reason: "why" });
  expect(readClose(3_000, "x".repeat(123)).reason.length).toBe(123);
  expect(() => readClose(3_000, "x".repeat(124))).toThrow(named("SyntaxError"));
  expect(() => readClose(3_000, "é".repeat(62))).toThrow(named("SyntaxError"));
});

test("bytes are views of the caller's, everything else is a string", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);
  expect(readData(bytes.subarray(1, 3))).toEqual(Buffer.of(2, 3));
  expect(readData(new DataView(bytes.buffer, 2))).toEqual(Buffer.of(3, 4));
  expect(readData(bytes.buffer)).toEqual(Buffer.of(1, 2, 3, 4));
  expect(readData(new SharedArrayBuffer(2))).toEqual(Buffer.alloc(2));
  expect(readData("a\ud800")).toBe("a\ufffd");
  expect(readData(12)).toBe("12");
  expect(readData(undefined)).toBe("undefined");
  expect(() => readData(Symbol("s"))).toThrow(TypeError);
});

test("numbers are clamped, or have to be in range", () => {
  expect([-1, 65_536, "12", Number.NaN, 1.6].map(clampToUnsignedShort)).toEqual([
    0, 65_535, 12, 0, 2,
  ]);
  expect([0, 65_535, "12", 1.6].map((one) => requireUnsignedShort(one, "code"))).toEqual([
    0, 65_535, 12, 1,
  ]);
  for (const wrong of [-1, 65_536, Number.NaN, "x", Number.NEGATIVE_INFINITY]) {
    expect(() => requireUnsignedShort(wrong, "code")).toThrow(/code/);
  }
});

test("lone surrogates become U+FFFD", () => {
  expect(toWellFormed("\udc00😀\ud83d")).toBe("\ufffd😀\ufffd");
});
