// Listening sockets against the kernel: accepting what is asked for, and what stays in the kernel.

import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { SLOT_LISTENER } from "../../lib/binding/types.ts";
import { DatagramSocket } from "../../lib/socket/datagram-socket.ts";
import { ListenChannel } from "../../lib/socket/listen-channel.ts";
import { ListenSocket } from "../../lib/socket/listen-socket.ts";
import { counters, reactor } from "../../lib/socket/reactor.ts";
import { StreamSocket } from "../../lib/socket/stream-socket.ts";
import {
  closeAll,
  listening,
  openDescriptors,
  openFile,
  pair,
  rejection,
  thrown,
  tracked,
} from "./support.ts";

afterEach(closeAll);

async function connectTo(address: Parameters<StreamSocket["connect"]>[0]): Promise<StreamSocket> {
  const family = "path" in address ? "unix" : "IPv4";
  const socket = tracked(new StreamSocket({ family }));
  await socket.connect(address);
  return socket;
}

describe("accepting", () => {
  test("takes exactly what is asked for; the rest waits in the kernel (B27)", async () => {
    const { listener, address } = listening("IPv4");
    const before = counters().accepts;
    const clients = await Promise.all([connectTo(address), connectTo(address), connectTo(address)]);
    // The loop has turned for each of the three, and nobody was accepted.
    expect(counters().accepts).toBe(before);
    const first = tracked(await listener.accept());
    expect(first.remoteAddress).toEqual(clients[0]?.localAddress);
    expect(counters().accepts - before).toBe(1);
    const rest = await Promise.all([listener.accept(), listener.accept()]);
    for (const socket of rest) tracked(socket);
    expect(rest.map((one) => one.remoteAddress)).toEqual([
      clients[1]?.localAddress,
      clients[2]?.localAddress,
    ]);
  });

  test("waits for one that comes later, and iterates", async () => {
    const { listener, address } = listening("unix");
    const waiting = listener.accept();
    await connectTo(address);
    tracked(await waiting);
    await Promise.all([connectTo(address), connectTo(address)]);
    let count = 0;
    for await (const socket of listener) {
      tracked(socket);
      if (++count === 2) break;
    }
    await connectTo(address);
    tracked(await listener.accept());
  });

  test("stops waiting when its signal is aborted, and loses no connection", async () => {
    const { listener, address } = listening("IPv4");
    const stop = new AbortController();
    const waiting = rejection(listener.accept({ signal: stop.signal }));
    stop.abort(new Error("no more"));
    expect(await waiting).toBe(stop.signal.reason);
    const before = counters().accepts;
    const client = await connectTo(address);
    expect(counters().accepts).toBe(before);
    const server = tracked(await listener.accept());
    expect(server.remoteAddress).toEqual(client.localAddress);
  });

  test("keeps a connection whose taker left in the turn that accepted it", async () => {
    const { listener, address } = listening("IPv4");
    const stop = new AbortController();
    const bell = await ringing(() => stop.abort(new Error("late")));
    const waiting = rejection(listener.accept({ signal: stop.signal }));
    // Both are ready when the loop turns next, the bell first.
    const bellClient = tracked(new StreamSocket({ family: "IPv4" }));
    const client = tracked(new StreamSocket({ family: "IPv4" }));
    const before = counters();
    await Promise.all([bellClient.connect(bell), client.connect(address)]);
    expect(await waiting).toBe(stop.signal.reason);
    expect(counters().accepts - before.accepts).toBe(3);
    const server = tracked(await listener.accept());
    expect(server.remoteAddress).toEqual(client.localAddress);
  });

  test("close rejects who waits with ECANCELED, and ends iteration", async () => {
    const { listener } = listening("IPv4");
    const waiting = rejection(listener.accept());
    const iterated = (async () => {
      for await (const _ of listener) return "a connection";
      return "the end";
    })();
    await listener.close();
    expect(await waiting).toMatchObject({ code: "ECANCELED", syscall: "accept" });
    expect(await iterated).toBe("the end");
    expect(await rejection(listener.accept())).toMatchObject({ code: "EBADF" });
  });

  test("before listen is EINVAL", async () => {
    const socket = tracked(new ListenSocket({ family: "IPv4" }));
    expect(await rejection(socket.accept())).toMatchObject({ code: "EINVAL", syscall: "accept" });
  });
});

describe("one failed accept", () => {
  test("is one rejection, and the connection stays in the kernel (B28)", async () => {
    const { listener, address } = listening("IPv4");
    const client = await connectTo(address);
    const taken = allDescriptors();
    const outcome = await Promise.all([rejection(listener.accept()), rejection(listener.accept())]);
    for (const fd of taken) closeSync(fd);
    for (const error of outcome) {
      expect(error).toMatchObject({ code: "EMFILE", syscall: "accept", localAddress: "127.0.0.1" });
    }
    const server = tracked(await listener.accept());
    expect(server.remoteAddress).toEqual(client.localAddress);
  });
});

