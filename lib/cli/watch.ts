// `hawser watch HOST:PORT`: keeps a connection open and shows how it fares, a line a second or
// plots. Not here: how a plot is drawn (terminal.ts).

import { parseArgs } from "node:util";
import type { Connection } from "../net/connection.ts";
import { connect } from "../net/entry.ts";
import type { TcpInfo } from "../socket/options.ts";
import {
  CONNECTION_FLAGS,
  connectionOptions,
  readCount,
  readDuration,
  readTarget,
  UsageError,
} from "./flags.ts";
import { withProgress } from "./progress.ts";
import { bytes, duration, type Palette, palette, plot, table } from "./terminal.ts";
import { TLS_FLAGS, tlsOptions } from "./tls-flags.ts";

export const WATCH_HELP = `hawser watch HOST:PORT [options]

Keeps a connection open and shows its round-trip time, retransmissions and windows until Ctrl-C,
which ends it with status 0. On a terminal each is a plot; otherwise each look is one line. What the
peer sends is read and dropped. tls://HOST:PORT is watched as well.

The kernel measures the round-trip time when something is acknowledged. Without --send nothing is
sent, and what is shown is that of connecting.

  --send TEXT     sent between two looks, if the one before has gone; \\n, \\r, \\t and \\\\ are
                  what they are in C
  --interval 1s   between two looks, at least 10ms
  --count N       end after so many looks
  --json          each look as one JSON object on a line
  --connect-timeout, --keepalive and the other options of connect, those for tls: as well`;

const DEFAULT_INTERVAL_MS = 1_000;
/** Below it the looks themselves are what is seen. */
const MIN_INTERVAL_MS = 10;
const MAX_PLOT_WIDTH = 60;
const MIN_PLOT_WIDTH = 8;
/** What stands beside a plot. */
const BESIDE_WIDTH = 50;
const DEFAULT_COLUMNS = 80;

/** As `parseArgs` of node:util takes them. */
export const WATCH_FLAGS = {
  ...CONNECTION_FLAGS,
  ...TLS_FLAGS,
  send: { type: "string" },
  interval: { type: "string" },
  count: { type: "string" },
  json: { type: "boolean" },
} as const;

export async function runWatch(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: WATCH_FLAGS });
  const url = readTarget(positionals, "watch", ["tcp", "tls"]);
  const text = values.send === undefined ? "" : unescaped(values.send);
  const every =
    values.interval === undefined
      ? DEFAULT_INTERVAL_MS
      : readDuration(values.interval, "--interval", MIN_INTERVAL_MS);
  const most = values.count === undefined ? Infinity : readCount(values.count, "--count", 1);
  const connecting = connect(url, {
    ...connectionOptions(values),
    tls: tlsOptions(values, url),
    // Else it would stand in the way of the peer's end.
    lend: true,
    data() {},
  });
  const connection = await withProgress(`connecting to ${positionals[0]}`, connecting);
  const display = values.json ? showJson : process.stdout.isTTY ? plotter() : showLine;
  const isDone = await lookEvery(connection, every, most, (info, isLast) => {
    display(info, new Date());
    if (!isLast && text !== "" && connection.bufferedAmount === 0) connection.write(text);
  });
  const { error, initiator } = await connection.close();
  if (error !== null) throw error;
  if (!isDone && initiator === "peer") throw new Error("the peer has ended the connection");
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\\": "\\" };

function unescaped(text: string): string {
  return text.replace(/\\(.?)/gs, (_, letter: string) => {
    const meant = ESCAPES[letter];
    if (meant === undefined) throw new UsageError(`--send knows \\n, \\r, \\t and \\\\: ${text}`);
    return meant;
  });
}

type Display = (info: TcpInfo, at: Date) => void;

/** False where the connection ended first. */
async function lookEvery(
  connection: Connection,
  everyMs: number,
  most: number,
  look: (info: TcpInfo, isLast: boolean) => void,
): Promise<boolean> {
  const stop = new AbortController();
  let isAsked = false;
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
      isAsked = true;
      stop.abort();
    });
  }
  void connection.closed.then(() => stop.abort());
  for (let looks = 0; looks < most && !stop.signal.aborted; looks++) {
    const info = connection.info();
    if (info === null) return false;
    const isLast = looks + 1 === most;
    look(info, isLast);
    if (!isLast) await pause(everyMs, stop.signal);
  }
  return isAsked || !stop.signal.aborted;
}

