// Clients that connect, ask who answers, and count: for listeners of which one leaves.

import net from "node:net";

/** Connects, asks, and gives the answer: a name, or why there is none. */
export function ask(where: net.NetConnectOpts): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(where);
    const over = (answer: string) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => socket.write("?"));
    socket.once("data", (bytes) => over(String(bytes)));
    socket.once("end", () => over("end"));
    socket.once("error", (error) => over((error as NodeJS.ErrnoException).code ?? "error"));
  });
}

/**
 * Asks `total` times, `atOnce` of them at a time, and counts the answers.
 *
 * @param at what is to happen before the nth of them
 */
export async function askMany(
  port: number,
  total: number,
  atOnce: number,
  at: ReadonlyMap<number, () => void> = new Map(),
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let asked = 0;
  const one = async () => {
    while (asked < total) {
      at.get(++asked)?.();
      const answer = await ask({ port, host: "127.0.0.1" });
      counts[answer] = (counts[answer] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return counts;
}
