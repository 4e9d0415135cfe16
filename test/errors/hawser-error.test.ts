import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { HawserError, isCodedError } from "../../lib/errors/hawser-error.ts";

describe("HawserError", () => {
  it("carries what it was given, B54", () => {
    const bytes = { handedOver: 10, acknowledged: 4, unacknowledged: 6 };
    const error = new HawserError("read ECONNRESET", {
      code: "ECONNRESET",
      errno: -104,
      syscall: "recv",
      address: "192.0.2.1",
      port: 80,
      localAddress: "192.0.2.2",
      localPort: 40_000,
      phase: "open",
      reason: "PEER_UNREACHABLE",
      bytes,
    });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "HawserError",
      message: "read ECONNRESET",
      code: "ECONNRESET",
      errno: -104,
      syscall: "recv",
      address: "192.0.2.1",
      port: 80,
      localAddress: "192.0.2.2",
      localPort: 40_000,
      phase: "open",
      reason: "PEER_UNREACHABLE",
      bytes,
    });
    expect(error.stack).toMatch(/^HawserError: read ECONNRESET\n/);
  });

  it("has no property for what does not apply, as Node's errors", () => {
    const error = new HawserError("x", { code: "EPIPE", address: undefined });
    expect(Object.keys(error)).toEqual(["code"]);
    expect("address" in error).toBe(false);
    expect("cause" in error).toBe(false);
    expect("errors" in error).toBe(false);
  });

  it("keeps the cause and a frozen copy of the attempts' errors", () => {
    const cause = new Error("beneath");
    const errors = [new Error("one"), new Error("two")];
    const error = new HawserError("x", { code: "E", cause, errors });
    errors.pop();
    expect(error.cause).toBe(cause);
    expect(error.errors).toHaveLength(2);
    expect(Object.isFrozen(error.errors)).toBe(true);
    expect(Object.keys(error)).not.toContain("errors");
  });

  it("prints its name once and its code", () => {
    const text = inspect(new HawserError("connect ECONNREFUSED", { code: "ECONNREFUSED" }));
    expect(text.match(/HawserError/g)).toHaveLength(1);
    expect(text).toContain("code: 'ECONNREFUSED'");
  });
});

describe("isCodedError", () => {
  it("knows errors with a code, of any class", () => {
    expect(isCodedError(new HawserError("x", { code: "E" }))).toBe(true);
    expect(isCodedError(Object.assign(new Error("x"), { code: "E" }))).toBe(true);
    expect(isCodedError(new Error("x"))).toBe(false);
    expect(isCodedError({ code: "E" })).toBe(false);
  });
});
