// `hawser connect URL`: standard input to the peer, the peer to standard output.

import { parseArgs } from "node:util";
import { connect } from "../net/entry.ts";
import { CONNECTION_FLAGS, connectionOptions, UsageError } from "./flags.ts";
import { pipeBoth } from "./pipe.ts";
import { isAboutUdp, runUdpConnect } from "./udp.ts";

export const CONNECT_HELP = `hawser connect URL [options]

Connects, sends standard input and prints what comes back. The end of the input becomes FIN; the
command ends when the peer has finished too.

URL: tcp://HOST:PORT, unix:PATH or unix:@NAME. For udp://HOST:PORT each line is a datagram, with
--broadcast, --multicast-interface NAME and --ttl N.

  --connect-timeout 5s      give up establishing after this
  --idle-timeout 5m         end when nothing was sent or received for so long
  --keepalive 60/10/3       idle/interval/count in seconds, or off
  --drop-timeout 20s        fail when sent data is not acknowledged for so long
  --family 4|6              only addresses of this family
  --interface NAME          bind to an interface, by name or index
  --local-address ADDRESS   connect from there
  --local-port PORT
  --option NAME=VALUE       a socket option in the kernel's unit; may be repeated
  --verbose                 say on standard error what is connected to what`;

export async function runConnect(args: string[]): Promise<void> {
  if (isAboutUdp(args)) {
    await runUdpConnect(args);
    return;
  }
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...CONNECTION_FLAGS, verbose: { type: "boolean", short: "v" } },
  });
  const [url, extra] = positionals;
  if (url === undefined || extra !== undefined) throw new UsageError("connect takes one URL");
  // Reading goes on after our end of the input, until the peer's.
  const options = { ...connectionOptions(values), allowHalfOpen: true };
  const connection = await connect(url as `tcp://${string}`, options);
  if (values.verbose) {
    const { localAddress, localPort, remoteAddress, remotePort } = connection;
    console.error(`connected ${localAddress}:${localPort} to ${remoteAddress}:${remotePort}`);
  }
  await pipeBoth(connection, process.stdin, process.stdout);
  const { error } = await connection.close();
  if (error !== null) throw error;
}
