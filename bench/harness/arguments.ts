// The command line of the benchmark: text in, checked options out. Pure; no suite is known here
// but by the names passed in.

/** Rounds of each scenario unless `--rounds` says otherwise. */
export const DEFAULT_ROUNDS = 15;
export const ROUNDS_MAX = 1_000;
/** Milliseconds of one measured window, and of the warm-up before it. */
export const DEFAULT_DURATION_MS = 1_000;
export const DEFAULT_WARMUP_MS = 500;

export interface BenchOptions {
  readonly command: "run" | "report" | "list" | "help";
  /** Empty means all. */
  readonly suites: readonly string[];
  /** null means all peers; C and hawser always run. */
  readonly peers: readonly string[] | null;
  readonly rounds: number;
  readonly durationMs: number;
  readonly warmupMs: number;
  /** Bytes, connections, depth: where given, one scenario of these replaces a suite's own. */
  readonly size: number | null;
  readonly connections: number | null;
  readonly depth: number | null;
  readonly json: string | null;
  readonly html: string | null;
  /** Path of a uWebSockets.js package. */
  readonly uws: string | null;
  /** Only scenarios whose name contains this. */
  readonly only: string | null;
}

export const USAGE = `npm run bench -- [SUITE...] [options]     run suites (all of them by default)
npm run bench -- report [--json FILE] [--html FILE]   an HTML page of what was measured
npm run bench -- list                                 suites and peers

  --peers a,b       only these beside C and hawser ("none" for none)
  --rounds N        interleaved rounds (default ${DEFAULT_ROUNDS})
  --duration MS     measured window of a round (default ${DEFAULT_DURATION_MS})
  --warmup MS       before each window (default ${DEFAULT_WARMUP_MS})
  --size BYTES, --connections N, --depth N   one scenario of these instead of the suite's own
  --only TEXT       only scenarios whose name contains TEXT
  --json FILE       write the results
  --html FILE       where \`report\` writes
  --uws PATH        a uWebSockets.js package to measure too`;

/** A command line that cannot be taken; the message is for the user. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new UsageError(`${name} takes a whole number from ${least} to ${most}, not "${text}"`);
  }
  return value;
}

const VALUES = new Set([
  "peers",
  "rounds",
  "duration",
  "warmup",
  "size",
  "connections",
  "depth",
  "json",
  "html",
  "uws",
  "only",
]);

function collect(args: readonly string[]): { words: string[]; values: Map<string, string> } {
  const words: string[] = [];
  const values = new Map<string, string>();
  for (let index = 0; index < args.length; index++) {
    const word = args[index] as string;
    if (!word.startsWith("--")) {
      words.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const name = equals === -1 ? word.slice(2) : word.slice(2, equals);
    if (name === "help") {
      words.push("help");
      continue;
    }
    if (!VALUES.has(name)) throw new UsageError(`unknown option --${name}`);
    const value = equals === -1 ? args[++index] : word.slice(equals + 1);
    if (value === undefined || value === "") throw new UsageError(`--${name} needs a value`);
    values.set(name, value);
  }
  return { words, values };
}

/**
 * Options from the words after the script's name.
 * @throws UsageError that names what is wrong.
 */
export function parseArguments(args: readonly string[], knownSuites: readonly string[]) {
  const { words, values } = collect(args);
  const number = (name: string, least: number, most: number): number | null => {
    const text = values.get(name);
    return text === undefined ? null : wholeNumber(`--${name}`, text, least, most);
  };
  const first = words[0];
  const command = words.includes("help")
    ? "help"
    : first === "report" || first === "list"
      ? first
      : "run";
  const suites = command === "run" ? words : [];
  for (const suite of suites) {
    if (!knownSuites.includes(suite)) {
      throw new UsageError(`no suite "${suite}"; there are ${knownSuites.join(", ")}`);
    }
  }
  const peers = values.get("peers");
  const options: BenchOptions = {
    command,
    suites,
    peers:
      peers === undefined ? null : peers === "none" ? [] : peers.split(",").filter((p) => p !== ""),
    rounds: number("rounds", 1, ROUNDS_MAX) ?? DEFAULT_ROUNDS,
    durationMs: number("duration", 10, 600_000) ?? DEFAULT_DURATION_MS,
    warmupMs: number("warmup", 0, 600_000) ?? DEFAULT_WARMUP_MS,
    size: number("size", 1, 64 << 20),
    connections: number("connections", 1, 60_000),
    depth: number("depth", 1, 4_096),
    json: values.get("json") ?? null,
    html: values.get("html") ?? null,
    uws: values.get("uws") ?? null,
    only: values.get("only") ?? null,
  };
  return options;
}
