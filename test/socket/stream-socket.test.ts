// Stream sockets against the kernel: connecting, both directions, ends.
// What they do as owners of descriptors is in stream-socket-descriptors.test.ts.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { counters } from "../../lib/socket/reactor.ts";
import { StreamSocket } from "../../lib/socket/stream-socket.ts";
import {
  closeAll,
  connected,
  isLinux,
  listening,
  openDescriptors,
  readAll,
  rejection,
  socketPath,
  thrown,
  tracked,
  until,
} from "./support.ts";

afterEach(closeAll);

const FAMILIES = ["IPv4", "IPv6", "unix"] as const;

describe.each(FAMILIES)("a stream socket over %s", (family) => {
  test("carries bytes both ways, and an end that stays one (B15)", async () => {
    const { client, server } = await connected(family);
    await client.send("to the server");
    expect(String(await server.receive())).toBe("to the server");
    await server.send(new Uint8Array([1, 2, 3]));
    expect(await client.receive()).toEqual(Buffer.from([1, 2, 3]));
    client.shutdown("write");
    expect(await server.receive()).toBeNull();
    expect(await server.receive()).toBeNull();
    // The other direction is open still.
    await server.send("after your end");
    expect(String(await client.receive())).toBe("after your end");
  });

  test("delivers ten megabytes whole, in both directions at once", async () => {
    const { client, server } = await connected(family);
    const data = Buffer.alloc(10_000_000, "0123456789abcdef");
    const sendAll = async (socket: StreamSocket) => {
      for (let at = 0; at < data.length; at += 1_000_000) {
        await socket.send(data.subarray(at, at + 1_000_000));
      }
      socket.shutdown("write");
    };
    const [there, back] = await Promise.all([
      readAll(server),
      readAll(client),
      sendAll(client),
      sendAll(server),
    ]);
    expect(there.equals(data)).toBe(true);
    expect(back.equals(data)).toBe(true);
  });

  test("refuses a connect where nobody listens, with the address (B1, B54)", async () => {
    const { listener, address } = listening(family);
    await listener.close();
    const socket = tracked(new StreamSocket({ family }));
    const error = await rejection(socket.connect(address));
    expect(error).toMatchObject({
      code: "ECONNREFUSED",
      syscall: "connect",
      address: "path" in address ? address.path : address.address,
    });
  });
});

