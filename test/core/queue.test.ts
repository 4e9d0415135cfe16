import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COPY_THRESHOLD_BYTES, OWNED_BLOCK_BYTES } from "../../lib/core/limits.ts";
import { Queue } from "../../lib/core/queue.ts";

const MARKS = { high: 100, low: 40 };

function bytesQueue(...chunks: string[]): Queue {
  const queue = new Queue(MARKS);
  for (const chunk of chunks) queue.push(Buffer.from(chunk));
  return queue;
}

function text(buffer: Buffer | undefined): string | undefined {
  return buffer?.toString("latin1");
}

describe("Queue", () => {
  it("gives items in order and counts their bytes", () => {
    const queue = new Queue<string | Buffer>(MARKS);
    queue.push("héllo");
    queue.push(Buffer.from("abc"));
    queue.push("");
    expect([queue.length, queue.bytes]).toEqual([3, 9]);
    expect(queue.shift()).toBe("héllo");
    expect(queue.shift()).toEqual(Buffer.from("abc"));
    expect([queue.length, queue.bytes]).toEqual([1, 0]);
    expect(queue.shift()).toBe("");
    expect(queue.shift()).toBeUndefined();
  });

  it("takes the size of a message from who knows it", () => {
    const queue = new Queue<string>(MARKS);
    queue.push("héllo", 6);
    expect(queue.bytes).toBe(6);
  });

  it("says no from the high mark until the low mark", () => {
    const queue = new Queue(MARKS);
    expect(queue.push(Buffer.alloc(99))).toBe(true);
    expect(queue.push(Buffer.alloc(1))).toBe(false);
    queue.consume(59);
    expect([queue.bytes, queue.above]).toEqual([41, true]);
    queue.consume(1);
    expect([queue.bytes, queue.above]).toEqual([40, false]);
    expect(queue.push(Buffer.alloc(59))).toBe(true);
  });

  it("has a low mark of half the high one", () => {
    expect(new Queue({ high: 65_536 }).low).toBe(32_768);
  });

  it("judges by new marks at once", () => {
    const queue = new Queue(MARKS);
    queue.push(Buffer.alloc(100));
    queue.setMarks(1_000);
    expect([queue.above, queue.high, queue.low]).toEqual([false, 1_000, 500]);
    queue.setMarks(50);
    expect(queue.above).toBe(true);
  });

  it("counts an overhead for each message, so that empty ones are bounded", () => {
    const queue = new Queue<string>({ high: 100, itemOverhead: 10 });
    for (let i = 0; i < 9; i++) expect(queue.push("")).toBe(true);
    expect(queue.push("")).toBe(false);
    expect(queue.bytes).toBe(0);
    for (let i = 0; i < 5; i++) queue.shift();
    expect(queue.above).toBe(false);
  });

  it("peeks at any item without taking it", () => {
    const queue = bytesQueue("ab", "cd");
    expect([queue.peek(), queue.peek(1), queue.peek(2)].map(text)).toEqual(["ab", "cd", undefined]);
    expect(queue.bytes).toBe(4);
  });

  it("knows the size of an item whose memory has gone", () => {
    const queue = new Queue<Buffer>({ high: 100 });
    const gone = new Uint8Array(10);
    queue.push(Buffer.from(gone.buffer));
    queue.consume(3);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(queue.peek()?.length).toBe(0);
    expect(queue.sizeAt(0)).toBe(7);
    expect(queue.sizeAt(1)).toBe(0);
    queue.consume(7);
    expect(queue.bytes).toBe(0);
  });

  it("consumes in part: what is left is a view of the rest", () => {
    const queue = bytesQueue("abc", "def");
    queue.consume(4);
    expect([queue.length, queue.bytes, text(queue.peek())]).toEqual([1, 2, "ef"]);
    expect(() => queue.consume(3)).toThrow(RangeError);
    queue.consume(2);
    expect([queue.length, queue.bytes]).toEqual([0, 0]);
  });

  it("clears", () => {
    const queue = bytesQueue("x".repeat(200));
    queue.clear();
    expect([queue.length, queue.bytes, queue.above]).toEqual([0, 0, false]);
    expect(queue.push(Buffer.from("a"))).toBe(true);
    expect(text(queue.take())).toBe("a");
  });
});

