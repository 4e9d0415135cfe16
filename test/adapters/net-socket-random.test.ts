// Whatever a program does to a socket short of destroying it, a stream of hawser's gives the same
// bytes and the same events as node:net: random programs over both.

import fc from "fast-check";
import { expect, it } from "vitest";
import { fingerprint, pattern } from "../support/bytes.ts";
import { both, cleanUpAfterEach, cleanUps, closed, logOf } from "./duplex-support.ts";
import type { Pair, Socket } from "./pairs.ts";

cleanUpAfterEach();

type Step =
  | { readonly act: "write"; readonly size: number }
  | { readonly act: "cork" | "uncork" | "pause" | "resume" | "turn" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ act: fc.constant("write" as const), size: fc.integer({ min: 0, max: 200_000 }) }),
  fc.record({ act: fc.constantFrom("cork", "uncork", "pause", "resume", "turn") }),
);

const program = fc.record({
  allowHalfOpen: fc.boolean(),
  clientEndsFirst: fc.boolean(),
  steps: fc.array(fc.record({ side: fc.constantFrom("client", "server"), step }), {
    maxLength: 40,
  }),
});

const bytes = pattern(200_000);

function act(socket: Socket, one: Step): void {
  if (one.act === "write") socket.write(bytes.subarray(0, one.size));
  else if (one.act !== "turn") socket[one.act]();
}

/** What a socket has read, and what it has said. */
function watch(socket: Socket) {
  const chunks: Buffer[] = [];
  const log = logOf(socket);
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const gone = closed(socket);
  return {
    gone,
    seen: () => ({
      read: fingerprint(Buffer.concat(chunks)),
      log: [...log].sort(),
      counts: [socket.bytesRead, socket.bytesWritten],
    }),
  };
}

async function run(
  { client, server }: Pair,
  { clientEndsFirst, steps }: { clientEndsFirst: boolean; steps: { side: string; step: Step }[] },
) {
  const watches = [watch(client), watch(server)];
  for (const { side, step: one } of steps) {
    act(side === "client" ? client : server, one);
    if (one.act === "turn") await new Promise((resolve) => setImmediate(resolve));
  }
  const order = clientEndsFirst ? [client, server] : [server, client];
  for (const socket of order) socket.resume();
  for (const socket of order) socket.end();
  await Promise.all(watches.map(({ gone }) => gone));
  return watches.map(({ seen }) => seen());
}

it("the same bytes, events and counts as node:net, whatever is done", async () => {
  await fc.assert(
    fc.asyncProperty(program, async ({ allowHalfOpen, ...what }) => {
      const { node, hawser } = await both((pair) => run(pair, what), { allowHalfOpen });
      for (const cleanUp of cleanUps.splice(0)) await cleanUp();
      expect(hawser).toEqual(node);
    }),
    { numRuns: 40 },
  );
});
