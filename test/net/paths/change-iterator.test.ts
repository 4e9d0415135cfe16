import { expect, test, vi } from "vitest";
import { ChangeIterator } from "../../../lib/net/paths/change-iterator.ts";
import { compareSnapshots, makeSnapshot } from "../../../lib/net/paths/snapshot.ts";
import type { PathChange, PathSnapshot } from "../../../lib/net/paths/types.ts";

const withServers = (...servers: string[]) => makeSnapshot([], [], servers);
const EMPTY = withServers();

function change(from: PathSnapshot, to: PathSnapshot, routes = false): PathChange {
  return compareSnapshots(from, to, routes) as PathChange;
}

const DONE = { done: true, value: undefined };

test("a change is given to who waits, and one that nobody waits for is kept", async () => {
  const iterator = new ChangeIterator(EMPTY, () => {});
  const one = withServers("192.0.2.1");
  const waiting = iterator.next();
  iterator.offer(change(EMPTY, one));
  expect((await waiting).value?.snapshot).toBe(one);
  const two = withServers("192.0.2.2");
  iterator.offer(change(one, two));
  expect((await iterator.next()).value?.snapshot).toBe(two);
});

test("changes that nobody took are one, and those that cancel out are none", async () => {
  const iterator = new ChangeIterator(EMPTY, () => {});
  const one = withServers("192.0.2.1");
  const two = withServers("192.0.2.2");
  iterator.offer(change(EMPTY, one));
  iterator.offer(change(one, two));
  expect((await iterator.next()).value).toEqual(change(EMPTY, two));
  iterator.offer(change(two, one));
  iterator.offer(change(one, two));
  const waiting = iterator.next();
  iterator.offer(change(two, EMPTY));
  expect((await waiting).value).toEqual(change(two, EMPTY));
});

test("a route that no snapshot shows is not forgotten in between", async () => {
  const iterator = new ChangeIterator(EMPTY, () => {});
  const one = withServers("192.0.2.1");
  iterator.offer(change(EMPTY, EMPTY, true));
  iterator.offer(change(EMPTY, one));
  expect((await iterator.next()).value).toMatchObject({
    routesChanged: true,
    dnsServersChanged: true,
  });
});

test("several who wait are served in turn", async () => {
  const iterator = new ChangeIterator(EMPTY, () => {});
  const taken = [iterator.next(), iterator.next()];
  const one = withServers("192.0.2.1");
  const two = withServers("192.0.2.2");
  iterator.offer(change(EMPTY, one));
  iterator.offer(change(one, two));
  const got = await Promise.all(taken);
  expect(got.map(({ value }) => value?.snapshot)).toEqual([one, two]);
});

test("the end is told to all who wait, and to who comes later", async () => {
  const ended = vi.fn();
  const iterator = new ChangeIterator(EMPTY, ended);
  const waiting = [iterator.next(), iterator.next()];
  iterator.end();
  iterator.end();
  expect(await Promise.all(waiting)).toEqual([DONE, DONE]);
  expect(await iterator.next()).toEqual(DONE);
  expect(ended).toHaveBeenCalledExactlyOnceWith(iterator);
});

test("break ends the iteration", async () => {
  const ended = vi.fn();
  const iterator = new ChangeIterator(EMPTY, ended);
  iterator.offer(change(EMPTY, withServers("192.0.2.1")));
  for await (const { snapshot } of iterator) {
    expect(snapshot.dnsServers).toEqual(["192.0.2.1"]);
    break;
  }
  expect(ended).toHaveBeenCalledOnce();
  expect(await iterator.next()).toEqual(DONE);
});
