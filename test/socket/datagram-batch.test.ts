import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import type { DatagramBatch } from "../../lib/socket/datagram-batch.ts";
import type { Datagram } from "../../lib/socket/datagram-receiver.ts";
import { DatagramSocket, type DatagramSocketOptions } from "../../lib/socket/datagram-socket.ts";
import { counters } from "../../lib/socket/reactor.ts";

const isLinux = process.platform === "linux";
const LOOPBACK = { IPv4: "127.0.0.1", IPv6: "::1" } as const;
const open: DatagramSocket[] = [];

function bound(options: Partial<DatagramSocketOptions> = {}): DatagramSocket {
  const family = (options.family ?? "IPv4") as "IPv4" | "IPv6";
  const socket = new DatagramSocket({ ...options, family });
  open.push(socket);
  socket.bind({ address: LOOPBACK[family], port: 0 });
  return socket;
}

const at = (socket: DatagramSocket) => {
  const { address, port } = socket.localAddress as { address: string; port: number };
  return { address, port };
};

/** A socket whose batches are handed to `look` until it says that it has seen all. */
function watching(
  look: (batch: DatagramBatch) => boolean,
  options: Partial<DatagramSocketOptions> = {},
): { socket: DatagramSocket; seen: Promise<void> } {
  let done: () => void = () => {};
  const seen = new Promise<void>((resolve) => {
    done = resolve;
  });
  const socket = bound({
    ...options,
    batch: (_, batch) => {
      if (look(batch)) done();
    },
  });
  return { socket, seen };
}

afterEach(async () => {
  for (const socket of open.splice(0)) await socket.close();
});

