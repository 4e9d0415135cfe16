// The line that says what is waited for.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { withProgress } from "../../lib/cli/progress.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function terminal(isTTY = true) {
  const written: string[] = [];
  const write = (text: string) => written.push(text) > 0;
  return { written, stream: { isTTY, write } as never };
}

it("says every second how long it has been, and is gone at the end", async () => {
  const { written, stream } = terminal();
  let finish: (value: string) => void = () => {};
  const work = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const waiting = withProgress("connecting to h:1", work, stream);
  vi.advanceTimersByTime(2_000);
  finish("done");
  expect(await waiting).toBe("done");
  const erase = "\r\u001b[K";
  expect(written).toEqual([
    `${erase}connecting to h:1: 1 s`,
    `${erase}connecting to h:1: 2 s`,
    erase,
  ]);
  expect(vi.getTimerCount()).toBe(0);
});

it("what is quick writes nothing, and neither does what fails quickly", async () => {
  const { written, stream } = terminal();
  expect(await withProgress("x", Promise.resolve(1), stream)).toBe(1);
  await expect(withProgress("x", Promise.reject(new Error("no")), stream)).rejects.toThrow("no");
  expect(written).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it("says nothing where standard error is no terminal", async () => {
  const { written, stream } = terminal(false);
  const work = new Promise((resolve) => setTimeout(resolve, 5_000));
  const waiting = withProgress("x", work, stream);
  await vi.advanceTimersByTimeAsync(5_000);
  await waiting;
  expect(written).toEqual([]);
});
