// What the tests of TLS share: certificates, an echo over TLS, a client, and node:tls as a server.

import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { type Connection, connect, type HawserError, listen } from "../../lib/index.ts";
import type { ConnectOptions, ListenOptions, TlsOptions } from "../../lib/net/types.ts";
import { type Certificates, hasOpenssl, makeCertificates } from "../adapters/certificates.ts";

export { hasOpenssl };

export let certificates: Certificates;
export const cleanUps: (() => unknown)[] = [];

/** Makes the certificates, and cleans up after each test. Called once by a file. */
export function useCertificates(): void {
  beforeAll(() => {
    if (hasOpenssl) certificates = makeCertificates();
  });
  afterAll(() => certificates?.remove());
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  });
}

/** A listener that echoes, its errors, and its connections. */
export async function echo(options: TlsOptions = certificates.server, more: ListenOptions = {}) {
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

export async function dial(
  url: `tls://${string}`,
  options: TlsOptions = {},
  more: ConnectOptions = {},
): Promise<Connection> {
  const connection = await connect(url, { ...more, tls: { ca: certificates.ca, ...options } });
  cleanUps.push(() => connection.abort());
  return connection;
}

export async function nodeServer(
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

export const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable("it succeeded"),
    (error: HawserError) => error,
  );

/** The one certificate of a PEM, or its first. */
export function der(pem: string): Buffer {
  return new X509Certificate(pem).raw;
}
