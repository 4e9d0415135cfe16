import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deadline, Deadlines } from "../../lib/core/deadlines.ts";

function expired(deadlines: Deadlines<string>, now: number): string[] {
  const list: string[] = [];
  deadlines.expire(now, (owner) => list.push(owner));
  return list;
}

describe("Deadlines", () => {
  it("tells what has passed, the earliest first, once", () => {
    const deadlines = new Deadlines<string>();
    for (const [name, at] of [
      ["c", 30],
      ["a", 10],
      ["d", 40],
      ["b", 20],
    ] as const) {
      deadlines.set(new Deadline(name), at);
    }
    expect(deadlines.next()).toBe(10);
    expect(expired(deadlines, 9)).toEqual([]);
    expect(expired(deadlines, 30)).toEqual(["a", "b", "c"]);
    expect(expired(deadlines, 30)).toEqual([]);
    expect([deadlines.next(), deadlines.size]).toEqual([40, 1]);
  });

  it("has no next while nothing is set", () => {
    expect(new Deadlines().next()).toBeUndefined();
  });

  it("says when it must be woken earlier than before, and only then", () => {
    const deadlines = new Deadlines<string>();
    const [a, b] = [new Deadline("a"), new Deadline("b")];
    expect(deadlines.set(a, 100)).toBe(true);
    expect(deadlines.set(b, 200)).toBe(false);
    expect(deadlines.set(b, 50)).toBe(true);
    expect(deadlines.set(b, 300)).toBe(false);
    expect(deadlines.next()).toBe(100);
  });

  it("moves a deadline to later without telling it at the old time", () => {
    const deadlines = new Deadlines<string>();
    const idle = new Deadline("idle");
    deadlines.set(idle, 10);
    for (let at = 11; at <= 50; at++) deadlines.set(idle, at);
    expect(expired(deadlines, 49)).toEqual([]);
    expect(expired(deadlines, 50)).toEqual(["idle"]);
  });

  it("forgets a cleared one at once, so that it keeps its owner from no collection", () => {
    const deadlines = new Deadlines<string>();
    const [a, b] = [new Deadline("a"), new Deadline("b")];
    deadlines.set(a, 10);
    deadlines.set(b, 20);
    deadlines.clear(a);
    deadlines.clear(a);
    expect([a.isSet, b.isSet, deadlines.size, deadlines.next()]).toEqual([false, true, 1, 20]);
    expect(expired(deadlines, 100)).toEqual(["b"]);
  });

  it("lets the callback set and clear others and itself, and ends even so", () => {
    const deadlines = new Deadlines<string>();
    const [a, b, c] = [new Deadline("a"), new Deadline("b"), new Deadline("c")];
    deadlines.set(a, 1);
    deadlines.set(b, 2);
    deadlines.set(c, 3);
    const told: string[] = [];
    deadlines.expire(10, (owner, deadline) => {
      told.push(owner);
      if (owner === "a") deadlines.clear(b);
      deadlines.set(deadline, 5);
    });
    expect(told).toEqual(["a", "c", "a"]);
    expect([a.isSet, b.isSet, c.isSet]).toEqual([true, false, true]);
    expect(deadlines.next()).toBe(5);
  });

  it("stays whole when the callback throws", () => {
    const deadlines = new Deadlines<string>();
    deadlines.set(new Deadline("a"), 1);
    deadlines.set(new Deadline("b"), 2);
    expect(() =>
      deadlines.expire(10, () => {
        throw new Error("from the callback");
      }),
    ).toThrow("from the callback");
    expect(expired(deadlines, 10)).toEqual(["b"]);
  });

  it("refuses what is no time, and takes the end of time", () => {
    const deadlines = new Deadlines<string>();
    expect(() => deadlines.set(new Deadline("a"), Number.NaN)).toThrow(RangeError);
    expect(deadlines.size).toBe(0);
    deadlines.set(new Deadline("b"), Number.POSITIVE_INFINITY);
    expect(expired(deadlines, Number.MAX_VALUE)).toEqual([]);
  });

  it("does what a plain list does, whatever the order of calls", () => {
    const step = fc.oneof(
      fc.record({ op: fc.constant("set" as const), who: fc.nat(9), at: fc.nat(100) }),
      fc.record({ op: fc.constant("clear" as const), who: fc.nat(9), at: fc.nat(100) }),
      fc.record({ op: fc.constant("expire" as const), who: fc.nat(9), at: fc.nat(100) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const deadlines = new Deadlines<number>();
        const entries = Array.from({ length: 10 }, (_, i) => new Deadline(i));
        const model = new Map<number, number>();
        for (const { op, who, at } of steps) {
          const entry = entries[who] as Deadline<number>;
          if (op === "set") {
            deadlines.set(entry, at);
            model.set(who, at);
          } else if (op === "clear") {
            deadlines.clear(entry);
            model.delete(who);
          } else {
            const due = [...model].filter(([, time]) => time <= at);
            const told: number[] = [];
            deadlines.expire(at, (owner) => told.push(owner));
            expect(told.map((owner) => model.get(owner))).toEqual(
              due.map(([, time]) => time).sort((a, b) => a - b),
            );
            for (const owner of told) model.delete(owner);
          }
          expect(deadlines.size).toBe(model.size);
          const earliest = model.size === 0 ? undefined : Math.min(...model.values());
          if (op === "expire") expect(deadlines.next()).toBe(earliest);
        }
      }),
    );
  });

  it("re-arms ten thousand idle timeouts without touching the heap", () => {
    const deadlines = new Deadlines<number>();
    const entries = Array.from({ length: 10_000 }, (_, i) => new Deadline(i));
    for (const entry of entries) deadlines.set(entry, 1_000 + entry.owner);
    const places = entries.map((entry) => entry.place);
    for (const entry of entries) expect(deadlines.set(entry, 50_000)).toBe(false);
    expect(entries.map((entry) => entry.place)).toEqual(places);
    expect(deadlines.expire(49_999, () => {})).toBe(0);
    expect(deadlines.next()).toBe(50_000);
    expect(deadlines.expire(50_000, () => {})).toBe(10_000);
    expect(deadlines.size).toBe(0);
  });
});
