// Paths that go silent, or speak, under two thousand connections that talk: an outage that is
// shorter than the limits is survived by all, with every byte; a longer one is told to all that it
// struck, on both sides, within the bounds of B8 and B11, and to nobody else.
import { expect } from "vitest";
import { ALL, GROUPS, type Group, type Load, TALK_MS, underLoad } from "./support/load.ts";
import {
  BLACK_HOLE,
  BLACK_HOLE_OF_ONE_PORT,
  BLACKHOLE_ROUTE,
  type Fault,
  LINK_BEHIND_THE_ROUTER_DOWN,
  NO_FORWARDING,
  OUR_ADDRESS_GONE,
  OUR_LINK_DOWN,
  ROUTERS_LINK_TO_US_DOWN,
  SERVERS_ADDRESS_GONE,
  STRUCK_PORT,
  says,
  WRONG_NEIGHBOUR,
} from "./support/path-faults.ts";
import { sharedNow, slowness } from "./support/program.ts";

const settings = {
  keepAlive: { idle: 2_000, interval: 1_000, count: 3 },
  dropTimeout: 4_000,
};
/** Long enough that everybody speaks into it, and that TCP tries again before 4 s are over. */
const OUTAGE_MS = 1_200;
/** From the fault: the next word, and dropTimeout (B11). */
const CLIENT_TOLD_MS = TALK_MS + 1.2 * settings.dropTimeout + 1_000;
/** From what was heard last: idle, interval x count and one interval more (B8, B10). */
const SERVER_TOLD_MS = 2_000 + 3_000 + 1_000;
/** The same from the fault, where somebody spoke just a round before it. */
const SERVER_LEAST_MS = 2_000 + 3_000 - TALK_MS;
/**
 * What was said before the fault and not acknowledged yet: acknowledgements may wait for half a
 * second (RFC 1122 section 4.2.3.2), and the machine be late by as much.
 */
const UNHEARD_MS = 1_000 * slowness;
const UNREACHABLE = ["PEER_UNREACHABLE"];
/** Where the way back is open, the peer's own giving up is heard, if it was the first. */
const UNREACHABLE_OR_RESET = [...UNREACHABLE, "ECONNRESET"];

/** A fault that lasts until all that it struck were told. */
async function struckDown(
  load: Load,
  fault: Fault,
  groups: readonly Group[],
  codes: readonly string[] = UNREACHABLE,
): Promise<void> {
  await load.during(fault, (struckAt) => expectAllTold(load, struckAt, groups, codes));
  // Python has neither keepalive nor a limit of its own; what is left of the dead is the kernel's.
  if (groups.includes("foreign")) await load.foreign.ask("close");
  await load.expectWhole(Object.fromEntries(groups.map((group) => [group, GROUPS[group].count])));
}

async function expectAllTold(
  load: Load,
  struckAt: number,
  groups: readonly Group[],
  codes: readonly string[] = UNREACHABLE,
): Promise<void> {
  for (const group of groups) {
    const here = await load.expectTold(load.client, group, codes, struckAt + CLIENT_TOLD_MS);
    expect(here.firstAt).toBeGreaterThan(struckAt + settings.dropTimeout - UNHEARD_MS);
    if (group === "foreign") continue;
    const there = await load.expectTold(load.server, group, UNREACHABLE, struckAt + SERVER_TOLD_MS);
    expect(there.firstAt).toBeGreaterThan(struckAt + SERVER_LEAST_MS - UNHEARD_MS);
  }
}

underLoad("2,000 busy connections and a path that goes silent", settings, {
  "a black hole for 1.2 s: nobody is told": (load) => load.outage(BLACK_HOLE, OUTAGE_MS),

  "B8 B11 a black hole for one port: its 250 are told within 6.8 s, the others talk": async (
    load,
  ) => {
    await load.during(BLACK_HOLE_OF_ONE_PORT, async (struckAt) => {
      await load.expectTalk("calm", 3);
      await expectAllTold(load, struckAt, ["struck"]);
    });
    await load.expectWhole({ struck: GROUPS.struck.count });
  },

  "B8 B11 a blackhole route, of one direction: its 250 are told within 6.8 s": (load) =>
    struckDown(load, BLACKHOLE_ROUTE, ["struck"], UNREACHABLE_OR_RESET),

  "B8 B11 a permanent wrong neighbour, of one direction: its 250 are told within 6.8 s": (load) =>
    struckDown(load, WRONG_NEIGHBOUR, ["struck"], UNREACHABLE_OR_RESET),

  "the link behind the router down for 1.2 s: nobody is told": (load) =>
    load.outage(LINK_BEHIND_THE_ROUTER_DOWN, OUTAGE_MS),

  "B8 B11 the link behind the router down: all 2,000 are told within 6.8 s": (load) =>
    struckDown(load, LINK_BEHIND_THE_ROUTER_DOWN, ALL),

  "the router's link to us down for 1.2 s: nobody is told": (load) =>
    load.outage(ROUTERS_LINK_TO_US_DOWN, OUTAGE_MS),

  "our own link down for 1.2 s, and its route away: nobody is told": (load) =>
    load.outage(OUR_LINK_DOWN, OUTAGE_MS),

  "B8 B11 our own link down: all 2,000 are told within 6.8 s": (load) =>
    struckDown(load, OUR_LINK_DOWN, ALL),

  "ip_forward=0 for 1.2 s: nobody is told": (load) => load.outage(NO_FORWARDING, OUTAGE_MS),

  "the server's address taken away for 1.2 s: nobody is told": (load) =>
    load.outage(SERVERS_ADDRESS_GONE, OUTAGE_MS, ["struck"]),

  "B8 B11 the server's address taken away: its 250 are told within 6.8 s": (load) =>
    struckDown(load, SERVERS_ADDRESS_GONE, ["struck"]),

  "our own address taken away for 1.2 s: nobody is told": (load) =>
    load.outage(OUR_ADDRESS_GONE, OUTAGE_MS, ["struck"]),

  "B8 B11 our own address taken away: its 250 are told within 6.8 s": (load) =>
    struckDown(load, OUR_ADDRESS_GONE, ["struck"]),

  // Soft errors in mid-stream, RFC 1122 section 4.2.3.9; Linux takes all of them so.
  "the router says that the host is unreachable, for 1.2 s: nobody is told": (load) =>
    load.outage(says("icmpx type host-unreachable"), OUTAGE_MS),

  "the router says that the port is unreachable, for 1.2 s: nobody is told": (load) =>
    load.outage(says("icmpx type port-unreachable"), OUTAGE_MS),

  "the router says that it is prohibited, for 1.2 s: nobody is told": (load) =>
    load.outage(says("icmpx type admin-prohibited"), OUTAGE_MS),

  "B8 B11 the router says that it is prohibited, and goes on: its 250 are told within 6.8 s": (
    load,
  ) => struckDown(load, says("icmpx type admin-prohibited", STRUCK_PORT), ["struck"]),

  "B8 B11 a NAT loses its mappings, and both sides go silent: all 2,000 are told within 6.8 s":
    async (load) => {
      const { network } = load.hosts;
      await load.client.ask("hush");
      for (const group of ALL) await load.client.ask("leavePort", { port: GROUPS[group].port });
      await load.until(load.server, ({ open }) => Object.values(open).every((one) => one === 0));
      await load.forget();
      await network.translate();
      await load.replenish();
      await load.allTalk(1);
      await load.expectWhole();
      await network.loseMappings();
      await expectAllTold(load, sharedNow(), ALL);
      await load.foreign.ask("close");
      await load.expectWhole({ calm: 1_500, struck: 250, foreign: 250 });
    },
});
