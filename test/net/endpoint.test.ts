import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_UNIX_PATH_BYTES } from "../../lib/core/limits.ts";
import {
  type Endpoint,
  formatAuthority,
  formatEndpoint,
  formatHostHeader,
  parseEndpoint,
} from "../../lib/net/endpoint.ts";

const connect = (input: unknown) => parseEndpoint(input, "connect");
const listen = (input: unknown) => parseEndpoint(input, "listen");

const typeError = expect.objectContaining({
  name: "TypeError",
  code: expect.stringMatching(/^ERR_INVALID_ARG_(TYPE|VALUE)$/),
});
const rangeError = expect.objectContaining({ name: "RangeError", code: "ERR_OUT_OF_RANGE" });

type Case = [input: unknown, expected: Partial<Endpoint>];

const HOSTS: Case[] = [
  ["tcp://db.internal:5432", { scheme: "tcp", kind: "name", host: "db.internal", port: 5432 }],
  ["TCP://DB.Internal:1", { scheme: "tcp", host: "db.internal" }],
  ["tcp://127.0.0.1:80", { kind: "ipv4", host: "127.0.0.1", zone: undefined }],
  ["tcp://[2001:DB8:0::1]:80", { kind: "ipv6", host: "2001:db8::1" }],
  ["tcp://[fe80::1%eth0]:80", { kind: "ipv6", host: "fe80::1", zone: "eth0" }],
  ["tcp://[fe80::1%25eth0]:80", { host: "fe80::1", zone: "eth0" }],
  ["tcp://[fe80::1%252]:80", { zone: "2" }],
  ["tcp://[fe80::1%25]:80", { zone: "25" }],
  ["tcp://[::ffff:192.0.2.1]:80", { kind: "ipv4", host: "192.0.2.1" }],
  ["tcp://under_score:80", { host: "under_score" }],
  ["tcp://example.com.:80", { host: "example.com." }],
  ["tcp://bücher.example:80", { host: "xn--bcher-kva.example" }],
  ["tls://example.com:443", { scheme: "tls", transport: "tcp", tls: true, websocket: false }],
  ["udp://example.com:53", { scheme: "udp", transport: "udp", tls: false }],
  [new URL("tcp://Example.com:80"), { host: "example.com" }],
  [new URL("tcp://bücher.example:80"), { host: "xn--bcher-kva.example" }],
  [new URL("tls://[::1]:80"), { kind: "ipv6", host: "::1", tls: true }],
  [
    { host: "db.internal", port: 5432 },
    { scheme: "tcp", host: "db.internal", port: 5432 },
  ],
  [
    { host: "::1", port: "80" },
    { kind: "ipv6", host: "::1", port: 80 },
  ],
  [
    { host: "[::1]", port: 80, transport: "tls" },
    { kind: "ipv6", scheme: "tls", tls: true },
  ],
  [
    { host: "fe80::1%eth0", port: 80, transport: "udp" },
    { zone: "eth0", transport: "udp" },
  ],
];

const PATHS: Case[] = [
  ["unix:/run/s", { scheme: "unix", transport: "unix", kind: "path", path: "/run/s" }],
  ["unix:///run/s", { kind: "path", path: "/run/s" }],
  ["unix:run/s", { kind: "path", path: "run/s" }],
  ["unix:/run/a b?c#d%20:e", { path: "/run/a b?c#d%20:e" }],
  ["unix:@name", { kind: "abstract", path: "name" }],
  [new URL("unix:/run/a b"), { path: "/run/a b" }],
  [new URL("unix:///run/s"), { path: "/run/s" }],
  [{ path: "/run/s" }, { kind: "path", path: "/run/s", host: undefined, port: undefined }],
  [
    { path: "@name", transport: "unix" },
    { kind: "abstract", path: "name" },
  ],
];

