// The conformance suite in brief: hawser deviates nowhere, and `ws` where it is known to. With the
// sizes and counts of the field's usual suite it is `npm run conformance`.

import { describe, expect, test } from "vitest";
import { allCases, SECTIONS } from "./cases/index.ts";
import {
  hawserClient,
  hawserServer,
  hawserWsClient,
  hawserWsServer,
  wsClient,
  wsServer,
} from "./subjects.ts";
import { deviations, runCases } from "./suite.ts";

const timeLimitMs = 120_000 * Number(process.env["HAWSER_TEST_SLOWNESS"] ?? 1);

const cases = allCases("brief");

/** It judges a text when the message is over: right, and later than it could (section 8.1). */
const LATE_IN_WS = ["6.4.1 late", "6.4.2 late", "6.4.3 late", "6.4.4 late"];

describe("the suite", () => {
  test("has this many cases, each with an id of its own, as many in full", () => {
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
    expect(allCases("full").map(({ id }) => id)).toEqual(cases.map(({ id }) => id));
    const perSection = Object.keys(SECTIONS).map((section) => [
      section,
      cases.filter(({ id }) => id.startsWith(`${section}.`)).length,
    ]);
    expect(Object.fromEntries(perSection)).toEqual({
      1: 42,
      2: 12,
      3: 21,
      4: 10,
      5: 25,
      6: 159,
      7: 56,
      9: 54,
      10: 1,
      12: 90,
      13: 144,
      14: 19,
    });
    expect(cases.length).toBe(633);
  });
});

describe("no deviation", () => {
  test.each([
    ["hawser's server", () => hawserServer()],
    ["hawser's client", hawserClient],
    ["hawser's server that lends memory", () => hawserServer("lending server", true)],
    ["the server of hawser/ws", hawserWsServer],
    ["the client of hawser/ws", hawserWsClient],
  ] as const)(
    "B42, B45, B47: %s",
    async (_, make) => {
      await using subject = await make();
      expect(deviations(await runCases(cases, subject))).toEqual([]);
    },
    timeLimitMs,
  );
});

describe("what is known of ws is found, and nothing else", () => {
  test.each([
    ["server", () => wsServer()],
    ["client", () => wsClient()],
  ] as const)(
    "its %s",
    async (_, make) => {
      await using subject = await make();
      expect(deviations(await runCases(cases, subject))).toEqual(LATE_IN_WS);
    },
    timeLimitMs,
  );
});
