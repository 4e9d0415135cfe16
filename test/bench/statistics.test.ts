import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  estimateDifference,
  estimateMedian,
  estimateRatio,
  median,
  quantileOfSorted,
  seededRandom,
} from "../../bench/harness/statistics.ts";

const positive = fc.double({ min: 0.001, max: 1e9, noNaN: true });
const samples = fc.array(positive, { minLength: 1, maxLength: 30 });

describe("median", () => {
  test("is the middle of an odd number and between the two of an even", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  test("does not sort its argument", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  test("of nothing is an error, not NaN", () => {
    expect(() => median([])).toThrow(RangeError);
  });

  test("has as many values below as above, whatever the values", () => {
    fc.assert(
      fc.property(samples, (values) => {
        const middle = median(values);
        const below = values.filter((value) => value < middle).length;
        const above = values.filter((value) => value > middle).length;
        expect(below).toBeLessThanOrEqual(values.length / 2);
        expect(above).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });
});

describe("quantileOfSorted", () => {
  test("interpolates between neighbours", () => {
    expect(quantileOfSorted([0, 10], 0.25)).toBe(2.5);
    expect(quantileOfSorted([0, 10, 20], 1)).toBe(20);
  });

  test.each([-0.1, 1.1, Number.NaN])("refuses the quantile %s", (quantile) => {
    expect(() => quantileOfSorted([1], quantile)).toThrow(RangeError);
  });
});

describe("seededRandom", () => {
  test("gives the same numbers for a seed, all in [0, 1), spread evenly", () => {
    const first = seededRandom(7);
    const second = seededRandom(7);
    const counts = new Array<number>(10).fill(0);
    for (let index = 0; index < 10_000; index++) {
      const value = first();
      expect(value).toBe(second());
      counts[Math.floor(value * 10)] = (counts[Math.floor(value * 10)] as number) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });

  test("differs between seeds", () => {
    expect(seededRandom(1)()).not.toBe(seededRandom(2)());
  });
});

describe("bootstrapped estimates", () => {
  test("hold their value between the ends of the interval", () => {
    fc.assert(
      fc.property(samples, (values) => {
        const { value, low, high } = estimateMedian(values);
        expect(low).toBeLessThanOrEqual(value);
        expect(value).toBeLessThanOrEqual(high);
      }),
      { numRuns: 20 },
    );
  });

  test("are a point when every round says the same", () => {
    expect(estimateRatio([2, 2, 2], [4, 4, 4])).toEqual({ value: 0.5, low: 0.5, high: 0.5 });
    expect(estimateDifference([5, 5], [3, 3])).toEqual({ value: 2, low: 2, high: 2 });
  });

  test("are the same each time for the same samples", () => {
    const left = [1, 5, 3, 2, 8];
    const right = [2, 4, 4, 3, 6];
    expect(estimateRatio(left, right)).toEqual(estimateRatio(left, right));
  });

  test("resample rounds in pairs, so that drift both subjects see cancels", () => {
    const drift = [1, 2, 4, 8, 16, 32, 64];
    const { low, high } = estimateRatio(
      drift.map((value) => value * 1.5),
      drift,
    );
    expect(low).toBeCloseTo(1.5);
    expect(high).toBeCloseTo(1.5);
  });

  test("cover the true median in about nine of ten experiments", () => {
    const random = seededRandom(99);
    let covered = 0;
    for (let experiment = 0; experiment < 100; experiment++) {
      const values = Array.from({ length: 15 }, () => random() + random() + random());
      const { low, high } = estimateMedian(values);
      if (low <= 1.5 && 1.5 <= high) covered++;
    }
    expect(covered).toBeGreaterThanOrEqual(80);
    expect(covered).toBeLessThan(100);
  });

  test("need a round of both subjects", () => {
    expect(() => estimateRatio([], [1])).toThrow(RangeError);
    expect(() => estimateDifference([1], [])).toThrow(RangeError);
    expect(() => estimateMedian([])).toThrow(RangeError);
  });

  test("leave out the surplus of the longer series", () => {
    expect(estimateRatio([1, 1, 100], [2, 2]).value).toBe(0.5);
  });
});
