// Datagram sockets against the kernel: whole datagrams, errors that do not kill, waiting for room.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { afterEach, describe, expect, test, vi } from "vitest";
import { errnoOf } from "../../lib/errors/index.ts";
import { DatagramSocket } from "../../lib/socket/datagram-socket.ts";
import { counters, reactor } from "../../lib/socket/reactor.ts";
import { StreamSocket } from "../../lib/socket/stream-socket.ts";
import {
  boundDatagrams,
  closeAll,
  isLinux,
  isOpen,
  openDescriptors,
  openFile,
  pair,
  rejection,
  socketPath,
  thrown,
  tracked,
  until,
} from "./support.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await closeAll();
});

describe.each(["IPv4", "IPv6"] as const)("datagrams over %s", (family) => {
  test("are received whole, one at a time, with their sender (B36)", async () => {
    const { socket, address } = boundDatagrams(family);
    const { socket: sender, address: from } = boundDatagrams(family);
    for (const text of ["one", "", "three"]) await sender.send(text, address);
    for (const text of ["one", "", "three"]) {
      expect(await socket.receive()).toMatchObject({
        data: Buffer.from(text),
        ...from,
        family,
        truncated: false,
      });
    }
  });

  test("go to the sender's address as it came", async () => {
    const { socket, address } = boundDatagrams(family);
    const { socket: client } = boundDatagrams(family);
    await client.send("ping", address);
    const ping = await socket.receive();
    await socket.send("pong", { address: ping?.address ?? "", port: ping?.port ?? 0 });
    expect(String((await client.receive())?.data)).toBe("pong");
  });

  test("the largest passes; a larger one is EMSGSIZE and nothing is sent (B37)", async () => {
    const { socket, address } = boundDatagrams(family);
    const { socket: sender } = boundDatagrams(family);
    const most = family === "IPv4" ? 65_507 : 65_527;
    await sender.send(Buffer.alloc(most, 5), address);
    const received = await socket.receive();
    expect(received).toMatchObject({ truncated: false });
    expect(received?.data.length).toBe(most);
    const error = await rejection(sender.send(Buffer.alloc(most + 1), address));
    expect(error).toMatchObject({ code: "EMSGSIZE", syscall: "sendmsg", ...address });
    await sender.send("next", address);
    expect(String((await socket.receive())?.data)).toBe("next");
  });
});

describe("a connected datagram socket", () => {
  test("sends without an address and hears its peer only", async () => {
    const { socket, address } = boundDatagrams();
    const { socket: stranger } = boundDatagrams();
    const client = tracked(new DatagramSocket({ family: "IPv4" }));
    client.connect(address);
    expect(client.remoteAddress).toEqual({ ...address, family: "IPv4" });
    await client.send("hello");
    const { port = 0 } = (await socket.receive()) ?? {};
    await stranger.send("foreign", { address: "127.0.0.1", port });
    await socket.send("answer", { address: "127.0.0.1", port });
    expect(String((await client.receive())?.data)).toBe("answer");
    expect(await rejection(client.send("x", address))).toMatchObject({ code: "EISCONN" });
  });

  test("outlives ECONNREFUSED, which one receive is told", async () => {
    const { socket: gone, address } = boundDatagrams();
    await gone.close();
    const client = tracked(new DatagramSocket({ family: "IPv4" }));
    client.connect(address);
    const waiting = rejection(client.receive());
    await client.send("to nobody");
    expect(await waiting).toMatchObject({ code: "ECONNREFUSED", syscall: "recvmsg", ...address });
    // A new socket takes the port, and is heard.
    const revived = tracked(new DatagramSocket({ family: "IPv4" }));
    revived.bind(address);
    await client.send("to the new one");
    const received = await revived.receive();
    await revived.send("yes", { address: "127.0.0.1", port: received?.port ?? 0 });
    expect(String((await client.receive())?.data)).toBe("yes");
  });

  test("tells a send of the refusal where nobody receives", async () => {
    const { socket: gone, address } = boundDatagrams();
    await gone.close();
    const client = tracked(new DatagramSocket({ family: "IPv4" }));
    client.connect(address);
    await client.send("to nobody");
    const error = await rejection(client.send("again"));
    expect(error).toMatchObject({ code: "ECONNREFUSED", syscall: "sendmsg", ...address });
    await client.send("and again");
  });

  test("connects anew to another peer", async () => {
    const { socket: first, address } = boundDatagrams();
    const { socket: second, address: other } = boundDatagrams();
    const client = tracked(new DatagramSocket({ family: "IPv4" }));
    client.connect(address);
    await client.send("1");
    client.connect(other);
    await client.send("2");
    expect(String((await first.receive())?.data)).toBe("1");
    expect(String((await second.receive())?.data)).toBe("2");
  });
});

