// A fault under load: two thousand connections exchange checked bytes, and half of them lose their
// path. The dead are told why, in time, on both sides; the others have every byte, in order.
import { expect } from "vitest";
import { nothingFor, scenarios } from "./support/hosts.ts";
import { SERVER_ADDRESS } from "./support/network.ts";
import { type Program, sharedNow, slowness } from "./support/program.ts";

const SURVIVING_PORT = 7_000;
const DOOMED_PORT = 7_001;
const EACH = 1_000;
const LATE_MS = 1_500 * slowness;
const DROP_MS = 3_000;
const TALK_MS = 500;

interface Report {
  readonly open: Readonly<Record<string, number>>;
  readonly unanswered: Readonly<Record<string, number>>;
  readonly dead: readonly { at: number; port: number; code: string; reason: string | null }[];
  readonly wrongBytes: number;
  readonly checkedBytes: number;
  readonly descriptors: number;
}

const reportOf = async (crowd: Program) => (await crowd.ask("report")) as unknown as Report;

/** Asks until a condition holds; a fault of the scenario's time limit ends it otherwise. */
async function until(crowd: Program, holds: (report: Report) => boolean): Promise<Report> {
  for (;;) {
    const report = await reportOf(crowd);
    if (holds(report)) return report;
    await nothingFor(200);
  }
}

function expectDead(report: Report, sinceMs: number, toMs: number): void {
  expect(report.dead).toHaveLength(EACH);
  for (const { at, port, code, reason } of report.dead) {
    expect({ port, code, reason }).toEqual({
      port: DOOMED_PORT,
      code: "ETIMEDOUT",
      reason: "PEER_UNREACHABLE",
    });
    expect(at - sinceMs).toBeLessThanOrEqual(toMs + LATE_MS);
  }
}

scenarios("under load", {
  async "B8 B11 half of 2,000 busy connections lose their path (dropTimeout 3 s, keepalive 2/1/2)"(
    hosts,
  ) {
    const keepAlive = { idle: 2_000, interval: 1_000, count: 2 };
    const [client, server] = await Promise.all([hosts.crowd("client"), hosts.crowd("server")]);
    const before = { client: await reportOf(client), server: await reportOf(server) };
    for (const port of [SURVIVING_PORT, DOOMED_PORT]) {
      await server.ask("serve", { endpoint: `tcp://0.0.0.0:${port}`, options: { keepAlive } });
      const endpoint = `tcp://${SERVER_ADDRESS}:${port}`;
      const options = { keepAlive, dropTimeout: DROP_MS };
      await client.ask("join", { endpoint, options, count: EACH });
    }
    await client.ask("talk", { bytes: 200, everyMs: TALK_MS });
    await until(client, ({ checkedBytes }) => checkedBytes > 2 * EACH * 400);

    await hosts.network.run(
      "router",
      `nft add table inet path
       nft add chain inet path forward '{ type filter hook forward priority 5; }'
       nft add rule inet path forward tcp dport ${DOOMED_PORT} drop
       nft add rule inet path forward tcp sport ${DOOMED_PORT} drop`,
    );
    const lostAt = sharedNow();
    const ofClient = await until(client, ({ dead }) => dead.length === EACH);
    // The first write after the fault comes within half a second.
    expectDead(ofClient, lostAt, TALK_MS + 1.2 * DROP_MS + 1_000);
    expectDead(await until(server, ({ dead }) => dead.length === EACH), lostAt, 5_000);

    await client.ask("hush");
    const answered = await until(client, ({ unanswered }) => unanswered[SURVIVING_PORT] === 0);
    expect(answered.open[SURVIVING_PORT]).toBe(EACH);
    expect(answered.wrongBytes).toBe(0);
    expect(answered.checkedBytes).toBeGreaterThan(EACH * 2_000);
    const ofServer = await reportOf(server);
    expect(ofServer).toMatchObject({ wrongBytes: 0, open: { [SURVIVING_PORT]: EACH } });

    await client.ask("leave");
    await server.ask("leave");
    const after = { client: await reportOf(client), server: await reportOf(server) };
    expect(after.client.descriptors).toBeLessThanOrEqual(before.client.descriptors + 2);
    expect(after.server.descriptors).toBeLessThanOrEqual(before.server.descriptors + 2);
    expect(after.client.dead).toHaveLength(EACH);
  },
});
