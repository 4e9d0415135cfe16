// HTTP/2 of Node's own on streams of hawser's, both sides, with and without TLS.

import { once } from "node:events";
import http2 from "node:http2";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toDuplex } from "../../lib/adapters/duplex.ts";
import { type Connection, connect, listen } from "../../lib/index.ts";
import { fingerprint, pattern } from "../support/bytes.ts";
import { type Certificates, hasOpenssl, makeCertificates } from "./certificates.ts";
import { cleanUpAfterEach, cleanUps } from "./duplex-support.ts";

cleanUpAfterEach();

let certificates: Certificates;
beforeAll(() => {
  if (hasOpenssl) certificates = makeCertificates();
});
afterAll(() => certificates?.remove());

const LARGE = pattern(3_000_000);

async function serve(transport: "tcp" | "tls"): Promise<Connection> {
  const server = http2.createServer(async (request, response) => {
    const body = await buffer(request);
    response.end(body.length > 0 ? body : `${request.method} ${request.url}`);
  });
  const options = {
    allowHalfOpen: true,
    open: (connection: Connection) => void server.emit("connection", toDuplex(connection)),
  };
  if (transport === "tcp") {
    const listener = await listen("tcp://127.0.0.1:0", options);
    cleanUps.push(() => listener.close({ timeout: 0 }));
    return connect(`tcp://127.0.0.1:${listener.port}`);
  }
  const alpnProtocols = ["h2"];
  const tls = { ...certificates.server, alpnProtocols };
  const listener = await listen("tls://localhost:0", { ...options, tls });
  cleanUps.push(() => listener.close({ timeout: 0 }));
  return connect(`tls://localhost:${listener.port}`, {
    tls: { ca: certificates.ca, alpnProtocols },
  });
}

describe.each(["tcp", "tls"] as const)("HTTP/2 over %s", (transport) => {
  it.skipIf(transport === "tls" && !hasOpenssl)(
    "requests side by side, with large bodies both ways (skipped without openssl)",
    async () => {
      const connection = await serve(transport);
      const session = http2.connect(
        transport === "tls" ? "https://localhost" : "http://localhost",
        {
          createConnection: () => toDuplex(connection),
        },
      );
      const ask = (path: string, body?: Buffer) => {
        const stream = session.request({ ":path": path, ":method": body ? "POST" : "GET" });
        stream.end(body);
        return buffer(stream);
      };
      const paths = Array.from({ length: 50 }, (_, index) => `/${index}`);
      const [echoed, ...answers] = await Promise.all([
        ask("/large", LARGE),
        ...paths.map((path) => ask(path)),
      ]);
      expect(fingerprint(echoed as Buffer)).toBe(fingerprint(LARGE));
      expect(answers.map(String)).toEqual(paths.map((path) => `GET ${path}`));
      session.close();
      await once(session, "close");
      expect((await connection.closed).error).toBeNull();
    },
  );
});
