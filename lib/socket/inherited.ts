// Descriptors that a service manager passed, as sd_listen_fds(3) describes it. Pure: the
// environment and the process's number come in. Not here: what is done with them
// (listen-socket.ts).

import { MAX_INHERITED_DESCRIPTORS } from "../core/limits.ts";
import { codeError } from "../errors/index.ts";

export interface InheritedDescriptor {
  /** From 3 on. Node has made it close-on-exec at its start, as all that it inherits. */
  readonly fd: number;
  /** From LISTEN_FDNAMES; `"unknown"` where that does not name it. */
  readonly name: string;
}

/** SD_LISTEN_FDS_START: the first after the standard streams. */
const FIRST_DESCRIPTOR = 3;
const DECIMAL = /^[0-9]{1,10}$/;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES say.
 *
 * @param pid of this process: what was meant for its parent is not its own
 * @throws HawserError EINVAL for what are no numbers, or too many descriptors
 */
export function inheritedDescriptors(
  environment: Environment,
  pid: number,
): readonly InheritedDescriptor[] {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = environment;
  if (LISTEN_PID === undefined || LISTEN_FDS === undefined) return [];
  if (!DECIMAL.test(LISTEN_PID) || !DECIMAL.test(LISTEN_FDS)) {
    throw codeError("EINVAL", "sd_listen_fds");
  }
  if (Number(LISTEN_PID) !== pid) return [];
  const count = Number(LISTEN_FDS);
  if (count > MAX_INHERITED_DESCRIPTORS) throw codeError("EINVAL", "sd_listen_fds");
  const names = LISTEN_FDNAMES === undefined ? [] : LISTEN_FDNAMES.split(":", count);
  return Array.from({ length: count }, (_, index) => ({
    fd: FIRST_DESCRIPTOR + index,
    name: names[index] || "unknown",
  }));
}
