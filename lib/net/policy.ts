// What a connection needs to know for all its life, in one object that all connections of a
// listener share. Made from checked options (parameters.ts).
// Not here: what is only needed to establish (outbound.ts) or to listen (listener.ts).

import { captureContext, inContext } from "./handler-context.ts";
import { type LivenessLimits, livenessLimits } from "./liveness.ts";
import type { StreamParameters } from "./parameters.ts";

/** Who accepted a connection. */
export interface ConnectionOwner {
  /** The last thing that it is told of a connection. */
  connectionClosed(connection: object): void;
  /** A handler of a connection ended with that connection's own error. */
  handlerEndedByPeer(): void;
}

/** One shape for connections of both sides, since the byte path reads it. */
export interface Policy
  extends Pick<
    StreamParameters,
    | "data"
    | "lend"
    | "open"
    | "drain"
    | "end"
    | "close"
    | "state"
    | "idleTimeout"
    | "closeTimeout"
    | "receiveHighWaterMark"
    | "sendHighWaterMark"
    | "allowHalfOpen"
  > {
  readonly transport: "tcp" | "unix";
  /** How dead and stalled peers are told; null where nothing has to be looked at. */
  readonly liveness: LivenessLimits | null;
  /** Null for a connection that was made here. */
  readonly owner: ConnectionOwner | null;
  /** What the caller of connect() or listen() asked for, checked. */
  readonly parameters: StreamParameters;
}

/** Callbacks are bound to the async context of whoever calls this. */
export function makePolicy(
  parameters: StreamParameters,
  transport: "tcp" | "unix",
  owner: ConnectionOwner | null,
): Policy {
  const context = hasCallbacks(parameters) ? captureContext() : null;
  return {
    data: inContext(context, parameters.data),
    lend: parameters.lend,
    open: inContext(context, parameters.open),
    drain: inContext(context, parameters.drain),
    end: inContext(context, parameters.end),
    close: inContext(context, parameters.close),
    state: inContext(context, parameters.state),
    idleTimeout: parameters.idleTimeout,
    closeTimeout: parameters.closeTimeout,
    receiveHighWaterMark: parameters.receiveHighWaterMark,
    sendHighWaterMark: parameters.sendHighWaterMark,
    allowHalfOpen: parameters.allowHalfOpen,
    transport,
    liveness: transport === "tcp" ? limitsOf(parameters) : null,
    owner,
    parameters,
  };
}

// Entering a context costs something, and noting it too.
function hasCallbacks({ data, open, drain, end, close, state }: StreamParameters): boolean {
  return (data ?? open ?? drain ?? end ?? close ?? state) !== undefined;
}

function limitsOf(parameters: StreamParameters): LivenessLimits | null {
  const limits = livenessLimits(parameters);
  return Number.isFinite(limits.everyMs) ? limits : null;
}
