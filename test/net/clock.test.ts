// The timer behind every deadline of this environment.
import { afterEach, expect, test, vi } from "vitest";
import { Deadline } from "../../lib/core/deadlines.ts";
import {
  clearDeadline,
  type DeadlineOwner,
  holdProcess,
  letProcessGo,
  now,
  setDeadline,
} from "../../lib/net/clock.ts";
import { collectUncaught } from "./support.ts";

afterEach(() => vi.useRealTimers());

function owner(told: string[], name: string): Deadline<DeadlineOwner> {
  return new Deadline<DeadlineOwner>({ expired: () => told.push(name) });
}

test("deadlines pass in their order, whichever was set first", () => {
  vi.useFakeTimers();
  const told: string[] = [];
  const [late, early, gone] = [owner(told, "late"), owner(told, "early"), owner(told, "gone")];
  setDeadline(late, 200);
  setDeadline(early, 100);
  setDeadline(gone, 150);
  clearDeadline(gone);
  vi.advanceTimersByTime(99);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(["early"]);
  vi.advanceTimersByTime(100);
  expect(told).toEqual(["early", "late"]);
  expect(vi.getTimerCount()).toBe(0);
});

test("one that is put off again and again costs no timer each time", () => {
  vi.useFakeTimers();
  const told: string[] = [];
  const idle = owner(told, "idle");
  setDeadline(idle, 100);
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(50);
    setDeadline(idle, 100);
    expect(vi.getTimerCount()).toBe(1);
  }
  expect(told).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(told).toEqual(["idle"]);
});

test("an owner that throws keeps no other from being told", async () => {
  await collectUncaught(async (errors) => {
    const boom = new Error("boom");
    const told: string[] = [];
    const bad = new Deadline<DeadlineOwner>({
      expired: () => {
        throw boom;
      },
    });
    setDeadline(bad, 1);
    await new Promise<void>((resolve) => {
      const good = new Deadline<DeadlineOwner>({
        expired: () => {
          told.push("good");
          resolve();
        },
      });
      setDeadline(good, 2);
    });
    expect(told).toEqual(["good"]);
    expect(errors).toEqual([boom]);
  });
});

test("deadlines keep no process alive, but for those who say so", () => {
  const spy = vi.spyOn(globalThis, "setTimeout");
  const idle = owner([], "idle");
  setDeadline(idle, 10_000);
  const timer = spy.mock.results.at(-1)?.value as NodeJS.Timeout;
  expect(timer.hasRef()).toBe(false);
  holdProcess();
  holdProcess();
  expect(timer.hasRef()).toBe(true);
  letProcessGo();
  expect(timer.hasRef()).toBe(true);
  letProcessGo();
  expect(timer.hasRef()).toBe(false);
  clearDeadline(idle);
  spy.mockRestore();
});

test("the clock never goes back", () => {
  const first = now();
  expect(now()).toBeGreaterThanOrEqual(first);
});
