// Two thousand connections between two hosts that exchange records, while a fault strikes all of
// them or some; and the account after it: who lives has every byte in order, who is dead was told,
// and nothing is kept. Not here: the faults (path-faults.ts), what is expected of each.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Dead, Held, Refused, Report } from "./crowd-members.ts";
import { type Hosts, missing, nothingFor, type OpenHosts, openHosts } from "./hosts.ts";
import { SERVER_ADDRESS } from "./network.ts";
import {
  type Fault,
  STRUCK_CLIENT_ADDRESS,
  STRUCK_PORT,
  STRUCK_SERVER_ADDRESS,
} from "./path-faults.ts";
import { type Program, sharedNow, slowness } from "./program.ts";

/** Each group has a port of its own. hawser is on both sides, but for the foreign one. */
export const GROUPS = {
  calm: { port: 7_000, count: 1_500, address: SERVER_ADDRESS },
  /** These have addresses of their own, too. */
  struck: { port: STRUCK_PORT, count: 250, address: STRUCK_SERVER_ADDRESS },
  /** Python answers these. */
  foreign: { port: 7_002, count: 250, address: SERVER_ADDRESS },
} as const;
export type Group = keyof typeof GROUPS;
export const ALL = Object.keys(GROUPS) as Group[];
/** Where more may come while they talk; the second has a queue of two, and nobody takes them in. */
export const LATE_PORT = 7_003;
export const FULL_PORT = 7_004;

/** Everybody says something once in that time. */
export const TALK_MS = 1_000;
/** What the machine may be late by, beside the bounds. */
export const LATE_MS = 2_500 * slowness;
/** What is on the way when a fault strikes has arrived by then. */
const ON_THE_WAY_MS = 200;
/**
 * From the end of a fault until the last byte is there: what TCP waits for before it tries again.
 */
const WHOLE_WITHIN_MS = 20_000 * slowness;
/** What may be kept beside the same crowd before: compiled code, tables that grew. */
const SPARE_BYTES = 10_000_000;
/** What a process may have more than before it had any connection. */
const SPARE_BYTES_AT_LAST = 24_000_000;
const LIMIT_MS = 120_000 * slowness;
/** Of the foreign group, so that a peer that does not read is soon felt. */
const SMALL_BUFFER = 32_768;

export interface LoadSettings {
  /** Of both sides. */
  readonly keepAlive: { idle: number; interval: number; count: number };
  /** Of the client. */
  readonly dropTimeout: number;
  /** Of the foreign group. */
  readonly stallTimeout?: number;
}

type Gone = Partial<Record<Group, number>>;

const told = ({ dead }: Report, port: number) => JSON.stringify(dead[port]?.told ?? {});

export class Load {
  readonly hosts: Hosts;
  readonly client: Program;
  readonly server: Program;
  readonly #settings: LoadSettings;
  #foreign: Program | undefined;
  #empty: { client: Held; server: Held } | undefined;
  #base: { client: Held; server: Held } | undefined;
  #isWhole = true;

  private constructor(hosts: Hosts, client: Program, server: Program, settings: LoadSettings) {
    this.hosts = hosts;
    this.client = client;
    this.server = server;
    this.#settings = settings;
  }

  /** Connects all, lets them talk, and keeps what both processes hold then as the base line. */
  static async gather(hosts: Hosts, settings: LoadSettings): Promise<Load> {
    const { network } = hosts;
    await network.run("client", `ip address add ${STRUCK_CLIENT_ADDRESS}/24 dev eth0`);
    await network.run("server", `ip address add ${STRUCK_SERVER_ADDRESS}/24 dev eth0`);
    await network.sysctl("router", "net.ipv4.icmp_ratelimit=0");
    const [client, server] = await Promise.all([hosts.crowd("client"), hosts.crowd("server")]);
    const load = new Load(hosts, client, server, settings);
    const { keepAlive } = settings;
    load.#empty = await load.#held();
    for (const port of [GROUPS.calm.port, GROUPS.struck.port, LATE_PORT]) {
      await server.ask("serve", { endpoint: `tcp://0.0.0.0:${port}`, options: { keepAlive } });
    }
    const full = { keepAlive, backlog: 2, newConnectionLimit: 0 };
    await server.ask("serve", { endpoint: `tcp://0.0.0.0:${FULL_PORT}`, options: full });
    await load.replenish();
    await load.allTalk(2);
    await client.ask("hush");
    await load.#answered();
    load.#base = await load.#held();
    await client.ask("talk", { everyMs: TALK_MS });
    return load;
  }

  /** The peers that Python answers for. */
  get foreign(): Program {
    return this.#foreign as Program;
  }

  /** Begins anew with all, also where a test before has failed. */
  async restore(): Promise<void> {
    if (!this.#isWhole) {
      await this.#foreign?.stop();
      await this.until(this.client, ({ open }) => open[GROUPS.foreign.port] === 0);
      await this.replenish();
      await this.forget();
    }
    this.#isWhole = false;
    await this.client.ask("talk", { everyMs: TALK_MS });
  }

