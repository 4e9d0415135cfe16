// How connections end when the peer ends first, against peers that nobody here wrote: Python's
// sockets, node:net, socat.
import { describe, expect, test } from "vitest";
import type { Connection } from "../../lib/index.ts";
import { fingerprint, pattern } from "../support/bytes.ts";
import { deferred, delay, nodeClient, Peer, python, readNode, serve } from "./support.ts";

const HALF_CLOSE = `
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"x" * int(sys.argv[2]))
s.shutdown(socket.SHUT_WR)
data = read_all(s)
say(len(data), hashlib.sha256(data).hexdigest())
`;

describe("the peer ends first", () => {
  test("B15 end is called once, after all data, and then receive() was null for ever", async () => {
    const calls: string[] = [];
    let bytes = 0;
    const over = deferred();
    const listener = await serve({
      open: () => calls.push("open"),
      data: (_c, chunk) => {
        bytes += chunk.length;
        calls.push("data");
      },
      end: () => calls.push("end"),
      close: (_c, error) => {
        calls.push(`close ${error}`);
        over.resolve();
      },
    });
    python(HALF_CLOSE, listener.port, 500_000);
    await over.promise;
    expect(bytes).toBe(500_000);
    expect(calls.filter((one) => one !== "data")).toEqual(["open", "end", "close null"]);
    expect(calls.at(-2)).toBe("end");
  });

  test("B15 null again and again, without another system call", async () => {
    const results: unknown[] = [];
    const over = deferred();
    const listener = await serve({ allowHalfOpen: true }, async (connection) => {
      expect(String(await connection.receive())).toBe("x");
      for (let i = 0; i < 100; i++) results.push(await connection.receive());
      over.resolve();
    });
    const peer = await nodeClient({ port: listener.port, allowHalfOpen: true });
    peer.end("x");
    await over.promise;
    expect(results).toEqual(new Array(100).fill(null));
  });

  test.each(["data callback", "for await", "receive()"])(
    "B16 10 MB sent before the FIN come back whole, by %s",
    async (style) => {
      const echo = async (c: Connection) => {
        for await (const chunk of c) await c.send(chunk);
      };
      const pull = async (c: Connection) => {
        for (let chunk = await c.receive(); chunk !== null; chunk = await c.receive()) {
          await c.send(chunk);
        }
      };
      const listener =
        style === "data callback"
          ? await serve({ data: (c, chunk) => void c.write(chunk) })
          : await serve(undefined, style === "for await" ? echo : pull);
      const bytes = pattern(10_000_000);
      const peer = await nodeClient({
        port: listener.port,
        host: "127.0.0.1",
        allowHalfOpen: true,
      });
      const received = readNode(peer);
      peer.end(bytes);
      expect(fingerprint(await received)).toBe(fingerprint(bytes));
    },
  );

  test("B16 socat gets back what it sent", async () => {
    const listener = await serve({ data: (c, chunk) => void c.write(chunk) });
    const peer = new Peer("socat", ["-t", "10", "-", `TCP4:127.0.0.1:${listener.port}`]);
    peer.child.stdin?.end("over socat\n");
    expect(await peer.line()).toBe("over socat");
    expect(await peer.exit).toBe(0);
  });

  test("B16 our FIN follows in the turn after the end callback, and the answer before it", async () => {
    const listener = await serve({
      data: () => {},
      end: (connection) => void connection.write("farewell"),
    });
    const peer = await nodeClient({ port: listener.port, allowHalfOpen: true });
    peer.end("x");
    const start = performance.now();
    expect(String(await readNode(peer))).toBe("farewell");
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  test("B16 what an application writes in the microtasks after the end still goes out", async () => {
    const listener = await serve(undefined, async (connection) => {
      let bytes = 0;
      for await (const chunk of connection) bytes += chunk.length;
      await null;
      await connection.send(`${bytes} bytes`);
    });
    const peer = await nodeClient({ port: listener.port, allowHalfOpen: true });
    peer.end("12345");
    expect(String(await readNode(peer))).toBe("5 bytes");
  });

  test("B16 a connection that nobody reads closes by itself", async () => {
    const closed = deferred<unknown>();
    const listener = await serve({
      open: () => {},
      close: (_c, error) => closed.resolve(error),
    });
    const peer = await nodeClient({ port: listener.port, allowHalfOpen: true });
    peer.end();
    expect(await closed.promise).toBeNull();
    expect(String(await readNode(peer))).toBe("");
  });

  test("B16 with unread bytes it closes by itself after closeTimeout, which stay readable", async () => {
    const opened = deferred<Connection>();
    const listener = await serve({ open: opened.resolve, closeTimeout: 150 });
    const peer = await nodeClient({ port: listener.port, allowHalfOpen: true });
    peer.end("unread");
    const start = performance.now();
    const connection = await opened.promise;
    const { error, initiator } = await connection.closed;
    expect([error, initiator]).toEqual([null, "peer"]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(145);
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(String(await connection.receive())).toBe("unread");
    expect(await connection.receive()).toBeNull();
  });

  test("B16 an application between two reads may still answer", async () => {
    const listener = await serve(undefined, async (connection) => {
      const request = await connection.receive();
      // The peer's FIN comes here, and nothing is unread.
      await delay(100);
      await connection.send(`answer to ${request}`);
    });
    const peer = await nodeClient({ port: listener.port, allowHalfOpen: true });
    peer.end("question");
    expect(String(await readNode(peer))).toBe("answer to question");
  });

  test("B16 allowHalfOpen keeps the sending side open until shutdown()", async () => {
    const listener = await serve({ allowHalfOpen: true }, async (connection) => {
      for await (const _ of connection);
      await delay(50);
      await connection.send("later");
      await connection.shutdown();
      expect((await connection.closed).error).toBeNull();
    });
    const peer = await nodeClient({ port: listener.port, allowHalfOpen: true });
    peer.end("x");
    expect(String(await readNode(peer))).toBe("later");
  });

  test("B17 no reset follows when the peer closes and is gone at once", async () => {
    const over = deferred<unknown>();
    const listener = await serve({
      keepAlive: { idle: 1_000, interval: 1_000, count: 1 },
      data: () => {},
      close: (_c, error) => over.resolve(error),
    });
    const peer = python(
      `s = socket.create_connection(("127.0.0.1", int(sys.argv[1]))); s.sendall(b"x"); s.close()`,
      listener.port,
    );
    expect(await peer.exit).toBe(0);
    expect(await over.promise).toBeNull();
  });

  test("B15 end waits for what is held by pause(), and comes once after resume()", async () => {
    const calls: string[] = [];
    const opened = deferred<Connection>();
    const over = deferred();
    const listener = await serve({
      open: (c) => {
        c.pause();
        opened.resolve(c);
      },
      data: (_c, chunk) => calls.push(String(chunk)),
      end: () => calls.push("end"),
      close: () => over.resolve(),
    });
    const peer = await nodeClient({ port: listener.port, allowHalfOpen: true });
    peer.end("held");
    const connection = await opened.promise;
    await delay(50);
    expect(calls).toEqual([]);
    connection.resume();
    await over.promise;
    expect(calls).toEqual(["held", "end"]);
  });

  test("with allowHalfOpen a reset behind the peer's end is told, without a write", async () => {
    const ended = deferred<Connection>();
    const over = deferred<unknown>();
    const listener = await serve({
      allowHalfOpen: true,
      data: () => {},
      end: (connection) => ended.resolve(connection),
      close: (_c, error) => over.resolve(error),
    });
    const peer = await nodeClient({ port: listener.port, allowHalfOpen: true });
    peer.resume().end("x");
    await ended.promise;
    peer.resetAndDestroy();
    // What Linux calls a reset behind a FIN.
    const code = expect.stringMatching(/^(?:EPIPE|ECONNRESET)$/);
    expect(await over.promise).toMatchObject({ code });
  });

  test("B17 without it such a reset is no news: what is unread is delivered, then the end", async () => {
    const opened = deferred<Connection>();
    const listener = await serve({ open: (connection) => opened.resolve(connection) });
    const peer = await nodeClient({ port: listener.port, allowHalfOpen: true });
    peer.end("unread");
    const connection = await opened.promise;
    expect(String(await connection.receive({ min: 6 }))).toBe("unread");
    await delay(20);
    peer.resetAndDestroy();
    await delay(50);
    expect(connection.state).toBe("ready");
    expect(await connection.receive()).toBeNull();
    expect((await connection.closed).error).toBeNull();
  });
});
