// The command with the programs that people have on the other side: curl, socat, openssl.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Certificates, hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { onPath } from "../adapters/servers.ts";
import { foreignEnvironment } from "../support/environment.ts";
import { cleanUpAfterEach, cleanUps, hawser, Run } from "./support.ts";

cleanUpAfterEach();

const env = foreignEnvironment();
const foreign = (command: string, ...args: string[]) => new Run(command, args, env);
const hasCurl = onPath("curl") !== undefined;
const hasSocat = onPath("socat") !== undefined;
const without = (name: string, has: boolean) => (has ? "" : ` (skipped: needs ${name})`);

const portOf = async (run: Run) =>
  Number((await run.says("err", /listening on \w+:\/\/127\.0\.0\.1:(\d+)\n/))[1]);

const LARGE = "0123456789abcdef".repeat(100_000);

it.skipIf(!hasCurl)(`curl takes what --exec answers${without("curl", hasCurl)}`, async () => {
  const answer = String.raw`printf 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n'`;
  const server = hawser("listen", "tcp://127.0.0.1:0", "--exec", answer);
  const curl = foreign("curl", "-sS", `http://127.0.0.1:${await portOf(server)}/`);
  expect([await curl.ended(), curl.out, curl.err]).toEqual([0, "hello\n", ""]);
});

it.skipIf(!hasCurl)(
  `connect speaks HTTP with what curl speaks to${without("curl", hasCurl)}`,
  async () => {
    const server = hawser("listen", "tcp://127.0.0.1:0");
    const url = `http://127.0.0.1:${await portOf(server)}/path`;
    const curl = foreign("curl", "-sS", "--data-binary", "asked", url);
    await server.says("out", /\r\n\r\nasked$/);
    expect(server.out).toMatch(/^POST \/path HTTP\/1\.1\r\n/);
    server.child.stdin.end("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ntyped by hand");
    expect([await curl.ended(), curl.out]).toEqual([0, "typed by hand"]);
    expect(await server.ended()).toBe(0);
  },
);

describe.skipIf(!hasSocat)(`socat${without("socat", hasSocat)}`, () => {
  it("gets its echo whole, with its end before the answer's", async () => {
    const server = hawser("listen", "tcp://127.0.0.1:0", "--echo");
    const socat = foreign("socat", "-t", "10", "-", `TCP:127.0.0.1:${await portOf(server)}`);
    socat.child.stdin.end(LARGE);
    expect(await socat.ended()).toBe(0);
    expect(socat.out === LARGE).toBe(true);
  });

  it("echoes to connect, over TCP and a Unix socket", async () => {
    const tcp = foreign("socat", "-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1", "EXEC:cat");
    const [, port] = await tcp.says("err", /listening on AF=2 127\.0\.0\.1:(\d+)/);
    const folder = mkdtempSync(join(tmpdir(), "peers-"));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "socket");
    const unix = foreign("socat", "-d", "-d", `UNIX-LISTEN:${path}`, "EXEC:cat");
    await unix.says("err", /listening on/);
    for (const url of [`tcp://127.0.0.1:${port}`, `unix:${path}`]) {
      const client = hawser("connect", url);
      client.child.stdin.end(LARGE);
      expect(await client.ended()).toBe(0);
      expect(client.out === LARGE).toBe(true);
    }
  });
});

describe.skipIf(!hasOpenssl)(`openssl${without("openssl", hasOpenssl)}`, () => {
  let certificates: Certificates;
  beforeAll(() => {
    certificates = makeCertificates();
  });
  afterAll(() => certificates.remove());
  const file = (name: string) => join(certificates.folder, name);
  const identity = () => ["-cert", file("server.crt"), "-key", file("server.key")];

  it("s_client verifies listen, and is echoed", async () => {
    const cert = ["--cert", file("server-chain.crt"), "--key", file("server.key")];
    const server = hawser("listen", "tls://127.0.0.1:0", "--echo", ...cert);
    const at = ["-connect", `127.0.0.1:${await portOf(server)}`, "-CAfile", file("root.crt")];
    const flags = "s_client -quiet -no_ign_eof -verify_return_error".split(" ");
    const client = foreign("openssl", ...flags, ...at);
    client.child.stdin.write("through TLS\n");
    await client.says("out", /^through TLS\n/);
    client.child.stdin.end();
    expect(await client.ended()).toBe(0);
  });

  it("s_server answers connect, and probe shows what it sends", async () => {
    const flags = "s_server -accept 127.0.0.1:0 -rev -alpn h2".split(" ");
    const chain = ["-cert_chain", file("server-chain.crt")];
    const server = foreign("openssl", ...flags, ...chain, ...identity());
    const [, port] = await server.says("out", /ACCEPT 127\.0\.0\.1:(\d+)/);
    const target = `localhost:${port}`;
    const probe = hawser("probe", target, "--tls", "--ca", file("root.crt"), "--family", "4");
    expect(await probe.ended()).toBe(0);
    expect(probe.out).toMatch(/^ALPN +h2$/m);
    expect(probe.out).toMatch(/^intermediate +root +in 1 day, /m);
    const client = hawser("connect", `tls://${target}`, "--ca", file("root.crt"), "--family", "4");
    client.child.stdin.write("abc\n");
    await client.says("out", /^cba\n/);
    client.child.stdin.end();
    expect(await client.ended()).toBe(0);
  });
});
