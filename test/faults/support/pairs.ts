// hawser on the client and Python on the server, connected by one of the streams that scenarios run
// over. Not here: what happens to them then.

import { type Hosts, nothingFor, type RemoteConnection } from "./machines.ts";
import { SERVER_ADDRESS, SERVER_ADDRESS_6 } from "./network.ts";
import type { Program } from "./program.ts";
import type { StreamKind } from "./streams.ts";

export const PORT = 7_000;

/** What a scenario runs over. */
export interface StreamCase {
  readonly name: string;
  readonly kind: StreamKind;
  readonly family: 4 | 6;
}

export const CONNECTION: StreamCase = { name: "a Connection", kind: "connection", family: 4 };
export const CONNECTION_6: StreamCase = {
  name: "a Connection over IPv6",
  kind: "connection",
  family: 6,
};
export const WEBSOCKET: StreamCase = { name: "a WebSocket", kind: "websocket", family: 4 };
export const DUPLEX: StreamCase = { name: "a Duplex", kind: "duplex", family: 4 };

/** Those over which every scenario runs that makes sense there. */
export const STREAMS: readonly StreamCase[] = [CONNECTION, CONNECTION_6, WEBSOCKET, DUPLEX];

const schemes = { connection: "tcp", duplex: "tcp", websocket: "ws" } as const;

/** Where the peer listens, for this kind. */
export function endpointOf({ kind, family }: StreamCase, port: number = PORT): string {
  const host = family === 6 ? `[${SERVER_ADDRESS_6}]` : SERVER_ADDRESS;
  return `${schemes[kind]}://${host}:${port}`;
}

/** Where hawser listens on the server for this kind. */
export function listenEndpointOf({ kind, family }: StreamCase, port: number = PORT): string {
  return `${schemes[kind]}://${family === 6 ? "[::]" : "0.0.0.0"}:${port}`;
}

export interface Pair {
  readonly connection: RemoteConnection;
  readonly peer: Program;
}

/** An acknowledgement of the beginning may be delayed, and be lost with what a scenario loses. */
async function acknowledged(connection: RemoteConnection): Promise<RemoteConnection> {
  while (((await connection.info()).unacknowledgedSegments as number) > 0) await nothingFor(10);
  return connection;
}

/** Connects a stream to Python, whose listener has that receive buffer (0: the kernel's choice). */
export async function connected(
  hosts: Hosts,
  stream: StreamCase,
  options: object = {},
  receiveBuffer = 0,
): Promise<Pair> {
  const [hawser, peer] = await Promise.all([
    hosts.hawser("client", stream.kind),
    hosts.python("server"),
  ]);
  await peer.ask("listen", { port: PORT, family: stream.family, receiveBuffer });
  const [connection] = await Promise.all([
    hawser.connect(endpointOf(stream), options),
    peer.ask("accept", { websocket: stream.kind === "websocket" }),
  ]);
  return { connection: await acknowledged(connection), peer };
}

/** hawser on the server, with a connection that Python on the client has made. */
export async function accepted(
  hosts: Hosts,
  stream: StreamCase,
  options: object = {},
): Promise<Pair> {
  const [hawser, peer] = await Promise.all([
    hosts.hawser("server", stream.kind),
    hosts.python("client"),
  ]);
  await hawser.listen(listenEndpointOf(stream), options);
  const address = stream.family === 6 ? SERVER_ADDRESS_6 : SERVER_ADDRESS;
  await peer.ask("connect", { address, port: PORT, websocket: stream.kind === "websocket" });
  return { connection: await acknowledged(await hawser.accepted()), peer };
}