const WEBSOCKETS: Case[] = [
  [
    "ws://example.com",
    { scheme: "ws", transport: "tcp", tls: false, websocket: true, port: 80, target: "/" },
  ],
  ["wss://example.com/a?b", { scheme: "wss", tls: true, port: 443, target: "/a?b" }],
  ["ws://example.com:443/a b", { port: 443, target: "/a%20b" }],
  ["  ws://example.com/ ", { host: "example.com" }],
  ["ws://127.1/", { kind: "ipv4", host: "127.0.0.1" }],
  ["ws://[FE80::1%25eth0]:80/x", { kind: "ipv6", host: "fe80::1", zone: "eth0", target: "/x" }],
  ["ws://[fe80::1%eth0]/", { zone: "eth0", port: 80 }],
  ["wss://us%40er:pa:ss@example.com/", { auth: "us@er:pa:ss", host: "example.com" }],
  ["wss://example.com/", { auth: undefined }],
  ["ws://bücher.example/", { host: "xn--bcher-kva.example" }],
  [new URL("wss://example.com/a?b"), { target: "/a?b" }],
  [
    "ws+unix:/run/s:/a?b",
    { scheme: "ws+unix", transport: "unix", path: "/run/s", target: "/a?b", websocket: true },
  ],
  ["ws+unix:/run/s", { path: "/run/s", target: "/" }],
  ["ws+unix:///run/s:/a b", { path: "/run/s", target: "/a%20b" }],
  ["ws+unix:@name:/a", { kind: "abstract", path: "name", target: "/a" }],
];

