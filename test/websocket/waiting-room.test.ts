// Who may open before an iteration asks for it: the bound, the order, the credits held back.

import { expect, test } from "vitest";
import { ITERATION_AHEAD_COUNT } from "../../lib/core/limits.ts";
import { WaitingRoom } from "../../lib/websocket/waiting-room.ts";

const full = ITERATION_AHEAD_COUNT;

function roomOf(credits = Number.POSITIVE_INFINITY) {
  const source = { newConnectionLimit: credits };
  const room = new WaitingRoom<number>(source);
  const enter = (one: number) => {
    if (room.admits(() => room.offer(one))) room.offer(one);
  };
  return { source, room, enter };
}

const microtasks = () => new Promise(setImmediate);

test("B46: so many wait, the next are held, and the source is held back", () => {
  const { source, room, enter } = roomOf();
  for (let one = 0; one < full - 1; one++) enter(one);
  expect(source.newConnectionLimit).toBe(Number.POSITIVE_INFINITY);
  enter(full - 1);
  expect(source.newConnectionLimit).toBe(0);
  expect(room.admits(() => {})).toBe(false);
});

test("who was held comes when all are taken and one more is asked for, in order", async () => {
  const { source, room, enter } = roomOf();
  const count = 3 * full;
  for (let one = 0; one < count; one++) enter(one);
  const seen: number[] = [];
  for await (const one of room.iterate()) {
    seen.push(one);
    if (seen.length === count) break;
  }
  expect(seen).toEqual(Array.from({ length: count }, (_, one) => one));
  // Nobody is held any more, and there is room.
  expect(source.newConnectionLimit).toBe(Number.POSITIVE_INFINITY);
});

test("one who has left while held takes no place", async () => {
  const { room, enter } = roomOf();
  for (let one = 0; one < full; one++) enter(one);
  for (let left = 0; left < 100; left++) room.admits(() => {});
  enter(full);
  const iteration = room.iterate();
  for (let one = 0; one <= full; one++) {
    expect(await iteration.next()).toEqual({ done: false, value: one });
  }
});

test("credits are what the application has set, also while they are held back", async () => {
  const { source, room, enter } = roomOf(100);
  for (let one = 0; one < full; one++) {
    source.newConnectionLimit--;
    enter(one);
  }
  expect(source.newConnectionLimit).toBe(0);
  expect(room.credits).toBe(100 - full);
  room.credits = 7;
  expect([source.newConnectionLimit, room.credits]).toEqual([0, 7]);
  const iteration = room.iterate();
  for (let one = 0; one < full; one++) await iteration.next();
  const next = iteration.next();
  await microtasks();
  expect(source.newConnectionLimit).toBe(7);
  room.credits = 9;
  expect(source.newConnectionLimit).toBe(9);
  room.end();
  expect(await next).toEqual({ done: true, value: undefined });
});
