// listener.send(): datagrams without a flow.

import { afterEach, describe, expect, test } from "vitest";
import { listen } from "../../../lib/index.ts";
import type { UdpListenOptions } from "../../../lib/net/udp/types.ts";
import { DatagramSocket } from "../../../lib/socket/datagram-socket.ts";

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function listener(url: string, options: UdpListenOptions = {}) {
  const made = await listen(url as "udp://x:0", options);
  open.push(made);
  return made;
}

function plainSocket(family: "IPv4" | "IPv6" = "IPv4"): [DatagramSocket, number] {
  const socket = new DatagramSocket({ family });
  open.push(socket);
  socket.bind({ address: family === "IPv4" ? "127.0.0.1" : "::1", port: 0 });
  return [socket, socket.localAddress?.port ?? 0];
}

describe("a datagram without a flow", () => {
  test("leaves from the listener's port, to either family, and makes no flow", async () => {
    const server = await listener("udp://[::]:0");
    for (const [family, address] of [
      ["IPv4", "127.0.0.1"],
      ["IPv6", "::1"],
    ] as const) {
      const [peer, port] = plainSocket(family);
      await server.send("hello", { address, port });
      expect(await peer.receive()).toMatchObject({ data: Buffer.from("hello"), port: server.port });
    }
    expect(server.connections.size).toBe(0);
  });

  test("of localhost leaves from the socket of the peer's family", async () => {
    const server = await listener("udp://localhost:0");
    const [four, port4] = plainSocket();
    const [six, port6] = plainSocket("IPv6");
    await server.send("4", { address: "127.0.0.1", port: port4 });
    await server.send("6", { address: "::1", port: port6 });
    expect(await four.receive()).toMatchObject({ address: "127.0.0.1", port: server.port });
    expect(await six.receive()).toMatchObject({ address: "::1", port: server.port });
  });

  test.runIf(process.platform === "linux")(
    "leaves from the address that is asked for (Linux: 127.0.0.0/8 is all ours)",
    async () => {
      const server = await listener("udp://0.0.0.0:0");
      const [peer, port] = plainSocket();
      await server.send("x", { address: "127.0.0.1", port, localAddress: "127.0.0.9" });
      expect(await peer.receive()).toMatchObject({ address: "127.0.0.9", port: server.port });
    },
  );

  test("B54: what cannot go says why, with whom it was for", async () => {
    const server = await listener("udp://127.0.0.1:0");
    const [peer, port] = plainSocket();
    const to = { address: "127.0.0.1", port };
    await expect(server.send("x", { address: "::1", port })).rejects.toMatchObject({
      code: "EAFNOSUPPORT",
      syscall: "sendmsg",
      address: "::1",
      port,
    });
    const large = server.send(Buffer.alloc(70_000), to);
    await expect(large).rejects.toMatchObject({
      code: "EMSGSIZE",
      errno: expect.any(Number),
      ...to,
    });
    await server.send("fits", to);
    expect(String((await peer.receive())?.data)).toBe("fits");
    await server.close();
    await expect(server.send("x", to)).rejects.toMatchObject({ code: "EPIPE", ...to });
  });

  test("wrong arguments throw before anything is sent", async () => {
    const server = await listener("udp://127.0.0.1:0");
    const to = { address: "127.0.0.1", port: 9 };
    expect(() => server.send(5 as never, to)).toThrow(TypeError);
    expect(() => server.send("x", { ...to, address: "name.test" })).toThrow(/IPv4 or IPv6/);
    expect(() => server.send("x", { ...to, port: 65_536 })).toThrow(RangeError);
    expect(() => server.send("x", { ...to, localAddress: "here" })).toThrow(TypeError);
    expect(() => server.send("x", { ...to, interface: "no-such-one" })).toThrow(/ENODEV/);
    for (const wrong of [undefined, null, "127.0.0.1"]) {
      expect(() => server.send("x", wrong as never)).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARG_TYPE" }),
      );
    }
  });
});
