// How many connections may come in, as numbers.
import fc from "fast-check";
import { expect, test } from "vitest";
import { Admission, requireLimit } from "../../lib/net/admission.ts";

const NOBODY = { open: 0, waiting: 0, takers: 0 };
const ANY = Number.POSITIVE_INFINITY;

test("without limits everything may come, at every socket", () => {
  const admission = new Admission(ANY, ANY, false);
  expect(admission.share(NOBODY, 1)).toBe(ANY);
  expect(admission.share({ ...NOBODY, open: 100_000 }, 2)).toBe(ANY);
  admission.spend();
  expect(admission.credits).toBe(ANY);
});

test("B27 both limits hold, and the smaller counts", () => {
  const admission = new Admission(5, 3, false);
  expect(admission.allowance(NOBODY)).toBe(3);
  expect(admission.allowance({ ...NOBODY, open: 2 })).toBe(1);
  expect(admission.allowance({ ...NOBODY, open: 7 })).toBe(0);
  for (let i = 0; i < 4; i++) admission.spend();
  expect(admission.allowance(NOBODY)).toBe(1);
});

test("who iterates and does not ask leaves all in the kernel", () => {
  const admission = new Admission(ANY, ANY, true);
  expect(admission.share(NOBODY, 1)).toBe(0);
  expect(admission.share({ ...NOBODY, takers: 1 }, 1)).toBe(16);
  expect(admission.share({ ...NOBODY, takers: 1, waiting: 16 }, 1)).toBe(0);
});

test("several sockets share what there is; each may take one while there is any", () => {
  const admission = new Admission(5, ANY, false);
  expect(admission.share(NOBODY, 2)).toBe(2);
  admission.credits = 1;
  expect(admission.share(NOBODY, 2)).toBe(1);
  admission.credits = 0;
  expect(admission.share(NOBODY, 2)).toBe(0);
});

test("a share is never more than what may come, but for one a socket", () => {
  const count = fc.nat(100);
  fc.assert(
    fc.property(
      count,
      fc.integer({ min: 1, max: 100 }),
      count,
      fc.integer({ min: 1, max: 4 }),
      (credits, most, open, sockets) => {
        const admission = new Admission(credits, most, false);
        const load = { ...NOBODY, open };
        const allowance = admission.allowance(load);
        const share = admission.share(load, sockets);
        expect(share === 0).toBe(allowance === 0);
        expect(share * sockets).toBeLessThanOrEqual(Math.max(allowance, allowance && sockets));
      },
    ),
  );
});

test("a limit that is set later is a whole number or Infinity", () => {
  expect(requireLimit(3, "maxConnections", 1)).toBe(3);
  expect(requireLimit(ANY, "maxConnections", 1)).toBe(ANY);
  for (const wrong of [0, -1, 1.5, Number.NaN, "3", null]) {
    expect(() => requireLimit(wrong, "maxConnections", 1)).toThrow(RangeError);
  }
});
