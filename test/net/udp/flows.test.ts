// UDP flows over loopback: one port for all peers, whose datagrams are told apart.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { HawserError } from "../../../lib/errors/index.ts";
import { connect, counters, listen } from "../../../lib/index.ts";
import type { UdpFlow } from "../../../lib/net/udp/flow.ts";
import type { UdpListener } from "../../../lib/net/udp/listener.ts";
import type { UdpConnectOptions, UdpListenOptions } from "../../../lib/net/udp/types.ts";
import { DatagramSocket } from "../../../lib/socket/datagram-socket.ts";

const isLinux = process.platform === "linux";
const open: { close(): Promise<unknown> }[] = [];

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

function plainSocket(): DatagramSocket {
  const socket = new DatagramSocket({ family: "IPv4" });
  open.push(socket);
  socket.bind({ address: "127.0.0.1", port: 0 });
  return socket;
}

const portOf = (socket: DatagramSocket): number => socket.localAddress?.port ?? 0;
const toListener = ({ port }: UdpListener) => ({ address: "127.0.0.1", port });

async function nextFlow(from: UdpListener): Promise<UdpFlow> {
  const { value } = await from[Symbol.asyncIterator]().next();
  return value as UdpFlow;
}

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

describe("UDP listener", () => {
  test("B30, B31: one dual-stack listener takes 127.0.0.1 and ::1 and names IPv4 as such", async () => {
    const server = await listener({}, "udp://[::]:0");
    expect(server.port).toBeGreaterThan(0);
    const four = await flowTo(server.port);
    await four.send("four");
    const first = await nextFlow(server);
    expect(first).toMatchObject({ remoteAddress: "127.0.0.1", localAddress: "127.0.0.1" });
    const six = await flowTo(server.port, {}, "[::1]");
    await six.send("six");
    const second = await nextFlow(server);
    expect(second).toMatchObject({ remoteAddress: "::1", localAddress: "::1" });
    await first.send("to four");
    await second.send("to six");
    expect(String(await four.receive())).toBe("to four");
    expect(String(await six.receive())).toBe("to six");
  });

  test("localhost has two addresses on one port", async () => {
    const server = await listener(
      { data: (flow, bytes) => flow.write(bytes) },
      "udp://localhost:0",
    );
    expect(new Set(server.addresses.map(({ port }) => port)).size).toBe(1);
    for (const { address, family } of server.addresses) {
      const flow = await flowTo(server.port, {}, family === "IPv6" ? `[${address}]` : address);
      await flow.send("hello");
      expect(String(await flow.receive())).toBe("hello");
    }
  });

  test("B32: its port is the source of outbound flows too, without reuse flags", async () => {
    const server = await listener({}, "udp://[::]:0");
    const peers = Array.from({ length: 20 }, plainSocket);
    for (const peer of peers) {
      const flow = await server.connect(`udp://127.0.0.1:${portOf(peer)}`);
      await flow.send("from the listener's port");
      expect(await peer.receive()).toMatchObject({ port: server.port });
      await peer.send("answer", toListener(server));
      expect(String(await flow.receive())).toBe("answer");
      expect(flow.localAddress).toBe("127.0.0.1");
    }
    expect(server.connections.size).toBe(20);
    const again = await server.connect(`udp://127.0.0.1:${portOf(peers[0] as DatagramSocket)}`);
    expect([...server.connections][0]).toBe(again);
  });

  test("B32: connect() alone on a listener's port is EADDRINUSE", async () => {
    const server = await listener();
    const { port } = server;
    const refused = connect("udp://127.0.0.1:9", { localAddress: "127.0.0.1", localPort: port });
    await expect(refused).rejects.toMatchObject({
      code: "EADDRINUSE",
      syscall: "bind",
      message: expect.stringContaining("listener.connect()"),
    });
  });

  test("B33: peers that flood while flows are made get nobody else's datagrams", async () => {
    const wrong: string[] = [];
    const seen = new Map<UdpFlow, Set<string>>();
    let count = 0;
    const server = await listener({
      receiveBufferSize: 4_000_000,
      data(flow, bytes) {
        const text = bytes.toString();
        if (Number(text.split(" ")[0]) !== flow.remotePort) wrong.push(text);
        const texts = seen.get(flow) ?? new Set();
        seen.set(flow, texts.add(text));
        count++;
      },
    });
    const peers = Array.from({ length: 64 }, plainSocket);
    const flood = async (peer: DatagramSocket) => {
      for (let round = 0; round < 20; round++) {
        await peer.send(`${portOf(peer)} ${round}`, toListener(server));
      }
    };
    const outbound = async () => {
      for (let made = 0; made < 100; made++) {
        const peer = plainSocket();
        const flow = await server.connect(`udp://127.0.0.1:${portOf(peer)}`);
        await flow.send("hello");
        expect(await peer.receive()).toMatchObject({ port: server.port });
      }
    };
    await Promise.all([...peers.map(flood), outbound()]);
    while (count + server.udpCounters.flowDrops < 64 * 20) {
      if ((server.udpCounters.kernelDrops ?? 0) > 0) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(wrong).toEqual([]);
    expect(seen.size).toBe(64);
  });

  test("B34: a new remote makes one flow, whose first datagram waits for a reader", async () => {
    const server = await listener();
    const peer = plainSocket();
    for (const text of ["first", "second"]) await peer.send(text, toListener(server));
    const flow = await nextFlow(server);
    expect(String(await flow.receive())).toBe("first");
    expect(String(await flow.receive())).toBe("second");
    expect(server.connections.size).toBe(1);
  });

  test("B34: a closed flow's next datagram makes a new one, and closing sends nothing", async () => {
    const server = await listener();
    const peer = plainSocket();
    await peer.send("one", toListener(server));
    const first = await nextFlow(server);
    expect(await first.close()).toMatchObject({ error: null, initiator: "local" });
    expect(first.state).toBe("closed");
    await expect(first.send("x")).rejects.toMatchObject({ code: "EPIPE" });
    expect(first.write("x")).toBe(false);
    await peer.send("two", toListener(server));
    const second = await nextFlow(server);
    expect(second).not.toBe(first);
    expect(String(await second.receive())).toBe("two");
    await second.send("the only datagram");
    expect(String((await peer.receive())?.data)).toBe("the only datagram");
  });

  test("close() rejects who waits, then receive() is null again and again", async () => {
    const server = await listener();
    const peer = plainSocket();
    await peer.send("one", toListener(server));
    const flow = await nextFlow(server);
    expect(String(await flow.receive())).toBe("one");
    const waiting = flow.receive();
    await flow.close();
    await expect(waiting).rejects.toMatchObject({ code: "ECANCELED" });
    expect(await flow.receive()).toBeNull();
    expect(await flow.receive()).toBeNull();
  });

  test("B35: a flow that is silent for idleTimeout is closed", async () => {
    const server = await listener({ idleTimeout: 60 });
    const peer = plainSocket();
    await peer.send("one", toListener(server));
    const flow = await nextFlow(server);
    expect(await flow.closed).toMatchObject({ error: null });
    expect(server.connections.size).toBe(0);
  });

  test("B35: sending keeps a flow as receiving does", async () => {
    const server = await listener({ idleTimeout: 150 });
    const peer = plainSocket();
    const flow = await server.connect(`udp://127.0.0.1:${portOf(peer)}`);
    const began = performance.now();
    while (performance.now() - began < 400) {
      await flow.send("still here");
      expect(await peer.receive()).not.toBeNull();
    }
    expect(flow.state).toBe("ready");
    await flow.closed;
    expect(performance.now() - began).toBeGreaterThan(500);
  });

  test("B35: unanswered flows have a cap of their own, and never evict an answered one", async () => {
    const maxFlows = 8;
    const closed: UdpFlow[] = [];
    const server = await listener({ maxFlows, close: (flow) => closed.push(flow) });
    const known = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const peer = plainSocket();
        const flow = await server.connect(`udp://127.0.0.1:${portOf(peer)}`);
        return { peer, flow };
      }),
    );
    for (let i = 0; i < 50; i++) await plainSocket().send("x", toListener(server));
    while (server.udpCounters.evictedFlows < 48) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    // A quarter of eight.
    expect(server.connections.size).toBe(3 + 2);
    for (const { flow } of known) expect(flow.state).toBe("ready");
    expect(closed.some((flow) => known.some((one) => one.flow === flow))).toBe(false);
  });

  test("B35: where nobody reads, the newest datagrams of a flow are dropped and counted", async () => {
    const server = await listener({ receiveHighWaterMark: 300 });
    const peer = plainSocket();
    for (let i = 0; i < 10; i++) await peer.send(`${i}`.repeat(50), toListener(server));
    const flow = await nextFlow(server);
    while (flow.drops < 7) await new Promise((resolve) => setImmediate(resolve));
    expect(flow.drops).toBe(7);
    expect(server.udpCounters.flowDrops).toBe(7);
    for (let i = 0; i < 3; i++) expect(String(await flow.receive())).toBe(`${i}`.repeat(50));
  });

  test("newConnectionLimit: so many peers get a flow, and more when it is raised", async () => {
    const server = await listener({ newConnectionLimit: 1 });
    const [first, second] = [plainSocket(), plainSocket()];
    await first.send("1", toListener(server));
    await nextFlow(server);
    await second.send("lost", toListener(server));
    while (server.udpCounters.flowDrops === 0) await new Promise((r) => setImmediate(r));
    expect(server.newConnectionLimit).toBe(0);
    server.newConnectionLimit = 1;
    await second.send("2", toListener(server));
    expect(String(await (await nextFlow(server)).receive())).toBe("2");
  });

  test("newConnectionLimit: a peer that gets no flow costs no credit", async () => {
    const server = await listener({ maxFlows: 1, newConnectionLimit: 5 });
    const peer = plainSocket();
    await server.connect(`udp://127.0.0.1:${portOf(peer)}`);
    await plainSocket().send("no room", toListener(server));
    while (server.udpCounters.flowDrops === 0) await new Promise((r) => setImmediate(r));
    expect(server.newConnectionLimit).toBe(5);
    for (const wrong of [-1, Number.NaN, 1.5, "2"]) {
      expect(() => {
        server.newConnectionLimit = wrong as number;
      }).toThrow(expect.objectContaining({ code: "ERR_OUT_OF_RANGE" }));
    }
  });

  test("the datagram callback answers without state, accepts or ignores", async () => {
    const server = await listener({
      datagram(own, datagram) {
        if (datagram.data.toString() === "challenge") void own.send("cookie", datagram);
        return datagram.data.toString() === "right cookie" ? "accept" : undefined;
      },
    });
    const peer = plainSocket();
    await peer.send("challenge", toListener(server));
    expect(String((await peer.receive())?.data)).toBe("cookie");
    await peer.send("wrong cookie", toListener(server));
    expect(server.connections.size).toBe(0);
    await peer.send("right cookie", toListener(server));
    const flow = await nextFlow(server);
    expect(String(await flow.receive())).toBe("right cookie");
  });

  test("a function for each flow: its return is close()", async () => {
    const server = await listen("udp://127.0.0.1:0", async (flow) => {
      for await (const message of flow) {
        if (message.toString() === "bye") return;
        await flow.send(message);
      }
    });
    open.push(server);
    const flow = await flowTo(server.port);
    await flow.send("echo");
    expect(String(await flow.receive())).toBe("echo");
    const [served] = server.connections;
    await flow.send("bye");
    expect(await served?.closed).toMatchObject({ error: null });
  });

  test("callbacks: open first, close last, each once; info tells where it came from", async () => {
    const log: string[] = [];
    const server = await listener({
      open: (flow) => log.push(`open ${flow.remotePort > 0}`),
      data(flow, bytes, info) {
        log.push(`data ${bytes} ${info.localAddress} ${info.port === flow.remotePort}`);
        void flow.close();
      },
      close: (_, error) => log.push(`close ${error}`),
    });
    await plainSocket().send("x", toListener(server));
    while (log.length < 3) await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual(["open true", "data x 127.0.0.1 true", "close null"]);
  });

  test("close() closes the flows and the port, and a signal does the same", async () => {
    const controller = new AbortController();
    const server = await listener({ signal: controller.signal });
    await plainSocket().send("x", toListener(server));
    const flow = await nextFlow(server);
    controller.abort();
    expect(await server.closed).toEqual({ error: null });
    expect(flow.state).toBe("closed");
    expect(server.fd).toBe(-1);
    await expect(server.connect("udp://127.0.0.1:9")).rejects.toMatchObject({ code: "EBADF" });
    const aborted = listen("udp://127.0.0.1:0", { signal: AbortSignal.abort(new Error("why")) });
    await expect(aborted).rejects.toThrow("why");
  });

  test.each(["udp://localhost:0", "udp://[::]:0", "udp://127.0.0.1:0"] as const)(
    "a signal that is aborted while %s begins to listen rejects, and nothing stays open",
    async (endpoint) => {
      const controller = new AbortController();
      const reason = new Error("enough");
      const before = counters().openSlots;
      const listening = listen(endpoint, { signal: controller.signal });
      controller.abort(reason);
      await expect(listening).rejects.toBe(reason);
      await vi.waitFor(() => expect(counters().openSlots).toBe(before));
    },
  );

  test("wrong arguments reject", async () => {
    const any = "udp://127.0.0.1:0";
    await expect(listen(any, { backlog: 5 } as never)).rejects.toThrow(TypeError);
    await expect(listen(any, { maxFlow: 5 } as never)).rejects.toThrow(/"maxFlows"/);
    await expect(listen(any, { lend: true })).rejects.toThrow(/data callback/);
    await expect(listen("udp://127.0.0.1/path" as never)).rejects.toThrow(TypeError);
    await expect(connect("udp://127.0.0.1:9", { type: "udp4" } as never)).rejects.toThrow(/family/);
  });
});

