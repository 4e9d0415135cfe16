// Time-outs as arithmetic: when the next is due, and what.

import { describe, expect, test } from "vitest";
import { Deadlines, resolveTimeouts } from "../../../lib/websocket/protocol/deadlines.ts";

const NEVER = Number.POSITIVE_INFINITY;

test("without settings nothing is ever due, closing apart", () => {
  const deadlines = new Deadlines(resolveTimeouts(), 100);
  expect(deadlines.next(true)).toBe(NEVER);
  expect(deadlines.due(1e9, true)).toBe("none");
  deadlines.closing(200);
  deadlines.closing(900);
  expect(deadlines.next(true)).toBe(30_200);
  expect(deadlines.due(30_199, true)).toBe("none");
  expect(deadlines.due(30_200, true)).toBe("closeTimeout");
});

describe("B14 heartbeat", () => {
  const make = () =>
    new Deadlines(resolveTimeouts({ heartbeatInterval: 100, heartbeatTimeout: 30 }), 0);

  test("ping after the interval of silence, time-out after the ping", () => {
    const deadlines = make();
    expect(deadlines.due(99, true)).toBe("none");
    expect(deadlines.due(100, true)).toBe("ping");
    deadlines.pinged(105);
    expect(deadlines.next(true)).toBe(135);
    expect(deadlines.due(134, true)).toBe("none");
    expect(deadlines.due(135, true)).toBe("heartbeatTimeout");
  });

  test("anything heard starts over", () => {
    const deadlines = make();
    deadlines.pinged(100);
    deadlines.heard(129);
    expect(deadlines.next(true)).toBe(229);
    expect(deadlines.due(229, true)).toBe("ping");
  });

  test("silence proves nothing while nobody reads", () => {
    const deadlines = make();
    deadlines.pinged(100);
    expect(deadlines.next(false)).toBe(NEVER);
    expect(deadlines.due(1_000, false)).toBe("none");
  });
});

test("idle counts messages, and the gravest of several comes first", () => {
  const settings = resolveTimeouts({
    heartbeatInterval: 100,
    heartbeatTimeout: 50,
    idleTimeout: 120,
  });
  const deadlines = new Deadlines(settings, 0);
  expect(deadlines.due(110, true)).toBe("ping");
  deadlines.pinged(110);
  expect(deadlines.next(true)).toBe(120);
  expect(deadlines.due(120, true)).toBe("idleTimeout");
  expect(deadlines.due(160, true)).toBe("heartbeatTimeout");
  deadlines.message(150);
  deadlines.heard(150);
  expect(deadlines.next(true)).toBe(250);
  expect(deadlines.next(false)).toBe(270);
});

test("durations are checked", () => {
  expect(() => resolveTimeouts({ closeTimeout: -1 })).toThrow(RangeError);
  expect(() => resolveTimeouts({ idleTimeout: Number.POSITIVE_INFINITY })).toThrow(RangeError);
  expect(() => resolveTimeouts({ heartbeatInterval: "1" as unknown as number })).toThrow(TypeError);
  expect(() => resolveTimeouts(null as unknown as object)).toThrow(TypeError);
});
