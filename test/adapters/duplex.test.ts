// toDuplex and createSocket: what programs expect of a net.Socket.
// Where Node says how it must be, the same scenario runs over node:net and the logs are compared.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex, finished, PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterEach, describe, expect, it } from "vitest";
import { createSocket, toDuplex } from "../../lib/adapters/duplex.ts";
import { Connection, listen } from "../../lib/index.ts";
import {
  connections,
  hawserPair,
  nodePair,
  type Pair,
  type PairOptions,
  type Socket,
} from "./pairs.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function pairOf<S extends Socket>(
  make: (options?: PairOptions) => Promise<Pair<S>>,
  options?: PairOptions,
): Promise<Pair<S>> {
  const pair = await make(options);
  cleanUps.push(pair.close);
  return pair;
}

const EVENTS = ["connect", "ready", "end", "finish", "timeout", "error", "close"] as const;

/** The names of a socket's events in their order, with what they carry. */
function logOf(socket: Socket): string[] {
  const log: string[] = [];
  for (const event of EVENTS) {
    socket.on(event, (detail: unknown) => {
      const code = (detail as { code?: string } | undefined)?.code;
      log.push(code === undefined ? `${event} ${detail ?? ""}`.trim() : `${event} ${code}`);
    });
  }
  return log;
}

const closed = (socket: Socket) =>
  new Promise<void>((resolve) => socket.once("close", () => resolve()));

/** Everything a socket reads, without ending or destroying it as an iteration would. */
async function collect(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => chunks.push(bytes));
  await new Promise((resolve) => socket.once("end", () => resolve(undefined)));
  return Buffer.concat(chunks);
}

/** Runs a scenario over both kinds of socket and gives both logs. */
async function both(
  scenario: (pair: Pair) => Promise<unknown>,
  options?: PairOptions,
): Promise<{ node: unknown; hawser: unknown }> {
  const node = await scenario(await pairOf(nodePair, options));
  const hawser = await scenario(await pairOf(hawserPair, options));
  return { node, hawser };
}

describe("events in Node's order", () => {
  it("a peer that ends: end, finish, close without an error", async () => {
    const { node, hawser } = await both(async ({ client, server }) => {
      const log = logOf(client);
      client.resume();
      server.resume();
      server.end("bye");
      await closed(client);
      return log;
    });
    expect(hawser).toEqual(node);
    expect(hawser).toEqual(["end", "finish", "close false"]);
  });

  it("ending oneself: finish, end, close", async () => {
    const { node, hawser } = await both(async ({ client, server }) => {
      const log = logOf(client);
      client.resume();
      server.resume();
      client.end("bye");
      await closed(client);
      return log;
    });
    expect(hawser).toEqual(node);
    expect(hawser).toEqual(["finish", "end", "close false"]);
  });

  it("destroy(): close alone", async () => {
    const { node, hawser } = await both(async ({ client }) => {
      const log = logOf(client);
      client.destroy();
      await closed(client);
      return [log, client.destroyed, client.readyState];
    });
    expect(hawser).toEqual(node);
  });

  it("destroy(error): error, then close true", async () => {
    const { node, hawser } = await both(async ({ client }) => {
      const log = logOf(client);
      client.destroy(Object.assign(new Error("mine"), { code: "EMINE" }));
      await closed(client);
      return log;
    });
    expect(hawser).toEqual(node);
    expect(hawser).toEqual(["error EMINE", "close true"]);
  });

  it("a reset: error ECONNRESET, then close true", async () => {
    const { node, hawser } = await both(async ({ client, server }) => {
      const log = logOf(client);
      client.resume();
      server.resetAndDestroy();
      await closed(client);
      return log;
    });
    expect(hawser).toEqual(node);
    expect(hawser).toEqual(["error ECONNRESET", "close true"]);
  });

  it("destroySoon(): what was written arrives, and the peer sees a clean end", async () => {
    const { node, hawser } = await both(async ({ client, server }) => {
      const log = logOf(client);
      const peer = logOf(server);
      const received = collect(server);
      client.write(Buffer.alloc(300_000, 7));
      client.destroySoon();
      await Promise.all([closed(client), closed(server)]);
      return [log, peer, (await received).length];
    });
    expect(hawser).toEqual(node);
    expect(hawser).toEqual([["finish", "close false"], ["end", "finish", "close false"], 300_000]);
  });

  it("write after end: ERR_STREAM_WRITE_AFTER_END", async () => {
    const { node, hawser } = await both(async ({ client, server }) => {
      const log = logOf(client);
      server.resume();
      client.end();
      client.write("late");
      await closed(client);
      return log.filter((entry) => entry !== "finish");
    });
    expect(hawser).toEqual(node);
    expect(hawser).toEqual(["error ERR_STREAM_WRITE_AFTER_END", "close true"]);
  });
});

