// What `npm start` serves, in this process: two echoes, the wire to the page, clients of its own.

import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import WS from "ws";
import { readArguments, type StartOptions } from "../../../lib/cli/start/arguments.ts";
import { type Addresses, EchoService } from "../../../lib/cli/start/service.ts";
import type { Facts } from "../../../lib/cli/start/track.ts";
import type { Report } from "../../../lib/cli/start/tracks.ts";
import { hasOpenssl } from "../../adapters/certificates.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function serve(...args: string[]): Promise<Addresses & { service: EchoService }> {
  const options = readArguments(["--port", "0", ...args]) as StartOptions;
  const service = new EchoService(options, ["box.test"]);
  const addresses = await service.start();
  cleanUps.push(() => service.close(0));
  return { ...addresses, service };
}

async function open(url: string, options: WS.ClientOptions = {}): Promise<WS> {
  const socket = new WS(url, { rejectUnauthorized: false, ...options });
  cleanUps.push(() => socket.terminate());
  socket.on("error", () => {});
  await once(socket, "open");
  return socket;
}

/** The wire to the page, and what came over it. */
class Monitor {
  readonly socket: WS;
  #latest: (Report & { tcp: string }) | null = null;
  #changed: () => void = () => {};

  constructor(url: string) {
    this.socket = new WS(`${url}monitor`, { rejectUnauthorized: false });
    cleanUps.push(() => this.socket.terminate());
    this.socket.on("message", (text) => {
      this.#latest = JSON.parse(String(text));
      this.#changed();
    });
  }

  ask(command: object): void {
    this.socket.send(JSON.stringify(command));
  }

  /** The first connection, in a report from now on, that is as it should be. */
  async shows(isMeant: (facts: Facts) => boolean): Promise<Facts> {
    for (;;) {
      const found = this.#latest?.connections.find(isMeant);
      if (found !== undefined) return found;
      await this.next();
    }
  }

  async next(): Promise<Report & { tcp: string }> {
    await new Promise<void>((resolve) => {
      this.#changed = resolve;
    });
    return this.#latest as Report & { tcp: string };
  }
}

const eventsOf = ({ history }: Facts) => history.map(({ event }) => event);

describe("the echoes", () => {
  test("give text back as text and bytes as bytes, on any path but the page's wire", async () => {
    const { webSocket } = await serve();
    const socket = await open(`${webSocket}some/where?x=1`);
    for (const message of ["Ahoy!", Buffer.from([1, 2, 3]), "", "x".repeat(300_000)]) {
      socket.send(message);
      const [data, isBinary] = await once(socket, "message");
      expect(isBinary).toBe(typeof message !== "string");
      expect(data.equals(Buffer.from(message))).toBe(true);
    }
  });

  test("take the first subprotocol", async () => {
    const { webSocket } = await serve();
    const socket = new WS(webSocket, ["one", "two"]);
    cleanUps.push(() => socket.terminate());
    await once(socket, "open");
    expect(socket.protocol).toBe("one");
  });

  test("B24: a peer that does not read is not read either, and gets everything later", async () => {
    const { tcp, webSocket } = await serve();
    const monitor = new Monitor(webSocket);
    const socket = net.connect(Number(new URL(tcp).port), "127.0.0.1");
    cleanUps.push(() => socket.destroy());
    socket.pause();
    // More than the kernel's buffers take, of both ends and both ways.
    const size = 64_000_000;
    socket.write(Buffer.alloc(size, "w"));
    let read = 0;
    await monitor.shows(({ kind, bytesIn }) => {
      const isStuck = kind === "tcp" && bytesIn > 0 && bytesIn === read;
      if (kind === "tcp") read = bytesIn;
      return isStuck;
    });
    expect(read).toBeLessThan(size);
    let received = 0;
    socket.on("data", (bytes) => {
      received += bytes.length;
      if (received === size) socket.end();
    });
    socket.resume();
    await once(socket, "close");
    expect(received).toBe(size);
  });

  test("are counted in the line, and where there are none there is no line", async () => {
    const { service, tcp, webSocket } = await serve();
    expect(service.line()).toBeNull();
    const socket = await open(webSocket);
    socket.send("12345");
    await once(socket, "message");
    const stream = net.connect(Number(new URL(tcp).port), "127.0.0.1");
    cleanUps.push(() => stream.destroy());
    stream.write("123");
    await once(stream, "data");
    expect(service.line()).toMatch(
      /^2 connections, 8 bytes echoed \(8 in all\), round trip [\d.]+ ms least/,
    );
  });
});

