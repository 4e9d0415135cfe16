// Pairs of streams for the tests of the bridges: two of Node's own, and the same over hawser.
// Each pair is a client and a server over loopback, both open.

import { once } from "node:events";
import net from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionDuplex, toDuplex } from "../../lib/adapters/duplex.ts";
import { type Connection, connect, type Listener, listen } from "../../lib/index.ts";

/** What tests use of either kind of socket. */
export type Socket = net.Socket | ConnectionDuplex;

export interface Pair<S extends Duplex = Socket> {
  readonly client: S;
  readonly server: S;
  readonly close: () => Promise<void>;
}

export interface PairOptions {
  readonly allowHalfOpen?: boolean;
}

export async function nodePair({
  allowHalfOpen = false,
}: PairOptions = {}): Promise<Pair<net.Socket>> {
  const listener = net.createServer({ allowHalfOpen });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as net.AddressInfo;
  const client = net.connect({ port, host: "127.0.0.1", allowHalfOpen });
  const [[server]] = (await Promise.all([
    once(listener, "connection"),
    once(client, "connect"),
  ])) as [[net.Socket], unknown];
  const close = async () => {
    client.destroy();
    server.destroy();
    listener.close();
    await once(listener, "close");
  };
  return { client, server, close };
}

export async function hawserPair({
  allowHalfOpen = false,
}: PairOptions = {}): Promise<Pair<ConnectionDuplex>> {
  const { client, server, listener } = await connections({ allowHalfOpen });
  const pair = { client: toDuplex(client), server: toDuplex(server) };
  const close = async () => {
    pair.client.destroy();
    pair.server.destroy();
    await listener.close({ timeout: 0 });
  };
  return { ...pair, close };
}

export interface Connections {
  readonly client: Connection;
  readonly server: Connection;
  readonly listener: Listener;
}

/** Two connections without callbacks. */
export async function connections(options: PairOptions = {}): Promise<Connections> {
  const listener = await listen("tcp://127.0.0.1:0", options);
  const accepted = listener[Symbol.asyncIterator]().next();
  const client = await connect(`tcp://127.0.0.1:${listener.port}`, options);
  const server = (await accepted).value as Connection;
  return { client, server, listener };
}
