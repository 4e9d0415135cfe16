// The receive queue and the promises of those who read it.

import { describe, expect, test } from "vitest";
import { RECEIVE_CHUNK_BYTES } from "../../lib/core/limits.ts";
import { Receiver } from "../../lib/core/receiver.ts";

const MARK = RECEIVE_CHUNK_BYTES + 1_000;

function receiver(): { line: Receiver; changes: () => number } {
  let count = 0;
  const line = new Receiver(MARK, () => {
    count++;
  });
  return { line, changes: () => count };
}

const text = async (promise: Promise<Buffer | null>) => String(await promise);

describe("bytes", () => {
  test("go to who waits, or are held for who comes", async () => {
    const { line, changes } = receiver();
    const waiting = line.receive();
    expect(line.isWaiting).toBe(true);
    expect(changes()).toBe(1);
    line.append(Buffer.from("first"));
    expect(await text(waiting)).toBe("first");
    line.append(Buffer.from("sec"));
    line.push(Buffer.from("ond"));
    expect(line.bytes).toBe(6);
    expect(await text(line.receive())).toBe("second");
    expect(line.bytes).toBe(0);
  });

  test("are copied by append: what was lent may be overwritten", async () => {
    const { line } = receiver();
    const waiting = line.receive();
    const lent = Buffer.from("lent");
    line.append(lent);
    line.append(lent);
    lent.fill("x");
    expect(await text(waiting)).toBe("lent");
    expect(await text(line.receive())).toBe("lent");
  });

  test("come at least min and at most max at a time (B22)", async () => {
    const { line } = receiver();
    const first = line.receive({ min: 4, max: 5 });
    const second = line.receive({ min: 2, max: 2 });
    line.append(Buffer.from("abc"));
    expect(line.isWaiting).toBe(true);
    line.append(Buffer.from("defgh"));
    const [four, two] = [await text(first), await text(second)];
    expect(four.length).toBeGreaterThanOrEqual(4);
    expect(four.length).toBeLessThanOrEqual(5);
    expect(two.length).toBe(2);
    expect(four + two + (await text(line.receive()))).toBe("abcdefgh");
  });

  test("fill it up to where one more read could exceed the mark", async () => {
    const { line } = receiver();
    line.push(Buffer.alloc(1_000));
    expect(line.isFull).toBe(false);
    line.push(Buffer.alloc(1));
    expect(line.isFull).toBe(true);
    await line.receive();
    expect(line.isFull).toBe(false);
  });

  test("may be more than the mark for who asks for more", async () => {
    const { line } = receiver();
    const waiting = line.receive({ min: 2 * MARK });
    for (let size = 0; size < 2 * MARK; size += 1_000) {
      expect(line.isFull).toBe(false);
      line.push(Buffer.alloc(1_000));
    }
    expect((await waiting)?.length).toBeGreaterThanOrEqual(2 * MARK);
  });
});

describe("the end", () => {
  test("is null after all bytes, again and again (B15)", async () => {
    const { line } = receiver();
    line.append(Buffer.from("rest"));
    line.end();
    expect(line.isDrained).toBe(false);
    expect(await text(line.receive({ min: 100 }))).toBe("rest");
    expect(line.isDrained).toBe(true);
    expect(await line.receive()).toBeNull();
    expect(await line.receive()).toBeNull();
  });

  test("gives who waits for more what there is, and the next one null", async () => {
    const { line } = receiver();
    const waiting = [line.receive({ min: 10 }), line.receive()];
    line.append(Buffer.from("few"));
    line.end();
    expect((await Promise.all(waiting)).map((one) => one?.toString() ?? null)).toEqual([
      "few",
      null,
    ]);
  });

  test("with an error rejects after all bytes (B22)", async () => {
    const { line } = receiver();
    line.append(Buffer.from("before"));
    line.end(new Error("reset"));
    line.end(new Error("later"));
    expect(await text(line.receive())).toBe("before");
    await expect(line.receive()).rejects.toThrow("reset");
    await expect(line.next()).rejects.toThrow("reset");
  });

  test("cancel drops what is here and rejects who waits (B20)", async () => {
    const { line } = receiver();
    const waiting = line.receive({ min: 10 });
    const iterating = line.next();
    line.append(Buffer.from("few"));
    line.cancel(new Error("closed"));
    await expect(waiting).rejects.toThrow("closed");
    expect(await iterating).toEqual({ done: true, value: undefined });
    expect(line.bytes).toBe(0);
    await expect(line.receive()).rejects.toThrow("closed");
  });

  test("that was there stays after cancel", async () => {
    const { line } = receiver();
    line.end();
    line.cancel(new Error("closed"));
    expect(await line.receive()).toBeNull();
  });
});

describe("an iteration", () => {
  test("gives results, and is done at the end", async () => {
    const { line } = receiver();
    const first = line.next();
    line.append(Buffer.from("1"));
    line.append(Buffer.from("2"));
    expect(await first).toEqual({ done: false, value: Buffer.from("1") });
    expect(await line.next()).toEqual({ done: false, value: Buffer.from("2") });
    line.end();
    expect(await line.next()).toEqual({ done: true, value: undefined });
  });
});

describe("a signal", () => {
  test("ends the waiting, and no byte is lost", async () => {
    const { line } = receiver();
    const stop = new AbortController();
    const leaving = line.receive({ signal: stop.signal, min: 10 });
    const staying = line.receive();
    line.append(Buffer.from("abc"));
    stop.abort(new Error("enough"));
    await expect(leaving).rejects.toThrow("enough");
    // Who stood behind it wants less.
    expect(await text(staying)).toBe("abc");
  });

  test("that is aborted already takes nothing", async () => {
    const { line } = receiver();
    line.append(Buffer.from("abc"));
    await expect(line.receive({ signal: AbortSignal.abort("before") })).rejects.toBe("before");
    expect(line.bytes).toBe(3);
  });
});

test.each([
  [null, /options/],
  [{ min: 0 }, /min/],
  [{ min: 16_777_217 }, /min/],
  [{ max: 0 }, /max/],
  [{ min: 5, max: 4 }, /at least min, which is 5/],
  [{ signal: 5 }, /signal/],
  [{ mim: 5 }, /did you mean "min"/],
])("receive refuses %j", (options, message) => {
  expect(() => receiver().line.receive(options as never)).toThrow(message);
});
