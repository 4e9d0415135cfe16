// When a queue that nobody can ask for its length counts as empty.
import { expect, test } from "vitest";
import { DRAIN_LIMIT_MS } from "../../lib/core/limits.ts";
import { AcceptDrain } from "../../lib/net/accept-drain.ts";

const iteration = () => new Promise<void>((resolve) => setImmediate(resolve));

test("it is empty when a few iterations of the loop have brought nothing, and not before", async () => {
  const drain = new AcceptDrain();
  let isDone = false;
  drain.start(() => {
    isDone = true;
  });
  expect(drain.isRunning).toBe(true);
  for (let count = 0; count < 20; count++) {
    await iteration();
    drain.heard();
    expect(isDone).toBe(false);
  }
  for (let count = 0; count < 20 && !isDone; count++) await iteration();
  expect(isDone).toBe(true);
  expect(drain.isRunning).toBe(false);
});

test("who goes on coming does not keep it for ever", async () => {
  const drain = new AcceptDrain();
  const startedAt = performance.now();
  let isDone = false;
  drain.start(() => {
    isDone = true;
  });
  while (!isDone) {
    drain.heard();
    await iteration();
  }
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(DRAIN_LIMIT_MS - 2);
});

test("stopped, it says nothing", async () => {
  const drain = new AcceptDrain();
  let isDone = false;
  drain.start(() => {
    isDone = true;
  });
  drain.stop();
  for (let count = 0; count < 20; count++) await iteration();
  expect(isDone).toBe(false);
});

test("while nobody can come it is not empty, but for the same time at most", async () => {
  for (const isEver of [true, false]) {
    const drain = new AcceptDrain();
    const startedAt = performance.now();
    let isStuck = true;
    const done = new Promise<void>((resolve) => drain.start(resolve, () => isStuck));
    for (let count = 0; count < 20; count++) await iteration();
    expect(drain.isRunning).toBe(true);
    if (!isEver) isStuck = false;
    await done;
    const tookMs = performance.now() - startedAt;
    if (isEver) expect(tookMs).toBeGreaterThanOrEqual(DRAIN_LIMIT_MS - 2);
    else expect(tookMs).toBeLessThan(DRAIN_LIMIT_MS);
  }
});
