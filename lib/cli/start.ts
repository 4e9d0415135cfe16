// `npm start`: an echo service with a page that shows its connections, until Ctrl-C. This file is
// the program: arguments, what is printed, signals. Not here: the service (start/service.ts), the
// command `hawser` (main.ts).

import { hostname } from "node:os";
import { UsageError } from "./flags.ts";
import { readArguments, USAGE } from "./start/arguments.ts";
import { EchoService } from "./start/service.ts";

const LINE_MS = 1_000;
/** How long connections have to end after Ctrl-C before they are aborted. */
const CLOSE_MS = 2_000;

/** Wrong usage, as of the command `hawser`. */
const EXIT_USAGE = 2;

async function main(): Promise<void> {
  const options = readArguments(process.argv.slice(2));
  if (options === "help") {
    console.log(USAGE);
    return;
  }
  const name = hostname().toLowerCase();
  const service = new EchoService(options, [name, `${name}.local`]);
  const { page, webSocket, tcp } = await service.start();
  const timer = setInterval(() => {
    const line = service.line();
    if (line !== null) console.log(line);
  }, LINE_MS);
  const stop = async () => {
    clearInterval(timer);
    const aborted = await service.close(CLOSE_MS);
    console.log(aborted === 0 ? "Closed." : `Closed; aborted: ${aborted}.`);
    process.exit(0);
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  console.log(`Page            ${page}`);
  console.log(`WebSocket echo  ${webSocket}`);
  console.log(`TCP echo        ${tcp}`);
  console.log(`Listening on ${service.bound.join(" and ")}. Ctrl-C ends it.`);
}

main().catch((error: Error) => {
  console.error(`hawser: ${error.message.split("\n")[0]}`);
  const isUsage =
    error instanceof UsageError ||
    // Wrong flags, as parseArgs says them; wrong values, as the library does.
    error instanceof TypeError ||
    error instanceof RangeError;
  process.exitCode = isUsage ? EXIT_USAGE : 1;
});
