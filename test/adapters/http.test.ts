// node:http over hawser, with Node's own on the other side, and curl.

import { execFile } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ConnectionDuplex } from "../../lib/adapters/duplex.ts";
import { Agent, createServer, HttpsAgent } from "../../lib/http.ts";
import { foreignEnvironment } from "../support/environment.ts";
import { type Certificates, hasOpenssl, makeCertificates } from "./certificates.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function serve(listener: http.RequestListener, options: http.ServerOptions = {}) {
  const server = createServer(options, listener);
  cleanUps.push(() => server.close({ timeout: 0 }));
  const connections = await server.listen("tcp://127.0.0.1:0");
  const { port } = connections;
  return { server, connections, port: port as number, url: `http://127.0.0.1:${port}/` };
}

function request(url: string, options: http.RequestOptions = {}, body?: string | Buffer) {
  return new Promise<http.IncomingMessage>((resolve, reject) => {
    http.request(url, options, resolve).on("error", reject).end(body);
  });
}

describe("createServer", () => {
  it("answers a node:http client, with body and address", async () => {
    const { url } = await serve(async (incoming, response) => {
      const body = await buffer(incoming);
      response.setHeader("x-from", `${incoming.socket.remoteAddress}`);
      response.end(body.reverse());
    });
    const response = await request(url, { method: "POST" }, Buffer.from("abc"));
    expect(response.headers["x-from"]).toBe("127.0.0.1");
    expect(await text(response)).toBe("cba");
  });

  it("keeps connections alive, and answers pipelined requests in order", async () => {
    const { port } = await serve((incoming, response) => response.end(incoming.url));
    const socket = net.connect(port, "127.0.0.1");
    socket.write(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    );
    const answer = await text(socket);
    expect(answer.match(/^\/\d/gm)).toEqual(["/1", "/2"]);
  });

  it("B16: a request whose FIN comes with it is answered whole", async () => {
    const { port } = await serve((_incoming, response) => {
      setImmediate(() => response.end(Buffer.alloc(2_000_000, "x")));
    });
    const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.end("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const answer = await buffer(socket);
    expect(answer.length).toBeGreaterThan(2_000_000);
  });

  it("a client that does not read holds the response back", async () => {
    let written = 0;
    const { port } = await serve((_incoming, response) => {
      const chunk = Buffer.alloc(1_000_000);
      const more = () => {
        while (written < 200_000_000) {
          written += chunk.length;
          if (!response.write(chunk)) return;
        }
      };
      response.on("drain", more);
      more();
    });
    const socket = net.connect(port, "127.0.0.1");
    socket.pause();
    socket.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let before = -1;
    await expect
      .poll(() => {
        const same = written > 0 && written === before;
        before = written;
        return same;
      })
      .toBe(true);
    expect(written).toBeLessThan(100_000_000);
    socket.destroy();
  });

  it("Node's time limit on headers holds", async () => {
    const limits = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 };
    const { port } = await serve(() => {}, limits);
    const socket = net.connect(port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\n");
    expect(await text(socket)).toContain("408 Request Timeout");
  });

  it("a malformed request is answered 400 and hurts nobody", async () => {
    const { port, url } = await serve((_incoming, response) => response.end("fine"));
    const socket = net.connect(port, "127.0.0.1");
    socket.write("nonsense\r\n\r\n");
    expect(await text(socket)).toContain("400 Bad Request");
    expect(await text(await request(url))).toBe("fine");
  });

  it("upgrade gets the stream", async () => {
    const { server, port } = await serve(() => {});
    server.server.on("upgrade", (_incoming, socket) => {
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
      );
      socket.pipe(socket);
    });
    const outgoing = http.request({ port, headers: { Connection: "Upgrade", Upgrade: "echo" } });
    outgoing.end();
    const [, socket] = (await once(outgoing, "upgrade")) as [unknown, net.Socket];
    socket.end("hello");
    expect(await text(socket)).toBe("hello");
  });

  it("close() lets the answer under way finish", async () => {
    let finish: (() => void) | undefined;
    const { server, url } = await serve((_incoming, response) => {
      response.write("first ");
      finish = () => response.end("last");
    });
    const agent = new http.Agent({ keepAlive: true });
    cleanUps.push(() => agent.destroy());
    const response = await request(url, { agent });
    const closing = server.close({ timeout: 5_000 });
    finish?.();
    expect(await text(response)).toBe("first last");
    await closing;
    await expect(request(url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("close({ drain: true }) answers what the kernel has queued, too", async () => {
    const { server, connections, port } = await serve((_, response) => response.end("served"));
    connections.newConnectionLimit = 0;
    const sockets = await Promise.all(
      [1, 2, 3].map(async () => {
        const socket = net.connect(port, "127.0.0.1");
        await once(socket, "connect");
        return socket;
      }),
    );
    const closing = server.close({ drain: true, timeout: 5_000 });
    const answers = sockets.map((socket) => text(socket));
    for (const socket of sockets) socket.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    for (const answer of answers) expect(await answer).toMatch(/^HTTP\/1\.1 200 .*served/s);
    await closing;
    await expect(server.close({ drain: 1 } as never)).rejects.toThrow(/"drain"/);
  });

  it("close() of several at once: each hears of the end, and the shortest timeout holds", async () => {
    let finish: (() => void) | undefined;
    const { server, url } = await serve((incoming, response) => {
      response.write("first ");
      if (incoming.url === "/") finish = () => response.end("last");
    });
    const response = await request(url);
    const started = performance.now();
    const closing = [server.close({ timeout: 10_000 }), server.close({ timeout: 10_000 })];
    finish?.();
    expect(await text(response)).toBe("first last");
    await Promise.all(closing);
    await server.listen("tcp://127.0.0.1:0").then(async ({ port }) => {
      const stuck = await request(`http://127.0.0.1:${port}/stuck`);
      stuck.on("error", () => {});
      await Promise.all([server.close({ timeout: 10_000 }), server.close({ timeout: 20 })]);
    });
    expect(performance.now() - started).toBeLessThan(8_000);
  });

  it("after close() it may listen again: connections are kept, and Node's limits hold", async () => {
    const limits = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 };
    const ports = new Set<number | undefined>();
    const { server } = await serve((incoming, response) => {
      ports.add(incoming.socket.remotePort);
      response.end("kept");
    }, limits);
    await server.close();
    const { port } = await server.listen("tcp://127.0.0.1:0");
    const agent = new http.Agent({ keepAlive: true });
    cleanUps.push(() => agent.destroy());
    for (let index = 0; index < 2; index++) {
      expect(await text(await request(`http://127.0.0.1:${port}/`, { agent }))).toBe("kept");
    }
    expect(ports.size).toBe(1);
    const slow = net.connect(port as number, "127.0.0.1");
    slow.write("GET / HTTP/1.1\r\n");
    expect(await text(slow)).toContain("408 Request Timeout");
  });

  it("who listens while it closes stays, with Node's limits, and is not waited for", async () => {
    const limits = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 };
    let finish: (() => void) | undefined;
    const { server, url } = await serve((_incoming, response) => {
      response.write("under ");
      finish = () => response.end("way");
    }, limits);
    const response = await request(url);
    const closing = server.close();
    const late = await server.listen("tcp://127.0.0.1:0");
    const slow = net.connect(late.port as number, "127.0.0.1");
    slow.write("GET / HTTP/1.1\r\n");
    expect(await text(slow)).toContain("408 Request Timeout");
    const other = net.connect(late.port as number, "127.0.0.1");
    cleanUps.push(() => other.destroy());
    await once(other, "connect");
    finish?.();
    expect(await text(response)).toBe("under way");
    await closing;
    expect(late.state).toBe("ready");
    await server.close({ timeout: 0 });
    expect(late.state).toBe("closed");
  });

  it.each(["open", "data", "close", "lend", "allowHalfOpen"])(
    "listen() refuses %s, which is the server's",
    async (key) => {
      const { server } = await serve(() => {});
      const options = { [key]: key === "lend" || key === "allowHalfOpen" ? true : () => {} };
      await expect(server.listen("tcp://127.0.0.1:0", options)).rejects.toMatchObject({
        name: "TypeError",
        code: "ERR_INVALID_ARG_VALUE",
      });
    },
  );

  it("close({ timeout }) ends what does not finish", async () => {
    const { server, url } = await serve((_incoming, response) => response.write("for ever"));
    const response = await request(url);
    const failed = text(response);
    failed.catch(() => {});
    const started = performance.now();
    await server.close({ timeout: 50 });
    expect(performance.now() - started).toBeLessThan(2_000);
    await expect(failed).rejects.toThrow();
  });

  it("curl --http1.1 gets a megabyte", async () => {
    const { url } = await serve((_incoming, response) =>
      response.end(Buffer.alloc(1_000_000, "c")),
    );
    const { stdout } = await promisify(execFile)("curl", ["-sS", "--http1.1", url], {
      env: foreignEnvironment(),
      maxBuffer: 2_000_000,
    });
    expect(stdout.length).toBe(1_000_000);
  });
});

describe("Agent", () => {
  async function nodeServer(listener: http.RequestListener): Promise<number> {
    const server = http.createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanUps.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  it("requests over hawser, and reuses a kept connection", async () => {
    const ports = new Set<number | undefined>();
    const port = await nodeServer((incoming, response) => {
      ports.add(incoming.socket.remotePort);
      response.end("ok");
    });
    const agent = new Agent({ keepAlive: true, hawser: { dropTimeout: 20_000 } });
    cleanUps.push(() => agent.destroy());
    for (let index = 0; index < 3; index++) {
      const response = await request(`http://127.0.0.1:${port}/`, { agent });
      expect(await text(response)).toBe("ok");
    }
    expect(ports.size).toBe(1);
  });

  it.each([
    [undefined, 60],
    [7_000, 7],
  ])(
    "a kept connection has the idle time it was made with, unless keepAliveMsecs is %j",
    async (keepAliveMsecs, seconds) => {
      const port = await nodeServer((_incoming, response) => response.end("ok"));
      const agent = new Agent({
        keepAlive: true,
        ...(keepAliveMsecs !== undefined && { keepAliveMsecs }),
        hawser: { keepAlive: { idle: 60_000, interval: 5_000, count: 2 } },
      });
      cleanUps.push(() => agent.destroy());
      await text(await request(`http://127.0.0.1:${port}/`, { agent }));
      await expect.poll(() => Object.values(agent.freeSockets).length).toBe(1);
      const [free] = Object.values(agent.freeSockets)[0] as unknown as ConnectionDuplex[];
      const connection = free?.connection;
      const idle = process.platform === "darwin" ? "TCP_KEEPALIVE" : "TCP_KEEPIDLE";
      expect(connection?.getOption(idle)).toBe(seconds);
      expect(connection?.getOption("TCP_KEEPINTVL")).toBe(5);
    },
  );

  it("100 requests at once over 4 sockets", async () => {
    const port = await nodeServer((incoming, response) => incoming.pipe(response));
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    cleanUps.push(() => agent.destroy());
    const bodies = Array.from({ length: 100 }, (_, index) => `${index}`.repeat(1_000));
    const answers = await Promise.all(
      bodies.map(async (body) =>
        text(await request(`http://127.0.0.1:${port}/`, { agent, method: "POST" }, body)),
      ),
    );
    expect(answers).toEqual(bodies);
  });

  it("B54: a refused connection is the request's error", async () => {
    const port = await nodeServer(() => {});
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
    const agent = new Agent();
    await expect(request(`http://127.0.0.1:${port}/`, { agent })).rejects.toMatchObject({
      code: "ECONNREFUSED",
      syscall: "connect",
      port,
    });
  });

  it("a request's timeout and its destruction work", async () => {
    const port = await nodeServer(() => {});
    const agent = new Agent();
    const outgoing = http.request({ port, host: "127.0.0.1", agent, timeout: 30 });
    outgoing.end();
    await once(outgoing, "timeout");
    outgoing.destroy();
    const [error] = await once(outgoing, "error");
    expect(error.code).toBe("ECONNRESET");
  });

  it("the timeout of an agent holds for its requests", async () => {
    const port = await nodeServer(() => {});
    const agent = new Agent({ timeout: 40 });
    const outgoing = http.get({ port, host: "127.0.0.1", agent }).on("error", () => {});
    await once(outgoing, "timeout");
    outgoing.destroy();
  });

  it("localAddress and family of a request are those of its connection", async () => {
    const port = await nodeServer((incoming, response) => {
      response.end(incoming.socket.remoteAddress);
    });
    const from = { localAddress: "127.0.0.4", family: 4, agent: new Agent() };
    const response = await request(`http://127.0.0.1:${port}/`, from);
    expect(await text(response)).toBe("127.0.0.4");
  });

  it.each([Agent, HttpsAgent])("options of connect are checked when it is made", (Kind) => {
    for (const [hawser, code] of [
      [{ keepAlives: true }, "ERR_INVALID_ARG_VALUE"],
      [{ connectTimeout: -1 }, "ERR_OUT_OF_RANGE"],
      [{ data() {} }, "ERR_INVALID_STATE"],
      [null, "ERR_INVALID_ARG_TYPE"],
    ] as const) {
      expect(() => new Kind({ hawser: hawser as never })).toThrow(
        expect.objectContaining({ code }),
      );
    }
  });
});

describe.skipIf(!hasOpenssl)("HttpsAgent (skipped without openssl)", () => {
  let certificates: Certificates;
  beforeAll(() => {
    certificates = makeCertificates();
  });
  afterAll(() => certificates.remove());

  async function secureServer(listener: http.RequestListener): Promise<number> {
    const server = https.createServer(certificates.server, listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanUps.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  const get = (port: number, agent: https.Agent, host = "127.0.0.1") =>
    new Promise<http.IncomingMessage>((resolve, reject) => {
      https.get({ host, port, agent }, resolve).on("error", reject);
    });

  it("verifies, and reuses the session", async () => {
    const reused: boolean[] = [];
    const port = await secureServer((incoming, response) => {
      reused.push((incoming.socket as import("node:tls").TLSSocket).isSessionReused());
      response.end("secret");
    });
    const agent = new HttpsAgent({ ca: certificates.ca });
    expect(await text(await get(port, agent, "localhost"))).toBe("secret");
    expect(await text(await get(port, agent, "localhost"))).toBe("secret");
    expect(reused).toEqual([false, true]);
  });

  it("refuses a certificate it does not know", async () => {
    const port = await secureServer((_incoming, response) => response.end());
    await expect(get(port, new HttpsAgent())).rejects.toMatchObject({
      code: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    });
  });

  it("B54: a refused connection is the request's error", async () => {
    const port = await secureServer(() => {});
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
    await expect(get(port, new HttpsAgent())).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});