test.runIf(isLinux)(
  "IP_RECVERR names the peer that refused, on a socket that is not connected (B39)",
  async () => {
    const { socket: gone, address } = boundDatagrams();
    await gone.close();
    const { socket: other, address: alive } = boundDatagrams();
    const { socket } = boundDatagrams();
    socket.setOption("IP_RECVERR", true);
    const waiting = rejection(socket.receive());
    await socket.send("to nobody", address);
    expect(await waiting).toMatchObject({ code: "ECONNREFUSED", ...address });
    await socket.send("to somebody", alive);
    expect(String((await other.receive())?.data)).toBe("to somebody");
  },
);

test.runIf(isLinux)("datagrams that the kernel joined come apart again (UDP_GRO)", async () => {
  const { socket, address } = boundDatagrams();
  const { socket: sender } = boundDatagrams();
  socket.setOption("UDP_GRO", true);
  sender.setOption("UDP_SEGMENT", 1_000);
  await sender.send(Buffer.concat([1, 2, 3].map((value) => Buffer.alloc(1_000, value))), address);
  await sender.send(Buffer.alloc(500, 4), address);
  const before = counters().completions;
  for (const value of [1, 2, 3]) {
    const datagram = await socket.receive();
    expect(datagram).toMatchObject({ data: Buffer.alloc(1_000, value), truncated: false });
  }
  expect((await socket.receive())?.data).toEqual(Buffer.alloc(500, 4));
  expect(counters().completions - before).toBeLessThan(4);
});

describe("sending", () => {
  test("without an address and a peer is EDESTADDRREQ", async () => {
    const { socket } = boundDatagrams();
    expect(await rejection(socket.send("x"))).toMatchObject({ code: "EDESTADDRREQ" });
  });

  test("to a broadcast address needs `broadcast`, as the error says (B40)", async () => {
    const to = { address: "127.255.255.255", port: 9 };
    const plain = tracked(new DatagramSocket({ family: "IPv4" }));
    const error = await rejection(plain.send("x", to));
    expect(error).toMatchObject({ code: "EACCES", ...to });
    expect(error.message).toContain("broadcast: true");
    const broadcasting = tracked(new DatagramSocket({ family: "IPv4", broadcast: true }));
    expect(broadcasting.getOption("SO_BROADCAST")).toBe(true);
    await broadcasting.send("x", to);
  });

  test("waits out a full queue, in order, and loses nothing (EAGAIN)", async () => {
    const receiver = tracked(new DatagramSocket({ family: "unix" }));
    const path = socketPath();
    receiver.bind({ path });
    const sender = tracked(new DatagramSocket({ family: "unix" }));
    sender.connect({ path });
    let sent = 0;
    const sending = Array.from({ length: 500 }, (_, index) =>
      sender.send(String(index)).then(() => {
        sent++;
      }),
    );
    await Promise.resolve();
    await until(() => sent > 0);
    expect(sent).toBeLessThan(500);
    for (let index = 0; index < 500; index++) {
      expect(String((await receiver.receive())?.data)).toBe(String(index));
    }
    await Promise.all(sending);
  });

  test("waits out a full queue of a socket that it is not connected to", async () => {
    const receiver = tracked(new DatagramSocket({ family: "unix" }));
    const path = socketPath();
    receiver.bind({ path });
    const sender = tracked(new DatagramSocket({ family: "unix" }));
    const sending = Array.from({ length: 100 }, (_, index) => sender.send(`${index}`, { path }));
    for (let index = 0; index < 100; index++) {
      expect(String((await receiver.receive())?.data)).toBe(String(index));
    }
    await Promise.all(sending);
  });

  test("waits out ENOBUFS, which no event ends", async () => {
    const { socket, address } = boundDatagrams();
    const { socket: sender } = boundDatagrams();
    const refused = errnoOf("ENOBUFS") as number;
    vi.spyOn(reactor, "sendDatagram").mockReturnValueOnce(refused).mockReturnValueOnce(refused);
    await Promise.all([sender.send("a", address), sender.send("b", address)]);
    expect(String((await socket.receive())?.data)).toBe("a");
    expect(String((await socket.receive())?.data)).toBe("b");
  });

  test("a signal takes a waiting datagram out of the line", async () => {
    const { socket, address } = boundDatagrams();
    const { socket: sender } = boundDatagrams();
    const stop = new AbortController();
    vi.spyOn(reactor, "sendDatagram").mockReturnValueOnce(errnoOf("ENOBUFS") as number);
    const first = rejection(sender.send("a", address, { signal: stop.signal }));
    const second = sender.send("b", address);
    stop.abort();
    expect(await first).toBe(stop.signal.reason);
    await second;
    expect(String((await socket.receive())?.data)).toBe("b");
  });

  test("copies what is small and has to wait", async () => {
    const { socket, address } = boundDatagrams();
    const { socket: sender } = boundDatagrams();
    vi.spyOn(reactor, "sendDatagram").mockReturnValueOnce(errnoOf("EAGAIN") as number);
    const bytes = Buffer.from("before");
    const sent = sender.send(bytes, address);
    bytes.fill("x");
    await sent;
    expect(String((await socket.receive())?.data)).toBe("before");
  });

  test("takes what can be sent, and refuses the rest with a TypeError", () => {
    const { socket, address } = boundDatagrams();
    expect(() => socket.send(5 as never, address)).toThrow(TypeError);
    expect(() => socket.send("x", "127.0.0.1" as never)).toThrow(TypeError);
    expect(() => socket.send("x", { address: "localhost", port: 1 })).toThrow(/IPv4 or IPv6/);
    expect(() => socket.send("x", { address: "127.0.0.1", port: 65_536 })).toThrow(RangeError);
  });
});

