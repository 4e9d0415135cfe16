// What the tests of the Node stream share: pairs that are closed afterwards, and logs of events.

import { afterEach } from "vitest";
import { hawserPair, nodePair, type Pair, type PairOptions, type Socket } from "./pairs.ts";

export const cleanUps: (() => unknown)[] = [];

/** Closes what a test has opened. Called once by a file. */
export function cleanUpAfterEach(): void {
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  });
}

export async function pairOf<S extends Socket>(
  make: (options?: PairOptions) => Promise<Pair<S>>,
  options?: PairOptions,
): Promise<Pair<S>> {
  const pair = await make(options);
  cleanUps.push(pair.close);
  return pair;
}

const EVENTS = ["connect", "ready", "end", "finish", "timeout", "error", "close"] as const;

/** The names of a socket's events in their order, with what they carry. */
export function logOf(socket: Socket): string[] {
  const log: string[] = [];
  for (const event of EVENTS) {
    socket.on(event, (detail: unknown) => {
      const code = (detail as { code?: string } | undefined)?.code;
      log.push(code === undefined ? `${event} ${detail ?? ""}`.trim() : `${event} ${code}`);
    });
  }
  return log;
}

export const closed = (socket: Socket) =>
  new Promise<void>((resolve) => socket.once("close", () => resolve()));

/** Everything a socket reads, without ending or destroying it as an iteration would. */
export async function collect(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => chunks.push(bytes));
  await new Promise((resolve) => socket.once("end", () => resolve(undefined)));
  return Buffer.concat(chunks);
}

/** Runs a scenario over both kinds of socket and gives both logs. */
export async function both(
  scenario: (pair: Pair) => Promise<unknown>,
  options?: PairOptions,
): Promise<{ node: unknown; hawser: unknown }> {
  const node = await scenario(await pairOf(nodePair, options));
  const hawser = await scenario(await pairOf(hawserPair, options));
  return { node, hawser };
}
