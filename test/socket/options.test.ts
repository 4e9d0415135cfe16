// Every row of the table of socket options against the real kernel: what is set is read back, and
// was not there before.

import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { constants, release } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { native } from "../../lib/binding/native.ts";
import { HawserError } from "../../lib/errors/index.ts";
import type { AnySocket } from "../../lib/socket/descriptor.ts";
import { OPTIONS } from "../../lib/socket/option-table.ts";
import type { OptionRow } from "../../lib/socket/option-values.ts";
import {
  applyAllOrNone,
  applyOptions,
  assign,
  getOption,
  type ReadableOption,
  SOCKET_OPTION_NAMES,
  type SocketOptionName,
  setOption,
  type WritableOption,
} from "../../lib/socket/options.ts";
import {
  closeAll,
  connectedDatagram,
  datagram,
  fresh,
  type Kind,
  lacksNetAdmin,
  listening,
  pair,
  temporaryPath,
} from "./raw-sockets.ts";

const ROWS: Readonly<Record<string, OptionRow>> = OPTIONS;
const SYSTEM = process.platform === "darwin" ? "darwin" : "linux";
const OTHER_NAME = SYSTEM === "linux" ? "macOS" : "Linux";
const here = (name: string): boolean => ROWS[name]?.systems.includes(SYSTEM) === true;

/** Why the kernel is too old for an option, or undefined. */
function olderThan(major: number, minor: number): string | undefined {
  const [a = 0, b = 0] = release().split(".").map(Number);
  const old = a < major || (a === major && b < minor);
  return SYSTEM === "linux" && old ? `needs Linux ${major}.${minor}` : undefined;
}

function sysctl(path: string): string {
  return SYSTEM === "linux" ? readFileSync(`/proc/sys/${path}`, "utf8").trim() : "";
}

/** A congestion control algorithm that may be chosen and is not the default. */
function otherCongestion(): string | undefined {
  const current = sysctl("net/ipv4/tcp_congestion_control");
  const allowed = sysctl("net/ipv4/tcp_allowed_congestion_control").split(" ");
  return allowed.find((name) => name !== "" && name !== current);
}

interface Row {
  readonly name: WritableOption;
  readonly kind: Kind;
  readonly set: unknown;
  /** What is read afterwards, where it is not what was set. */
  readonly read?: unknown;
  /** The option it is read as, where it cannot be read itself. */
  readonly readAs?: ReadableOption;
  /** Why it cannot run here. */
  readonly skip?: string | undefined;
}

// Linux doubles buffer sizes (socket(7)).
const doubled = (bytes: number): number => (SYSTEM === "linux" ? bytes * 2 : bytes);
const admin = lacksNetAdmin();
const loopback = SYSTEM === "linux" ? "lo" : "lo0";
const congestion = otherCongestion();
const fastOpenOff = (Number(sysctl("net/ipv4/tcp_fastopen") || "1") & 1) === 0;

