// The timer behind socket.setTimeout, with the clock of the test runner.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { InactivityTimer } from "../../lib/adapters/inactivity-timer.ts";

describe("InactivityTimer", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function make() {
    const seen = { moved: 0, passed: 0 };
    const timer = new InactivityTimer(
      () => seen.moved,
      () => seen.passed++,
    );
    return { seen, timer };
  }

  it("passes once, and again only after a move", () => {
    const { seen, timer } = make();
    timer.set(100);
    vi.advanceTimersByTime(350);
    expect(seen.passed).toBe(1);
    timer.touch();
    vi.advanceTimersByTime(99);
    expect(seen.passed).toBe(1);
    vi.advanceTimersByTime(1);
    expect(seen.passed).toBe(2);
  });

  it("a touch puts it off by the whole duration", () => {
    const { seen, timer } = make();
    timer.set(100);
    vi.advanceTimersByTime(90);
    seen.moved++;
    timer.touch();
    vi.advanceTimersByTime(99);
    expect(seen.passed).toBe(0);
    vi.advanceTimersByTime(1);
    expect(seen.passed).toBe(1);
  });

  it("bytes that moved without a touch count", () => {
    const { seen, timer } = make();
    timer.set(100);
    vi.advanceTimersByTime(50);
    seen.moved = 4_096;
    vi.advanceTimersByTime(149);
    expect(seen.passed).toBe(0);
    vi.advanceTimersByTime(1);
    expect(seen.passed).toBe(1);
  });

  it("0 and stop() turn it off; set() starts anew", () => {
    const { seen, timer } = make();
    timer.set(100);
    timer.set(0);
    timer.touch();
    vi.advanceTimersByTime(1_000);
    timer.set(100);
    expect(timer.ms).toBe(100);
    timer.stop();
    timer.touch();
    vi.advanceTimersByTime(1_000);
    expect(seen.passed).toBe(0);
  });

  it("refuses what is no duration", () => {
    const { timer } = make();
    expect(() => timer.set(-1)).toThrow(RangeError);
    expect(() => timer.set("1" as never)).toThrow(TypeError);
  });
});
