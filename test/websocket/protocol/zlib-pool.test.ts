// B46: how many calls are in the thread pool at once.

import { expect, test } from "vitest";
import { ZlibPool } from "../../../lib/websocket/protocol/zlib-pool.ts";

test("B46 no more than the bound run at once, the rest in order as others leave", () => {
  const pool = new ZlibPool(2);
  const started: number[] = [];
  for (let at = 0; at < 6; at++) pool.enter(() => started.push(at));
  expect(started).toEqual([0, 1]);
  pool.leave();
  expect(started).toEqual([0, 1, 2]);
  pool.leave();
  pool.leave();
  pool.leave();
  expect(started).toEqual([0, 1, 2, 3, 4, 5]);
  pool.leave();
  pool.enter(() => started.push(6));
  pool.enter(() => started.push(7));
  expect(started).toEqual([0, 1, 2, 3, 4, 5, 6]);
  pool.leave();
  pool.leave();
  pool.enter(() => started.push(8));
  expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});
