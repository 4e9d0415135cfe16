// Reading an options object by a table of fields: each key has a default and a function that checks
// and normalises its value. Every layer that takes options brings a table of its own.
// Not here: the tables (parameters.ts and its like), what the options do.

import {
  invalidArgType,
  outOfRange,
  rejectUnknownKeys,
  requireBoolean,
  requireBytes,
  requireDuration,
  requireFunction,
  requireInteger,
  requireOneOf,
  requirePort,
  requireSignal,
} from "../errors/index.ts";

/** One key of an options object. */
export interface Field<T> {
  /** What a key that is absent or undefined stands for. */
  readonly initial: T;
  /** The value in its normal form; throws a TypeError or RangeError that names `name`. */
  readonly read: (value: unknown, name: string) => T;
}

// biome-ignore lint/suspicious/noExplicitAny: a table holds fields of every type
export type Fields = Readonly<Record<string, Field<any>>>;

/** What reading by a table gives: every key is there. */
export type Values<F extends Fields> = { -readonly [K in keyof F]: F[K]["initial"] };

// A table as it is read, made once: this runs for every connection.
interface Plan {
  readonly keys: ReadonlySet<string>;
  // biome-ignore lint/suspicious/noExplicitAny: a table holds fields of every type
  readonly entries: readonly (readonly [string, Field<any>])[];
  readonly initial: Readonly<Record<string, unknown>>;
}

const plans = new WeakMap<Fields, Plan>();

function planOf(fields: Fields): Plan {
  let plan = plans.get(fields);
  if (plan === undefined) {
    const entries = Object.entries(fields);
    const initial = Object.fromEntries(entries.map(([key, field]) => [key, field.initial]));
    plan = { keys: new Set(Object.keys(fields)), entries, initial };
    plans.set(fields, plan);
  }
  return plan;
}

/**
 * Reads an options object; undefined counts as an empty one. Each key is read once, so that a
 * getter cannot change its mind.
 *
 * @param what whose options they are, for the error about an unknown key: `connect()`
 * @param instead keys that people know from elsewhere, with what to write here
 */
export function readOptions<F extends Fields>(
  input: unknown,
  fields: F,
  what: string,
  instead?: Readonly<Record<string, string>>,
): Values<F> {
  const plan = planOf(fields);
  const values: Record<string, unknown> = { ...plan.initial };
  if (input === undefined) return values as Values<F>;
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw invalidArgType(`options of ${what}`, "an object", input);
  }
  rejectUnknownKeys(input, plan.keys, what, instead);
  // Own keys only: a library may have put names of its own on Object.prototype.
  for (const [key, field] of plan.entries) {
    const value = (input as Record<string, unknown>)[key];
    if (value !== undefined) values[key] = field.read(value, key);
  }
  return values as Values<F>;
}

// ---------------------------------------------------------------------------------------- fields

export function flag(initial: boolean): Field<boolean> {
  return { initial, read: requireBoolean };
}

/** Milliseconds. */
export function duration(initialMs: number, minMs = 0): Field<number> {
  return { initial: initialMs, read: (value, name) => requireDuration(value, name, minMs) };
}

export function size(initialBytes: number, minBytes: number, maxBytes: number): Field<number> {
  return {
    initial: initialBytes,
    read: (value, name) => requireBytes(value, name, minBytes, maxBytes),
  };
}

export function count(initial: number, min: number, max: number): Field<number> {
  return { initial, read: (value, name) => requireInteger(value, name, min, max) };
}

/** A count that may be Infinity, and is by default. */
export function limit(min: number): Field<number> {
  const max = Number.MAX_SAFE_INTEGER;
  return {
    initial: Number.POSITIVE_INFINITY,
    read(value, name) {
      if (value === Number.POSITIVE_INFINITY) return value;
      if (typeof value === "number" && !(Number.isInteger(value) && value >= min)) {
        throw outOfRange(name, `a whole number of at least ${min}, or Infinity`, value);
      }
      return requireInteger(value, name, min, max);
    },
  };
}

export function portNumber(initial: number): Field<number> {
  return { initial, read: requirePort };
}

export function choice<const T>(initial: T, allowed: readonly T[]): Field<T> {
  return { initial, read: (value, name) => requireOneOf(value, name, allowed) };
}

/** A function of the caller's, whose arguments are the library's promise. */
// biome-ignore lint/suspicious/noExplicitAny: the type says which function
export function callback<T extends (...args: any[]) => unknown>(): Field<T | undefined> {
  return { initial: undefined, read: (value, name) => requireFunction<T>(value, name) };
}

export function abortSignal(): Field<AbortSignal | undefined> {
  return { initial: undefined, read: requireSignal };
}
