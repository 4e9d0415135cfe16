// The arguments of `npm start`, read and checked, and the endpoints that they mean.
// Not here: listening (service.ts), the flags of the command `hawser` (../flags.ts).

import { parseArgs } from "node:util";
import type { HostEndpoint, WebSocketUrl } from "../../index.ts";
import { UsageError } from "../flags.ts";

export const DEFAULT_PORT = 7070;
const MAX_PORT = 65_535;
/** Takes 127.0.0.1 and ::1 on one port, and 127.0.0.1 alone where the system has no IPv6. */
const DEFAULT_HOST = "localhost";

export const USAGE = `npm start -- [--port PORT] [--tcp-port PORT] [--host NAME] [--tls]

A page that shows its connections, a WebSocket echo on the same port, and a TCP echo beside them.

  --port PORT      of the page and the WebSocket echo; 0: any free one (default ${DEFAULT_PORT})
  --tcp-port PORT  of the TCP echo (default: the one after --port; with --port 0, any free one)
  --host NAME      listen there: a name or an address; "" or * is every address of this machine
                   (default: 127.0.0.1, and ::1 where the system has IPv6)
  --tls            https, wss and tls, with a certificate made on the spot by openssl
  --cert FILE      with --tls: a certificate in PEM instead, and the chain after it
  --key FILE       with --tls: its private key in PEM
  --help           this text`;

export interface StartOptions {
  /** As it was given; `""` is any address. */
  readonly host: string;
  readonly port: number;
  readonly tcpPort: number;
  readonly tls: boolean;
  /** Paths of PEM files; null where a certificate is to be made. */
  readonly certificate: { readonly cert: string; readonly key: string } | null;
}

/** @throws UsageError for wrong values; what `parseArgs` throws for wrong flags */
export function readArguments(args: readonly string[]): StartOptions | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string" },
      "tcp-port": { type: "string" },
      host: { type: "string" },
      tls: { type: "boolean" },
      cert: { type: "string" },
      key: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return "help";
  const { cert, key, tls = false } = values;
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("--cert and --key are given together");
  }
  if (cert !== undefined && !tls) throw new UsageError("--cert and --key are for --tls");
  const port = values.port === undefined ? DEFAULT_PORT : readPort(values.port, "--port");
  const host = values.host ?? DEFAULT_HOST;
  return {
    host: host === "*" ? "" : host,
    port,
    tcpPort:
      values["tcp-port"] === undefined
        ? portAfter(port)
        : readPort(values["tcp-port"], "--tcp-port"),
    tls,
    certificate: cert === undefined || key === undefined ? null : { cert, key },
  };
}

function readPort(text: string, flag: string): number {
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port > MAX_PORT) {
    throw new UsageError(`${flag} takes a number from 0 to ${MAX_PORT}: ${text}`);
  }
  return port;
}

function portAfter(port: number): number {
  if (port === MAX_PORT) throw new UsageError(`no port follows ${port}: give --tcp-port as well`);
  return port === 0 ? 0 : port + 1;
}

/** Where the page and the WebSocket echo listen. */
export function webSocketEndpoint({ host, port, tls }: StartOptions): WebSocketUrl {
  return `${tls ? "wss" : "ws"}://${host === "" ? "[::]" : inUrl(host)}:${port}/`;
}

/** Where the TCP echo listens. */
export function tcpEndpoint({ host, tcpPort, tls }: StartOptions): HostEndpoint {
  return { transport: tls ? "tls" : "tcp", host, port: tcpPort };
}

/** What a client on this machine puts into a URL to get there. */
export function hostToShow({ host, tls }: StartOptions): string {
  // A certificate has names, and the one that everybody trusts themselves with is this.
  if (host === "" || host === DEFAULT_HOST) return tls ? DEFAULT_HOST : "127.0.0.1";
  return inUrl(host);
}

function inUrl(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