describe("Queue.take", () => {
  it("B22 gives nothing while fewer than min bytes are here", () => {
    const queue = bytesQueue("abc");
    expect(queue.take(4)).toBeUndefined();
    expect(queue.bytes).toBe(3);
    expect(new Queue(MARKS).take(0)).toBeUndefined();
  });

  it("B22 gives what is left after the end, with a min of 0", () => {
    expect(text(bytesQueue("abc").take(0))).toBe("abc");
  });

  it("B22 never gives more than max", () => {
    const queue = bytesQueue("abcdef");
    expect(text(queue.take(1, 4))).toBe("abcd");
    expect(text(queue.take(1, 4))).toBe("ef");
    expect(queue.take(0, 0)).toBeUndefined();
  });

  it("does not copy a chunk that fits", () => {
    const large = Buffer.alloc(COPY_THRESHOLD_BYTES);
    const alone = Buffer.from("alone");
    const queue = new Queue({ high: 1 });
    queue.push(large);
    queue.push(alone);
    expect(queue.take()).toBe(large);
    expect(queue.take()).toBe(alone);
  });

  it("does not copy a part of a chunk", () => {
    const chunk = Buffer.from("abcdef");
    const queue = new Queue(MARKS);
    queue.push(chunk);
    expect(queue.take(1, 2)?.buffer).toBe(chunk.buffer);
    expect(queue.take()?.buffer).toBe(chunk.buffer);
  });

  it("joins small chunks, since a reader wants more than one at a time", () => {
    expect(text(bytesQueue("ab", "cd", "ef").take())).toBe("abcdef");
  });

  it("joins no large chunk that min does not ask for", () => {
    const queue = bytesQueue("ab");
    const large = Buffer.alloc(COPY_THRESHOLD_BYTES, "L");
    queue.push(large);
    expect(text(queue.take())).toBe("ab");
    expect(queue.take()).toBe(large);
  });

  it("copies of a large chunk only as much as min asks for", () => {
    const queue = bytesQueue("ab");
    queue.push(Buffer.alloc(COPY_THRESHOLD_BYTES, "L"));
    expect(text(queue.take(3))).toBe("abL");
    expect(queue.bytes).toBe(COPY_THRESHOLD_BYTES - 1);
  });

  it("steps over empty chunks", () => {
    const queue = bytesQueue("", "", "ab");
    expect(text(queue.take())).toBe("ab");
    expect(queue.take()).toBeUndefined();
  });
});

describe("Queue.append", () => {
  it("copies, so that the memory may be used again", () => {
    const slab = Buffer.from("abc");
    const queue = new Queue(MARKS);
    queue.append(slab);
    slab.fill("x");
    expect(text(queue.take())).toBe("abc");
  });

  it("keeps small pieces in one buffer while nobody reads", () => {
    const queue = new Queue({ high: 65_536 });
    for (let i = 0; i < 4_000; i++) queue.append(Buffer.from([i % 251]));
    expect(queue.length).toBeLessThanOrEqual(2);
    expect(queue.bytes).toBe(4_000);
    const all = queue.take(4_000) as Buffer;
    for (let i = 0; i < 4_000; i++) expect(all[i]).toBe(i % 251);
  });

  it("fills a block to its end before it takes another", () => {
    const queue = new Queue({ high: 1 });
    for (let i = 0; i < 1 + OWNED_BLOCK_BYTES; i++) queue.append(Buffer.of(1));
    expect(queue.length).toBe(2);
    queue.append(Buffer.of(1));
    expect(queue.length).toBe(3);
  });

  it("spends no block on a piece that nothing waits with", () => {
    const pieces = Array.from({ length: 3 }, () => {
      const queue = new Queue(MARKS);
      queue.append(Buffer.from("abc"));
      return queue.take() as Buffer;
    });
    // They share Node's own pool, which may be renewed between two of them.
    expect(new Set(pieces.map((piece) => piece.buffer)).size).toBeLessThan(3);
    const queue = new Queue(MARKS);
    queue.append(Buffer.alloc(COPY_THRESHOLD_BYTES));
    expect(queue.take()?.buffer.byteLength).toBe(COPY_THRESHOLD_BYTES);
  });

  it("never writes into memory that was given out", () => {
    const queue = new Queue(MARKS);
    queue.append(Buffer.from("a"));
    queue.append(Buffer.from("bc"));
    queue.consume(1);
    const given = queue.take(1, 1);
    queue.append(Buffer.from("d"));
    expect(text(given)).toBe("b");
    expect(text(queue.take())).toBe("cd");
    queue.append(Buffer.from("e"));
    expect(text(given)).toBe("b");
    expect(text(queue.take())).toBe("e");
  });

  it("ignores nothing", () => {
    const queue = new Queue(MARKS);
    expect(queue.append(Buffer.alloc(0))).toBe(true);
    expect(queue.length).toBe(0);
  });
});

