// Errors of TLS as this library's own. Not here: where they come from.

import { type ErrorContext, HawserError } from "../errors/index.ts";
import { TRUNCATED } from "../net/tls-engine.ts";

/** `verify` said no. */
export const REFUSED = "ERR_HAWSER_TLS_REFUSED";

/** Of node:tls and OpenSSL: their code, and their words without the numbers. */
export function tlsError(cause: unknown, context: ErrorContext): HawserError {
  const { code, reason, message } = cause as { code?: string; reason?: string; message?: string };
  const name = typeof code === "string" ? code : "ERR_HAWSER_TLS";
  return new HawserError(`TLS: ${reason ?? message ?? String(cause)}`, {
    ...context,
    code: name,
    cause,
  });
}

export function truncated(context: ErrorContext): HawserError {
  const message =
    "TLS: the connection ended without close_notify; what was received may not be everything";
  const hint = "tls.requireCloseNotify: false takes it for an end where the peer leaves it out";
  return new HawserError(`${message}: ${hint}`, { ...context, code: TRUNCATED, phase: "open" });
}

export function refused(context: ErrorContext): HawserError {
  return new HawserError("TLS: verify() refused the peer", { ...context, code: REFUSED });
}

export function unauthorized(code: string, context: ErrorContext): HawserError {
  return new HawserError(`TLS: the peer's certificate is not accepted: ${code}`, {
    ...context,
    code,
  });
}

/** The peer went away in the middle of the handshake. */
export function cutOff(context: ErrorContext): HawserError {
  const message = "TLS: the peer ended the connection before the handshake was over";
  return new HawserError(message, { ...context, code: "ECONNRESET", syscall: "read" });
}
