// The side that is attacked, in a process of its own: an echo server or a client, with what it
// uses of memory and how long its loop was held, told over the channel of fork(). The first
// argument is what it does, the second its options as JSON. No verdicts here.

import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { connect, listen, type WebSocketConnection } from "../../../lib/index.ts";

const [style, json = "{}"] = process.argv.slice(2);
const options = JSON.parse(json) as object;

/** How often each close code was told, and each error. */
let told: Record<string, number> = {};
const note = (what: string) => {
  told[what] = (told[what] ?? 0) + 1;
};
let opened = 0;

const callbacks = {
  open() {
    opened++;
  },
  close(_socket: unknown, code: number, _reason: string, error: { code: string } | null) {
    note(error === null ? String(code) : error.code);
  },
};
const echo = {
  ...callbacks,
  message: (socket: WebSocketConnection, message: string | Buffer) => void socket.write(message),
};

const endpoint = "ws://127.0.0.1:0";
const error = (_listener: unknown, { code }: { code: string }) => note(code);

const styles = {
  /** Sends back whatever comes, without a look at what waits. */
  server: () => listen(endpoint, { ...options, ...echo, error }),
  /** Sends back one message after the other. */
  await: () =>
    listen(endpoint, { ...options, error }, async (socket) => {
      for await (const message of socket) await socket.send(message);
    }),
  client: () => null,
};

const listener = await styles[style as keyof typeof styles]();
const port = listener?.port ?? Number(process.argv[4]);

// ---------------------------------------------------------------------------------------- measured

const TICK_MS = 5;
let peak = 0;
let held = 0;
let used = 0;
let timer: NodeJS.Timeout | undefined;

// What the engine and its buffers use; resident pages are the allocator's affair, and a
// sanitizer's.
function inUse(): number {
  const { external, heapUsed } = process.memoryUsage();
  return external + heapUsed;
}

// The loop's turns are counted in processor time: what other processes take is nobody's attack.
function tick(): void {
  const { system, user } = process.cpuUsage();
  held = Math.max(held, system + user - used);
  used = system + user;
  peak = Math.max(peak, inUse());
}

async function collect(): Promise<void> {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.();
    for (let turn = 0; turn < 3; turn++) await setImmediate();
  }
}

const commands: Record<string, () => Promise<object> | object> = {
  port: () => ({ port }),
  /** From here on the peak and the loop's delay are measured. */
  async mark() {
    await collect();
    [told, opened] = [{}, 0];
    clearInterval(timer);
    tick();
    [peak, held] = [inUse(), 0];
    timer = setInterval(tick, TICK_MS);
    return { bytes: inUse(), resident: process.memoryUsage.rss() };
  },
  async report() {
    tick();
    const heldMs = held / 1_000;
    await collect();
    const { accepted = 0, failed = 0 } = listener?.counters ?? {};
    const sockets = [...(listener?.connections ?? [])];
    const mostRead = Math.max(0, ...sockets.map(({ bytesRead }) => bytesRead));
    const open = sockets.length;
    const bytes = inUse();
    const resident = process.memoryUsage.rss();
    return { bytes, resident, peak, heldMs, opened, open, mostRead, accepted, failed, told };
  },
  /** A client connects, and says what it rejects with. */
  async connect() {
    try {
      await connect(`ws://127.0.0.1:${port}/`, { ...options, ...echo });
      return { error: null };
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return { error: code, message };
    }
  },
};

process.on("message", async ({ id, op }: { id: number; op: string }) => {
  process.send?.({ id, ...(await commands[op]?.()) });
});
// The one that attacks is gone.
process.on("disconnect", () => process.exit());
