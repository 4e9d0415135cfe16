// undici over hawser: what its Client and Agent take as `connect`.

import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ConnectionDuplex } from "../../lib/adapters/duplex.ts";
import type { UndiciCallback } from "../../lib/adapters/undici.ts";
import { connector, type UndiciTarget } from "../../lib/http.ts";
import { type Certificates, hasOpenssl, makeCertificates } from "./certificates.ts";
import { installPeers, peer } from "./servers.ts";

interface Answer {
  readonly statusCode: number;
  readonly body: AsyncIterable<Uint8Array>;
}
interface Client {
  request(options: object): Promise<Answer>;
  close(): Promise<void>;
  destroy(): Promise<void>;
}
interface Undici {
  readonly Client: new (url: string, options: object) => Client;
  readonly Agent: new (options: object) => Client;
  request(url: string, options: object): Promise<Answer>;
}

const hasPeers = installPeers();
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function serve(server: http.Server | https.Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

it.each([
  [{}, 10_000],
  [{ connectTimeout: undefined }, 10_000],
  [{ connectTimeout: 0 }, 0],
  [{ connectTimeout: 2_500 }, 2_500],
])("the time limit of connecting is undici's own, or what %j says", async (options, expected) => {
  const port = await serve(http.createServer());
  const target = { hostname: "127.0.0.1", port: `${port}`, protocol: "http:" };
  const socket = await new Promise<ConnectionDuplex>((resolve, reject) => {
    connector(options)(target, (error, stream) => {
      if (error === null) resolve(stream as ConnectionDuplex);
      else reject(error);
    });
  });
  expect(socket.connection?.options.connectTimeout).toBe(expected);
  socket.destroy();
});

it.each([
  [null, "ERR_INVALID_ARG_TYPE"],
  ["x", "ERR_INVALID_ARG_TYPE"],
  [{ keepalive: false }, "ERR_INVALID_ARG_VALUE"],
  [{ connectTimeout: -1 }, "ERR_OUT_OF_RANGE"],
  [{ data() {} }, "ERR_INVALID_STATE"],
])("options are checked when the connector is made: %j", (options, code) => {
  expect(() => connector(options as never)).toThrow(expect.objectContaining({ code }));
});

it("what only this URL makes wrong is told as a failure to connect", async () => {
  const target = { hostname: "h", port: "", protocol: "https:" };
  const error = await new Promise((resolve) => {
    connector({ socketPath: "run/socket" })(target, resolve);
  });
  expect(error).toBeInstanceOf(TypeError);
});

describe.skipIf(!hasPeers)("undici (skipped without the package)", () => {
  const { Client, Agent, request } = hasPeers ? peer<Undici>("undici") : ({} as Undici);
  let certificates: Certificates | undefined;
  beforeAll(() => {
    if (hasOpenssl) certificates = makeCertificates();
  });
  afterAll(() => certificates?.remove());

  it("requests and answers with bodies, over one kept connection", async () => {
    const ports = new Set<number | undefined>();
    const port = await serve(
      http.createServer((incoming, response) => {
        ports.add(incoming.socket.remotePort);
        incoming.pipe(response);
      }),
    );
    const client = new Client(`http://127.0.0.1:${port}`, { connect: connector() });
    cleanUps.push(() => client.close());
    for (const size of [0, 10, 3_000_000]) {
      const body = Buffer.alloc(size, "u");
      const answer = await client.request({ path: "/", method: "POST", body });
      expect(answer.statusCode).toBe(200);
      expect((await buffer(answer.body as never)).equals(body)).toBe(true);
    }
    expect(ports.size).toBe(1);
  });

  it("an Agent with pipelining, 200 requests", async () => {
    const port = await serve(http.createServer((incoming, response) => response.end(incoming.url)));
    const dispatcher = new Agent({ connect: connector(), pipelining: 10, connections: 2 });
    cleanUps.push(() => dispatcher.close());
    const paths = Array.from({ length: 200 }, (_, index) => `/${index}`);
    const answers = await Promise.all(
      paths.map(async (path) =>
        text((await request(`http://127.0.0.1:${port}${path}`, { dispatcher })).body as never),
      ),
    );
    expect(answers).toEqual(paths);
  });

  it("B54 a refused connection is the request's error", async () => {
    const port = await serve(http.createServer());
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
    const client = new Client(`http://127.0.0.1:${port}`, { connect: connector() });
    cleanUps.push(() => client.destroy());
    const asked = client.request({ path: "/", method: "GET" });
    await expect(asked).rejects.toMatchObject({ code: "ECONNREFUSED", port });
  });

  it("a server that goes away in the middle is the request's error", async () => {
    const port = await serve(
      http.createServer((_incoming, response) => {
        response.write("part", () => response.destroy());
      }),
    );
    const client = new Client(`http://127.0.0.1:${port}`, { connect: connector() });
    cleanUps.push(() => client.destroy());
    const { body } = await client.request({ path: "/", method: "GET" });
    await expect(text(body as never)).rejects.toThrow();
  });

  it.skipIf(!hasOpenssl)("https: over hawser's TLS (skipped without openssl)", async () => {
    const { server, ca } = certificates as Certificates;
    const port = await serve(
      https.createServer(server, (incoming, response) => {
        response.end((incoming.socket as import("node:tls").TLSSocket).getProtocol());
      }),
    );
    const trusting = new Client(`https://127.0.0.1:${port}`, {
      connect: connector({ tls: { ca } }),
    });
    cleanUps.push(() => trusting.close());
    const { body } = await trusting.request({ path: "/", method: "GET" });
    expect(await text(body as never)).toBe("TLSv1.3");
    const doubting = new Client(`https://127.0.0.1:${port}`, { connect: connector() });
    cleanUps.push(() => doubting.destroy());
    await expect(doubting.request({ path: "/", method: "GET" })).rejects.toMatchObject({
      code: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      phase: "tls",
    });
  });

  it("connector() takes addresses in brackets and default ports", async () => {
    const errorOf = (target: UndiciTarget) =>
      new Promise<{ address?: string; port?: number } | null>((resolve) => {
        const done: UndiciCallback = (error) => resolve(error as never);
        connector({ connectTimeout: 500 })(target, done);
      });
    const error = await errorOf({ hostname: "[::1]", port: "", protocol: "http:" });
    // Whether something listens there is not ours to say.
    if (error !== null) expect(error).toMatchObject({ address: "::1", port: 80 });
  });
});
