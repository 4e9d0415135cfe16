// Checks names and values of socket options before the addon sees them.
// Not here: what an option means, and the calls (options.ts).

import { parseAddress } from "../core/address.ts";
import {
  invalidArgType,
  invalidArgValue,
  rejectUnknownKeys,
  requireBoolean,
  requireInteger,
  requireObject,
  requireString,
  unknownName,
} from "../errors/index.ts";
import { OPTIONS } from "./option-table.ts";
import type { OptionRow } from "./option-values.ts";

const MIN_INT = -2_147_483_648;
const MAX_INT = 2_147_483_647;
const MAX_UNSIGNED = 4_294_967_295;

/** IFNAMSIZ and TCP_CA_NAME_MAX without the final zero. */
const MAX_TEXT_BYTES = 15;

const ROWS: Readonly<Record<string, OptionRow>> = OPTIONS;

/** The row of a name, or a TypeError that names the nearest. */
export function requireOption(name: unknown): OptionRow {
  const text = requireString(name, "name");
  if (Object.hasOwn(ROWS, text)) return ROWS[text] as OptionRow;
  throw unknownName(text, Object.keys(ROWS), "socket option");
}

/** The value as the addon takes it, or a TypeError or RangeError that names the option. */
export function requireOptionValue(name: string, row: OptionRow, value: unknown): unknown {
  if (row.access === "read-only") throw invalidArgValue(name, "can only be read", value);
  switch (row.kind) {
    case "boolean":
      if (value === 0 || value === 1) return value === 1;
      if (typeof value === "boolean") return value;
      throw invalidArgType(name, "of type boolean, or 0 or 1", value);
    case "integer":
      return requireInteger(value, name, MIN_INT, MAX_INT, unitOf(row));
    case "unsigned":
      return requireInteger(value, name, 0, MAX_UNSIGNED, unitOf(row));
    case "linger":
      return requireLinger(name, value);
    case "text":
      return requireText(name, value);
    case "interfaceAddress":
      return requireInterface(name, value);
    default:
      throw invalidArgValue(name, "can only be read", value);
  }
}

function unitOf(row: OptionRow): string {
  return row.unit === "index" ? "" : row.unit;
}

const LINGER_KEYS: ReadonlySet<string> = new Set(["enabled", "seconds"]);

function requireLinger(name: string, value: unknown): unknown {
  const linger = requireObject(value, name);
  rejectUnknownKeys(linger, LINGER_KEYS, name);
  return {
    enabled: requireBoolean(linger["enabled"], `${name}.enabled`),
    seconds: requireInteger(linger["seconds"], `${name}.seconds`, 0, MAX_INT, "seconds"),
  };
}

function requireText(name: string, value: unknown): string {
  const text = requireString(value, name);
  if (text.includes("\0") || Buffer.byteLength(text) > MAX_TEXT_BYTES) {
    throw invalidArgValue(name, `must be at most ${MAX_TEXT_BYTES} bytes without a zero`, value);
  }
  return text;
}

function requireInterface(name: string, value: unknown): string | number {
  if (typeof value === "number") return requireInteger(value, name, 0, MAX_INT);
  if (typeof value === "string" && parseAddress(value)?.family === 4) return value;
  throw invalidArgType(name, "an IPv4 address or the index of an interface", value);
}