describe("connecting", () => {
  test("is refused while one is under way, when connected, and when closed", async () => {
    const { listener, address } = listening("IPv4");
    const socket = tracked(new StreamSocket({ family: "IPv4" }));
    const first = socket.connect(address);
    expect(await rejection(socket.connect(address))).toMatchObject({ code: "EALREADY" });
    await first;
    expect(await rejection(socket.connect(address))).toMatchObject({ code: "EISCONN" });
    await socket.close();
    expect(await rejection(socket.connect(address))).toMatchObject({ code: "EBADF" });
    await listener.close();
  });

  test("is cut off by its signal, and the socket is closed", async () => {
    const { address } = await fullQueue();
    const socket = tracked(new StreamSocket({ family: "IPv4" }));
    const stop = new AbortController();
    const waiting = rejection(socket.connect(address, { signal: stop.signal }));
    const reason = new Error("enough");
    stop.abort(reason);
    expect(await waiting).toBe(reason);
    expect(socket.fd).toBe(-1);
  });

  test("with a signal that is aborted already opens nothing", async () => {
    const { address } = listening("IPv4");
    const socket = tracked(new StreamSocket({ family: "IPv4" }));
    const reason = new Error("before");
    const error = await rejection(socket.connect(address, { signal: AbortSignal.abort(reason) }));
    expect(error).toBe(reason);
    expect(socket.remoteAddress).toBeNull();
    await socket.connect(address);
  });

  test("is cut off by close, with ECANCELED", async () => {
    const { address } = await fullQueue();
    const socket = tracked(new StreamSocket({ family: "IPv4" }));
    const waiting = rejection(socket.connect(address));
    await socket.close();
    expect(await waiting).toMatchObject({ code: "ECANCELED", syscall: "connect" });
  });

  test("queues what is sent meanwhile", async () => {
    const { listener, address } = listening("IPv4");
    const socket = tracked(new StreamSocket({ family: "IPv4" }));
    const connecting = socket.connect(address);
    const sent = socket.send("early");
    const server = tracked(await listener.accept());
    await Promise.all([connecting, sent]);
    expect(String(await server.receive())).toBe("early");
  });

  test("binds first where it was told to, with a port of 0 made known", async () => {
    const { listener, address } = listening("IPv4");
    const socket = tracked(new StreamSocket({ family: "IPv4" }));
    socket.bind({ address: "127.0.0.2", port: 0 });
    expect(socket.localAddress?.port).toBeGreaterThan(0);
    const [server] = await Promise.all([listener.accept(), socket.connect(address)]);
    tracked(server);
    expect(server.remoteAddress).toEqual(socket.localAddress);
    expect(socket.remoteAddress).toEqual(server.localAddress);
    const again = thrown(() => socket.bind({ address: "127.0.0.2", port: 0 }));
    expect(again).toMatchObject({ code: "EINVAL", syscall: "bind", address: "127.0.0.2" });
  });

  test("an address of another family is EAFNOSUPPORT", async () => {
    const socket = tracked(new StreamSocket({ family: "IPv4" }));
    const error = await rejection(socket.connect({ address: "::1", port: 9 }));
    expect(error).toMatchObject({ code: "EAFNOSUPPORT" });
    expect(thrown(() => socket.bind({ path: socketPath() }))).toMatchObject({
      code: "EAFNOSUPPORT",
    });
  });

  test("an IPv6 socket reaches an IPv4 address, which is told as IPv4 (B31)", async () => {
    const { listener, address } = listening("IPv4");
    const socket = tracked(new StreamSocket({ family: "IPv6" }));
    await Promise.all([socket.connect(address), listener.accept().then(tracked)]);
    expect(socket.remoteAddress).toEqual({ ...address, family: "IPv4" });
  });

  test.runIf(isLinux)("goes to an abstract name", async () => {
    const { ListenSocket } = await import("../../lib/socket/listen-socket.ts");
    const listener = tracked(new ListenSocket({ family: "unix" }));
    const address = { path: `@hawser-${process.pid}-${performance.now()}` };
    listener.bind(address);
    listener.listen();
    expect(listener.localAddress).toEqual({ address: address.path, family: "unix", port: 0 });
    const socket = tracked(new StreamSocket({ family: "unix" }));
    const [server] = await Promise.all([listener.accept(), socket.connect(address)]);
    tracked(server);
    expect(socket.remoteAddress?.address).toBe(address.path);
  });
});

describe("receiving", () => {
  test("gives at least min and at most max, and what came before the end (B22)", async () => {
    const { client, server } = await connected("IPv4");
    const waiting = server.receive({ min: 6, max: 7 });
    await client.send("abc");
    await client.send("defgh");
    const first = String(await waiting);
    expect(first.length).toBeGreaterThanOrEqual(6);
    expect(first.length).toBeLessThanOrEqual(7);
    client.shutdown("write");
    expect(first + String(await server.receive({ min: 100 }))).toBe("abcdefgh");
    expect(await server.receive({ min: 100 })).toBeNull();
  });

  test("stops waiting when its signal is aborted, and loses nothing", async () => {
    const { client, server } = await connected("IPv4");
    const stop = new AbortController();
    const waiting = rejection(server.receive({ signal: stop.signal }));
    stop.abort();
    expect(await waiting).toBe(stop.signal.reason);
    await client.send("later");
    expect(String(await server.receive())).toBe("later");
  });

  test("before a connect is ENOTCONN, and so is sending", async () => {
    const socket = tracked(new StreamSocket({ family: "IPv4" }));
    expect(await rejection(socket.receive())).toMatchObject({ code: "ENOTCONN" });
    expect(await rejection(socket.send("x"))).toMatchObject({ code: "ENOTCONN" });
    expect(thrown(() => socket.shutdown("both"))).toMatchObject({ code: "ENOTCONN" });
  });

  test("break closes nothing and loses nothing", async () => {
    const { client, server } = await connected("IPv4");
    await client.send("one");
    for await (const chunk of server) {
      expect(String(chunk)).toBe("one");
      break;
    }
    await client.send("two");
    expect(String(await server.receive())).toBe("two");
  });

  test("delivers data that came before a reset, then the reset (B22)", async () => {
    const { client, server } = await connected("IPv4");
    await client.send("last words");
    expect(String(await server.receive({ max: 4 }))).toBe("last");
    client.abort();
    expect(String(await server.receive())).toBe(" words");
    const error = await rejection(server.receive());
    expect(error).toMatchObject({ code: "ECONNRESET", syscall: "recv", address: "127.0.0.1" });
    expect(await rejection(server.receive())).toBe(error);
    expect(await rejection(server.send("x"))).toBe(error);
  });

  test("reads nothing before it is asked to: the peer's window closes (B24)", async () => {
    const { client, server } = await connected("IPv4");
    const before = counters().receives;
    let taken = false;
    const sent = client.send(Buffer.alloc(50_000_000)).then(() => {
      taken = true;
    });
    await until(() => client.bufferedAmount > 0 && client.bufferedAmount < 50_000_000);
    await Promise.resolve();
    expect(taken).toBe(false);
    expect(counters().receives).toBe(before);
    let size = 0;
    while (size < 50_000_000) size += (await server.receive())?.length ?? 0;
    await sent;
  });

  test("after shutdown of the reading side gives what was there, then the end", async () => {
    const { client, server } = await connected("IPv4");
    await client.send("there");
    expect(String(await server.receive({ max: 1 }))).toBe("t");
    server.shutdown("read");
    expect(String(await server.receive())).toBe("here");
    expect(await server.receive()).toBeNull();
    await server.send("still");
    expect(String(await client.receive())).toBe("still");
  });
});

