import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FlatMap } from "../../lib/core/flat-map.ts";

const key = (a: number, b: number): Int32Array => Int32Array.of(a, b);

describe("flat map", () => {
  test("behaves as a Map does, whatever is set, looked up and deleted in whatever order", () => {
    const operation = fc.record({
      kind: fc.constantFrom("set", "delete", "get"),
      a: fc.integer({ min: -3, max: 20 }),
      b: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
        const map = new FlatMap<number>(2);
        const model = new Map<string, number>();
        operations.forEach(({ kind, a, b }, index) => {
          const name = `${a},${b}`;
          if (kind === "set") {
            map.set(key(a, b), 0, index);
            model.set(name, index);
          } else if (kind === "delete") {
            expect(map.delete(key(a, b), 0)).toBe(model.delete(name));
          }
          expect(map.get(key(a, b), 0)).toBe(model.get(name));
          expect(map.size).toBe(model.size);
        });
        for (const [name, value] of model) {
          const [a, b] = name.split(",").map(Number) as [number, number];
          expect(map.get(key(a, b), 0)).toBe(value);
        }
      }),
    );
  });

  test("keys are read at their place in a larger array", () => {
    const map = new FlatMap<string>(2);
    const source = Int32Array.of(9, 1, 2, 3);
    map.set(source, 1, "one, two");
    map.set(source, 2, "two, three");
    expect(map.get(key(1, 2), 0)).toBe("one, two");
    expect(map.get(key(2, 3), 0)).toBe("two, three");
    expect(map.get(key(9, 1), 0)).toBeUndefined();
  });

  test("grows, shrinks and is empty after clear", () => {
    const map = new FlatMap<number>(1);
    const word = new Int32Array(1);
    for (let i = 0; i < 10_000; i++) {
      word[0] = i;
      map.set(word, 0, i);
    }
    expect(map.size).toBe(10_000);
    for (let i = 0; i < 9_990; i++) {
      word[0] = i;
      expect(map.delete(word, 0)).toBe(true);
    }
    for (let i = 9_990; i < 10_000; i++) {
      word[0] = i;
      expect(map.get(word, 0)).toBe(i);
    }
    map.clear();
    expect(map.size).toBe(0);
    expect(map.get(word, 0)).toBeUndefined();
  });
});
