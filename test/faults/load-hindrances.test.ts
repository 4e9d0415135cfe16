// Hindrances under two thousand connections that talk: loss and a rate that is too narrow for what
// is said. Limits are longer than what TCP needs to get through, so that nobody is told of anything
// (B11), and when it is over every byte is there, in order.
import { nothingFor } from "./support/hosts.ts";
import { type Load, underLoad } from "./support/load.ts";
import {
  BLACK_HOLE,
  type Fault,
  LOSES_EVERY_TENTH,
  LOSES_ONE_IN_FIVE,
  NARROW,
} from "./support/path-faults.ts";

const settings = {
  keepAlive: { idle: 10_000, interval: 5_000, count: 3 },
  dropTimeout: 20_000,
};
const HINDERED_MS = 4_000;
const FLICKERS = 5;

/** A fault for 4 s. */
const hinder = (load: Load, fault: Fault) =>
  load.hindrance(() => load.during(fault, () => nothingFor(HINDERED_MS)));

underLoad("2,000 busy connections that are hindered", settings, {
  "loss of every tenth packet for 4 s: nobody is told, and all is there within 20 s": (load) =>
    hinder(load, LOSES_EVERY_TENTH),

  "loss of one packet in five by chance for 4 s: nobody is told, and all is there within 20 s": (
    load,
  ) => hinder(load, LOSES_ONE_IN_FIVE),

  "a rate of a quarter of what is said for 4 s: nobody is told, and all is there within 20 s": (
    load,
  ) => hinder(load, NARROW),

  "a path that comes and goes five times in 5 s: nobody is told, and all is there within 20 s": (
    load,
  ) =>
    load.hindrance(async () => {
      for (let time = 0; time < FLICKERS; time++) {
        await load.during(BLACK_HOLE, () => nothingFor(500));
        await nothingFor(500);
      }
    }),
});
