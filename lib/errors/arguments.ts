// Errors of wrong arguments, and the small validators that everybody uses.
// A validator returns the value it was given, in its narrow type, or throws a TypeError or
// RangeError with one of Node's codes. Not here: what an operation met (hawser-error.ts).

import { nearestName } from "./suggest.ts";

export type ArgumentErrorCode =
  | "ERR_INVALID_ARG_TYPE"
  | "ERR_INVALID_ARG_VALUE"
  | "ERR_OUT_OF_RANGE";

export type ArgumentTypeError = TypeError & { code: ArgumentErrorCode };
export type ArgumentRangeError = RangeError & { code: ArgumentErrorCode };

/** `"port" must be of type number. Received type string ('x')` (ERR_INVALID_ARG_TYPE). */
export function invalidArgType(name: string, expected: string, value: unknown): ArgumentTypeError {
  const error = new TypeError(`"${name}" must be ${expected}. Received ${received(value)}`);
  return Object.assign(error, { code: "ERR_INVALID_ARG_TYPE" as const });
}

/** Right type, wrong value (ERR_INVALID_ARG_VALUE). `why` reads on from the name. */
export function invalidArgValue(name: string, why: string, value: unknown): ArgumentTypeError {
  const error = new TypeError(`"${name}" ${why}. Received ${received(value)}`);
  return Object.assign(error, { code: "ERR_INVALID_ARG_VALUE" as const });
}

/** A number outside its range (ERR_OUT_OF_RANGE). `range` reads on from "must be". */
export function outOfRange(name: string, range: string, value: unknown): ArgumentRangeError {
  const error = new RangeError(`"${name}" must be ${range}. Received ${received(value)}`);
  return Object.assign(error, { code: "ERR_OUT_OF_RANGE" as const });
}

const LONGEST_SHOWN = 100;

/** A value as an error message shows it: short, on one line, and without running its code. */
export function received(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "undefined";
    case "function":
      return `function ${value.name}`.trimEnd();
    case "object":
      return value === null ? "null" : `an instance of ${className(value)}`;
    case "string":
      return `'${shorten(value)}'`;
    case "bigint":
      return `${shorten(String(value))}n`;
    case "symbol":
      return shorten(value.toString());
    default:
      return `type ${typeof value} (${String(value)})`;
  }
}

function className(value: object): string {
  try {
    const name: unknown = value.constructor?.name;
    return typeof name === "string" && name !== "" ? shorten(name) : "Object";
  } catch {
    return "Object"; // A getter or proxy of the caller's threw.
  }
}

function shorten(text: string): string {
  const cut = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
  return JSON.stringify(cut).slice(1, -1).replaceAll('\\"', '"');
}

export function requireBoolean(value: unknown, name: string): boolean {
  if (typeof value !== "boolean") throw invalidArgType(name, "of type boolean", value);
  return value;
}

export function requireString(value: unknown, name: string): string {
  if (typeof value !== "string") throw invalidArgType(name, "of type string", value);
  return value;
}

/** Any function; the caller knows its signature. */
// biome-ignore lint/suspicious/noExplicitAny: a callback of unknown arguments
export function requireFunction<F extends (...args: any[]) => unknown>(
  value: unknown,
  name: string,
): F {
  if (typeof value !== "function") throw invalidArgType(name, "of type function", value);
  return value as F;
}

/** A plain or class instance object; not null, not an array, not a function. */
export function requireObject(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidArgType(name, "an object", value);
  }
  return value as Record<string, unknown>;
}

export function requireSignal(value: unknown, name: string): AbortSignal {
  // By shape, as Node does: a signal may come from another realm or a polyfill.
  if (typeof value !== "object" || value === null || !("aborted" in value)) {
    throw invalidArgType(name, "an AbortSignal", value);
  }
  return value as AbortSignal;
}

