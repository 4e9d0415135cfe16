// Certificates for the tests, made by openssl in a temporary folder: a root, an intermediate, a
// server for localhost and 127.0.0.1, a second server for other.test, one that has expired, a
// client, and a stranger.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { foreignEnvironment } from "../support/environment.ts";

export interface Identity {
  readonly key: string;
  /** The leaf, and the intermediate where there is one. */
  readonly cert: string;
}

export interface Certificates {
  readonly folder: string;
  readonly ca: string;
  readonly intermediate: string;
  readonly server: Identity;
  readonly other: Identity;
  /** For localhost, until yesterday. */
  readonly expired: Identity;
  readonly client: Identity;
  /** Signed by itself. */
  readonly stranger: Identity;
  remove(): void;
}

export const hasOpenssl =
  spawnSync("openssl", ["version"], { env: foreignEnvironment() }).status === 0;

const EXTENSIONS = {
  ca: "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign",
  server: "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth",
  other: "subjectAltName=DNS:other.test\nextendedKeyUsage=serverAuth",
  client: "extendedKeyUsage=clientAuth",
} as const;

export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "certificates-"));
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
      env: foreignEnvironment(),
    });
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  const key = (name: string) =>
    openssl(
      "genpkey",
      "-algorithm",
      "EC",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-out",
      `${name}.key`,
    );
  const sign = (name: string, by: string | null, extensions: string, days = 2) => {
    key(name);
    writeFileSync(join(folder, `${name}.ext`), extensions);
    openssl("req", "-new", "-key", `${name}.key`, "-subj", `/CN=${name}`, "-out", `${name}.csr`);
    const signer =
      by === null
        ? ["-signkey", `${name}.key`]
        : ["-CA", `${by}.crt`, "-CAkey", `${by}.key`, "-CAcreateserial"];
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      ...signer,
      "-days",
      `${days}`,
      "-extfile",
      `${name}.ext`,
      "-out",
      `${name}.crt`,
    );
  };
  sign("root", null, EXTENSIONS.ca);
  sign("intermediate", "root", EXTENSIONS.ca);
  sign("server", "intermediate", EXTENSIONS.server);
  sign("other", "root", EXTENSIONS.other);
  sign("expired", "root", EXTENSIONS.server, -1);
  sign("client", "root", EXTENSIONS.client);
  sign("stranger", null, EXTENSIONS.server);
  const identity = (name: string, ...more: string[]): Identity => ({
    key: read(`${name}.key`),
    cert: [name, ...more].map((one) => read(`${one}.crt`)).join(""),
  });
  const made = {
    folder,
    ca: read("root.crt"),
    intermediate: read("intermediate.crt"),
    server: identity("server", "intermediate"),
    other: identity("other"),
    expired: identity("expired"),
    client: identity("client"),
    stranger: identity("stranger"),
  };
  writeFileSync(join(folder, "server-chain.crt"), made.server.cert);
  return { ...made, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
