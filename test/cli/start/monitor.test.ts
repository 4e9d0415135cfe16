// The wire between the service and its page: who gets it, and what may be said on it.

import { describe, expect, test } from "vitest";
import { isForMonitor, isOurPage, labelOf, readCommand } from "../../../lib/cli/start/monitor.ts";

describe("commands", () => {
  test.each([
    [{ do: "silence", id: 3, on: true }],
    [{ do: "silence", id: 3, on: false }],
    [{ do: "close", id: 3 }],
    [{ do: "client" }],
  ])("%j", (command) => {
    expect(readCommand(JSON.stringify(command))).toEqual(command);
  });

  test.each([
    "",
    "{",
    "null",
    "1",
    "[]",
    "{}",
    '{"do":"silence"}',
    '{"do":"silence","id":"3","on":true}',
    '{"do":"silence","id":3}',
    '{"do":"close"}',
    '{"do":"constructor","id":1}',
    `{"do":"client","pad":"${"x".repeat(200)}"}`,
    Buffer.from('{"do":"client"}'),
  ])("none: %j", (message) => {
    expect(readCommand(message)).toBeNull();
  });
});

test("the wire has one path", () => {
  expect(["/monitor", "/monitor/", "/Monitor", "/", "/monitor?x"].filter(isForMonitor)).toEqual([
    "/monitor",
  ]);
});

test.each([
  ["/?as=page-1x", "page-1x"],
  ["/any?x=1&as=client-2", "client-2"],
  ["/", ""],
  ["/?as=", ""],
  ["/?as=UPPER", ""],
  ["/?as=a%3Cb", ""],
  [`/?as=${"x".repeat(25)}`, ""],
  ["/?has=x", ""],
])("a request for %j calls its connection %j", (path, label) => {
  expect(labelOf(path)).toBe(label);
});

describe("the origin", () => {
  const isOurs = (origin: string | undefined, host: string | undefined, ...names: string[]) =>
    isOurPage({ origin, headers: host === undefined ? {} : { host } }, names);

  test.each([
    ["http://127.0.0.1:7070", "127.0.0.1:7070"],
    ["http://localhost:7070", "localhost:7070"],
    ["http://LOCALHOST:7070", "localhost:7070"],
    ["https://[::1]:7070", "[::1]:7070"],
    ["http://127.0.0.1", "127.0.0.1:80"],
    ["https://box.test", "box.test"],
  ])("%s at %s is ours", (origin, host) => {
    expect(isOurs(origin, host, "box.test")).toBe(true);
  });

  test.each([
    ["http://evil.test", "127.0.0.1:7070"],
    ["http://127.0.0.1:8080", "127.0.0.1:7070"],
    ["http://127.0.0.1:7070", undefined],
    ["http://127.0.0.1:7070", ""],
    ["null", "127.0.0.1:7070"],
    ["", ""],
    // A name of somebody else's that points here.
    ["http://rebound.test:7070", "rebound.test:7070"],
  ])("%j at %j is not", (origin, host) => {
    expect(isOurs(origin, host, "box.test")).toBe(false);
  });

  test("a program that is no browser sends none", () => {
    expect(isOurs(undefined, "127.0.0.1:7070")).toBe(true);
  });
});