export function requireOneOf<const T>(value: unknown, name: string, allowed: readonly T[]): T {
  if (!allowed.includes(value as T)) {
    const list = allowed.map((one) => (typeof one === "string" ? `'${one}'` : String(one)));
    throw invalidArgValue(name, `must be one of ${list.join(", ")}`, value);
  }
  return value as T;
}

/** A whole number from `min` to `max`, both included. `unit` goes into the message. */
export function requireInteger(
  value: unknown,
  name: string,
  min: number,
  max: number,
  unit = "",
): number {
  if (typeof value !== "number") throw invalidArgType(name, "of type number", value);
  if (!Number.isInteger(value)) {
    throw outOfRange(name, `a whole number${unit === "" ? "" : ` of ${unit}`}`, value);
  }
  if (value < min || value > max) {
    const suffix = unit === "" ? "" : ` ${unit}`;
    throw outOfRange(name, `at least ${min} and at most ${max}${suffix}`, value);
  }
  return value;
}

const MAX_PORT = 65_535;
const DECIMAL_PORT = /^[0-9]{1,5}$/;

/** 0 to 65535; a string of decimal digits counts as a number, so that `process.env.PORT` does. */
export function requirePort(value: unknown, name = "port"): number {
  const port = typeof value === "string" && DECIMAL_PORT.test(value) ? Number(value) : value;
  if (typeof port !== "number") throw invalidArgType(name, "a port number from 0 to 65535", value);
  if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) {
    throw outOfRange(name, "a port number from 0 to 65535", value);
  }
  return port;
}

/** The longest delay of a Node timer, and so of every duration: 2^31-1 ms, 24.8 days. */
export const MAX_DURATION_MS = 2_147_483_647;

/**
 * A duration in milliseconds; fractions round up.
 *
 * @param min the smallest that is allowed; 0 by default, which callers take as "no limit"
 */
export function requireDuration(value: unknown, name: string, min = 0): number {
  if (typeof value !== "number") {
    throw invalidArgType(name, "a duration in milliseconds (a number)", value);
  }
  if (!(value >= min && value <= MAX_DURATION_MS)) {
    throw outOfRange(name, `a duration of ${min} to ${MAX_DURATION_MS} milliseconds`, value);
  }
  return Math.ceil(value);
}

/** A size in bytes. */
export function requireBytes(
  value: unknown,
  name: string,
  min = 0,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  return requireInteger(value, name, min, max, "bytes");
}

/**
 * Throws for a key that is not known, and names the nearest known one.
 *
 * @param what whose options these are, as in `connect()`
 * @param instead keys that other libraries have, with what to write here instead of them
 */
export function rejectUnknownKeys(
  object: object,
  known: ReadonlySet<string>,
  what: string,
  instead: Readonly<Record<string, string>> = {},
): void {
  for (const key of Object.keys(object)) {
    if (known.has(key)) continue;
    throw unknownName(key, known, `option of ${what}`, instead);
  }
}

/** The TypeError for a name that is in no list: `Unknown option of connect() "prot"; ...`. */
export function unknownName(
  name: string,
  known: Iterable<string>,
  kind: string,
  instead: Readonly<Record<string, string>> = {},
): ArgumentTypeError {
  const error = new TypeError(`Unknown ${kind}: "${shorten(name)}"${advice(name, known, instead)}`);
  return Object.assign(error, { code: "ERR_INVALID_ARG_VALUE" as const });
}

function advice(
  name: string,
  known: Iterable<string>,
  instead: Readonly<Record<string, string>>,
): string {
  if (Object.hasOwn(instead, name)) return `; use ${instead[name]}`;
  const nearest = nearestName(name, known);
  if (nearest === undefined) return "";
  return nearest.near
    ? `; did you mean "${nearest.name}"?`
    : `; the nearest known one is "${nearest.name}"`;
}

/** The call is right and its moment is not: `start()` twice, `receive()` beside a data callback. */
export function invalidState(message: string): TypeError & { code: "ERR_INVALID_STATE" } {
  return Object.assign(new TypeError(message), { code: "ERR_INVALID_STATE" as const });
}
