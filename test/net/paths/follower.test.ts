// What a connection that follows its path is told, and when (B52, B53); with a clock that stands.
import { describe, expect, test } from "vitest";
import { BETTER_PATH_SETTLE_MS, VIABILITY_SETTLE_MS } from "../../../lib/core/limits.ts";
import { PathFollower } from "../../../lib/net/paths/follower.ts";
import { NO_RULES } from "../../../lib/net/paths/path-rules.ts";
import type { Path } from "../../../lib/net/paths/types.ts";
import type { Footing } from "../../../lib/net/paths/viability.ts";
import { HOME_ROUTES, makeHost } from "./support.ts";

const FOOTING: Footing = {
  remoteAddress: "203.0.113.9",
  localAddress: "10.0.0.2",
  interface: undefined,
  wanted: { interface: undefined, localAddress: undefined },
  rules: NO_RULES,
};

function follow(timeoutMs = 0, host = makeHost()) {
  const told: unknown[] = [];
  const note = (what: unknown) => told.push([host.clock.time - start, what]);
  const start = host.clock.time;
  const follower = new PathFollower(
    {
      viabilityChanged: note,
      betterPathChanged: (path: Path | null) => note(path?.interface?.name ?? null),
      viabilityLapsed: () => note("lapsed"),
    },
    FOOTING,
    timeoutMs,
    host,
  );
  return { ...host, follower, told };
}

describe("viability", () => {
  test("B52 a loss that lasts is told within 200 ms, and so is its return", () => {
    const { network, clock, follower, told } = follow();
    expect([follower.viable, follower.path.interface?.name]).toEqual([true, "eth0"]);
    clock.advance(1_000);
    network.set("eth0", { running: false });
    clock.advance(200);
    expect([follower.viable, follower.path.status]).toEqual([false, "unsatisfied"]);
    network.set("eth0", { running: true });
    clock.advance(200);
    expect(follower.viable).toBe(true);
    expect(told).toEqual([
      [1_000 + VIABILITY_SETTLE_MS, false],
      [1_200 + VIABILITY_SETTLE_MS, true],
    ]);
  });

  test("B52 what flickers is not told: 1,000 changes within two seconds", () => {
    const { network, clock, follower, told } = follow();
    for (let change = 0; change < 1_000; change++) {
      network.set("eth0", { running: change % 2 === 1 });
      clock.advance(2);
    }
    clock.advance(1_000);
    expect([told, follower.viable]).toEqual([[], true]);
    for (let change = 0; change < 999; change++) {
      network.set("eth0", { running: change % 2 === 1 });
      clock.advance(2);
    }
    clock.advance(1_000);
    expect(told).toHaveLength(1);
    expect(follower.viable).toBe(false);
  });

  test("B52 nor what flickers at random, of whatever it is that comes and goes", () => {
    const links = (_count: number, isThere: boolean) => ({ running: isThere });
    const addresses = (_count: number, isThere: boolean) => ({
      addresses: isThere ? ["10.0.0.2/24"] : [],
    });
    for (const flicker of [links, addresses]) {
      const { network, clock, follower, told } = follow();
      // A generator that repeats itself (minimal standard), so that a failure can be looked at.
      let seed = 4_711;
      for (let change = 0; change < 1_000; change++) {
        seed = (seed * 48_271) % 0x7fffffff;
        network.set("eth0", flicker(change, seed % 2 === 0));
        clock.advance(3);
      }
      network.set("eth0", flicker(0, false));
      expect(told.length).toBeLessThanOrEqual(2);
      clock.advance(200);
      expect(follower.viable).toBe(false);
    }
  });

  test("B52 a loss is told in time although other interfaces change without end", () => {
    const { network, clock, told } = follow();
    network.set("eth0", { running: false });
    for (let change = 0; change < 100; change++) {
      network.set("wlan0", { addresses: change % 2 === 0 ? [] : ["192.168.7.5/24"] });
      clock.advance(2);
    }
    expect(told).toHaveLength(1);
    expect((told[0] as number[])[0]).toBeLessThan(200);
  });

  test("one that begins without a path knows that, and is told of the path's return only", () => {
    const host = makeHost();
    host.network.set("eth0", { running: false });
    const { clock, network, follower, told } = follow(0, host);
    expect(follower.viable).toBe(false);
    clock.advance(1_000);
    expect(told).toEqual([]);
    network.set("eth0", { running: true });
    clock.advance(200);
    expect(told).toEqual([[1_000 + VIABILITY_SETTLE_MS, true]]);
  });
});

