// The clock of the protocol: whole milliseconds, read once a turn.

import { expect, test } from "vitest";
import { turnTime, wallTime } from "../../lib/websocket/turn-clock.ts";
import { open, serve } from "./support.ts";

test("both are whole milliseconds, and the wall's does not go back", () => {
  const times = Array.from({ length: 1_000 }, wallTime);
  for (const [index, time] of times.entries()) {
    expect(Number.isInteger(time)).toBe(true);
    expect(time).toBeGreaterThanOrEqual(times[index - 1] ?? 0);
  }
  expect(Number.isInteger(turnTime())).toBe(true);
});

test("within a turn the time stands still, in a later one it has gone on", async () => {
  const spread: number[] = [];
  const starts: number[] = [];
  let wake = () => {};
  const { url } = await serve({
    message() {
      const before = turnTime();
      const until = wallTime() + 4;
      while (wallTime() < until);
      spread.push(turnTime() - before);
      starts.push(before);
      wake();
    },
  });
  const socket = await open(url);
  for (let n = 0; n < 3; n++) {
    const seen = new Promise<void>((resolve) => {
      wake = resolve;
    });
    socket.write("x");
    await seen;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(spread).toEqual([0, 0, 0]);
  const [first, second, third] = starts as [number, number, number];
  expect(second - first).toBeGreaterThanOrEqual(4);
  expect(third - second).toBeGreaterThanOrEqual(4);
});
