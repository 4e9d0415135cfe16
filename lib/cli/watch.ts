// `hawser watch HOST:PORT`: keeps a connection open and shows how it fares, a line a second or a
// plot.

import { parseArgs } from "node:util";
import type { Connection } from "../net/connection.ts";
import { connect } from "../net/entry.ts";
import type { TcpInfo } from "../socket/options.ts";
import {
  CONNECTION_FLAGS,
  connectionOptions,
  readCount,
  readDuration,
  UsageError,
} from "./flags.ts";
import { bytes, duration, palette, plot } from "./terminal.ts";

export const WATCH_HELP = `hawser watch HOST:PORT [options]

Keeps a connection open and shows its round-trip time, retransmissions and windows until Ctrl-C. On
a terminal the round-trip time is a plot; otherwise each look is one line.

  --interval 1s   between two looks
  --count N       end after so many looks
  --json          each look as one JSON object on a line
  --connect-timeout, --keepalive and the other options of connect`;

const DEFAULT_INTERVAL_MS = 1_000;
const PLOT_WIDTH = 50;

export async function runWatch(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...CONNECTION_FLAGS,
      interval: { type: "string" },
      count: { type: "string" },
      json: { type: "boolean" },
    },
  });
  const [target, extra] = positionals;
  if (target === undefined || extra !== undefined)
    throw new UsageError("watch takes one HOST:PORT");
  const every =
    values.interval === undefined
      ? DEFAULT_INTERVAL_MS
      : readDuration(values.interval, "--interval");
  const most = values.count === undefined ? Infinity : readCount(values.count, "--count", 1);
  const connection = await connect(`tcp://${target}`, connectionOptions(values));
  const display = values.json ? showJson : process.stdout.isTTY ? plotter() : showLine;
  await lookEvery(connection, every, most, display);
  const { error } = await connection.close();
  if (error !== null) throw error;
}

type Display = (info: TcpInfo, at: Date) => void;

async function lookEvery(
  connection: Connection,
  everyMs: number,
  most: number,
  display: Display,
): Promise<void> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  void connection.closed.then(() => stop.abort());
  for (let looks = 0; looks < most && !stop.signal.aborted; looks++) {
    const info = connection.info();
    if (info === null) return;
    display(info, new Date());
    if (looks + 1 < most) await pause(everyMs, stop.signal);
  }
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

function plotter(): Display {
  const times: number[] = [];
  const colours = palette(process.stdout);
  let drawn = false;
  return (info) => {
    if (info.roundTripTimeMs !== null) times.push(info.roundTripTimeMs);
    if (times.length > PLOT_WIDTH) times.shift();
    // Two lines that are drawn over, so that the rest of the screen stays as it was.
    if (drawn) process.stdout.write("\u001b[2A");
    drawn = true;
    process.stdout.write(`\u001b[K${colours.accent(plot(times, PLOT_WIDTH))}\n`);
    process.stdout.write(`\u001b[K${describe(info)}\n`);
  };
}
