// TLS connections and listeners against node:tls: what is negotiated, verified, and how it ends.

import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import { X509Certificate } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Connection, connect, HawserError, listen } from "../../lib/index.ts";
import type { ListenOptions, TlsInfo, TlsOptions } from "../../lib/net/types.ts";
import { type Certificates, hasOpenssl, makeCertificates } from "../adapters/certificates.ts";

let certificates: Certificates;
const cleanUps: (() => unknown)[] = [];
beforeAll(() => {
  if (hasOpenssl) certificates = makeCertificates();
});
afterAll(() => certificates?.remove());
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** A listener that echoes, its errors, and its connections. */
async function echo(options: TlsOptions = certificates.server, more: ListenOptions = {}) {
  const errors: HawserError[] = [];
  const connections: Connection[] = [];
  const listener = await listen("tls://localhost:0", {
    ...more,
    tls: options,
    error: (_listener, error) => errors.push(error),
    open: (connection) => connections.push(connection),
    data: (connection, bytes) => connection.write(bytes),
  });
  cleanUps.push(() => listener.close({ timeout: 0 }));
  const port = listener.port as number;
  return { listener, port, errors, connections, url: `tls://localhost:${port}` as const };
}

async function dial(url: `tls://${string}`, options: TlsOptions = {}): Promise<Connection> {
  const connection = await connect(url, { tls: { ca: certificates.ca, ...options } });
  cleanUps.push(() => connection.abort());
  return connection;
}

