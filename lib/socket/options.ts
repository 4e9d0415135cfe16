// Socket options by name on any socket: getOption, setOption, and several at once, all or none.
// Values are in the kernel's own unit. Not here: the table (option-table.ts), checks of values
// (option-arguments.ts), the options that a policy needs (tune.ts).

import { native } from "../binding/native.ts";
import { invalidArgValue } from "../errors/index.ts";
import { type AnySocket, targetOf } from "./descriptor.ts";
import { requireOption, requireOptionValue } from "./option-arguments.ts";
import { absentOption, type OptionCall, refusedOption, SYSTEM } from "./option-errors.ts";
import { OPTIONS, type OptionInputs, type OptionValues } from "./option-table.ts";
import type { OptionRow } from "./option-values.ts";
import { tcpInfoOf } from "./tcp-info.ts";

export type { AnySocket } from "./descriptor.ts";
export type { OptionInputs, OptionValues } from "./option-table.ts";
export type { LingerValue, PeerCredentials } from "./option-values.ts";
export { getTcpInfo, type TcpInfo } from "./tcp-info.ts";

/** A name in the manual page. */
export type SocketOptionName = keyof typeof OPTIONS;

/** Options that can be read: all but SO_RCVBUFFORCE and SO_SNDBUFFORCE. */
export type ReadableOption = keyof OptionValues;

export type WritableOption = keyof OptionInputs;

/** Several options at once, by their names; a value that is `undefined` counts as not given. */
export type SocketOptions = { readonly [N in WritableOption]?: OptionInputs[N] | undefined };

/** Every option's name, sorted within its level. */
export const SOCKET_OPTION_NAMES: readonly SocketOptionName[] = Object.freeze(
  Object.keys(OPTIONS) as SocketOptionName[],
);

/**
 * Reads a socket option (getsockopt(2)). SO_RCVBUF and SO_SNDBUF of Linux give twice what was set
 * (socket(7)); SO_ERROR is cleared by reading it.
 *
 * @param socket of this library, or of Node's net, tls, dgram or http, while it is open
 * @param name as in the manual page; `docs/options.md` lists all
 * @returns in the kernel's own unit: a number, a boolean for a switch, text, `{ enabled, seconds }`
 *   for SO_LINGER, `{ pid, uid, gid }` for credentials, a {@link TcpInfo} for TCP_INFO
 * @throws TypeError for an unknown name or what is no socket; HawserError: EBADF (closed), ENOTCONN
 *   (not open yet), ENOPROTOOPT (this system or kind of socket lacks it; the message says which
 *   system has it)
 */
export function getOption<N extends ReadableOption>(socket: AnySocket, name: N): OptionValues[N] {
  const row = requireOption(name);
  if (row.access === "write-only") throw invalidArgValue("name", "can only be set", name);
  requirePresent("getsockopt", name, row);
  const { descriptor } = targetOf(socket, "getsockopt");
  if (row.kind === "structure") return tcpInfoOf(descriptor) as OptionValues[N];
  return readOption(descriptor, name, row) as OptionValues[N];
}

/**
 * Sets a socket option (setsockopt(2)).
 *
 * @param socket of this library, or of Node's net, tls, dgram or http, while it is open
 * @param name as in the manual page; `docs/options.md` lists all
 * @param value in the kernel's own unit; a switch takes a boolean, or 0 or 1
 * @throws TypeError or RangeError for an unknown name, one that can only be read, a value of
 *   another
 *   kind, or what is no socket; HawserError as `getOption`, and EINVAL, EPERM and the rest of
 *   setsockopt(2)
 */
export function setOption<N extends WritableOption>(
  socket: AnySocket,
  name: N,
  value: OptionInputs[N],
): void {
  const assignment = assign(name, value);
  requirePresent("setsockopt", name, assignment.row);
  const { descriptor } = targetOf(socket, "setsockopt");
  write(descriptor, assignment);
}

/** A name and a value that have been checked. */
export interface OptionAssignment {
  readonly name: string;
  readonly row: OptionRow;
  readonly value: unknown;
}

/** Checks a name and a value. @throws TypeError or RangeError */
export function assign(name: string, value: unknown): OptionAssignment {
  const row = requireOption(name);
  return { name, row, value: requireOptionValue(name, row, value) };
}

/**
 * Sets options on a descriptor in their order, up to the first that fails, which the error names.
 * For sockets that are closed when this fails.
 *
 * @throws HawserError of setsockopt(2)
 */
export function applyOptions(descriptor: number, assignments: readonly OptionAssignment[]): void {
  for (const { name, row } of assignments) requirePresent("setsockopt", name, row);
  for (const assignment of assignments) write(descriptor, assignment);
}

/**
 * Sets options on a descriptor in their order, all or none: where one fails, those set before it
 * are
 * set back as far as the kernel lets them, and the error names it.
 *
 * @throws HawserError of setsockopt(2)
 */
export function applyAllOrNone(descriptor: number, assignments: readonly OptionAssignment[]): void {
  for (const { name, row } of assignments) requirePresent("setsockopt", name, row);
  const undo: OptionAssignment[] = [];
  for (const assignment of assignments) {
    const before = undoOf(descriptor, assignment);
    const result = native.setOption(descriptor, assignment.row.index, assignment.value);
    if (result < 0) {
      const lost = undo.reverse().filter((one) => !setBack(descriptor, one));
      const names = lost.map((one) => one.name).join(", ");
      const more = names === "" ? "" : `. Could not be set back: ${names}`;
      throw refusedOption("setsockopt", assignment.name, result, more);
    }
    // Without a value to go back to, the error at least says so.
    undo.push(before ?? { ...assignment, value: undefined });
  }
}

/** Throws where this system lacks the option. */
function requirePresent(call: OptionCall, name: string, row: OptionRow): void {
  if (!row.systems.includes(SYSTEM)) throw absentOption(call, name, row);
}

function readOption(descriptor: number, name: string, row: OptionRow): unknown {
  const result: unknown[] = [];
  const errno = native.getOption(descriptor, row.index, result);
  if (errno < 0) throw refusedOption("getsockopt", name, errno);
  return result[0];
}

function write(descriptor: number, { name, row, value }: OptionAssignment): void {
  const errno = native.setOption(descriptor, row.index, value);
  if (errno < 0) throw refusedOption("setsockopt", name, errno);
}

// Linux doubles what is set, for its own bookkeeping, and reports the double (socket(7)).
const DOUBLED: ReadonlySet<string> = new Set(["SO_RCVBUF", "SO_SNDBUF"]);

/** What sets an option back to what it is now, or undefined where that cannot be known. */
function undoOf(descriptor: number, { name, row }: OptionAssignment): OptionAssignment | undefined {
  // SO_RCVBUFFORCE is read as SO_RCVBUF.
  const source = row.access === "write-only" ? row.counterpart : name;
  const sourceRow: OptionRow = OPTIONS[source as SocketOptionName];
  const result: unknown[] = [];
  if (native.getOption(descriptor, sourceRow.index, result) < 0) return undefined;
  const value = result[0];
  const halve = SYSTEM === "linux" && DOUBLED.has(source) && typeof value === "number";
  return { name, row, value: halve ? value / 2 : value };
}

function setBack(descriptor: number, { row, value }: OptionAssignment): boolean {
  return value !== undefined && native.setOption(descriptor, row.index, value) === 0;
}
