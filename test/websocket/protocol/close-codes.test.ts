// B47: which close codes may go on the wire, and the payload of a Close.

import { expect, test } from "vitest";
import {
  closeCodes,
  encodeClosePayload,
  isWireCloseCode,
} from "../../../lib/websocket/protocol/index.ts";

test("B47 every code of sixteen bits", () => {
  const allowed: number[] = [];
  for (let code = 0; code <= 0xffff; code++) if (isWireCloseCode(code)) allowed.push(code);
  const registered = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
  const open = Array.from({ length: 2_000 }, (_, at) => 3_000 + at);
  expect(allowed).toEqual([...registered, ...open]);
});

test("B47 the codes that only a library sees are named and not sendable", () => {
  for (const code of [
    closeCodes.CLOSE_NO_STATUS,
    closeCodes.CLOSE_ABNORMAL,
    closeCodes.CLOSE_TLS_HANDSHAKE,
  ]) {
    expect(() => encodeClosePayload(code, "")).toThrow(RangeError);
  }
});

test("code in network order, reason in UTF-8, 123 bytes at most", () => {
  expect(encodeClosePayload(1000, "").toString("hex")).toBe("03e8");
  expect(encodeClosePayload(4999, "é").toString("hex")).toBe("1387c3a9");
  expect(encodeClosePayload(undefined, "").length).toBe(0);
  expect(encodeClosePayload(1000, `${"é".repeat(61)}x`).length).toBe(125);
  expect(() => encodeClosePayload(1000, "é".repeat(62))).toThrow(RangeError);
  expect(() => encodeClosePayload(undefined, "x")).toThrow(TypeError);
  expect(() => encodeClosePayload("1000" as unknown as number, "")).toThrow(TypeError);
  expect(() => encodeClosePayload(1000, null as unknown as string)).toThrow(TypeError);
});
