import { describe, expect, it } from "vitest";
import { aggregateError, mostTelling } from "../../lib/errors/aggregate.ts";
import { codeError } from "../../lib/errors/errno.ts";
import type { HawserError } from "../../lib/errors/hawser-error.ts";

const refused = codeError("ECONNREFUSED", "connect", { address: "::1", port: 80 });
const silent = codeError("ETIMEDOUT", "connect", { address: "192.0.2.1", port: 80 });
const noRoute = codeError("ENETUNREACH", "connect", { address: "2001:db8::1", port: 80 });
const strange = codeError("EPROTO", "connect");
const plain = new Error("no code");

describe("mostTelling", () => {
  it.each([
    [[noRoute, refused, silent], refused],
    [[noRoute, silent], silent],
    [[strange, noRoute], noRoute],
    [[plain, strange], strange],
    [[plain], plain],
    [[], undefined],
  ])("of %s is %s", (errors, expected) => {
    expect(mostTelling(errors)).toBe(expected);
  });

  it("is the earlier of two that tell the same", () => {
    const again = codeError("ECONNREFUSED", "connect", { address: "192.0.2.2", port: 80 });
    expect(mostTelling([refused, again])).toBe(refused);
    expect(mostTelling([again, refused])).toBe(again);
  });
});

describe("aggregateError", () => {
  it("of one error is that error", () => {
    expect(aggregateError([refused])).toBe(refused);
  });

  it("has the most telling code and every error, in order", () => {
    const error = aggregateError([noRoute, refused, silent], {
      hostname: "db.internal",
      port: 80,
      phase: "connect",
    }) as HawserError;
    expect(error).toMatchObject({
      code: "ECONNREFUSED",
      errno: refused.errno,
      syscall: "connect",
      address: "::1",
      port: 80,
      hostname: "db.internal",
      phase: "connect",
    });
    expect(error.errors).toEqual([noRoute, refused, silent]);
    expect(error.message).toBe(
      "connect ECONNREFUSED db.internal:80: all 3 attempts failed (2001:db8::1:80 ENETUNREACH, " +
        "::1:80 ECONNREFUSED, 192.0.2.1:80 ETIMEDOUT)",
    );
  });

  it("takes errors that have no code", () => {
    const error = aggregateError([plain, plain]) as HawserError;
    expect(error.code).toBe("ERR_HAWSER_ALL_FAILED");
    expect(error.message).toContain("no code");
  });

  it("of nothing is a mistake of the caller", () => {
    expect(() => aggregateError([])).toThrow(RangeError);
  });
});
