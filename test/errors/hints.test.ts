import { describe, expect, it } from "vitest";
import type { ErrorContext } from "../../lib/errors/hawser-error.ts";
import { HINTS, type HintHost, hintFor } from "../../lib/errors/hints.ts";

const linux: HintHost = { platform: "linux", kernelMajor: 6 };
const macOS14: HintHost = { platform: "darwin", kernelMajor: 23 };
const macOS15: HintHost = { platform: "darwin", kernelMajor: 24 };

type Case = [code: string, syscall: string, context: ErrorContext, host: HintHost, text: RegExp];

// One case at least for each row of the table, in its order: the last test counts them.
const CASES: readonly Case[] = [
  ["EADDRINUSE", "bind", { address: "/run/s" }, linux, /the path exists/],
  [
    "EADDRINUSE",
    "bind",
    { address: "::", port: 9, reason: "UDP_PORT" },
    linux,
    /listener\.connect/,
  ],
  ["EADDRINUSE", "bind", { address: "::", port: 80 }, linux, /port 0/],
  ["EADDRINUSE", "connect", { address: "::1", port: 80 }, linux, /same local and remote/],
  ["EADDRNOTAVAIL", "bind", { address: "192.0.2.1", port: 0 }, linux, /no interface/],
  ["EADDRNOTAVAIL", "connect", { address: "192.0.2.1", port: 1 }, linux, /no local address/],
  ["EACCES", "bind", { address: "::", port: 443 }, linux, /below 1024/],
  ["EACCES", "sendto", { address: "192.0.2.255", port: 9 }, linux, /broadcast: true/],
  ["EACCES", "connect", { address: "/run/s" }, linux, /path/],
  ["EBADF", "getsockopt", { address: "fd:9" }, linux, /no such descriptor/],
  ["ENOTSOCK", "getsockopt", { address: "fd:9" }, linux, /no socket/],
  ["EPROTOTYPE", "getsockopt", { address: "fd:9" }, linux, /DatagramSocket/],
  ["EINVAL", "getsockopt", { address: "fd:9" }, linux, /does not listen/],
  ["EMFILE", "accept4", {}, linux, /ulimit -n/],
  ["ENFILE", "socket", {}, linux, /the system/],
  ["ENOTSUP", "listen", { reason: "REUSE_PORT" }, macOS14, /does not balance/],
  ["ENETUNREACH", "connect", { reason: "PROHIBITED_INTERFACE" }, linux, /prohibitedInterfaces/],
  ["ENETUNREACH", "connect", { reason: "INTERFACE_KIND" }, linux, /requiredInterfaceKind/],
  ["ENETDOWN", "read", { reason: "VIABILITY_TIMEOUT" }, linux, /viabilityTimeout/],
  ["EHOSTUNREACH", "connect", { address: "192.168.1.9", port: 80 }, macOS15, /Local Network/],
  ["ENETDOWN", "sendto", { address: "ff02::1", port: 80 }, macOS15, /Local Network/],
  ["EMSGSIZE", "sendmsg", { address: "192.0.2.1", port: 9 }, linux, /maxDatagramSize/],
  ["ENOENT", "connect", { address: "/run/s" }, linux, /is the server running/],
  ["ECONNREFUSED", "connect", { address: "/run/s" }, linux, /no process listens/],
  ["EINVAL", "connect", { address: "fe80::1", port: 80 }, linux, /zone/],
  ["EFAULT", "read", {}, linux, /copy a chunk/],
  ["EFAULT", "write", {}, linux, /detached or shrunk/],
  ["EAI_AGAIN", "getaddrinfo", { hostname: "db" }, linux, /no name server/],
  ["ETIMEDOUT", "send", { reason: "SEND_STALLED" }, linux, /stallTimeout/],
  ["ETIMEDOUT", "recv", { reason: "PEER_UNREACHABLE" }, linux, /acknowledges nothing/],
  ["ETIMEDOUT", "recv", { reason: "IDLE_TIMEOUT" }, linux, /idleTimeout/],
  ["ETIMEDOUT", "close", { reason: "CLOSE_TIMEOUT" }, linux, /closeTimeout/],
];

describe("hintFor", () => {
  it.each(CASES)("B54 %s of %s at %j says what to do", (code, syscall, context, host, text) => {
    expect(hintFor(code, syscall, context, host)).toMatch(text);
  });

  it.each([
    ["ECONNREFUSED", "connect", { address: "192.0.2.1", port: 80 }, linux],
    ["ECONNRESET", "recv", {}, linux],
    ["EACCES", "bind", { address: "::", port: 8080 }, linux],
    ["EACCES", "bind", { address: "::", port: 0 }, linux],
    ["EINVAL", "connect", { address: "fe80::1%eth0", port: 80 }, linux],
    ["ETIMEDOUT", "connect", { phase: "connect" }, linux],
    ["ENOTSUP", "setsockopt", {}, macOS15],
  ] satisfies [string, string, ErrorContext, HintHost][])(
    "%s of %s at %j has no single cure, so no hint",
    (code, syscall, context, host) => {
      expect(hintFor(code, syscall, context, host)).toBeUndefined();
    },
  );

  it.each([
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.1",
    "169.254.1.1",
    "224.0.0.251",
    "255.255.255.255",
    "fe80::1%en0",
    "fd00::1",
  ])("B56 on macOS 15 %s counts as local network", (address) => {
    const context = { address, port: 80 };
    expect(hintFor("EHOSTUNREACH", "connect", context, macOS15)).toMatch(/Local Network/);
    expect(hintFor("EHOSTUNREACH", "connect", context, macOS14)).toBeUndefined();
    expect(hintFor("EHOSTUNREACH", "connect", context, linux)).toBeUndefined();
  });

  it.each(["192.0.2.1", "172.15.0.1", "172.32.0.1", "8.8.8.8", "2001:db8::1", "::1"])(
    "B56 %s does not",
    (address) => {
      expect(hintFor("EHOSTUNREACH", "connect", { address, port: 80 }, macOS15)).toBeUndefined();
    },
  );

  it("is tested row by row, and every row can be reached", () => {
    const reached = CASES.map((one) => hintFor(one[0], one[1], one[2], one[3]));
    for (const row of HINTS) expect(reached).toContain(row.text);
    expect(CASES).toHaveLength(HINTS.length);
  });

  it("hints are one sentence that reads on from the message", () => {
    for (const { text } of HINTS) expect(text).toMatch(/[^.\n]$/);
  });
});