const WRITABLE: readonly Row[] = [
  { name: "SO_BINDTODEVICE", kind: "udp4", set: loopback },
  { name: "SO_BROADCAST", kind: "udp4", set: true },
  { name: "SO_BUSY_POLL", kind: "udp4", set: 50, skip: admin },
  { name: "SO_INCOMING_CPU", kind: "tcp4", set: 0 },
  { name: "SO_KEEPALIVE", kind: "tcp4", set: true },
  { name: "SO_LINGER", kind: "tcp4", set: { enabled: true, seconds: 7 } },
  { name: "SO_MARK", kind: "udp4", set: 0x80000001, skip: admin },
  { name: "SO_NET_SERVICE_TYPE", kind: "udp4", set: 2 },
  { name: "SO_NOSIGPIPE", kind: "tcp4", set: false },
  { name: "SO_OOBINLINE", kind: "tcp4", set: true },
  { name: "SO_PRIORITY", kind: "udp4", set: 5 },
  { name: "SO_RCVBUF", kind: "udp4", set: 8_192, read: doubled(8_192) },
  {
    name: "SO_RCVBUFFORCE",
    kind: "udp4",
    set: 64_000_000,
    read: doubled(64_000_000),
    readAs: "SO_RCVBUF",
    skip: admin,
  },
  { name: "SO_RCVLOWAT", kind: "tcp4", set: 9 },
  { name: "SO_REUSEADDR", kind: "tcp4", set: true },
  { name: "SO_REUSEPORT", kind: "tcp4", set: true },
  { name: "SO_RXQ_OVFL", kind: "udp4", set: true },
  { name: "SO_SNDBUF", kind: "udp4", set: 8_192, read: doubled(8_192) },
  {
    name: "SO_SNDBUFFORCE",
    kind: "udp4",
    set: 64_000_000,
    read: doubled(64_000_000),
    readAs: "SO_SNDBUF",
    skip: admin,
  },
  { name: "SO_TIMESTAMPNS", kind: "udp4", set: true },
  { name: "PERSIST_TIMEOUT", kind: "tcp4", set: 30 },
  {
    name: "TCP_CONGESTION",
    kind: "tcp4",
    set: congestion,
    skip: congestion === undefined ? "only one algorithm is allowed" : undefined,
  },
  { name: "TCP_CONNECTIONTIMEOUT", kind: "tcp4", set: 7 },
  { name: "TCP_CORK", kind: "tcp4", set: true },
  // Counted in retransmissions after 1 s, 2 s, ...: 3 s is two of them.
  { name: "TCP_DEFER_ACCEPT", kind: "tcp4", set: 3 },
  { name: "TCP_FASTOPEN", kind: "tcp4", set: SYSTEM === "linux" ? 16 : 1 },
  {
    name: "TCP_FASTOPEN_CONNECT",
    kind: "tcp4",
    set: true,
    skip: fastOpenOff ? "net.ipv4.tcp_fastopen is off" : undefined,
  },
  { name: "TCP_KEEPALIVE", kind: "tcp4", set: 61 },
  { name: "TCP_KEEPCNT", kind: "tcp4", set: 5 },
  { name: "TCP_KEEPIDLE", kind: "tcp4", set: 61 },
  { name: "TCP_KEEPINTVL", kind: "tcp4", set: 11 },
  { name: "TCP_LINGER2", kind: "tcp4", set: 9 },
  { name: "TCP_MAXSEG", kind: "tcp4", set: SYSTEM === "linux" ? 1_000 : 500 },
  { name: "TCP_NODELAY", kind: "tcp4", set: true },
  { name: "TCP_NOPUSH", kind: "tcp4", set: true },
  { name: "TCP_NOTSENT_LOWAT", kind: "tcp4", set: 16_384 },
  { name: "TCP_QUICKACK", kind: "tcp4", set: false },
  { name: "TCP_RTO_MAX_MS", kind: "tcp4", set: 5_000, skip: olderThan(6, 15) },
  { name: "TCP_RXT_CONNDROPTIME", kind: "tcp4", set: 20 },
  { name: "TCP_RXT_FINDROP", kind: "tcp4", set: true },
  { name: "TCP_SYNCNT", kind: "tcp4", set: 3 },
  { name: "TCP_USER_TIMEOUT", kind: "tcp4", set: 8_000 },
  { name: "TCP_WINDOW_CLAMP", kind: "tcp4", set: 5_000 },
  { name: "UDP_GRO", kind: "udp4", set: true, skip: olderThan(5, 0) },
  { name: "UDP_SEGMENT", kind: "udp4", set: 1_200, skip: olderThan(4, 18) },
  { name: "IP_BIND_ADDRESS_NO_PORT", kind: "tcp4", set: true },
  { name: "IP_BOUND_IF", kind: "udp4", set: 1 },
  { name: "IP_DONTFRAG", kind: "udp4", set: true },
  { name: "IP_FREEBIND", kind: "udp4", set: true },
  { name: "IP_MTU_DISCOVER", kind: "udp4", set: 2 },
  { name: "IP_MULTICAST_ALL", kind: "udp4", set: false },
  { name: "IP_MULTICAST_IF", kind: "udp4", set: "127.0.0.1" },
  { name: "IP_MULTICAST_LOOP", kind: "udp4", set: false },
  { name: "IP_MULTICAST_TTL", kind: "udp4", set: 5 },
  { name: "IP_PKTINFO", kind: "udp4", set: true },
  { name: "IP_RECVERR", kind: "udp4", set: true },
  { name: "IP_RECVTOS", kind: "udp4", set: true },
  { name: "IP_RECVTTL", kind: "udp4", set: true },
  { name: "IP_TOS", kind: "udp4", set: 0xb8 },
  { name: "IP_TRANSPARENT", kind: "udp4", set: true, skip: admin },
  { name: "IP_TTL", kind: "udp4", set: 17 },
  { name: "IPV6_BOUND_IF", kind: "udp6", set: 1 },
  { name: "IPV6_DONTFRAG", kind: "udp6", set: true },
  { name: "IPV6_MTU_DISCOVER", kind: "udp6", set: 2 },
  { name: "IPV6_MULTICAST_ALL", kind: "udp6", set: false, skip: olderThan(4, 20) },
  { name: "IPV6_MULTICAST_HOPS", kind: "udp6", set: 5 },
  { name: "IPV6_MULTICAST_IF", kind: "udp6", set: 1 },
  { name: "IPV6_MULTICAST_LOOP", kind: "udp6", set: false },
  { name: "IPV6_RECVERR", kind: "udp6", set: true },
  { name: "IPV6_RECVHOPLIMIT", kind: "udp6", set: true },
  { name: "IPV6_RECVPKTINFO", kind: "udp6", set: true },
  { name: "IPV6_RECVTCLASS", kind: "udp6", set: true },
  { name: "IPV6_TCLASS", kind: "udp6", set: 0xb8 },
  { name: "IPV6_UNICAST_HOPS", kind: "udp6", set: 17 },
  { name: "IPV6_V6ONLY", kind: "tcp6", set: true },
];

