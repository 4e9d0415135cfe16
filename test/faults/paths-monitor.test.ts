// The networks of a host as a monitor sees them, while links, addresses, routes and name servers
// come and go (B52, B53). What it says is compared with what ip(8) says.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { nodeArguments } from "../support/environment.ts";
import { type Hosts, scenarios } from "./support/hosts.ts";
import { CLIENT_ADDRESS, SERVER_ADDRESS } from "./support/network.ts";
import {
  asIpSays,
  type Change,
  type Interface,
  inWordsOfIp,
  type View,
} from "./support/paths-view.ts";
import { type Program, sharedNow, slowness } from "./support/program.ts";

// Others that start their programs meanwhile would be measured as well.
vi.setConfig({ maxConcurrency: 2 });

const WATCHER = join(import.meta.dirname, "support", "paths-watcher.ts");
const HEARD_WITHIN_MS = 200 * slowness;
const DEBOUNCE_MS = 100;

/** Begins to watch the client's networks. */
async function watch(hosts: Hosts, debounce = DEBOUNCE_MS): Promise<Program> {
  const tsx = ["--import", "tsx", WATCHER];
  const program = hosts.start("client", "env", ...nodeArguments(), process.execPath, ...tsx);
  await program.event(({ event }) => event === "started");
  await program.ask("start", { debounce });
  return program;
}

const view = async (program: Program) => (await program.ask("view")) as View;

/**
 * Does something on the client. The change that the watch hears of it, in time: from when it was
 * over at the latest.
 */
async function heard(
  hosts: Hosts,
  program: Program,
  script: string,
  isIt: (change: Change) => boolean,
): Promise<Change> {
  const before = sharedNow();
  await hosts.network.run("client", script);
  const after = sharedNow();
  const change = (await program.event(
    (line) => line.event === "heard" && (line.at as number) >= before && isIt(line as Change),
  )) as Change;
  expect(change.at - after, script).toBeLessThan(HEARD_WITHIN_MS);
  return change;
}

/** Whether an interface is different, and is now as `isIt` says. */
const becomes =
  (name: string, isIt: (after: Interface) => boolean) =>
  ({ changed }: Change) =>
    changed.some(({ after }) => after.name === name && isIt(after));

const has = (address: string, state = "preferred") =>
  becomes("eth0", ({ addresses }) =>
    addresses.some((one) => one.address === address && one.state === state),
  );
const hasNot = (address: string) =>
  becomes("eth0", ({ addresses }) => !addresses.some((one) => one.address === address));

/**
 * When the host is quiet: the snapshot is what ip(8) says and what a fresh list says, and all that
 * was told leads there.
 */
async function isWhatThereIs(hosts: Hosts, program: Program): Promise<void> {
  await vi.waitFor(
    async () => {
      const seen = await view(program);
      expect(inWordsOfIp(seen.snapshot)).toEqual(await asIpSays(hosts));
      expect(seen.snapshot).toMatchObject(seen.fresh);
      expect(seen.told).toEqual(seen.snapshot.interfaces);
      expect(seen.isFaithful).toBe(true);
    },
    { timeout: 10_000 * slowness, interval: 50 },
  );
}

/** A thousand changes, and two more by which they end as something else than they began. */
const STORM = [
  ...Array.from({ length: 250 }, (_, index) => [
    `address add 10.9.${index}.1/24 dev eth0`,
    `link set eth0 mtu ${1_300 + (index % 100)}`,
    `route add 10.8.${index}.0/24 via 10.71.1.1`,
    `address del 10.9.${index}.1/24 dev eth0`,
  ]).flat(),
  "address add 10.9.0.77/24 dev eth0",
  "route add default via 10.71.1.1 metric 77",
].join("\n");

async function storm(hosts: Hosts): Promise<number> {
  const before = sharedNow();
  await hosts.network.run("client", `ip -batch - <<'COMMANDS'\n${STORM}\nCOMMANDS`);
  return sharedNow() - before;
}