describe("batch", () => {
  test("B36: gives every datagram whole, empty ones included, in order", async () => {
    const expected = ["one", "", "three", "x".repeat(5_000), "y".repeat(2_048), "last"];
    const got: string[] = [];
    const { socket, seen } = watching((batch) => {
      for (let i = 0; i < batch.length; i++) {
        const offset = batch.offset(i);
        got.push(batch.bytes.toString("latin1", offset, offset + batch.size(i)));
      }
      return got.length === expected.length;
    });
    const sender = bound();
    for (const text of expected) await sender.send(text, at(socket));
    await seen;
    expect(got).toEqual(expected);
  });

  test("the peer of steady traffic is one object, and can be sent to", async () => {
    const peers = new Set<unknown>();
    let count = 0;
    const { socket, seen } = watching((batch) => {
      for (let i = 0; i < batch.length; i++) {
        const peer = batch.peer(i);
        peers.add(peer);
        if (++count === 20) void socket.send("back", peer as never);
      }
      return count === 20;
    });
    const sender = bound();
    await sender.sendMany(Array.from({ length: 20 }, () => ({ data: "x", to: at(socket) })));
    await seen;
    expect(peers.size).toBe(1);
    expect([...peers][0]).toMatchObject(at(sender));
    expect((await sender.receive())?.data.toString()).toBe("back");
  });

  test.each(["IPv4", "IPv6"] as const)(
    "B38: tells destination, interface, ECN and time where they were asked for, %s",
    async (family) => {
      let told: Datagram | undefined;
      const { socket, seen } = watching(
        (batch) => {
          told = batch.datagram(0);
          return true;
        },
        { family, packetInfo: true, ecn: true, timestamps: true },
      );
      const sender = bound({ family });
      const before = Date.now();
      await sender.sendMany([{ data: "hello", to: at(socket), ecn: 2 }]);
      await seen;
      expect(told).toMatchObject({ localAddress: LOOPBACK[family], ecn: 2, truncated: false });
      expect(told?.interface).toBeGreaterThan(0);
      expect(told?.data.toString()).toBe("hello");
      if (!isLinux) return;
      expect(told?.timestamp).toBeGreaterThan(before - 1_000);
      expect(told?.timestamp).toBeLessThan(Date.now() + 1_000);
    },
  );

  test("tells null for what was not asked for", async () => {
    let told: Datagram | undefined;
    const { socket, seen } = watching((batch) => {
      told = batch.datagram(0);
      return true;
    });
    await bound().send("x", at(socket));
    await seen;
    expect(told).toMatchObject({ localAddress: null, interface: null, ecn: null, timestamp: null });
  });

  test("is empty once its callback has returned, and has no datagram beyond its length", async () => {
    let kept: DatagramBatch | undefined;
    let length = 0;
    const { socket, seen } = watching((batch) => {
      kept = batch;
      length = batch.length;
      expect(() => batch.offset(batch.length)).toThrow(RangeError);
      expect(() => batch.size(-1)).toThrow(RangeError);
      return true;
    });
    await bound().send("x", at(socket));
    await seen;
    expect(length).toBe(1);
    expect(kept?.length).toBe(0);
    expect(() => kept?.peer(0)).toThrow(RangeError);
  });

  test("goes with neither receive() nor for await, and its options are checked", () => {
    const socket = bound({ batch() {} });
    expect(() => socket.receive()).toThrow(expect.objectContaining({ code: "ERR_INVALID_STATE" }));
    expect(() => bound({ batch: 1 as never })).toThrow(TypeError);
    expect(() => bound({ gro: "yes" as never })).toThrow(TypeError);
    expect(() => bound({ receiveBufferSize: 0 })).toThrow(RangeError);
    expect(() => bound({ batches() {} } as never)).toThrow(/did you mean "batch"/);
  });

  test.skipIf(!isLinux)("a coalesced run is told apart again, with and without batch", async () => {
    const text = "abcdefghij".repeat(25);
    const got: string[] = [];
    const { socket, seen } = watching(
      (batch) => {
        for (let i = 0; i < batch.length; i++) got.push(batch.view(i).toString());
        return got.length === 11;
      },
      { gro: true },
    );
    const sender = bound();
    await sender.sendMany([
      { data: text, to: at(socket), segmentSize: 25 },
      { data: "tail", to: at(socket) },
    ]);
    await seen;
    expect(got.join("")).toBe(`${text}tail`);
    expect(got.slice(0, 10).every((one) => one.length === 25)).toBe(true);

    const plain = bound({ gro: true });
    await sender.sendMany([{ data: text, to: at(plain), segmentSize: 25 }]);
    for (let i = 0; i < 10; i++) {
      expect((await plain.receive())?.data.toString()).toBe(text.slice(25 * i, 25 * (i + 1)));
    }
  });

  test("the receive buffer that was asked for is what is reported, or what the system allows", () => {
    const asked = 300_000;
    const socket = bound({ receiveBufferSize: asked });
    // Linux tells twice what was set; who may not force has net.core.rmem_max.
    expect(socket.receiveBufferSize).toBeGreaterThan(0);
    const smaller = bound({ receiveBufferSize: 20_000 });
    expect(smaller.receiveBufferSize).toBeGreaterThanOrEqual(20_000);
    expect(smaller.receiveBufferSize).toBeLessThanOrEqual(40_000);
  });

  test.skipIf(!isLinux)("B35: what the kernel drops is counted", async () => {
    const socket = bound({ receiveBufferSize: 5_000 });
    expect(socket.kernelDrops).toBe(0);
    const sender = bound();
    const many = Array.from({ length: 60 }, () => ({ data: "d".repeat(900), to: at(socket) }));
    await sender.sendMany(many);
    expect(await socket.receive()).not.toBeNull();
    // Those that were in the buffer were read with it; the next one that arrives tells.
    await sender.send("after", at(socket));
    for (;;) {
      const next = await socket.receive();
      if (next?.data.toString() === "after") break;
    }
    expect(socket.kernelDrops).toBeGreaterThan(0);
  });

  test("an exception in the callback reaches uncaughtException, and the next batch comes (B55)", async () => {
    const thrown: unknown[] = [];
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => thrown.push(error));
    try {
      let calls = 0;
      const { socket, seen } = watching(() => {
        if (++calls === 1) throw new Error("mine");
        return true;
      });
      const sender = bound();
      await sender.send("1", at(socket));
      while (thrown.length === 0) await new Promise((resolve) => setImmediate(resolve));
      await sender.send("2", at(socket));
      await seen;
      expect(thrown).toEqual([expect.objectContaining({ message: "mine" })]);
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of listeners) process.on("uncaughtException", listener);
    }
  });
});

