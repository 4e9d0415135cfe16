// What all connections of a listener share.

import { expect, test, vi } from "vitest";
import {
  MemoryOutput,
  ProtocolSettings,
  WebSocketProtocol,
} from "../../../lib/websocket/protocol/index.ts";
import { feed, makeSide, peerFrame, Recorder } from "./support.ts";

test("defaults", () => {
  const settings = new ProtocolSettings({ role: "server" });
  expect(settings).toMatchObject({
    lend: false,
    stream: false,
    autoPong: true,
    deliverWhileClosing: false,
    deflate: null,
    masks: null,
    watchesTime: false,
  });
  expect(new ProtocolSettings({ role: "client" }).masks).not.toBeNull();
  expect(new ProtocolSettings({ role: "client", deflate: true }).deflate?.threshold).toBe(1_024);
  expect(new ProtocolSettings({ role: "client", timeouts: { idleTimeout: 1 } }).watchesTime).toBe(
    true,
  );
});

test.each([
  {},
  { role: "peer" },
  { role: "server", lend: 1 },
  { role: "server", unmask: {} },
  { role: "server", limits: { maxFragments: 0 } },
  { role: "server", timeouts: { closeTimeout: "x" } },
  { role: "server", deflate: { level: 10 } },
])("wrong options throw: %j", (options) => {
  expect(() => new ProtocolSettings(options as never)).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^ERR_(?:INVALID_ARG|OUT_OF_RANGE)/) }),
  );
});

test("idle connections share one parser, busy ones have their own", () => {
  const sides = [makeSide({ role: "client" }), makeSide({ role: "client" })] as const;
  const { settings } = sides[0].protocol;
  const parser = settings.takeParser(sides[0].protocol, false, false);
  settings.giveParser(parser);
  expect(settings.takeParser(sides[0].protocol, false, false)).toBe(parser);
  expect(settings.takeParser(sides[0].protocol, false, false)).not.toBe(parser);
  // Two half-received messages at once do not mix.
  const frame = (text: string) => peerFrame("client", { opcode: 1, payload: text });
  const first = frame("first");
  const second = frame("second");
  feed(sides[0], first.subarray(0, 4));
  feed(sides[1], second.subarray(0, 3));
  feed(sides[0], first.subarray(4));
  feed(sides[1], second.subarray(3));
  expect(sides.map((side) => side.handler.messages)).toEqual([["first"], ["second"]]);
});

test("a connection gives its parser back when nothing is half received", () => {
  const settings = new ProtocolSettings({ role: "client" });
  const taken = vi.spyOn(settings, "takeParser");
  const chunk = (text: string) => peerFrame("client", { opcode: 1, payload: text });
  const make = () => new WebSocketProtocol(settings, new MemoryOutput(), new Recorder(), null, 0);
  const [first, second] = [make(), make()];
  first.receive(chunk("a"), 0, 3, 0);
  second.receive(chunk("b"), 0, 3, 0);
  first.receive(chunk("c"), 0, 2, 0);
  second.receive(chunk("d"), 0, 3, 0);
  const parsers = taken.mock.results.map((result) => result.value);
  expect(parsers.length).toBe(4);
  expect(new Set(parsers.slice(0, 3)).size).toBe(1);
  expect(parsers[3]).not.toBe(parsers[2]);
});
