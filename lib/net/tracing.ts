// What can be watched from outside: channels of node:diagnostics_channel, and lines on stderr with
// NODE_DEBUG=hawser. Their names are in docs/api.md. While nobody watches, nothing is made for
// them. Not here: when something happens.

import { channel } from "node:diagnostics_channel";
import { debuglog } from "node:util";
import type { HawserError } from "../errors/index.ts";
import type { Connection } from "./connection.ts";
import type { Listener } from "./listener.ts";

const debug = debuglog("hawser");

const connectionState = channel("hawser.connection.state");
const connectionOpen = channel("hawser.connection.open");
const connectionClose = channel("hawser.connection.close");
const listenerState = channel("hawser.listener.state");
const listenerError = channel("hawser.listener.error");

type AnyConnection = Connection<never>;
type AnyListener = Listener<never>;

/** Whether a change of a connection's state is worth telling. */
export function tracesStates(): boolean {
  return connectionState.hasSubscribers || debug.enabled;
}

export function traceState(
  connection: AnyConnection,
  state: string,
  previous: string,
  reason: HawserError | null,
): void {
  if (debug.enabled) debug("%s: %s -> %s%s", nameOf(connection), previous, state, because(reason));
  if (connectionState.hasSubscribers) {
    connectionState.publish({ connection, state, previous, reason });
  }
}

export function traceOpen(connection: AnyConnection): void {
  if (debug.enabled) debug("%s: open", nameOf(connection));
  if (!connectionOpen.hasSubscribers) return;
  const { establishmentReport } = connection;
  connectionOpen.publish({ connection, establishmentReport });
}

/** Whether somebody wants to hear how connections end. */
export function tracesClose(): boolean {
  return connectionClose.hasSubscribers || debug.enabled;
}

export function traceClose(connection: AnyConnection, result: { error: unknown }): void {
  if (debug.enabled) debug("%s: over%s", nameOf(connection), because(result.error));
  if (connectionClose.hasSubscribers) connectionClose.publish({ connection, result });
}

export function traceListenerState(
  listener: AnyListener,
  state: string,
  previous: string,
  reason: HawserError | null,
): void {
  if (debug.enabled) debug("%s: %s -> %s%s", placeOf(listener), previous, state, because(reason));
  if (listenerState.hasSubscribers) listenerState.publish({ listener, state, previous, reason });
}

export function traceListenerError(listener: AnyListener, error: HawserError): void {
  if (debug.enabled) debug("%s%s", placeOf(listener), because(error));
  if (listenerError.hasSubscribers) listenerError.publish({ listener, error });
}

function because(reason: unknown): string {
  return reason instanceof Error ? `: ${reason.message}` : "";
}

function nameOf(connection: AnyConnection): string {
  const { transport, localAddress, localPort, remoteAddress, remotePort } = connection;
  if (transport === "unix") return `connection unix:${remoteAddress || localAddress || ""}`;
  if (remoteAddress === undefined) return `connection ${transport}`;
  return `connection ${transport} ${localAddress}:${localPort} - ${remoteAddress}:${remotePort}`;
}

function placeOf(listener: AnyListener): string {
  const { address, port, family } = listener.addresses[0] ?? {};
  if (address === undefined) return "listener";
  return family === "unix" ? `listener unix:${address}` : `listener ${address}:${port}`;
}
