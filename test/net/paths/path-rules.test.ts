// Which interfaces may be used, and which one a connection is bound to.
import { describe, expect, test } from "vitest";
import {
  choosePath,
  type Destination,
  hasRules,
  leadsTo,
  NO_RULES,
  type PathRules,
  refusalOf,
} from "../../../lib/net/paths/path-rules.ts";
import type { NetworkInterface } from "../../../lib/net/paths/types.ts";
import { FakeNetwork, HOME, HOME_ROUTES } from "./support.ts";

const FAR = "203.0.113.9";
const prohibiting = (...prohibitedInterfaces: (string | number)[]): PathRules => ({
  ...NO_RULES,
  prohibitedInterfaces,
});
const requiring = (requiredInterfaceKind: PathRules["requiredInterfaceKind"]): PathRules => ({
  ...NO_RULES,
  requiredInterfaceKind,
});

describe("refusalOf", () => {
  const eth0 = new FakeNetwork().snapshot.interface("eth0") as NetworkInterface;

  test.each([
    [NO_RULES, null],
    [prohibiting("wlan0", 3), null],
    [prohibiting("eth0"), "PROHIBITED_INTERFACE"],
    [prohibiting(2), "PROHIBITED_INTERFACE"],
    [requiring("wired"), null],
    [requiring("wireless"), "INTERFACE_KIND"],
  ])("%j: %s", (rules, refusal) => {
    expect(refusalOf(eth0, rules)).toBe(refusal);
    expect(hasRules(rules)).toBe(rules !== NO_RULES);
  });
});

describe("choosePath", () => {
  const choose = (network: FakeNetwork, destination: Destination, rules: PathRules) => {
    const choice = choosePath(network.view, destination, rules);
    if (typeof choice === "string") return choice;
    return [choice.path.interface?.name, choice.path.sourceAddress, choice.bindTo];
  };
  const far = { address: FAR };

  test("without rules it is the kernel's own, and nothing is bound", () => {
    expect(choose(new FakeNetwork(), far, NO_RULES)).toEqual(["eth0", "10.0.0.2", 0]);
  });

  test("an allowed one is bound, so that it stays that one when routes change", () => {
    expect(choose(new FakeNetwork(), far, prohibiting("wlan0"))).toEqual(["eth0", "10.0.0.2", 2]);
    expect(choose(new FakeNetwork(), far, requiring("wired"))).toEqual(["eth0", "10.0.0.2", 2]);
  });

  test("where the kernel's own is not allowed, the next that leads there", () => {
    const other = ["wlan0", "192.168.7.5", 3];
    expect(choose(new FakeNetwork(), far, prohibiting("eth0"))).toEqual(other);
    expect(choose(new FakeNetwork(), far, requiring("wireless"))).toEqual(other);
  });

  test("of several that lead there, the one of the best metric", () => {
    const tun = { index: 9, kind: "tunnel", addresses: ["10.9.0.2/32"] } as const;
    const routes = [...HOME_ROUTES, { to: "0.0.0.0/0", dev: "tun0", metric: 300 }];
    const network = new FakeNetwork({ ...HOME, tun0: tun }, routes);
    expect(choose(network, far, prohibiting("eth0"))).toEqual(["tun0", "10.9.0.2", 9]);
    expect(choose(network, far, prohibiting("eth0", "tun0"))).toEqual(["wlan0", "192.168.7.5", 3]);
  });

  test("why there is none: the kernel's own is prohibited, or of another kind, or not there", () => {
    expect(choose(new FakeNetwork(), far, prohibiting("eth0", "wlan0"))).toBe(
      "PROHIBITED_INTERFACE",
    );
    expect(choose(new FakeNetwork(), far, requiring("tunnel"))).toBe("INTERFACE_KIND");
    expect(choose(new FakeNetwork(HOME, []), far, prohibiting("tun0"))).toBe("UNSATISFIED");
  });

  test("an interface without a route is none, although the kernel would try", () => {
    const network = new FakeNetwork(HOME, HOME_ROUTES.slice(0, 1));
    expect(network.pathTo(FAR, { interface: 3 })).toMatchObject({ status: "satisfied" });
    expect(choose(network, far, prohibiting("eth0"))).toBe("PROHIBITED_INTERFACE");
  });

  test("one that is down, or has no link, is none", () => {
    for (const change of [{ up: false }, { running: false }]) {
      const network = new FakeNetwork();
      network.set("wlan0", change);
      expect(choose(network, far, prohibiting("eth0"))).toBe("PROHIBITED_INTERFACE");
    }
  });

  test("a neighbour is reached through its link", () => {
    const near = { address: "192.168.7.77" };
    expect(choose(new FakeNetwork(), near, prohibiting("eth0"))).toEqual([
      "wlan0",
      "192.168.7.5",
      3,
    ]);
    expect(choose(new FakeNetwork(), near, prohibiting("wlan0"))).toEqual(["eth0", "10.0.0.2", 2]);
  });

  test("what stays on this host is not bound, and takes the loopback interface or none", () => {
    const here = { address: "10.0.0.2" };
    expect(choose(new FakeNetwork(), here, prohibiting("eth0"))).toEqual(["lo", "10.0.0.2", 0]);
    expect(choose(new FakeNetwork(), here, prohibiting("lo"))).toBe("PROHIBITED_INTERFACE");
    // Bound to eth0 it would wait for an answer from the wire for ever.
    expect(choose(new FakeNetwork(), here, requiring("wired"))).toBe("INTERFACE_KIND");
    expect(choose(new FakeNetwork(), here, requiring("loopback"))).toEqual(["lo", "10.0.0.2", 0]);
  });

  test("an interface that was asked for is the only one, and must be allowed", () => {
    const through = (index: number) => ({ address: FAR, interface: index });
    expect(choose(new FakeNetwork(), through(3), prohibiting("eth0"))).toEqual([
      "wlan0",
      "192.168.7.5",
      3,
    ]);
    expect(choose(new FakeNetwork(), through(2), prohibiting("eth0"))).toBe("PROHIBITED_INTERFACE");
    const routeless = new FakeNetwork(HOME, HOME_ROUTES.slice(0, 1));
    expect(choose(routeless, through(3), prohibiting("eth0"))).toBe("UNSATISFIED");
  });

  test("a local address that was asked for is kept", () => {
    const from = { address: FAR, localAddress: "192.168.7.5" };
    expect(choose(new FakeNetwork(), from, prohibiting("eth0"))).toEqual([
      "wlan0",
      "192.168.7.5",
      3,
    ]);
    const gone = { address: FAR, localAddress: "192.168.7.6" };
    expect(choose(new FakeNetwork(), gone, prohibiting("eth0"))).toBe("UNSATISFIED");
  });
});

