// The promises of send() that are not settled yet.
import { expect, test } from "vitest";
import { quiet, SendWaiters } from "../../lib/core/send-waiters.ts";

test("those who wait for the low mark share one promise", async () => {
  const waiters = new SendWaiters();
  const first = waiters.whenDrained();
  expect(waiters.whenDrained()).toBe(first);
  waiters.drained();
  await first;
  expect(waiters.whenDrained()).not.toBe(first);
});

test("those whose bytes are kept wait for their own last byte", async () => {
  const waiters = new SendWaiters();
  const done: number[] = [];
  for (const position of [10, 20, 20, 30]) {
    void waiters.whenTaken(position).then(() => done.push(position));
  }
  waiters.advance(9);
  await null;
  expect(done).toEqual([]);
  waiters.advance(20);
  await null;
  expect(done).toEqual([10, 20, 20]);
  waiters.advance(30);
  await null;
  expect(done).toEqual([10, 20, 20, 30]);
});

test("a failure rejects all of them, and none counts as unhandled", async () => {
  const waiters = new SendWaiters();
  const all = [waiters.whenDrained(), waiters.whenTaken(5)];
  const error = new Error("gone");
  waiters.reject(error);
  expect(await Promise.allSettled(all)).toEqual([
    { status: "rejected", reason: error },
    { status: "rejected", reason: error },
  ]);
  const promise = Promise.reject(error);
  expect(quiet(promise)).toBe(promise);
});
