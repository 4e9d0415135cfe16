// The certificate of `npm start --tls`.

import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { StartOptions } from "../../../lib/cli/start/arguments.ts";
import { certificateFor, makeCertificate } from "../../../lib/cli/start/certificate.ts";
import { hasOpenssl } from "../../adapters/certificates.ts";

const OPTIONS: StartOptions = {
  host: "localhost",
  port: 0,
  tcpPort: 0,
  tls: true,
  certificate: null,
};
const DAY_MS = 86_400_000;
const folders: string[] = [];

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "hawser-test-"));
  folders.push(made);
  return made;
}

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const made of folders.splice(0)) await rm(made, { recursive: true });
});

const missing = hasOpenssl ? "" : " (skipped: no openssl)";

describe.skipIf(!hasOpenssl)(`a certificate made on the spot${missing}`, () => {
  test("is for this machine and the host, for days, and fits its key", async () => {
    const { cert, key } = await makeCertificate("box.test");
    const parsed = new X509Certificate(cert);
    expect(parsed.subjectAltName).toBe(
      "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:box.test",
    );
    expect(parsed.ca).toBe(false);
    const days = (Date.parse(parsed.validTo) - Date.now()) / DAY_MS;
    expect(days).toBeGreaterThan(6);
    expect(days).toBeLessThan(8);
    expect(() => createSecureContext({ cert, key })).not.toThrow();
  });

  test.each(["", "localhost", "127.0.0.1", "::1"])(
    "for the host %j has no name twice",
    async (host) => {
      const names = new X509Certificate((await makeCertificate(host)).cert).subjectAltName?.split(
        ", ",
      );
      expect(names).toHaveLength(3);
    },
  );

  test("takes an address as one", async () => {
    const { cert } = await certificateFor({ ...OPTIONS, host: "10.1.2.3" });
    expect(new X509Certificate(cert).checkIP("10.1.2.3")).toBe("10.1.2.3");
  });

  test("leaves no key behind", async () => {
    const made = await folder();
    vi.stubEnv("TMPDIR", made);
    await makeCertificate("localhost");
    expect(await readdir(made)).toEqual([]);
  });
});

test("without openssl it says what to install, and leaves nothing behind", async () => {
  const made = await folder();
  vi.stubEnv("TMPDIR", made);
  vi.stubEnv("PATH", made);
  await expect(makeCertificate("localhost")).rejects.toThrow(
    "openssl could not make a certificate: install the package openssl, or give --cert and --key",
  );
  expect(await readdir(made)).toEqual([]);
});

test("one that is given is read from its files", async () => {
  const made = await folder();
  const certificate = { cert: join(made, "c.pem"), key: join(made, "k.pem") };
  await writeFile(certificate.cert, "the certificate");
  await writeFile(certificate.key, "the key");
  expect(await certificateFor({ ...OPTIONS, certificate })).toEqual({
    cert: "the certificate",
    key: "the key",
  });
  const wrong = { ...certificate, key: join(made, "none.pem") };
  await expect(certificateFor({ ...OPTIONS, certificate: wrong })).rejects.toThrow(/none\.pem/);
});