describe("receiving", () => {
  test("costs nothing before it is asked for, and reads ahead up to the mark", async () => {
    const { socket: sender } = boundDatagrams();
    const socket = tracked(new DatagramSocket({ family: "IPv4", receiveHighWaterMark: 3_000 }));
    socket.bind({ address: "127.0.0.1", port: 0 });
    const to = { address: "127.0.0.1", port: socket.localAddress?.port ?? 0 };
    const before = counters();
    for (let index = 0; index < 40; index++) await sender.send(Buffer.alloc(1_000, index), to);
    await turns();
    expect(counters().receives).toBe(before.receives);
    for (let index = 0; index < 40; index++) {
      expect((await socket.receive())?.data).toEqual(Buffer.alloc(1_000, index));
    }
  });

  test("stops waiting when its signal is aborted, and loses no datagram", async () => {
    const { socket, address } = boundDatagrams();
    const { socket: sender } = boundDatagrams();
    const stop = new AbortController();
    const waiting = rejection(socket.receive({ signal: stop.signal }));
    stop.abort();
    expect(await waiting).toBe(stop.signal.reason);
    await sender.send("later", address);
    expect(String((await socket.receive())?.data)).toBe("later");
  });

  test("iterates until the local close, and rejects who waits (B20)", async () => {
    const { socket, address } = boundDatagrams();
    const { socket: sender } = boundDatagrams();
    await sender.send("1", address);
    await sender.send("2", address);
    const seen: string[] = [];
    for await (const { data } of socket) {
      seen.push(String(data));
      if (seen.length === 2) void socket.close();
    }
    expect(seen).toEqual(["1", "2"]);
    expect(await socket.receive()).toBeNull();
    const { socket: other } = boundDatagrams();
    const waiting = rejection(other.receive());
    await other.close();
    expect(await waiting).toMatchObject({ code: "ECANCELED", syscall: "recvmsg" });
    expect(await rejection(other.send("x", address))).toMatchObject({ code: "EPIPE" });
  });

  test("reports an IPv4 sender of an IPv6 socket as IPv4 (B31)", async () => {
    const socket = tracked(new DatagramSocket({ family: "IPv6" }));
    socket.bind({ address: "::", port: 0 });
    const { socket: sender, address: from } = boundDatagrams();
    await sender.send("x", { address: "127.0.0.1", port: socket.localAddress?.port ?? 0 });
    expect(await socket.receive()).toMatchObject({ ...from, family: "IPv4" });
  });
});

