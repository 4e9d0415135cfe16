// The command lines of the project's own programs: `--help`, whole numbers, and one sentence with
// exit code 2 for what is wrong, as the command `hawser` says it. Not here: what a program takes.

import { readCount, UsageError } from "../lib/cli/flags.ts";

export { readCount, UsageError };

const EXIT_USAGE = 2;

/** A number above 0, fractions too. */
export function readPositive(text: string, flag: string): number {
  const value = Number(text);
  if (!/^[0-9.]+$/.test(text) || !(value > 0)) {
    throw new UsageError(`${flag} takes a number above 0: ${text}`);
  }
  return value;
}

/** One of a list of names. */
export function requireKnown(what: string, name: string, known: readonly string[]): void {
  if (!known.includes(name)) {
    throw new UsageError(`there is no ${what} ${name}; there are ${known.join(", ")}`);
  }
}

/** The first sentence of an error, where it is the user's: UsageError, or one of parseArgs'. */
function complaintOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const isOfParseArgs = (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS_");
  if (!(error instanceof UsageError) && !isOfParseArgs) return undefined;
  const [first = ""] = error.message.split(/\n|\. (?=[A-Z])/);
  return first.replace(/\.$/, "");
}

/**
 * What `read` makes of the words behind the name of `npm run NAME --`. Prints `usage` and ends with
 * 0 where it is asked for; prints a sentence and ends with 2 where `read` throws a UsageError, or
 * what parseArgs (node:util) throws.
 */
export function readCommandLine<T>(
  name: string,
  usage: string,
  read: (words: string[]) => T,
  words: string[] = process.argv.slice(2),
): T {
  if (words.includes("--help") || words.includes("-h")) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return read(words);
  } catch (error) {
    const complaint = complaintOf(error);
    if (complaint === undefined) throw error;
    console.error(`${name}: ${complaint}; see npm run ${name} -- --help`);
    process.exit(EXIT_USAGE);
  }
}
