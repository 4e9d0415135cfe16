// Peers that end, reset, stop or do not read while two thousand connections talk, and a listener
// that takes nobody in: each is told of its own, at once or within its limit, and nobody else of
// anything.
import { expect } from "vitest";
import type { Held, Refused } from "./support/crowd-members.ts";
import { nothingFor } from "./support/hosts.ts";
import {
  FULL_PORT,
  GROUPS,
  LATE_MS,
  LATE_PORT,
  type Load,
  TALK_MS,
  underLoad,
} from "./support/load.ts";
import { SERVER_ADDRESS } from "./support/network.ts";
import {
  STRUCK_CLIENT_ADDRESS,
  STRUCK_PORT,
  STRUCK_SERVER_ADDRESS,
  says,
} from "./support/path-faults.ts";
import { type Program, sharedNow } from "./support/program.ts";

const settings = {
  keepAlive: { idle: 2_000, interval: 1_000, count: 3 },
  dropTimeout: 4_000,
  stallTimeout: 12_000,
};
/** From what the peer's side has done until the application knows. */
const AT_ONCE_MS = 1_000;
/** Of the foreign group, where only some are struck. */
const SOME = 100;
/** Longer than dropTimeout, keepalive and the other side's limits. */
const STOPPED_MS = 7_000;
/** Longer than dropTimeout, by far shorter than stallTimeout: the window opens slowly again. */
const NOT_READING_MS = 6_000;
const RESET = ["ECONNRESET", "EPIPE"];

/** A process is stopped (signal(7)), and goes on. */
async function stopped(program: Program, meanwhile: () => Promise<unknown>): Promise<void> {
  program.kill("SIGSTOP");
  try {
    await meanwhile();
  } finally {
    program.kill("SIGCONT");
  }
}

/** Some more connections than the crowd, to a port of their own. */
async function joinLate(load: Load, port: number, count: number, options: object = {}) {
  const endpoint = `tcp://${SERVER_ADDRESS}:${port}`;
  const { refused } = await load.client.ask("join", { endpoint, options, count });
  return refused as Refused[];
}

/** prlimit(1): the soft limit of open descriptors. */
async function limitDescriptors({ hosts, server }: Load, count: number): Promise<void> {
  await hosts.network.run("server", `prlimit --pid ${server.pid} --nofile=${count}:`);
}

/** Those who came late have talked, and go; the crowd is as it was. */
async function leaveAgain(load: Load, port: number, count: number): Promise<void> {
  const { records } = await load.report(load.client);
  await load.until(load.client, (report) => {
    return (report.records[port] ?? 0) >= (records[port] ?? 0) + 2 * count;
  });
  await load.client.ask("hush");
  await load.until(load.client, ({ unanswered }) => unanswered[port] === 0);
  const { dead } = await load.report(load.client);
  expect(dead).toEqual({});
  await load.client.ask("leavePort", { port });
  await load.until(load.server, ({ open }) => open[port] === 0);
  await load.forget();
  await load.expectWhole();
}