interface Reading {
  readonly name: ReadableOption;
  /** Two sockets whose values differ, and what they are. */
  readonly values: readonly (readonly [
    () => AnySocket | Promise<AnySocket>,
    value: (value: unknown) => boolean,
  ])[];
}

const is = (expected: unknown) => (value: unknown) => value === expected;
const unixPair = async () => (await pair(temporaryPath())).near;
const isUs = (value: unknown): boolean => {
  const { pid, uid, gid } = value as Record<string, unknown>;
  const us = SYSTEM === "linux" ? process.pid : null;
  return pid === us && uid === process.getuid?.() && gid === process.getgid?.();
};

/** A UDP socket that was told, or is about to be told, that nobody listens at its peer. */
async function refused(): Promise<AnySocket> {
  const peer = await datagram();
  const socket = await datagram();
  const { port } = peer.address();
  socket.connect(port, "127.0.0.1");
  await once(socket, "connect");
  peer.close();
  await once(peer, "close");
  socket.on("error", () => {});
  socket.send("x");
  return socket;
}

const READABLE: readonly Reading[] = [
  {
    name: "SO_ACCEPTCONN",
    values: [
      [() => fresh("tcp4"), is(false)],
      [() => listening(), is(true)],
    ],
  },
  {
    name: "SO_DOMAIN",
    values: [
      [() => fresh("tcp4"), is(2)],
      [() => fresh("udp6"), is(10)],
    ],
  },
  { name: "SO_ERROR", values: [[() => fresh("udp4"), is(0)]] },
  { name: "SO_NREAD", values: [[() => fresh("tcp4"), is(0)]] },
  { name: "SO_NWRITE", values: [[() => fresh("tcp4"), is(0)]] },
  {
    name: "SO_PEERCRED",
    values: [
      [() => fresh("unix"), (value) => !isUs(value)],
      [unixPair, isUs],
    ],
  },
  {
    name: "SO_PROTOCOL",
    values: [
      [() => fresh("tcp4"), is(6)],
      [() => fresh("udp4"), is(17)],
    ],
  },
  {
    name: "SO_TYPE",
    values: [
      [() => fresh("tcp4"), is(1)],
      [() => fresh("udp4"), is(2)],
    ],
  },
  { name: "LOCAL_PEERCRED", values: [[unixPair, isUs]] },
  { name: "LOCAL_PEERPID", values: [[unixPair, is(process.pid)]] },
  {
    name: "TCP_CONNECTION_INFO",
    values: [[async () => (await pair()).near, hasState("ESTABLISHED")]],
  },
  {
    name: "TCP_INFO",
    values: [
      [() => fresh("tcp4"), hasState("CLOSE")],
      [async () => (await pair()).near, hasState("ESTABLISHED")],
    ],
  },
  { name: "IP_MTU", values: [[() => connectedDatagram("udp4"), (mtu) => Number(mtu) >= 1_500]] },
];

