// What an idle connection keeps: heap and external memory after forced collections, the difference
// between many and few connections. Counted, not timed. bench/suites/idle.ts measures more of them,
// and the resident set.

import { expect, test } from "vitest";
import { Program, timeLimitMs } from "./support.ts";

/** Far enough apart that it matters little how far the tables behind them have just grown. */
const FEW = 500;
const MANY = 4_000;

/**
 * Bytes a connection, which are the goals too. Measured on Node 20, 22, 24 and 26: 370 to 400 and
 * 1,460 to 1,540; a WebSocket 730, with the tables behind it just grown (616 between 5,000 and
 * 15,000, where its goal is 800). What varies between runs is under 20, so the margin is a fifth.
 */
const bounds = { owned: 500, await: 1.8 * 1_024, webSocket: 850 } as const;

async function bytesOfConnection(style: keyof typeof bounds): Promise<number> {
  await using server = new Program("server-program.mjs", [style], ["--expose-gc"]);
  await using client = new Program("client-program.mjs", []);
  const upgrades = style === "webSocket";
  const { port } = await server.ask(["port"]);
  const kept = async (connections: number): Promise<number> => {
    await client.ask({ open: port, connections, upgrades });
    const { heapUsed, external } = await server.ask(["kept", connections]);
    return (heapUsed ?? Number.NaN) + (external ?? Number.NaN);
  };
  // What is made once is there before it counts.
  await kept(FEW);
  const few = await kept(FEW);
  const many = await kept(MANY);
  return (many - few) / (MANY - FEW);
}

test.each([
  ["in callback style", "owned"],
  ["parked in for await", "await"],
  ["that is a WebSocket, in callback style", "webSocket"],
] as const)(
  "the memory of an idle connection %s",
  async (_, style) => {
    const bytes = await bytesOfConnection(style);
    const told = `${Math.round(bytes)} bytes a connection`;
    if (process.env["HAWSER_SHOW_GUARDS"] === "1") console.log(`${style}: ${told}`);
    expect(bytes, told).toBeLessThanOrEqual(bounds[style]);
    // Fewer than the object itself cannot be: then nothing was counted.
    expect(bytes, told).toBeGreaterThan(50);
  },
  timeLimitMs,
);
