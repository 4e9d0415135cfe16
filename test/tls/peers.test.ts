// TLS with the peers that people have: openssl s_client and s_server, curl, node:tls.

import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type tls from "node:tls";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createServer } from "../../lib/http.ts";
import { connect, listen } from "../../lib/index.ts";
import { type Certificates, hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { foreignEnvironment } from "../support/environment.ts";

const hasCurl = spawnSync("curl", ["--version"], { env: foreignEnvironment() }).status === 0;

let certificates: Certificates;
const cleanUps: (() => unknown)[] = [];
beforeAll(() => {
  if (hasOpenssl) certificates = makeCertificates();
});
afterAll(() => certificates?.remove());
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const file = (name: string) => join(certificates.folder, name);

function run(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: foreignEnvironment(),
  });
  cleanUps.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  return child;
}

/** Everything a process writes, and a way to wait for a part of it. */
function outputOf(child: ChildProcess) {
  const seen = { text: "" };
  child.stdout?.on("data", (bytes) => {
    seen.text += bytes;
  });
  child.stderr?.on("data", (bytes) => {
    seen.text += bytes;
  });
  return seen;
}

/** An echo over TLS. */
async function echo(): Promise<number> {
  const listener = await listen("tls://127.0.0.1:0", {
    tls: certificates.server,
    data: (connection, bytes) => connection.write(bytes),
  });
  cleanUps.push(() => listener.close({ timeout: 0 }));
  return listener.port as number;
}

describe.skipIf(!hasOpenssl)("openssl (skipped without it)", () => {
  it.each(["-tls1_3", "-tls1_2"])("s_client %s is echoed, and verifies us", async (version) => {
    const port = await echo();
    const client = run("openssl", [
      ..."s_client -quiet -no_ign_eof -verify_return_error -connect".split(" "),
      `127.0.0.1:${port}`,
      ...["-CAfile", file("root.crt"), "-verify_ip", "127.0.0.1", version],
    ]);
    const seen = outputOf(client);
    client.stdin?.write("through TLS\n");
    await expect.poll(() => seen.text).toContain("through TLS");
    client.stdin?.end();
    const [code] = await once(client, "exit");
    expect(code).toBe(0);
  });

  it("B48 s_client finds our close_notify before the FIN", async () => {
    const listener = await listen("tls://127.0.0.1:0", { tls: certificates.server }, (connection) =>
      connection.send("x".repeat(200_000)),
    );
    cleanUps.push(() => listener.close({ timeout: 0 }));
    const client = run("openssl", ["s_client", "-quiet", "-connect", `127.0.0.1:${listener.port}`]);
    const seen = outputOf(client);
    await once(client, "close");
    expect(seen.text).toContain("x".repeat(200_000));
    // What OpenSSL 3 says of a connection that ended without one.
    expect(seen.text).not.toContain("unexpected eof");
  });

  it("s_server: data both ways, and its close_notify is our end", async () => {
    const server = run("openssl", [
      ..."s_server -accept 127.0.0.1:0 -naccept 1 -rev -cert_chain".split(" "),
      file("server-chain.crt"),
      ...["-cert", file("server.crt"), "-key", file("server.key")],
    ]);
    const seen = outputOf(server);
    await expect.poll(() => seen.text).toMatch(/ACCEPT 127\.0\.0\.1:\d+/);
    const port = Number(/ACCEPT 127\.0\.0\.1:(\d+)/.exec(seen.text)?.[1]);
    const client = await connect(`tls://127.0.0.1:${port}`, { tls: { ca: certificates.ca } });
    await client.send("abc\n");
    expect(String(await client.receive({ min: 4 }))).toBe("cba\n");
    expect((await client.close()).error).toBeNull();
  });

  it("B50 s_client with a pre-shared key, right and wrong", async () => {
    const key = Buffer.from("00112233445566778899aabbccddeeff", "hex");
    const listener = await listen("tls://127.0.0.1:0", {
      tls: { psk: { identity: "device", key } },
      data: (connection, bytes) => connection.write(bytes),
    });
    cleanUps.push(() => listener.close({ timeout: 0 }));
    const attempt = async (hex: string) => {
      const client = run("openssl", [
        ..."s_client -quiet -no_ign_eof -tls1_3 -psk_identity device -psk".split(" "),
        ...[hex, "-connect", `127.0.0.1:${listener.port}`],
      ]);
      const seen = outputOf(client);
      client.stdin?.on("error", () => {});
      client.stdin?.write("hello\n");
      await Promise.race([
        expect.poll(() => seen.text).toContain("hello\n"),
        once(client, "close"),
      ]).catch(() => {});
      client.stdin?.end();
      return seen.text;
    };
    expect(await attempt(key.toString("hex"))).toContain("hello\n");
    expect(await attempt("ff".repeat(16))).toMatch(/alert|error/);
  });
});