describe("sending", () => {
  test("fifty sends of one turn leave in one system call (B25)", async () => {
    const { client, server } = await connected("IPv4");
    const before = counters();
    await Promise.all(Array.from({ length: 50 }, (_, index) => client.send(`${index},`)));
    const after = counters();
    expect(after.sends - before.sends).toBe(1);
    expect(after.flushes - before.flushes).toBe(1);
    const text = Array.from({ length: 50 }, (_, index) => `${index},`).join("");
    expect(String(await server.receive({ min: text.length }))).toBe(text);
  });

  test("copies what is small, so that it may be changed at once", async () => {
    const { client, server } = await connected("IPv4");
    const bytes = Buffer.from("before");
    const sent = client.send(bytes);
    bytes.fill("x");
    await sent;
    expect(String(await server.receive())).toBe("before");
  });

  test("resolves when the kernel has taken all, not before", async () => {
    const { client, server } = await connected("unix");
    let done = false;
    const sent = client.send(Buffer.alloc(3_000_000, 7)).then(() => {
      done = true;
    });
    await until(() => client.bufferedAmount > 0 && client.bufferedAmount < 3_000_000);
    expect(done).toBe(false);
    client.shutdown("write");
    expect((await readAll(server)).length).toBe(3_000_000);
    await sent;
    expect(client.bufferedAmount).toBe(0);
  });

  test("stops waiting when its signal is aborted; the bytes stay in the stream", async () => {
    const { client, server } = await connected("unix");
    const stop = new AbortController();
    const data = Buffer.alloc(3_000_000, 1);
    const waiting = rejection(client.send(data, { signal: stop.signal }));
    await until(() => client.bufferedAmount > 0);
    stop.abort();
    expect(await waiting).toBe(stop.signal.reason);
    client.shutdown("write");
    expect((await readAll(server)).length).toBe(data.length);
  });

  test("after shutdown and after close is EPIPE", async () => {
    const { client } = await connected("IPv4");
    client.shutdown("write");
    expect(await rejection(client.send("x"))).toMatchObject({ code: "EPIPE" });
    await client.close();
    expect(await rejection(client.send("x"))).toMatchObject({ code: "EPIPE" });
  });

  test("to a peer that has gone fails with what the kernel says", async () => {
    const { client, server } = await connected("unix");
    await server.close();
    expect(await rejection(client.send("x"))).toMatchObject({ code: "EPIPE", syscall: "sendmsg" });
  });

  test("takes what can be sent, and refuses the rest with a TypeError", async () => {
    const { client, server } = await connected("IPv4");
    await client.send("");
    await client.send(new Uint16Array([0x4241]));
    await client.send(new Uint8Array([67]).buffer);
    expect(String(await server.receive({ min: 3 }))).toBe("ABC");
    for (const wrong of [undefined, null, 5, {}, [1]]) {
      expect(() => client.send(wrong as never)).toThrow(TypeError);
    }
    expect(() => client.send("x", { signle: 1 } as never)).toThrow(/signal/);
  });
});

