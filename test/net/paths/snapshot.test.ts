import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { compareSnapshots, findInterface, makeSnapshot } from "../../../lib/net/paths/snapshot.ts";
import type {
  DefaultRoute,
  InterfaceAddress,
  NetworkInterface,
} from "../../../lib/net/paths/types.ts";

const address = (text: string, more: Partial<InterfaceAddress> = {}): InterfaceAddress => ({
  address: text,
  family: "IPv4",
  prefixLength: 24,
  broadcastAddress: null,
  scope: "global",
  state: "preferred",
  ...more,
});

const link = (
  index: number,
  name: string,
  more: Partial<NetworkInterface> = {},
): NetworkInterface => ({
  index,
  name,
  kind: "wired",
  up: true,
  running: true,
  loopback: false,
  broadcast: true,
  multicast: true,
  pointToPoint: false,
  mtuBytes: 1_500,
  hardwareAddress: "02:00:5e:10:00:01",
  addresses: [address("192.0.2.1")],
  ...more,
});

const route = (more: Partial<DefaultRoute> = {}): DefaultRoute => ({
  family: "IPv4",
  gateway: "192.0.2.254",
  interface: 2,
  metric: 0,
  ...more,
});

const two = () => [link(2, "eth0"), link(3, "eth1", { kind: "wireless" })];
const first = makeSnapshot(two(), [route()], ["192.0.2.53"]);

