// Groups on a listener's port, over the loopback interface: what each sends with, which datagrams
// are whose, and what is refused. Several links: hosts.test.ts; interfaces that come and go:
// following.test.ts.

import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, describe, expect, test } from "vitest";
import { DatagramGroup, interfaces, listen } from "../../../lib/index.ts";
import type { UdpListener } from "../../../lib/net/udp/listener.ts";
import type { UdpListenOptions } from "../../../lib/net/udp/types.ts";
import { DatagramSocket } from "../../../lib/socket/datagram-socket.ts";
import { getOption } from "../../../lib/socket/options.ts";
import { collectUncaught, until } from "../support.ts";

const GROUP = "239.73.5.1";
const OTHER = "239.73.5.2";
const loopback = interfaces().find(({ kind }) => kind === "loopback");
const name = loopback?.name ?? "lo";
const hasIpv6 = loopback?.addresses.some(({ family }) => family === "IPv6") ?? false;
const open: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function listener(options: UdpListenOptions = {}, url = "udp://0.0.0.0:0") {
  const made = await listen(url as "udp://x:0", options);
  open.push(made);
  return made;
}

/** Hears what comes to the listener's port beside it, with the hops that are left. */
function overhear({ port }: UdpListener, family: "IPv4" | "IPv6" = "IPv4") {
  const heard: string[] = [];
  const isIpv6 = family === "IPv6";
  const socket = new DatagramSocket({
    family,
    socketOptions: {
      SO_REUSEADDR: true,
      ...(isIpv6 ? { IPV6_RECVHOPLIMIT: true, IPV6_V6ONLY: true } : { IP_RECVTTL: true }),
    },
    batch(_, batch) {
      for (let i = 0; i < batch.length; i++) heard.push(`${batch.view(i)} ${batch.hopLimit(i)}`);
    },
  });
  open.push(socket);
  socket.bind({ address: isIpv6 ? "::" : "0.0.0.0", port });
  return heard;
}

const isLinux = process.platform === "linux";

// That a socket hears the groups of others is Linux's (ip(7), IP_MULTICAST_ALL).
describe.skipIf(!isLinux)("B41: groups of one listener (Linux)", () => {
  test("send with the ttl of their own, whatever the others send with", async () => {
    const own = await listener({ reuseAddr: true });
    const heard = overhear(own);
    const near = own.group({ address: GROUP, interfaces: [name], ttl: 3 });
    const far = own.group({ address: OTHER, interfaces: [name], ttl: 40 });
    const sent: Promise<void>[] = [];
    for (let round = 0; round < 3; round++) {
      sent.push(near.send(`near ${round}`), far.send(`far ${round}`), far.send(`again ${round}`));
    }
    await Promise.all(sent);
    await until("all were heard", () => heard.length === 9);
    expect(heard).toEqual(
      [0, 1, 2].flatMap((n) => [`near ${n} 3`, `far ${n} 40`, `again ${n} 40`]),
    );
  });

  test("say how it goes to their address, and socketOptions how to that of nobody here", async () => {
    const own = await listener({ reuseAddr: true, socketOptions: { IP_MULTICAST_TTL: 9 } });
    const heard = overhear(own);
    const near = own.group({ address: GROUP, interfaces: [name], ttl: 3 });
    const far = own.group({ address: OTHER, interfaces: [name], ttl: 40 });
    const to = (address: string) => ({ address, port: own.port, interface: name });
    await near.send("group");
    await own.send("address", to(GROUP));
    await own.send("another", to(OTHER));
    await near.leave();
    // Members elsewhere may hear it; this host is none any more.
    await own.send("left", to(GROUP));
    expect(getOption(own, "IP_MULTICAST_TTL")).toBe(9);
    await far.send("last");
    await until("all were heard", () => heard.length === 4);
    expect(heard).toEqual(["group 3", "address 3", "another 40", "last 40"]);
  });

  test("say how a flow to their address goes", async () => {
    const own = await listener({ reuseAddr: true }, "udp://127.0.0.1:0");
    const heard = overhear(own);
    const near = own.group({ address: GROUP, interfaces: [name], ttl: 3 });
    const far = own.group({ address: OTHER, interfaces: [name], ttl: 40 });
    const flow = await own.connect(`udp://${GROUP}:${own.port}`);
    await far.send("far");
    await flow.send("flow");
    await far.send("far");
    flow.write("written");
    await near.send("near");
    await until("all were heard", () => heard.length === 5);
    expect(heard).toEqual(["far 40", "flow 3", "far 40", "written 3", "near 3"]);
  });

  test.skipIf(!hasIpv6)("of both families on one port go their own ways", async () => {
    const own = await listener({ reuseAddr: true }, "udp://[::]:0");
    const six = own.group({ address: "ff02::4:73", interfaces: [name], ttl: 5 });
    const four = own.group({ address: GROUP, interfaces: [name], ttl: 6, loopback: false });
    expect(getOption(own, "IPV6_MULTICAST_HOPS")).toBe(1);
    // A host without a route for groups on its loopback interface refuses it after that.
    await six.send("six").catch(() => {});
    expect(getOption(own, "IPV6_MULTICAST_HOPS")).toBe(5);
    await four.send("four");
    expect(getOption(own, "IP_MULTICAST_TTL")).toBe(6);
    expect(getOption(own, "IP_MULTICAST_LOOP")).toBe(false);
    expect(getOption(own, "IPV6_MULTICAST_LOOP")).toBe(true);
  });
});

