// That docs/security.md tells the limits that hold, and names tests that exist.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import * as core from "../../lib/core/limits.ts";
import { limits } from "../../lib/websocket/protocol/index.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(join(ROOT, "docs/security.md"), "utf8");

/** The cells of a row, without the first and the last bar. */
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("|--"))
  .map((line) => line.slice(2, -2).split(" | "));

const written = (value: number) => value.toLocaleString("en-US");

describe("docs/security.md", () => {
  test.each([
    ["bytes of an HTTP head", [limits.MAX_HEADER_BYTES]],
    ["fields of an HTTP head", [limits.MAX_HEADER_COUNT]],
    ["time of the opening handshake", [limits.HANDSHAKE_TIMEOUT_MS]],
    [
      "extensions offered, parameters of one",
      [limits.MAX_EXTENSION_OFFERS, limits.MAX_EXTENSION_PARAMETERS],
    ],
    ["interim (1xx) answers", [limits.MAX_INTERIM_RESPONSES]],
    ["body kept of a refused upgrade", [limits.MAX_REFUSAL_BODY_BYTES]],
    ["WebSockets open that an iteration has not taken", [core.ITERATION_AHEAD_COUNT]],
    ["a message, inflated", [limits.MAX_MESSAGE_BYTES]],
    ["frames of a message", [limits.MAX_FRAGMENTS]],
    ["pings, pongs and Closes in a second", [limits.MAX_CONTROL_FRAMES_PER_SECOND]],
    ["payload of a control frame", [limits.MAX_CONTROL_PAYLOAD_BYTES]],
    ["final blocks in a compressed message", [limits.MAX_FINAL_BLOCKS]],
    ["inflation in the turn of its arrival", [limits.SYNC_INFLATE_TURN_BYTES]],
    ["received and not read", [core.RECEIVE_HIGH_WATER_MARK_BYTES]],
    ["written and not sent, softly", [core.SEND_HIGH_WATER_MARK_BYTES]],
    ["written and not sent, at all", [limits.MAX_QUEUED_BYTES]],
    ["pings to answer while as much is unsent", [limits.MAX_UNSENT_BEFORE_PONG_BYTES]],
    ["the closing handshake, with flush and linger", [limits.CLOSE_TIMEOUT_MS]],
    ["silence after a heartbeat's ping", [limits.HEARTBEAT_TIMEOUT_MS]],
  ])("tells the default of: %s", (what, values) => {
    const row = rows.find(([first]) => first === what);
    const shown = (row?.[2] ?? "").match(/\d+(?:,\d+)*/g) ?? [];
    expect(shown).toEqual(values.map(written));
  });

  test("names tests that exist", () => {
    // `a title`, `another` in `test/a/file.test.ts`
    const named = [...page.matchAll(/((?:`[^`]+`(?:, )?)+)(?: in|,) `(test\/[^`]+\.test\.ts)`/g)];
    expect(named.length).toBeGreaterThan(50);
    const missing = named.flatMap(([, titles = "", file = ""]) => {
      const text = readFileSync(join(ROOT, file), "utf8");
      return [...titles.matchAll(/`([^`]+)`/g)]
        .map(([, title = ""]) => title)
        .filter((title) => !text.includes(title))
        .map((title) => `${file}: ${title}`);
    });
    expect(missing).toEqual([]);
  });

  test("every row of an attack or an advisory names a test", () => {
    const from = page.indexOf("## Attacks");
    const unnamed = page
      .slice(from)
      .split("\n")
      .filter((line) => line.startsWith("| ") && !/^\| (?:Attack|Advisory) /.test(line))
      .filter((line) => !/`test\/[^`]+\.test\.ts`/.test(line));
    expect(unnamed).toEqual([]);
  });
});
