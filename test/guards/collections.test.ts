// A steady flow of datagrams through a `batch` callback makes no garbage: nothing is collected.

import { expect, test } from "vitest";
import { Program, timeLimitMs } from "./support.ts";

const WARM_UP = 200_000;
const DATAGRAMS = 400_000;
/**
 * The smallest young generation that V8 has, in MiB: it is full, and collected, with three bytes
 * for each datagram.
 */
const FLAGS = ["--max-semi-space-size=1"];

test("no garbage is collected while datagrams are received in batches", {
  timeout: timeLimitMs,
}, async () => {
  await using receiver = new Program("collections-program.mjs", [], FLAGS);
  await using sender = new Program("collections-sender.mjs", []);
  const { port } = await receiver.ask(["port"]);
  await sender.ask(["send", port]);
  await receiver.ask(["take", WARM_UP]);
  // Once more where there was some: code that is made late leaves garbage, once.
  let told: Record<string, number> = {};
  for (let attempt = 0; attempt < 3 && told["collections"] !== 0; attempt++) {
    told = await receiver.ask(["take", DATAGRAMS]);
    if (process.env["HAWSER_SHOW_GUARDS"] === "1") console.log(JSON.stringify(told));
    expect(told["received"]).toBeGreaterThanOrEqual(DATAGRAMS);
    expect(told["batches"]).toBeGreaterThan(DATAGRAMS / 64 / 8);
  }
  expect(told["collections"]).toBe(0);
});

test("the count sees garbage where there is some", { timeout: timeLimitMs }, async () => {
  await using receiver = new Program("collections-program.mjs", ["views"], FLAGS);
  await using sender = new Program("collections-sender.mjs", []);
  const { port } = await receiver.ask(["port"]);
  await sender.ask(["send", port]);
  await receiver.ask(["take", 1_000]);
  const told = await receiver.ask(["take", WARM_UP]);
  expect(told["collections"]).toBeGreaterThan(0);
});