underLoad("2,000 busy connections, and peers and listeners that fail", settings, {
  "a middlebox resets one port in mid-stream: both sides are told, the first who speaks at once":
    async (load) => {
      await load.during(says("tcp reset", STRUCK_PORT), async (struckAt) => {
        // Whoever speaks draws the reset, and the other side may hear nothing more: its own limits.
        const told = [...RESET, "PEER_UNREACHABLE"];
        await load.expectTold(load.client, "struck", told, struckAt + 7_000);
        await load.expectTold(load.server, "struck", told, struckAt + 7_000);
      });
      await load.expectWhole({ struck: GROUPS.struck.count });
    },

  "ss -K on the server's host: ECONNABORTED there and ECONNRESET here, at once": async (load) => {
    const killedAt = sharedNow();
    await load.hosts.network.run("server", `ss -K dst ${STRUCK_CLIENT_ADDRESS} >/dev/null`);
    await load.expectTold(load.server, "struck", ["ECONNABORTED"], killedAt + AT_ONCE_MS);
    await load.expectTold(load.client, "struck", RESET, killedAt + AT_ONCE_MS);
    await load.expectWhole({ struck: GROUPS.struck.count });
  },

  "ss -K on our own host: ECONNABORTED here and ECONNRESET there, at once": async (load) => {
    const killedAt = sharedNow();
    await load.hosts.network.run("client", `ss -K dst ${STRUCK_SERVER_ADDRESS} >/dev/null`);
    await load.expectTold(load.client, "struck", ["ECONNABORTED"], killedAt + AT_ONCE_MS);
    await load.expectTold(load.server, "struck", RESET, killedAt + AT_ONCE_MS);
    await load.expectWhole({ struck: GROUPS.struck.count });
  },

  "SO_LINGER 0 from 100 of 250 peers: ECONNRESET at once": async (load) => {
    const resetAt = sharedNow();
    await load.foreign.ask("reset", { count: SOME });
    await load.expectTold(load.client, "foreign", RESET, resetAt + AT_ONCE_MS, SOME);
    await load.expectWhole({ foreign: SOME });
  },

  "100 of 250 peers close with unread data: ECONNRESET at once": async (load) => {
    await load.foreign.ask("rest", { count: SOME });
    await nothingFor(2 * TALK_MS);
    const closedAt = sharedNow();
    await load.foreign.ask("close", { count: SOME });
    await load.expectTold(load.client, "foreign", RESET, closedAt + AT_ONCE_MS, SOME);
    await load.expectWhole({ foreign: SOME });
  },

  "the peers' process is killed: a reset or an end, at once": async (load) => {
    const killedAt = sharedNow();
    await load.foreign.stop();
    // An end where it had read everything, close(2).
    await load.expectTold(load.client, "foreign", [...RESET, "end"], killedAt + AT_ONCE_MS);
    await load.expectWhole({ foreign: GROUPS.foreign.count });
  },

  "B12 250 peers do not read for 6 s: nobody is told (drop 4 s), the others talk": async (load) => {
    const restAt = sharedNow();
    await load.foreign.ask("rest");
    await load.client.ask("flood", { port: GROUPS.foreign.port, bytes: 60_000 });
    await load.expectTalk("calm", 3);
    await nothingFor(Math.max(0, restAt + NOT_READING_MS - sharedNow()));
    await load.foreign.ask("resume");
    await load.expectWhole();
  },

  "B12 250 peers do not read any more: SEND_STALLED, T to 1.2 T + 1 s (12 s), the others talk":
    async (load) => {
      const restAt = sharedNow();
      await load.foreign.ask("rest");
      await load.client.ask("flood", { port: GROUPS.foreign.port, bytes: 60_000 });
      const closedAt = sharedNow();
      await load.expectTalk("calm", 5);
      const untilMs = closedAt + 1.2 * settings.stallTimeout + 1_000;
      const here = await load.expectTold(load.client, "foreign", ["SEND_STALLED"], untilMs);
      expect(here.firstAt).toBeGreaterThanOrEqual(restAt + settings.stallTimeout);
      await load.foreign.ask("close");
      await load.expectWhole({ foreign: GROUPS.foreign.count });
    },

  "the process of 250 peers is stopped for 7 s: nobody is told, the others talk": async (load) => {
    await stopped(load.foreign, async () => {
      await load.expectTalk("calm", 5);
      await nothingFor(STOPPED_MS - 5 * TALK_MS);
    });
    await load.expectWhole();
  },

  "the server's process is stopped for 7 s: nobody is told on either side": async (load) => {
    await stopped(load.server, () => nothingFor(STOPPED_MS));
    await load.expectWhole();
  },

  "our own process is stopped for 7 s: nobody is told on either side": async (load) => {
    await stopped(load.client, () => nothingFor(STOPPED_MS));
    await load.expectWhole();
  },

  "B27 its queue is full: CONNECT_TIMEOUT on time (1.5 s), or taken in later with every byte":
    async (load) => {
      const connectTimeout = 1_500;
      const refused = await joinLate(load, FULL_PORT, 20, { connectTimeout });
      expect(refused.length).toBeGreaterThan(0);
      for (const { code, reason, phase, tookMs } of refused) {
        expect([code, reason, phase]).toEqual(["ETIMEDOUT", "CONNECT_TIMEOUT", "connect"]);
        expect(tookMs).toBeGreaterThanOrEqual(connectTimeout);
        expect(tookMs).toBeLessThan(connectTimeout + 100 + LATE_MS);
      }
      // The kernel's queue holds three; what it has shaken hands with beyond that tries again.
      const queued = (await load.report(load.client)).open[FULL_PORT] ?? 0;
      expect(queued).toBeGreaterThanOrEqual(3);
      await load.expectTalk("calm", 1);
      await load.server.ask("admit");
      await load.until(load.server, ({ open }) => open[FULL_PORT] === queued);
      await leaveAgain(load, FULL_PORT, queued);
    },

  "B28 EMFILE: the listener is told, those that wait come in within 1 s of descriptors, all talk":
    async (load) => {
      const late = 60;
      const { descriptors } = (await load.server.ask("held")) as unknown as Held;
      await limitDescriptors(load, descriptors + 20);
      await joinLate(load, LATE_PORT, late);
      await load.until(load.server, ({ listenerErrors }) => (listenerErrors.EMFILE ?? 0) > 0);
      await load.expectTalk("calm", 3);
      const { open } = await load.report(load.server);
      expect(open[LATE_PORT]).toBeLessThan(late);
      await limitDescriptors(load, descriptors + 1_000);
      const freedAt = sharedNow();
      await load.until(load.server, (report) => report.open[LATE_PORT] === late);
      expect(sharedNow() - freedAt).toBeLessThan(1_000 + LATE_MS);
      await leaveAgain(load, LATE_PORT, late);
    },
});
