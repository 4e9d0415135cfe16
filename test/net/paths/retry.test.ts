// Which failures a change of the network can cure (B5), and when to try again.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MAX_WAITING_RETRY_MS,
  MAX_WAITING_SETTLE_MS,
  MIN_WAITING_APART_MS,
  MIN_WAITING_RETRY_MS,
  WAITING_SETTLE_MS,
} from "../../../lib/core/limits.ts";
import { aggregateError, codeError } from "../../../lib/errors/index.ts";
import { isCurable, RetryPlan } from "../../../lib/net/paths/retry.ts";

const failure = (code: string, syscall: string, phase: string) =>
  codeError(code, syscall, { phase: phase as "connect" });

describe("isCurable", () => {
  test.each([
    ["ENETUNREACH", "connect", "connect", true],
    ["EHOSTUNREACH", "connect", "connect", true],
    ["ENETDOWN", "connect", "connect", true],
    ["EHOSTDOWN", "connect", "connect", true],
    ["EHOSTUNREACH", "read", "tls", true],
    ["EADDRNOTAVAIL", "bind", "connect", true],
    ["EADDRNOTAVAIL", "connect", "connect", false],
    ["ENODEV", "setsockopt", "connect", true],
    ["ENODEV", "if_indextoname", "connect", true],
    ["ENODEV", "if_nametoindex", "connect", true],
    ["EAI_AGAIN", "getaddrinfo", "resolve", true],
    ["ETIMEOUT", "queryA", "resolve", true],
    ["ESERVFAIL", "queryA", "resolve", true],
    ["ECONNREFUSED", "queryA", "resolve", true],
    ["ENETUNREACH", "queryA", "resolve", true],
    ["ENOTFOUND", "getaddrinfo", "resolve", false],
    ["EAI_FAIL", "getaddrinfo", "resolve", false],
    ["ECONNREFUSED", "connect", "connect", false],
    ["ECONNRESET", "read", "tls", false],
    ["ETIMEDOUT", "connect", "connect", false],
    ["EACCES", "connect", "connect", false],
    ["EMFILE", "socket", "connect", false],
    ["ENOENT", "connect", "connect", false],
    ["EPERM", "setsockopt", "connect", false],
    ["EAFNOSUPPORT", "connect", "resolve", false],
  ])("B5 %s of %s while %s: %s", (code, syscall, phase, expected) => {
    expect(isCurable(failure(code, syscall, phase))).toBe(expected);
  });

  test("B5 without a source address, which IPv6 tells apart from a want of ports", () => {
    const from = (address: string) =>
      codeError("EADDRNOTAVAIL", "connect", { address, port: 9, phase: "connect" });
    expect(isCurable(from("fe80::1%eth0"))).toBe(true);
    expect(isCurable(from("192.0.2.9"))).toBe(false);
  });

  test("B5 of several addresses all must be out of reach", () => {
    const away = failure("ENETUNREACH", "connect", "connect");
    const refused = failure("ECONNREFUSED", "connect", "connect");
    expect(isCurable(aggregateError([away, failure("ENODEV", "bind", "connect")]))).toBe(true);
    expect(isCurable(aggregateError([away, refused]))).toBe(false);
    expect(isCurable(aggregateError([refused, away]))).toBe(false);
  });

  test.each([undefined, null, "ENETUNREACH", 5, new Error("ENETUNREACH")])(
    "%s is none",
    (error) => {
      expect(isCurable(error)).toBe(false);
    },
  );
});

describe("RetryPlan", () => {
  const failedAt = (time: number) => {
    const plan = new RetryPlan();
    plan.tried(time);
    plan.failed(time);
    return plan;
  };

  test("after a change it waits until the network is quiet", () => {
    const plan = failedAt(0);
    plan.changed(5_000);
    expect(plan.dueAt).toBe(5_000 + WAITING_SETTLE_MS);
    plan.changed(5_040);
    expect(plan.dueAt).toBe(5_040 + WAITING_SETTLE_MS);
  });

  test("a storm delays it by a bound, and tries stay apart", () => {
    const plan = failedAt(0);
    let time = 10_000;
    const tries: number[] = [];
    for (let change = 0; change < 1_000; change++) {
      time += 2;
      if (time >= plan.dueAt) {
        tries.push(time);
        plan.tried(time);
        plan.failed(time);
      }
      plan.changed(time);
    }
    expect(tries[0]).toBeLessThanOrEqual(10_004 + MAX_WAITING_SETTLE_MS);
    for (let at = 1; at < tries.length; at++) {
      const apart = (tries[at] as number) - (tries[at - 1] as number);
      expect(apart).toBeGreaterThanOrEqual(MIN_WAITING_APART_MS);
      expect(apart).toBeLessThanOrEqual(MIN_WAITING_APART_MS + MAX_WAITING_SETTLE_MS);
    }
    expect(tries.length).toBeGreaterThan(4);
  });

  test("a change during a try counts after it", () => {
    const plan = new RetryPlan();
    plan.tried(0);
    plan.changed(3_000);
    plan.failed(5_000);
    expect(plan.dueAt).toBeLessThanOrEqual(5_000);
  });

  test("what had changed before a try counts no more", () => {
    const plan = failedAt(0);
    plan.changed(10);
    plan.tried(400);
    plan.failed(401);
    expect(plan.dueAt).toBe(401 + 2 * 0 + MIN_WAITING_RETRY_MS);
  });

  test("without a change there are tries further and further apart, up to a bound", () => {
    const plan = new RetryPlan();
    const waits: number[] = [];
    for (let time = 0, tries = 0; tries < 9; tries++) {
      plan.tried(time);
      plan.failed(time);
      waits.push(plan.dueAt - time);
      time = plan.dueAt;
    }
    expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8].map((n) => n * MIN_WAITING_RETRY_MS));
    expect(waits.at(-1)).toBe(MAX_WAITING_RETRY_MS);
    plan.changed(1e6);
    plan.tried(1e6 + 50);
    plan.failed(1e6 + 51);
    expect(plan.dueAt - 1e6 - 51).toBe(MIN_WAITING_RETRY_MS);
  });

  test("whatever happens, a try is due within a bound of the last change", () => {
    const step = fc.record({
      afterMs: fc.integer({ min: 0, max: 500 }),
      what: fc.constantFrom("changed", "tried" as const),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const plan = failedAt(0);
        let time = 1_000;
        for (const { afterMs, what } of steps) {
          time += afterMs;
          if (what === "tried" || time >= plan.dueAt) {
            plan.tried(time);
            plan.failed(time);
          }
          if (what === "changed") plan.changed(time);
        }
        plan.changed(time);
        const bound = Math.max(WAITING_SETTLE_MS, MIN_WAITING_APART_MS);
        expect(plan.dueAt - time).toBeLessThanOrEqual(bound);
      }),
    );
  });
});