describe("addresses", () => {
  test("B31: without a host, of both families on one port", async () => {
    const { page, webSocket, tcp, service } = await serve();
    const { port } = new URL(page);
    expect(page).toBe(`http://127.0.0.1:${port}/`);
    expect(webSocket).toBe(`ws://127.0.0.1:${port}/`);
    expect(tcp).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
    expect(new URL(tcp).port).not.toBe(port);
    for (const address of service.bound) {
      await open(`ws://${address.includes(":") ? `[${address}]` : address}:${port}/`);
    }
    expect(service.bound[0]).toBe("127.0.0.1");
  });

  test('B31: with --host "" one listener takes both families', async () => {
    const { webSocket, service } = await serve("--host", "");
    expect(service.bound).toEqual(["::"]);
    await open(webSocket);
    await open(webSocket.replace("127.0.0.1", "[::1]"));
  });

  test("a port that is taken is an error, and nothing listens then", async () => {
    const taken = net.createServer().listen(0, "127.0.0.1");
    cleanUps.push(() => taken.close());
    await once(taken, "listening");
    const { port } = taken.address() as net.AddressInfo;
    const options = readArguments(["--port", "0", "--tcp-port", `${port}`]) as StartOptions;
    const service = new EchoService(options, []);
    await expect(service.start()).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(service.isListening).toBe(false);
  });
});

