// undici over hawser: what its Client, Pool and Agent take as their `connect`.
// Not here: the stream between (duplex.ts), node:http (http.ts).

import type { Duplex } from "node:stream";
import tls from "node:tls";
import { Connection } from "../net/connection.ts";
import { type ConnectionDuplex, toDuplex } from "./duplex.ts";
import type { HttpConnectOptions } from "./http.ts";

/** What undici tells its connector. */
export interface UndiciTarget {
  readonly hostname: string;
  readonly port: string;
  readonly protocol: string;
  readonly servername?: string | null | undefined;
  readonly localAddress?: string | null | undefined;
}

export type UndiciCallback = (error: Error | null, socket: Duplex | null) => void;

export interface ConnectorOptions extends HttpConnectOptions {
  /** For `https:`: certificate options as in `tls.connect`. */
  readonly tls?: tls.ConnectionOptions | undefined;
  /** Connect to this Unix socket, whatever the URL says. */
  readonly socketPath?: string | undefined;
}

const DEFAULT_PORT: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/**
 * For undici's `new Client(url, { connect: connector() })`. Options are those of hawser's `connect`;
 * `https:` is Node's TLS over it.
 */
export function connector(
  options: ConnectorOptions = {},
): (target: UndiciTarget, callback: UndiciCallback) => void {
  const { tls: secure = {}, socketPath, ...rest } = options;
  return (target, callback) => {
    const { hostname, port, protocol, localAddress } = target;
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    const endpoint =
      socketPath === undefined
        ? { host, port: port ? Number(port) : (DEFAULT_PORT[protocol] ?? 0) }
        : { path: socketPath };
    const asked = localAddress ? { ...rest, localAddress } : rest;
    const socket = toDuplex(new Connection(endpoint, asked).start());
    if (protocol !== "https:") tellOnce(socket, "connect", callback);
    else tellOnce(secured(socket, target, secure), "secureConnect", callback);
  };
}

function secured(
  socket: ConnectionDuplex,
  { hostname, servername }: UndiciTarget,
  options: tls.ConnectionOptions,
): tls.TLSSocket {
  const name = servername || options.servername || hostname;
  const stream = tls.connect({
    ALPNProtocols: ["http/1.1"],
    ...options,
    socket,
    // An address is no name to ask for (RFC 6066 section 3).
    ...(/^[\d.]+$|:/.test(name) ? { host: name } : { servername: name }),
  });
  // TLS over a stream hears of its end, and not of its failure.
  socket.once("error", (error) => stream.destroy(error));
  return stream;
}

function tellOnce(
  stream: Duplex,
  ready: "connect" | "secureConnect",
  callback: UndiciCallback,
): void {
  const failed = (error: Error) => {
    stream.removeListener(ready, opened);
    callback(error, null);
  };
  const opened = () => {
    stream.removeListener("error", failed);
    callback(null, stream);
  };
  stream.once("error", failed).once(ready, opened);
}
