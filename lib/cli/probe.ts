// `hawser probe HOST:PORT`: connects once and shows how it went, what TLS has negotiated, what the
// kernel knows, and which options are in force. Not here: certificates (probe-tls.ts).

import { parseArgs } from "node:util";
import type { Connection } from "../net/connection.ts";
import { connect } from "../net/entry.ts";
import type { EstablishmentReport } from "../net/types.ts";
import { getOption, type ReadableOption } from "../socket/options.ts";
import { CONNECTION_FLAGS, connectionOptions, readTarget, UsageError } from "./flags.ts";
import { lookAtTls, showTls } from "./probe-tls.ts";
import { withProgress } from "./progress.ts";
import { bar, bytes, duration, type Palette, palette, place, table } from "./terminal.ts";
import { isTlsUrl, TLS_FLAGS, tlsOptions } from "./tls-flags.ts";

export const PROBE_HELP = `hawser probe HOST:PORT [options]

Connects once, sends nothing, and prints the phases with their durations, every address that was
tried, what the kernel knows of the connection (TCP_INFO), and the options in force.

  --json                 the same as one JSON object
  --connect-timeout 5s   default 10s
  --family, --interface, --local-address, --local-port, --keepalive, --option   as for connect

  --tls                  with TLS: protocol, cipher, ALPN, whether the certificate is accepted, and
                         the chain as it was sent, each with its issuer and the days that are left
  --servername NAME      the name to ask for and to verify; default HOST, if that is a name
  --alpn NAME,...        protocols to offer; default h2,http/1.1; none offers none
  --ca FILE              roots in PEM, in place of those that Node has
  --cert FILE --key FILE a client's certificate

Exit status: 0 connected, and with --tls the certificate is accepted; 1 it failed, or with --tls the
certificate is not accepted (expired, signed by itself, for another name), which is all shown
nevertheless; 2 wrong usage.`;

const DEFAULT_TIMEOUT_MS = 10_000;
/** For the peer to answer our FIN; it may wait for a request, which never comes. */
const GOODBYE_MS = 500;
const BAR_WIDTH = 40;

const { insecure: _, ...CLIENT_TLS_FLAGS } = TLS_FLAGS;
/** As `parseArgs` of node:util takes them. */
export const PROBE_FLAGS = {
  ...CONNECTION_FLAGS,
  ...CLIENT_TLS_FLAGS,
  tls: { type: "boolean" },
  json: { type: "boolean" },
} as const;
const SCHEMES = ["tcp", "tls", "unix"];
/** What is wrong with a certificate is shown, not stopped at; what browsers offer is offered. */
const TLS_DEFAULTS = { rejectUnauthorized: false, alpnProtocols: ["h2", "http/1.1"] } as const;

const SHOWN: readonly ReadableOption[] = [
  "TCP_NODELAY",
  "SO_KEEPALIVE",
  ...(process.platform === "darwin" ? ["TCP_KEEPALIVE" as const] : ["TCP_KEEPIDLE" as const]),
  "TCP_KEEPINTVL",
  "TCP_KEEPCNT",
  "TCP_MAXSEG",
  "SO_RCVBUF",
  "SO_SNDBUF",
  ...(process.platform === "darwin" ? [] : (["TCP_CONGESTION", "TCP_USER_TIMEOUT"] as const)),
];

export async function runProbe(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: PROBE_FLAGS });
  const url = urlOf(readTarget(positionals, "probe", SCHEMES), values.tls === true);
  const tls = tlsOptions(values, url);
  const options = connectionOptions(values);
  const connecting = connect(url, {
    ...options,
    ...(isTlsUrl(url) && { tls: { ...TLS_DEFAULTS, ...tls } }),
    closeTimeout: GOODBYE_MS,
    connectTimeout: options.connectTimeout ?? DEFAULT_TIMEOUT_MS,
  });
  const connection = await withProgress(`connecting to ${positionals[0]}`, connecting);
  const found = look(connection);
  console.log(values.json ? JSON.stringify(found, null, 2) : show(found, palette(process.stdout)));
  await connection.close();
  if (found.tls !== null && !found.tls.authorized) {
    throw new Error(`TLS: the certificate is not accepted: ${found.tls.authorizationError}`);
  }
}

function urlOf(url: `tcp://${string}`, isSecure: boolean): `tcp://${string}` {
  if (!isSecure || isTlsUrl(url)) return url;
  if (!/^tcp:/i.test(url)) throw new UsageError("--tls takes HOST:PORT");
  return url.replace(/^tcp:/i, "tls:") as `tcp://${string}`;
}

function look(connection: Connection) {
  const { localAddress, localPort, remoteAddress, remotePort, tls } = connection;
  const options: Record<string, unknown> = {};
  if (connection.transport !== "unix") {
    for (const name of SHOWN) options[name] = getOption(connection, name);
  }
  return {
    local: { address: localAddress, port: localPort },
    remote: { address: remoteAddress, port: remotePort },
    establishment: connection.establishmentReport as EstablishmentReport,
    tls: tls === null ? null : lookAtTls(tls),
    tcpInfo: connection.info(),
    options,
  };
}

export type Findings = ReturnType<typeof look>;

/** The findings as a person reads them. */
export function show(found: Findings, colours: Palette): string {
  const { local, remote } = found;
  const sections = [
    `${colours.bold(place(remote))}${local.address ? ` from ${place(local)}` : ""}`,
    phases(found.establishment, colours),
    found.tls === null ? "" : showTls(found.tls, colours),
    kernel(found),
    table(Object.entries(found.options).map(([name, value]) => [name, String(value)])),
  ];
  return sections.filter((section) => section !== "").join("\n\n");
}

function phases(report: EstablishmentReport, colours: Palette): string {
  const whole = report.durationMs;
  const rows = report.phases.map(({ phase, startMs, durationMs }) => [
    phase,
    duration(durationMs),
    bar(startMs, startMs + durationMs, whole, BAR_WIDTH),
  ]);
  const tried = report.attempts
    .filter(({ outcome }) => outcome !== "won")
    .map(({ outcome, error, ...at }) => `${place(at)} ${error?.code ?? outcome}`);
  const lines = [colours.accent(table([...rows, ["ready", duration(whole), ""]]))];
  if (tried.length > 0) lines.push(`also tried: ${tried.join(", ")}`);
  return lines.join("\n");
}

function kernel({ tcpInfo }: Findings): string {
  if (tcpInfo === null) return "";
  const rows: string[][] = [];
  const add = (name: string, value: number | null, write: (value: number) => string) => {
    if (value !== null) rows.push([name, write(value)]);
  };
  add("round trip", tcpInfo.roundTripTimeMs, duration);
  add("variation", tcpInfo.roundTripTimeVarianceMs, duration);
  add("retransmission timeout", tcpInfo.retransmissionTimeoutMs, duration);
  add("segment", tcpInfo.sendSegmentBytes, bytes);
  add("path MTU", tcpInfo.pathMtuBytes, bytes);
  add("congestion window", tcpInfo.congestionWindowSegments, (count) => `${count} segments`);
  add("peer's window", tcpInfo.sendWindowBytes, bytes);
  return table(rows);
}
