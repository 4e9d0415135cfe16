// Numbers and tables as a terminal shows them. Pure: values in, text out.
import type { Unit } from "./results.ts";
import type { Estimate } from "./statistics.ts";

/** Three significant digits, no exponent, thousands separated. */
export function formatNumber(value: number): string {
  const magnitude = Math.abs(value);
  const digits = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 0.0995 ? 2 : 3;
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

const TIME = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
] as const;

const BYTES = [
  [2 ** 30, "GiB"],
  [2 ** 20, "MiB"],
  [2 ** 10, "KiB"],
  [1, "B"],
] as const;

function prefixed(value: number, prefixes: readonly (readonly [number, string])[]): string {
  const magnitude = Math.abs(value);
  const [factor, name] =
    prefixes.find(([candidate]) => magnitude >= candidate) ??
    (prefixes[prefixes.length - 1] as readonly [number, string]);
  return `${formatNumber(value / factor)} ${name}`;
}

/** A value with its unit, scaled. */
export function formatValue(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return "-";
  switch (unit) {
    case "ns":
      return prefixed(value, TIME);
    case "bytes":
      return prefixed(value, BYTES);
    case "bytes-per-second":
      return `${prefixed(value, BYTES)}/s`;
    case "per-second":
      return `${Math.round(value).toLocaleString("en-US")}/s`;
    case "count":
      return formatNumber(value);
  }
}

/** A ratio and its interval: `1.07 (1.05-1.09)`. */
export function formatRatio(ratio: Estimate): string {
  const digits = (value: number) => (value >= 0.0995 ? value.toFixed(2) : value.toFixed(3));
  return `${digits(ratio.value)} (${digits(ratio.low)}-${digits(ratio.high)})`;
}

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

/** Lines of a table with a head, columns as wide as they must be. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]) {
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...rows.map((row) => (row[index] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map((column, index) => {
        const cell = cells[index] ?? "";
        const width = widths[index] as number;
        return column.align === "right" ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  const head = line(columns.map((column) => column.title));
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [head, rule, ...rows.map(line)];
}

/** `1.2 s`, `3 min 20 s`: how long something will take. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
