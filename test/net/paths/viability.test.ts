// Whether a connection's path is there and is the best (B52, B53), and when that counts.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_RULES } from "../../../lib/net/paths/path-rules.ts";
import type { Path } from "../../../lib/net/paths/types.ts";
import { type Footing, isSamePath, judge, Settling } from "../../../lib/net/paths/viability.ts";
import { FakeNetwork, HOME, HOME_ROUTES } from "./support.ts";

const onEth0: Footing = {
  remoteAddress: "203.0.113.9",
  localAddress: "10.0.0.2",
  interface: undefined,
  wanted: { interface: undefined, localAddress: undefined },
  rules: NO_RULES,
};

function shown(network: FakeNetwork, footing: Partial<Footing> = {}) {
  const { viable, path, betterPath } = judge(network.view, { ...onEth0, ...footing });
  return [viable, path.interface?.name ?? null, betterPath?.interface?.name ?? null];
}

describe("judge", () => {
  test("a connection on its path is viable, and no other is better", () => {
    expect(shown(new FakeNetwork())).toEqual([true, "eth0", null]);
  });

  type Change = readonly [what: string, change: (network: FakeNetwork) => void, unknown[]];
  const changes: readonly Change[] = [
    [
      "the local address was taken away",
      (network) => network.set("eth0", { addresses: [] }),
      [false, null, "eth0"],
    ],
    [
      "the local address is tentative (RFC 4862 section 5.4)",
      (network) => network.set("eth0", { addresses: ["10.0.0.2/24 tentative"] }),
      [false, null, "eth0"],
    ],
    [
      "another host has the address",
      (network) => network.set("eth0", { addresses: ["10.0.0.2/24 duplicated"] }),
      [false, null, "eth0"],
    ],
    [
      "the address is deprecated: connections go on (RFC 4862 section 5.5.4)",
      (network) => network.set("eth0", { addresses: ["10.0.0.2/24 deprecated"] }),
      [true, "eth0", null],
    ],
    [
      "the link is gone",
      (network) => network.set("eth0", { running: false }),
      [false, "eth0", null],
    ],
    [
      "the interface is down, and its routes are with it",
      (network) => {
        network.routes = HOME_ROUTES.slice(1);
        network.set("eth0", { up: false });
      },
      [false, "wlan0", "wlan0"],
    ],
    [
      "the interface was removed",
      (network) => {
        delete network.links["eth0"];
        network.routes = HOME_ROUTES.slice(1);
      },
      [false, null, "wlan0"],
    ],
    [
      "the address moved to another interface, whose link is there",
      (network) => {
        network.set("eth0", { addresses: [] });
        network.set("wlan0", { addresses: ["192.168.7.5/24", "10.0.0.2/24"] });
        network.routes = HOME_ROUTES.slice(1);
      },
      [true, "wlan0", "wlan0"],
    ],
    [
      "no route is left",
      (network) => {
        network.routes = [];
      },
      [false, null, null],
    ],
    [
      "the route moved to another interface: our address goes out there, and another would be right",
      (network) => {
        network.routes = HOME_ROUTES.slice(1);
      },
      [true, "wlan0", "wlan0"],
    ],
    [
      "another interface has changed",
      (network) => network.set("wlan0", { up: false }),
      [true, "eth0", null],
    ],
  ];

  test.each(changes)("B52 %s", (_, change, expected) => {
    const network = new FakeNetwork();
    change(network);
    expect(shown(network)).toEqual(expected);
  });

  test("B53 a better path is what a new connection would use, as it was asked for", () => {
    const network = new FakeNetwork();
    const onWlan0 = { localAddress: "192.168.7.5", interface: "wlan0" };
    expect(shown(network, onWlan0)).toEqual([true, "wlan0", "eth0"]);
    const wanting = (wanted: Partial<Footing["wanted"]>) =>
      shown(network, { ...onWlan0, wanted: { ...onEth0.wanted, ...wanted } });
    expect(wanting({ interface: "wlan0" })).toEqual([true, "wlan0", null]);
    expect(wanting({ interface: 3 })).toEqual([true, "wlan0", null]);
    expect(wanting({ localAddress: "192.168.7.5", interface: "wlan0" })).toEqual([
      true,
      "wlan0",
      null,
    ]);
    expect(wanting({ interface: "eth7" })).toEqual([true, "wlan0", null]);
    expect(wanting({ localAddress: "192.0.2.1" })).toEqual([true, "wlan0", null]);
  });

  test("B53 a path that the rules forbid is never better", () => {
    const network = new FakeNetwork();
    const onWlan0 = { localAddress: "192.168.7.5", interface: 3 };
    const rules = { ...NO_RULES, prohibitedInterfaces: ["eth0"] };
    expect(shown(network, { ...onWlan0, rules })).toEqual([true, "wlan0", null]);
  });

  test("a path that is against the rules by now is not viable", () => {
    const network = new FakeNetwork();
    const rules = { ...NO_RULES, prohibitedInterfaces: ["eth0"] };
    expect(shown(network, { interface: 2, rules })).toEqual([false, "eth0", "wlan0"]);
    const wireless = { ...NO_RULES, requiredInterfaceKind: "wireless" } as const;
    expect(shown(network, { interface: 2, rules: wireless })).toEqual([false, "eth0", "wlan0"]);
  });

  test("a socket that is bound has the paths of its interface only", () => {
    const network = new FakeNetwork(HOME, HOME_ROUTES.slice(1));
    // Linux would take the peer for a neighbour.
    expect(shown(network, { interface: "eth0" })).toEqual([false, "eth0", "wlan0"]);
    expect(shown(network, { interface: "eth0", remoteAddress: "10.0.0.9" })).toEqual([
      true,
      "eth0",
      null,
    ]);
    expect(shown(network, { interface: "eth9" })).toEqual([false, null, "wlan0"]);
  });

  test("what stays on this host needs the address, and no link", () => {
    const network = new FakeNetwork();
    const own = { remoteAddress: "10.0.0.2", localAddress: "10.0.0.2" };
    network.set("eth0", { running: false });
    expect(shown(network, own)).toEqual([true, "lo", null]);
    network.set("eth0", { addresses: [] });
    expect(shown(network, own)[0]).toBe(false);
  });

  test("all of 127.0.0.0/8 is there while the loopback interface is up", () => {
    const network = new FakeNetwork();
    const local = { remoteAddress: "127.0.0.1", localAddress: "127.0.0.77" };
    expect(shown(network, local)).toEqual([true, "lo", "lo"]);
    network.set("lo", { up: false });
    expect(shown(network, local)[0]).toBe(false);
  });

  test("a link-local address belongs to its link", () => {
    const twice = { ...HOME, wlan0: { ...HOME["wlan0"], addresses: ["fe80::2/64"] } as never };
    const network = new FakeNetwork(twice);
    const near = { remoteAddress: "fe80::9", localAddress: "fe80::2", interface: "wlan0" };
    const wanted = { interface: "wlan0", localAddress: undefined };
    expect(shown(network, { ...near, wanted })).toEqual([true, "wlan0", null]);
    network.set("wlan0", { addresses: [] });
    expect(shown(network, { ...near, wanted })[0]).toBe(false);
  });
});

