// `hawser connect URL`: standard input to the peer, the peer to standard output.

import { parseArgs } from "node:util";
import type { Connection } from "../net/connection.ts";
import { connect } from "../net/entry.ts";
import { CONNECTION_FLAGS, connectionOptions, readStreamUrl } from "./flags.ts";
import { Input, pipeBoth } from "./pipe.ts";
import { withProgress } from "./progress.ts";
import { place } from "./terminal.ts";
import { TLS_FLAGS, tlsOptions } from "./tls-flags.ts";
import { isAboutUdp, runUdpConnect } from "./udp.ts";

export const CONNECT_HELP = `hawser connect URL [options]

Connects, sends standard input and prints what comes back. The end of the input becomes FIN; the
command ends when the peer has finished too.

URL: tcp://HOST:PORT, tls://HOST:PORT, unix:PATH or unix:@NAME. For udp://HOST:PORT each line is a
datagram, with options of its own: hawser help udp.

  --connect-timeout 5s      give up establishing after this
  --idle-timeout 5m         end when nothing was sent or received for so long
  --keepalive 60/10/3       idle/interval/count in seconds, or off
  --drop-timeout 20s        fail when sent data is not acknowledged for so long
  --family 4|6              only addresses of this family
  --interface NAME          bind to an interface, by name or index
  --local-address ADDRESS   connect from there
  --local-port PORT
  --option NAME=VALUE       a socket option in the kernel's unit; may be repeated
  --verbose                 say on standard error what is connected to what

For tls:
  --ca FILE                 roots in PEM, in place of those that Node has
  --servername NAME         the name to ask for and to verify; default HOST, if that is a name
  --alpn NAME,...           protocols to offer
  --cert FILE --key FILE    a client's certificate
  --insecure                accept any certificate`;

/** As `parseArgs` of node:util takes them. */
export const CONNECT_FLAGS = {
  ...CONNECTION_FLAGS,
  ...TLS_FLAGS,
  verbose: { type: "boolean", short: "v" },
} as const;

export async function runConnect(args: string[]): Promise<void> {
  if (isAboutUdp(args)) {
    await runUdpConnect(args);
    return;
  }
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: CONNECT_FLAGS,
  });
  const url = readStreamUrl(positionals, "connect");
  // Reading goes on after our end of the input, until the peer's.
  const options = {
    ...connectionOptions(values),
    tls: tlsOptions(values, url),
    allowHalfOpen: true,
  };
  const connecting = connect(url, options);
  const connection = await withProgress(`connecting to ${url}`, connecting);
  if (values.verbose) tellWho(connection);
  const input = new Input(process.stdin);
  try {
    await pipeBoth(connection, input, process.stdout);
  } finally {
    input.close();
  }
  const { error } = await connection.close();
  if (error !== null) throw error;
}

function tellWho({ localAddress, localPort, remoteAddress, remotePort, tls }: Connection): void {
  const from = place({ address: localAddress, port: localPort });
  const to = place({ address: remoteAddress, port: remotePort });
  const over = tls === null ? "" : ` with ${tls.protocol}, ${tls.cipher}`;
  console.error(`connected ${from === "" ? "" : `${from} `}to ${to}${over}`);
}