describe.skipIf(!hasOpenssl || !hasCurl)("curl (skipped without it or openssl)", () => {
  it("--http1.1 over a hawser listener with TLS and a node:http server", async () => {
    const server = createServer((incoming, response) => {
      const { encrypted } = incoming.socket as tls.TLSSocket;
      response.setHeader("x-encrypted", String(encrypted));
      response.end("y".repeat(1_000_000));
    });
    cleanUps.push(() => server.close({ timeout: 0 }));
    const tls = { ...certificates.server, alpnProtocols: ["http/1.1"] };
    const { port } = await server.listen("tls://127.0.0.1:0", { tls });
    writeFileSync(file("curl.ca"), certificates.ca);
    const args = [
      "-sS",
      "-i",
      "--http1.1",
      "--cacert",
      file("curl.ca"),
      `https://localhost:${port}/`,
    ];
    const resolve = ["--resolve", `localhost:${port}:127.0.0.1`];
    const { stdout } = await promisify(execFile)("curl", [...resolve, ...args], {
      env: foreignEnvironment(),
      maxBuffer: 2_000_000,
    });
    expect(stdout).toMatch(/^HTTP\/1.1 200 OK/);
    expect(stdout).toContain("x-encrypted: true");
    expect(stdout.endsWith("y".repeat(1_000_000))).toBe(true);
  });
});

describe.skipIf(!hasOpenssl)("startTls() (skipped without openssl)", () => {
  it("client and server go over to TLS, with what was written before and after", async () => {
    const heard: string[] = [];
    const listener = await listen("tcp://localhost:0", async (connection) => {
      heard.push(String(await connection.receive({ min: 8, max: 8 })));
      await connection.send("220 go\r\n");
      await connection.startTls(certificates.server);
      expect(connection.tls?.protocol).toBe("TLSv1.3");
      for await (const bytes of connection) await connection.send(bytes);
    });
    cleanUps.push(() => listener.close({ timeout: 0 }));
    const client = await connect(`tcp://localhost:${listener.port as number}`);
    expect([client.tls, client.transport]).toEqual([null, "tcp"]);
    await client.send("STARTTLS");
    expect(String(await client.receive({ min: 8 }))).toBe("220 go\r\n");
    const before = client.bytesWritten;
    const secured = client.startTls({ ca: certificates.ca });
    await client.send("secret");
    await secured;
    expect(client.tls).toMatchObject({ authorized: true, servername: "localhost" });
    expect(client.transport).toBe("tls");
    expect(String(await client.receive({ min: 6 }))).toBe("secret");
    expect(client.bytesWritten).toBe(before + 6);
    expect((await client.close()).error).toBeNull();
    expect(heard).toEqual(["STARTTLS"]);
  });

  it("a handshake that arrived together with the command is not lost", async () => {
    const listener = await listen("tcp://127.0.0.1:0", async (connection) => {
      await connection.receive({ min: 5, max: 5 });
      // Unread by now: the first bytes of the client's handshake.
      await expect.poll(() => connection.bytesRead).toBeGreaterThan(5);
      await connection.startTls(certificates.server);
      await connection.send("welcome");
    });
    cleanUps.push(() => listener.close({ timeout: 0 }));
    const client = await connect(`tcp://127.0.0.1:${listener.port as number}`);
    client.write("HELLO");
    await client.startTls({ ca: certificates.ca });
    expect(String(await client.receive({ min: 7 }))).toBe("welcome");
    await client.close();
  });

  it("a handshake that fails is the connection's failure", async () => {
    const listener = await listen("tcp://127.0.0.1:0", async (connection) => {
      await connection.startTls(certificates.stranger).catch(() => {});
    });
    cleanUps.push(() => listener.close({ timeout: 0 }));
    const client = await connect(`tcp://127.0.0.1:${listener.port as number}`);
    const error = await client.startTls({ ca: certificates.ca }).catch((reason) => reason);
    expect(error).toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT", phase: "tls" });
    expect((await client.closed).error).toBe(error);
  });

  it("abort() while it is under way settles it", async () => {
    const listener = await listen("tcp://127.0.0.1:0", { open() {} });
    cleanUps.push(() => listener.close({ timeout: 0 }));
    const client = await connect(`tcp://127.0.0.1:${listener.port as number}`);
    const securing = client.startTls();
    client.abort();
    await expect(securing).rejects.toMatchObject({ code: "ECANCELED" });
    await client.closed;
  });

  it("needs a connection that is ready and has no TLS", async () => {
    const port = await echo();
    const client = await connect(`tls://127.0.0.1:${port}`, { tls: { ca: certificates.ca } });
    const again = async () => client.startTls();
    await expect(again()).rejects.toMatchObject({ code: "ERR_INVALID_STATE" });
    await client.close();
    await expect(again()).rejects.toMatchObject({ code: "ERR_INVALID_STATE" });
  });
});
