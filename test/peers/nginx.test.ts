// nginx on the other side: as the server of hawser's clients, and in front of hawser's servers, for
// HTTP with and without TLS, WebSockets, and bare TCP.

import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { buffer, text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Agent, connector, createServer, HttpsAgent, type HttpServer } from "../../lib/http.ts";
import { connect, type Listener, listen, type WebSocketListener } from "../../lib/index.ts";
import { type Certificates, hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { installPeers, peer } from "../adapters/servers.ts";
import { fingerprint, pattern } from "../support/bytes.ts";
import { hasNginx, type Nginx, startNginx } from "./nginx.ts";

const KEPT_UPSTREAM = 4;
const LARGE = pattern(5_000_000);
const hasPeers = installPeers();
const isSkipped = !hasNginx || !hasOpenssl;

describe.skipIf(isSkipped)("nginx (skipped without it, its stream module and openssl)", () => {
  let certificates: Certificates;
  let nginx: Nginx;
  let web: HttpServer;
  let sockets: WebSocketListener;
  let echo: Listener;
  /** What the HTTP server here has seen of nginx. */
  const seen = { ports: new Set<number | undefined>(), encrypted: new Set<unknown>() };

  async function startServers() {
    web = createServer(async (incoming, response) => {
      seen.ports.add(incoming.socket.remotePort);
      seen.encrypted.add(Reflect.get(incoming.socket, "encrypted"));
      const body = await buffer(incoming);
      if (incoming.url === "/slow") await new Promise((resolve) => setTimeout(resolve, 50));
      response.setHeader("x-address", `${incoming.socket.remoteAddress}`);
      response.end(incoming.method === "POST" ? body : `${incoming.url}`);
    });
    const { port: plain } = await web.listen("tcp://127.0.0.1:0");
    const { port: secure } = await web.listen("tls://127.0.0.1:0", { tls: certificates.server });
    sockets = await listen("ws://127.0.0.1:0", {
      message(socket, message) {
        if (message === "leave") void socket.close(4_001, "as asked");
        else socket.write(message);
      },
    });
    echo = await listen("tcp://127.0.0.1:0", async (connection) => {
      for await (const bytes of connection) await connection.send(bytes);
    });
    return { plain, secure, ws: sockets.port, echo: echo.port };
  }

  beforeAll(async () => {
    certificates = makeCertificates();
    const upstream = await startServers();
    // Paths begin from its folder.
    const tls = "ssl_certificate server.crt; ssl_certificate_key server.key;";
    nginx = await startNginx({
      ports: ["plain", "secure", "tcp", "unwrapped", "wrapped"],
      files: {
        "server.crt": certificates.server.cert,
        "server.key": certificates.server.key,
        "root.crt": certificates.ca,
        large: LARGE,
      },
      http: ({ plain, secure }) => `
        upstream hawser { server 127.0.0.1:${upstream.plain}; keepalive ${KEPT_UPSTREAM}; }
        upstream hawser-tls { server 127.0.0.1:${upstream.secure}; keepalive ${KEPT_UPSTREAM}; }
        client_max_body_size 0;
        proxy_http_version 1.1;
        server {
          listen 127.0.0.1:${plain};
          listen 127.0.0.1:${secure} ssl http2;
          ${tls}
          root .;
          location /hello { return 200 "$connection $connection_requests"; }
          location /app/ { proxy_pass http://hawser/; proxy_set_header Connection ""; }
          location /secure-app/ {
            proxy_pass https://hawser-tls/; proxy_set_header Connection "";
            proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_server_name on;
            proxy_ssl_trusted_certificate root.crt;
          }
          location /ws {
            proxy_pass http://127.0.0.1:${upstream.ws}/;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
          }
        }`,
      stream: ({ tcp, unwrapped, wrapped }) => `
        server {
          listen 127.0.0.1:${tcp}; proxy_half_close on; proxy_pass 127.0.0.1:${upstream.echo};
        }
        server {
          listen 127.0.0.1:${unwrapped} ssl; ${tls}
          proxy_pass 127.0.0.1:${upstream.echo};
        }
        server {
          listen 127.0.0.1:${wrapped}; proxy_ssl on; proxy_ssl_name localhost;
          proxy_ssl_server_name on; proxy_pass 127.0.0.1:${upstream.secure};
        }`,
    });
  }, 60_000);

  afterAll(async () => {
    await nginx?.stop();
    await web?.close({ timeout: 0 });
    await sockets?.close({ timeout: 0 });
    await echo?.close({ timeout: 0 });
    certificates?.remove();
  });

  const url = (name: string, path: string) => `http://127.0.0.1:${nginx.ports[name]}${path}`;

  function get(agent: http.Agent, path: string): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      http.get(url("plain", path), { agent }, resolve).on("error", reject);
    });
  }

  function post(agent: http.Agent, path: string, body: Buffer): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { agent, method: "POST" };
      http.request(url("plain", path), options, resolve).on("error", reject).end(body);
    });
  }

  describe("serves hawser's clients", () => {
    it("an Agent uses its connection again", async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const answers = [];
      for (let index = 0; index < 3; index++) answers.push(await text(await get(agent, "/hello")));
      const [connection] = (answers[0] as string).split(" ");
      expect(answers).toEqual([1, 2, 3].map((count) => `${connection} ${count}`));
      agent.destroy();
    });

    it("a file of 5 MB arrives whole", async () => {
      const agent = new Agent();
      expect(fingerprint(await buffer(await get(agent, "/large")))).toBe(fingerprint(LARGE));
    });

    it("HttpsAgent verifies it, and resumes its session", async () => {
      const agent = new HttpsAgent({ ca: certificates.ca });
      const reused: boolean[] = [];
      for (let index = 0; index < 2; index++) {
        const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
          const target = { host: "localhost", port: nginx.ports["secure"], path: "/hello", agent };
          https
            .get(target, resolve)
            .on("error", reject)
            .on("socket", (socket) => {
              socket.once("secureConnect", () => {
                reused.push((socket as import("node:tls").TLSSocket).isSessionReused());
              });
            });
        });
        expect(await text(response)).toMatch(/^\d+ 1$/);
      }
      expect(reused).toEqual([false, true]);
      agent.destroy();
    });

    it.each([["h2"], ["http/1.1"]])(
      "B51 over TLS it chooses %s where that is offered",
      async (one) => {
        const connection = await connect(`tls://localhost:${nginx.ports["secure"]}`, {
          tls: { ca: certificates.ca, alpnProtocols: [one] },
        });
        expect(connection.tls).toMatchObject({ alpnProtocol: one, authorized: true });
        await connection.close();
      },
    );

    it("B15 B48 what it sends before it closes ends with close_notify", async () => {
      const connection = await connect(`tls://localhost:${nginx.ports["secure"]}`, {
        tls: { ca: certificates.ca },
      });
      await connection.send("GET /hello HTTP/1.0\r\nHost: localhost\r\n\r\n");
      let answer = "";
      for await (const bytes of connection) answer += bytes;
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n\d+ 1$/);
      expect(await connection.closed).toMatchObject({ error: null, initiator: "peer" });
    });

    it.skipIf(!hasPeers)("undici, over TLS (skipped without the package)", async () => {
      const { Client } = peer<{ Client: new (origin: string, options: object) => UndiciClient }>(
        "undici",
      );
      const connect = connector({ tls: { ca: certificates.ca } });
      const client = new Client(`https://localhost:${nginx.ports["secure"]}`, { connect });
      const { statusCode, body } = await client.request({ method: "GET", path: "/hello" });
      expect([statusCode, await body.text()]).toEqual([200, expect.stringMatching(/^\d+ 1$/)]);
      await client.close();
    });

    it("an upgrade that it refuses gives its status and its page", async () => {
      const error = await connect(`ws://127.0.0.1:${nginx.ports["plain"]}/missing`).catch(
        (reason) => reason,
      );
      expect(error).toMatchObject({ code: "ERR_HAWSER_UPGRADE_REFUSED", phase: "upgrade" });
      expect(error.response.status).toBe(404);
      expect(error.response.headers.server).toMatch(/^nginx/);
      expect(String(error.response.body)).toContain("404 Not Found");
    });
  });

  describe("in front of hawser's servers", () => {
    it("keeps its upstream connections, and all requests are answered", async () => {
      seen.ports.clear();
      const agent = new Agent({ keepAlive: true, maxSockets: KEPT_UPSTREAM });
      const paths = Array.from({ length: 200 }, (_, index) => `/${index}`);
      const answers = await Promise.all(
        paths.map(async (path) => text(await get(agent, `/app${path}`))),
      );
      expect(answers).toEqual(paths);
      expect(seen.ports.size).toBeLessThanOrEqual(KEPT_UPSTREAM);
      expect(seen.encrypted).toEqual(new Set([undefined]));
      agent.destroy();
    });

    it("over TLS as well, with a certificate that it verifies", async () => {
      seen.ports.clear();
      seen.encrypted.clear();
      const agent = new Agent({ keepAlive: true, maxSockets: KEPT_UPSTREAM });
      for (let index = 0; index < 10; index++) {
        expect(await text(await get(agent, `/secure-app/${index}`))).toBe(`/${index}`);
      }
      expect([seen.ports.size, seen.encrypted]).toEqual([1, new Set([true])]);
      agent.destroy();
    });

    it.each(["/app/", "/secure-app/"])("5 MB up and down through %s", async (path) => {
      const agent = new Agent();
      const response = await post(agent, path, LARGE);
      expect(response.statusCode).toBe(200);
      expect(fingerprint(await buffer(response))).toBe(fingerprint(LARGE));
    });

    it("close() lets the answer under way out, and then it finds nobody (502)", async () => {
      const server = createServer((incoming, response) => {
        setTimeout(() => response.end(`last ${incoming.url}`), 100);
      });
      const { port } = await server.listen("tcp://127.0.0.1:0");
      const other = await startNginx({
        ports: ["plain"],
        http: ({ plain }) => `
          upstream one { server 127.0.0.1:${port} max_fails=0; keepalive 2; }
          server { listen 127.0.0.1:${plain}; location / {
            proxy_pass http://one; proxy_http_version 1.1; proxy_set_header Connection ""; } }`,
        stream: () => "",
      });
      try {
        const at = `http://127.0.0.1:${other.ports["plain"]}/x`;
        const arrived = once(server.server, "request");
        const answer = fetch(at).then((response) => response.text());
        await arrived;
        await server.close({ timeout: 5_000 });
        expect(await answer).toBe("last /x");
        expect((await fetch(at)).status).toBe(502);
      } finally {
        await other.stop();
      }
    });

    it.each(["ws://127.0.0.1", "wss://localhost"] as const)("WebSockets, %s", async (origin) => {
      const isSecure = origin.startsWith("wss:");
      const port = nginx.ports[isSecure ? "secure" : "plain"];
      const tls = isSecure ? { tls: { ca: certificates.ca } } : {};
      const socket = await connect(`${origin}:${port}/ws`, tls);
      for (const message of ["grün", "", Buffer.alloc(0), LARGE]) {
        await socket.send(message);
        const back = await socket.receive();
        expect(typeof back).toBe(typeof message);
        expect(fingerprint(back as string)).toBe(fingerprint(message));
      }
      await socket.send("leave");
      expect(await socket.receive().catch((error) => error.code)).toBe(
        "ERR_HAWSER_WEBSOCKET_CLOSED",
      );
      const ended = { code: 4_001, reason: "as asked", wasClean: true, initiator: "peer" };
      expect(await socket.closed).toMatchObject(ended);
    });

    it("B16 bare TCP: 5 MB and FIN come back whole, through node:net as the client", async () => {
      const socket = net.connect({ port: nginx.ports["tcp"] as number, allowHalfOpen: true });
      socket.end(LARGE);
      expect(fingerprint(await buffer(socket))).toBe(fingerprint(LARGE));
    });

    it("B16 bare TCP: the same with hawser on both sides", async () => {
      const connection = await connect(`tcp://127.0.0.1:${nginx.ports["tcp"]}`);
      const sent = connection.send(LARGE);
      const chunks: Buffer[] = [];
      let size = 0;
      while (size < LARGE.length) {
        const bytes = (await connection.receive()) as Buffer;
        chunks.push(bytes);
        size += bytes.length;
      }
      await sent;
      expect(fingerprint(Buffer.concat(chunks))).toBe(fingerprint(LARGE));
      await connection.shutdown();
      expect(await connection.receive()).toBeNull();
      expect((await connection.closed).error).toBeNull();
    });

    it("TLS that ends at nginx: a hawser client with TLS, a hawser server without", async () => {
      const connection = await connect(`tls://localhost:${nginx.ports["unwrapped"]}`, {
        tls: { ca: certificates.ca },
      });
      await connection.send("through");
      expect(String(await connection.receive({ min: 7 }))).toBe("through");
      // It leaves its own close_notify out here, which a close() does not mind.
      expect((await connection.close()).error).toBeNull();
    });

    it("TLS that begins at nginx: a client without, hawser's server with", async () => {
      const response = await fetch(url("wrapped", "/inside"));
      expect(await response.text()).toBe("/inside");
      expect(response.headers.get("x-address")).toBe("127.0.0.1");
    });
  });
});

interface UndiciClient {
  request(options: object): Promise<{ statusCode: number; body: { text(): Promise<string> } }>;
  close(): Promise<void>;
}
