// The event target of hawser/ws: listeners in the browser's manner over an emitter.

import { describe, expect, test, vi } from "vitest";
import { type WsEvent, WsEventTarget } from "../../lib/websocket/ws-events.ts";

describe("listeners in the browser's manner", () => {
  test("get an event of the kind, with what the emitter said", () => {
    const target = new WsEventTarget();
    const events: WsEvent[] = [];
    for (const type of ["open", "message", "close", "error"]) {
      target.addEventListener(type, (event) => events.push(event));
    }
    const error = new Error("mine");
    target.emit("open");
    target.emit("message", Buffer.from("text"), false);
    target.emit("message", Buffer.from("bytes"), true);
    target.emit("close", 1_000, Buffer.from("why"));
    target.emit("error", error);
    expect(events).toEqual([
      { type: "open", target },
      { type: "message", target, data: "text" },
      { type: "message", target, data: Buffer.from("bytes") },
      { type: "close", target, code: 1_000, reason: "why", wasClean: false },
      { type: "error", target, error, message: "mine" },
    ]);
  });

  test("are added once each, and removed; objects with handleEvent too", () => {
    const target = new WsEventTarget();
    const listener = vi.fn();
    const object = { handleEvent: vi.fn() };
    for (let n = 0; n < 3; n++) target.addEventListener("open", listener);
    target.addEventListener("open", object);
    target.emit("open");
    expect([listener.mock.calls.length, object.handleEvent.mock.calls.length]).toEqual([1, 1]);
    target.removeEventListener("open", listener);
    target.removeEventListener("open", listener);
    target.emit("open");
    expect([listener.mock.calls.length, object.handleEvent.mock.calls.length]).toEqual([1, 2]);
    expect(target.listenerCount("open")).toBe(1);
  });

  test("once is once, and other events are not for them", () => {
    const target = new WsEventTarget();
    const listener = vi.fn();
    target.addEventListener("open", listener, { once: true });
    target.addEventListener("ping", listener);
    target.emit("open");
    target.emit("open");
    target.emit("ping");
    expect(listener).toHaveBeenCalledTimes(1);
    expect(target.listenerCount("open")).toBe(0);
  });
});

describe("attributes", () => {
  test.each(["onopen", "onmessage", "onclose", "onerror"] as const)("%s", (name) => {
    const target = new WsEventTarget();
    const type = name.slice(2);
    const [first, second] = [vi.fn(), vi.fn()];
    expect(target[name]).toBeNull();
    target[name] = first;
    expect(target[name]).toBe(first);
    target.addEventListener(type, first);
    target.emit(type, new Error("an argument"));
    // An attribute and a listener are two, even with one function.
    expect(first).toHaveBeenCalledTimes(2);
    target[name] = second;
    target.emit(type, new Error("an argument"));
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([3, 1]);
    target[name] = null;
    expect(target[name]).toBeNull();
    target[name] = "no function" as never;
    expect(target[name]).toBeNull();
    expect(target.listenerCount(type)).toBe(1);
  });
});
