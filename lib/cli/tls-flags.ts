// The flags of TLS, read from text and files. Wrong usage is a UsageError.
// Not here: what a command does with them, the flags that TLS has no part in (flags.ts).

import "../tls/index.ts";
import { readFileSync } from "node:fs";
import type { TlsOptions } from "../net/types.ts";
import { UsageError } from "./flags.ts";

/** Of commands that connect, as `parseArgs` of node:util takes them. */
export const TLS_FLAGS = {
  ca: { type: "string" },
  cert: { type: "string" },
  key: { type: "string" },
  servername: { type: "string" },
  alpn: { type: "string" },
  insecure: { type: "boolean" },
} as const;

/** Of commands that listen. */
export const SERVER_TLS_FLAGS = {
  cert: TLS_FLAGS.cert,
  key: TLS_FLAGS.key,
  alpn: TLS_FLAGS.alpn,
} as const;

export interface TlsFlagValues {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
  readonly alpn?: string | undefined;
  readonly insecure?: boolean | undefined;
}

export const isTlsUrl = (url: string): boolean => /^tls:/i.test(url);

/** The options that the flags ask for; undefined where none is given, which other URLs need. */
export function tlsOptions(flags: TlsFlagValues, url: string): TlsOptions | undefined {
  const { ca, cert, key, servername, alpn, insecure } = flags;
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("--cert and --key go together");
  }
  const options: TlsOptions = {
    ...(ca !== undefined && { ca: read(ca, "--ca") }),
    ...(cert !== undefined && { cert: read(cert, "--cert") }),
    ...(key !== undefined && { key: read(key, "--key") }),
    ...(servername !== undefined && { servername }),
    ...(alpn !== undefined && { alpnProtocols: readProtocols(alpn) }),
    ...(insecure === true && { rejectUnauthorized: false }),
  };
  const given = Object.keys(options).length > 0;
  if (given && !isTlsUrl(url)) {
    const names = "--ca, --cert, --key, --servername, --alpn and --insecure";
    throw new UsageError(`${names} are for tls:// (of probe, with --tls): ${url}`);
  }
  return given ? options : undefined;
}

/** `h2,http/1.1`; `none` offers none. */
function readProtocols(text: string): string[] | undefined {
  if (text === "none") return undefined;
  const names = text.split(",");
  if (names.some((name) => name === "")) {
    throw new UsageError(`--alpn takes names with commas between them, or none: ${text}`);
  }
  return names;
}

function read(path: string, flag: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`${flag} cannot be read: ${(error as Error).message}`);
  }
}