describe("sending many", () => {
  test("leaves in few system calls, to each peer in order", async () => {
    const first = bound();
    const second = bound();
    const sender = bound();
    const many = Array.from({ length: 40 }, (_, i) => ({
      data: `${i}`,
      to: at(i % 2 === 0 ? first : second),
    }));
    const before = counters().sends;
    await sender.sendMany(many);
    if (isLinux) expect(counters().sends - before).toBe(1);
    for (let i = 0; i < 40; i++) {
      const datagram = await (i % 2 === 0 ? first : second).receive();
      expect(datagram?.data.toString()).toBe(`${i}`);
    }
  });

  test("is understood by node:dgram, segment by segment", async () => {
    const node = createSocket("udp4");
    node.bind(0, "127.0.0.1");
    await once(node, "listening");
    const got: string[] = [];
    const all = new Promise<void>((resolve) => {
      node.on("message", (message) => {
        got.push(message.toString());
        if (got.length === 100) resolve();
      });
    });
    const sender = bound();
    sender.connect({ address: "127.0.0.1", port: node.address().port });
    await sender.sendMany(Array.from({ length: 100 }, (_, i) => String(i).padStart(4, "0")));
    await all;
    expect(got).toEqual(Array.from({ length: 100 }, (_, i) => String(i).padStart(4, "0")));
    node.close();
  });

  test("one payload to many", async () => {
    const sockets = [bound(), bound(), bound()];
    const sender = bound();
    await sender.sendToMany("all", sockets.map(at));
    for (const socket of sockets) expect((await socket.receive())?.data.toString()).toBe("all");
  });

  test("B38: leaves from the address that was chosen", async () => {
    const receiver = bound();
    const sender = new DatagramSocket({ family: "IPv4" });
    open.push(sender);
    sender.bind({ address: "0.0.0.0", port: 0 });
    const localAddress = isLinux ? "127.0.0.9" : "127.0.0.1";
    await sender.sendMany([{ data: "x", to: at(receiver), localAddress }]);
    expect((await receiver.receive())?.address).toBe(localAddress);
  });

  test("B37: one that is too large rejects, and those beside it arrive", async () => {
    const receiver = bound();
    const sender = bound();
    const to = at(receiver);
    const sent = sender.sendMany([
      { data: "before", to },
      { data: Buffer.alloc(65_530), to },
      { data: "after", to },
    ]);
    await expect(sent).rejects.toMatchObject({ code: "EMSGSIZE", syscall: "sendmmsg", ...to });
    expect((await receiver.receive())?.data.toString()).toBe("before");
    expect((await receiver.receive())?.data.toString()).toBe("after");
  });

  test("B40, B54: the error says for whom it was, and what to set for a broadcast address", async () => {
    const sender = bound();
    const receiver = bound();
    const broadcast = { address: "127.255.255.255", port: 9 };
    for (const sent of [
      sender.sendMany([
        { data: "before", to: at(receiver) },
        { data: "x", to: broadcast },
      ]),
      sender.sendToMany("after", [broadcast, at(receiver)]),
    ]) {
      const error = await sent.then(
        () => null,
        (thrown) => thrown,
      );
      expect(error).toMatchObject({ code: "EACCES", syscall: "sendmmsg", ...broadcast });
      expect(error.message).toContain("broadcast: true");
    }
    for (const text of ["before", "after"]) {
      expect(String((await receiver.receive())?.data)).toBe(text);
    }
  });

  test("what is large stays by reference, and arrives", async () => {
    const receiver = bound();
    const sender = bound();
    const data = Buffer.alloc(30_000, "L");
    await sender.sendMany([{ data, to: at(receiver) }]);
    expect((await receiver.receive())?.data.equals(data)).toBe(true);
  });

  test("send() stays behind sendMany()", async () => {
    const receiver = bound();
    const sender = bound();
    const many = sender.sendMany([{ data: "first", to: at(receiver) }]);
    const one = sender.send("second", at(receiver));
    await Promise.all([many, one]);
    expect((await receiver.receive())?.data.toString()).toBe("first");
    expect((await receiver.receive())?.data.toString()).toBe("second");
  });

  test("says what is wrong", async () => {
    const sender = bound();
    const to = at(bound());
    expect(() => sender.sendMany("text" as never)).toThrow(TypeError);
    expect(() => sender.sendMany([{ data: "x", too: to } as never])).toThrow(/did you mean "to"/);
    expect(() => sender.sendMany([{ data: "x", to, ecn: 4 as never }])).toThrow(TypeError);
    expect(() => sender.sendMany([{ data: "x", to, segmentSize: 0 }])).toThrow(RangeError);
    expect(() => sender.sendMany([{ data: "x", to, interface: "no-such-one" }])).toThrow(
      expect.objectContaining({ code: "ENODEV" }),
    );
    await expect(sender.sendMany(["x"])).rejects.toMatchObject({ code: "EDESTADDRREQ" });
    sender.connect(to);
    await expect(sender.sendMany([{ data: "x", to }])).rejects.toMatchObject({ code: "EISCONN" });
    await sender.close();
    await expect(sender.sendMany(["x"])).rejects.toMatchObject({ code: "EPIPE" });
  });
});