describe("leadsTo", () => {
  const leads = (address: string, index: number, network = new FakeNetwork()) =>
    leadsTo(address, network.pathTo(address, { interface: index }), network.snapshot);

  test.each([
    ["by a next hop", FAR, 2, true],
    ["to a neighbour", "10.0.0.200", 2, true],
    ["to a neighbour, at the end of its prefix", "10.0.0.255", 2, true],
    ["to a link-local address, which every link has", "fe80::77", 2, true],
    ["to an address of another family without a route", "2001:db8::9", 2, false],
  ])("%s", (_, address, index, expected) => {
    expect(leads(address, index)).toBe(expected);
  });

  test("not to a stranger on a link without a route", () => {
    const routeless = new FakeNetwork(HOME, []);
    expect(leads(FAR, 2, routeless)).toBe(false);
    expect(leads("10.0.1.2", 2, routeless)).toBe(false);
    expect(leads("10.0.0.3", 2, routeless)).toBe(true);
  });

  test("prefixes are compared by their bits", () => {
    const link = { index: 2, kind: "wired", addresses: ["10.0.16.1/20"] } as const;
    const network = new FakeNetwork({ lo: HOME["lo"] as never, eth0: link }, []);
    expect(leads("10.0.31.255", 2, network)).toBe(true);
    expect(leads("10.0.32.0", 2, network)).toBe(false);
    expect(leads("10.0.15.255", 2, network)).toBe(false);
  });

  test("a tunnel, and a default route without a next hop, lead everywhere", () => {
    const tunnel = { index: 2, kind: "tunnel", addresses: ["10.9.0.2/32"] } as const;
    const network = new FakeNetwork({ lo: HOME["lo"] as never, tun0: tunnel }, []);
    expect(leads(FAR, 2, network)).toBe(true);
    const wired = { ...tunnel, kind: "wired" } as const;
    const direct = new FakeNetwork({ lo: HOME["lo"] as never, eth0: wired }, [
      { to: "0.0.0.0/0", dev: "eth0" },
    ]);
    expect(leads(FAR, 2, direct)).toBe(true);
  });
});
