// The descriptor behind a socket: of this library, or of Node's net, tls, dgram, http and http2.
// Node hides its descriptors; here is all that is known of where. Not here: what is done with one.

import type { Socket as NodeDatagramSocket } from "node:dgram";
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Server as NodeServer, Socket as NodeSocket } from "node:net";
import { invalidArgType } from "../errors/index.ts";
import { noDescriptor, type OptionCall } from "./option-errors.ts";

/**
 * A socket whose options can be read and set: one of this library (its `fd`, or that of its
 * `connection`), or one of Node's net, tls, dgram, http or http2 while it is open.
 */
export type AnySocket =
  | { readonly fd: number }
  | NodeSocket
  | NodeServer
  | NodeDatagramSocket
  | ClientRequest
  | IncomingMessage
  | ServerResponse
  | { readonly socket: NodeSocket | null | undefined }
  | { readonly connection: { readonly fd: number } };

export interface Target {
  readonly descriptor: number;
  /** Known to be a Unix socket, which has no TCP beneath. */
  readonly pipe: boolean;
}

// Request -> socket -> TLS wrap -> wrapped socket is the longest way there is.
const MAX_STEPS = 8;
const MAX_DESCRIPTOR = 0x7fff_ffff;

type Fields = Readonly<Record<string, unknown> & { fd?: unknown }>;

/**
 * The descriptor of an open socket.
 *
 * @throws TypeError for what is no socket; HawserError EBADF for one that is closed, ENOTCONN for
 *   one that is not open yet or whose descriptor another process holds
 */
export function targetOf(socket: unknown, call: OptionCall): Target {
  let current = socket;
  for (let step = 0; step < MAX_STEPS && isObject(current); step++) {
    const found = look(current, call);
    if (found === undefined) break;
    if ("target" in found) return found.target;
    current = found.next;
  }
  throw invalidArgType(
    "socket",
    "an open socket of hawser or Node (net, tls, dgram, http)",
    socket,
  );
}

type Found = { readonly target: Target } | { readonly next: unknown };

function look(socket: Fields, call: OptionCall): Found | undefined {
  const { fd } = socket;
  if (typeof fd === "number") {
    if (!Number.isInteger(fd) || fd > MAX_DESCRIPTOR) return undefined;
    if (fd < 0) throw noDescriptor(call, "EBADF", "the socket is closed");
    const pipe = socket["family"] === "unix" || socket["transport"] === "unix";
    return { target: { descriptor: fd, pipe } };
  }
  const datagram = datagramState(socket);
  if (datagram !== undefined) return { target: fromDatagram(datagram, call) };
  // By value: http2's socket is a proxy that has no properties of its own.
  if (socket["_handle"] !== undefined) return fromHandle(socket, call);
  // What http, http2, ws and WebSockets of this library give: the socket is one property away.
  for (const key of ["socket", "_socket", "connection"]) {
    if (!(key in socket)) continue;
    const next = socket[key];
    if (isObject(next)) return { next };
    throw noDescriptor(call, "ENOTCONN", "it has no socket: wait for 'socket', or it is closed");
  }
  return undefined;
}

function fromHandle(socket: Fields, call: OptionCall): Found {
  const handle = socket["_handle"];
  if (socket["destroyed"] === true) throw noDescriptor(call, "EBADF", "the socket is closed");
  if (socket["connecting"] === true) {
    // Node may try several addresses, each with a descriptor of its own.
    throw noDescriptor(call, "ENOTCONN", "the socket is not connected yet: wait for 'connect'");
  }
  if (!isObject(handle)) {
    const listens = "listening" in socket;
    throw noDescriptor(
      call,
      "ENOTCONN",
      listens
        ? "the server does not listen: wait for 'listening', or it is closed"
        : "the socket is not connected yet: wait for 'connect'",
    );
  }
  const descriptor = handle["fd"];
  if (typeof descriptor === "number" && descriptor >= 0) {
    return { target: { descriptor, pipe: handle.constructor?.name === "Pipe" } };
  }
  // TLS over something else than a socket of the kernel's may still have one below.
  if (isObject(socket["_parent"])) return { next: socket["_parent"] };
  throw noDescriptor(call, "ENOTCONN", "the socket has no descriptor in this process");
}

// dgram keeps its handle behind a symbol; its old `_handle` prints a deprecation warning (DEP0112).
function datagramState(socket: Fields): Fields | undefined {
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    if (symbol.description !== "state symbol") continue;
    const state = (socket as Record<symbol, unknown>)[symbol];
    if (isObject(state) && "handle" in state && "bindState" in state) return state;
  }
  return undefined;
}

function fromDatagram(state: Fields, call: OptionCall): Target {
  const handle = state["handle"];
  if (!isObject(handle)) throw noDescriptor(call, "EBADF", "the socket is closed");
  const descriptor = handle["fd"];
  if (typeof descriptor !== "number" || descriptor < 0) {
    throw noDescriptor(call, "ENOTCONN", "the socket is not bound yet: wait for 'listening'");
  }
  return { descriptor, pipe: false };
}

function isObject(value: unknown): value is Fields {
  return (typeof value === "object" || typeof value === "function") && value !== null;
}
