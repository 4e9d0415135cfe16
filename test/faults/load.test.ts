// Faults under load: two thousand connections exchange bytes whose every position is known, while
// one group after the other loses its path, is reset, or is only hindered. After each fault the
// dead have been told why, in time, on both sides; the others have every byte, in order; and at
// last nothing is kept.
import { expect } from "vitest";
import { type Hosts, nothingFor, scenarios } from "./support/hosts.ts";
import { CLIENT_ADDRESS, SERVER_ADDRESS } from "./support/network.ts";
import { type Program, sharedNow, slowness } from "./support/program.ts";

const GROUP = 250;
const SURVIVORS = 1_000;
/** Each group has a port of its own, by which a fault finds it. */
const PORTS = { survivors: 7_000, blackHoled: 7_001, rejected: 7_002, killed: 7_003, late: 7_004 };
const LATE_MS = 2_500 * slowness;
const DROP_MS = 4_000;
const TALK_MS = 1_000;
const keepAlive = { idle: 2_000, interval: 1_000, count: 3 };
/**
 * What a process may keep of all that: compiled code, tables that grew, and rows of the last look.
 */
const SPARE_BYTES = 24_000_000;

interface Report {
  readonly open: Readonly<Record<string, number>>;
  readonly unanswered: Readonly<Record<string, number>>;
  readonly dead: readonly { at: number; port: number; code: string; reason: string | null }[];
  readonly wrongBytes: number;
  readonly checkedBytes: number;
  readonly descriptors: number;
  readonly openSlots: number;
}

interface Crowds {
  readonly client: Program;
  readonly server: Program;
}

const reportOf = async (crowd: Program) => (await crowd.ask("report")) as unknown as Report;
const deadOf = ({ dead }: Report, port: number) => dead.filter((one) => one.port === port);

/** Asks until a condition holds; the scenario's time limit ends it otherwise. */
async function until(crowd: Program, holds: (report: Report) => boolean): Promise<Report> {
  for (;;) {
    const report = await reportOf(crowd);
    if (holds(report)) return report;
    await nothingFor(200);
  }
}

/** All of a group are told, on one side, with one of these, by then. */
async function expectDead(
  crowd: Program,
  port: number,
  codes: readonly string[],
  untilMs: number,
): Promise<void> {
  const dead = deadOf(await until(crowd, (one) => deadOf(one, port).length === GROUP), port);
  for (const { at, code, reason } of dead) {
    expect(codes).toContain(reason ?? code);
    expect(at).toBeLessThanOrEqual(untilMs + LATE_MS);
  }
}

/** Everything that was written has come back as it was, and nobody else is gone. */
async function expectWhole({ client, server }: Crowds, ports: readonly number[]): Promise<void> {
  await client.ask("hush");
  const report = await until(client, ({ unanswered }) =>
    ports.every((port) => unanswered[port] === 0),
  );
  for (const crowd of [report, await reportOf(server)]) {
    expect(crowd.wrongBytes).toBe(0);
    for (const port of ports) {
      expect(crowd.open[port]).toBe(port === PORTS.survivors ? SURVIVORS : GROUP);
      expect(deadOf(crowd, port)).toEqual([]);
    }
  }
  await client.ask("talk", { bytes: 200, everyMs: TALK_MS });
}

/** Rules for what the router forwards of one port, until they are taken away. */
async function forward({ network }: Hosts, port: number | null, verdict: string): Promise<void> {
  const of = (side: string) => (port === null ? "" : `tcp ${side} ${port}`);
  await network.run(
    "router",
    `nft add table inet path
     nft add chain inet path forward '{ type filter hook forward priority 5; }'
     nft add rule inet path forward ${of("dport")} ${verdict}
     nft add rule inet path forward ${of("sport")} ${verdict}`,
  );
}

const mend = ({ network }: Hosts) => network.run("router", "nft delete table inet path");

async function gather(hosts: Hosts, { client, server }: Crowds): Promise<void> {
  for (const port of Object.values(PORTS)) {
    await server.ask("serve", { endpoint: `tcp://0.0.0.0:${port}`, options: { keepAlive } });
    const endpoint = `tcp://${SERVER_ADDRESS}:${port}`;
    const count = port === PORTS.survivors ? SURVIVORS : GROUP;
    await client.ask("join", { endpoint, options: { keepAlive, dropTimeout: DROP_MS }, count });
  }
  // Their own TCP may not give up before hawser does, nor because of the others.
  await hosts.network.sysctl("client", "net.ipv4.tcp_retries2=15");
  await client.ask("talk", { bytes: 200, everyMs: TALK_MS });
  await until(client, ({ checkedBytes }) => checkedBytes > 2_000 * 200);
}

scenarios("under load", {
  async "B8 B11 2,000 busy connections: every fault kills its own and spares the others (4 s, 2/1/3)"(
    hosts,
  ) {
    const [client, server] = await Promise.all([hosts.crowd("client"), hosts.crowd("server")]);
    const crowds = { client, server };
    const before = { client: await reportOf(client), server: await reportOf(server) };
    const kept = { client: await client.ask("memory"), server: await server.ask("memory") };
    await gather(hosts, crowds);
    const { survivors, blackHoled, rejected, killed, late } = PORTS;
    const unreachable = ["PEER_UNREACHABLE"];

    await forward(hosts, blackHoled, "drop");
    let faultAt = sharedNow();
    await expectDead(client, blackHoled, unreachable, faultAt + TALK_MS + 1.2 * DROP_MS + 1_000);
    // What the server has sent it, and what it waits for: keepalive counts from what it heard last.
    await expectDead(server, blackHoled, unreachable, faultAt + 6_000 + 1_000);
    await mend(hosts);
    await expectWhole(crowds, [survivors, rejected, killed, late]);

    await forward(hosts, rejected, "reject with tcp reset");
    faultAt = sharedNow();
    // Whichever side speaks first draws the reset, and the other one hears nothing any more.
    const reset = ["ECONNRESET", "EPIPE", "PEER_UNREACHABLE"];
    await expectDead(client, rejected, reset, faultAt + 7_000);
    await expectDead(server, rejected, reset, faultAt + 7_000);
    await mend(hosts);
    await expectWhole(crowds, [survivors, killed, late]);

    await hosts.network.run("server", `ss -K dst ${CLIENT_ADDRESS} sport = :${killed} >/dev/null`);
    faultAt = sharedNow();
    await expectDead(server, killed, ["ECONNABORTED"], faultAt + 1_000);
    await expectDead(client, killed, ["ECONNRESET", "EPIPE"], faultAt + 1_000);
    await expectWhole(crowds, [survivors, late]);

    await forward(hosts, null, "drop");
    await nothingFor(1_500);
    await mend(hosts);
    await expectWhole(crowds, [survivors, late]);

    await forward(hosts, null, "numgen inc mod 10 == 0 drop");
    await nothingFor(3_000);
    await mend(hosts);
    await expectWhole(crowds, [survivors, late]);

    await client.ask("hush");
    await client.ask("leave");
    await server.ask("leave");
    for (const [side, crowd] of Object.entries(crowds) as ["client" | "server", Program][]) {
      const after = await reportOf(crowd);
      expect(after.descriptors).toBeLessThanOrEqual(before[side].descriptors + 2);
      expect(after.openSlots).toBe(before[side].openSlots);
      expect(after.dead).toHaveLength(3 * GROUP);
      const { keptBytes } = await crowd.ask("memory");
      expect(keptBytes).toBeLessThan((kept[side].keptBytes as number) + SPARE_BYTES);
    }
  },
});