describe("ending", () => {
  test("close settles who waits with ECANCELED, then resolves (B20)", async () => {
    const { client, server } = await connected("unix");
    const order: string[] = [];
    const receiving = rejection(client.receive()).then((error) => order.push(`${error.code}`));
    const sending = rejection(client.send(Buffer.alloc(9_000_000))).then((error) =>
      order.push(`${error.code}`),
    );
    await until(() => client.bufferedAmount > 0);
    const closed = client.close().then(() => order.push("closed"));
    expect(client.fd).toBe(-1);
    await Promise.all([receiving, sending, closed]);
    expect(order).toEqual(["ECANCELED", "ECANCELED", "closed"]);
    expect(client.close()).toBe(client.close());
    expect(await client.receive()).toBeNull();
    await server.close();
  });

  test("close sends what was sent in the same turn before it", async () => {
    const { client, server } = await connected("IPv4");
    void client.send("last");
    void client.close();
    expect(String(await readAll(server))).toBe("last");
  });

  test("iteration ends quietly on a local close", async () => {
    const { client } = await connected("IPv4");
    const reading = readAll(client);
    await client.close();
    expect((await reading).length).toBe(0);
  });

  test("abort resets, and frees the descriptor in the same turn (B19)", async () => {
    const { client, server } = await connected("IPv4");
    const before = openDescriptors();
    const waiting = rejection(server.receive());
    client.abort();
    expect(client.fd).toBe(-1);
    await client.close();
    expect(openDescriptors()).toBe(before - 1);
    expect(await waiting).toMatchObject({ code: "ECONNRESET" });
  });

  test("calls on a closed socket say EBADF, and change nothing", async () => {
    const { client } = await connected("IPv4");
    await client.close();
    for (const call of [
      () => client.bind({ address: "127.0.0.1", port: 0 }),
      () => client.dup(),
      () => client.release(),
      () => client.shutdown("write"),
      () => client.info(),
      () => client.getOption("SO_TYPE"),
      () => client.setOption("TCP_NODELAY", true),
    ]) {
      expect(thrown(call)).toMatchObject({ code: "EBADF" });
    }
    expect(client.localAddress).toBeNull();
    expect(client.remoteAddress).toBeNull();
    expect(client.ref().unref()).toBe(client);
    client.abort();
  });

  test("await using closes it", async () => {
    const [left, right] = StreamSocket.pair();
    tracked(right);
    {
      await using socket = left;
      expect(socket.fd).toBeGreaterThan(-1);
    }
    expect(left.fd).toBe(-1);
  });
});

/** A listener whose accept queue is full: further connects stay in SYN-SENT. */
async function fullQueue(): Promise<{ address: { address: string; port: number } }> {
  const { address } = listening("IPv4", 0);
  const filler = tracked(new StreamSocket({ family: "IPv4" }));
  await filler.connect(address);
  return { address: address as { address: string; port: number } };
}

// A link-local address of its own, in a network namespace of its own.
const inNamespace = (script: string) =>
  spawnSync("unshare", ["--net", "sh", "-ec", script], { encoding: "utf8" });
const setUp = "ip link set lo up; ip addr add fe80::1234/64 dev lo nodad";
const hasNamespaces = inNamespace(setUp).status === 0;

test.runIf(hasNamespaces)(
  "goes to a link-local IPv6 address with its scope (needs root and iproute2)",
  () => {
    const program = join(import.meta.dirname, "link-local-program.mjs");
    const { stdout, stderr } = inNamespace(`${setUp}; exec '${process.execPath}' '${program}'`);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      listening: "fe80::1234%lo",
      peers: ["fe80::1234%lo", "fe80::1234%lo"],
      datagramFrom: "fe80::1234%lo",
      answers: ["by zone", "by scopeId", "a datagram"],
      without: "EINVAL",
    });
  },
);
