// `npm start`: a TCP echo service that shows what goes through it, until Ctrl-C.
// Not here: the command `hawser`.

import { parseArgs } from "node:util";
import { type Connection, type Listener, listen } from "../index.ts";

const DEFAULT_PORT = 7070;
const REPORT_MS = 1_000;
/** How long connections have to end after Ctrl-C before they are aborted. */
const CLOSE_MS = 2_000;
const USAGE = `npm start -- [--port PORT]

A TCP echo service on 127.0.0.1. Try it with: nc 127.0.0.1 PORT
  --port PORT   listen there; 0 takes any free port (default ${DEFAULT_PORT})
  --help        this text`;

/** Wrong usage, as of the command `hawser`. */
const EXIT_USAGE = 2;

function readArguments(args: readonly string[]): { port: number } | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: { port: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) return "help";
  const port = Number(values.port ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535 || values.port === "") {
    throw new RangeError(`--port takes a number from 0 to 65535, not ${values.port}`);
  }
  return { port };
}

class Meter {
  #bytes = 0;
  #reported = 0;

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** One line: connections, bytes since the last one, and how far away the peers are. */
  line({ connections }: Listener): string {
    const times = [...connections].flatMap(roundTripMs).sort((a, b) => a - b);
    const bytes = this.#bytes - this.#reported;
    this.#reported = this.#bytes;
    const many = connections.size === 1 ? "1 connection" : `${connections.size} connections`;
    const distance =
      times.length === 0
        ? ""
        : `, round trip ${ms(times[0])} least, ${ms(times[times.length >> 1])} median, ${ms(times.at(-1))} most`;
    return `${many}, ${bytes} bytes echoed (${this.#bytes} in all)${distance}`;
  }
}

function roundTripMs(connection: Connection): number[] {
  const time = connection.info()?.roundTripTimeMs;
  return typeof time === "number" ? [time] : [];
}

function ms(time: number | undefined): string {
  return `${(time ?? 0).toFixed(3)} ms`;
}

async function main(): Promise<void> {
  const parsed = readArguments(process.argv.slice(2));
  if (parsed === "help") {
    console.log(USAGE);
    return;
  }
  const meter = new Meter();
  const listener = await listen(
    { host: "127.0.0.1", port: parsed.port },
    {
      lend: true,
      data(connection, bytes) {
        meter.add(bytes.length);
        // A peer that sends and does not read must not fill our memory.
        if (!connection.write(bytes)) connection.pause();
      },
      drain: (connection) => connection.resume(),
    },
  );
  console.log(`Echo on tcp://${listener.address.address}:${listener.port} (Ctrl-C ends it)`);
  const timer = setInterval(() => {
    if (listener.connections.size > 0) console.log(meter.line(listener));
  }, REPORT_MS);
  const stop = async () => {
    clearInterval(timer);
    const { aborted } = await listener.close({ timeout: CLOSE_MS });
    console.log(aborted === 0 ? "Closed." : `Closed; ${aborted} connections were aborted.`);
    process.exit(0);
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
}

main().catch((error: NodeJS.ErrnoException) => {
  console.error(`hawser: ${error.message}`);
  const isUsage = error instanceof RangeError || error.code?.startsWith("ERR_PARSE_ARGS");
  process.exitCode = isUsage ? EXIT_USAGE : 1;
});