async function nodeServer(
  options: tls.TlsOptions,
  serve: (socket: tls.TLSSocket) => void,
): Promise<number> {
  const server = tls.createServer(options, (socket) => {
    socket.on("error", () => {});
    serve(socket);
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "localhost");
  await once(server, "listening");
  cleanUps.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable("it succeeded"),
    (error: HawserError) => error,
  );

describe.skipIf(!hasOpenssl)("tls: (skipped without openssl)", () => {
  describe("what is negotiated", () => {
    it("B51 protocol, cipher, name and application protocol are reported on both sides", async () => {
      const options = { ...certificates.server, alpnProtocols: ["h2", "echo/1"] };
      const { url, connections } = await echo(options);
      const client = await dial(url, { alpnProtocols: ["echo/1"] });
      await client.send("x");
      expect(String(await client.receive())).toBe("x");
      const common = { protocol: "TLSv1.3", alpnProtocol: "echo/1", servername: "localhost" };
      expect(client.tls).toMatchObject({ ...common, authorized: true, authorizationError: null });
      expect(connections[0]?.tls).toMatchObject({ ...common, authorized: false });
      expect(client.tls?.cipher).toMatch(/^TLS_/);
      expect([client.transport, connections[0]?.transport]).toEqual(["tls", "tls"]);
    });

    it("B2 the establishment report has the phase tls", async () => {
      const { url } = await echo();
      const { establishmentReport } = await dial(url);
      expect(establishmentReport?.phases.map(({ phase }) => phase)).toEqual([
        "resolve",
        "connect",
        "tls",
      ]);
      expect(establishmentReport?.phases.every(({ durationMs }) => durationMs >= 0)).toBe(true);
    });

    it("B51 without a common application protocol the handshake fails on both sides", async () => {
      const { url, errors } = await echo({ ...certificates.server, alpnProtocols: ["h2"] });
      const error = await failure(dial(url, { alpnProtocols: ["echo/1"] }));
      expect(error).toMatchObject({
        code: "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
        phase: "tls",
      });
      await expect.poll(() => errors.length).toBe(1);
      expect(errors[0]).toMatchObject({ phase: "tls" });
    });

    it("B51 SNICallback chooses the certificate by the name that is asked for", async () => {
      const asked: string[] = [];
      const { url } = await echo({
        ...certificates.server,
        SNICallback(name, answer) {
          asked.push(name);
          answer(
            null,
            name === "other.test" ? tls.createSecureContext(certificates.other) : undefined,
          );
        },
      });
      const other = await dial(url, { servername: "other.test" });
      expect(other.tls?.servername).toBe("other.test");
      expect(other.tls?.presentedChain[0]).toEqual(der(certificates.other.cert));
      const usual = await dial(url);
      expect(usual.tls?.presentedChain[0]).toEqual(der(certificates.server.cert));
      expect(asked).toEqual(["other.test", "localhost"]);
    });

    it("an address asks for no name, and is verified by the certificate's addresses", async () => {
      const { port } = await echo();
      const client = await dial(`tls://127.0.0.1:${port}`);
      expect(client.tls).toMatchObject({ servername: null, authorized: true });
    });

    it("minVersion and maxVersion hold", async () => {
      const { url } = await echo({ ...certificates.server, maxVersion: "TLSv1.2" });
      expect((await dial(url)).tls?.protocol).toBe("TLSv1.2");
      expect(await failure(dial(url, { minVersion: "TLSv1.3" }))).toMatchObject({ phase: "tls" });
    });

    it("B51 a session is resumed, in TLS 1.3 and 1.2", async () => {
      for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
        const { url } = await echo({ ...certificates.server, maxVersion });
        const first = await dial(url);
        await first.send("x");
        await first.receive();
        await expect.poll(() => first.tls?.session ?? null).not.toBeNull();
        const session = first.tls?.session as Buffer;
        expect(first.tls?.sessionReused).toBe(false);
        const second = await dial(url, { session });
        expect(second.tls?.sessionReused).toBe(true);
        await second.send("again");
        expect(String(await second.receive())).toBe("again");
      }
    });
  });

  describe("who the peer is", () => {
    it("B49 presentedChain is what the peer sent, verifiedChain goes up to the root", async () => {
      const { url } = await echo();
      const { tls: info } = await dial(url);
      const [leaf, root] = [der(certificates.server.cert), der(certificates.ca)];
      const intermediate = der(certificates.intermediate);
      expect(info?.presentedChain).toEqual([leaf, intermediate]);
      expect(info?.verifiedChain).toEqual([leaf, intermediate, root]);
    });

    it("B49 a certificate that proves nothing is presented as it was sent", async () => {
      const { url } = await echo(certificates.stranger);
      const { tls: info } = await dial(url, { rejectUnauthorized: false });
      expect(info).toMatchObject({ authorized: false, verifiedChain: null });
      expect(info?.authorizationError).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
      expect(info?.presentedChain).toEqual([der(certificates.stranger.cert)]);
    });

    it.each([
      ["unknown", "stranger", {}, "DEPTH_ZERO_SELF_SIGNED_CERT"],
      ["for another name", "other", {}, "ERR_TLS_CERT_ALTNAME_INVALID"],
      [
        "for another name than servername",
        "server",
        { servername: "x.test" },
        "ERR_TLS_CERT_ALTNAME_INVALID",
      ],
    ] as const)(
      "B54 a certificate that is %s fails connect()",
      async (_what, who, options, code) => {
        const { url, port, errors, connections } = await echo(certificates[who]);
        const error = await failure(dial(url, options));
        expect(error).toBeInstanceOf(HawserError);
        expect(error).toMatchObject({ code, phase: "tls", port });
        expect(error.cause).toBeInstanceOf(Error);
        await expect.poll(() => connections.length + errors.length).toBe(1);
      },
    );

    it("B51 client certificates: asked for, verified, reported", async () => {
      const asking = { ...certificates.server, ca: certificates.ca, requestCert: true };
      const { url, connections, errors } = await echo({ ...asking, rejectUnauthorized: true });
      const client = await dial(url, certificates.client);
      await client.send("x");
      await client.receive();
      expect(connections[0]?.tls).toMatchObject({ authorized: true, authorizationError: null });
      // OpenSSL adds what it finds in the client's own store.
      expect(connections[0]?.tls?.presentedChain[0]).toEqual(der(certificates.client.cert));
      for (const identity of [{}, certificates.stranger]) {
        const refused = await dial(url, identity).catch((error: HawserError) => error);
        if (!(refused instanceof Error)) await refused.closed;
      }
      await expect.poll(() => errors.length).toBe(2);
      expect(errors.map(({ phase }) => phase)).toEqual(["tls", "tls"]);
      expect(connections.length).toBe(1);
    });

    it("B49 verify decides, after the chains are known and before anything is delivered", async () => {
      const seen: TlsInfo[] = [];
      let decide: (accepted: boolean) => void = () => {};
      const port = await nodeServer(certificates.stranger, (socket) => socket.write("early"));
      const connecting = connect(`tls://localhost:${port}`, {
        tls: {
          verify(peer) {
            seen.push(peer);
            return new Promise((resolve) => {
              decide = resolve;
            });
          },
        },
      });
      await expect.poll(() => seen.length).toBe(1);
      expect(seen[0]).toMatchObject({ authorized: false });
      expect(seen[0]?.presentedChain).toEqual([der(certificates.stranger.cert)]);
      decide(true);
      const client = await connecting;
      cleanUps.push(() => client.abort());
      expect(String(await client.receive())).toBe("early");
    });

    it.each([
      ["says no", () => false, "ERR_HAWSER_TLS_REFUSED"],
      ["says no later", () => Promise.resolve(false), "ERR_HAWSER_TLS_REFUSED"],
      ["throws", () => Promise.reject(Object.assign(new Error("e"), { code: "EMINE" })), "EMINE"],
    ])("a verify that %s fails connect()", async (_what, verify, code) => {
      const { url } = await echo();
      expect(await failure(dial(url, { verify }))).toMatchObject({ code, phase: "tls" });
    });
  });

  describe("pre-shared keys", () => {
    const psk = { identity: "device-1", key: Buffer.from("0123456789abcdef") };

    it.each(["TLSv1.3", "TLSv1.2"] as const)(
      "B50 the right key connects (%s)",
      async (maxVersion) => {
        const { url, connections } = await echo({
          maxVersion,
          pskCallback: (identity) => (identity === psk.identity ? psk.key : null),
        });
        const client = await dial(url, { psk });
        await client.send("x");
        expect(String(await client.receive())).toBe("x");
        expect(connections[0]?.tls).toMatchObject({ protocol: maxVersion, presentedChain: [] });
      },
    );

    it.each(["TLSv1.3", "TLSv1.2"] as const)(
      "B50 the right identity with a wrong key fails the handshake (%s)",
      async (maxVersion) => {
        const { url, errors, connections } = await echo({ psk, maxVersion });
        const wrong = { identity: psk.identity, key: Buffer.from("fedcba9876543210") };
        expect(await failure(dial(url, { psk: wrong }))).toMatchObject({ phase: "tls" });
        await expect.poll(() => errors.length).toBe(1);
        expect(connections).toEqual([]);
      },
    );

    it("B50 an unknown identity fails the handshake", async () => {
      const { url } = await echo({ psk });
      const other = { identity: "device-2", key: psk.key };
      expect(await failure(dial(url, { psk: other }))).toMatchObject({ phase: "tls" });
    });
  });

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
    async function rudeServer(): Promise<`tls://${string}`> {
      const server = net.createServer((socket) => {
        const secure = new tls.TLSSocket(socket, {
          isServer: true,
          secureContext: tls.createSecureContext(certificates.server),
        });
        secure.on("error", () => {});
        secure.on("secure", () => secure.write("a part", () => socket.end()));
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
        seen = once(socket, "close");
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

    it("a client that speaks something else is the listener's error, and no connection", async () => {
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

  describe("options", () => {
    it.each([
      [{ ALPNProtocols: ["h2"] }, /alpnProtocols/],
      [{ cret: "x" }, /cert/],
      [{ alpnProtocols: "h2" }, /array/],
      [{ alpnProtocols: [""] }, /1 to 255/],
      [{ requestCert: 1 }, /requestCert/],
      [{ psk: { identity: "a" } }, /psk.key/],
      [{ session: "x" }, /session/],
      [{ verify: true }, /verify/],
    ])("%j is a TypeError", async (options, message) => {
      const connecting = async () => connect("tls://127.0.0.1:1", { tls: options as never });
      const error = await failure(connecting());
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(message);
    });

    it("a certificate that cannot be read fails at once, with phase tls", async () => {
      const broken = { key: certificates.server.key, cert: "-----BEGIN CERTIFICATE-----" };
      const listening = async () => listen("tls://127.0.0.1:0", { tls: broken });
      expect(await failure(listening())).toMatchObject({ phase: "tls" });
    });

    it("tls on an endpoint without TLS is a TypeError that names startTls()", async () => {
      const connecting = async () => connect("tcp://127.0.0.1:1", { tls: {} });
      expect((await failure(connecting())).message).toMatch(/startTls/);
      const listening = async () => listen("tcp://127.0.0.1:0", { tls: {} });
      expect(await failure(listening())).toBeInstanceOf(TypeError);
    });
  });
});

function der(pem: string): Buffer {
  return new X509Certificate(pem).raw;
}
