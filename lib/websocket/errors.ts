// The errors of WebSockets, made from what the protocol says. Not here: errors of the stream.

import type { ErrorContext } from "../errors/index.ts";
import { HawserError } from "../errors/index.ts";
import type { CloseInfo, RefusedByServer } from "./protocol/index.ts";

/** Codes after which an iteration ends without an error: done, going away, none given. */
const QUIET_CODES: ReadonlySet<number> = new Set([1000, 1001, 1005]);

const failures = new WeakMap<HawserError, NonNullable<CloseInfo["failure"]>>();

/** What the protocol said of a failure that it caused. */
export function failureBehind(error: HawserError): CloseInfo["failure"] | undefined {
  return failures.get(error);
}

/** The client's upgrade was answered, but not with a WebSocket (B43). */
export function upgradeRefused(refused: RefusedByServer, place: ErrorContext): HawserError {
  const { status, statusText, headers, rawHeaders, body } = refused;
  const answer = statusText === "" ? `${status}` : `${status} ${statusText}`;
  return new HawserError(`The server refused the upgrade: ${answer}`, {
    ...place,
    code: "ERR_HAWSER_UPGRADE_REFUSED",
    phase: "upgrade",
    response: { status, statusText, headers, rawHeaders, body },
  });
}

/** What the other side said is no opening handshake. */
export function upgradeFailed(why: string, place: ErrorContext, cause?: unknown): HawserError {
  const code = "ERR_HAWSER_UPGRADE_FAILED";
  return new HawserError(`The upgrade failed: ${why}`, { ...place, code, phase: "upgrade", cause });
}

/** The peer's Close, where that is told as an error; null where it ends an iteration quietly. */
export function closedByPeer(
  code: number,
  reason: string,
  place: ErrorContext,
): HawserError | null {
  if (QUIET_CODES.has(code)) return null;
  const why = reason === "" ? "" : `: ${reason}`;
  return new HawserError(`The peer closed the WebSocket with ${code}${why}`, {
    ...place,
    code: "ERR_HAWSER_WEBSOCKET_CLOSED",
    phase: "close",
  });
}

/** The peer's Close in the middle of a message, which will never be whole, whatever the code. */
export function cutByPeer(code: number, reason: string, place: ErrorContext): HawserError {
  const why = reason === "" ? "" : `: ${reason}`;
  return new HawserError(`The peer closed the WebSocket with ${code} inside a message${why}`, {
    ...place,
    code: "ERR_HAWSER_WEBSOCKET_CLOSED",
    phase: "close",
  });
}

/** What is told with `close`, where the stream itself did not fail. */
export function failureOf(
  info: CloseInfo,
  isAborted: boolean,
  place: ErrorContext,
): HawserError | null {
  if (info.failure !== null) {
    const { message, closeCode } = info.failure;
    const error = new HawserError(`The WebSocket failed with ${closeCode}: ${message}`, {
      ...place,
      code: "ERR_HAWSER_WEBSOCKET_FAILED",
      phase: "open",
    });
    failures.set(error, info.failure);
    return error;
  }
  if (info.wasClean || info.code !== 1006 || isAborted) return null;
  return new HawserError("The stream ended without a Close", {
    ...place,
    code: "ERR_HAWSER_WEBSOCKET_CLOSED",
    phase: "open",
  });
}
