// What the commands print, as text: colours, bars, plots and units.
// Pure but for `colours`, which looks at the stream it is for.

import type { WriteStream } from "node:tty";

export interface Palette {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly accent: (text: string) => string;
  readonly bad: (text: string) => string;
}

const paint = (open: number, close: number) => (text: string) =>
  `\u001b[${open}m${text}\u001b[${close}m`;
const plain = (text: string) => text;

const COLOURED: Palette = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  accent: paint(36, 39),
  bad: paint(31, 39),
};
const PLAIN: Palette = { bold: plain, dim: plain, accent: plain, bad: plain };

/**
 * Colours on a terminal that has them and whose owner wants them (NO_COLOR). FORCE_COLOR decides as
 * it does for Node itself: 0 and false are none, anything else is colours wherever it goes.
 */
export function palette(stream: NodeJS.WritableStream): Palette {
  const terminal = stream as WriteStream;
  const forced = process.env["FORCE_COLOR"];
  if (forced !== undefined) return forced === "0" || forced === "false" ? PLAIN : COLOURED;
  return terminal.isTTY === true && terminal.hasColors?.() ? COLOURED : PLAIN;
}

const BLOCKS = " ▏▎▍▌▋▊▉█";
const EIGHTHS = 8;

/** A horizontal bar from `start` to `end` of a scale, in eighths of a character. */
export function bar(start: number, end: number, scale: number, width: number): string {
  if (!(scale > 0)) return "";
  const from = Math.floor((start / scale) * width);
  const length = Math.max(1, Math.round(((end - start) / scale) * width * EIGHTHS));
  const whole = "█".repeat(Math.floor(length / EIGHTHS));
  return " ".repeat(from) + whole + (BLOCKS[length % EIGHTHS] as string).trim();
}

const LEVELS = "▁▂▃▄▅▆▇█";

/** A plot of one line: the last `width` values between the least and the most of them. */
export function plot(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const least = Math.min(...shown);
  const span = Math.max(...shown) - least;
  const level = (value: number) =>
    span === 0 ? 0 : Math.round(((value - least) / span) * (LEVELS.length - 1));
  return shown.map((value) => LEVELS[level(value)]).join("");
}

/** Milliseconds as a person writes them: `240 µs`, `1.23 ms`, `45.0 ms`, `3.20 s`. */
export function duration(ms: number): string {
  if (ms < 0.9995) return `${Math.round(ms * 1_000)} µs`;
  if (ms < 999.5) return `${ms.toPrecision(3)} ms`;
  return `${(ms / 1_000).toFixed(2)} s`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes as a person writes them: `512 B`, `1.5 KiB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit++;
  }
  return unit === 0 ? `${count} B` : `${value.toFixed(1)} ${UNITS[unit]}`;
}

/** An address with its port, as in a URL; a path has none, and an unnamed socket is empty. */
export function place(at: { address?: string | undefined; port?: number | undefined }): string {
  const { address = "", port } = at;
  if (!port) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Rows of cells in columns that are as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, [...cell].length);
    });
  }
  const pad = (cell: string, column: number) =>
    cell + " ".repeat((widths[column] as number) - [...cell].length);
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}
