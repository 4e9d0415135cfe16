// The receive queue and the promises of receive(), without a socket.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Receiver } from "../../lib/core/receiver.ts";

const LOCAL = Object.assign(new Error("local"), { code: "ECANCELED" });

function make(mark = 65_536): { receiver: Receiver; changes: () => number } {
  let changes = 0;
  return { receiver: new Receiver(mark, () => changes++), changes: () => changes };
}

describe("receive", () => {
  test("bytes for one who waits need no queue, and are a copy", async () => {
    const { receiver } = make();
    const waiting = receiver.receive();
    const lent = Buffer.from("abc");
    receiver.append(lent);
    lent.fill("x");
    expect(String(await waiting)).toBe("abc");
    expect(receiver.bytes).toBe(0);
  });

  test("the owner is told when something was consumed, and when somebody waits", async () => {
    const owner = { name: "owner" };
    const seen: unknown[] = [];
    const receiver = new Receiver(10, (who) => seen.push(who), owner);
    receiver.append(Buffer.from("abc"));
    expect(seen).toEqual([]);
    await receiver.receive();
    void receiver.receive();
    expect(seen).toEqual([owner, owner]);
  });

  test("it is full when another read of the kernel could exceed the mark", () => {
    const { receiver } = make(100_000);
    receiver.append(Buffer.alloc(100_000 - 65_536));
    expect(receiver.isFull).toBe(false);
    receiver.append(Buffer.alloc(1));
    expect(receiver.isFull).toBe(true);
  });

  test("a min above the mark is waited for, and the mark comes back after it", async () => {
    const { receiver } = make(65_536);
    const waiting = receiver.receive({ min: 200_000 });
    receiver.append(Buffer.alloc(150_000));
    expect(receiver.isFull).toBe(false);
    receiver.append(Buffer.alloc(60_000));
    expect((await waiting)?.length).toBe(200_000);
    expect(receiver.bytes).toBe(10_000);
    expect(receiver.isFull).toBe(true);
  });

  test("a signal takes one out of the line, and those behind it are served", async () => {
    const { receiver } = make();
    const stop = new AbortController();
    const first = receiver.receive({ min: 10, signal: stop.signal });
    const second = receiver.receive();
    receiver.append(Buffer.from("abc"));
    stop.abort("enough");
    await expect(first).rejects.toBe("enough");
    expect(String(await second)).toBe("abc");
  });
});

describe("the end", () => {
  test("comes after what is held, again and again", async () => {
    const { receiver } = make();
    receiver.append(Buffer.from("rest"));
    receiver.end();
    expect(receiver.isDrained).toBe(false);
    expect(String(await receiver.receive({ min: 100 }))).toBe("rest");
    expect(receiver.isDrained).toBe(true);
    expect([await receiver.receive(), await receiver.receive()]).toEqual([null, null]);
    receiver.cancel(() => LOCAL);
    expect(await receiver.receive()).toBeNull();
  });

  test("an error comes after what is held, too", async () => {
    const { receiver } = make();
    const error = new Error("reset");
    const waiting = receiver.receive({ min: 5 });
    receiver.append(Buffer.from("abc"));
    receiver.end(error);
    expect(String(await waiting)).toBe("abc");
    await expect(receiver.receive()).rejects.toBe(error);
  });

  test("a cancel drops what is held, and settles who waits; iteration only ends", async () => {
    const { receiver } = make();
    const waiting = receiver.receive({ min: 10 });
    const step = receiver.next();
    receiver.append(Buffer.from("abc"));
    receiver.cancel(() => LOCAL);
    await expect(waiting).rejects.toBe(LOCAL);
    expect(await step).toEqual({ done: true, value: undefined });
    expect(await receiver.next()).toEqual({ done: true, value: undefined });
    await expect(receiver.receive()).rejects.toBe(LOCAL);
    expect(receiver.bytes).toBe(0);
  });

  test("the error of a cancel is made once, and only for who wants to know", async () => {
    const { receiver } = make();
    let made = 0;
    const step = receiver.next();
    receiver.cancel(() => new Error(`made ${++made}`));
    expect(await step).toEqual({ done: true, value: undefined });
    expect(made).toBe(0);
    await expect(receiver.receive()).rejects.toThrow("made 1");
    await expect(receiver.receive()).rejects.toThrow("made 1");
    expect(made).toBe(1);
  });

  test("an iteration throws an error that was not our own", async () => {
    const { receiver } = make();
    const step = receiver.next();
    receiver.end(new Error("reset"));
    await expect(step).rejects.toThrow("reset");
    await expect(receiver.next()).rejects.toThrow("reset");
  });
});

test("B22 whatever comes in pieces is given in order, within min and max", async () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 30 });
  const requests = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(60)).map(([min, more]) => ({
      min,
      max: min + more,
    })),
    { maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(pieces, requests, async (list, asked) => {
      const { receiver } = make();
      const promises: Promise<Buffer | null>[] = [];
      for (let i = 0; i < Math.max(list.length, asked.length); i++) {
        const [piece, request] = [list[i], asked[i]];
        if (piece !== undefined) receiver.append(piece);
        if (request !== undefined) promises.push(receiver.receive(request));
      }
      receiver.end();
      const given = await Promise.all(promises);
      const all = Buffer.concat(list);
      let at = 0;
      given.forEach((bytes, index) => {
        const { min, max } = asked[index] as { min: number; max: number };
        if (bytes === null) {
          expect(at).toBe(all.length);
          return;
        }
        expect(bytes.length).toBeLessThanOrEqual(max);
        if (bytes.length < min) expect(at + bytes.length).toBe(all.length);
        expect(bytes.equals(all.subarray(at, at + bytes.length))).toBe(true);
        at += bytes.length;
      });
    }),
  );
});
