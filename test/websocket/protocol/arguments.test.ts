// Node's error classes and codes for a caller's wrong arguments.

import { expect, test } from "vitest";
import * as check from "../../../lib/websocket/protocol/arguments.ts";

const TYPE = expect.objectContaining({ name: "TypeError", code: "ERR_INVALID_ARG_TYPE" });
const VALUE = expect.objectContaining({ name: "RangeError", code: "ERR_INVALID_ARG_VALUE" });

test("wrong types are TypeErrors that name the argument", () => {
  expect(() => check.checkInteger("count", "5", 0)).toThrow(TYPE);
  expect(() => check.checkDuration("wait", null)).toThrow(TYPE);
  expect(() => check.checkObject("options", null)).toThrow(TYPE);
  expect(() => check.checkBoolean("lend", 1)).toThrow(TYPE);
  expect(() => check.checkString("host", 1)).toThrow(TYPE);
  expect(() => check.checkPayload("data", new ArrayBuffer(1))).toThrow(TYPE);
  expect(() => check.checkObject("options", null)).toThrow(
    '"options" argument must be an object. Received null',
  );
});

test("wrong values are RangeErrors", () => {
  for (const value of [-1, 11, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => check.checkInteger("count", value, 0, 10)).toThrow(VALUE);
  }
  for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => check.checkDuration("wait", value)).toThrow(VALUE);
  }
});

test("right ones pass", () => {
  expect(() => {
    check.checkInteger("count", 0, 0);
    check.checkInteger("count", 10, 0, 10);
    check.checkDuration("wait", 0.5);
    check.checkPayload("data", "");
    check.checkPayload("data", new Uint8Array(1));
  }).not.toThrow();
});

test("a state error is Node's ERR_INVALID_STATE", () => {
  expect(check.stateError("later")).toMatchObject({
    name: "TypeError",
    code: "ERR_INVALID_STATE",
    message: "later",
  });
});
