// What a screen reader is told of the page of `npm start`: Chromium's own tree of roles and names.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanUps, Run } from "../cli/support.ts";
import { type Browser, chromium, type Tab } from "./support.ts";

const START = new URL("../../dist/start.js", import.meta.url).pathname;
const LAUNCH_MS = 60_000;

describe.skipIf(chromium.missing !== "")(`names and roles${chromium.missing}`, () => {
  let browser: Browser;
  let tab: Tab;
  let lines: string[];

  beforeAll(async () => {
    const run = new Run(process.execPath, [START, "--port", "0"]);
    browser = await chromium.launch();
    await run.says("out", /Ctrl-C ends it\.\n/);
    tab = await browser.open();
    await tab.goto(/http:\S+/.exec(run.out)?.[0] as string);
    await tab.until(`document.querySelectorAll(".card").length === 1`);
    lines = (await tab.tree?.())?.split("\n").map((line) => line.trim()) ?? [];
  }, LAUNCH_MS);
  afterAll(async () => {
    await browser?.close();
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  });

  test.each([
    [
      "the landmarks and headings",
      /^- (banner|main|heading|region)/,
      [
        "- banner:",
        '- heading "hawser" [level=1]',
        "- main:",
        '- region "This page\'s WebSocket":',
        '- heading "This page\'s WebSocket" [level=2]',
        '- region "Dead, and nobody says so":',
        '- heading "Dead, and nobody says so" [level=2]',
        '- region "Round-trip time":',
        '- heading "Round-trip time" [level=2]',
        '- region "Connections":',
        '- heading "Connections" [level=2]',
        '- heading "WebSocket PEER (this page)" [level=3]',
      ],
    ],
    [
      "what can be used",
      /^- (link|textbox|button|switch)/,
      [
        '- link "To the connections":',
        '- textbox "Message to be echoed": Ahoy!',
        '- button "Send"',
        '- switch "The server stops answering this page"',
        '- button "Connect again" [disabled]',
        '- button "Add a client of hawser\'s"',
        '- switch "Stop answering WebSocket PEER (this page)": Stop answering',
        '- button "Close WebSocket PEER (this page)": Close',
      ],
    ],
    ["what changes by itself", /^- (status|log)/, ["- status: PEER", '- log "Messages"']],
  ] as const)("%s", (_, isMeant, expected) => {
    const found = lines.filter((line) => isMeant.test(line));
    const plain = found.map((line) =>
      line.replace(/127\.0\.0\.1:\d+/, "PEER").replace(/^- status: .+/, "- status: PEER"),
    );
    expect(plain).toEqual(expected);
  });

  test("the plot is an image with a name that says what it shows", () => {
    expect(lines.join("\n")).toMatch(/img "Round-trip time Now: [\d.]+ (µs|ms)\./);
  });
});
