// `hawser listen URL`: takes connections, and joins them to standard input and output, to a
// command (exec.ts), or to themselves.

import { parseArgs } from "node:util";
import type { HawserError } from "../errors/index.ts";
import type { Connection } from "../net/connection.ts";
import { listen } from "../net/entry.ts";
import type { Listener } from "../net/listener.ts";
import type { ListenEndpoint, ListenOptions } from "../net/types.ts";
import { Commands } from "./exec.ts";
import { connectionOptions, readCount, readStreamUrl, STREAM_FLAGS, UsageError } from "./flags.ts";
import { Input, pipeBoth } from "./pipe.ts";
import { place } from "./terminal.ts";
import { isTlsUrl, SERVER_TLS_FLAGS, tlsOptions } from "./tls-flags.ts";
import { isAboutUdp, runUdpListen } from "./udp.ts";

export const LISTEN_HELP = `hawser listen URL [options]

Takes one connection, prints what it sends and sends it standard input. With --echo or --exec it
takes any number. Ctrl-C ends it with status 0.

URL: tcp://HOST:PORT, with an empty HOST or * for every address and port 0 for any free one;
tls://HOST:PORT the same with a certificate; unix:PATH or unix:@NAME. The address is printed on
standard error. udp://HOST:PORT prints datagrams of any peer, or of a multicast group, with options
of its own: hawser help udp.

  --fd N                a listening descriptor that was passed, in place of a URL; by TLS with
                        --cert and --key
  --echo                send everything back
  --exec COMMAND        run a command for each connection, by the shell; its environment has
                        HAWSER_REMOTE_ADDRESS and HAWSER_REMOTE_PORT
  --keep-open           take connections one after the other
  --idle-timeout 5m     end a connection on which nothing moves for so long
  --keepalive 60/10/3   idle/interval/count in seconds, or off
  --drop-timeout 20s    fail when sent data is not acknowledged for so long
  --family 4|6          only this family
  --interface NAME      by name or index
  --option NAME=VALUE   a socket option in the kernel's unit; may be repeated

For tls:
  --cert FILE           certificate and chain in PEM
  --key FILE            its key
  --alpn NAME,...       protocols to accept, in order of preference`;

/** As `parseArgs` of node:util takes them. */
export const LISTEN_FLAGS = {
  ...STREAM_FLAGS,
  ...SERVER_TLS_FLAGS,
  fd: { type: "string" },
  echo: { type: "boolean" },
  exec: { type: "string" },
  "keep-open": { type: "boolean", short: "k" },
} as const;

/** How long connections have to end after Ctrl-C before they are aborted. */
const CLOSE_MS = 2_000;

export async function runListen(args: string[]): Promise<void> {
  if (isAboutUdp(args)) {
    await runUdpListen(args);
    return;
  }
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: LISTEN_FLAGS,
  });
  const { url, endpoint } = readTarget(values, positionals);
  const { echo = false, exec } = values;
  if (echo && exec !== undefined) throw new UsageError("--echo and --exec exclude each other");
  const {
    localAddress: _,
    localPort: __,
    connectTimeout: ___,
    ...plain
  } = connectionOptions(values);
  const options = { ...plain, tls: tlsOptions(values, url), error: complain };
  if (isTlsUrl(url) && options.tls?.key === undefined) {
    throw new UsageError("listen tls: needs --cert and --key");
  }
  if (echo) {
    await serve(url, await listen(endpoint, options, echoBack));
  } else if (exec !== undefined) {
    await serveCommand(url, endpoint, exec, options);
  } else {
    const listener = await listen(endpoint, { ...options, allowHalfOpen: true });
    await takeOne(url, listener, values["keep-open"]);
  }
}

// A descriptor has no URL: the scheme alone stands for one.
function readTarget(
  { fd, cert }: { readonly fd?: string | undefined; readonly cert?: string | undefined },
  positionals: readonly string[],
): { url: string; endpoint: ListenEndpoint } {
  if (fd === undefined) {
    const url = readStreamUrl(positionals, "listen");
    return { url, endpoint: url };
  }
  if (positionals.length > 0) throw new UsageError("listen takes a URL or --fd, not both");
  const transport = cert === undefined ? undefined : "tls";
  return { url: `${transport ?? "tcp"}:`, endpoint: { fd: readCount(fd, "--fd", 0), transport } };
}

// A handshake that failed, or no descriptor left: the others are served nevertheless.
function complain(_listener: unknown, error: Error): void {
  console.error(`hawser: ${error.message.split("\n")[0]}`);
}

function announce(url: string, listener: Listener): void {
  const scheme = isTlsUrl(url) ? "tls" : "tcp";
  for (const at of listener.addresses) {
    const isPath = at.family === "unix";
    console.error(`listening on ${isPath ? `unix:${at.address}` : `${scheme}://${place(at)}`}`);
  }
}

/** Ctrl-C: no more connections, and those that there are may end before they are aborted. */
function closeOnSignal(listener: Listener): void {
  const stop = () => void listener.close({ timeout: CLOSE_MS });
  process.once("SIGINT", stop).once("SIGTERM", stop);
}

/** Until Ctrl-C. */
async function serve(url: string, listener: Listener): Promise<void> {
  closeOnSignal(listener);
  announce(url, listener);
  const { error } = await listener.closed;
  if (error !== null) throw error;
}

async function echoBack(connection: Connection): Promise<void> {
  for await (const chunk of connection) await connection.send(chunk);
}

async function serveCommand(
  url: string,
  endpoint: ListenEndpoint,
  exec: string,
  options: ListenOptions,
): Promise<void> {
  const commands = new Commands(exec);
  const listener = await listen(
    endpoint,
    { ...options, allowHalfOpen: true },
    async (connection) => {
      try {
        await commands.run(connection);
      } catch (error) {
        complain(null, error as Error);
        // An end would look as if the command had nothing to say.
        connection.abort();
      }
    },
  );
  await serve(url, listener);
  commands.stop();
}

async function takeOne(url: string, listener: Listener, keepOpen = false): Promise<void> {
  closeOnSignal(listener);
  announce(url, listener);
  listener.newConnectionLimit = 1;
  const input = new Input(process.stdin);
  try {
    for await (const connection of listener) {
      const error = await converse(connection, input);
      if (error !== null && !keepOpen) throw error;
      if (error !== null) complain(listener, error);
      if (!keepOpen) return;
      listener.newConnectionLimit = 1;
    }
  } finally {
    input.close();
    await listener.close({ timeout: 0 });
  }
}

/** What the connection failed with, or null. Throws where it is standard input that fails. */
async function converse(connection: Connection, input: Input): Promise<HawserError | null> {
  try {
    await pipeBoth(connection, input, process.stdout);
  } catch (error) {
    if (connection.state === "ready") throw error;
  }
  return (await connection.close()).error;
}
