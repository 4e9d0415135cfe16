// The promises of those who wait until their bytes have left.

import { describe, expect, test } from "vitest";
import { quiet, SendWaiters } from "../../lib/core/send-waiters.ts";

/** Which of some promises have settled, and how. */
async function outcomes(promises: readonly Promise<unknown>[]): Promise<string[]> {
  const states = promises.map(() => "waits");
  promises.forEach((promise, index) => {
    promise.then(
      () => {
        states[index] = "done";
      },
      (error) => {
        states[index] = String(error);
      },
    );
  });
  await new Promise((resolve) => setImmediate(resolve));
  return states;
}

describe("those who wait for their last byte", () => {
  test("are done when the kernel has it, in order", async () => {
    const waiters = new SendWaiters();
    const promises = [10, 20, 30].map((position) => waiters.whenTaken(position));
    waiters.advance(9);
    expect(await outcomes(promises)).toEqual(["waits", "waits", "waits"]);
    waiters.advance(20);
    expect(await outcomes(promises)).toEqual(["done", "done", "waits"]);
    waiters.advance(30);
    expect(await outcomes(promises)).toEqual(["done", "done", "done"]);
  });

  test("share a promise where they wait for the same byte", () => {
    const waiters = new SendWaiters();
    expect(waiters.whenTaken(5)).toBe(waiters.whenTaken(5));
    expect(waiters.whenTaken(6)).not.toBe(waiters.whenTaken(5));
  });
});

test("those who wait for the low mark share one promise, and the next ones another", async () => {
  const waiters = new SendWaiters();
  const first = waiters.whenDrained();
  expect(waiters.whenDrained()).toBe(first);
  waiters.advance(1_000);
  expect(await outcomes([first])).toEqual(["waits"]);
  waiters.drained();
  const second = waiters.whenDrained();
  expect(second).not.toBe(first);
  expect(await outcomes([first, second])).toEqual(["done", "waits"]);
});

test("reject settles all, and nobody has to handle it", async () => {
  const waiters = new SendWaiters();
  const promises = [waiters.whenTaken(1), waiters.whenTaken(2), waiters.whenDrained()];
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  waiters.reject("closed");
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
  expect(await outcomes(promises)).toEqual(["closed", "closed", "closed"]);
  waiters.advance(5);
  waiters.drained();
});

test("quiet gives the promise itself", async () => {
  const promise = Promise.reject(new Error("x"));
  expect(quiet(promise)).toBe(promise);
  await expect(promise).rejects.toThrow("x");
});