describe("half close", () => {
  it("with allowHalfOpen the sending side stays open after the peer's end", async () => {
    const { node, hawser } = await both(
      async ({ client, server }) => {
        const answer = collect(client);
        client.end("question");
        expect((await collect(server)).toString()).toBe("question");
        expect([server.readyState, client.writable]).toEqual(["writeOnly", false]);
        server.end("answer");
        await Promise.all([closed(client), closed(server)]);
        return (await answer).toString();
      },
      { allowHalfOpen: true },
    );
    expect(hawser).toEqual(node);
    expect(hawser).toBe("answer");
  });

  it("B16: an echo of 10 MB through pipe() comes back whole, without allowHalfOpen", async () => {
    const { client, server } = await pairOf(hawserPair);
    server.pipe(server);
    const bytes = randomBytes(10_000_000);
    const echoed = collect(client);
    client.end(bytes);
    expect(Buffer.compare(await echoed, bytes)).toBe(0);
  });

  it("B15: the end comes once, after all data, also where reading starts late", async () => {
    const { client, server } = await pairOf(hawserPair);
    server.end(Buffer.alloc(200_000, 1));
    await once(server, "finish");
    const log = logOf(client);
    const received = await buffer(client);
    expect(received.length).toBe(200_000);
    expect(log.filter((event) => event === "end")).toEqual(["end"]);
  });
});

