// The options of TLS, checked. What node:tls reads itself (certificates, ciphers, versions) it also
// checks. Not here: their documentation (net/tls-engine.ts), what is made of them (context.ts).

import type { SecureContextOptions } from "node:tls";
import {
  invalidArgType,
  invalidArgValue,
  rejectUnknownKeys,
  requireBoolean,
  requireFunction,
  requireObject,
  requireString,
} from "../errors/index.ts";
import type { TlsOptions } from "../net/tls-engine.ts";

const CONTEXT_KEYS = [
  "allowPartialTrustChain",
  "ca",
  "cert",
  "ciphers",
  "clientCertEngine",
  "crl",
  "dhparam",
  "ecdhCurve",
  "honorCipherOrder",
  "key",
  "maxVersion",
  "minVersion",
  "passphrase",
  "pfx",
  "privateKeyEngine",
  "privateKeyIdentifier",
  "secureOptions",
  "secureProtocol",
  "sessionIdContext",
  "sigalgs",
  "ticketKeys",
] as const;

const OWN_KEYS = [
  "servername",
  "alpnProtocols",
  "rejectUnauthorized",
  "requestCert",
  "requireCloseNotify",
  "session",
  "psk",
  "pskCallback",
  "SNICallback",
  "checkServerIdentity",
  "verify",
] as const;

const KEYS: ReadonlySet<string> = new Set([...CONTEXT_KEYS, ...OWN_KEYS]);

const INSTEAD = {
  ALPNProtocols: "alpnProtocols",
  host: "the endpoint for the host, or servername",
  timeout: "connectTimeout",
};

/** At most 65,535 bytes in the extension, 255 for each name (RFC 7301 section 3.1). */
const MAX_PROTOCOL_BYTES = 255;

export interface CheckedOptions {
  readonly context: SecureContextOptions;
  readonly servername: string | undefined;
  readonly alpnProtocols: readonly string[] | undefined;
  /** Undefined where nothing was said. */
  readonly rejectUnauthorized: boolean | undefined;
  readonly requestCert: boolean;
  readonly requireCloseNotify: boolean;
  readonly session: Buffer | undefined;
  readonly psk: TlsOptions["psk"];
  readonly pskCallback: TlsOptions["pskCallback"];
  readonly SNICallback: TlsOptions["SNICallback"];
  readonly checkServerIdentity: TlsOptions["checkServerIdentity"];
  readonly verify: TlsOptions["verify"];
}

/** @throws TypeError for an unknown key or a value of the wrong kind */
export function checkOptions(value: unknown): CheckedOptions {
  const given = requireObject(value, "tls");
  rejectUnknownKeys(given, KEYS, "tls", INSTEAD);
  const options: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(given)) if (one !== undefined) options[key] = one;
  const context: Record<string, unknown> = {};
  for (const key of CONTEXT_KEYS) if (options[key] !== undefined) context[key] = options[key];
  const callback = (key: string) =>
    options[key] === undefined ? undefined : requireFunction(options[key], `tls.${key}`);
  const flag = (key: string) =>
    options[key] === undefined ? undefined : requireBoolean(options[key], `tls.${key}`);
  return {
    context,
    servername: readServername(options["servername"]),
    alpnProtocols: readProtocols(options["alpnProtocols"]),
    rejectUnauthorized: flag("rejectUnauthorized"),
    requestCert: flag("requestCert") ?? false,
    requireCloseNotify: flag("requireCloseNotify") ?? true,
    session: readBytes(options["session"], "tls.session"),
    psk: readPsk(options["psk"]),
    pskCallback: callback("pskCallback") as CheckedOptions["pskCallback"],
    SNICallback: callback("SNICallback") as CheckedOptions["SNICallback"],
    checkServerIdentity: callback("checkServerIdentity") as CheckedOptions["checkServerIdentity"],
    verify: callback("verify") as CheckedOptions["verify"],
  };
}

function readServername(value: unknown): string | undefined {
  return value === undefined ? undefined : requireString(value, "tls.servername");
}

function readProtocols(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw invalidArgType("tls.alpnProtocols", "an array", value);
  for (const name of value) {
    const size = Buffer.byteLength(requireString(name, "tls.alpnProtocols"));
    if (size === 0 || size > MAX_PROTOCOL_BYTES) {
      const why = `must have names of 1 to ${MAX_PROTOCOL_BYTES} bytes (RFC 7301 section 3.1)`;
      throw invalidArgValue("tls.alpnProtocols", why, name);
    }
  }
  return Object.freeze([...value]);
}

function readBytes(value: unknown, name: string): Buffer | undefined {
  if (value === undefined) return undefined;
  if (!Buffer.isBuffer(value)) throw invalidArgType(name, "a Buffer", value);
  return value;
}

function readPsk(value: unknown): TlsOptions["psk"] {
  if (value === undefined) return undefined;
  const { identity, key } = requireObject(value, "tls.psk");
  const bytes = readBytes(key, "tls.psk.key");
  if (bytes === undefined) throw invalidArgType("tls.psk.key", "a Buffer", key);
  return Object.freeze({ identity: requireString(identity, "tls.psk.identity"), key: bytes });
}
