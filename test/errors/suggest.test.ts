import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { editDistance, nearestName } from "../../lib/errors/suggest.ts";

describe("editDistance", () => {
  it.each([
    ["", "", 0],
    ["", "abc", 3],
    ["port", "port", 0],
    ["prot", "port", 1],
    ["ports", "port", 1],
    ["kitten", "sitting", 3],
  ])("of %j and %j is %i", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  it("is symmetric, zero only for equals, and within its bounds", () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe("nearestName", () => {
  const known = ["connectTimeout", "idleTimeout", "family", "port", "keepAlive", "noDelay"];

  it.each([
    ["prot", "port", true],
    ["nodelay", "noDelay", true],
    ["keepalive", "keepAlive", true],
    ["conectTimeout", "connectTimeout", true],
    ["timeout", "connectTimeout", true],
    ["zzzzzzzz", "port", false],
  ])("to %j is %j (near: %s)", (wanted, name, near) => {
    const found = nearestName(wanted, known);
    expect(found?.near).toBe(near);
    if (near) expect(found?.name).toBe(name);
  });

  it("always names one, and is quick on a hostile key", () => {
    expect(nearestName("x".repeat(1_000_000), known)?.near).toBe(false);
    expect(nearestName("x", [])).toBeUndefined();
  });
});
