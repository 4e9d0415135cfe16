// Errors made from negative errno values of the native code, and the names of such values.
// Not here: the class (hawser-error.ts), the advice (hints.ts).

import { getSystemErrorMap } from "node:util";
import { type ErrorContext, HawserError } from "./hawser-error.ts";
import { hintFor } from "./hints.ts";

// libuv's numbers are -errno on every Unix, so its map serves; it lacks a few names
// (EINPROGRESS, ENOMSG, ...) that node:os knows.
let names: Map<number, string> | undefined;
let numbers: Map<string, number> | undefined;

// errors know nobody, core/builtins.ts included; and no process that meets no error needs it.
function osErrno(): Record<string, number> {
  return process.getBuiltinModule("node:os").constants.errno;
}

function load(): Map<number, string> {
  const map = new Map<number, string>();
  for (const [number, [name]] of getSystemErrorMap()) map.set(number, name);
  for (const [name, number] of Object.entries(osErrno())) {
    if (!map.has(-number)) map.set(-number, name);
  }
  return map;
}

/** The POSIX name of a negative error number: `errnoName(-111)` is `"ECONNREFUSED"` on Linux. */
export function errnoName(errno: number): string {
  names ??= load();
  return names.get(errno) ?? `Unknown system error ${errno}`;
}

/** The negative error number of a name on this system, or undefined where it has none. */
export function errnoOf(name: string): number | undefined {
  if (numbers === undefined) {
    names ??= load();
    // node:os last: on a system where two names share a number both must be found.
    numbers = new Map([...names].map(([number, known]) => [known, number]));
    for (const [known, number] of Object.entries(osErrno())) {
      if (!numbers.has(known)) numbers.set(known, -number);
    }
  }
  return numbers.get(name);
}

const NOWHERE: ErrorContext = Object.freeze({});

/**
 * The error for a negative errno that native code returned.
 *
 * The message is Node's (`connect ECONNREFUSED 127.0.0.1:80`), followed by what to do about it
 * where there is one thing to do.
 *
 * @param errno negative error number of this platform
 * @param syscall name of the system call (`connect`, `recv`, ...)
 * @param context addresses, phase and the rest, where known
 */
export function errnoError(
  errno: number,
  syscall: string,
  context: ErrorContext = NOWHERE,
): HawserError {
  return build(errnoName(errno), errno, syscall, context);
}

/**
 * The same by name, for failures that the library itself detects (a time-out is ETIMEDOUT, a send
 * after close is EPIPE). `errno` is filled in where the system has a number for the name.
 */
export function codeError(
  code: string,
  syscall: string,
  context: ErrorContext = NOWHERE,
): HawserError {
  return build(code, errnoOf(code), syscall, context);
}

function build(
  code: string,
  errno: number | undefined,
  syscall: string,
  context: ErrorContext,
): HawserError {
  const message = describe(code, syscall, context);
  const hint = hintFor(code, syscall, context);
  const text = hint === undefined ? message : `${message}: ${hint}`;
  return new HawserError(text, { ...context, code, errno, syscall });
}

/** `syscall CODE address:port - Local (address:port)`, as far as known, as Node writes it. */
export function describe(code: string, syscall: string, context: ErrorContext): string {
  let text = `${syscall} ${code}`;
  const remote = place(context.address ?? context.hostname, context.port);
  if (remote !== "") text += ` ${remote}`;
  const local = place(context.localAddress, context.localPort);
  if (local !== "") text += ` - Local (${local})`;
  return text;
}

function place(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return "";
  return port === undefined ? address : `${address}:${port}`;
}
