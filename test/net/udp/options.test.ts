// Each option of connect("udp://...") and listen("udp://...") does what it says.

import type { LookupFunction } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { connect, listen } from "../../../lib/index.ts";
import type { UdpListener } from "../../../lib/net/udp/listener.ts";
import type { UdpConnectOptions, UdpListenOptions } from "../../../lib/net/udp/types.ts";
import { DatagramSocket } from "../../../lib/socket/datagram-socket.ts";
import { getOption } from "../../../lib/socket/options.ts";

const isLinux = process.platform === "linux";
const open: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function listener(options: UdpListenOptions = {}, url = "udp://127.0.0.1:0") {
  const made = await listen(url as "udp://x:0", options);
  open.push(made);
  return made;
}

async function flowTo(port: number, options: UdpConnectOptions = {}, host = "127.0.0.1") {
  const flow = await connect(`udp://${host}:${port}`, options);
  open.push(flow);
  return flow;
}

function plainSocket(address = "127.0.0.1"): DatagramSocket {
  const socket = new DatagramSocket({ family: "IPv4" });
  open.push(socket);
  socket.bind({ address, port: 0 });
  return socket;
}

const portOf = (socket: DatagramSocket): number => socket.localAddress?.port ?? 0;
const silent: LookupFunction = () => {};
const gives =
  (address: string): LookupFunction =>
  (_, options, done) => {
    const family = address.includes(":") ? 6 : 4;
    if (options.all === true) done(null, [{ address, family }]);
    else done(null, address, family);
  };

describe("connectTimeout", () => {
  test("B2: a resolver that never answers is given up, and the error says the phase", async () => {
    const began = performance.now();
    const refused = connect("udp://name.test:9", { lookup: silent, connectTimeout: 100 });
    await expect(refused).rejects.toMatchObject({
      code: "ETIMEDOUT",
      syscall: "connect",
      phase: "resolve",
      address: "name.test",
      port: 9,
    });
    expect(performance.now() - began).toBeGreaterThanOrEqual(99);
  });

  test("does nothing once the name is resolved", async () => {
    const peer = plainSocket();
    const flow = await connect(`udp://name.test:${portOf(peer)}`, {
      lookup: gives("127.0.0.1"),
      connectTimeout: 50,
    });
    open.push(flow);
    await new Promise((resolve) => setTimeout(resolve, 120));
    await flow.send("still here");
    expect(String((await peer.receive())?.data)).toBe("still here");
  });

  test("a signal comes first where it is aborted first", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const options = { lookup: silent, connectTimeout: 60_000, signal };
    const refused = connect("udp://name.test:9", options);
    controller.abort(new Error("no more"));
    await expect(refused).rejects.toThrow("no more");
    await expect(connect("udp://name.test:9", options)).rejects.toThrow("no more");
  });

  test("wrong ones are refused", async () => {
    const wrong = (connectTimeout: unknown) =>
      connect("udp://127.0.0.1:9", { connectTimeout } as never);
    await expect(wrong(-1)).rejects.toThrow(RangeError);
    await expect(wrong("1s")).rejects.toThrow(TypeError);
  });
});

