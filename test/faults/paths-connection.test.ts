// Connections whose networks come and go beneath them (B5, B52, B53): addresses, links and routes
// of the client's, name servers, storms. What they carry is compared byte by byte afterwards.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { type Hosts, nothingFor, scenarios } from "./support/hosts.ts";
import { CLIENT_ADDRESS, SERVER_ADDRESS } from "./support/network.ts";
import { addSecondLink, change, PathClient, type PathConnection } from "./support/path-client.ts";
import { sharedNow, slowness } from "./support/program.ts";

// Others that start their programs meanwhile would be measured as well.
vi.setConfig({ maxConcurrency: 2 });

const DNS = join(import.meta.dirname, "peers", "dns.py");
const PORT = 7_000;
const ENDPOINT = `tcp://${SERVER_ADDRESS}:${PORT}`;
const DEFAULT_ROUTE = "ip route replace default via 10.71.1.1";
const BACK_WITHIN_MS = 500 * slowness;
const TOLD_WITHIN_MS = 200 * slowness;
const WAITING = { waitForConnectivity: true };

/** A client, and an echo on the server. */
async function begin(hosts: Hosts): Promise<PathClient> {
  const [client, peer] = await Promise.all([PathClient.start(hosts), hosts.node("server")]);
  await peer.ask("listen", { port: PORT, echo: true });
  return client;
}

async function ready(hosts: Hosts, options: object = {}): Promise<PathConnection> {
  const client = await begin(hosts);
  const connection = await client.make(ENDPOINT, options);
  await connection.until("ready");
  return connection;
}

/** From `waiting` to `ready` by a change, and in time; then data flows. */
async function becomesReady(hosts: Hosts, connection: PathConnection, cure: string) {
  const before = sharedNow();
  const curedAt = await change(hosts, cure);
  const { at } = await connection.until("ready");
  expect((at as number) - curedAt).toBeLessThan(BACK_WITHIN_MS);
  expect(at).toBeGreaterThan(before);
  expect(await connection.echoes(100_000)).toBe(true);
}

