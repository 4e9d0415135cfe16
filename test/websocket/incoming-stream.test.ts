// Messages received in parts, without a connection: order, ends in the middle, what is held.

import { describe, expect, test } from "vitest";
import { type IncomingMessageStream, StreamInbox } from "../../lib/websocket/incoming-stream.ts";
import { Marks } from "../../lib/websocket/marks.ts";

function make(mark = 1_000) {
  let sunk = 0;
  const inbox = new StreamInbox(new Marks(mark, () => sunk++));
  return { inbox, sunk: () => sunk };
}

async function take(inbox: StreamInbox): Promise<IncomingMessageStream> {
  const stream = await inbox.receive(undefined);
  if (stream === null) throw new Error("the end came");
  return stream;
}

async function partsOf(stream: IncomingMessageStream): Promise<unknown[]> {
  const parts: unknown[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

const late = expect.objectContaining({ code: "ERR_INVALID_STATE" });

describe("messages in parts", () => {
  test("are given with their first part, and know their type", async () => {
    const { inbox } = make();
    const asked = inbox.receive(undefined);
    inbox.put("a", true, false);
    const stream = await asked;
    expect(stream?.isText).toBe(true);
    inbox.put("b", false, false);
    inbox.put("", false, true);
    inbox.put(Buffer.from("c"), true, true);
    expect(await partsOf(stream as IncomingMessageStream)).toEqual(["a", "b"]);
    expect(await stream?.receive()).toBeNull();
    const next = await take(inbox);
    expect(next.isText).toBe(false);
    expect(await partsOf(next)).toEqual([Buffer.from("c")]);
  });

  test("an empty message has no parts and is whole at once", async () => {
    const { inbox } = make();
    inbox.put("", true, true);
    inbox.put(Buffer.alloc(0), true, true);
    expect(await partsOf(await take(inbox))).toEqual([]);
    expect(await (await take(inbox)).whole()).toEqual(Buffer.alloc(0));
  });

  test("whole() gives what is left, of the message's type", async () => {
    const { inbox } = make();
    for (const part of ["a", "b", "c"]) inbox.put(part, part === "a", part === "c");
    const text = await take(inbox);
    expect(await text.receive()).toBe("a");
    expect(await text.whole()).toBe("bc");
    inbox.put(Buffer.from("x"), true, false);
    const whole = (await take(inbox)).whole();
    inbox.put(Buffer.from("y"), false, true);
    expect(await whole).toEqual(Buffer.from("xy"));
  });

  test("asking for the next drops what is left of the one before, and says so to its reader", async () => {
    const { inbox } = make();
    inbox.put("old", true, false);
    const old = await take(inbox);
    expect(await old.receive()).toBe("old");
    const waits = old.receive();
    const next = inbox.receive(undefined);
    await expect(waits).rejects.toEqual(late);
    inbox.put("more", false, true);
    inbox.put("new", true, true);
    expect(await (await next)?.whole()).toBe("new");
    await expect(old.receive()).rejects.toEqual(late);
    await expect(old.whole()).rejects.toEqual(late);
  });

  test("a message that was read to its end is not touched by the next", async () => {
    const { inbox } = make();
    inbox.put("a", true, true);
    const first = await take(inbox);
    expect(await first.whole()).toBe("a");
    inbox.put("b", true, true);
    await take(inbox);
    expect(await first.receive()).toBeNull();
  });

  test("a signal stops one who waits for a message or a part, and loses neither", async () => {
    const { inbox } = make();
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new Error("enough");
    const stopped = inbox.receive(signal);
    controller.abort(reason);
    await expect(stopped).rejects.toBe(reason);
    inbox.put("a", true, false);
    const stream = await take(inbox);
    // It takes nothing, so what is being read is not left either.
    await expect(inbox.receive(signal)).rejects.toBe(reason);
    await expect(stream.receive({ signal })).rejects.toBe(reason);
    expect(await stream.receive()).toBe("a");
    expect(() => stream.receive({ sgnal: signal } as never)).toThrow(TypeError);
  });
});

describe("what is held", () => {
  test("counts over all messages, waiting, half received and given out", async () => {
    const { inbox, sunk } = make(1_000);
    inbox.put(Buffer.alloc(300), true, true);
    inbox.put(Buffer.alloc(300), true, false);
    expect(inbox.isFull).toBe(false);
    inbox.put(Buffer.alloc(300), false, false);
    expect(inbox.isFull).toBe(true);
    const first = await take(inbox);
    expect(inbox.isFull).toBe(true);
    await first.whole();
    expect(inbox.isFull).toBe(true);
    const second = await take(inbox);
    await second.receive();
    expect([inbox.isFull, sunk()]).toEqual([false, 1]);
  });

  test("what a reader leaves makes room at once", async () => {
    const { inbox, sunk } = make(1_000);
    inbox.put(Buffer.alloc(2_000), true, false);
    await take(inbox);
    expect(inbox.isFull).toBe(true);
    void inbox.receive(undefined);
    expect([inbox.isFull, sunk()]).toEqual([false, 1]);
  });

  test("empty messages are bounded as well", () => {
    const { inbox } = make(640);
    for (let n = 0; n < 10; n++) inbox.put("", true, true);
    expect(inbox.isFull).toBe(true);
  });
});

describe("the end", () => {
  test("B15: comes after all messages and their parts, again and again", async () => {
    const { inbox } = make();
    inbox.put("last", true, true);
    inbox.end(null);
    expect(await (await take(inbox)).whole()).toBe("last");
    expect(await inbox.receive(undefined)).toBeNull();
    expect(await inbox.next()).toEqual({ done: true, value: undefined });
  });

  test("in the middle of a message is an error for its reader, after its parts", async () => {
    const { inbox } = make();
    const cut = new Error("cut");
    inbox.put("half", true, false);
    expect(inbox.isInside).toBe(true);
    inbox.end(null, cut);
    const stream = await take(inbox);
    expect(await stream.receive()).toBe("half");
    await expect(stream.receive()).rejects.toBe(cut);
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toBe(cut);
    expect(await inbox.receive(undefined)).toBeNull();
  });

  test("B20: a local end drops what is held; a message in the middle is never taken for whole", async () => {
    const { inbox } = make();
    const error = new Error("cancelled");
    inbox.put("read", true, true);
    inbox.put("half", true, false);
    await take(inbox);
    const stream = await take(inbox);
    inbox.put("waits", false, false);
    inbox.cancel(error);
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toBe(error);
    await expect(inbox.receive(undefined)).rejects.toBe(error);
    expect(await inbox.next()).toEqual({ done: true, value: undefined });
    inbox.put("late", false, true);
    await expect(stream.receive()).rejects.toBe(error);
  });
});