describe("options of connect", () => {
  test("localAddress and localPort are where it leaves from (B7)", async () => {
    const peer = plainSocket();
    const free = plainSocket();
    const localPort = portOf(free);
    await free.close();
    const flow = await flowTo(portOf(peer), { localAddress: "127.0.0.1", localPort });
    expect(flow).toMatchObject({ localAddress: "127.0.0.1", localPort });
    await flow.send("x");
    expect(await peer.receive()).toMatchObject({ address: "127.0.0.1", port: localPort });
  });

  test("lookup and family choose the address", async () => {
    const peer = plainSocket();
    const both: LookupFunction = (_, options, done) => {
      expect(options).toMatchObject({ family: 4, all: true });
      done(null, [{ address: "127.0.0.1", family: 4 }]);
    };
    const flow = await connect(`udp://name.test:${portOf(peer)}`, { lookup: both, family: 4 });
    open.push(flow);
    expect(flow.remoteAddress).toBe("127.0.0.1");
    const refused = connect("udp://[::1]:9", { family: 4 });
    await expect(refused).rejects.toMatchObject({ code: "EAFNOSUPPORT" });
  });

  test("idleTimeout closes a silent one, and without it silence is fine", async () => {
    const peer = plainSocket();
    const kept = await flowTo(portOf(peer));
    const flow = await flowTo(portOf(peer), { idleTimeout: 60 });
    expect(await flow.closed).toMatchObject({ error: null });
    expect(kept.state).toBe("ready");
  });

  test("receiveHighWaterMark bounds what is held, in bytes with 64 for each", async () => {
    const peer = plainSocket();
    const flow = await flowTo(portOf(peer), { receiveHighWaterMark: 300 });
    await flow.send("who I am");
    const { port = 0 } = (await peer.receive()) ?? {};
    for (let n = 0; n < 10; n++) {
      await peer.send(`${n}`.repeat(50), { address: "127.0.0.1", port });
    }
    while (flow.drops < 7) await new Promise((resolve) => setImmediate(resolve));
    expect(flow.drops).toBe(7);
  });

  test("open, data, drain and close are called, and lend lends", async () => {
    const server = await listener({ data: (flow, bytes) => flow.write(bytes) });
    const log: string[] = [];
    const flow = await flowTo(server.port, {
      lend: true,
      open: ({ remotePort }) => log.push(`open ${remotePort === server.port}`),
      data: (own, bytes) => {
        log.push(`data ${bytes}`);
        void own.close();
      },
      close: (_, error) => log.push(`close ${error}`),
    });
    await flow.send("x");
    await flow.closed;
    expect(log).toEqual(["open true", "data x", "close null"]);
    await expect(connect("udp://127.0.0.1:9", { lend: true })).rejects.toThrow(/data callback/);
  });
});

type Setting = [name: string, options: UdpListenOptions, option: string, wanted: unknown];
const settings: Setting[] = [
  ["broadcast", { broadcast: true }, "SO_BROADCAST", true],
  ["reuseAddr", { reuseAddr: true }, "SO_REUSEADDR", true],
  ["reusePort", { reusePort: true }, "SO_REUSEPORT", true],
  ["socketOptions", { socketOptions: { IP_TTL: 7 } }, "IP_TTL", 7],
];
const linuxSettings: Setting[] = [
  ["fragment: false", {}, "IP_MTU_DISCOVER", 2],
  ["fragment", { fragment: true }, "IP_MTU_DISCOVER", 0],
  ["interface", { interface: "lo" }, "SO_BINDTODEVICE", "lo"],
  ["receiveBufferSize", { receiveBufferSize: 50_000 }, "SO_RCVBUF", 100_000],
];

describe("options of listen", () => {
  test.each(isLinux ? [...settings, ...linuxSettings] : settings)(
    "%s is in force",
    async (_, options, option, wanted) => {
      const plain = await listener();
      const server = await listener(options);
      const value = (of: UdpListener) => getOption({ fd: of.fd }, option as "SO_TYPE") as unknown;
      expect(value(server)).toBe(wanted);
      if (!option.startsWith("IP_MTU")) expect(value(plain)).not.toBe(wanted);
    },
  );

  test("ipv6Only leaves IPv4 to another (B31)", async () => {
    const six = await listener({ ipv6Only: true }, "udp://[::]:0");
    const four = await listener({ family: 4 }, `udp://0.0.0.0:${six.port}`);
    expect(four.port).toBe(six.port);
    const both = listen("udp://[::]:0");
    open.push(await both);
    const taken = listen(`udp://0.0.0.0:${(await both).port}`, { family: 4 });
    await expect(taken).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  test("an interface that there is not is ENODEV", async () => {
    const refused = listen("udp://127.0.0.1:0", { interface: "no-such-one" });
    await expect(refused).rejects.toMatchObject({ code: "ENODEV" });
  });
});
