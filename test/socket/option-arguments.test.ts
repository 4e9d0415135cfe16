// Which names and values are let through to the addon.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requireOption, requireOptionValue } from "../../lib/socket/option-arguments.ts";
import { OPTIONS } from "../../lib/socket/option-table.ts";
import type { OptionKind, OptionRow } from "../../lib/socket/option-values.ts";

const row = (kind: OptionKind, access: OptionRow["access"] = "read-write"): OptionRow => ({
  index: 0,
  kind,
  unit: "",
  access,
  systems: ["linux"],
  counterpart: "",
});
const check = (kind: OptionKind, value: unknown) => () =>
  requireOptionValue("NAME", row(kind), value);

describe("names", () => {
  it("every name of the table is known, and no property of Object", () => {
    for (const name of Object.keys(OPTIONS)) expect(requireOption(name).index).toBeTypeOf("number");
    for (const name of ["", "constructor", "__proto__", "so_keepalive"]) {
      expect(() => requireOption(name)).toThrow(/Unknown socket option/);
    }
    expect(() => requireOption("so_keepalive")).toThrow(/did you mean "SO_KEEPALIVE"/);
    expect(() => requireOption(7)).toThrow(/"name" must be of type string/);
  });
});

describe("values", () => {
  it.each<[OptionKind, unknown, unknown]>([
    ["boolean", true, true],
    ["boolean", 1, true],
    ["boolean", 0, false],
    ["integer", -2_147_483_648, -2_147_483_648],
    ["integer", 2_147_483_647, 2_147_483_647],
    ["unsigned", 4_294_967_295, 4_294_967_295],
    ["linger", { enabled: true, seconds: 0 }, { enabled: true, seconds: 0 }],
    ["text", "", ""],
    ["text", "123456789012345", "123456789012345"],
    ["interfaceAddress", "192.0.2.1", "192.0.2.1"],
    ["interfaceAddress", 0, 0],
  ])("%s takes %j", (kind, value, taken) => {
    expect(check(kind, value)()).toEqual(taken);
  });

  it.each<[OptionKind, unknown, typeof TypeError | typeof RangeError]>([
    ["boolean", 2, TypeError],
    ["boolean", "true", TypeError],
    ["boolean", undefined, TypeError],
    ["integer", 2_147_483_648, RangeError],
    ["integer", 1.5, RangeError],
    ["integer", Number.NaN, RangeError],
    ["integer", "1", TypeError],
    ["integer", 1n, TypeError],
    ["integer", true, TypeError],
    ["unsigned", -1, RangeError],
    ["unsigned", 4_294_967_296, RangeError],
    ["linger", 5, TypeError],
    ["linger", { enabled: true }, TypeError],
    ["linger", { enabled: 1, seconds: 1 }, TypeError],
    ["linger", { enabled: true, seconds: -1 }, RangeError],
    ["linger", { enabled: true, seconds: 1, on: 1 }, TypeError],
    ["text", "1234567890123456", TypeError],
    ["text", "éééééééé", TypeError],
    ["text", "a\0b", TypeError],
    ["text", Buffer.from("lo"), TypeError],
    ["interfaceAddress", "::1", TypeError],
    ["interfaceAddress", "lo", TypeError],
    ["interfaceAddress", -1, RangeError],
    ["credentials", {}, TypeError],
    ["structure", {}, TypeError],
  ])("%s refuses %s", (kind, value, error) => {
    expect(check(kind, value)).toThrow(error);
    expect(check(kind, value)).toThrow(/NAME/);
  });

  it("nothing is set that can only be read", () => {
    expect(() => requireOptionValue("NAME", row("boolean", "read-only"), true)).toThrow(
      /"NAME" can only be read/,
    );
  });

  it("whatever is passed, only a TypeError or RangeError is thrown", () => {
    const kinds = Object.values(OPTIONS).map((one) => one.kind as OptionKind);
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.anything(), (kind, value) => {
        try {
          check(kind, value)();
        } catch (error) {
          expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
        }
      }),
    );
  });
});
