// How TLS ends, in the middle, by the rules and against them; and handshakes that fail.

import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import { describe, expect, it } from "vitest";
import { connect } from "../../lib/index.ts";
import {
  certificates,
  cleanUps,
  dial,
  echo,
  failure,
  hasOpenssl,
  nodeServer,
  useCertificates,
} from "./support.ts";

useCertificates();

describe.skipIf(!hasOpenssl)("tls: (skipped without openssl)", () => {
  describe("how it ends", () => {
    it("B15 B48 close_notify is one end after all data", async () => {
      const port = await nodeServer(certificates.server, (socket) => {
        // node:tls leaves close_notify out where it ends while a record is on its way.
        socket.write("all of it", () => setImmediate(() => socket.end()));
      });
      const client = await dial(`tls://localhost:${port}`);
      expect(String(await client.receive({ min: 9 }))).toBe("all of it");
      expect(await client.receive()).toBeNull();
      expect(await client.receive()).toBeNull();
      expect(await client.closed).toMatchObject({ error: null, initiator: "peer" });
    });

    /** Sends a part and then FIN, without close_notify. */
    async function rudeServer(part: string | Buffer = "a part"): Promise<`tls://${string}`> {
      const server = net.createServer((socket) => {
        const secure = new tls.TLSSocket(socket, {
          isServer: true,
          secureContext: tls.createSecureContext(certificates.server),
        });
        secure.on("error", () => {});
        secure.on("secure", () => secure.write(part, () => socket.end()));
      });
      server.listen(0, "localhost");
      await once(server, "listening");
      cleanUps.push(() => server.close());
      return `tls://localhost:${(server.address() as AddressInfo).port}`;
    }

    it("B48 FIN without close_notify is an error after all data, not an end", async () => {
      const client = await dial(await rudeServer());
      expect(String(await client.receive())).toBe("a part");
      const error = await failure(client.receive());
      expect(error).toMatchObject({ code: "ERR_HAWSER_TLS_TRUNCATED", phase: "open" });
      expect(await client.closed).toMatchObject({ error, initiator: "peer" });
    });

    it("B22 B48 a reader who is slow gets all data before that error", async () => {
      const size = 400_000;
      const client = await dial(
        await rudeServer(Buffer.alloc(size, 5)),
        {},
        { receiveHighWaterMark: 1 },
      );
      let read = 0;
      const error = await failure(
        (async () => {
          for (;;) {
            const bytes = await client.receive();
            if (bytes === null) return;
            read += bytes.length;
            await new Promise((resolve) => setTimeout(resolve, 2));
          }
        })(),
      );
      expect([error.code, read]).toEqual(["ERR_HAWSER_TLS_TRUNCATED", size]);
    });

    it("B48 with requireCloseNotify: false it is an end", async () => {
      const client = await dial(await rudeServer(), { requireCloseNotify: false });
      expect(String(await client.receive())).toBe("a part");
      expect(await client.receive()).toBeNull();
      expect(await client.closed).toMatchObject({ error: null, initiator: "peer" });
    });

    it("B48 our close_notify leaves before FIN", async () => {
      const ends: string[] = [];
      const port = await nodeServer({ ...certificates.server, allowHalfOpen: true }, (socket) => {
        socket.resume();
        socket.on("end", () => {
          ends.push("end");
          socket.end();
        });
      });
      const client = await dial(`tls://localhost:${port}`);
      expect((await client.close()).error).toBeNull();
      expect(ends).toEqual(["end"]);
    });

    it("B18 close() against a peer that leaves without close_notify is clean", async () => {
      const port = await nodeServer(certificates.server, (socket) => {
        socket.on("data", () => {});
        socket.on("end", () => socket.destroy());
      });
      const client = await dial(`tls://localhost:${port}`);
      await client.send("last words");
      const { error } = await client.close();
      expect(error?.code ?? null).toBe(null);
    });

    it.each([1, 65_536])(
      "B22 what came before a reset is read before it, with a mark of %d",
      async (receiveHighWaterMark) => {
        const size = 60_000;
        let carrier: net.Socket | undefined;
        const port = await nodeServer(certificates.server, (socket) => {
          carrier = Reflect.get(socket, "_parent") as net.Socket;
          socket.write(Buffer.alloc(size, 6));
        });
        const client = await dial(`tls://localhost:${port}`, {}, { receiveHighWaterMark });
        // The kernel here has all of it, and the reset, before anything is looked at.
        client.pause();
        await expect.poll(() => carrier?.writableLength).toBe(0);
        await new Promise((resolve) => setTimeout(resolve, 50));
        carrier?.resetAndDestroy();
        await new Promise((resolve) => setTimeout(resolve, 50));
        client.resume();
        let read = 0;
        const error = await failure(
          (async () => {
            for (;;) read += ((await client.receive()) as Buffer).length;
          })(),
        );
        expect([error.code, read]).toEqual(["ECONNRESET", size]);
      },
    );

    it("a reset in the middle is ECONNRESET", async () => {
      const { url, connections } = await echo();
      const client = await dial(url);
      await expect.poll(() => connections.length).toBe(1);
      connections[0]?.abort();
      expect(await failure(client.receive())).toMatchObject({ code: "ECONNRESET", phase: "open" });
    });

    it("a record that was tampered with fails the connection", async () => {
      const { port } = await echo();
      let up: net.Socket | undefined;
      const proxy = net.createServer((down) => {
        up = net.connect(port, "127.0.0.1");
        down.pipe(up);
        up.pipe(down);
        down.on("error", () => {});
        up.on("error", () => {});
      });
      proxy.listen(0, "127.0.0.1");
      await once(proxy, "listening");
      cleanUps.push(() => proxy.close());
      const client = await dial(`tls://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
      await client.send("x");
      await client.receive();
      // A record of application data that nobody has encrypted.
      up?.emit("data", Buffer.from([0x17, 3, 3, 0, 20, ...Array(20).fill(7)]));
      const error = await failure(client.receive());
      expect(error.code).toBe("ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC");
      expect((await client.closed).error?.code).toBe(error.code);
    });
  });

  describe("a handshake that fails", () => {
    async function plainServer(serve: (socket: net.Socket) => void): Promise<number> {
      const server = net.createServer((socket) => {
        socket.on("error", () => {});
        serve(socket);
        cleanUps.push(() => socket.destroy());
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      cleanUps.push(() => server.close());
      return (server.address() as AddressInfo).port;
    }

    it("B2 connectTimeout covers it, and the error says tls", async () => {
      const port = await plainServer((socket) => socket.resume());
      const started = performance.now();
      const connecting = connect(`tls://127.0.0.1:${port}`, { connectTimeout: 150 });
      expect(await failure(connecting)).toMatchObject({
        code: "ETIMEDOUT",
        phase: "tls",
        reason: "CONNECT_TIMEOUT",
      });
      expect(performance.now() - started).toBeGreaterThan(140);
      expect(performance.now() - started).toBeLessThan(250);
    });

    it("a signal ends it with its reason, and the peer sees the end", async () => {
      let seen: Promise<unknown> | undefined;
      const stop = new AbortController();
      const port = await plainServer((socket) => {
        socket.resume();
        seen = new Promise((resolve) => socket.once("close", resolve));
        setImmediate(() => stop.abort(new Error("enough")));
      });
      const connecting = connect(`tls://127.0.0.1:${port}`, { signal: stop.signal });
      await expect(connecting).rejects.toThrow("enough");
      await seen;
    });

    it.each([
      ["ends", (socket: net.Socket) => socket.end(), "ECONNRESET"],
      [
        "resets",
        (socket: net.Socket) => void socket.once("data", () => socket.resetAndDestroy()),
        "ECONNRESET",
      ],
      [
        "speaks something else",
        (socket: net.Socket) => socket.end("220 hello\r\n"),
        "ERR_SSL_WRONG_VERSION_NUMBER",
      ],
    ])("a server that %s", async (_what, serve, code) => {
      const port = await plainServer(serve);
      const error = await failure(connect(`tls://127.0.0.1:${port}`));
      expect(error).toMatchObject({ phase: "tls", address: "127.0.0.1", port });
      expect(error.code).toBe(code);
    });

    it("a client that speaks something else is an error, and no connection", async () => {
      const { listener, port, errors, connections } = await echo();
      const socket = net.connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.end("GET / HTTP/1.1\r\n\r\n");
      await expect.poll(() => errors.length).toBe(1);
      expect(errors[0]).toMatchObject({ code: "ERR_SSL_HTTP_REQUEST", phase: "tls" });
      expect(listener.counters).toMatchObject({ accepted: 0, failed: 1 });
      expect(connections).toEqual([]);
    });

    it("B27 a handshake that fails uses up no credit", async () => {
      const { url, port, errors } = await echo(certificates.server, { newConnectionLimit: 1 });
      const socket = net.connect(port, "127.0.0.1").on("error", () => {});
      socket.end("nonsense");
      await expect.poll(() => errors.length).toBe(1);
      const client = await dial(url);
      await client.send("x");
      expect(String(await client.receive())).toBe("x");
    });

    it("close() of the listener ends handshakes that are under way", async () => {
      const { listener, port } = await echo();
      const socket = net.connect(port, "127.0.0.1").on("error", () => {});
      await once(socket, "connect");
      const gone = new Promise((resolve) => socket.once("close", resolve));
      socket.resume();
      await listener.close();
      await gone;
    });
  });
});