describe("parseEndpoint", () => {
  it.each([...HOSTS, ...PATHS, ...WEBSOCKETS])("reads %s", (input, expected) => {
    expect(connect(input)).toMatchObject(expected);
    expect(Object.isFrozen(connect(input))).toBe(true);
  });

  it("has the bytes of a literal address, and none of a name", () => {
    expect(connect("tcp://[::ffff:192.0.2.1]:80").address).toEqual({
      family: 4,
      bytes: Uint8Array.of(192, 0, 2, 1),
    });
    expect(connect("tcp://example.com:80").address).toBeUndefined();
  });

  it.each(["tcp://:80", "tcp://*:80", "ws://:80", "ws://*:80", { host: "", port: 80 }])(
    "B31 takes %j as any address, to listen on",
    (input) => {
      expect(listen(input)).toMatchObject({ kind: "any", host: "::", port: 80 });
      expect(listen(input).address?.bytes).toEqual(new Uint8Array(16));
      expect(() => connect(input)).toThrow(typeError);
    },
  );

  it.each(["tcp://[::1]:0", "ws://[::1]:0", { host: "::1", port: 0 }])(
    "B30 takes port 0 in %j to listen on only",
    (input) => {
      expect(listen(input).port).toBe(0);
      expect(() => connect(input)).toThrow(/port/);
    },
  );

  it.each([
    ["", /must be tcp:/],
    ["example.com", /must be tcp:/],
    ["example.com:80", /must be tcp:/],
    [" tcp://example.com:80", /must be tcp:/],
    [" unix:/run/s", /must be tcp:/],
    ["tpc://example.com:80", /did you mean "tcp:"/],
    ["http://example.com", /ws: or wss:/],
    ["tcp:example.com:80", /tcp:\/\/HOST:PORT/],
    ["tcp://example.com", /port from 0 to 65535/],
    ["tcp://example.com:", /port/],
    ["tcp://example.com:http", /port/],
    ["tcp://example.com:65536", /port/],
    ["tcp://example.com:+80", /port/],
    ["tcp://example.com:80/", /without path/],
    ["tcp://example.com:80?a", /query/],
    ["tcp://example.com:80#a", /fragment/],
    ["tcp://user@example.com:80", /user info/],
    ["tcp://::1:80", /brackets/],
    ["tcp://[::1]", /port/],
    ["tcp://[::1", /brackets|port/],
    ["tcp://[127.0.0.1]:80", /IPv6 address/],
    ["tcp://[fe80::1%]:80", /IPv6 address/],
    ["tcp://127.1:80", /four decimal numbers/],
    ["tcp://0x7f.1:80", /four decimal numbers/],
    ["tcp://2130706433:80", /four decimal numbers/],
    ["tcp://256.0.0.1:80", /four decimal numbers/],
    ["tcp://127.0.0.1%eth0:80", /host name or an IP/],
    ["tcp://a..b:80", /host name or an IP/],
    ["tcp://a b:80", /host name or an IP/],
    [`tcp://${"a".repeat(64)}:80`, /host name or an IP/],
    [`tcp://${"a.".repeat(127)}com:80`, /host name or an IP/],
    ["unix:", /path/],
    ["unix:@", /path/],
    ["unix://host/run/s", /without a host/],
    ["unix:/run/\0", /null bytes/],
    [`unix:/${"a".repeat(107)}`, /bytes \(sun_path\)/],
    [`unix:${"ü".repeat(60)}`, /bytes \(sun_path\)/],
    ["ws://", /valid URL/],
    ["ws://example.com/#", /fragment/],
    ["ws://example.com/#a", /fragment/],
    ["ws://[fe80::1%25]eth0]/", /valid URL/],
    ["wss://%zz@example.com/", /percent-encoding/],
    ["ws+unix:/run/s:a", /begins with \//],
    ["ws+unix:/run/s:/#a", /fragment/],
    ["ws+unix::/a", /path/],
    [`tcp://${"a".repeat(9_000)}:80`, /at most 8192/],
    [undefined, /a string, a URL/],
    [null, /a string, a URL/],
    [80, /a string, a URL/],
    [["tcp://example.com:80"], /a string, a URL/],
    [{}, /"endpoint.host"/],
    [{ host: "a" }, /"endpoint.port"/],
    [{ hostname: "a", port: 80 }, /use host/],
    [{ host: "a", prot: 80 }, /did you mean "port"/],
    [{ host: "a", port: 80, path: "/" }, /not both/],
    [{ port: 80, path: "/" }, /not both/],
    [{ host: "a", port: 80, transport: "ws" }, /"endpoint.transport" must be one of 'tcp'/],
    [{ path: "/run/s", transport: "tcp" }, /"endpoint.transport" must be one of 'unix'/],
    [{ path: "" }, /"endpoint.path"/],
    [{ path: 5 }, /"endpoint.path"/],
    [new URL("unix:/run/s?a"), /without query/],
    [new URL("tcp://example.com:80/"), /without path/],
  ])("refuses %j", (input, message) => {
    expect(() => connect(input)).toThrow(typeError);
    expect(() => connect(input)).toThrow(message);
  });

  it.each([
    { host: "a", port: 65_536 },
    { host: "a", port: -1 },
    { host: "a", port: 0 },
    { path: `/${"a".repeat(107)}` },
  ])("says RangeError to the number in %j", (input) => {
    expect(() => connect(input)).toThrow(rangeError);
  });

  it("listens on no query and no user info", () => {
    expect(listen("ws://127.0.0.1:8080/chat").target).toBe("/chat");
    expect(() => listen("ws://127.0.0.1:8080/?a")).toThrow(typeError);
    expect(() => listen("ws://user@127.0.0.1:8080/")).toThrow(typeError);
  });

  it("takes a path as long as sun_path", () => {
    const longest = MAX_UNIX_PATH_BYTES[process.platform === "darwin" ? "darwin" : "linux"];
    const path = `/${"a".repeat(longest - 1)}`;
    expect(connect(`unix:${path}`).path).toBe(path);
    expect(connect({ path }).path).toBe(path);
    expect(() => connect(`unix:${path}a`)).toThrow(typeError);
    expect(() => connect({ path: `${path}a` })).toThrow(rangeError);
  });

  it.each([
    [undefined, { scheme: "tcp", tls: false, websocket: false }],
    ["tls", { scheme: "tls", tls: true, websocket: false }],
    ["ws", { scheme: "ws", tls: false, websocket: true }],
    ["wss", { scheme: "wss", tls: true, websocket: true }],
  ])("listens on a descriptor, with transport %s", (transport, expected) => {
    const endpoint = listen({ fd: 3, transport });
    expect(endpoint).toMatchObject({ kind: "descriptor", fd: 3, ...expected });
    expect([endpoint.host, endpoint.port, endpoint.path]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(Object.isFrozen(endpoint)).toBe(true);
  });

  it("connects to no descriptor, and takes one alone", () => {
    expect(() => connect({ fd: 3 })).toThrow(/StreamSocket\.adopt/);
    expect(() => listen({ fd: 3, host: "::", port: 80 })).toThrow(typeError);
    expect(() => listen({ fd: 3, path: "/run/s" })).toThrow(typeError);
    expect(() => listen({ fd: 3, transport: "udp" })).toThrow(typeError);
    expect(() => listen({ fd: "3" })).toThrow(typeError);
    expect(() => listen({ fd: -1 })).toThrow(rangeError);
    expect(() => listen({ fd: 2 ** 31 })).toThrow(rangeError);
  });

  it("calls the thing by the name it was given", () => {
    expect(() => parseEndpoint("tcp://a", "connect", "proxy")).toThrow(/^"proxy" must be tcp:/);
  });
});

describe("formatEndpoint", () => {
  it.each([
    ["tcp://[FE80::1%25eth0]:80", "tcp://[fe80::1%eth0]:80"],
    ["tcp://[::ffff:192.0.2.1]:80", "tcp://192.0.2.1:80"],
    ["wss://user:pw@Example.com/a b", "wss://example.com:443/a%20b"],
    ["unix:///run/s", "unix:/run/s"],
    ["unix:////run/s", "unix:////run/s"],
    ["unix:@name", "unix:@name"],
    ["ws+unix:/run/s", "ws+unix:/run/s:/"],
  ])("writes %s as %s", (input, expected) => {
    expect(formatEndpoint(connect(input))).toBe(expected);
  });

  it("writes any address as it is bound", () => {
    expect(formatEndpoint(listen("tcp://*:80"))).toBe("tcp://[::]:80");
  });

  it("is read as the same endpoint again", () => {
    for (const [input] of [...HOSTS, ...PATHS, ...WEBSOCKETS]) {
      const endpoint = connect(input);
      expect(connect(formatEndpoint(endpoint))).toEqual({ ...endpoint, auth: undefined });
    }
  });
});

describe("formatAuthority and formatHostHeader", () => {
  it.each([
    ["tcp://[fe80::1%eth0]:80", "[fe80::1%eth0]:80"],
    ["tcp://example.com:80", "example.com:80"],
    ["unix:/run/s", "/run/s"],
    ["unix:@name", "@name"],
  ])("the authority of %s is %s", (input, expected) => {
    expect(formatAuthority(connect(input))).toBe(expected);
  });

  it.each([
    ["ws://example.com/", "example.com"],
    ["ws://example.com:8080/", "example.com:8080"],
    ["wss://example.com:443/", "example.com"],
    ["wss://example.com:80/", "example.com:80"],
    ["ws://[fe80::1%eth0]:80/", "[fe80::1]"],
    ["ws+unix:/run/s", "localhost"],
  ])("the Host header of %s is %s", (input, expected) => {
    expect(formatHostHeader(connect(input))).toBe(expected);
  });
});

describe("any string", () => {
  const scheme = fc.constantFrom(
    "tcp://",
    "tls://",
    "udp://",
    "unix:",
    "ws://",
    "wss://",
    "ws+unix:",
  );
  const rest = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.string({ unit: fc.constantFrom(..."ab1.:[]%/@?#*-0x\\ \0ü"), maxLength: 30 }),
    fc.webAuthority({ withPort: true, withIPv4: true, withIPv6: true, withUserInfo: true }),
    fc.tuple(fc.domain(), fc.nat(70_000)).map(([host, port]) => `${host}:${port}`),
    fc.tuple(fc.ipV6(), fc.nat(70_000)).map(([host, port]) => `[${host}]:${port}`),
    fc.tuple(fc.ipV4(), fc.nat(70_000)).map(([host, port]) => `${host}:${port}`),
  );
  const text = fc.oneof(
    fc.tuple(scheme, rest).map((parts) => parts.join("")),
    rest,
  );

  it.each(["connect", "listen"] as const)(
    "is an endpoint that round trips, or a TypeError (%s)",
    (use) => {
      let endpoints = 0;
      fc.assert(
        fc.property(text, (input) => {
          let endpoint: Endpoint;
          try {
            endpoint = parseEndpoint(input, use);
          } catch (error) {
            expect(error).toEqual(typeError);
            return;
          }
          endpoints++;
          const again = parseEndpoint(formatEndpoint(endpoint), use);
          const any = endpoint.kind === "any" ? { kind: "ipv6" } : {};
          expect(again).toEqual({ ...endpoint, auth: undefined, ...any });
        }),
        { numRuns: 3_000 },
      );
      expect(endpoints).toBeGreaterThan(300);
    },
  );

  it("and any value is an endpoint, a TypeError or a RangeError", () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        try {
          parseEndpoint(input, "listen");
        } catch (error) {
          expect([typeError, rangeError]).toContainEqual(error);
        }
      }),
    );
  });
});
