// Promises that are settled from outside, and the iterator over them.

import { describe, expect, test } from "vitest";
import { Deferred, iterate, onAbort, readSignal, untilAborted } from "../../lib/core/waiting.ts";

describe("untilAborted", () => {
  test("has the outcome of what it waits for, and leaves the signal alone then", async () => {
    const stop = new AbortController();
    const done = new Deferred<number>();
    const waiting = untilAborted(done.promise, stop.signal);
    done.resolve(5);
    expect(await waiting).toBe(5);
    stop.abort();
    const failed = untilAborted(Promise.reject(new Error("x")), new AbortController().signal);
    await expect(failed).rejects.toThrow("x");
  });

  test("rejects with the signal's reason when that comes first", async () => {
    const stop = new AbortController();
    const waiting = untilAborted(new Deferred().promise, stop.signal);
    stop.abort("enough");
    await expect(waiting).rejects.toBe("enough");
  });

  test("is the promise itself without a signal", () => {
    const { promise } = new Deferred();
    expect(untilAborted(promise, undefined)).toBe(promise);
  });
});

test("onAbort calls once, and never after it was stopped", () => {
  const stop = new AbortController();
  let calls = 0;
  onAbort(stop.signal, () => calls++);
  const cancel = onAbort(stop.signal, () => {
    calls += 100;
  });
  cancel();
  stop.abort();
  stop.abort();
  expect(calls).toBe(1);
  onAbort(undefined, () => calls++)();
});

describe("readSignal", () => {
  test("takes nothing, and an object with a signal or none", () => {
    const { signal } = new AbortController();
    expect(readSignal(undefined, "f()")).toBeUndefined();
    expect(readSignal({}, "f()")).toBeUndefined();
    expect(readSignal({ signal }, "f()")).toBe(signal);
  });

  test.each([[null], [5], [{ signal: 5 }], [{ singal: 1 }]])("refuses %j", (value) => {
    expect(() => readSignal(value, "f()")).toThrow(TypeError);
  });
});

describe("iterate", () => {
  const values = (...list: (number | null)[]) => {
    const rest = [...list];
    return () => Promise.resolve(rest.shift() ?? null);
  };

  test("gives what comes, up to null", async () => {
    const seen: number[] = [];
    for await (const value of iterate(values(1, 2, null, 3), () => false)) seen.push(value);
    expect(seen).toEqual([1, 2]);
  });

  test("break ends this iteration alone", async () => {
    const next = values(1, 2);
    for await (const value of iterate(next, () => false)) {
      expect(value).toBe(1);
      break;
    }
    for await (const value of iterate(next, () => false)) expect(value).toBe(2);
  });

  test("a rejection ends it quietly where the caller closed, and is thrown otherwise", async () => {
    const failing = () => Promise.reject(new Error("x"));
    expect(await iterate(failing, () => true).next()).toEqual({ done: true, value: undefined });
    await expect(iterate(failing, () => false).next()).rejects.toThrow("x");
  });
});
