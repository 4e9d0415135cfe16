// createSocket and toDuplex before and while they connect, and their timer, as on net.Socket.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { createSocket, toDuplex } from "../../lib/adapters/duplex.ts";
import { Connection, listen } from "../../lib/index.ts";
import { cleanUpAfterEach, cleanUps, closed, logOf, pairOf } from "./duplex-support.ts";
import { hawserPair, type Socket } from "./pairs.ts";

cleanUpAfterEach();

describe("connecting", () => {
  async function echoPort(): Promise<number> {
    const listener = await listen("tcp://127.0.0.1:0", async (connection) => {
      for await (const bytes of connection) await connection.send(bytes);
    });
    cleanUps.push(() => listener.close({ timeout: 0 }));
    return listener.port as number;
  }

  it("createSocket().connect(port, host): connect, ready; writes of before go out", async () => {
    const port = await echoPort();
    const run = async (socket: Socket) => {
      const log = logOf(socket);
      const states: unknown[] = [[socket.pending, socket.connecting, socket.readyState]];
      (socket as net.Socket).connect(port, "127.0.0.1", () => log.push("callback"));
      states.push([socket.pending, socket.connecting, socket.readyState]);
      socket.write("early");
      await once(socket, "ready");
      states.push([socket.pending, socket.connecting, socket.readyState]);
      const [answer] = await once(socket, "data");
      socket.end();
      await closed(socket);
      return { log, states, answer: String(answer) };
    };
    const hawser = await run(createSocket());
    expect(hawser).toEqual(await run(new net.Socket()));
    expect(hawser.log).toEqual(["connect", "callback", "ready", "finish", "end", "close false"]);
  });

  it("over a connection that was not started, connect() starts it", async () => {
    const port = await echoPort();
    const socket = toDuplex(new Connection(`tcp://127.0.0.1:${port}`));
    expect(socket.pending).toBe(true);
    socket.connect();
    await once(socket, "connect");
    socket.end("hello");
    expect((await buffer(socket)).toString()).toBe("hello");
    expect(() => socket.connect()).toThrow(expect.objectContaining({ code: "ERR_INVALID_STATE" }));
  });

  it("over a connection that is connecting: connect when it is ready", async () => {
    const port = await echoPort();
    const socket = toDuplex(new Connection(`tcp://127.0.0.1:${port}`).start());
    expect(socket.connecting).toBe(true);
    socket.setNoDelay(false).setKeepAlive(true, 7_500);
    await once(socket, "connect");
    const { connection } = socket;
    expect(connection?.getOption("TCP_NODELAY")).toBe(false);
    expect(connection?.getOption("SO_KEEPALIVE")).toBe(true);
    if (process.platform === "linux") expect(connection?.getOption("TCP_KEEPIDLE")).toBe(8);
    expect(connection?.getOption("TCP_KEEPINTVL")).toBe(10);
    socket.destroy();
  });

  it("B54: a refused port: error ECONNREFUSED with its address, then close true", async () => {
    const free = net.createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port } = free.address() as net.AddressInfo;
    free.close();
    await once(free, "close");
    const run = async (socket: Socket) => {
      const log = logOf(socket);
      const failed = once(socket, "error");
      (socket as net.Socket).connect(port, "127.0.0.1");
      const callbackError = new Promise((resolve) => socket.write("x", resolve));
      socket.once("error", () => {});
      const [error] = await failed.catch((reason) => [reason]);
      await closed(socket);
      const { code, errno, syscall, address, port: at } = error;
      return {
        log,
        about: { code, errno, syscall, address, at },
        call: Boolean(await callbackError),
      };
    };
    expect(await run(createSocket())).toEqual(await run(new net.Socket()));
  });

  it("destroy() while connecting ends the establishment", async () => {
    const socket = createSocket();
    socket.connect(1, "192.0.2.1");
    const { connection } = socket;
    const written = new Promise((resolve) => socket.write("x", resolve));
    socket.destroy();
    await closed(socket);
    expect(await written).toMatchObject({ code: "ERR_SOCKET_CLOSED_BEFORE_CONNECTION" });
    expect((await connection?.closed)?.initiator).toBe("local");
  });

  it("a path is a Unix socket, without addresses as in node:net", async () => {
    const folder = mkdtempSync(join(tmpdir(), "duplex-"));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "socket");
    const listener = await listen({ path }, (connection) => void connection.write("hi"));
    cleanUps.push(() => listener.close({ timeout: 0 }));
    const socket = createSocket().connect({ path });
    await once(socket, "connect");
    expect([socket.remoteAddress, socket.remotePort, socket.address()]).toEqual([
      undefined,
      undefined,
      {},
    ]);
    socket.setNoDelay(true).setKeepAlive(true, 1_000);
    expect((await buffer(socket)).toString()).toBe("hi");
  });

  it("wrong arguments of connect() throw", () => {
    expect(() => createSocket().connect(true)).toThrow(TypeError);
    expect(() => createSocket().connect(1, 2)).toThrow(TypeError);
    expect(() => createSocket().connect({ host: "h" })).toThrow(TypeError);
  });
});

describe("setTimeout", () => {
  it("timeout is emitted once after silence, and ends nothing", async () => {
    const { client, server } = await pairOf(hawserPair);
    let calls = 0;
    expect(client.setTimeout(30, () => calls++)).toBe(client);
    expect(client.timeout).toBe(30);
    await once(client, "timeout");
    expect([calls, client.destroyed]).toEqual([1, false]);
    server.write("x");
    await once(client, "data");
    client.setTimeout(0);
    expect(client.timeout).toBe(0);
  });

  it("what arrives puts it off", async () => {
    const { client, server } = await pairOf(hawserPair);
    client.resume();
    const started = performance.now();
    let last = started;
    client.setTimeout(150);
    const ticking = setInterval(() => {
      last = performance.now();
      server.write("x");
      if (last - started > 400) clearInterval(ticking);
    }, 20);
    await once(client, "timeout");
    expect(performance.now() - last).toBeGreaterThan(100);
    expect(performance.now() - started).toBeGreaterThan(400);
  });

  it("0 with a callback takes it off again", async () => {
    const { client } = await pairOf(hawserPair);
    const callback = () => {};
    client.setTimeout(1_000, callback);
    client.setTimeout(0, callback);
    expect(client.listenerCount("timeout")).toBe(0);
  });
});
