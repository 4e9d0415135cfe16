// The connection options on sockets that are open already, Node's own among them.

import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import { type AddressInfo, Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { HawserError } from "../../lib/errors/index.ts";
import { getOption, setOption } from "../../lib/socket/options.ts";
import { policyOptions, type TuneOptions, tune } from "../../lib/socket/tune.ts";
import { closeAll, datagram, fresh, listening, pair, temporaryPath } from "./raw-sockets.ts";

afterEach(closeAll);

const LINUX = process.platform === "linux";
const IDLE = LINUX ? "TCP_KEEPIDLE" : "TCP_KEEPALIVE";
const DROP = LINUX ? "TCP_USER_TIMEOUT" : "TCP_RXT_CONNDROPTIME";

function keepAliveOf(socket: Parameters<typeof tune>[0]): unknown[] {
  return [
    getOption(socket, "SO_KEEPALIVE"),
    getOption(socket, IDLE),
    getOption(socket, "TCP_KEEPINTVL"),
    getOption(socket, "TCP_KEEPCNT"),
  ];
}

describe("tune", () => {
  it("B8 sets keepalive in whole seconds, rounded up, and gives the socket back", async () => {
    const { near } = await pair();
    expect(getOption(near, "SO_KEEPALIVE")).toBe(false);
    expect(tune(near, { keepAlive: { idle: 4_001, interval: 2_000, count: 4 } })).toBe(near);
    expect(keepAliveOf(near)).toEqual([true, 5, 2, 4]);
  });

  it("B8 takes defaults for members of keepAlive that are left out, and false for off", async () => {
    const { near } = await pair();
    tune(near, { keepAlive: {} });
    expect(keepAliveOf(near)).toEqual([true, 60, 10, 3]);
    tune(near, { keepAlive: false });
    expect(getOption(near, "SO_KEEPALIVE")).toBe(false);
  });

  it("B11 sets dropTimeout in the kernel's unit", async () => {
    const { near } = await pair();
    tune(near, { dropTimeout: 7_500 });
    expect(getOption(near, DROP)).toBe(LINUX ? 7_500 : 8);
    tune(near, { dropTimeout: 0 });
    expect(getOption(near, DROP)).toBe(0);
  });

  it.runIf(LINUX)("B13 holds for connections that a listener accepts afterwards", async () => {
    const { server, near } = await pair();
    expect(getOption(near, "SO_KEEPALIVE")).toBe(false);
    tune(server, { keepAlive: { idle: 9_000, interval: 8_000, count: 7 } });
    const accepted = once(server, "connection");
    const client = new Socket().connect((server.address() as AddressInfo).port, "127.0.0.1");
    const [far] = (await accepted) as [Socket];
    expect(keepAliveOf(far)).toEqual([true, 9, 8, 7]);
    client.destroy();
    far.destroy();
  });

  it("leaves alone what is not given", async () => {
    const { near } = await pair();
    near.setNoDelay(true);
    setOption(near, "TCP_KEEPCNT", 6);
    tune(near, {});
    tune(near, { noDelay: undefined, keepAlive: undefined, socketOptions: undefined });
    expect(getOption(near, "TCP_NODELAY")).toBe(true);
    expect(keepAliveOf(near)[3]).toBe(6);
    tune(near, { noDelay: false });
    expect(getOption(near, "TCP_NODELAY")).toBe(false);
  });

  it("sets raw options after the named ones", async () => {
    const { near } = await pair();
    tune(near, {
      keepAlive: { count: 5 },
      socketOptions: { TCP_NOTSENT_LOWAT: 16_384, TCP_KEEPCNT: 9, SO_OOBINLINE: undefined },
    });
    expect(getOption(near, "TCP_NOTSENT_LOWAT")).toBe(16_384);
    expect(keepAliveOf(near)).toEqual([true, 60, 10, 9]);
  });

  it("works on the socket of an http request at either end", async () => {
    const server = createServer((_, response) => response.end());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const requested = once(server, "request");
    const request = get({
      port: (server.address() as AddressInfo).port,
      host: "127.0.0.1",
      agent: false,
    });
    const [incoming] = (await requested) as [IncomingMessage];
    tune(incoming.socket, { keepAlive: { idle: 33_000 } });
    tune(request, { keepAlive: { idle: 44_000 } });
    expect(getOption(incoming, IDLE)).toBe(33);
    expect(getOption(request, IDLE)).toBe(44);
    await once(request, "response").then(([response]) => (response as IncomingMessage).resume());
    await new Promise((resolve) => server.close(resolve));
  });

  it("works on hawser's sockets by their descriptor", () => {
    const socket = fresh("tcp4");
    tune(socket, { noDelay: true, socketOptions: { SO_REUSEADDR: 1 } });
    expect(getOption(socket, "TCP_NODELAY")).toBe(true);
    expect(getOption(socket, "SO_REUSEADDR")).toBe(true);
  });

  it("sets raw options of a UDP socket, and refuses what only TCP has", async () => {
    const socket = await datagram();
    tune(socket, { socketOptions: { SO_BROADCAST: true, IP_TTL: 9 } });
    expect(getOption(socket, "SO_BROADCAST")).toBe(true);
    expect(getOption(socket, "IP_TTL")).toBe(9);
    expect(() => tune(socket, { keepAlive: {} })).toThrow(/"keepAlive" needs a TCP socket/);
    expect(() => tune(socket, { dropTimeout: 1 })).toThrow(TypeError);
    expect(getOption(socket, "SO_KEEPALIVE")).toBe(false);
  });

  it("ignores what a Unix socket has no use for", async () => {
    const { near } = await pair(temporaryPath());
    tune(near, {
      noDelay: true,
      keepAlive: {},
      dropTimeout: 5_000,
      socketOptions: { SO_SNDBUF: 9_000 },
    });
    expect(getOption(near, "SO_KEEPALIVE")).toBe(false);
    expect(getOption(near, "SO_SNDBUF")).toBe(LINUX ? 18_000 : 9_000);
    if (LINUX) expect(() => tune(fresh("unix"), { noDelay: true })).not.toThrow();
  });

  it("sets all or nothing, and names what failed", async () => {
    const { near } = await pair();
    const before = keepAliveOf(near);
    const failing: TuneOptions = {
      noDelay: true,
      keepAlive: { idle: 5_000 },
      socketOptions: { TCP_NOTSENT_LOWAT: 1, TCP_MAXSEG: 1 },
    };
    let error: unknown;
    try {
      tune(near, failing);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(HawserError);
    expect(error).toMatchObject({ code: "EINVAL", syscall: "setsockopt" });
    expect((error as Error).message).toContain("setsockopt EINVAL TCP_MAXSEG");
    expect(keepAliveOf(near)).toEqual(before);
    expect(getOption(near, "TCP_NOTSENT_LOWAT")).not.toBe(1);
  });

  it("says that a socket is closed or not connected yet", async () => {
    const server = await listening();
    const socket = new Socket();
    expect(() => tune(socket, { noDelay: true })).toThrow(/ENOTCONN.*wait for 'connect'/);
    socket.connect((server.address() as AddressInfo).port, "127.0.0.1");
    await once(socket, "connect");
    tune(socket, { noDelay: true });
    socket.destroy();
    expect(() => tune(socket, { noDelay: true })).toThrow(/EBADF.*the socket is closed/);
  });
});

describe("wrong options of tune", () => {
  const wrong = (options: unknown) => () => tune(fresh("tcp4"), options as TuneOptions);

  it("a keepAlive duration under a second is a RangeError that says so", () => {
    expect(wrong({ keepAlive: { idle: 60 } })).toThrow(RangeError);
    expect(wrong({ keepAlive: { idle: 60 } })).toThrow(
      /"keepAlive.idle" must be at least 1000 .*the unit is milliseconds/,
    );
    expect(wrong({ keepAlive: { interval: 999.9 } })).toThrow(RangeError);
    expect(wrong({ keepAlive: { interval: Number.NaN } })).toThrow(RangeError);
    expect(wrong({ keepAlive: { idle: 32_767_001 } })).toThrow(RangeError);
  });

  it.each([
    [{ keepAlive: true }, /"keepAlive" must be an object \{ idle, interval, count \}, or false/],
    [{ keepAlive: { idle: "5s" } }, /"keepAlive.idle" must be a duration/],
    [{ keepAlive: { count: 0 } }, /"keepAlive.count" must be at least 1 and at most 127/],
    [{ keepAlive: { delay: 1 } }, /Unknown option of keepAlive: "delay"/],
    [{ keepalive: {} }, /did you mean "keepAlive"/],
    [{ noDelay: 1 }, /"noDelay" must be of type boolean/],
    [{ dropTimeout: -1 }, /"dropTimeout" must be a duration/],
    [{ socketOptions: [] }, /"socketOptions" must be an object/],
    [{ socketOptions: { TCP_NODELEY: 1 } }, /did you mean "TCP_NODELAY"/],
    [{ socketOptions: { TCP_NODELAY: 2 } }, /"TCP_NODELAY" must be of type boolean, or 0 or 1/],
    [{ socketOptions: { SO_TYPE: 2 } }, /"SO_TYPE" can only be read/],
    [undefined, /"options" must be an object/],
    [null, /"options" must be an object/],
  ])("%j is a TypeError or RangeError that names it", (options, message) => {
    expect(wrong(options)).toThrow(message);
  });

  it("sets nothing where one option is wrong", () => {
    const socket = fresh("tcp4");
    expect(() => tune(socket, { noDelay: true, dropTimeout: -1 })).toThrow(RangeError);
    expect(getOption(socket, "TCP_NODELAY")).toBe(false);
  });
});

describe("a policy in socket options", () => {
  const keepAlive = { idleSeconds: 60, intervalSeconds: 10, count: 3 };

  it("has the names and units of Linux", () => {
    expect(policyOptions({ noDelay: true, keepAlive, dropTimeout: 7_500 }, "linux")).toEqual([
      ["TCP_NODELAY", true],
      ["TCP_KEEPIDLE", 60],
      ["TCP_KEEPINTVL", 10],
      ["TCP_KEEPCNT", 3],
      ["SO_KEEPALIVE", true],
      ["TCP_USER_TIMEOUT", 7_500],
    ]);
  });

  it("has the names and units of macOS", () => {
    expect(policyOptions({ noDelay: false, keepAlive, dropTimeout: 7_500 }, "darwin")).toEqual([
      ["TCP_NODELAY", false],
      ["TCP_KEEPALIVE", 60],
      ["TCP_KEEPINTVL", 10],
      ["TCP_KEEPCNT", 3],
      ["SO_KEEPALIVE", true],
      ["TCP_RXT_CONNDROPTIME", 8],
    ]);
  });

  it("is nothing where nothing is asked for, and one option for keepalive off", () => {
    expect(policyOptions({}, "linux")).toEqual([]);
    expect(policyOptions({ keepAlive: null }, "darwin")).toEqual([["SO_KEEPALIVE", false]]);
  });
});
