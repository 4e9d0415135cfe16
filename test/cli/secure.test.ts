// `hawser connect tls:` and `hawser listen tls:`, against node:tls and against each other.

import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Certificates, hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { cleanUpAfterEach, cleanUps, hawser, type Run } from "./support.ts";

cleanUpAfterEach();

let certificates: Certificates;
beforeAll(() => {
  if (hasOpenssl) certificates = makeCertificates();
});
afterAll(() => certificates?.remove());

const file = (name: string) => join(certificates.folder, name);
const identity = () => ["--cert", file("server-chain.crt"), "--key", file("server.key")];

/** The port of a listener that has said it. */
async function portOf(run: Run): Promise<number> {
  return Number((await run.says("err", /listening on tls:\/\/127\.0\.0\.1:(\d+)\n/))[1]);
}

async function nodeEcho(options: tls.TlsOptions): Promise<number> {
  const server = tls.createServer(options, (socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "localhost");
  await once(server, "listening");
  cleanUps.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe.skipIf(!hasOpenssl)("over TLS (skipped without openssl)", () => {
  it("connect verifies, and carries both ways", async () => {
    const port = await nodeEcho(certificates.server);
    const url = `tls://localhost:${port}`;
    const run = hawser("connect", url, "--ca", file("root.crt"), "--verbose");
    run.child.stdin.write("there and back");
    await run.says("out", /there and back/);
    run.child.stdin.end();
    expect(await run.ended()).toBe(0);
    expect(run.err).toMatch(/^connected .* with TLSv1\.3, TLS_\w+\n$/);
  });

  it("connect refuses a certificate that proves nothing, unless --insecure", async () => {
    const url = `tls://localhost:${await nodeEcho(certificates.stranger)}`;
    const refused = hawser("connect", url);
    expect(await refused.ended()).toBe(1);
    expect(refused.err).toMatch(/^hawser: TLS: .*self-signed certificate\b.*\n$/);
    const run = hawser("connect", url, "--insecure");
    run.child.stdin.write("x");
    await run.says("out", /x/);
    run.child.stdin.end();
    expect(await run.ended()).toBe(0);
  });

  it("listen --echo serves node:tls and hawser connect", async () => {
    const run = hawser("listen", "tls://127.0.0.1:0", "--echo", ...identity());
    const port = await portOf(run);
    const socket = tls.connect({ port, host: "localhost", ca: certificates.ca });
    socket.write("one");
    expect(String((await once(socket, "data"))[0])).toBe("one");
    socket.end();
    const other = hawser("connect", `tls://127.0.0.1:${port}`, "--ca", file("root.crt"));
    other.child.stdin.end("two");
    expect(await other.ended()).toBe(0);
    expect(other.out).toBe("two");
    run.child.kill("SIGINT");
    expect(await run.ended()).toBe(0);
  });

  it("a handshake that fails is a line on standard error, and the next one is served", async () => {
    const run = hawser("listen", "tls://127.0.0.1:0", "--echo", ...identity());
    const port = await portOf(run);
    const stranger = net.connect(port, "127.0.0.1").on("error", () => {});
    stranger.end("GET / HTTP/1.1\r\n\r\n");
    await run.says("err", /^hawser: TLS: http request\n/m);
    const other = hawser("connect", `tls://127.0.0.1:${port}`, "--ca", file("root.crt"));
    other.child.stdin.end("two");
    expect(await other.ended()).toBe(0);
    expect(other.out).toBe("two");
  });

  it("listen without a certificate is wrong usage", async () => {
    const run = hawser("listen", "tls://127.0.0.1:0", "--echo");
    expect(await run.ended()).toBe(2);
    expect(run.err).toBe("hawser: listen tls: needs --cert and --key\n");
  });
});
