// The two marks that the queues of a WebSocket share.

import { expect, test, vi } from "vitest";
import { Marks } from "../../lib/websocket/marks.ts";

test("is above from the high mark until half of it is left, and tells once", () => {
  const sunk = vi.fn();
  const marks = new Marks(1_000, sunk);
  marks.add(1, 900);
  expect(marks.isAbove).toBe(false);
  marks.add(1, 100);
  expect(marks.isAbove).toBe(true);
  marks.remove(1, 500);
  expect([marks.isAbove, sunk.mock.calls.length]).toEqual([true, 0]);
  marks.remove(1, 200);
  expect([marks.isAbove, sunk.mock.calls.length]).toEqual([false, 1]);
  marks.remove(0, 300);
  expect(sunk).toHaveBeenCalledTimes(1);
});

test("items without bytes count as well", () => {
  const marks = new Marks(640, () => {});
  marks.add(9, 0);
  expect(marks.isAbove).toBe(false);
  marks.add(1, 0);
  expect(marks.isAbove).toBe(true);
});