  /** Connects as many as are missing of each group. */
  async replenish(): Promise<void> {
    if (this.#foreign === undefined || this.#foreign.hasEnded) {
      this.#foreign = await this.hosts.pythonCrowd("server");
      const { port } = GROUPS.foreign;
      await this.#foreign.ask("listen", { port, receiveBuffer: SMALL_BUFFER });
    }
    const { open } = await this.report(this.client);
    for (const group of ALL) {
      const { port, count } = GROUPS[group];
      const refused = await this.join(group, count - (open[port] ?? 0));
      expect(refused).toEqual([]);
    }
  }

  async join(group: Group, count: number): Promise<readonly Refused[]> {
    const { keepAlive, dropTimeout, stallTimeout = 0 } = this.#settings;
    const { port, address } = GROUPS[group];
    const own = {
      calm: {},
      struck: { localAddress: STRUCK_CLIENT_ADDRESS },
      foreign: { stallTimeout, socketOptions: { SO_SNDBUF: SMALL_BUFFER } },
    }[group];
    const options = { keepAlive, dropTimeout, ...own };
    const endpoint = `tcp://${address}:${port}`;
    const { refused } = await this.client.ask("join", { endpoint, options, count });
    return refused as Refused[];
  }

  /** Makes a fault, and mends it whatever becomes of what happens meanwhile. */
  async during(fault: Fault, body: (struckAt: number) => Promise<unknown>): Promise<void> {
    const { network } = this.hosts;
    const struckAt = sharedNow();
    await network.run(fault.host, fault.strike);
    try {
      await body(struckAt);
    } finally {
      await network.run(fault.host, fault.mend);
    }
  }

  /** A fault in which nothing arrives for these, and that nobody has to notice. */
  async outage(fault: Fault, ms: number, silenced: readonly Group[] = ALL): Promise<void> {
    await this.during(fault, async () => {
      await nothingFor(ON_THE_WAY_MS);
      const before = await this.report(this.client);
      await nothingFor(ms - ON_THE_WAY_MS);
      const after = await this.report(this.client);
      for (const group of silenced) {
        const { port } = GROUPS[group];
        expect(after.records[port], `${group} in the fault`).toBe(before.records[port]);
      }
    });
    await this.expectWhole();
  }

  /** A fault that makes TCP say things twice, and that nobody has to notice. */
  async hindrance(hindered: () => Promise<void>): Promise<void> {
    const before = await this.#retransmitted();
    await hindered();
    await this.expectWhole();
    expect(await this.#retransmitted()).toBeGreaterThan(before + GROUPS.struck.count);
  }

  /** Segments that the client's kernel has sent again, proc_pid_net(5), snmp: RetransSegs. */
  async #retransmitted(): Promise<number> {
    const text = await this.hosts.network.run("client", "grep ^Tcp: /proc/net/snmp");
    const [names = [], values = []] = text.split("\n").map((line) => line.split(" "));
    return Number(values[names.indexOf("RetransSegs")]);
  }

  async report(crowd: Program): Promise<Report> {
    return (await crowd.ask("report")) as unknown as Report;
  }

  /** Asks until a condition holds. The test's time limit ends it otherwise. */
  async until(crowd: Program, holds: (report: Report) => boolean): Promise<Report> {
    for (;;) {
      const report = await this.report(crowd);
      if (holds(report)) return report;
      await nothingFor(200);
    }
  }

  /** Waits until as much has come back as everybody says in so many rounds. */
  async allTalk(rounds: number): Promise<void> {
    await this.client.ask("talk", { everyMs: TALK_MS });
    const before = await this.report(this.client);
    await this.until(this.client, ({ records }) =>
      ALL.every((group) => {
        const { port, count } = GROUPS[group];
        return (records[port] ?? 0) >= (before.records[port] ?? 0) + rounds * count;
      }),
    );
  }

  /** So many rounds in each of which a group is answered about as often as it speaks. */
  async expectTalk(group: Group, rounds: number): Promise<void> {
    const { port, count } = GROUPS[group];
    const heard = async () => (await this.report(this.client)).records[port] ?? 0;
    let before = await heard();
    for (let round = 0; round < rounds; round++) {
      await nothingFor(TALK_MS);
      const now = await heard();
      expect(now - before).toBeGreaterThan(count / 2);
      before = now;
    }
  }

  /** So many of a group are told on one side, each one of these, by then; and then no more. */
  async expectTold(
    crowd: Program,
    group: Group,
    codes: readonly string[],
    untilMs: number,
    count: number = GROUPS[group].count,
  ): Promise<Dead> {
    const { port } = GROUPS[group];
    const { dead } = await this.until(crowd, (one) => (one.dead[port]?.count ?? 0) >= count);
    const gone = dead[port] as Dead;
    for (const what of Object.keys(gone.told)) {
      expect(codes, JSON.stringify(gone.told)).toContain(what);
    }
    expect(gone.lastAt).toBeLessThanOrEqual(untilMs + LATE_MS);
    return gone;
  }