describe("the wire to the page", () => {
  test("tells of each connection and where to find the TCP echo", async () => {
    const { webSocket, tcp } = await serve();
    const monitor = new Monitor(webSocket);
    await open(`${webSocket}?as=page-1`);
    const facts = await monitor.shows(({ label }) => label === "page-1");
    expect(facts).toMatchObject({
      kind: "ws",
      state: "ready",
      isSilent: false,
      keepAlive: { idle: 60_000, interval: 10_000, count: 3 },
      peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
    expect(eventsOf(facts)).toEqual(["preparing", "ready"]);
    expect(facts.roundTripMs).toBeGreaterThan(0);
    const { tcp: command, open: count } = await monitor.next();
    expect([command, count]).toEqual([`nc 127.0.0.1 ${new URL(tcp).port}`, 1]);
  });

  test("stops answering one connection, and answers it again", async () => {
    const { webSocket } = await serve();
    const monitor = new Monitor(webSocket);
    const socket = await open(`${webSocket}?as=page-1`);
    const { id } = await monitor.shows(({ label }) => label === "page-1");
    monitor.ask({ do: "silence", id, on: true });
    await monitor.shows(({ isSilent }) => isSilent);
    const other = await open(webSocket);
    let heard = 0;
    socket.on("message", () => heard++);
    socket.send("anybody?");
    // What another one says after it is answered: it would have been as well.
    other.send("and me?");
    await once(other, "message");
    expect(heard).toBe(0);
    monitor.ask({ do: "silence", id, on: false });
    await once(socket, "message");
    const facts = await monitor.shows(({ isSilent, label }) => !isSilent && label === "page-1");
    expect(eventsOf(facts)).toEqual(["preparing", "ready", "not answering", "answering"]);
  });

  test("closes a connection, whose end stays to be seen", async () => {
    const { webSocket } = await serve();
    const monitor = new Monitor(webSocket);
    const socket = await open(`${webSocket}?as=page-1`);
    const { id } = await monitor.shows(({ label }) => label === "page-1");
    monitor.ask({ do: "close", id });
    expect((await once(socket, "close"))[0]).toBe(1_000);
    const facts = await monitor.shows(({ isOver }) => isOver);
    expect(facts.history.at(-1)).toMatchObject({ event: "closed", note: "1000" });
  });

  test("is refused to a page from elsewhere, which may have the echo", async () => {
    const { webSocket } = await serve();
    const origin = "http://evil.test";
    const socket = new WS(`${webSocket}monitor`, { origin });
    socket.on("error", () => {});
    cleanUps.push(() => socket.terminate());
    const [, response] = await once(socket, "unexpected-response");
    expect(response.statusCode).toBe(403);
    await open(webSocket, { origin });
  });

  test("ignores what is no command", async () => {
    const { webSocket } = await serve();
    const monitor = new Monitor(webSocket);
    await once(monitor.socket, "open");
    for (const text of [
      "{",
      "[]",
      '{"do":"close","id":99}',
      '{"do":"silence","id":99,"on":true}',
    ]) {
      monitor.socket.send(text);
    }
    expect((await monitor.next()).connections).toEqual([]);
  });
});

describe("a client of hawser's own", () => {
  test("B14: notices by its heartbeat that the server does not answer any more", async () => {
    const { webSocket } = await serve();
    const monitor = new Monitor(webSocket);
    await once(monitor.socket, "open");
    monitor.ask({ do: "client" });
    const client = await monitor.shows(({ kind }) => kind === "client");
    expect(client).toMatchObject({ label: "client-1", heartbeat: { interval: 1_000 } });
    const server = await monitor.shows(({ kind, label }) => kind === "ws" && label === "client-1");
    monitor.ask({ do: "silence", id: server.id, on: true });
    const failed = await monitor.shows(
      ({ kind, state }) => kind === "client" && state === "failed",
    );
    expect(failed.history.at(-1)).toMatchObject({ event: "failed", note: "HEARTBEAT_TIMEOUT" });
    // The server's end, which is answered again, comes to its own.
    await monitor.shows(({ id, isOver }) => id === server.id && isOver);
  });

  test("there are four at most", async () => {
    const { webSocket } = await serve();
    const monitor = new Monitor(webSocket);
    await once(monitor.socket, "open");
    for (let n = 0; n < 6; n++) monitor.ask({ do: "client" });
    await monitor.shows(({ label, kind }) => label === "client-4" && kind === "client");
    const { connections } = await monitor.next();
    expect(connections.filter(({ kind }) => kind === "client")).toHaveLength(4);
  });
});

test("close() ends each WebSocket with 1001, one that is not answered as well", async () => {
  const { service, webSocket } = await serve();
  const monitor = new Monitor(webSocket);
  const sockets = [await open(`${webSocket}?as=page-1`), await open(webSocket)];
  const { id } = await monitor.shows(({ label }) => label === "page-1");
  monitor.ask({ do: "silence", id, on: true });
  await monitor.shows(({ isSilent }) => isSilent);
  const codes = [...sockets, monitor.socket].map(
    async (socket) => (await once(socket, "close"))[0],
  );
  expect(await service.close(5_000)).toBe(0);
  expect(await Promise.all(codes)).toEqual([1_001, 1_001, 1_001]);
});

describe.skipIf(!hasOpenssl)(`--tls${hasOpenssl ? "" : " (skipped: no openssl)"}`, () => {
  test("serves page, WebSocket and stream over TLS, and its own clients", async () => {
    const { page, webSocket, tcp } = await serve("--tls");
    expect([page, webSocket, tcp].map((url) => url.replace(/\d+/, "N"))).toEqual([
      "https://localhost:N/",
      "wss://localhost:N/",
      "tls://localhost:N",
    ]);
    const monitor = new Monitor(webSocket);
    const stream = tls.connect({
      port: Number(new URL(tcp).port),
      host: "localhost",
      rejectUnauthorized: false,
    });
    cleanUps.push(() => stream.destroy());
    stream.write("over TLS");
    expect(String((await once(stream, "data"))[0])).toBe("over TLS");
    monitor.ask({ do: "client" });
    const kinds = new Set<string>();
    await monitor.shows(({ kind, roundTripMs }) => {
      if (roundTripMs !== null) kinds.add(kind);
      return kinds.size === 3;
    });
    expect([...kinds].sort()).toEqual(["client", "tls", "wss"]);
    expect((await monitor.next()).tcp).toMatch(/^openssl s_client -connect localhost:\d+$/);
  });
});