describe("Unix datagrams", () => {
  test("tell the sender's path, or nothing where it has none", async () => {
    const receiver = tracked(new DatagramSocket({ family: "unix" }));
    const path = socketPath();
    receiver.bind({ path });
    const named = tracked(new DatagramSocket({ family: "unix" }));
    const from = { path: socketPath() };
    named.bind(from);
    const nameless = tracked(new DatagramSocket({ family: "unix" }));
    await named.send("a", { path });
    await nameless.send("", { path });
    await named.send("c", { path });
    const about = { port: 0, family: "unix", truncated: false };
    expect(await receiver.receive()).toMatchObject({
      data: Buffer.from("a"),
      address: from.path,
      ...about,
    });
    expect(await receiver.receive()).toMatchObject({
      data: Buffer.from(""),
      address: "",
      ...about,
    });
    expect(await receiver.receive()).toMatchObject({ address: from.path });
    await receiver.send("back", from);
    expect(await named.receive()).toMatchObject({ address: path });
  });

  test("come cut to 64 KiB, and say so (B36)", async () => {
    const receiver = tracked(new DatagramSocket({ family: "unix" }));
    const path = socketPath();
    receiver.bind({ path });
    const sender = tracked(new DatagramSocket({ family: "unix" }));
    await sender.send(Buffer.alloc(100_000, 7), { path });
    await sender.send("whole", { path });
    const first = await receiver.receive();
    expect(first?.truncated).toBe(true);
    expect(first?.data).toEqual(Buffer.alloc(65_536, 7));
    expect(await receiver.receive()).toMatchObject({ truncated: false });
  });

  test.runIf(isLinux)("go to abstract names", async () => {
    const receiver = tracked(new DatagramSocket({ family: "unix" }));
    const path = `@hawser-${process.pid}-${performance.now()}`;
    receiver.bind({ path });
    const sender = tracked(new DatagramSocket({ family: "unix" }));
    sender.bind({ path: `${path}-sender` });
    await sender.send("x", { path });
    expect((await receiver.receive())?.address).toBe(`${path}-sender`);
  });
});

describe("descriptors", () => {
  test("adopts a datagram socket of node:dgram, connected or not", async () => {
    const node = createSocket("udp4");
    node.bind(0, "127.0.0.1");
    await once(node, "listening");
    const { port } = node.address();
    const { handle } = stateOf(node);
    const adopted = tracked(DatagramSocket.adopt(handle.fd));
    node.close();
    const { socket: sender, address } = boundDatagrams();
    await sender.send("to the adopted", { address: "127.0.0.1", port });
    expect(String((await adopted.receive())?.data)).toBe("to the adopted");
    expect(adopted.remoteAddress).toBeNull();
    adopted.connect(address);
    const copy = tracked(DatagramSocket.adopt(adopted.fd));
    expect(copy.remoteAddress?.port).toBe(address.port);
  });

  test("adopts only datagram sockets", () => {
    const [left] = pair();
    const before = openDescriptors();
    const refused = (fd: number) => thrown(() => DatagramSocket.adopt(fd)).code;
    expect(refused(left.fd)).toBe("EPROTOTYPE");
    expect(refused(tracked(new StreamSocket({ family: "IPv4" })).fd)).toBe("EPROTOTYPE");
    expect(refused(1_000_000)).toBe("EBADF");
    expect(openDescriptors()).toBe(before + 1);
    expect(refused(openFile())).toBe("ENOTSOCK");
  });

  test("release refuses to lose datagrams, and then hands the socket out", async () => {
    const { socket, address } = boundDatagrams();
    const { socket: sender } = boundDatagrams();
    await sender.send("1", address);
    await sender.send("2", address);
    await socket.receive();
    expect(thrown(() => socket.release())).toMatchObject({ code: "ERR_INVALID_STATE" });
    await socket.receive();
    const fd = socket.release();
    expect(isOpen(fd)).toBe(true);
    expect(socket.fd).toBe(-1);
    closeSync(fd);
  });

  test("calls on a closed socket say EBADF", async () => {
    const { socket, address } = boundDatagrams();
    await socket.close();
    await socket.close();
    expect(thrown(() => socket.bind(address))).toMatchObject({ code: "EBADF" });
    expect(thrown(() => socket.connect(address))).toMatchObject({ code: "EBADF" });
    expect(thrown(() => socket.dup())).toMatchObject({ code: "EBADF" });
    expect(socket.localAddress).toBeNull();
  });
});

test.each([
  [undefined, /options/],
  [{ family: "udp4" }, /options.family/],
  [{ family: "IPv4", broadcast: 1 }, /options.broadcast/],
  [{ family: "IPv4", receiveHighWaterMark: 0 }, /receiveHighWaterMark/],
  [{ family: "IPv4", brodcast: true }, /did you mean "broadcast"/],
])("refuses %j", (options, message) => {
  const before = openDescriptors();
  expect(() => new DatagramSocket(options as never)).toThrow(message);
  expect(openDescriptors()).toBe(before);
});

/** Lets the loop turn a few times. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** What node:dgram hides. */
function stateOf(socket: object): { handle: { fd: number } } {
  const symbol = Object.getOwnPropertySymbols(socket).find(
    ({ description }) => description === "state symbol",
  );
  return (socket as Record<symbol, { handle: { fd: number } }>)[symbol as symbol] as {
    handle: { fd: number };
  };
}