describe("the limit", () => {
  test("passes when the path stays away, and is told once", () => {
    const { network, clock, told } = follow(500);
    clock.advance(100);
    network.set("eth0", { running: false });
    clock.advance(10_000);
    expect(told).toEqual([
      [100 + VIABILITY_SETTLE_MS, false],
      [600 + VIABILITY_SETTLE_MS, "lapsed"],
    ]);
  });

  test("is set anew by each loss, and does not run while there is a path", () => {
    const { network, clock, told } = follow(500);
    for (let loss = 0; loss < 5; loss++) {
      network.set("eth0", { running: false });
      clock.advance(400);
      network.set("eth0", { running: true });
      clock.advance(400);
    }
    expect(told.map((one) => (one as unknown[])[1])).toEqual(
      Array.from({ length: 10 }, (_, at) => at % 2 === 1),
    );
  });

  test("runs from the beginning where there was no path", () => {
    const host = makeHost();
    host.network.set("eth0", { running: false });
    const { clock, told } = follow(500, host);
    clock.advance(10_000);
    expect(told).toEqual([[500, "lapsed"]]);
  });
});

describe("a better path", () => {
  test("B53 is told when it has held, once, and so is that there is none any more", () => {
    const { network, clock, follower, told } = follow();
    network.routes = [{ to: "0.0.0.0/0", via: "192.168.7.1", dev: "wlan0" }, ...HOME_ROUTES];
    network.changed();
    clock.advance(BETTER_PATH_SETTLE_MS - 1);
    expect([told, follower.betterPath]).toEqual([[], null]);
    clock.advance(1_000);
    // Another metric of the same way is no news.
    network.changed();
    clock.advance(1_000);
    expect(follower.betterPath).toMatchObject({ sourceAddress: "192.168.7.5" });
    network.routes = HOME_ROUTES;
    network.changed();
    clock.advance(1_000);
    expect(told).toEqual([
      [BETTER_PATH_SETTLE_MS, "wlan0"],
      [BETTER_PATH_SETTLE_MS + 2_099, null],
    ]);
  });

  test("B53 what flickers is not announced", () => {
    const { network, clock, told } = follow();
    for (let change = 0; change < 100; change++) {
      network.routes = change % 2 === 0 ? HOME_ROUTES.slice(1) : HOME_ROUTES;
      network.changed();
      clock.advance(BETTER_PATH_SETTLE_MS - 1);
    }
    clock.advance(1_000);
    expect(told).toEqual([]);
  });
});

describe("stop", () => {
  test("ends it all: no watch, no timer, nothing told", () => {
    const { network, clock, follower, looks, told } = follow(100);
    network.set("eth0", { running: false });
    follower.stop();
    follower.stop();
    expect([looks.size, network.observers.size, clock.nextMs]).toEqual([0, 0, undefined]);
    clock.advance(10_000);
    expect(told).toEqual([]);
  });

  test("inside what is told, too", () => {
    const host = makeHost();
    const told: string[] = [];
    const follower: PathFollower = new PathFollower(
      {
        viabilityChanged: () => {
          told.push("viable");
          follower.stop();
        },
        betterPathChanged: () => void told.push("better"),
        viabilityLapsed: () => void told.push("lapsed"),
      },
      FOOTING,
      1,
      host,
    );
    host.network.routes = HOME_ROUTES.slice(1);
    host.network.set("eth0", { up: false });
    host.clock.advance(10_000);
    expect(told).toEqual(["viable"]);
    expect(host.clock.nextMs).toBeUndefined();
  });

  test("where the first look fails nothing is left", () => {
    const host = makeHost();
    host.network.pathTo = () => {
      throw new Error("EINVAL");
    };
    expect(() => follow(0, host)).toThrow("EINVAL");
    expect([host.looks.size, host.network.observers.size]).toEqual([0, 0]);
  });
});