/** Waits, or until it is time to stop. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    signal.addEventListener("abort", wake);
  });
}

const known = (value: number | null, write: (value: number) => string) =>
  value === null ? "unknown" : write(value);

/** What a look found, as one line. */
export function describe(info: TcpInfo): string {
  return [
    `round trip ${known(info.roundTripTimeMs, duration)}`,
    `± ${known(info.roundTripTimeVarianceMs, duration)}`,
    `retransmitted ${known(info.segmentsRetransmitted, String)}`,
    `unacknowledged ${known(info.unacknowledgedSegments, String)}`,
    `peer's window ${known(info.sendWindowBytes, bytes)}`,
    `state ${info.state ?? "unknown"}`,
  ].join("  ");
}

function showLine(info: TcpInfo, at: Date): void {
  console.log(`${at.toISOString()}  ${describe(info)}`);
}

function showJson(info: TcpInfo, at: Date): void {
  console.log(JSON.stringify({ time: at.toISOString(), ...info }));
}

/** What was seen so far, as far as a plot shows it. */
export class History {
  readonly #roundTrips: number[] = [];
  readonly #retransmissions: number[] = [];
  readonly #windows: number[] = [];
  #retransmitted: number | null = null;

  add({ roundTripTimeMs, segmentsRetransmitted, sendWindowBytes }: TcpInfo): void {
    keep(this.#roundTrips, roundTripTimeMs);
    keep(this.#windows, sendWindowBytes);
    // The kernel's is a total; what matters is when it grew.
    if (segmentsRetransmitted === null) return;
    keep(this.#retransmissions, segmentsRetransmitted - (this.#retransmitted ?? 0));
    this.#retransmitted = segmentsRetransmitted;
  }

  /** The plots with the last values and their range, and a line about the rest. */
  show(info: TcpInfo, columns: number, colours: Palette): string[] {
    const width = Math.max(MIN_PLOT_WIDTH, Math.min(MAX_PLOT_WIDTH, columns - BESIDE_WIDTH));
    const row = (name: string, values: readonly number[], write: (value: number) => string) => {
      const shown = values.slice(-width);
      if (shown.length === 0) return [name, "", "unknown"];
      const [least, most] = [Math.min(...shown), Math.max(...shown)];
      const range = least === most ? "" : ` (${write(least)} to ${write(most)})`;
      return [name, plot(shown, width).padEnd(width), `${write(shown.at(-1) as number)}${range}`];
    };
    const plots = table([
      row("round trip", this.#roundTrips, duration),
      row("retransmitted", this.#retransmissions, String),
      row("peer's window", this.#windows, bytes),
    ]).split("\n");
    return [...plots.map((line) => colours.accent(cut(line, columns))), cut(rest(info), columns)];
  }
}

function keep(values: number[], value: number | null): void {
  if (value === null) return;
  values.push(value);
  if (values.length > MAX_PLOT_WIDTH) values.shift();
}

function rest(info: TcpInfo): string {
  const { state, sinceAcknowledgmentMs: silentMs, unacknowledgedSegments: pending } = info;
  return [
    state ?? "state unknown",
    ...(silentMs === null ? [] : [`heard ${duration(silentMs)} ago`]),
    ...(pending === null ? [] : [`${pending} segments unacknowledged`]),
  ].join(", ");
}

// A line that the terminal breaks would be two, and those above it overwritten.
const cut = (line: string, columns: number) => [...line].slice(0, columns - 1).join("");

function plotter(): Display {
  const history = new History();
  const colours = palette(process.stdout);
  let drawn = 0;
  return (info) => {
    history.add(info);
    const lines = history.show(info, process.stdout.columns || DEFAULT_COLUMNS, colours);
    // Drawn over, so that the rest of the screen stays as it was.
    const back = drawn === 0 ? "" : `\u001b[${drawn}A`;
    drawn = lines.length;
    process.stdout.write(`${back}${lines.map((line) => `\u001b[K${line}\n`).join("")}`);
  };
}
