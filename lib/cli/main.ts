#!/usr/bin/env node
// The command `hawser`: which part is meant, its help, and how failures end. Each part is a file of
// its own and loaded when it is asked for.

import { UsageError } from "./flags.ts";

const HELP = `hawser COMMAND [options]

  connect URL        standard input and output to a peer
  listen URL         take connections: to standard input and output, a command, or an echo
  probe HOST:PORT    how a connection is established, and what the kernel knows of it
  watch HOST:PORT    round-trip time, retransmissions and windows, live
  paths [ADDRESS]    interfaces, addresses, routes and name servers, or the path to an address
  options [NAME]     the socket options
  completions SHELL  for bash, zsh or fish
  help [COMMAND]     this text, that of a command, or that of udp: URLs (help udp)

Exit status: 0 done; 1 a connection failed, or probe --tls found a certificate that is not accepted;
2 wrong usage; 130 ended by Ctrl-C, where that is not the way to end it (listen, watch).`;

/** As bash and getopt(1) have it. */
const EXIT_USAGE = 2;
const EXIT_FAILED = 1;

interface Part {
  readonly run: (args: string[]) => Promise<void>;
  readonly help: string;
}

const PARTS: Readonly<Record<string, () => Promise<Part>>> = {
  async connect() {
    const { runConnect: run, CONNECT_HELP: help } = await import("./connect.ts");
    return { run, help };
  },
  async listen() {
    const { runListen: run, LISTEN_HELP: help } = await import("./listen.ts");
    return { run, help };
  },
  async probe() {
    const { runProbe: run, PROBE_HELP: help } = await import("./probe.ts");
    return { run, help };
  },
  async watch() {
    const { runWatch: run, WATCH_HELP: help } = await import("./watch.ts");
    return { run, help };
  },
  async paths() {
    const { runPaths: run, PATHS_HELP: help } = await import("./paths.ts");
    return { run, help };
  },
  async options() {
    const { runOptions: run, OPTIONS_HELP: help } = await import("./options.ts");
    return { run, help };
  },
  async completions() {
    const { runCompletions: run, COMPLETIONS_HELP: help } = await import("./completions.ts");
    return { run, help };
  },
};

async function main([command = "help", ...args]: string[]): Promise<void> {
  if (command === "--version" || command === "-V") {
    const { VERSION } = await import("./version.ts");
    console.log(VERSION);
    return;
  }
  const asksForHelp = command === "help" || command === "--help" || command === "-h";
  const name = asksForHelp ? args[0] : command;
  if (name === undefined) {
    console.log(HELP);
    return;
  }
  const wantsHelp = asksForHelp || args.includes("--help") || args.includes("-h");
  // `hawser help udp`, `hawser connect udp://HOST:PORT --help`.
  if (wantsHelp && args.some((arg) => /^udp(?::|$)/i.test(arg))) {
    const { UDP_HELP } = await import("./udp.ts");
    console.log(UDP_HELP);
    return;
  }
  const load = Object.hasOwn(PARTS, name) ? PARTS[name] : undefined;
  if (load === undefined) throw new UsageError(`there is no command ${name}; see hawser help`);
  const part = await load();
  if (wantsHelp) console.log(part.help);
  else await part.run(args);
}

function fail(error: NodeJS.ErrnoException): void {
  const isUsage =
    error instanceof UsageError ||
    // Wrong flags, as parseArgs says them; wrong values, as the library does.
    error instanceof TypeError ||
    error instanceof RangeError;
  console.error(`hawser: ${error.message.split("\n")[0]}`);
  process.exit(isUsage ? EXIT_USAGE : EXIT_FAILED);
}

// A reader that has gone ends the command, as it ends cat.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : EXIT_FAILED);
});
main(process.argv.slice(2)).catch(fail);