describe("a snapshot", () => {
  it("finds an interface by name and by index", () => {
    expect(first.interface("eth1")?.index).toBe(3);
    expect(first.interface(3)?.name).toBe("eth1");
    expect(first.interface("3")).toBeUndefined();
    expect(first.interface("wlan0")).toBeUndefined();
    expect(findInterface([], 1)).toBeUndefined();
  });

  it("cannot be changed", () => {
    for (const part of [first, first.interfaces, first.defaultRoutes, first.dnsServers]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it("is the one before where everything is equal", () => {
    expect(makeSnapshot(two(), [route()], ["192.0.2.53"], first)).toBe(first);
  });

  it("keeps the objects of what is equal", () => {
    const [eth0, eth1] = two();
    const next = makeSnapshot(
      [eth0 as NetworkInterface, { ...(eth1 as NetworkInterface), mtuBytes: 1_400 }],
      [route()],
      ["192.0.2.53"],
      first,
    );
    expect(next).not.toBe(first);
    expect(next.interface("eth0")).toBe(first.interface("eth0"));
    expect(next.interface("eth1")).not.toBe(first.interface("eth1"));
    expect(next.defaultRoutes).toBe(first.defaultRoutes);
    expect(next.dnsServers).toBe(first.dnsServers);
  });
});

const NOTHING = {
  added: [],
  removed: [],
  changed: [],
  defaultRoutesChanged: false,
  routesChanged: false,
  dnsServersChanged: false,
};

describe("what is different between two snapshots", () => {
  it("nothing, where they are equal", () => {
    expect(compareSnapshots(first, first, false)).toBeNull();
    const equal = makeSnapshot(two(), [route()], ["192.0.2.53"]);
    expect(compareSnapshots(first, equal, false)).toBeNull();
  });

  test.each<[string, Partial<NetworkInterface>]>([
    ["up", { up: false }],
    ["running", { running: false }],
    ["kind", { kind: "virtual" }],
    ["loopback", { loopback: true }],
    ["broadcast", { broadcast: false }],
    ["multicast", { multicast: false }],
    ["pointToPoint", { pointToPoint: true }],
    ["mtuBytes", { mtuBytes: 1_280 }],
    ["name", { name: "lan" }],
    ["hardwareAddress", { hardwareAddress: null }],
    ["no address", { addresses: [] }],
    ["another address", { addresses: [address("192.0.2.9")] }],
    ["one more address", { addresses: [address("192.0.2.1"), address("192.0.2.2")] }],
    ["state of an address", { addresses: [address("192.0.2.1", { state: "deprecated" })] }],
    ["prefix of an address", { addresses: [address("192.0.2.1", { prefixLength: 25 })] }],
    ["order of addresses", { addresses: [address("192.0.2.2"), address("192.0.2.1")] }],
  ])("an interface: %s", (_, more) => {
    const after = makeSnapshot(
      [link(2, "eth0", more), two()[1] as NetworkInterface],
      [route()],
      ["192.0.2.53"],
    );
    const change = compareSnapshots(first, after, false);
    expect(change).toEqual({
      ...NOTHING,
      snapshot: after,
      changed: [{ before: first.interface("eth0"), after: after.interface(2) }],
    });
  });

  it("interfaces that came and went; one made anew is another", () => {
    const after = makeSnapshot(
      [two()[0] as NetworkInterface, link(9, "eth1")],
      [route()],
      ["192.0.2.53"],
    );
    const change = compareSnapshots(first, after, false);
    expect(change?.added.map(({ index }) => index)).toEqual([9]);
    expect(change?.removed.map(({ index }) => index)).toEqual([3]);
    expect(change?.changed).toEqual([]);
  });

  test.each<[string, DefaultRoute[]]>([
    ["none", []],
    ["another gateway", [route({ gateway: "192.0.2.253" })]],
    ["another interface", [route({ interface: 3 })]],
    ["another metric", [route({ metric: 5 })]],
    ["one more", [route(), route({ family: "IPv6", gateway: null })]],
  ])("default routes: %s", (_, routes) => {
    const after = makeSnapshot(two(), routes, ["192.0.2.53"]);
    expect(compareSnapshots(first, after, false)).toEqual({
      ...NOTHING,
      snapshot: after,
      defaultRoutesChanged: true,
      routesChanged: true,
    });
  });

  it("another route, which no snapshot shows", () => {
    const change = compareSnapshots(first, first, true);
    expect(change).toEqual({ ...NOTHING, snapshot: first, routesChanged: true });
  });

  test.each([[[]], [["192.0.2.54"]], [["192.0.2.53", "192.0.2.54"]]])(
    "name servers: %j",
    (servers) => {
      const after = makeSnapshot(two(), [route()], servers);
      expect(compareSnapshots(first, after, false)).toEqual({
        ...NOTHING,
        snapshot: after,
        dnsServersChanged: true,
      });
    },
  );
});

test("what is different, applied to the one before, is the one after", () => {
  const links = fc.uniqueArray(
    fc.record({
      index: fc.integer({ min: 1, max: 6 }),
      up: fc.boolean(),
      addresses: fc.array(
        fc.constantFrom("192.0.2.1", "192.0.2.2").map((text) => address(text)),
        {
          maxLength: 2,
        },
      ),
    }),
    { selector: ({ index }) => index, maxLength: 6 },
  );
  const snapshotOf = (some: readonly Partial<NetworkInterface>[]) =>
    makeSnapshot(
      some
        .toSorted((one, other) => (one.index as number) - (other.index as number))
        .map((more) => link(more.index as number, `eth${more.index}`, more)),
      [],
      [],
    );
  fc.assert(
    fc.property(links, links, (one, other) => {
      const [before, after] = [snapshotOf(one), snapshotOf(other)];
      const change = compareSnapshots(before, after, false);
      const applied = new Map(before.interfaces.map((known) => [known.index, known]));
      for (const { index } of change?.removed ?? []) expect(applied.delete(index)).toBe(true);
      for (const { before: old, after: now } of change?.changed ?? []) {
        expect(applied.get(old.index)).toEqual(old);
        expect(now).not.toEqual(old);
        applied.set(now.index, now);
      }
      for (const added of change?.added ?? []) {
        expect(applied.has(added.index)).toBe(false);
        applied.set(added.index, added);
      }
      const result = [...applied.values()].sort((left, right) => left.index - right.index);
      expect(result).toEqual(after.interfaces);
    }),
  );
});