describe("back-pressure", () => {
  it("B24: a stream that is not read holds at most both marks, and loses nothing", async () => {
    const { client, server } = await pairOf(hawserPair);
    const total = 64 * 1024 * 1024;
    const chunk = Buffer.alloc(1024 * 1024, 3);
    let written = 0;
    const writing = (async () => {
      while (written < total) {
        written += chunk.length;
        if (!server.write(chunk)) await once(server, "drain");
      }
      server.end();
    })();
    client.on("readable", () => {});
    await once(client, "readable");
    // The kernel's buffers and our marks are full when the writer has stood still for a while.
    let before = -1;
    while (before !== server.bytesWritten) {
      before = server.bytesWritten;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(written).toBeLessThan(total / 2);
    expect(client.readableLength).toBeLessThanOrEqual(4 * 65_536);
    client.removeAllListeners("readable");
    const received = await buffer(client);
    await writing;
    expect(received.length).toBe(total);
  });

  it("write() says false above the mark, drain follows, callbacks come in order", async () => {
    const { client, server } = await pairOf(hawserPair);
    const order: number[] = [];
    const big = Buffer.alloc(2_000_000);
    expect(client.write(big, () => order.push(1))).toBe(false);
    expect(client.write("x", () => order.push(2))).toBe(false);
    expect(client.writableNeedDrain).toBe(true);
    server.resume();
    await once(client, "drain");
    expect(order).toEqual([1, 2]);
  });

  it("a write's buffer may be used again when its callback was called", async () => {
    const { client, server } = await pairOf(hawserPair);
    const bytes = Buffer.alloc(500_000, 1);
    client.write(bytes, () => bytes.fill(2));
    client.end();
    const received = await buffer(server);
    expect(received.equals(Buffer.alloc(500_000, 1))).toBe(true);
  });

  it("cork() and uncork(): written together, in order", async () => {
    const { client, server } = await pairOf(hawserPair);
    client.cork();
    for (let index = 0; index < 100; index++) client.write(`${index},`);
    const text = Array.from({ length: 100 }, (_, index) => `${index},`).join("");
    expect(client.writableLength).toBe(text.length);
    expect(client.bytesWritten).toBe(text.length);
    client.uncork();
    const first = await once(server, "data");
    expect(first.toString()).toBe(text);
    expect(client.bytesWritten).toBe(text.length);
  });

  it("encodings of strings, and setEncoding()", async () => {
    const { client, server } = await pairOf(hawserPair);
    client.write("é", "latin1");
    client.write("616263", "hex");
    client.end("ü");
    expect(await buffer(server)).toEqual(Buffer.from([0xe9, 0x61, 0x62, 0x63, 0xc3, 0xbc]));
    const other = await pairOf(hawserPair);
    other.server.setEncoding("utf8");
    other.client.end("€");
    const [text] = await once(other.server, "data");
    expect(text).toBe("€");
  });

  it("pause() stops data, resume() goes on", async () => {
    const { client, server } = await pairOf(hawserPair);
    const seen: number[] = [];
    client.on("data", (bytes: Buffer) => seen.push(bytes.length));
    client.pause();
    server.write("12345");
    await expect.poll(() => client.bytesRead).toBe(5);
    expect(client.isPaused()).toBe(true);
    expect(seen).toEqual([]);
    client.resume();
    await once(client, "data");
    expect(seen).toEqual([5]);
  });
});

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

describe("properties", () => {
  it("addresses and counts are those of the connection", async () => {
    const { client, server } = await pairOf(hawserPair);
    expect(client.remoteAddress).toBe("127.0.0.1");
    expect([client.remoteFamily, client.localFamily]).toEqual(["IPv4", "IPv4"]);
    expect(client.remotePort).toBe(server.localPort);
    expect(client.localPort).toBe(server.remotePort);
    expect(client.address()).toEqual({
      address: "127.0.0.1",
      family: "IPv4",
      port: client.localPort,
    });
    client.write("12345");
    await once(server, "data");
    expect([client.bytesWritten, server.bytesRead, client.bufferSize]).toEqual([5, 5, 0]);
  });

  it("bytesWritten counts what waits, as in node:net", async () => {
    const { node, hawser } = await both(async ({ client }) => {
      client.write(Buffer.alloc(3_000_000));
      client.write("ü");
      return client.bytesWritten;
    });
    expect(hawser).toBe(node);
    expect(hawser).toBe(3_000_002);
  });

  it("unref() and ref() pass on and chain", async () => {
    const { client } = await pairOf(hawserPair);
    expect(client.unref().ref()).toBe(client);
  });

  it("toDuplex refuses what is no connection, and one whose data goes to a callback", async () => {
    expect(() => toDuplex({} as never)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARG_TYPE" }),
    );
    const taken = new Connection("tcp://127.0.0.1:9", { data() {} });
    expect(() => toDuplex(taken)).toThrow(expect.objectContaining({ code: "ERR_INVALID_STATE" }));
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

describe("with the rest of Node", () => {
  it("finished() and pipeline() settle", async () => {
    const { client, server } = await pairOf(hawserPair);
    const bytes = randomBytes(1_000_000);
    const ended = new Promise((resolve) => finished(client, resolve));
    server.pipe(new PassThrough()).pipe(server);
    const echoed = collect(client);
    await pipeline([bytes], client);
    expect(Buffer.compare(await echoed, bytes)).toBe(0);
    expect(await ended).toBeUndefined();
  });

  it("for await over the stream, and Duplex.toWeb", async () => {
    const { client, server } = await pairOf(hawserPair);
    client.end("abc");
    let text = "";
    for await (const bytes of server) text += bytes;
    expect(text).toBe("abc");
    const other = await pairOf(hawserPair);
    const { readable } = Duplex.toWeb(other.server);
    other.client.end("web");
    const { value } = await readable.getReader().read();
    expect(Buffer.from(value).toString()).toBe("web");
  });

  it("a local close() of the connection closes the stream without an error", async () => {
    const { client, server, listener } = await connections();
    cleanUps.push(() => listener.close({ timeout: 0 }));
    const stream = toDuplex(client);
    const log = logOf(stream);
    stream.resume();
    void client.close();
    await closed(stream);
    expect(log).toEqual(["close false"]);
    await server.receive();
  });

  it("B22: data that arrived before a reset is read before the error", async () => {
    const { client, server } = await connections();
    const stream = toDuplex(client);
    await server.send(Buffer.alloc(50_000, 9));
    await stream.connection?.receive({ min: 1, max: 1 });
    server.abort();
    await client.closed;
    const got: Buffer[] = [];
    const error = await new Promise<{ code: string }>((resolve) => {
      stream.on("data", (bytes: Buffer) => got.push(bytes));
      stream.on("error", resolve as never);
    });
    expect(error.code).toBe("ECONNRESET");
    expect(Buffer.concat(got).length).toBe(49_999);
  });

  it("destroy() with bytes unsent resets: no part is taken for the whole", async () => {
    const { client, server } = await pairOf(hawserPair);
    client.write(Buffer.alloc(20_000_000));
    await once(server, "readable");
    client.destroy();
    server.resume();
    const [error] = await once(server, "error");
    expect(error.code).toBe("ECONNRESET");
  });

  it("destroy() of an idle socket ends it cleanly", async () => {
    const { client, server } = await pairOf(hawserPair);
    const log = logOf(server);
    server.resume();
    client.destroy();
    await closed(server);
    expect(log).toEqual(["end", "finish", "close false"]);
  });
});
