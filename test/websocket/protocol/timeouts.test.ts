// What a connection does when nothing comes: heartbeat, idle and close time-outs, with time as
// numbers.

import { describe, expect, test } from "vitest";
import type { ProtocolOptions } from "../../../lib/websocket/protocol/index.ts";
import { closePayload, feed, makeSide, parseFrames, peerFrame, sentClose } from "./support.ts";

const ROLES = ["server", "client"] as const;
const TEXT = 1;

describe.each(ROLES)("a %s", (role) => {
  const make = (options: Partial<ProtocolOptions> = {}) => makeSide({ role, ...options });
  const fromPeer = (opcode: number, payload: Buffer | string = "") =>
    peerFrame(role, { opcode, payload });

  test("B42 a peer that never answers is dropped after closeTimeout", () => {
    const side = make({ timeouts: { closeTimeout: 2_000 } });
    side.protocol.close(1000, "", 500);
    expect(side.protocol.nextDeadline()).toBe(2_500);
    side.protocol.tick(2_499);
    expect(side.handler.named("abort")).toEqual([]);
    side.protocol.tick(2_500);
    expect(side.handler.named("abort")).toEqual([["abort", "closeTimeout"]]);
    expect(side.protocol.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    side.protocol.tick(9_999);
    expect(side.handler.named("abort").length).toBe(1);
    side.protocol.transportClosed(2_501);
    expect(side.handler.closed).toMatchObject({ code: 1006, wasClean: false });
  });

  test("closeTimeout also bounds a peer that sent its Close and keeps the transport open", () => {
    const side = make({ timeouts: { closeTimeout: 1_000 } });
    feed(side, fromPeer(8, closePayload(1000)), 100);
    side.protocol.tick(1_100);
    expect(side.handler.named("abort")).toEqual([["abort", "closeTimeout"]]);
    side.protocol.transportClosed(1_101);
    expect(side.handler.closed).toMatchObject({ code: 1000, wasClean: true });
  });

  test("B14 a ping leaves after the interval, silence after it is a dead peer", () => {
    const side = make({ timeouts: { heartbeatInterval: 1_000, heartbeatTimeout: 300 } });
    expect(side.protocol.nextDeadline()).toBe(1_000);
    side.protocol.tick(999);
    expect(side.output.take().length).toBe(0);
    side.protocol.tick(1_000);
    expect(parseFrames(side.output.take()).map((f) => f.opcode)).toEqual([9]);
    expect(side.protocol.nextDeadline()).toBe(1_300);
    feed(side, fromPeer(10), 1_200);
    expect(side.protocol.nextDeadline()).toBe(2_200);
    side.protocol.tick(2_200);
    side.protocol.tick(2_500);
    expect(side.handler.named("abort")).toEqual([["abort", "heartbeatTimeout"]]);
    side.protocol.transportClosed(2_501);
    expect(side.handler.closed).toMatchObject({ code: 1006, initiator: "local" });
  });

  test("B14 any byte is a sign of life, and a paused application is no dead peer", () => {
    const side = make({ timeouts: { heartbeatInterval: 1_000, heartbeatTimeout: 300 } });
    feed(side, fromPeer(TEXT, "busy").subarray(0, 1), 900);
    expect(side.protocol.nextDeadline()).toBe(1_900);
    side.protocol.tick(1_900);
    side.protocol.pause();
    expect(side.protocol.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    side.protocol.tick(99_000);
    expect(side.handler.named("abort")).toEqual([]);
    side.protocol.resume(99_000);
    expect(side.protocol.nextDeadline()).toBe(100_000);
  });

  test("an idle connection is closed with 1001; messages postpone it, pings do not", () => {
    const side = make({ timeouts: { idleTimeout: 1_000 } });
    feed(side, fromPeer(TEXT, "x"), 400);
    expect(side.protocol.nextDeadline()).toBe(1_400);
    side.protocol.sendText("y", true, 900);
    expect(side.protocol.nextDeadline()).toBe(1_900);
    feed(side, fromPeer(9), 1_800);
    side.output.take();
    side.protocol.tick(1_900);
    expect(sentClose(side)).toBe(1001);
    expect(side.protocol.state).toBe("closeSent");
  });

  test("an idle connection without time-outs never wants to be woken", () => {
    expect(make().protocol.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });
});
