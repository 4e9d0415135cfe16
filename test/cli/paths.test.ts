// `hawser paths`: the built command on this host, and what it writes of networks made by hand. How
// changes are followed is in test/faults/paths-monitor.test.ts.

import { describe, expect, it, test } from "vitest";
import { describeChange, describePath, describeSnapshot } from "../../lib/cli/paths.ts";
import { palette } from "../../lib/cli/terminal.ts";
import { compareSnapshots, makeSnapshot } from "../../lib/net/paths/snapshot.ts";
import type { NetworkInterface, PathChange } from "../../lib/net/paths/types.ts";
import { listInterfaces } from "../../lib/socket/interfaces.ts";
import { cleanUpAfterEach, hawser } from "./support.ts";

cleanUpAfterEach();

const plain = palette({ isTTY: false } as never);

function link(index: number, name: string, more: Partial<NetworkInterface> = {}): NetworkInterface {
  return {
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
    addresses: [],
    ...more,
  };
}

const address = (text: string, state: "preferred" | "tentative" = "preferred") => ({
  address: text,
  family: text.includes(":") ? ("IPv6" as const) : ("IPv4" as const),
  prefixLength: 24,
  broadcastAddress: null,
  scope: "global" as const,
  state,
});

const ETH0 = link(2, "eth0", {
  addresses: [address("192.0.2.1"), address("2001:db8::1", "tentative")],
});
const WG0 = link(3, "wg0", { kind: "tunnel", hardwareAddress: null, running: false });
const ROUTES = [
  { family: "IPv4" as const, gateway: "192.0.2.254", interface: 2, metric: 100 },
  { family: "IPv6" as const, gateway: null, interface: 3, metric: 9 },
];
const BEFORE = makeSnapshot([ETH0, WG0], ROUTES, ["192.0.2.53"]);

describe("the tables", () => {
  it("show interfaces, each address in a row, routes and name servers", () => {
    expect(describeSnapshot(BEFORE, plain).split("\n")).toEqual([
      "INDEX  NAME  KIND    STATE    MTU   HARDWARE           ADDRESSES",
      "2      eth0  wired   up       1500  02:00:5e:10:00:01  192.0.2.1/24",
      "                                                       2001:db8::1/24 (tentative)",
      "3      wg0   tunnel  no link  1500  -                  -",
      "",
      "DEFAULT ROUTE  GATEWAY      INTERFACE  METRIC",
      "IPv4           192.0.2.254  eth0       100",
      "IPv6           on the link  wg0        9",
      "",
      "NAME SERVERS  192.0.2.53",
    ]);
  });

  it("say where there is nothing", () => {
    const text = describeSnapshot(makeSnapshot([link(2, "eth0", { up: false })], [], []), plain);
    expect(text).toMatch(/eth0 +wired +down/);
    expect(text).toContain("no default route");
    expect(text).toContain("NAME SERVERS  none");
  });
});

test.each<[string, NetworkInterface[], typeof ROUTES, string[], boolean, string[]]>([
  [
    "an interface that came",
    [ETH0, WG0, link(4, "new0")],
    ROUTES,
    ["192.0.2.53"],
    false,
    ["new0: new, wired, up"],
  ],
  ["one that went", [ETH0], ROUTES, ["192.0.2.53"], false, ["wg0: gone"]],
  [
    "one that is different",
    [{ ...ETH0, name: "lan", up: false, mtuBytes: 1_400, addresses: [address("192.0.2.2")] }, WG0],
    ROUTES,
    ["192.0.2.53"],
    false,
    [
      "lan: was named eth0",
      "lan: down",
      "lan: MTU 1400, was 1500",
      "lan: + 192.0.2.2/24",
      "lan: - 192.0.2.1/24",
      "lan: - 2001:db8::1/24 (tentative)",
    ],
  ],
  [
    "one that is different in what has no column",
    [{ ...ETH0, multicast: false }, WG0],
    ROUTES,
    ["192.0.2.53"],
    false,
    ["eth0: changed"],
  ],
  [
    "default routes",
    [ETH0, WG0],
    ROUTES.slice(1),
    ["192.0.2.53"],
    true,
    ["default routes: on the link on wg0"],
  ],
  ["no default routes", [ETH0, WG0], [], ["192.0.2.53"], false, ["default routes: none"]],
  ["other routes", [ETH0, WG0], ROUTES, ["192.0.2.53"], true, ["routes: changed"]],
  ["name servers", [ETH0, WG0], ROUTES, [], false, ["name servers: none"]],
])("a change: %s", (_, interfaces, routes, servers, routesChanged, lines) => {
  const after = makeSnapshot(interfaces, routes, servers);
  const change = compareSnapshots(BEFORE, after, routesChanged) as PathChange;
  expect(describeChange(change)).toEqual(lines);
});

test("a path on one line", () => {
  const nothing = { interface: null, sourceAddress: null, gateway: null, mtuBytes: null };
  expect(describePath({ status: "unsatisfied", ...nothing })).toBe("unsatisfied");
  const [sourceAddress, gateway] = ["192.0.2.1", "192.0.2.254"];
  expect(
    describePath({ status: "satisfied", interface: ETH0, sourceAddress, gateway, mtuBytes: 1_400 }),
  ).toBe("satisfied, through eth0 (wired), from 192.0.2.1, by way of 192.0.2.254, MTU 1400");
});

describe("hawser paths", () => {
  it("shows the interfaces of this host", async () => {
    const run = hawser("paths");
    expect(await run.ended()).toBe(0);
    for (const { name } of listInterfaces()) expect(run.out).toContain(name);
    expect(run.out).toMatch(/lo\d* +loopback +up/);
    expect(run.err).toBe("");
  });

  it("--json is the snapshot", async () => {
    const run = hawser("paths", "--json");
    expect(await run.ended()).toBe(0);
    const { interfaces, defaultRoutes, dnsServers } = JSON.parse(run.out);
    expect(interfaces.map(({ name }: NetworkInterface) => name)).toEqual(
      listInterfaces().map(({ name }) => name),
    );
    expect(Array.isArray(defaultRoutes) && Array.isArray(dnsServers)).toBe(true);
  });

  it("shows the path to an address", async () => {
    const run = hawser("paths", "127.0.0.1");
    expect(await run.ended()).toBe(0);
    expect(run.out).toMatch(
      /^satisfied, through lo\d* \(loopback\), from 127\.0\.0\.1, MTU \d+\n$/,
    );
    const json = hawser("paths", "127.0.0.1", "--json");
    expect(await json.ended()).toBe(0);
    expect(JSON.parse(json.out)).toMatchObject({ status: "satisfied", gateway: null });
  });

  it.each(["SIGINT", "SIGTERM"] as const)("--watch goes on until %s", async (signal) => {
    const run = hawser("paths", "--watch");
    await run.says("out", /NAME SERVERS/);
    run.child.kill(signal);
    expect(await run.ended()).toBe(0);
    expect(run.err).toBe("");
  });

  it.each([
    [["paths", "localhost"], "literal ADDRESS"],
    [["paths", "127.0.0.1", "::1"], "one ADDRESS"],
    [["paths", "--debounce", "5"], "--debounce takes a duration"],
    [["paths", "--nonsense"], "--nonsense"],
  ])("%j is wrong usage", async (args, why) => {
    const run = hawser(...args);
    expect(await run.ended()).toBe(2);
    expect(run.err).toContain(why);
  });
});