describe("Queue against a model", () => {
  const size = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 3 * COPY_THRESHOLD_BYTES }));
  const step = fc.oneof(
    fc.record({ op: fc.constant("push" as const), size }),
    fc.record({ op: fc.constant("append" as const), size }),
    fc.record({ op: fc.constant("take" as const), size, extra: size }),
    fc.record({ op: fc.constant("consume" as const), size }),
    fc.record({ op: fc.constant("shift" as const), size }),
  );

  it("B22 every byte comes out once, in order, within min and max, however it is called", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new Queue({ high: 10_000, low: 3_000 });
        let written = 0;
        let read = 0;
        let above = false;
        const check = (bytes: Uint8Array) => {
          for (const byte of bytes) if (byte !== read++ % 251) throw new Error("wrong byte");
        };
        for (const { op, size: n, ...rest } of steps) {
          if (op === "push" || op === "append") {
            const chunk = Buffer.from(Array.from({ length: n }, () => written++ % 251));
            queue[op](chunk);
            if (op === "append") chunk.fill(255);
          } else if (op === "consume") {
            const count = Math.min(n, queue.bytes);
            for (let i = 0, left = count; left > 0; i++) {
              const part = (queue.peek(i) as Buffer).subarray(0, left);
              check(part);
              left -= part.length;
            }
            queue.consume(count);
          } else if (op === "shift") {
            check(queue.shift() ?? new Uint8Array());
          } else {
            const max = n + (rest as { extra: number }).extra;
            const held = queue.bytes;
            const got = queue.take(n, max);
            if (got !== undefined) {
              expect(got.length).toBeGreaterThanOrEqual(Math.max(n, 1));
              expect(got.length).toBeLessThanOrEqual(max);
              check(got);
            } else {
              expect(held < n || held === 0 || max === 0).toBe(true);
            }
          }
          expect(queue.bytes).toBe(written - read);
          if (queue.bytes >= 10_000) above = true;
          else if (queue.bytes <= 3_000) above = false;
          expect(queue.above).toBe(above);
        }
        check(queue.take(0) ?? new Uint8Array());
      }),
      { numRuns: 300 },
    );
  });
});

describe("Queue as a structure", () => {
  it("keeps the order of a hundred thousand items over growth and wrap-around", () => {
    const queue = new Queue<string>({ high: 1 });
    let next = 0;
    for (let i = 0; i < 100_000; i++) {
      queue.push(String(i));
      if (i % 3 === 0 && queue.shift() !== String(next++)) throw new Error("order");
    }
    while (queue.length > 0) if (queue.shift() !== String(next++)) throw new Error("order");
    expect(next).toBe(100_000);
  });

  it("lets go of what was taken out, also while it holds more", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const queue = new Queue(MARKS);
    const references = Array.from({ length: 20 }, () => {
      const item = Buffer.from(new ArrayBuffer(64));
      queue.push(item);
      return new WeakRef(item);
    });
    for (let i = 0; i < 19; i++) queue.shift();
    // A WeakRef keeps its target until the job that made it is over.
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    expect(references.map((one) => one.deref() !== undefined).filter(Boolean)).toHaveLength(1);
    queue.shift();
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    expect(references.filter((one) => one.deref() !== undefined)).toHaveLength(0);
  });
});