scenarios("paths of a host", {
  async "at the beginning they are what ip(8) says"(hosts) {
    await hosts.network.run(
      "client",
      `ip address add 2001:db8::1/64 dev eth0 nodad
       ip address add 2001:db8::2/64 dev eth0 nodad preferred_lft 0
       ip address add 10.71.1.9/24 brd + dev eth0
       ip -6 route add default via 2001:db8::ff metric 9
       ip route append default metric 5 nexthop via 10.71.1.3 dev eth0 \\
         nexthop via 10.71.1.4 dev eth0
       ip link add bridge0 type bridge
       ip link add link eth0 name macvlan0 type macvlan
       ip tuntap add tunnel0 mode tun
       ip tuntap add tap0 mode tap`,
    );
    const program = await watch(hosts);
    await isWhatThereIs(hosts, program);
    const { interfaces } = (await view(program)).snapshot;
    const kinds = Object.fromEntries(interfaces.map(({ name, kind }) => [name, kind]));
    expect(kinds).toMatchObject({
      lo: "loopback",
      eth0: "virtual",
      bridge0: "bridge",
      macvlan0: "virtual",
      tunnel0: "tunnel",
      tap0: "virtual",
    });
  },

  async "B52 each change of a link is heard within 200 ms"(hosts) {
    // A pair in one namespace: of a carrier that is lost elsewhere the kernel may tell up to a
    // second late, because links all over the machine have changed (net/core/link_watch.c).
    await hosts.network.run(
      "client",
      "ip link add near type veth peer name far; ip link set near up; ip link set far up",
    );
    const program = await watch(hosts);
    const hear = (script: string, isIt: (change: Change) => boolean) =>
      heard(hosts, program, script, isIt);
    await hear(
      "ip link set far down",
      becomes("near", ({ up, running }) => up && !running),
    );
    await hear(
      "ip link set far up",
      becomes("near", ({ running }) => running),
    );
    await hear(
      "ip link set eth0 down",
      becomes("eth0", ({ up }) => !up),
    );
    await hear(
      "ip link set eth0 up",
      becomes("eth0", ({ up, running }) => up && running),
    );
    await hear(
      "ip link set eth0 mtu 1400",
      becomes("eth0", ({ mtuBytes }) => mtuBytes === 1_400),
    );
    await hear("ip link add extra type veth peer name other", ({ added }) =>
      added.some(({ name }) => name === "extra"),
    );
    await hear(
      "ip link set extra name renamed",
      becomes("renamed", ({ index }) => index > 0),
    );
    await hear("ip link del renamed", ({ removed }) =>
      removed.some(({ name }) => name === "renamed"),
    );
    await isWhatThereIs(hosts, program);
  },

  async "B52 each change of an address is heard within 200 ms"(hosts) {
    const program = await watch(hosts);
    const hear = (script: string, isIt: (change: Change) => boolean) =>
      heard(hosts, program, script, isIt);
    await hear("ip address add 10.9.9.9/24 dev eth0", has("10.9.9.9"));
    await hear("ip address del 10.9.9.9/24 dev eth0", hasNot("10.9.9.9"));
    await hear("ip address add 2001:db8::9/64 dev eth0 nodad", has("2001:db8::9"));
    await hear(
      "ip address change 2001:db8::9/64 dev eth0 preferred_lft 0",
      has("2001:db8::9", "deprecated"),
    );
    await hear("ip address del 2001:db8::9/64 dev eth0", hasNot("2001:db8::9"));
    await hear("ip address add 2001:db8::7/64 dev eth0", has("2001:db8::7", "tentative"));
    // Duplicate address detection takes its second (RFC 4862 section 5.4).
    await program.event((line) => line.event === "heard" && has("2001:db8::7")(line as Change));
    await isWhatThereIs(hosts, program);
  },

  async "an address that another host has is duplicated"(hosts) {
    const program = await watch(hosts);
    await hosts.network.run("router", "ip address add 2001:db8::5/64 dev toclient nodad");
    await hosts.network.run("client", "ip address add 2001:db8::5/64 dev eth0");
    const duplicated = has("2001:db8::5", "duplicated");
    await program.event((line) => line.event === "heard" && duplicated(line as Change));
    const question = { localAddress: "2001:db8::5" };
    const path = await program.ask("path", { address: "2001:db8::6", question });
    expect(path.status).toBe("unsatisfied");
  },

  async "B52 each change of a route is heard within 200 ms"(hosts) {
    const program = await watch(hosts);
    const defaults = ({ defaultRoutesChanged }: Change) => defaultRoutesChanged;
    const others = (change: Change) => change.routesChanged && !change.defaultRoutesChanged;
    const hear = (script: string, isIt: (change: Change) => boolean) =>
      heard(hosts, program, script, isIt);
    await hear("ip route del default", defaults);
    const { defaultRoutes } = (await view(program)).snapshot;
    expect(defaultRoutes).not.toContainEqual(expect.objectContaining({ family: "IPv4" }));
    await hear("ip route add default via 10.71.1.1", defaults);
    await hear("ip route add 10.50.0.0/16 via 10.71.1.1", others);
    await hear("ip route replace 10.50.0.0/16 via 10.71.1.7", others);
    await hear("ip route del 10.50.0.0/16", others);
    await hear("ip rule add from 10.60.0.1 lookup 60", others);
    await hear("ip -6 rule add from 2001:db8::60 lookup 60", others);
    await hear("ip route add default via 10.71.1.9 metric 9", defaults);
    await isWhatThereIs(hosts, program);
  },

  async "routes that the kernel drops without a word, with a link or an address, are gone"(hosts) {
    const program = await watch(hosts);
    await heard(
      hosts,
      program,
      "ip link set eth0 down",
      ({ defaultRoutesChanged }) => defaultRoutesChanged,
    );
    await isWhatThereIs(hosts, program);
    expect((await view(program)).snapshot.defaultRoutes).toEqual([]);
    await hosts.network.run(
      "client",
      `ip link set eth0 up
       ip address add 10.71.1.3/24 dev eth0
       ip route add default via 10.71.1.1 src 10.71.1.3`,
    );
    await isWhatThereIs(hosts, program);
    expect((await view(program)).snapshot.defaultRoutes).toHaveLength(1);
    await heard(
      hosts,
      program,
      "ip address del 10.71.1.3/24 dev eth0",
      ({ defaultRoutesChanged }) => defaultRoutesChanged,
    );
    await isWhatThereIs(hosts, program);
  },

  async "name servers are followed"(hosts) {
    const folder = `/etc/netns/${hosts.network.namespace("client")}`;
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "resolv.conf");
    writeFileSync(file, "nameserver 192.0.2.53\n");
    try {
      const program = await watch(hosts);
      expect((await view(program)).snapshot.dnsServers).toEqual(["192.0.2.53"]);
      writeFileSync(file, "nameserver 192.0.2.54\nnameserver 2001:db8::53\n");
      await program.event(
        ({ event, dnsServersChanged }) => event === "heard" && !!dnsServersChanged,
      );
      expect((await view(program)).snapshot.dnsServers).toEqual(["192.0.2.54", "2001:db8::53"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },

  async "the path to a destination is what the kernel would use, and follows it"(hosts) {
    const program = await watch(hosts);
    const path = async (address: string, question: object = {}) =>
      program.ask("path", { address, question });
    expect(await path(SERVER_ADDRESS)).toMatchObject({
      status: "satisfied",
      interface: "eth0",
      sourceAddress: CLIENT_ADDRESS,
      gateway: "10.71.1.1",
      mtuBytes: 1_500,
    });
    expect(await path("10.71.1.77")).toMatchObject({ status: "satisfied", gateway: null });
    expect(await path(CLIENT_ADDRESS)).toMatchObject({ status: "satisfied", interface: "lo" });
    await hosts.network.run("client", `ip route add ${SERVER_ADDRESS} via 10.71.1.1 mtu 1300`);
    expect((await path(SERVER_ADDRESS)).mtuBytes).toBe(1_300);
    for (const refusal of ["unreachable", "prohibit", "blackhole"]) {
      await hosts.network.run("client", `ip route replace ${refusal} ${SERVER_ADDRESS}`);
      expect((await path(SERVER_ADDRESS)).status, refusal).toBe("unsatisfied");
      await hosts.network.run("client", `ip route del ${refusal} ${SERVER_ADDRESS}`);
    }
    await heard(hosts, program, "ip address add 10.71.1.5/24 dev eth0", has("10.71.1.5"));
    const question = { localAddress: "10.71.1.5" };
    expect(await path(SERVER_ADDRESS, question)).toMatchObject({
      status: "satisfied",
      sourceAddress: "10.71.1.5",
    });
    await heard(hosts, program, "ip address del 10.71.1.5/24 dev eth0", hasNot("10.71.1.5"));
    expect((await path(SERVER_ADDRESS, question)).status).toBe("unsatisfied");
    await hosts.network.linkDown("client");
    const lost = becomes("eth0", ({ running }) => !running);
    await program.event((line) => line.event === "heard" && lost(line as Change));
    expect(await path(SERVER_ADDRESS)).toMatchObject({ status: "unsatisfied", interface: "eth0" });
    await hosts.network.run("client", "ip route del default");
    expect(await path(SERVER_ADDRESS)).toMatchObject({ status: "unsatisfied", interface: null });
  },

  async "the path within an interface, and by the routes of a rule"(hosts) {
    await hosts.network.run(
      "client",
      `ip link add second type veth peer name far
       ip address add 10.72.0.2/24 dev second; ip link set second up; ip link set far up
       ip route add default via 10.72.0.1 metric 500
       ip rule add to 10.99.0.0/16 lookup 99
       ip route add default via 10.72.0.3 table 99`,
    );
    const program = await watch(hosts);
    const { interfaces } = (await view(program)).snapshot;
    const index = interfaces.find(({ name }) => name === "second")?.index;
    const path = async (address: string, question: object = {}) =>
      program.ask("path", { address, question });
    expect(await path(SERVER_ADDRESS)).toMatchObject({ interface: "eth0" });
    expect(await path(SERVER_ADDRESS, { interface: index })).toMatchObject({
      interface: "second",
      gateway: "10.72.0.1",
      sourceAddress: "10.72.0.2",
    });
    expect(await path("10.99.1.1")).toMatchObject({ interface: "second", gateway: "10.72.0.3" });
    expect((await path("fe80::1%second")).interface).toBe("second");
    expect((await path(SERVER_ADDRESS, { interface: 60_000 })).status).toBe("unsatisfied");
  },

  async "B53 a storm of 1,000 changes does not flap, and none is lost"(hosts) {
    const program = await watch(hosts);
    const took = await storm(hosts);
    await isWhatThereIs(hosts, program);
    const told = program.events.filter(({ event }) => event === "told");
    // Each needs a time of quiet before it, which a machine under load may give in the midst.
    expect(told.length).toBeGreaterThanOrEqual(1);
    expect(told.length).toBeLessThanOrEqual(2 + took / DEBOUNCE_MS);
    expect(told.some((one) => has("10.9.0.77")(one as Change))).toBe(true);
  },

  async "B53 without debouncing a storm ends in what there is as well"(hosts) {
    const program = await watch(hosts, 0);
    await storm(hosts);
    await isWhatThereIs(hosts, program);
  },

  async "a flap that is over within the quiet time is not told"(hosts) {
    const program = await watch(hosts, 2_000);
    await hosts.network.run(
      "client",
      "ip address add 10.9.9.9/24 dev eth0; ip address del 10.9.9.9/24 dev eth0",
    );
    await heard(
      hosts,
      program,
      "ip link set eth0 mtu 1400",
      becomes("eth0", ({ mtuBytes }) => mtuBytes === 1_400),
    );
    const told = (await program.event(({ event }) => event === "told")) as Change;
    expect(told.changed).toHaveLength(1);
    expect(has("10.9.9.9")(told)).toBe(false);
  },

  async "after an overrun (ENOBUFS) the state is that of a fresh list"(hosts) {
    const program = await watch(hosts);
    await program.ask("shrink", { bytes: 1 });
    // Events beyond the buffer are lost while the thread stands.
    const blocked = program.ask("block", { ms: 3_000 });
    await storm(hosts);
    expect(await droppedEvents(hosts)).toBeGreaterThan(0);
    await blocked;
    await isWhatThereIs(hosts, program);
    await heard(hosts, program, "ip address add 10.9.9.9/24 dev eth0", has("10.9.9.9"));
    await isWhatThereIs(hosts, program);
  },
});

/** Events that sockets of rtnetlink have lost on the client (proc(5): Drops is the 9th column). */
async function droppedEvents(hosts: Hosts): Promise<number> {
  const table = await hosts.network.run("client", "cat /proc/net/netlink");
  const rows = table.trim().split("\n").slice(1);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((columns) => columns[1] === "0")
    .reduce((sum, columns) => sum + Number(columns[8]), 0);
}
