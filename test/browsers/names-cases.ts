// What a screen reader is told of the page of `npm start`: the browser's own tree of roles and
// names. Not here: the page's other cases (page-cases.ts).

import { beforeAll, describe, expect, test } from "vitest";
import type { Tab } from "./support.ts";

/** @param open the page, on a service that nobody else has used yet */
export function describeNames(open: () => Promise<Tab>): void {
  describe("names and roles", () => {
    let lines: string[];

    beforeAll(async () => {
      const tab = await open();
      lines = (await tab.tree?.())?.split("\n").map((line) => line.trim()) ?? [];
      await tab.close();
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
}