  /**
   * The account: who is not among the dead has all its bytes, in order, both ways; nobody else was
   * told of anything; descriptors and slots are those of the living. Then the dead are replaced,
   * and everything is as it was in the beginning, memory too.
   */
  async expectWhole(dead: Gone = {}): Promise<void> {
    await this.client.ask("hush");
    const [ours, theirs] = await this.#answered();
    for (const group of ALL) {
      const { port, count } = GROUPS[group];
      const gone = dead[group] ?? 0;
      expect(ours.dead[port]?.count ?? 0, `${group} ${told(ours, port)}`).toBe(gone);
      expect(ours.open[port], group).toBe(count - gone);
      if (group === "foreign") {
        if (!this.foreign.hasEnded) expect(await this.#foreignOpen()).toBe(count - gone);
      } else {
        expect(theirs.dead[port]?.count ?? 0, `${group} ${told(theirs, port)}`).toBe(gone);
        expect(theirs.open[port], group).toBe(count - gone);
      }
    }
    const goneHere = ALL.reduce((sum, group) => sum + (dead[group] ?? 0), 0);
    this.#expectHeld(await this.#held(), {
      client: goneHere,
      server: goneHere - (dead.foreign ?? 0),
    });
    await this.forget();
    if (goneHere > 0) {
      await this.replenish();
      await this.allTalk(1);
      await this.client.ask("hush");
      await this.#answered();
      this.#expectHeld(await this.#held(), { client: 0, server: 0 });
    }
    await this.client.ask("talk", { everyMs: TALK_MS });
    this.#isWhole = true;
  }

  /** What was told so far is not asked for any more. */
  async forget(): Promise<void> {
    await Promise.all([this.client.ask("forget"), this.server.ask("forget")]);
  }

  /** Closes everything: nothing is left of it. */
  async expectNothingKept(): Promise<void> {
    await this.client.ask("leave", {});
    await this.server.ask("leave", {});
    const held = await this.#held();
    for (const side of ["client", "server"] as const) {
      const before = (this.#empty as { client: Held; server: Held })[side];
      expect(held[side].openSlots).toBe(before.openSlots);
      expect(held[side].descriptors).toBeLessThanOrEqual(before.descriptors + 2);
      expect(held[side].keptBytes).toBeLessThan(before.keptBytes + SPARE_BYTES_AT_LAST);
    }
  }

  async #foreignOpen(): Promise<number> {
    return (await this.foreign.ask("count")).open as number;
  }

  /** Waits until nothing is on the way any more, and looks at what was wrong with it. */
  async #answered(): Promise<readonly [Report, Report]> {
    const isOver = ({ unanswered, problems }: Report) =>
      problems.length > 0 || Object.values(unanswered).every((count) => count === 0);
    const endedAt = sharedNow();
    const ours = await this.until(
      this.client,
      (one) => isOver(one) || sharedNow() - endedAt > WHOLE_WITHIN_MS,
    );
    const theirs = await this.until(
      this.server,
      (one) => isOver(one) || sharedNow() - endedAt > WHOLE_WITHIN_MS,
    );
    for (const { problems, unanswered } of [ours, theirs]) {
      expect(problems).toEqual([]);
      expect(Object.entries(unanswered).filter(([, count]) => count > 0)).toEqual([]);
    }
    return [ours, theirs];
  }

  async #held(): Promise<{ client: Held; server: Held }> {
    const [client, server] = await Promise.all([this.client.ask("held"), this.server.ask("held")]);
    return { client, server } as unknown as { client: Held; server: Held };
  }

  #expectHeld(
    held: { client: Held; server: Held },
    gone: { client: number; server: number },
  ): void {
    for (const side of ["client", "server"] as const) {
      const base = (this.#base as { client: Held; server: Held })[side];
      expect(held[side].descriptors, side).toBe(base.descriptors - gone[side]);
      expect(held[side].openSlots, side).toBe(base.openSlots - gone[side]);
      expect(held[side].keptBytes, side).toBeLessThan(base.keptBytes + SPARE_BYTES);
    }
  }
}

/** Tests that strike one crowd after the other, each after the account of the one before. */
export function underLoad(
  name: string,
  settings: LoadSettings,
  table: Readonly<Record<string, (load: Load) => Promise<void>>>,
): void {
  const title = missing === undefined ? name : `${name} (skipped: ${missing})`;
  const group = missing === undefined ? describe.sequential : describe.skip;
  group(title, () => {
    let open: OpenHosts | undefined;
    let load: Load;

    beforeAll(async () => {
      open = await openHosts();
      load = await Load.gather(open.hosts, settings);
    }, LIMIT_MS);
    afterAll(() => open?.remove());
    beforeEach(() => load.restore(), LIMIT_MS);

    for (const [what, body] of Object.entries(table)) test(what, () => body(load), LIMIT_MS);
    test("and when all have left, nothing is kept", () => load.expectNothingKept(), LIMIT_MS);
  });
}
