// The errors of reading and setting socket options; each names the option.
// Not here: wrong arguments (lib/errors/arguments.ts).

import { errnoName, errnoOf, HawserError } from "../errors/index.ts";
import type { OptionRow } from "./option-values.ts";

export type OptionCall = "getsockopt" | "setsockopt";

export type OptionSystem = OptionRow["systems"][number];

/** This process's system, as the option table calls it. */
export const SYSTEM: OptionSystem = process.platform === "darwin" ? "darwin" : "linux";

const SYSTEM_NAMES: Readonly<Record<OptionSystem, string>> = { linux: "Linux", darwin: "macOS" };

/** ENOPROTOOPT for an option that another system has, with what there is here instead. */
export function absentOption(
  call: OptionCall,
  name: string,
  row: OptionRow,
  system: OptionSystem = SYSTEM,
): HawserError {
  const where = row.systems.map((one) => SYSTEM_NAMES[one]).join(" and ");
  const instead = row.counterpart === "" ? "" : `; ${SYSTEM_NAMES[system]} has ${row.counterpart}`;
  return optionError(call, "ENOPROTOOPT", `${name} exists on ${where} only${instead}`);
}

// What else there is to say where the kernel refused; the call's own manual page has the rest.
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this process lacks a privilege for it",
  EADDRNOTAVAIL: "no interface has this address or index",
  EBADF: "the socket is closed",
  EINVAL: "the kernel refuses this value, or any in this state of the socket",
  EISCONN: "it must be set before the socket is connected",
  ENODEV: "there is no such interface",
  ENOENT: "the kernel has nothing of this name",
  ENOPROTOOPT: "this kernel, or this kind of socket, does not have it",
  ENOTCONN: "the socket is not connected",
  ENOTSOCK: "the descriptor is not a socket's",
  EOPNOTSUPP: "this kind of socket does not have it",
  EPERM: "this process lacks a privilege for it",
  ERANGE: "the value is out of the option's range",
};

/** The error for a negative errno of the kernel's. `more` follows the reason. */
export function refusedOption(
  call: OptionCall,
  name: string,
  errno: number,
  more = "",
): HawserError {
  const code = errnoName(errno);
  const reason = REASONS[code];
  return optionError(call, code, `${name}${reason === undefined ? "" : `: ${reason}`}${more}`);
}

/** EBADF or ENOTCONN of a socket that has no descriptor now. */
export function noDescriptor(
  call: OptionCall,
  code: "EBADF" | "ENOTCONN",
  why: string,
): HawserError {
  return optionError(call, code, why);
}

function optionError(call: OptionCall, code: string, text: string): HawserError {
  return new HawserError(`${call} ${code} ${text}`, { code, errno: errnoOf(code), syscall: call });
}