describe("descriptors", () => {
  test("adopts a duplicate of a listening one, and shares its connections", async () => {
    const { listener, address } = listening("IPv4");
    const adopted = tracked(ListenSocket.adopt(listener.fd));
    expect(adopted.localAddress).toEqual(listener.localAddress);
    await listener.close();
    const client = await connectTo(address);
    const server = tracked(await adopted.accept());
    await server.send("still here");
    expect(String(await client.receive())).toBe("still here");
  });

  test("adopts one of node:net", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const adopted = tracked(ListenSocket.adopt(fd));
    expect(adopted.localAddress?.port).toBe((server.address() as { port: number }).port);
    server.close();
  });

  test("adopts only what listens", () => {
    const [left] = pair();
    const before = openDescriptors();
    const refused = (fd: number) => thrown(() => ListenSocket.adopt(fd)).code;
    expect(refused(left.fd)).toBe("EINVAL");
    expect(refused(tracked(new StreamSocket({ family: "IPv4" })).fd)).toBe("EINVAL");
    expect(refused(tracked(new DatagramSocket({ family: "IPv4" })).fd)).toBe("EPROTOTYPE");
    expect(refused(1_000_000)).toBe("EBADF");
    expect(openDescriptors()).toBe(before + 2);
    expect(refused(openFile())).toBe("ENOTSOCK");
  });

  test("release hands out a socket that listens still", async () => {
    const { listener, address } = listening("IPv4");
    const waiting = rejection(listener.accept());
    const fd = listener.release();
    expect(await waiting).toMatchObject({ code: "ECANCELED" });
    const client = await connectTo(address);
    const adopted = tracked(ListenSocket.adopt(fd));
    closeSync(fd);
    expect(tracked(await adopted.accept()).remoteAddress).toEqual(client.localAddress);
  });
});

describe("binding and listening", () => {
  test("says who has the address (B54)", () => {
    const { address } = listening("IPv4");
    const socket = tracked(new ListenSocket({ family: "IPv4" }));
    expect(thrown(() => socket.bind(address))).toMatchObject({ code: "EADDRINUSE", ...address });
    const { address: path } = listening("unix");
    const other = tracked(new ListenSocket({ family: "unix" }));
    const error = thrown(() => other.bind(path));
    expect(error).toMatchObject({ code: "EADDRINUSE", syscall: "bind" });
    expect(error.message).toContain("the path exists");
  });

  test("a path stays when the socket is closed, as the kernel has it", async () => {
    const { listener, address } = listening("unix");
    await listener.close();
    expect(existsSync((address as { path: string }).path)).toBe(true);
  });

  test("takes both families on [::] unless told otherwise (B31)", async () => {
    const listener = tracked(new ListenSocket({ family: "IPv6" }));
    listener.bind({ address: "::", port: 0 });
    listener.listen();
    const port = listener.localAddress?.port ?? 0;
    const client = await connectTo({ address: "127.0.0.1", port });
    const server = tracked(await listener.accept());
    expect(server.remoteAddress).toEqual(client.localAddress);
    expect(server.family).toBe("IPv4");
  });

  test("keepalive options of a listener hold on what it accepts (B13)", async () => {
    const socketOptions = { SO_KEEPALIVE: true, TCP_KEEPINTVL: 7 };
    const listener = tracked(new ListenSocket({ family: "IPv4", socketOptions }));
    listener.bind({ address: "127.0.0.1", port: 0 });
    listener.listen();
    await connectTo({ address: "127.0.0.1", port: listener.localAddress?.port ?? 0 });
    const server = tracked(await listener.accept());
    expect(server.getOption("SO_KEEPALIVE")).toBe(true);
    expect(server.getOption("TCP_KEEPINTVL")).toBe(7);
  });

  test.each([[-1], [1.5], ["9"], [2 ** 31]])("refuses a backlog of %j", (backlog) => {
    const { listener } = listening("IPv4");
    expect(() => listener.listen(backlog as never)).toThrow(/backlog/);
  });
});

/** An address whose next connection runs a callback, within the turn that accepts it. */
async function ringing(ring: () => void): Promise<{ address: string; port: number }> {
  const { listener, address } = listening("IPv4");
  const name = new Int32Array(2);
  expect(reactor.adopt(listener.fd, SLOT_LISTENER, name)).toBe(0);
  const channel = new ListenChannel({
    onAccepted: (slot, generation) => {
      reactor.close(slot, generation, false);
      channel.close();
      ring();
    },
    onAcceptFailed: () => {},
  });
  channel.attach(name[0] ?? -1, name[1] ?? 0);
  expect(reactor.watch(channel.slot, channel.generation)).toBe(0);
  return address as { address: string; port: number };
}

/** Opens descriptors until there are no more. */
function allDescriptors(): number[] {
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch (error) {
    expect(error).toMatchObject({ code: "EMFILE" });
    return taken;
  }
}