describe("B41: a group", () => {
  test.skipIf(!hasIpv6)(
    "has one address however that is written, and its zone is its interface",
    async () => {
      const own = await listener({}, "udp://[::]:0");
      const group = own.group({ address: `FF02:0::4:0073%${name}` });
      expect(group.address).toBe("ff02::4:73");
      expect(group.interfaces.map((one) => one.name)).toEqual([name]);
      const wrong = { address: `ff02::4:74%${name}`, interfaces: [name] };
      expect(() => own.group(wrong)).toThrow(/zone/);
      const alone = await DatagramGroup.join(`udp://[ff02::4:75%${name}]:0`);
      expect(alone.interfaces.map((one) => one.name)).toEqual([name]);
      await alone.leave();
    },
  );

  test.skipIf(!hasIpv6)(
    "takes a source of its own family only, with or without its zone",
    async () => {
      const own = await listener({}, "udp://[::]:0");
      expect(() => own.group({ address: GROUP, source: "::1" })).toThrow(/source.*IPv4/);
      expect(() => own.group({ address: "ff02::4:73", source: "10.0.0.1" })).toThrow(
        /source.*IPv6/,
      );
    },
  );

  test("named twice on one interface is joined once", async () => {
    const own = await listener();
    const index = loopback?.index ?? 1;
    const group = own.group({ address: GROUP, interfaces: [name, index, name] });
    expect(group.interfaces.map((one) => one.name)).toEqual([name]);
  });

  test("of another family than its listener's is EAFNOSUPPORT", async () => {
    const refused = expect.objectContaining({ code: "EAFNOSUPPORT" });
    const four = await listener({}, "udp://127.0.0.1:0");
    expect(() => four.group({ address: "ff02::4:73" })).toThrow(refused);
    if (!hasIpv6) return;
    const six = await listener({ ipv6Only: true }, "udp://[::]:0");
    expect(() => six.group({ address: GROUP })).toThrow(refused);
    const bound = await listener({}, "udp://[::1]:0");
    expect(() => bound.group({ address: GROUP })).toThrow(refused);
  });

  test("says what is wrong", async () => {
    const own = await listener();
    const group = own.group({ address: GROUP, interfaces: [name] });
    expect(() => own.group(undefined as never)).toThrow(TypeError);
    expect(() => own.group({ address: "10.0.0.1" })).toThrow(/multicast/);
    expect(() => own.group({ address: OTHER, ttl: 256 })).toThrow(RangeError);
    expect(() => own.group({ address: OTHER, interfaces: name as never })).toThrow(/iterable/);
    expect(() => own.group({ address: OTHER, loopbak: true } as never)).toThrow(/loopback/);
    expect(() => group.send("x", { interfaces: name } as never)).toThrow(/"interface"/);
    expect(() => group.send("x", name as never)).toThrow(TypeError);
    const tcp = DatagramGroup.join(`tcp://${GROUP}:9` as never, { interfaces: [name] });
    await expect(tcp).rejects.toMatchObject({ code: "EPROTONOSUPPORT" });
    await group.leave();
    await group.leave();
    await expect(group.send("x")).rejects.toMatchObject({ code: "EPIPE", address: GROUP });
    expect(await group.receive()).toBeNull();
    await own.close();
    expect(() => own.group({ address: GROUP })).toThrow(/EBADF/);
  });

  test("its callback runs in the async context of whoever joined", async () => {
    const storage = new AsyncLocalStorage<string>();
    const own = await listener();
    const contexts: (string | undefined)[] = [];
    const group = storage.run("mine", () =>
      own.group({
        address: GROUP,
        interfaces: [name],
        datagram: () => contexts.push(storage.getStore()),
      }),
    );
    await group.send("x");
    await until("it came", () => contexts.length === 1);
    expect(contexts).toEqual(["mine"]);
  });

  test("its callback's rejection reaches uncaughtException, and the next datagram comes (B55)", async () => {
    await collectUncaught(async (errors) => {
      const own = await listener();
      const heard: string[] = [];
      const group = own.group({
        address: GROUP,
        interfaces: [name],
        async datagram(_, { data }) {
          heard.push(`${data}`);
          throw new Error(`mine ${data}`);
        },
      });
      for (const text of ["1", "2"]) await group.send(text);
      await until("both came", () => heard.length === 2 && errors.length === 2);
      expect(errors.map((error) => (error as Error).message)).toEqual(["mine 1", "mine 2"]);
    });
  });
});
