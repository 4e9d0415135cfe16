// When a connection that waits for the network tries again (B5); with a clock that stands.
import { describe, expect, test } from "vitest";
import {
  MIN_WAITING_APART_MS,
  MIN_WAITING_RETRY_MS,
  WAITING_SETTLE_MS,
} from "../../lib/core/limits.ts";
import { Waiting } from "../../lib/net/waiting.ts";
import { makeHost } from "./paths/support.ts";

/** Whose tries fail at once. */
function wait(host = makeHost()) {
  const tries: number[] = [];
  const start = host.clock.time;
  const retry = () => {
    tries.push(host.clock.time - start);
    waiting.tried();
    waiting.failed();
  };
  const waiting: Waiting = new Waiting({ retry, reconsider: () => tries.push(Number.NaN) }, host);
  waiting.failed();
  return { ...host, waiting, tries };
}

describe("Waiting", () => {
  test("B5 tries when the network has changed, and is quiet", () => {
    const { network, clock, tries } = wait();
    clock.advance(500);
    network.changed();
    clock.advance(WAITING_SETTLE_MS - 1);
    expect(tries).toEqual([]);
    clock.advance(1);
    expect(tries).toEqual([500 + WAITING_SETTLE_MS]);
  });

  test("B5 a storm of changes makes few tries", () => {
    const { network, clock, tries } = wait();
    for (let change = 0; change < 1_000; change++) {
      network.changed();
      clock.advance(1);
    }
    expect(tries.length).toBeGreaterThan(1);
    expect(tries.length).toBeLessThanOrEqual(1_000 / MIN_WAITING_APART_MS + 1);
  });

  test("B5 the last change of a storm is answered", () => {
    const { network, clock, tries } = wait();
    for (let change = 0; change < 300; change++) {
      network.changed();
      clock.advance(1);
    }
    const before = tries.length;
    clock.advance(MIN_WAITING_APART_MS + WAITING_SETTLE_MS);
    expect(tries.length).toBe(before + 1);
  });

  test("B5 tries now and then without a change", () => {
    const { clock, tries } = wait();
    clock.advance(MIN_WAITING_RETRY_MS * 8);
    expect(tries).toEqual([1, 3, 7].map((n) => n * MIN_WAITING_RETRY_MS));
  });

  test("a change during a try may end it, and is remembered if it does not", () => {
    const host = makeHost();
    const calls: string[] = [];
    const retry = () => calls.push("retry");
    const waiting = new Waiting({ retry, reconsider: () => calls.push("reconsider") }, host);
    waiting.tried();
    host.network.changed();
    host.clock.advance(MIN_WAITING_APART_MS - 1);
    expect(calls).toEqual([]);
    host.clock.advance(5_000);
    expect(calls).toEqual(["reconsider"]);
    waiting.failed();
    host.clock.advance(1);
    expect(calls).toEqual(["reconsider", "retry"]);
  });

  test("counts the time in which nothing was tried", () => {
    const host = makeHost();
    const waiting = new Waiting({ retry() {}, reconsider() {} }, host);
    waiting.tried();
    host.clock.advance(1_000);
    expect(waiting.waitedMs).toBe(0);
    waiting.failed();
    host.clock.advance(300);
    expect(waiting.waitedMs).toBe(300);
    waiting.tried();
    host.clock.advance(1_000);
    expect(waiting.waitedMs).toBe(300);
    waiting.failed();
    host.clock.advance(100);
    waiting.stop();
    host.clock.advance(1_000);
    expect(waiting.waitedMs).toBe(400);
  });

  test("leaves nothing behind when it stops", () => {
    const { network, clock, looks, waiting, tries } = wait();
    network.changed();
    waiting.stop();
    expect([looks.size, network.observers.size, clock.nextMs]).toEqual([0, 0, undefined]);
    clock.advance(100_000);
    expect(tries).toEqual([]);
  });

  test("where a process may not look at its networks, tries come by time", () => {
    const host = makeHost();
    host.network.watch = () => {
      throw new Error("EPERM");
    };
    const { clock, tries, waiting } = wait(makeHost(host.network, host.clock));
    clock.advance(MIN_WAITING_RETRY_MS);
    expect(tries).toHaveLength(1);
    waiting.stop();
    expect(clock.nextMs).toBeUndefined();
  });
});
