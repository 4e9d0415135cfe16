// What the comparisons with net.Socket share: a scenario over both kinds of socket, connected or
// not, whose outcomes must be the same.

import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { expect } from "vitest";
import { createSocket } from "../../lib/adapters/duplex.ts";
import { both, cleanUps } from "./duplex-support.ts";
import type { Pair, Socket } from "./pairs.ts";

/** The code of an error, or null. */
export const codeOf = (error: unknown) =>
  (error as { code?: string } | null | undefined)?.code ?? null;

/** The code that a call throws with. */
export function thrown(act: () => unknown): unknown {
  try {
    act();
    return "nothing";
  } catch (error) {
    return codeOf(error);
  }
}

/** The same over both; what it is, where that is worth saying. */
export async function same(
  scenario: (pair: Pair) => Promise<unknown>,
  expected?: unknown,
): Promise<void> {
  const { node, hawser } = await both(scenario);
  expect(hawser).toEqual(node);
  if (expected !== undefined) expect(hawser).toEqual(expected);
}

/** A server of node:net, and a scenario with a socket of either kind that is not connected. */
export async function sameUnconnected(
  serve: (socket: net.Socket) => void,
  scenario: (socket: net.Socket, port: number) => Promise<unknown>,
): Promise<unknown> {
  const server = net.createServer((socket) => serve(socket.on("error", () => {})));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const run = async (socket: Socket) => {
    cleanUps.push(() => socket.destroy());
    return scenario(socket as net.Socket, port);
  };
  const node = await run(new net.Socket());
  const hawser = await run(createSocket());
  expect(hawser).toEqual(node);
  return hawser;
}