function hasState(state: string) {
  return (value: unknown): boolean => (value as { state: unknown }).state === state;
}

function thrown(action: () => unknown): HawserError {
  try {
    action();
  } catch (error) {
    if (error instanceof HawserError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

afterEach(closeAll);

describe("options that can be set", () => {
  for (const { name, kind, set, read = set, readAs = name, skip } of WRITABLE) {
    if (!here(name)) continue;
    const title = `${name} on ${kind} becomes ${JSON.stringify(read)}, which it was not`;
    it.skipIf(skip !== undefined)(skip === undefined ? title : `${title} (${skip})`, () => {
      const socket = fresh(kind);
      expect(getOption(socket, readAs as ReadableOption)).not.toEqual(read);
      setOption(socket, name, set as never);
      expect(getOption(socket, readAs as ReadableOption)).toEqual(read);
    });
  }

  it.runIf(here("IPV6_MTU"))(
    "IPV6_MTU bounds from 1280 up, and is read where connected",
    async () => {
      const socket = await connectedDatagram("udp6");
      expect(getOption(socket, "IPV6_MTU")).toBeGreaterThanOrEqual(1_280);
      expect(() => setOption(socket, "IPV6_MTU", 1_279)).toThrow(/EINVAL IPV6_MTU/);
      setOption(socket, "IPV6_MTU", 1_280);
      expect(thrown(() => getOption(fresh("udp6"), "IPV6_MTU")).code).toBe("ENOTCONN");
    },
  );

  it("IP_MULTICAST_IF takes the index of an interface too", () => {
    const socket = fresh("udp4");
    setOption(socket, "IP_MULTICAST_IF", "127.0.0.1");
    setOption(socket, "IP_MULTICAST_IF", 1);
    // Linux keeps no address then; macOS tells the interface's own.
    const read = getOption(socket, "IP_MULTICAST_IF");
    expect(read).toBe(SYSTEM === "linux" ? "0.0.0.0" : "127.0.0.1");
    expect(thrown(() => setOption(socket, "IP_MULTICAST_IF", 2 ** 30)).code).toBe("EADDRNOTAVAIL");
  });
});

describe("options that can be read only", () => {
  for (const { name, values } of READABLE) {
    if (!here(name)) continue;
    it(`${name} is read`, async () => {
      for (const [make, matches] of values) {
        const value = getOption(await make(), name);
        expect(value, JSON.stringify(value)).toSatisfy(matches);
      }
    });
  }

  it("SO_ERROR tells a pending error once", async () => {
    const socket = await refused();
    const patience = Date.now() + 5_000;
    let error = 0;
    // Asked in one go: in between, libuv would take the error.
    while (error === 0 && Date.now() < patience) error = getOption(socket, "SO_ERROR");
    expect(error).toBe(constants.errno.ECONNREFUSED);
    expect(getOption(socket, "SO_ERROR")).toBe(0);
  });
});

describe("the table", () => {
  it("every option has a row above", () => {
    const rows = [...WRITABLE, ...READABLE].map((row) => row.name as string);
    expect([...rows, "IPV6_MTU"].sort()).toEqual([...SOCKET_OPTION_NAMES].sort());
  });

  for (const name of SOCKET_OPTION_NAMES.filter((one) => !here(one))) {
    it(`${name} fails with ENOPROTOOPT here and says where it exists`, () => {
      const { counterpart, access } = ROWS[name] as OptionRow;
      const socket = fresh("tcp4");
      const error = thrown(() =>
        access === "write-only"
          ? setOption(socket, name as WritableOption, 1 as never)
          : getOption(socket, name as ReadableOption),
      );
      expect(error.code).toBe("ENOPROTOOPT");
      expect(error.errno).toBe(-constants.errno.ENOPROTOOPT);
      expect(error.message).toContain(`${name} exists on ${OTHER_NAME} only`);
      if (counterpart !== "") expect(error.message).toContain(counterpart);
      // The addon itself says the same.
      const { index } = OPTIONS[name as SocketOptionName];
      if (access !== "write-only") {
        expect(native.getOption(socket.fd, index, [])).toBe(-constants.errno.ENOPROTOOPT);
      }
    });
  }
});

describe("several options at once", () => {
  const list = (options: Record<string, unknown>) =>
    Object.entries(options).map(([name, value]) => assign(name, value));

  it("applyOptions sets all in their order and stops at the first that fails", () => {
    const socket = fresh("tcp4");
    const options = list({ SO_KEEPALIVE: true, TCP_MAXSEG: 1, TCP_NODELAY: true });
    expect(thrown(() => applyOptions(socket.fd, options)).message).toContain("EINVAL TCP_MAXSEG");
    expect(getOption(socket, "SO_KEEPALIVE")).toBe(true);
    expect(getOption(socket, "TCP_NODELAY")).toBe(false);
  });

  it("applyAllOrNone sets back what it set before a failure, and names what failed", () => {
    const socket = fresh("tcp4");
    const before = getOption(socket, "SO_RCVBUF");
    const options = list({
      SO_KEEPALIVE: true,
      SO_RCVBUF: 20_000,
      SO_LINGER: { enabled: true, seconds: 3 },
      TCP_MAXSEG: 1,
      TCP_NODELAY: true,
    });
    const error = thrown(() => applyAllOrNone(socket.fd, options));
    expect(error.message).toContain("setsockopt EINVAL TCP_MAXSEG");
    expect(error.message).not.toContain("set back");
    expect(error.syscall).toBe("setsockopt");
    expect(getOption(socket, "SO_KEEPALIVE")).toBe(false);
    expect(getOption(socket, "SO_RCVBUF")).toBe(before);
    expect(getOption(socket, "SO_LINGER").enabled).toBe(false);
    expect(getOption(socket, "TCP_NODELAY")).toBe(false);
  });

  it("applyAllOrNone leaves all as they were where this system lacks one", () => {
    const socket = fresh("tcp4");
    const foreign = SYSTEM === "linux" ? "TCP_NOPUSH" : "TCP_CORK";
    const options = list({ SO_KEEPALIVE: true, [foreign]: true });
    expect(thrown(() => applyAllOrNone(socket.fd, options)).code).toBe("ENOPROTOOPT");
    expect(getOption(socket, "SO_KEEPALIVE")).toBe(false);
  });

  it.runIf(here("IPV6_MTU"))("applyAllOrNone says what could not be set back", () => {
    // The MTU of a socket that is not connected cannot be read.
    const socket = fresh("udp6");
    const options = list({ IPV6_MTU: 1_300, IPV6_TCLASS: 1_000 });
    const error = thrown(() => applyAllOrNone(socket.fd, options));
    expect(error.message).toMatch(/EINVAL IPV6_TCLASS.*Could not be set back: IPV6_MTU/);
  });
});

describe("wrong use", () => {
  it("an unknown name is a TypeError that names the nearest", () => {
    const socket = fresh("tcp4");
    expect(() => getOption(socket, "TCP_NODELEY" as never)).toThrow(/did you mean "TCP_NODELAY"/);
    expect(() => setOption(socket, "toString" as never, 1 as never)).toThrow(TypeError);
  });

  it("an option is neither read nor set against its access", () => {
    const socket = fresh("tcp4");
    expect(() => setOption(socket, "SO_TYPE" as never, 1 as never)).toThrow(/can only be read/);
    expect(() => setOption(socket, "TCP_INFO" as never, {} as never)).toThrow(/can only be read/);
    expect(() => getOption(socket, "SO_RCVBUFFORCE" as never)).toThrow(/can only be set/);
  });

  it("an option of another kind of socket is an error that names it", () => {
    const error = thrown(() => setOption(fresh("udp4"), "TCP_NODELAY", true));
    expect(["EOPNOTSUPP", "ENOPROTOOPT", "EINVAL"]).toContain(error.code);
    expect(error.message).toContain("TCP_NODELAY");
  });

  it("a descriptor that is no socket, or of nothing, is an error", () => {
    const file = openSync(import.meta.filename, "r");
    expect(thrown(() => getOption({ fd: file }, "SO_TYPE")).code).toBe("ENOTSOCK");
    closeSync(file);
    expect(thrown(() => getOption({ fd: -1 }, "SO_TYPE")).code).toBe("EBADF");
    expect(thrown(() => getOption({ fd: 2 ** 30 }, "SO_TYPE")).code).toBe("EBADF");
  });
});
