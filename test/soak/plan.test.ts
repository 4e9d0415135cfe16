// The plan of a soak: the same for the same seed, with everything in it.
import { expect, test } from "vitest";
import { ENDINGS, HINDRANCES, randomOf, stepOf, TRANSPORTS } from "./plan.ts";

const steps = (seed: number) => Array.from({ length: 2_000 }, (_, index) => stepOf(seed, index));

test("a seed gives the same steps again, and another seed others", () => {
  expect(steps(4)).toEqual(steps(4));
  expect(steps(4)).not.toEqual(steps(5));
  expect(stepOf(4, 17)).toEqual(steps(4)[17]);
});

test("every transport meets every ending and every hindrance that it can", () => {
  const met = new Set(steps(1).map((one) => `${one.transport}: ${one.ending}, ${one.hindrance}`));
  for (const transport of TRANSPORTS) {
    for (const ending of ENDINGS) {
      for (const hindrance of HINDRANCES) {
        const isStalledAbort = hindrance === "stall" && ending.endsWith("aborts");
        const isImpossible =
          isStalledAbort ||
          (transport === "udp" && (ending !== "client closes" || hindrance !== "none")) ||
          (transport === "ws" && ending === "half close") ||
          (transport === "unix" && (ending === "cut" || hindrance === "stall"));
        const name = `${transport}: ${ending}, ${hindrance}`;
        expect(met.has(name), name).toBe(!isImpossible);
      }
    }
  }
});

test("sizes reach from nothing to hundreds of kilobytes", () => {
  const sizes = steps(2).map(({ upBytes }) => upBytes);
  expect(Math.min(...sizes)).toBeLessThan(4);
  expect(Math.max(...sizes)).toBeGreaterThan(300_000);
});

test("random numbers fill the range from 0 to 1", () => {
  const random = randomOf(9);
  const numbers = Array.from({ length: 10_000 }, random);
  expect(Math.min(...numbers)).toBeLessThan(0.01);
  expect(Math.max(...numbers)).toBeGreaterThan(0.99);
  expect(Math.max(...numbers)).toBeLessThan(1);
  expect(numbers.reduce((sum, one) => sum + one, 0) / numbers.length).toBeCloseTo(0.5, 1);
});
