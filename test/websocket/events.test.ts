// Events of the WHATWG's WebSocket, and its event handler attributes.

import { describe, expect, test, vi } from "vitest";
import { CloseEvent, ErrorEvent } from "../../lib/index.ts";
import { HandlerAttributes } from "../../lib/websocket/events.ts";

describe("events", () => {
  test("a CloseEvent has its code, reason and wasClean, or what is initial", () => {
    const event = new CloseEvent("close", { code: 4_000, reason: "why", wasClean: true });
    expect(event).toBeInstanceOf(Event);
    const { type, code, reason, wasClean, cancelable } = event;
    expect([type, code, reason, wasClean, cancelable]).toEqual([
      "close",
      4_000,
      "why",
      true,
      false,
    ]);
    const plain = new CloseEvent("close");
    expect([plain.code, plain.reason, plain.wasClean]).toEqual([0, "", false]);
  });

  test("an ErrorEvent has its error and message, or what is initial", () => {
    const error = new Error("beneath");
    const event = new ErrorEvent("error", { error, message: "above" });
    expect([event.type, event.error, event.message]).toEqual(["error", error, "above"]);
    const plain = new ErrorEvent("error");
    expect([plain.error, plain.message]).toEqual([undefined, ""]);
  });
});

describe("event handler attributes", () => {
  function make() {
    const target = new EventTarget();
    return { target, attributes: new HandlerAttributes(target) };
  }

  test("a handler is called with the event, on its target, until it is null", () => {
    const { target, attributes } = make();
    const handler = vi.fn(function (this: unknown) {
      expect(this).toBe(target);
    });
    expect(attributes.get("open")).toBeNull();
    attributes.set("open", handler);
    expect(attributes.get("open")).toBe(handler);
    const event = new Event("open");
    target.dispatchEvent(event);
    expect(handler).toHaveBeenCalledExactlyOnceWith(event);
    attributes.set("open", null);
    expect(attributes.get("open")).toBeNull();
    target.dispatchEvent(new Event("open"));
    expect(handler).toHaveBeenCalledTimes(1);
  });

  test("one that is set again keeps its place among the listeners", () => {
    const { target, attributes } = make();
    const calls: string[] = [];
    attributes.set("open", () => calls.push("first"));
    target.addEventListener("open", () => calls.push("listener"));
    attributes.set("open", () => calls.push("second"));
    target.dispatchEvent(new Event("open"));
    expect(calls).toEqual(["second", "listener"]);
    attributes.set("open", null);
    attributes.set("open", () => calls.push("third"));
    target.dispatchEvent(new Event("open"));
    expect(calls.slice(2)).toEqual(["listener", "third"]);
  });

  test("what is no function counts as null, and kinds do not mix", () => {
    const { target, attributes } = make();
    const handler = vi.fn();
    for (const value of [undefined, null, 1, "f", {}, { handleEvent: handler }]) {
      attributes.set("open", handler);
      attributes.set("open", value);
      expect(attributes.get("open")).toBeNull();
    }
    attributes.set("close", handler);
    target.dispatchEvent(new Event("open"));
    expect(handler).not.toHaveBeenCalled();
    expect(attributes.get("open")).toBeNull();
  });
});
