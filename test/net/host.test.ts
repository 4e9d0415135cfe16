import { describe, expect, it } from "vitest";
import { parseAddress } from "../../lib/core/address.ts";
import { fromAddress, isLocalhost, parseHost } from "../../lib/net/host.ts";

const typeError = expect.objectContaining({ name: "TypeError", code: "ERR_INVALID_ARG_VALUE" });

describe("parseHost", () => {
  it.each([
    ["Example.COM", { kind: "name", host: "example.com" }],
    ["example.com.", { kind: "name", host: "example.com." }],
    ["_sip.example", { kind: "name", host: "_sip.example" }],
    ["a-.example", { kind: "name", host: "a-.example" }],
    ["straße.example", { kind: "name", host: "xn--strae-oqa.example" }],
    ["1password.com", { kind: "name", host: "1password.com" }],
    ["a".repeat(63), { kind: "name" }],
    ["192.0.2.1", { kind: "ipv4", host: "192.0.2.1", zone: undefined }],
    ["2001:DB8::1", { kind: "ipv6", host: "2001:db8::1" }],
    ["[2001:DB8::1]", { kind: "ipv6", host: "2001:db8::1" }],
    ["[fe80::1%25eth0]", { kind: "ipv6", host: "fe80::1", zone: "eth0" }],
    ["fe80::1%25", { kind: "ipv6", host: "fe80::1", zone: "25" }],
    ["::ffff:192.0.2.1", { kind: "ipv4", host: "192.0.2.1" }],
  ])("reads %s", (text, expected) => {
    expect(parseHost(text, "connect", "host")).toMatchObject(expected);
  });

  it.each(["", "*"])("B31 takes %j as any address, to listen on", (text) => {
    expect(parseHost(text, "listen", "host")).toMatchObject({ kind: "any", host: "::" });
    expect(() => parseHost(text, "connect", "host")).toThrow(/"host" must have a host/);
  });

  it.each([
    ".",
    "..",
    "a..b",
    " a",
    "a b",
    "a/b",
    "a%b",
    "a*",
    "a".repeat(64),
    `${"a.".repeat(126)}ab`,
    "127.1",
    "127.0.0.1.",
    "0x7f000001",
    "1.2.3.0x4",
    "example.123",
    "１２７.0.0.1",
    "192.0.2.1%eth0",
    "[192.0.2.1]",
    "[::1",
    "::1]",
    "[]",
    "1:2",
  ])("refuses %j, and says what it takes", (text) => {
    expect(() => parseHost(text, "listen", "the host")).toThrow(typeError);
    expect(() => parseHost(text, "listen", "the host")).toThrow(/^"the host" must be/);
  });
});

describe("fromAddress", () => {
  it("keeps the zone apart from the host", () => {
    const address = parseAddress("fe80::1%eth0");
    if (address === undefined) throw new Error("unreachable");
    expect(fromAddress(address)).toEqual({ kind: "ipv6", host: "fe80::1", zone: "eth0", address });
  });
});

describe("isLocalhost", () => {
  it("knows the name, with and without its final dot", () => {
    expect(["localhost", "localhost."].every(isLocalhost)).toBe(true);
    expect(["localhost.example", "127.0.0.1", ""].some(isLocalhost)).toBe(false);
  });
});
