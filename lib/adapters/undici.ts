// undici over hawser: what its Client, Pool and Agent take as their `connect`.
// Not here: the stream between (duplex.ts), node:http (http.ts).

import type { Duplex } from "node:stream";
import { requireObject } from "../errors/index.ts";
import { Connection } from "../net/connection.ts";
import { parseConnectOptions } from "../net/parameters.ts";
import type { StreamEndpoint, TlsOption } from "../net/types.ts";
import { refuseData } from "./claim.ts";
import { toDuplex } from "./duplex.ts";
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

export interface ConnectorOptions extends HttpConnectOptions, TlsOption {
  /** Connect to this Unix socket, whatever the URL says; `http:` only. */
  readonly socketPath?: string | undefined;
}

/** As undici's own connector, which this takes the place of. */
const CONNECT_TIMEOUT_MS = 10_000;
const DEFAULT_PORT: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/**
 * For undici's `new Client(url, { connect: connector() })`. Options are those of hawser's
 * `connect`, with a `connectTimeout` of 10,000 where none is given, as in undici; `https:` is TLS
 * with the options in `tls`, and HTTP/1.1 unless `tls.alpnProtocols` says more.
 *
 * @throws TypeError or RangeError for wrong options
 */
export function connector(
  options: ConnectorOptions = {},
): (target: UndiciTarget, callback: UndiciCallback) => void {
  const { socketPath, ...plain } = requireObject(options, "options") as ConnectorOptions;
  parseConnectOptions(plain);
  refuseData(plain);
  return (target, callback) => {
    let connection: Connection<never>;
    try {
      connection = connectionTo(target, plain, socketPath);
    } catch (error) {
      // As every other failure to connect; only this URL has it.
      callback(error as Error, null);
      return;
    }
    connection.start().ready.then(
      () => callback(null, toDuplex(connection)),
      (error) => callback(error, null),
    );
  };
}

function connectionTo(
  target: UndiciTarget,
  { tls = {}, ...plain }: Omit<ConnectorOptions, "socketPath">,
  socketPath: string | undefined,
): Connection<never> {
  const { protocol, servername, localAddress } = target;
  const isSecure = protocol === "https:";
  const endpoint = socketPath === undefined ? endpointOf(target) : { path: socketPath };
  const name = servername ? { servername } : {};
  return new Connection<never>(endpoint, {
    ...plain,
    connectTimeout: plain.connectTimeout ?? CONNECT_TIMEOUT_MS,
    ...(localAddress && { localAddress }),
    ...(isSecure && { tls: { alpnProtocols: ["http/1.1"], ...name, ...tls } }),
  });
}

function endpointOf({ hostname, port, protocol }: UndiciTarget): StreamEndpoint {
  return {
    transport: protocol === "https:" ? "tls" : "tcp",
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port ? Number(port) : (DEFAULT_PORT[protocol] ?? 0),
  };
}
