// Which of several addresses a flow goes to, and from which socket of a listener.

import type { LookupFunction } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { connect, interfaces, listen } from "../../../lib/index.ts";
import type { UdpListenOptions } from "../../../lib/net/udp/types.ts";

const open: { close(): Promise<unknown> }[] = [];
// Nobody's (RFC 5737).
const ELSEWHERE = "192.0.2.1";
const hasIpv6 = interfaces().some(({ addresses }) =>
  addresses.some((one) => one.address === "::1"),
);

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function listener(url: string, options: UdpListenOptions = {}) {
  const made = await listen(url as "udp://x:0", options);
  open.push(made);
  return made;
}

/** A resolver with these answers, in this order. */
function gives(...addresses: string[]): LookupFunction {
  return (_, __, done) => {
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  };
}

describe("several addresses of a name", () => {
  test.skipIf(!hasIpv6)("the first to which there is a way from here is taken", async () => {
    const peer = await listener("udp://127.0.0.1:0", { data: (flow, bytes) => flow.write(bytes) });
    // From 127.0.0.1 there is none over IPv6.
    const flow = await connect(`udp://name.test:${peer.port}`, {
      localAddress: "127.0.0.1",
      lookup: gives("::1", "127.0.0.1"),
    });
    open.push(flow);
    expect(flow.remoteAddress).toBe("127.0.0.1");
    await flow.send("x");
    expect(String(await flow.receive())).toBe("x");
  });

  test.skipIf(!hasIpv6)(
    "a listener takes the first that one of its sockets can send to",
    async () => {
      const own = await listener("udp://127.0.0.1:0", { lookup: gives("::1", "127.0.0.1") });
      const flow = await own.connect("udp://name.test:9");
      expect(flow.remoteAddress).toBe("127.0.0.1");
      const six = await listener("udp://[::1]:0", { lookup: gives("127.0.0.1", "::1") });
      expect((await six.connect("udp://name.test:9")).remoteAddress).toBe("::1");
    },
  );

  test.skipIf(!hasIpv6)("where there is no way to any, one error has them all", async () => {
    const own = await listener("udp://[::1]:0", { lookup: gives("127.0.0.1", "127.0.0.2") });
    await expect(own.connect("udp://name.test:9")).rejects.toMatchObject({
      code: "EAFNOSUPPORT",
      hostname: "name.test",
      port: 9,
      errors: [{ address: "127.0.0.1" }, { address: "127.0.0.2" }],
    });
    expect(own.connections.size).toBe(0);
  });

  test("what is wrong with more than the way is told at once", async () => {
    const refused = connect("udp://name.test:9", {
      lookup: gives("127.0.0.1", "127.0.0.2"),
      interface: "no-such-one",
    });
    await expect(refused).rejects.toMatchObject({ code: "ENODEV" });
    await expect(refused).rejects.not.toHaveProperty("errors");
  });
});

describe("one address", () => {
  test("of a family that the listener has not is EAFNOSUPPORT, and makes no flow", async () => {
    const four = await listener("udp://127.0.0.1:0");
    const refused = { code: "EAFNOSUPPORT", syscall: "connect" };
    await expect(four.connect("udp://[::1]:9")).rejects.toMatchObject(refused);
    if (!hasIpv6) return;
    for (const six of [
      await listener("udp://[::1]:0"),
      await listener("udp://[::]:0", { ipv6Only: true }),
    ]) {
      await expect(six.connect("udp://127.0.0.1:9")).rejects.toMatchObject(refused);
      expect(six.connections.size).toBe(0);
      const to = { address: "127.0.0.1", port: 9 };
      await expect(six.send("x", to)).rejects.toMatchObject({ code: "EAFNOSUPPORT", ...to });
    }
  });

  test("from an address that is not ours is EADDRNOTAVAIL", async () => {
    const refused = connect("udp://127.0.0.1:9", { localAddress: ELSEWHERE });
    await expect(refused).rejects.toMatchObject({ code: "EADDRNOTAVAIL", syscall: "bind" });
    const listening = listen(`udp://${ELSEWHERE}:0`);
    await expect(listening).rejects.toMatchObject({ code: "EADDRNOTAVAIL", syscall: "bind" });
  });
});