scenarios("waiting", {
  async "B5 without a route: ENETUNREACH, and ready within 500 ms of its return"(hosts) {
    const client = await begin(hosts);
    await change(hosts, "ip route del default");
    const connection = await client.make(ENDPOINT, WAITING);
    expect(await connection.until("waiting")).toMatchObject({ code: "ENETUNREACH" });
    await nothingFor(200);
    await becomesReady(hosts, connection, DEFAULT_ROUTE);
    expect(await connection.info()).toMatchObject({ waits: expect.any(Number) });
  },

  async "B5 the default is to fail at once"(hosts) {
    const client = await begin(hosts);
    await change(hosts, "ip route del default");
    const connection = await client.make(ENDPOINT);
    expect(await connection.next("ended")).toMatchObject({
      code: "ENETUNREACH",
      initiator: "network",
    });
  },

  async "B5 while the interface is down, and back with its address and routes"(hosts) {
    const client = await begin(hosts);
    await change(hosts, "ip link set eth0 down");
    const connection = await client.make(ENDPOINT, WAITING);
    expect(await connection.until("waiting")).toMatchObject({ code: "ENETUNREACH" });
    await becomesReady(hosts, connection, `ip link set eth0 up; ${DEFAULT_ROUTE}`);
  },

  async "B5 for a local address that comes: EADDRNOTAVAIL until then"(hosts) {
    const client = await begin(hosts);
    const connection = await client.make(ENDPOINT, { ...WAITING, localAddress: "10.71.1.7" });
    expect(await connection.until("waiting")).toMatchObject({ code: "EADDRNOTAVAIL" });
    await becomesReady(hosts, connection, "ip address add 10.71.1.7/24 dev eth0");
    expect(await connection.info()).toMatchObject({ localAddress: "10.71.1.7" });
  },

  async "B5 for an interface that comes: ENODEV until then"(hosts) {
    const client = await begin(hosts);
    const connection = await client.make(ENDPOINT, { ...WAITING, interface: "eth1" });
    expect(await connection.until("waiting")).toMatchObject({ code: "ENODEV" });
    await addSecondLink(hosts);
    const route = "ip route replace default via 10.72.1.1 dev eth1 metric 50";
    await becomesReady(hosts, connection, route);
    expect(await connection.info()).toMatchObject({ localAddress: "10.72.1.2" });
  },

  async "B5 for a name server out of reach: EAI_AGAIN, and the name is asked for again"(hosts) {
    // Read by ip-netns(8), which puts it in the place of the host's own.
    const folder = join("/etc/netns", hosts.network.namespace("client"));
    mkdirSync(folder, { recursive: true });
    try {
      writeFileSync(join(folder, "resolv.conf"), `nameserver ${SERVER_ADDRESS}\n`);
      const dns = hosts.start("server", "python3", "-u", DNS, SERVER_ADDRESS);
      await dns.event(({ event }) => event === "started");
      const client = await begin(hosts);
      await change(hosts, "ip route del default");
      const connection = await client.make(`tcp://echo.example:${PORT}`, WAITING);
      expect(await connection.until("waiting")).toMatchObject({ code: "EAI_AGAIN" });
      await becomesReady(hosts, connection, DEFAULT_ROUTE);
      expect(await connection.info()).toMatchObject({ phases: ["resolve", "connect"] });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },

  async "B5 a storm of changes makes few tries, and the last change is answered in time"(hosts) {
    const client = await begin(hosts);
    await change(hosts, "ip route del default");
    const connection = await client.make(ENDPOINT, WAITING);
    await connection.until("waiting");
    const startedAt = sharedNow();
    const storm = Array.from(
      { length: 500 },
      () => "address add 10.9.9.9/32 dev eth0\naddress del 10.9.9.9/32 dev eth0",
    ).join("\n");
    const endedAt = await change(hosts, `ip -batch - <<'STORM'\n${storm}\nSTORM`);
    await nothingFor(300);
    const tries = connection.untaken("state").filter(({ state }) => state === "preparing");
    expect(tries.length).toBeGreaterThan(0);
    expect(tries.length).toBeLessThanOrEqual((endedAt - startedAt) / 200 + 3);
    await becomesReady(hosts, connection, DEFAULT_ROUTE);
  },

  async "B5 a cure on the way, of which nothing shows here, is found by time (1 s)"(hosts) {
    const client = await begin(hosts);
    await hosts.network.run("router", "ip route add unreachable 10.71.2.2/32");
    const connection = await client.make(ENDPOINT, WAITING);
    expect(await connection.until("waiting")).toMatchObject({ code: "EHOSTUNREACH" });
    await hosts.network.run("router", "ip route del unreachable 10.71.2.2/32");
    const curedAt = sharedNow();
    const { at } = await connection.until("ready");
    expect((at as number) - curedAt).toBeLessThan(1_500 * slowness);
    expect(await connection.echoes(10_000)).toBe(true);
  },

  async "B5 restart() tries at once; abort() leaves nothing open"(hosts) {
    const client = await begin(hosts);
    const { openSlots } = await client.program.ask("counters");
    await change(hosts, "ip route del default");
    const connection = await client.make(ENDPOINT, WAITING);
    await connection.until("waiting");
    await connection.ask("restart");
    expect(await connection.next("state")).toMatchObject({ state: "preparing" });
    await connection.until("waiting");
    await connection.ask("abort");
    expect(await connection.next("ended")).toMatchObject({ code: null, initiator: "local" });
    expect(await client.program.ask("counters")).toMatchObject({ openSlots });
  },
});

/** By the first link, or by one whose carrier the kernel tells of at once. */
interface Way {
  readonly device: "eth0" | "eth1";
  readonly address: string;
  readonly route: string;
}

const FIRST: Way = { device: "eth0", address: CLIENT_ADDRESS, route: DEFAULT_ROUTE };
const SECOND: Way = {
  device: "eth1",
  address: "10.72.1.2",
  route: "ip route replace default via 10.72.1.1",
};

/**
 * Where both ends of a link have the same index the kernel takes it for a card, whose changes it
 * tells at most once a second for all links of the machine (net/core/link_watch.c). The ends of the
 * second link have different ones.
 */
async function useSecondLink(hosts: Hosts): Promise<void> {
  await addSecondLink(hosts);
  await change(hosts, SECOND.route);
}

/** Not viable and viable again by two changes, in time; then data flows, that of meanwhile too. */
async function losesAndFinds(
  hosts: Hosts,
  { device, address }: Way,
  loss: () => Promise<number>,
  cure: () => Promise<number>,
) {
  const connection = await ready(hosts, { viable: true });
  expect(await connection.echoes(100_000)).toBe(true);
  expect(await connection.info()).toMatchObject({
    viable: true,
    path: { status: "satisfied", interface: device, sourceAddress: address },
  });
  const lostAt = await loss();
  const lost = await connection.next("viable");
  expect(lost).toMatchObject({ viable: false });
  expect((lost.at as number) - lostAt).toBeLessThan(TOLD_WITHIN_MS);
  expect(await connection.info()).toMatchObject({ state: "ready", viable: false });
  const echoed = connection.echoes(50_000);
  await nothingFor(100);
  const curedAt = await cure();
  const found = await connection.next("viable");
  expect(found).toMatchObject({ viable: true });
  expect((found.at as number) - curedAt).toBeLessThan(TOLD_WITHIN_MS);
  expect(await echoed).toBe(true);
  expect(connection.untaken("viable")).toEqual([]);
}

scenarios("viable", {
  async "B52 the local address goes and comes: false and true within 200 ms"(hosts) {
    await losesAndFinds(
      hosts,
      FIRST,
      () => change(hosts, `ip address del ${CLIENT_ADDRESS}/24 dev eth0`),
      () => change(hosts, `ip address add ${CLIENT_ADDRESS}/24 dev eth0; ${DEFAULT_ROUTE}`),
    );
  },

  async "B52 the link loses its carrier and finds it again: false and true within 200 ms"(hosts) {
    await useSecondLink(hosts);
    const link = async (state: string) => {
      await hosts.network.run("router", `ip link set toclient2 ${state}`);
      return sharedNow();
    };
    await losesAndFinds(
      hosts,
      SECOND,
      () => link("down"),
      () => link("up"),
    );
  },

  async "B52 the interface is set down and up: false and true within 200 ms"(hosts) {
    await useSecondLink(hosts);
    await losesAndFinds(
      hosts,
      SECOND,
      () => change(hosts, "ip link set eth1 down"),
      () => change(hosts, `ip link set eth1 up; ${SECOND.route}`),
    );
  },

  async "B52 the route goes and comes"(hosts) {
    await losesAndFinds(
      hosts,
      FIRST,
      () => change(hosts, "ip route del default"),
      () => change(hosts, DEFAULT_ROUTE),
    );
  },

  async "B52 a storm of 1,000 changes: no flapping, and the truth at its end"(hosts) {
    const connection = await ready(hosts, { viable: true });
    const storm = Array.from(
      { length: 500 },
      () => "route del default\nroute add default via 10.71.1.1",
    ).join("\n");
    await change(hosts, `ip -batch - <<'STORM'\n${storm}\nSTORM`);
    await nothingFor(500);
    const told = connection.untaken("viable");
    expect(told.length).toBeLessThanOrEqual(2);
    expect(await connection.info()).toMatchObject({ viable: true, state: "ready" });
    expect(await connection.echoes(100_000)).toBe(true);
    const lostAt = await change(hosts, `ip -batch - <<'STORM'\n${storm}\nroute del default\nSTORM`);
    for (let at = 0; at < told.length; at++) await connection.next("viable");
    let last = await connection.next("viable");
    while (last.viable === true) last = await connection.next("viable");
    expect((last.at as number) - lostAt).toBeLessThan(TOLD_WITHIN_MS);
    await nothingFor(300);
    expect(connection.untaken("viable")).toEqual([]);
  },

  async "viabilityTimeout: ENETDOWN with the reason after it, and not where the path is back"(
    hosts,
  ) {
    const client = await begin(hosts);
    const options = { viable: true, viabilityTimeout: 1_000 };
    const connection = await client.make(ENDPOINT, options);
    await connection.until("ready");
    await change(hosts, "ip route del default");
    await connection.next("viable");
    await nothingFor(500);
    await change(hosts, DEFAULT_ROUTE);
    expect(await connection.next("viable")).toMatchObject({ viable: true });
    await nothingFor(1_200);
    expect(await connection.echoes(10_000)).toBe(true);
    await change(hosts, "ip route del default");
    const lost = await connection.next("viable");
    const ended = await connection.next("ended");
    expect(ended).toMatchObject({
      code: "ENETDOWN",
      reason: "VIABILITY_TIMEOUT",
      phase: "open",
      initiator: "network",
    });
    expect((ended.at as number) - (lost.at as number)).toBeGreaterThan(990);
    expect((ended.at as number) - (lost.at as number)).toBeLessThan(1_000 + TOLD_WITHIN_MS);
  },
});

/** An echo on the router itself, over IPv6. */
async function echoOnRouter(hosts: Hosts): Promise<void> {
  hosts.start("router", "socat", `TCP6-LISTEN:${PORT},reuseaddr,fork`, "PIPE");
  const listening = () => hosts.network.run("router", `ss -Hltn sport = :${PORT}`);
  while ((await listening()) === "") await nothingFor(20);
}

scenarios("IPv6", {
  async "B52 an address goes with its interface, and comes back: false and true"(hosts) {
    await addSecondLink(hosts);
    const address = "ip address replace fd72::2/64 dev eth1 nodad";
    await hosts.network.run("router", "ip address add fd72::1/64 dev toclient2 nodad");
    await change(hosts, address);
    await echoOnRouter(hosts);
    const client = await PathClient.start(hosts);
    const connection = await client.make(`tcp://[fd72::1]:${PORT}`, { viable: true });
    await connection.until("ready");
    expect(await connection.info()).toMatchObject({
      viable: true,
      path: { interface: "eth1", sourceAddress: "fd72::2" },
    });
    const lostAt = await change(hosts, "ip link set eth1 down");
    const lost = await connection.next("viable");
    expect(lost).toMatchObject({ viable: false });
    expect((lost.at as number) - lostAt).toBeLessThan(TOLD_WITHIN_MS);
    const foundAt = await change(hosts, `ip link set eth1 up; ${address}`);
    const found = await connection.next("viable");
    expect(found).toMatchObject({ viable: true });
    expect((found.at as number) - foundAt).toBeLessThan(TOLD_WITHIN_MS);
    expect(await connection.echoes(10_000)).toBe(true);
  },

  async "B5 a link-local peer: waits for the zone's interface, and for an address there (DAD)"(
    hosts,
  ) {
    await echoOnRouter(hosts);
    const client = await PathClient.start(hosts);
    const connection = await client.make(`tcp://[fe80::1%eth1]:${PORT}`, WAITING);
    expect(await connection.until("waiting")).toMatchObject({ code: "ENODEV" });
    await addSecondLink(hosts);
    await hosts.network.run("router", "ip address add fe80::1/64 dev toclient2 nodad");
    // Its own address is looked for in the link for about a second before it may be used.
    await connection.until("ready");
    expect(await connection.info()).toMatchObject({
      viable: true,
      path: { status: "satisfied", interface: "eth1" },
    });
    expect(await connection.echoes(10_000)).toBe(true);
  },
});

const SECOND_ROUTE = "ip route replace default via 10.72.1.1 dev eth1 metric 200";

/** Segments of the client's that came to the router through its first link. */
async function countedOnFirstLink(hosts: Hosts): Promise<number> {
  const rules = await hosts.network.run("router", "nft list chain inet count forward");
  return Number(/packets (?<count>\d+)/.exec(rules)?.groups?.["count"] ?? Number.NaN);
}

function countOnFirstLink(hosts: Hosts): Promise<string> {
  return hosts.network.run(
    "router",
    `nft add table inet count
     nft add chain inet count forward '{ type filter hook forward priority 0; }'
     nft add rule inet count forward iifname toclient meta l4proto tcp counter`,
  );
}

scenarios("several interfaces", {
  async "B53 a better path is announced and not taken; that it is gone is told too"(hosts) {
    await addSecondLink(hosts);
    await change(hosts, `ip route del default; ${SECOND_ROUTE}`);
    const connection = await ready(hosts, { viable: true, betterPath: true });
    expect(await connection.info()).toMatchObject({ localAddress: "10.72.1.2", betterPath: null });
    const addedAt = await change(hosts, DEFAULT_ROUTE);
    const better = await connection.next("betterPath");
    expect(better).toMatchObject({
      path: { interface: "eth0", sourceAddress: CLIENT_ADDRESS, gateway: "10.71.1.1" },
    });
    expect((better.at as number) - addedAt).toBeLessThan(TOLD_WITHIN_MS);
    expect(await connection.echoes(100_000)).toBe(true);
    expect(await connection.info()).toMatchObject({ localAddress: "10.72.1.2", state: "ready" });
    await change(hosts, "ip route del default via 10.71.1.1");
    expect(await connection.next("betterPath")).toMatchObject({ path: null });
    expect(await connection.echoes(100_000)).toBe(true);
    expect(connection.untaken("viable")).toEqual([]);
  },

  async "B53 a path that comes and goes quickly is not announced"(hosts) {
    await addSecondLink(hosts);
    await change(hosts, `ip route del default; ${SECOND_ROUTE}`);
    const connection = await ready(hosts, { betterPath: true });
    const storm = Array.from(
      { length: 500 },
      () => "route add default via 10.71.1.1\nroute del default via 10.71.1.1",
    ).join("\n");
    await change(hosts, `ip -batch - <<'STORM'\n${storm}\nSTORM`);
    await nothingFor(400);
    const told = connection.untaken("betterPath");
    expect(told.length).toBeLessThanOrEqual(2);
    if (told.length > 0) expect(told.at(-1)).toMatchObject({ path: null });
    expect(await connection.info()).toMatchObject({ betterPath: null });
  },

  async "prohibitedInterfaces: another one is used, and not a single segment goes astray"(hosts) {
    await addSecondLink(hosts);
    await change(hosts, SECOND_ROUTE);
    await countOnFirstLink(hosts);
    const connection = await ready(hosts, { prohibitedInterfaces: ["eth0"], viable: true });
    expect(await connection.info()).toMatchObject({
      localAddress: "10.72.1.2",
      path: { interface: "eth1" },
    });
    expect(await connection.echoes(100_000)).toBe(true);
    // The only way that is left is the one that is prohibited.
    await change(hosts, "ip route del default via 10.72.1.1");
    expect(await connection.next("viable")).toMatchObject({ viable: false });
    const echoed = connection.echoes(10_000);
    await nothingFor(500);
    expect(await countedOnFirstLink(hosts)).toBe(0);
    await change(hosts, SECOND_ROUTE);
    expect(await connection.next("viable")).toMatchObject({ viable: true });
    expect(await echoed).toBe(true);
    expect(await countedOnFirstLink(hosts)).toBe(0);
  },

  async "prohibitedInterfaces with no other way: ENETUNREACH and why; or waiting for one"(hosts) {
    const client = await begin(hosts);
    await countOnFirstLink(hosts);
    const options = { prohibitedInterfaces: ["eth0"] };
    const failed = await client.make(ENDPOINT, options);
    expect(await failed.next("ended")).toMatchObject({
      code: "ENETUNREACH",
      reason: "PROHIBITED_INTERFACE",
    });
    const connection = await client.make(ENDPOINT, { ...options, ...WAITING });
    expect(await connection.until("waiting")).toMatchObject({ reason: "PROHIBITED_INTERFACE" });
    await addSecondLink(hosts);
    await becomesReady(hosts, connection, SECOND_ROUTE);
    expect(await connection.info()).toMatchObject({ localAddress: "10.72.1.2" });
    expect(await countedOnFirstLink(hosts)).toBe(0);
  },
});
