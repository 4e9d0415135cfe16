// Connections for those who iterate over a listener.
import { expect, test } from "vitest";
import { Arrivals } from "../../lib/net/arrivals.ts";

test("who is there is given in order, who waits is served in order", async () => {
  let asked = 0;
  const arrivals = new Arrivals<string>(() => asked++);
  arrivals.offer("a");
  arrivals.offer("b");
  expect([arrivals.waiting, arrivals.takers]).toEqual([2, 0]);
  const steps = arrivals.iterate();
  expect(await steps.next()).toEqual({ done: false, value: "a" });
  expect(await steps.next()).toEqual({ done: false, value: "b" });
  expect(asked).toBe(0);
  const waiting = [steps.next(), steps.next()];
  expect([arrivals.waiting, arrivals.takers, asked]).toEqual([0, 2, 2]);
  arrivals.offer("c");
  arrivals.offer("d");
  expect((await Promise.all(waiting)).map(({ value }) => value)).toEqual(["c", "d"]);
});

test("break loses nobody", async () => {
  const arrivals = new Arrivals<number>(() => {});
  for (const one of [1, 2, 3]) arrivals.offer(one);
  for await (const one of arrivals.iterate()) {
    expect(one).toBe(1);
    break;
  }
  expect(await arrivals.iterate().next()).toEqual({ done: false, value: 2 });
});

test("an end finishes those who wait and those who come, after who is there", async () => {
  const arrivals = new Arrivals<number>(() => {});
  const waiting = arrivals.iterate().next();
  arrivals.end(null);
  expect(await waiting).toEqual({ done: true, value: undefined });
  arrivals.offer(1);
  const seen: number[] = [];
  for await (const one of arrivals.iterate()) seen.push(one);
  expect(seen).toEqual([1]);
});

test("an error is thrown to both", async () => {
  const arrivals = new Arrivals<number>(() => {});
  const waiting = arrivals.iterate().next();
  const error = new Error("no more");
  arrivals.end(error);
  await expect(waiting).rejects.toBe(error);
  await expect(arrivals.iterate().next()).rejects.toBe(error);
});