describe("UDP flow", () => {
  test("B36: one read is one whole datagram, an empty one included", async () => {
    const server = await listener({ data: (flow, bytes) => flow.write(bytes) });
    const flow = await flowTo(server.port, { fragment: true });
    for (const size of [0, 1, 1_200, 0, 9_000]) {
      await flow.send(Buffer.alloc(size, 7));
      expect((await flow.receive())?.length).toBe(size);
    }
    expect(flow.bytesRead).toBe(10_201);
    expect(flow.bytesWritten).toBe(10_201);
  });

  test("lend: the view is right until the callback returns, and can be sent back", async () => {
    const server = await listener({ lend: true, data: (flow, bytes) => flow.write(bytes) });
    const flow = await flowTo(server.port);
    for (let i = 0; i < 5; i++) await flow.send(`message ${i}`);
    for (let i = 0; i < 5; i++) expect(String(await flow.receive())).toBe(`message ${i}`);
  });

  test("B37: maxDatagramSize is what the path takes; more rejects with EMSGSIZE", async () => {
    const server = await listener({ data: (flow, bytes) => flow.write(bytes) });
    const flow = await flowTo(server.port);
    // Loopback's MTU is above the largest payload (RFC 768).
    expect(flow.maxDatagramSize).toBeGreaterThan(1_000);
    expect(flow.maxDatagramSize).toBeLessThanOrEqual(65_507);
    const tooLarge = flow.send(Buffer.alloc(65_508));
    await expect(tooLarge).rejects.toMatchObject({ code: "EMSGSIZE" });
    await flow.send("fits");
    expect(String(await flow.receive())).toBe("fits");
  });

  test("B39: ECONNREFUSED of a connected flow's peer is told once, and the flow lives on", async () => {
    const peer = plainSocket();
    const port = portOf(peer);
    await peer.close();
    const flow = await flowTo(port);
    await flow.send("nobody is there");
    await expect(flow.receive()).rejects.toMatchObject({
      code: "ECONNREFUSED",
      address: "127.0.0.1",
      port,
    });
    const reborn = new DatagramSocket({ family: "IPv4" });
    open.push(reborn);
    reborn.bind({ address: "127.0.0.1", port });
    await flow.send("somebody is there");
    expect(String((await reborn.receive())?.data)).toBe("somebody is there");
  });

  test.skipIf(!isLinux)(
    "B39: one peer's ICMP error reaches its flow and disturbs no other (Linux)",
    async () => {
      const errors: HawserError[] = [];
      const server = await listener({ error: (_, error) => errors.push(error) }, "udp://[::]:0");
      const alive = plainSocket();
      const gone = plainSocket();
      const port = portOf(gone);
      await gone.close();
      const dead = await server.connect(`udp://127.0.0.1:${port}`);
      const good = await server.connect(`udp://127.0.0.1:${portOf(alive)}`);
      for (let i = 0; i < 20; i++) {
        await dead.send("void");
        await good.send(`${i}`);
        expect(String((await alive.receive())?.data)).toBe(`${i}`);
        await alive.send("ok", toListener(server));
        expect(String(await good.receive())).toBe("ok");
        await expect(dead.receive()).rejects.toMatchObject({ code: "ECONNREFUSED", port });
      }
      expect(errors).toEqual([]);
      // Without a flow it is the listener's to hear.
      await dead.close();
      await server.send("void", { address: "127.0.0.1", port });
      while (errors.length === 0) await new Promise((resolve) => setImmediate(resolve));
      expect(errors[0]).toMatchObject({ code: "ECONNREFUSED", address: "127.0.0.1", port });
    },
  );

  test("receive() with a signal, and beside a data callback", async () => {
    const server = await listener({ data() {} });
    const flow = await flowTo(server.port);
    const controller = new AbortController();
    const waiting = flow.receive({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    const other = await flowTo(server.port, { data() {} });
    expect(() => other.receive()).toThrow(expect.objectContaining({ code: "ERR_INVALID_STATE" }));
  });

  test("talks with node:dgram in both directions", async () => {
    const node = createSocket("udp4");
    node.on("message", (message, { port, address }) => node.send(message, port, address));
    node.bind(0, "127.0.0.1");
    await once(node, "listening");
    const flow = await flowTo(node.address().port);
    for (const text of ["a", "b", ""]) {
      await flow.send(text);
      expect(String(await flow.receive())).toBe(text);
    }
    node.close();
  });
});
