// `hawser probe --tls`: against node:tls with certificates that are good, old, or nobody's.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lookAtTls, showTls } from "../../lib/cli/probe-tls.ts";
import { palette } from "../../lib/cli/terminal.ts";
import type { TlsInfo } from "../../lib/net/types.ts";
import { type Certificates, hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { foreignEnvironment } from "../support/environment.ts";
import { der } from "../tls/support.ts";
import { cleanUpAfterEach, cleanUps, hawser } from "./support.ts";

cleanUpAfterEach();

let certificates: Certificates;
beforeAll(() => {
  if (hasOpenssl) certificates = makeCertificates();
});
afterAll(() => certificates?.remove());

const plain = palette({ isTTY: false } as never);
const marked = { ...plain, bad: (text: string) => `<${text}>` };
const DAY_MS = 86_400_000;

/** A certificate whose name has an escape sequence and an end of line in it. */
function withControlCharacters(): string {
  const { folder } = certificates;
  const subject = "/CN=\u001b[31mred\nsecond";
  const args = ["-key", "stranger.key", "-subj", subject, "-days", "1"];
  const made = spawnSync("openssl", ["req", "-x509", "-utf8", ...args], {
    cwd: folder,
    env: foreignEnvironment(),
  });
  return String(made.stdout);
}

async function serve(options: tls.TlsOptions): Promise<string> {
  const server = tls.createServer(options, (socket) => socket.on("error", () => {}).resume());
  server.on("tlsClientError", () => {});
  server.listen(0, "localhost");
  await once(server, "listening");
  cleanUps.push(() => server.close());
  return `localhost:${(server.address() as AddressInfo).port}`;
}

const root = () => join(certificates.folder, "root.crt");

function infoWith(info: Partial<TlsInfo>): TlsInfo {
  return {
    protocol: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    alpnProtocol: null,
    servername: "localhost",
    authorized: true,
    authorizationError: null,
    presentedChain: [],
    verifiedChain: null,
    sessionReused: false,
    session: null,
    ...info,
  };
}

describe.skipIf(!hasOpenssl)("hawser probe --tls (skipped without openssl)", () => {
  it("shows protocol, cipher, ALPN, and the chain with issuers and days left", async () => {
    const target = await serve({ ...certificates.server, ALPNProtocols: ["http/1.1"] });
    const run = hawser("probe", target, "--tls", "--ca", root());
    expect(await run.ended()).toBe(0);
    expect(run.err).toBe("");
    expect(run.out).toMatch(/^tls +\d.* *[█▏▎▍▌▋▊▉]/m);
    expect(run.out).toMatch(/^protocol +TLSv1\.3$/m);
    expect(run.out).toMatch(/^cipher +TLS_/m);
    expect(run.out).toMatch(/^ALPN +http\/1\.1$/m);
    expect(run.out).toMatch(/^verified +yes, by root$/m);
    expect(run.out).toMatch(/^server +intermediate +in 1 day, \d{4}-\d\d-\d\d$/m);
    expect(run.out).toMatch(/^intermediate +root +in 1 day, /m);
    expect(run.out).toMatch(/^TCP_NODELAY +true$/m);
  });

  it.each([
    ["has expired", "expired", "CERT_HAS_EXPIRED", /^expired +root +expired 1 day ago, \d/m],
    [
      "is signed by itself",
      "stranger",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      /^stranger +itself +in 1 d/m,
    ],
    ["is for another name", "other", "ERR_TLS_CERT_ALTNAME_INVALID", /^other +root +in 1 day/m],
  ] as const)("a certificate that %s is shown, with status 1", async (_what, who, code, line) => {
    const target = await serve(certificates[who]);
    const run = hawser("probe", target, "--tls", "--ca", root());
    expect(await run.ended()).toBe(1);
    expect(run.out).toMatch(line);
    expect(run.out).toMatch(new RegExp(`^verified +no: ${code}$`, "m"));
    expect(run.err).toBe(`hawser: TLS: the certificate is not accepted: ${code}\n`);
  });

  it("--json has the same, certificate by certificate", async () => {
    const target = await serve(certificates.expired);
    const run = hawser("probe", `tls://${target}`, "--json", "--ca", root());
    expect(await run.ended()).toBe(1);
    const { tls: found, establishment } = JSON.parse(run.out);
    expect(establishment.phases.at(-1).phase).toBe("tls");
    expect(found).toMatchObject({ authorized: false, authorizationError: "CERT_HAS_EXPIRED" });
    expect(found.chain).toHaveLength(1);
    expect(found.chain[0]).toMatchObject({
      subject: "CN=expired",
      issuer: "CN=root",
      subjectAltName: "DNS:localhost, IP Address:127.0.0.1",
      selfSigned: false,
    });
    expect(found.chain[0].expiresInDays).toBeLessThan(0);
  });

  it("--servername and --alpn are what is asked for", async () => {
    const target = await serve({ ...certificates.other, ALPNProtocols: ["echo/1"] });
    const flags = ["--tls", "--ca", root(), "--servername", "other.test", "--alpn", "echo/1"];
    const run = hawser("probe", target, ...flags);
    expect(await run.ended()).toBe(0);
    expect(run.out).toMatch(/^ALPN +echo\/1$/m);
    expect(run.out).toMatch(/^name +other\.test$/m);
  });

  it("--alpn none offers none", async () => {
    const target = await serve({ ...certificates.server, ALPNProtocols: ["echo/1"] });
    const run = hawser("probe", target, "--tls", "--ca", root(), "--alpn", "none");
    expect(await run.ended()).toBe(0);
    expect(run.out).toMatch(/^ALPN +none$/m);
  });

  it("a certificate is told as of the day: soon, today, not yet", () => {
    const chain = [der(certificates.stranger.cert)];
    const info = infoWith({ presentedChain: chain });
    const { validTo, validFrom } = lookAtTls(info).chain[0] as {
      validTo: string;
      validFrom: string;
    };
    const lineAt = (nowMs: number) =>
      showTls(lookAtTls(info, nowMs), marked, nowMs).split("\n").at(-1);
    const [from, until] = [Date.parse(validFrom), Date.parse(validTo)];
    expect(lineAt(until - 90 * DAY_MS)).toMatch(/not valid before/);
    expect(lineAt(from)).toMatch(/^stranger +itself +in 2 days, /);
    expect(lineAt(until - 1)).toMatch(/^stranger +itself +in less than a day, /);
    expect(lineAt(until + 1)).toMatch(/^<stranger +itself +expired less than a day ago, .*>$/);
    expect(lineAt(until + 3 * DAY_MS)).toMatch(/^<.* expired 3 days ago, .*>$/);
    expect(lookAtTls(info, until + 1).chain[0]?.expiresInDays).toBe(-1);
    expect(lookAtTls(info, from).chain[0]?.expiresInDays).toBe(2);
  });

  it("a refused certificate stands out, and says why", () => {
    const found = lookAtTls(infoWith({ authorized: false, authorizationError: "EMINE" }));
    expect(showTls(found, marked)).toMatch(/^<verified +no: EMINE>$/m);
  });

  it("what a certificate calls itself cannot write to the terminal", () => {
    const found = lookAtTls(infoWith({ presentedChain: [der(withControlCharacters())] }));
    expect(showTls(found, plain)).not.toMatch(/[^\P{Cc}\n]/u);
    expect(showTls(found, plain)).toContain("31mred");
  });
});

it("wrong usage of --tls has status 2", async () => {
  for (const args of [
    ["unix:/tmp/x", "--tls"],
    ["localhost:1", "--servername", "x"],
    ["localhost:1", "--tls", "--ca", "/no/such/file"],
    ["localhost:1", "--tls", "--cert", "x"],
    ["localhost:1", "--tls", "--alpn", "a,,b"],
  ]) {
    const run = hawser("probe", ...args);
    expect(await run.ended()).toBe(2);
    expect(run.err.trim().split("\n")).toHaveLength(1);
  }
});
