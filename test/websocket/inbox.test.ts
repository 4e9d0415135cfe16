// The queue of received messages and those who wait for them.

import { describe, expect, test } from "vitest";
import { Inbox } from "../../lib/websocket/inbox.ts";
import { Marks } from "../../lib/websocket/marks.ts";

const make = (mark = 1_000) => {
  let consumed = 0;
  const inbox = new Inbox(new Marks(mark, () => consumed++));
  return { inbox, consumed: () => consumed };
};

describe("Inbox", () => {
  test("gives messages in order, to those who wait and to those who come", async () => {
    const { inbox } = make();
    const first = inbox.receive(undefined);
    const second = inbox.next();
    for (const text of ["a", "", "c"]) inbox.push(text);
    expect(await first).toBe("a");
    expect(await second).toEqual({ done: false, value: "" });
    expect(await inbox.receive(undefined)).toBe("c");
  });

  test("is full at its mark, empty messages count too, and tells at the low mark", async () => {
    const { inbox, consumed } = make(640);
    for (let n = 0; n < 9; n++) inbox.push("");
    expect(inbox.isFull).toBe(false);
    inbox.push("");
    expect(inbox.isFull).toBe(true);
    for (let n = 0; n < 4; n++) await inbox.receive(undefined);
    expect([inbox.isFull, consumed()]).toEqual([true, 0]);
    await inbox.receive(undefined);
    expect([inbox.isFull, consumed()]).toEqual([false, 1]);
  });

  test("B15: the end comes after all messages, again and again", async () => {
    const { inbox } = make();
    inbox.push("last");
    inbox.end();
    expect(await inbox.receive(undefined)).toBe("last");
    expect(await inbox.receive(undefined)).toBeNull();
    expect(await inbox.next()).toEqual({ done: true, value: undefined });
  });

  test("B22: a failure comes after all messages, to whoever waits", async () => {
    const { inbox } = make();
    const error = new Error("failed");
    const [waiting, step] = [inbox.receive(undefined), inbox.next()];
    inbox.push("one");
    inbox.end(error);
    expect(await waiting).toBe("one");
    await expect(step).rejects.toBe(error);
    await expect(inbox.receive(undefined)).rejects.toBe(error);
  });

  test("B20: a local end drops what is held, rejects receive() and ends iterations", async () => {
    const { inbox } = make();
    const error = new Error("cancelled");
    inbox.push("unread");
    inbox.cancel(error);
    await expect(inbox.receive(undefined)).rejects.toBe(error);
    expect(await inbox.next()).toEqual({ done: true, value: undefined });
    inbox.end(new Error("later"));
    await expect(inbox.receive(undefined)).rejects.toBe(error);
  });

  test("a signal stops one who waits, and no message is lost", async () => {
    const { inbox } = make();
    const controller = new AbortController();
    const [stopped, next] = [inbox.receive(controller.signal), inbox.receive(undefined)];
    const reason = new Error("enough");
    controller.abort(reason);
    inbox.push("kept");
    await expect(stopped).rejects.toBe(reason);
    expect(await next).toBe("kept");
    await expect(inbox.receive(controller.signal)).rejects.toBe(reason);
  });
});
