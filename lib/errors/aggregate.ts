// One error out of the errors of several attempts.
// Not here: which attempts are made, and when (net/happy-eyeballs.ts).

import { describe } from "./errno.ts";
import { type ErrorContext, HawserError, isCodedError } from "./hawser-error.ts";

// The code that says most about what to do comes first. A peer that answered (refused, reset,
// denied) tells more than a missing route, and that more than silence; a local shortage comes
// before all, since nothing was tried then.
const TELLING = [
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "ENOMEM",
  "EADDRNOTAVAIL",
  "EADDRINUSE",
  "EACCES",
  "EPERM",
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "EAFNOSUPPORT",
] as const;

function rank(error: Error): number {
  if (!isCodedError(error)) return TELLING.length + 1;
  const place = (TELLING as readonly string[]).indexOf(error.code);
  return place === -1 ? TELLING.length : place;
}

/** The error that tells most; of two that tell the same, the earlier. */
export function mostTelling(errors: readonly Error[]): Error | undefined {
  let best: Error | undefined;
  for (const error of errors) {
    if (best === undefined || rank(error) < rank(best)) best = error;
  }
  return best;
}

/**
 * The error of an operation that failed at every address. With one error it is that error itself;
 * with several it has the most telling code, the place of that attempt, and all in `errors`.
 *
 * @param errors at least one, in the order of the attempts
 * @param context what the whole operation was about: `hostname`, `port`, `phase`, `bytes`
 */
export function aggregateError(errors: readonly Error[], context: ErrorContext = {}): Error {
  const best = mostTelling(errors);
  if (best === undefined) throw new RangeError("aggregateError needs at least one error");
  if (errors.length === 1) return best;
  const inner: Partial<HawserError> = best;
  const code = isCodedError(best) ? best.code : "ERR_HAWSER_ALL_FAILED";
  const syscall = inner.syscall ?? "connect";
  const where = { hostname: context.hostname ?? inner.address, port: context.port ?? inner.port };
  const list = errors.map(summary).join(", ");
  const text = `${describe(code, syscall, where)}: all ${errors.length} attempts failed (${list})`;
  return new HawserError(text, {
    address: inner.address,
    port: inner.port,
    localAddress: inner.localAddress,
    localPort: inner.localPort,
    phase: inner.phase,
    reason: inner.reason,
    ...context,
    code,
    errno: inner.errno,
    syscall,
    errors,
  });
}

function summary(error: Error): string {
  const { address, port }: Partial<HawserError> = error;
  const what = isCodedError(error) ? error.code : error.message;
  if (address === undefined) return what;
  return port === undefined ? `${address} ${what}` : `${address}:${port} ${what}`;
}
