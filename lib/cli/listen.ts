// `hawser listen URL`: takes connections, and joins them to standard input and output, to a
// command, or to themselves.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import type { HawserError } from "../errors/index.ts";
import type { Connection } from "../net/connection.ts";
import { listen } from "../net/entry.ts";
import type { Listener } from "../net/listener.ts";
import { connectionOptions, readStreamUrl, STREAM_FLAGS, UsageError } from "./flags.ts";
import { pipeBoth } from "./pipe.ts";
import { SERVER_TLS_FLAGS, tlsOptions } from "./tls-flags.ts";
import { isAboutUdp, runUdpListen } from "./udp.ts";

export const LISTEN_HELP = `hawser listen URL [options]

Takes one connection, prints what it sends and sends it standard input. With --echo or --exec it
takes any number, until Ctrl-C.

URL: tcp://HOST:PORT, with an empty HOST or * for every address and port 0 for any free one;
tls://HOST:PORT the same with a certificate; unix:PATH or unix:@NAME. The address is printed on
standard error. udp://HOST:PORT prints datagrams of any peer, or of a multicast group, with options
of its own: hawser help udp.

  --echo                send everything back
  --exec COMMAND        run a command for each connection, by the shell
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

export async function runListen(args: string[]): Promise<void> {
  if (isAboutUdp(args)) {
    await runUdpListen(args);
    return;
  }
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...STREAM_FLAGS,
      ...SERVER_TLS_FLAGS,
      echo: { type: "boolean" },
      exec: { type: "string" },
      "keep-open": { type: "boolean", short: "k" },
    },
  });
  const url = readStreamUrl(positionals, "listen");
  const { echo = false, exec } = values;
  if (echo && exec !== undefined) throw new UsageError("--echo and --exec exclude each other");
  const {
    localAddress: _,
    localPort: __,
    connectTimeout: ___,
    ...plain
  } = connectionOptions(values);
  const options = { ...plain, tls: tlsOptions(values), error: complain };
  if (isSecure(url) && options.tls?.key === undefined) {
    throw new UsageError("listen tls: needs --cert and --key");
  }
  if (echo) {
    await serve(url, await listen(url, options, echoBack));
  } else if (exec !== undefined) {
    const run = (connection: Connection) => execute(connection, exec);
    await serve(url, await listen(url, { ...options, allowHalfOpen: true }, run));
  } else {
    const listener = await listen(url, { ...options, allowHalfOpen: true });
    await takeOne(url, listener, values["keep-open"]);
  }
}

// A handshake that failed, or no descriptor left: the others are served nevertheless.
function complain(_listener: Listener, error: HawserError): void {
  console.error(`hawser: ${error.message.split("\n")[0]}`);
}

const isSecure = (url: string) => url.startsWith("tls:");

function announce(url: string, listener: Listener): void {
  const scheme = isSecure(url) ? "tls" : "tcp";
  for (const { address, family, port } of listener.addresses) {
    const host = family === "IPv6" ? `[${address}]` : address;
    console.error(
      `listening on ${family === "unix" ? `unix:${address}` : `${scheme}://${host}:${port}`}`,
    );
  }
}

/** Until Ctrl-C; then each connection may end before it is aborted. */
async function serve(url: string, listener: Listener): Promise<void> {
  announce(url, listener);
  const stop = () => void listener.close({ timeout: 2_000 });
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const { error } = await listener.closed;
  if (error !== null) throw error;
}

async function echoBack(connection: Connection): Promise<void> {
  for await (const chunk of connection) await connection.send(chunk);
}

async function takeOne(url: string, listener: Listener, keepOpen = false): Promise<void> {
  announce(url, listener);
  listener.newConnectionLimit = 1;
  for await (const connection of listener) {
    await pipeBoth(connection, process.stdin, process.stdout);
    const { error } = await connection.close();
    if (keepOpen) {
      listener.newConnectionLimit = 1;
      continue;
    }
    await listener.close();
    if (error !== null) throw error;
  }
}

async function execute(connection: Connection, command: string): Promise<void> {
  const child = spawn(command, {
    shell: true,
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      ...process.env,
      HAWSER_REMOTE_ADDRESS: connection.remoteAddress ?? "",
      HAWSER_REMOTE_PORT: String(connection.remotePort ?? ""),
    },
  }) as unknown as ChildProcessWithoutNullStreams;
  // A command that does not read its input is not an error.
  child.stdin.on("error", () => {});
  const exited = once(child, "exit");
  void feed(connection, child);
  for await (const chunk of child.stdout) await connection.send(chunk as Buffer);
  await exited;
}

async function feed(connection: Connection, child: ChildProcessWithoutNullStreams): Promise<void> {
  try {
    for await (const chunk of connection) {
      if (!child.stdin.write(chunk)) await once(child.stdin, "drain");
    }
    child.stdin.end();
  } catch {
    // The connection has failed, or the command ended first; either way it gets no more.
    child.stdin.destroy();
  }
}
