// B46: every default bound is finite, and what a caller gives is checked.

import { expect, test } from "vitest";
import { limits, resolveLimits } from "../../../lib/websocket/protocol/index.ts";

test("B46 every bound and every default is finite and positive", () => {
  const numbers = Object.values(limits).filter((value) => typeof value === "number");
  expect(numbers.length).toBeGreaterThan(20);
  for (const value of [...numbers, ...Object.values(limits.DEFAULT_LIMITS)]) {
    expect(Number.isSafeInteger(value) && value > 0).toBe(true);
  }
});

test("what is given overrides, undefined does not, Infinity is a choice", () => {
  expect(resolveLimits({ maxFragments: 5 })).toEqual({ ...limits.DEFAULT_LIMITS, maxFragments: 5 });
  expect(resolveLimits({ maxFragments: undefined } as unknown as object)).toEqual(
    limits.DEFAULT_LIMITS,
  );
  expect(resolveLimits({ maxMessageBytes: Number.POSITIVE_INFINITY }).maxMessageBytes).toBe(
    Number.POSITIVE_INFINITY,
  );
});

test.each([0, -1, 1.5, Number.NaN])("%d is no bound", (value) => {
  expect(() => resolveLimits({ maxMessageBytes: value })).toThrow(RangeError);
});

test("wrong types throw", () => {
  expect(() => resolveLimits({ maxMessageBytes: "5" as unknown as number })).toThrow(TypeError);
  expect(() => resolveLimits(null as unknown as object)).toThrow(TypeError);
});
