import { isIP, isIPv4, isIPv6, SocketAddress } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatAddress,
  isMapped,
  isZone,
  parseAddress,
  unmapAddress,
} from "../../lib/core/address.ts";

function canonical(text: string): string | undefined {
  const address = parseAddress(text);
  return address === undefined ? undefined : formatAddress(address);
}

const ipv6Groups = fc
  .tuple(fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }), fc.nat(255))
  // Zeros where the mask says so, since runs of zeros are what is hard.
  .map(([groups, mask]) => groups.map((group, i) => ((mask >> i) & 1 ? 0 : group)));

const almostAddress = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."0123456789abcf:.%"), maxLength: 42 }),
  fc
    .array(fc.constantFrom("0", "1", "ab", "ffff", "10000", "", "1.2.3.4", "01"), { maxLength: 9 })
    .map((groups) => groups.join(":")),
  fc
    .array(fc.constantFrom("0", "1", "255", "256", "01", ""), { maxLength: 5 })
    .map((parts) => parts.join(".")),
);

describe("parseAddress", () => {
  it.each([
    ["0.0.0.0", [0, 0, 0, 0]],
    ["127.0.0.1", [127, 0, 0, 1]],
    ["255.255.255.255", [255, 255, 255, 255]],
  ])("reads %s", (text, bytes) => {
    expect(parseAddress(text)).toEqual({ family: 4, bytes: Uint8Array.from(bytes) });
  });

  it("reads the zone of an IPv6 address", () => {
    expect(parseAddress("fe80::1%eth0")).toMatchObject({ family: 6, zone: "eth0" });
    expect(parseAddress("fe80::1%7")).toMatchObject({ family: 6, zone: "7" });
  });

  it.each([
    "",
    "127.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "127.0.0.01",
    "127.0.0.256",
    "127.0.0.1.",
    " 127.0.0.1",
    "127.0.0.1%eth0",
    "１27.0.0.1",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8",
    ":1:2:3:4:5:6:7",
    "12345::",
    "g::",
    "::1.2.3",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "[::1]",
    "fe80::1%",
    "fe80::1%eth0%1",
    "fe80::1%an-interface-too-long",
    "fe80::1%a b",
    "fe80::1%a/b",
    `${"0:".repeat(40)}1`,
  ])("refuses %j", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it("agrees with Node on what is an address", () => {
    fc.assert(
      fc.property(almostAddress, (text) => {
        const family = parseAddress(text)?.family ?? 0;
        // Node takes any characters of these as a zone; the names of zones are tested above.
        if (!text.includes("%")) expect(family).toBe(isIP(text));
      }),
      { numRuns: 3_000 },
    );
  });

  it("reads the same bytes as Node's parser", () => {
    fc.assert(
      fc.property(ipv6Groups, (groups) => {
        const text = groups.map((group) => group.toString(16)).join(":");
        const address = parseAddress(text);
        expect(address?.bytes).toEqual(
          Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff])),
        );
      }),
    );
  });
});

describe("formatAddress", () => {
  // RFC 5952, sections 4.1 to 5, and RFC 4291 section 2.2.
  it.each([
    ["2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:DB8::1", "2001:db8::1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["::1.2.3.4", "::102:304"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["FE80::1%Eth0", "fe80::1%Eth0"],
    ["192.0.2.1", "192.0.2.1"],
  ])("writes %s as %s", (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it("B31 writes a v4-mapped address as IPv4", () => {
    expect(canonical("::ffff:192.0.2.1")).toBe("192.0.2.1");
    expect(canonical("::ffff:c000:201")).toBe("192.0.2.1");
  });

  it("round trips, and writes as the system's own inet_ntop does", () => {
    fc.assert(
      fc.property(ipv6Groups, (groups) => {
        const text = canonical(groups.map((group) => group.toString(16)).join(":")) as string;
        expect(canonical(text)).toBe(text);
        if (isIPv4(text)) return;
        expect(isIPv6(text)).toBe(true);
        // inet_ntop writes the deprecated IPv4-compatible addresses in their dotted form.
        const system = new SocketAddress({ address: text, family: "ipv6" }).address;
        if (!system.includes(".")) expect(text).toBe(system);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("v4-mapped addresses", () => {
  it("are told apart and unmapped", () => {
    const mapped = parseAddress("::ffff:192.0.2.1");
    const plain = parseAddress("192.0.2.1");
    if (mapped === undefined || plain === undefined) throw new Error("unreachable");
    expect(isMapped(mapped.bytes)).toBe(true);
    expect(isMapped(plain.bytes)).toBe(false);
    expect(unmapAddress(mapped)).toEqual(plain);
    expect(unmapAddress(plain)).toBe(plain);
    expect(isMapped(parseAddress("::fffe:192.0.2.1")?.bytes ?? new Uint8Array())).toBe(false);
    expect(isMapped(parseAddress("1::ffff:192.0.2.1")?.bytes ?? new Uint8Array())).toBe(false);
  });
});

describe("isZone", () => {
  it("is the name or the index of an interface, 15 bytes at most", () => {
    for (const zone of ["eth0", "1", "br-1a2b3c4d5e6f", "wlp0s20f3.100"]) {
      expect(isZone(zone), zone).toBe(true);
    }
    for (const zone of ["", "0123456789abcdef", "a%b", "a]", "é".repeat(8)]) {
      expect(isZone(zone), zone).toBe(false);
    }
  });
});