describe("isSamePath", () => {
  const path = new FakeNetwork().pathTo("203.0.113.9");

  test.each<[string, Path | null, boolean]>([
    ["itself in another object", { ...path }, true],
    ["another MTU", { ...path, mtuBytes: 1_280 }, true],
    ["another gateway", { ...path, gateway: "10.0.0.254" }, false],
    ["another source", { ...path, sourceAddress: "10.0.0.3" }, false],
    ["another interface", { ...path, interface: null }, false],
    ["another status", { ...path, status: "unsatisfied" }, false],
    ["none", null, false],
  ])("%s: %s", (_, other, same) => {
    expect(isSamePath(path, other)).toBe(same);
    expect(isSamePath(other, path)).toBe(same);
  });

  test("none and none are the same", () => expect(isSamePath(null, null)).toBe(true));
});

describe("Settling", () => {
  const TIMES = { quietMs: 50, atLatestMs: 150 };

  test("a value counts when it has held", () => {
    const settling = new Settling(true, TIMES);
    settling.note(false, 100);
    expect([settling.value, settling.dueAt]).toEqual([true, 150]);
    expect(settling.elapsed(149)).toBe(false);
    // That it is noted again changes nothing.
    settling.note(false, 140);
    expect(settling.elapsed(150)).toBe(true);
    expect([settling.value, settling.dueAt]).toEqual([false, Number.POSITIVE_INFINITY]);
    expect(settling.elapsed(1_000)).toBe(false);
  });

  test("what is back in time never happened", () => {
    const settling = new Settling(true, TIMES);
    settling.note(false, 100);
    settling.note(true, 149);
    expect(settling.dueAt).toBe(Number.POSITIVE_INFINITY);
    expect(settling.elapsed(1_000)).toBe(false);
  });

  test("a third value has to hold anew", () => {
    const settling = new Settling("a", TIMES);
    settling.note("b", 100);
    settling.note("c", 140);
    expect(settling.dueAt).toBe(190);
    expect(settling.elapsed(190)).toBe(true);
    expect(settling.value).toBe("c");
  });

  test("a disturbance makes it hold anew, although it looks the same before and after", () => {
    const settling = new Settling(true, TIMES);
    settling.note(false, 100);
    settling.note(false, 140, 139);
    expect(settling.dueAt).toBe(189);
    settling.note(false, 180, 179);
    expect(settling.elapsed(228)).toBe(false);
    expect(settling.elapsed(229)).toBe(true);
  });

  test("disturbances that do not end put it off to the latest time, and no further", () => {
    const settling = new Settling(true, TIMES);
    for (let time = 100; time < 250; time += 10) {
      settling.note(false, time, time);
      expect(settling.elapsed(time)).toBe(false);
    }
    expect(settling.dueAt).toBe(250);
    expect(settling.elapsed(250)).toBe(true);
  });

  test("what counts as equal is kept up to date, and not told", () => {
    const settling = new Settling({ id: 1, mtu: 1 }, TIMES, (one, other) => one.id === other.id);
    settling.note({ id: 1, mtu: 2 }, 100);
    expect(settling.value.mtu).toBe(2);
    expect(settling.dueAt).toBe(Number.POSITIVE_INFINITY);
  });

  test("B52 whatever flickers: what is told alternates, has held, and ends at the last value", () => {
    const step = fc.record({ afterMs: fc.integer({ min: 1, max: 90 }), value: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const settling = new Settling(true, TIMES);
        const told: boolean[] = [true];
        const tell = (now: number) => {
          if (settling.elapsed(now)) told.push(settling.value);
        };
        let time = 0;
        for (const { afterMs, value } of steps) {
          if (settling.dueAt <= time + afterMs) tell(settling.dueAt);
          time += afterMs;
          settling.note(value, time);
        }
        tell(time + 50);
        for (let at = 1; at < told.length; at++) expect(told[at]).toBe(!told[at - 1]);
        expect(told.at(-1)).toBe(steps.at(-1)?.value ?? true);
      }),
    );
  });
});
