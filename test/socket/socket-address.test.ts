// The addresses that callers of sockets write.

import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { native } from "../../lib/binding/native.ts";
import { DOMAIN_IPV6, DOMAIN_UNIX } from "../../lib/binding/types.ts";
import { readFlatAddress } from "../../lib/socket/address.ts";
import { readDestination } from "../../lib/socket/socket-address.ts";
import { isLinux } from "./support.ts";

const read = (value: unknown) => readDestination(value, "bind()");

describe("an address", () => {
  test("of IPv4 and IPv6 becomes the flat form, and keeps its text for errors", () => {
    for (const [address, family] of [
      ["127.0.0.1", "IPv4"],
      ["2001:db8::1", "IPv6"],
    ] as const) {
      const { native: flat, place } = read({ address, port: 443 });
      expect(readFlatAddress(flat.bytes)).toEqual({ address, family, port: 443 });
      expect(place).toEqual({ address, port: 443 });
    }
  });

  test("of a link has a zone or a scopeId, which mean the same", () => {
    const name = Object.keys(networkInterfaces())[0] ?? "lo";
    const index = native.interfaceIndex(name);
    const zoned = read({ address: `fe80::1%${name}`, port: 1 });
    const scoped = read({ address: "fe80::1", port: 1, scopeId: index });
    expect(zoned.native).toEqual(scoped.native);
    expect(zoned.native.domain).toBe(DOMAIN_IPV6);
    expect(readFlatAddress(scoped.native.bytes)?.address).toBe(`fe80::1%${name}`);
    expect(() => read({ address: "fe80::1%none-such", port: 1 })).toThrow(/ENODEV/);
    // 2 ** 32 + 1, which is not the first interface.
    expect(() => read({ address: "fe80::1%4294967297", port: 1 })).toThrow(/ENODEV/);
  });

  test("of a Unix socket is a path, or a name in the abstract namespace", () => {
    const { native: path, place } = read({ path: "/run/x.sock" });
    expect(path).toEqual({ bytes: Buffer.from("/run/x.sock"), isPath: true, domain: DOMAIN_UNIX });
    expect(place).toEqual({ address: "/run/x.sock" });
    expect(read({ path: "@name" }).native.bytes).toEqual(Buffer.from("\0name"));
  });

  test("may be what localAddress and node:net give, with its family", () => {
    const v4 = { address: "127.0.0.1", port: 443 };
    expect(read({ ...v4, family: "IPv4" })).toEqual(read(v4));
    const v6 = { address: "::1", port: 443 };
    expect(read({ ...v6, family: "IPv6" })).toEqual(read(v6));
    for (const path of ["/run/x.sock", "@name"]) {
      expect(read({ address: path, family: "unix", port: 0 })).toEqual(read({ path }));
    }
  });

  test.each([
    [{ address: "127.0.0.1", port: 1, family: "IPv6" }, TypeError, /address.family/],
    [{ address: "::1", port: 1, family: 6 }, TypeError, /address.family/],
    [{ address: "", port: 0, family: "unix" }, TypeError, /address.address/],
    [undefined, TypeError, /"address" must be an object/],
    ["127.0.0.1:80", TypeError, /must be an object/],
    [{ address: "127.0.0.1" }, TypeError, /address.port/],
    [{ address: "localhost", port: 1 }, TypeError, /IPv4 or IPv6/],
    [{ address: "[::1]", port: 1 }, TypeError, /IPv4 or IPv6/],
    [{ address: 5, port: 1 }, TypeError, /address.address/],
    [{ address: "::1", port: -1 }, RangeError, /address.port/],
    [{ address: "::1", port: 1, scopeId: 1.5 }, RangeError, /scopeId/],
    [{ address: "::1", port: 1, scopeId: 2 ** 32 }, RangeError, /scopeId/],
    [{ address: "127.0.0.1", port: 1, scopeId: 1 }, TypeError, /scopeId/],
    [{ address: "fe80::1%1", port: 1, scopeId: 1 }, TypeError, /scopeId/],
    [{ adress: "::1", port: 1 }, TypeError, /did you mean "address"/],
    [{ path: "" }, TypeError, /address.path/],
    [{ path: "a\0b" }, TypeError, /address.path/],
    [{ path: 5 }, TypeError, /address.path/],
    [{ path: "/x", port: 1 }, TypeError, /port/],
    [{ path: "x".repeat(isLinux ? 108 : 104) }, RangeError, /sun_path/],
  ])("is refused where it is %j", (value, type, message) => {
    expect(() => read(value)).toThrow(type);
    expect(() => read(value)).toThrow(message);
  });

  test("may have a path as long as the system takes", () => {
    expect(read({ path: "x".repeat(isLinux ? 107 : 103) }).native.bytes.length).toBeGreaterThan(
      100,
    );
    expect(() => read({ path: `@${"x".repeat(108)}` })).toThrow(/sun_path/);
  });
});
