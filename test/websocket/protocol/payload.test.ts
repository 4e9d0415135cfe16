// The checks of what an application sends.

import { expect, test } from "vitest";
import { requirePayload, requireUint8Array } from "../../../lib/websocket/protocol/payload.ts";

const WRONG = expect.objectContaining({ name: "TypeError", code: "ERR_INVALID_ARG_TYPE" });

test("strings and Uint8Arrays pass, Buffers among them", () => {
  const bytes = new Uint8Array(2);
  expect(requirePayload("", "data")).toBe("");
  expect(requirePayload(bytes, "data")).toBe(bytes);
  expect(requireUint8Array(Buffer.from("x"), "data").length).toBe(1);
});

test.each([null, undefined, 5, {}, [1], new ArrayBuffer(1), new Uint16Array(1)])(
  "%j does not",
  (value) => {
    expect(() => requirePayload(value, "data")).toThrow(WRONG);
    expect(() => requireUint8Array(value, "data")).toThrow(WRONG);
  },
);

test("a string is no Uint8Array", () => {
  expect(() => requireUint8Array("x", "data")).toThrow(WRONG);
});
