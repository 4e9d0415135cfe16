// What the WebSockets of one listener share, without a listener: who is told, sharing, the path of
// an error of a handler's.

import { describe, expect, test, vi } from "vitest";
import { callGuarded, Hub, type HubListener } from "../../lib/websocket/hub.ts";
import { parseListenerArguments } from "../../lib/websocket/options.ts";

function make(options: object = {}, handler?: () => unknown) {
  const told: unknown[][] = [];
  const listener: HubListener<unknown> = {
    state: "ready",
    offer: (socket) => told.push(["offer", socket]),
    failed: (error) => told.push(["failed", error]),
    closedOne: () => told.push(["closedOne"]),
  };
  const hub = new Hub(parseListenerArguments(options, handler), null, listener);
  const carrier = () => ({ user: null, bufferedBytes: 0 });
  const agreed = (url: string) => ({ url, protocol: "", extensions: "", deflate: null });
  const open = (url = "ws://a/", data?: unknown) => hub.open(carrier() as never, agreed(url), data);
  return { hub, told, open };
}

describe("an open WebSocket", () => {
  test("is among the sockets until it is closed", () => {
    const { hub, told, open } = make();
    const socket = open();
    expect([...hub.sockets]).toEqual([socket]);
    hub.socketClosed(socket as never);
    expect(hub.sockets.size).toBe(0);
    expect(told).toEqual([["closedOne"]]);
  });

  test("has the data that upgrade gave", () => {
    const { open } = make();
    expect(open("ws://a/", { user: "me" }).data).toEqual({ user: "me" });
    expect(open().data).toBeUndefined();
  });

  test("is offered to an iteration where neither handler nor callbacks take it", () => {
    const iterated = make();
    const socket = iterated.open();
    expect(iterated.hub.isIterated).toBe(true);
    iterated.hub.announce(socket);
    expect(iterated.told).toEqual([["offer", socket]]);
    const opened = vi.fn();
    const called = make({ open: opened });
    expect(called.hub.isIterated).toBe(false);
    called.hub.announce(called.open());
    expect(opened).toHaveBeenCalledTimes(1);
    expect(called.told).toEqual([]);
    for (const name of ["message", "part", "close", "ping", "pong", "drain"]) {
      expect(make({ [name]: () => {} }).hub.isIterated).toBe(false);
    }
  });

  test("is told to who wants to hear of each, before its handler", () => {
    const calls: string[] = [];
    const { hub, open } = make({}, () => {
      calls.push("handler");
      return new Promise(() => {});
    });
    hub.always = () => calls.push("always");
    hub.announce(open());
    expect(calls).toEqual(["always", "handler"]);
  });
});

describe("upgrades that fail", () => {
  test("are told as failures, or dropped where that was wanted", () => {
    const { hub, told } = make();
    const error = new Error("no HTTP") as never;
    hub.upgradeFailed(error);
    expect(told).toEqual([["failed", error]]);
    hub.upgradeDropped("nobody listens");
    const dropped = vi.fn();
    hub.dropped = dropped;
    hub.upgradeDropped("refused with 403");
    expect(dropped).toHaveBeenCalledExactlyOnceWith("refused with 403");
  });
});

describe("topics", () => {
  test("take in only who is open here, and forget who is closed", () => {
    const { hub, open } = make();
    const stranger = make().open();
    const socket = open();
    const got: unknown[] = [];
    for (const one of [socket, stranger]) {
      Object.defineProperty(one, "isSlow", { value: false });
      Object.assign(one, { sendPrepared: () => Boolean(got.push(one)) });
      hub.subscribe("news", one as never);
    }
    expect(hub.publish("news", "x", undefined, null)).toBe(1);
    expect(got).toEqual([socket]);
    expect(hub.publish("news", "x", undefined, socket as never)).toBe(0);
    expect(hub.broadcast("x", undefined)).toBe(1);
    hub.unsubscribe("news", socket as never);
    expect(hub.publish("news", "x", undefined, null)).toBe(0);
    hub.subscribe("news", socket as never);
    hub.socketClosed(socket as never);
    expect(hub.publish("news", "x", undefined, null)).toBe(0);
    expect(hub.broadcast("x", undefined)).toBe(0);
  });
});

test("what a handler of the listener's throws or rejects with reaches uncaughtException", async () => {
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const seen: unknown[] = [];
  process.on("uncaughtException", (error) => seen.push(error));
  const [thrown, rejected] = [new Error("thrown"), new Error("rejected")];
  callGuarded(() => {
    throw thrown;
  });
  callGuarded(() => Promise.reject(rejected));
  callGuarded(() => "fine");
  await vi.waitFor(() => expect(seen).toEqual([thrown, rejected]));
  process.removeAllListeners("uncaughtException");
  for (const one of listeners) process.on("uncaughtException", one);
});
