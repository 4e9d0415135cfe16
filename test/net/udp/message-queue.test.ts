import { describe, expect, test } from "vitest";
import { MessageQueue } from "../../../lib/net/udp/message-queue.ts";

const bytes = (text: string): Buffer => Buffer.from(text);

describe("messages of a flow", () => {
  test("B36: come out whole and in order, empty ones included", async () => {
    const queue = new MessageQueue(1_000);
    for (const text of ["one", "", "three"]) queue.push(bytes(text));
    for (const text of ["one", "", "three"])
      expect(String(await queue.receive(undefined))).toBe(text);
  });

  test("B35: above the mark there is no room, below it again, and a first one always fits", async () => {
    const queue = new MessageQueue(100);
    expect(queue.hasRoom).toBe(true);
    queue.push(Buffer.alloc(500));
    expect(queue.hasRoom).toBe(false);
    await queue.receive(undefined);
    expect(queue.hasRoom).toBe(true);
    queue.push(Buffer.alloc(1));
    expect(queue.hasRoom).toBe(true);
  });

  test("who waits gets the next one, in the order of waiting", async () => {
    const queue = new MessageQueue(1);
    const first = queue.receive(undefined);
    const second = queue.receive(undefined);
    expect(queue.isWaiting).toBe(true);
    queue.push(bytes("a"));
    queue.push(bytes("b"));
    expect(String(await first)).toBe("a");
    expect(String(await second)).toBe("b");
  });

  test("B39: an error is told to who waits, else to the next after what has arrived, once", async () => {
    const queue = new MessageQueue(1_000);
    const waiting = queue.receive(undefined);
    queue.fail(new Error("first"));
    await expect(waiting).rejects.toThrow("first");
    queue.push(bytes("before"));
    queue.fail(new Error("second"));
    expect(String(await queue.receive(undefined))).toBe("before");
    await expect(queue.receive(undefined)).rejects.toThrow("second");
    expect(queue.takeError()).toBeNull();
  });

  test("a signal takes its waiter out of the line, and loses nothing", async () => {
    const queue = new MessageQueue(1_000);
    const controller = new AbortController();
    const waiting = queue.receive(controller.signal);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(queue.receive(controller.signal)).rejects.toThrow("enough");
    queue.push(bytes("kept"));
    expect(String(await queue.receive(undefined))).toBe("kept");
  });

  test("after the end: what has arrived unless it is dropped, then null again and again", async () => {
    const queue = new MessageQueue(1_000);
    queue.push(bytes("kept"));
    queue.end(() => new Error("closed"), false);
    expect(String(await queue.receive(undefined))).toBe("kept");
    expect(await queue.receive(undefined)).toBeNull();
    expect(await queue.receive(undefined)).toBeNull();
    const dropped = new MessageQueue(1_000);
    dropped.push(bytes("gone"));
    dropped.end(() => new Error("closed"), true);
    expect(await dropped.receive(undefined)).toBeNull();
    const waited = new MessageQueue(1_000);
    const waiting = waited.receive(undefined);
    waited.end(() => new Error("closed"), false);
    await expect(waiting).rejects.toThrow("closed");
  });
});
