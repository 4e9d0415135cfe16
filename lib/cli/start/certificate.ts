// The certificate of `npm start --tls`: read from files, or made on the spot by openssl, signed by
// itself. Not here: TLS (lib/tls).

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { StartOptions } from "./arguments.ts";

/** PEM, both. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Long enough for a day at it, short enough that nobody relies on it. */
const VALID_DAYS = 7;
const LOCAL_NAMES = ["localhost", "127.0.0.1", "::1"];

/** @throws Error that says which file could not be read, or what openssl said */
export async function certificateFor({ certificate, host }: StartOptions): Promise<Certificate> {
  if (certificate === null) return await makeCertificate(host);
  const [cert, key] = await Promise.all([
    readFile(certificate.cert, "utf8"),
    readFile(certificate.key, "utf8"),
  ]);
  return { cert, key };
}

/** A key of P-256 and a certificate for this machine and `host`, signed by itself. */
export async function makeCertificate(host: string): Promise<Certificate> {
  // Files, since the pipes that Node gives to a child cannot be opened by a name (/dev/stdin).
  const folder = await mkdtemp(join(tmpdir(), "hawser-certificate-"));
  try {
    await writeFile(join(folder, "request.cnf"), requestFor(host));
    await runOpenssl(folder);
    const [cert, key] = await Promise.all([
      readFile(join(folder, "cert.pem"), "utf8"),
      readFile(join(folder, "key.pem"), "utf8"),
    ]);
    return { cert, key };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runOpenssl(folder: string): Promise<void> {
  const args = ["req", "-x509", "-config", "request.cnf", "-days", String(VALID_DAYS), "-nodes"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const files = ["-keyout", "key.pem", "-out", "cert.pem"];
  try {
    // Nothing that is meant for Node is openssl's business: a preloaded library, for one.
    const env = { PATH: process.env["PATH"] };
    await promisify(execFile)("openssl", [...args, ...key, ...files], { cwd: folder, env });
  } catch (error) {
    const { code, stderr = "" } = error as NodeJS.ErrnoException & { stderr?: string };
    const why =
      code === "ENOENT"
        ? "install the package openssl, or give --cert and --key"
        : stderr.trim().split("\n")[0];
    throw new Error(`openssl could not make a certificate: ${why}`);
  }
}

function requestFor(host: string): string {
  const names = [...new Set(host === "" ? LOCAL_NAMES : [...LOCAL_NAMES, host])];
  const alternatives = names.map((name) => `${isIP(name) === 0 ? "DNS" : "IP"}:${name}`);
  return [
    "[req]",
    "prompt = no",
    "distinguished_name = name",
    "x509_extensions = extensions",
    "[name]",
    "CN = hawser npm start",
    "[extensions]",
    "basicConstraints = critical, CA:FALSE",
    "extendedKeyUsage = serverAuth",
    `subjectAltName = ${alternatives.join(", ")}`,
    "",
  ].join("\n");
}
