// listen({ fd }): what a descriptor has to be, what is made of it, and whose it stays. Services
// that are passed one: activation.test.ts.
import { once } from "node:events";
import { closeSync, existsSync, fstatSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createServer as createHttpServer } from "../../lib/http.ts";
import {
  type Connection,
  connect,
  counters,
  DatagramSocket,
  type DescriptorEndpoint,
  getOption,
  ListenSocket,
  Listener,
  listen,
  StreamSocket,
  WebSocketListener,
} from "../../lib/index.ts";
import { hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { afterTest, closing, deferred, ending, nodeClient, temporaryFolder } from "./support.ts";

const HOST = "127.0.0.1";

/** A socket that listens, of somebody else's. */
function opened(backlog = 16): { socket: ListenSocket; fd: number; port: number } {
  const socket = new ListenSocket({ family: "IPv4" });
  afterTest(() => socket.close());
  socket.bind({ address: HOST, port: 0 });
  socket.listen(backlog);
  return { socket, fd: socket.fd, port: socket.localAddress?.port as number };
}

const echo = { data: (connection: Connection, bytes: Buffer) => void connection.write(bytes) };

async function answer(port: number | undefined, text = "hello"): Promise<string> {
  const peer = await nodeClient({ port: port as number, host: HOST });
  peer.write(text);
  const [bytes] = await once(peer, "data");
  peer.end();
  return String(bytes);
}

describe("a listening descriptor", () => {
  test("serves, and tells its address", async () => {
    const { fd, port } = opened();
    const listener = closing(await listen({ fd }, echo));
    expect(listener).toBeInstanceOf(Listener);
    expect(listener.address).toEqual({ address: HOST, family: "IPv4", port });
    expect(listener.addresses).toEqual([listener.address]);
    expect(listener.port).toBe(port);
    expect(await answer(port)).toBe("hello");
  });

  test("of node:net serves as well", async () => {
    const server = createServer().listen(0, HOST);
    await once(server, "listening");
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const listener = closing(await listen({ fd }, echo));
    server.close();
    expect(await answer(listener.port)).toBe("hello");
  });

  test("stays the caller's: close() closes a duplicate, and the socket goes on listening", async () => {
    const { fd, port } = opened();
    const first = await listen({ fd }, echo);
    expect(first.fd).not.toBe(fd);
    await first.close();
    expect(fstatSync(fd).isSocket()).toBe(true);
    // It waits in the kernel for who comes next.
    const waiting = answer(port);
    closing(await listen({ fd }, echo));
    expect(await waiting).toBe("hello");
  });

  test("keeps its connections to itself when its owner closes it", async () => {
    const { socket, fd, port } = opened();
    closing(await listen({ fd }, echo));
    await socket.close();
    expect(await answer(port)).toBe("hello");
  });

  test("of a Unix path says so, and leaves the file alone", async () => {
    const path = join(temporaryFolder(), "a.sock");
    const socket = new ListenSocket({ family: "unix" });
    afterTest(() => socket.close());
    socket.bind({ path });
    socket.listen();
    const accepted = deferred<Connection>();
    const listener = await listen({ fd: socket.fd }, { open: accepted.resolve });
    expect([listener.port, listener.address]).toEqual([
      undefined,
      { address: path, family: "unix", port: 0 },
    ]);
    const client = ending(await connect(`unix:${path}`));
    expect((await accepted.promise).transport).toBe("unix");
    client.abort();
    await listener.close({ timeout: 0 });
    expect(existsSync(path)).toBe(true);
  });

  test("drained by one of two: its connection goes on, and the other has the new ones", async () => {
    const { fd, port } = opened();
    const accepted = deferred<Connection>();
    const leaving = await listen({ fd }, { ...echo, open: accepted.resolve });
    const peer = await nodeClient({ port, host: HOST });
    await accepted.promise;
    const staying = closing(await listen({ fd }, echo));
    const closed = leaving.close({ drain: true });
    expect(await answer(port)).toBe("hello");
    peer.write("still");
    expect(String((await once(peer, "data"))[0])).toBe("still");
    peer.end();
    expect(await closed).toEqual({ error: null, aborted: 0 });
    for (let count = 0; count < 10; count++) expect(await answer(port)).toBe("hello");
    expect(staying.counters.accepted).toBeGreaterThanOrEqual(10);
  });

  test("can be iterated, and closed by a signal", async () => {
    const { fd, port } = opened();
    const stop = new AbortController();
    const listener = closing(await listen({ fd }, { signal: stop.signal }));
    const peer = await nodeClient({ port, host: HOST });
    for await (const connection of listener) {
      expect(connection.remotePort).toBe(peer.localPort);
      connection.abort();
      break;
    }
    stop.abort();
    expect(await listener.closed).toEqual({ error: null, aborted: 0 });
  });

  test("aborted before, it is not touched", async () => {
    const { fd } = opened();
    const before = counters().openSlots;
    const reason = new Error("no");
    await expect(listen({ fd }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(counters().openSlots).toBe(before);
  });
});

describe("protocols over it", () => {
  test("ws: any path is served", async () => {
    const { fd, port } = opened();
    const listener = await listen(
      { fd, transport: "ws" },
      { message: (socket, message) => void socket.write(message) },
    );
    afterTest(() => listener.close({ timeout: 0 }));
    expect(listener).toBeInstanceOf(WebSocketListener);
    const socket = await connect(`ws://${HOST}:${port}/any`);
    afterTest(() => socket.abort());
    await socket.send("hello");
    expect(await socket.receive()).toBe("hello");
  });

  const withoutOpenssl = hasOpenssl ? "" : " (skipped: no openssl)";
  test.skipIf(!hasOpenssl)(`tls and wss${withoutOpenssl}`, async () => {
    const { server } = makeCertificates();
    const tls = { key: server.key, cert: server.cert };
    const plain = opened();
    closing(await listen({ fd: plain.fd, transport: "tls" }, { ...echo, tls }));
    const trusting = { tls: { rejectUnauthorized: false } };
    const connection = ending(await connect(`tls://${HOST}:${plain.port}`, trusting));
    await connection.send("hello");
    expect(String(await connection.receive())).toBe("hello");
    const web = opened();
    const open = (socket: { write(text: string): boolean }) => void socket.write("hello");
    const listener = await listen({ fd: web.fd, transport: "wss" }, { open, tls });
    afterTest(() => listener.close({ timeout: 0 }));
    const socket = await connect(`wss://${HOST}:${web.port}`, trusting);
    afterTest(() => socket.abort());
    expect(await socket.receive()).toBe("hello");
  });

  test("http", async () => {
    const { fd, port } = opened();
    const server = createHttpServer((_, response) => response.end("page"));
    afterTest(() => server.close({ timeout: 0 }));
    await server.listen({ fd });
    expect(await (await fetch(`http://${HOST}:${port}/`)).text()).toBe("page");
  });
});

describe("options", () => {
  test("what connections inherit holds for those it accepts (B13)", async () => {
    const { fd, port } = opened();
    const accepted = deferred<Connection>();
    closing(
      await listen(
        { fd },
        {
          open: accepted.resolve,
          keepAlive: { idle: 7_000, interval: 2_000, count: 4 },
          socketOptions: { SO_OOBINLINE: true },
        },
      ),
    );
    await nodeClient({ port, host: HOST });
    const connection = await accepted.promise;
    const options = ["SO_KEEPALIVE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "SO_OOBINLINE"] as const;
    expect(options.map((name) => connection.getOption(name))).toEqual([true, 2, 4, true]);
  });

  test.runIf(process.platform === "linux")(
    "backlog: not given it stays as it is, given it changes the socket's",
    async () => {
      const { fd } = opened(23);
      // On a listener this counter is its backlog (tcp(7)).
      const backlog = () => getOption({ fd }, "TCP_INFO").sackedSegments;
      expect(backlog()).toBe(23);
      closing(await listen({ fd }, echo));
      expect(backlog()).toBe(23);
      closing(await listen({ fd }, { ...echo, backlog: 42 }));
      expect(backlog()).toBe(42);
    },
  );

  test.each([
    { family: 4 },
    { interface: "lo" },
    { ipv6Only: true },
    { lookup() {} },
    { reusePort: true },
  ] as const)("%j comes too late for a bound socket: a TypeError", async (option) => {
    const { fd } = opened();
    const before = counters().openSlots;
    const refused = listen({ fd }, { ...echo, ...(option as object) });
    await expect(refused).rejects.toThrow(/must be left out with \{ fd \}/);
    await expect(refused).rejects.toBeInstanceOf(TypeError);
    expect(counters().openSlots).toBe(before);
  });

  test("one that the kernel refuses leaves nothing open", async () => {
    const { fd } = opened();
    const before = counters().openSlots;
    const socketOptions = { TCP_CONGESTION: "none-such" };
    await expect(listen({ fd }, { ...echo, socketOptions })).rejects.toMatchObject({
      code: "ENOENT",
    });
    expect(counters().openSlots).toBe(before);
  });
});

describe("a descriptor that is none for it", () => {
  const refusal = async (fd: number) => {
    const before = counters().openSlots;
    const error = await listen({ fd }, echo).catch((reason) => reason);
    expect(counters().openSlots).toBe(before);
    return error as Error & { code: string };
  };

  test("B54 closed, no socket, not listening: the error says so", async () => {
    const file = openSync("/dev/null", "r");
    afterTest(() => closeSync(file));
    const bound = new ListenSocket({ family: "IPv4" });
    const connected = new StreamSocket({ family: "IPv4" });
    afterTest(() => Promise.all([bound.close(), connected.close()]));
    bound.bind({ address: HOST, port: 0 });
    const cases = [
      [1_000_000, "EBADF", /fd:1000000: this process has no such descriptor/],
      [file, "ENOTSOCK", /no socket/],
      [bound.fd, "EINVAL", /does not listen/],
      [connected.fd, "EINVAL", /does not listen/],
    ] as const;
    for (const [fd, code, text] of cases) {
      expect(await refusal(fd)).toMatchObject({ code, message: expect.stringMatching(text) });
    }
  });

  test("B54 UDP, or messages over a connection: the error says who takes it", async () => {
    const datagrams = new DatagramSocket({ family: "IPv4" });
    afterTest(() => datagrams.close());
    const error = await refusal(datagrams.fd);
    expect(error).toMatchObject({
      code: "EPROTOTYPE",
      message: expect.stringContaining("DatagramSocket (UDP)"),
    });
    if (process.platform !== "linux") return;
    const messages = new ListenSocket({ family: "unix", type: "seqpacket" });
    afterTest(() => messages.close());
    messages.bind({ path: join(temporaryFolder(), "m.sock") });
    messages.listen();
    expect(await refusal(messages.fd)).toMatchObject({ code: "EPROTOTYPE" });
  });

  test.each([
    [{ fd: "3" }, /"endpoint.fd" must be/],
    [{ fd: -1 }, /"endpoint.fd"/],
    [{ fd: 3, port: 80 }, /fd alone/],
    [{ fd: 3, path: "/run/s" }, /fd alone/],
    [{ fd: 3, transport: "udp" }, /transport/],
    [{ fd: 3, transport: "unix" }, /transport/],
  ])("%j is a wrong argument", async (endpoint, text) => {
    const wrong = listen(endpoint as unknown as DescriptorEndpoint, echo);
    await expect(wrong).rejects.toThrow(text as RegExp);
    await expect(wrong).rejects.not.toHaveProperty("syscall");
  });

  test("to connect to it is a TypeError that says what takes a connected one", async () => {
    const { fd } = opened();
    await expect(connect({ fd } as never)).rejects.toThrow(/StreamSocket\.adopt/);
  });
});
