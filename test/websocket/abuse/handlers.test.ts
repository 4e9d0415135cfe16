// Peers that leave while a handler is at work: what the handler is told then is the WebSocket's own
// end, and must not end the process. docs/security.md names it.

import { describe, expect, test, vi } from "vitest";
import type { HawserError, WebSocketListenOptions } from "../../../lib/index.ts";
import { binary, close, text } from "../../conformance/case.ts";
import { type Raw, serve } from "../support.ts";
import { clientFrames, slowness, timeLimitMs, upgraded, Victim } from "./support.ts";

type Handler = Parameters<typeof serve>[1];

const handlers: readonly (readonly [string, Handler])[] = [
  [
    "sends back in a loop",
    async (socket) => {
      for await (const message of socket) await socket.send(message);
    },
  ],
  [
    "sends without end",
    async (socket) => {
      for (;;) await socket.send("again ".repeat(2_000));
    },
  ],
  [
    "sends a message in parts",
    async (socket) => {
      for await (const _ of socket) {
        const stream = socket.stream();
        for (let part = 0; part < 100; part++) await stream.send("part ".repeat(1_000));
        await stream.end();
      }
    },
  ],
  [
    "receives and sends",
    async (socket) => {
      for (;;) {
        const message = await socket.receive();
        if (message === null) return;
        await socket.send(message);
        await new Promise(setImmediate);
      }
    },
  ],
];

const callbacks: readonly (readonly [string, WebSocketListenOptions])[] = [
  [
    "sends back",
    {
      message: async (socket, message) => {
        await socket.send(message);
      },
    },
  ],
  [
    "sends without end from the start",
    {
      open: async (socket) => {
        for (;;) await socket.send("again ".repeat(2_000));
      },
      message() {},
    },
  ],
];

const endings: readonly (readonly [string, (raw: Raw) => void])[] = [
  ["a Close behind its messages", (raw) => raw.write(clientFrames(...some, close(1000)))],
  ["a Close of an error", (raw) => raw.write(clientFrames(...some, close(1011)))],
  ["a violation behind its messages", (raw) => raw.write(clientFrames(...some, { opcode: 5 }))],
  ["TCP's end", (raw) => raw.socket.end(clientFrames(...some))],
  [
    "a reset",
    (raw) => {
      raw.write(clientFrames(...some));
      setImmediate(() => raw.socket.resetAndDestroy());
    },
  ],
  [
    "a reset with the window closed",
    (raw) => {
      raw.socket.pause();
      raw.write(clientFrames(binary(Buffer.alloc(1_000_000)), ...some));
      setTimeout(() => raw.socket.resetAndDestroy(), 50);
    },
  ],
];

const some = Array.from({ length: 20 }, (_, index) => text(`message ${index}`));

// What reached uncaughtException while this ran.
async function uncaughtWhile(run: () => Promise<void>): Promise<unknown[]> {
  const uncaught: unknown[] = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const note = (error: unknown) => void uncaught.push(error);
  process.on("uncaughtException", note);
  try {
    await run();
    await new Promise(setImmediate);
    return uncaught;
  } finally {
    process.off("uncaughtException", note);
    for (const one of listeners) process.on("uncaughtException", one);
  }
}

async function leave(port: number, end: (raw: Raw) => void): Promise<void> {
  const raws = await Promise.all(Array.from({ length: 5 }, () => upgraded(port)));
  for (const raw of raws) end(raw);
}

const waiting = { timeout: 10_000 * slowness };

describe.each(handlers)("a handler that %s", (_, handler) => {
  test.each(endings)("ends quietly after %s", async (_, end) => {
    const failed: HawserError[] = [];
    let ended = 0;
    const uncaught = await uncaughtWhile(async () => {
      const { listener, port } = await serve(
        { error: (_, error) => void failed.push(error) },
        async (socket) => {
          try {
            await handler?.(socket);
          } finally {
            ended++;
          }
        },
      );
      await leave(port, end);
      await vi.waitFor(() => expect(ended).toBe(5), waiting);
      await vi.waitFor(() => expect(listener.connections.size).toBe(0), waiting);
    });
    expect(uncaught).toEqual([]);
    expect(failed).toEqual([]);
  });
});

describe.each(callbacks)("a callback that %s", (_, options) => {
  test.each(endings)("ends quietly after %s", async (_, end) => {
    let closed = 0;
    const uncaught = await uncaughtWhile(async () => {
      const { listener, port } = await serve({ ...options, close: () => void closed++ });
      await leave(port, end);
      await vi.waitFor(() => expect(closed).toBe(5), waiting);
      expect(listener.connections.size).toBe(0);
    });
    expect(uncaught).toEqual([]);
  });
});

test(
  "a server that echoes in a loop outlives 50 attackers who reset with the window closed",
  async () => {
    const victim = await Victim.serve({}, "await");
    const message = clientFrames(binary(Buffer.alloc(32_768)));
    const raws = await Promise.all(Array.from({ length: 50 }, () => upgraded(victim.port)));
    for (const raw of raws) {
      raw.socket.pause();
      for (let sent = 0; sent < 300 && raw.socket.writableLength < 500_000; sent++) {
        raw.write(message);
        if (sent % 8 === 0) await new Promise(setImmediate);
      }
    }
    for (const raw of raws) raw.socket.resetAndDestroy();
    await vi.waitFor(async () => expect((await victim.report()).open).toBe(1), timeLimitMs);
    await victim.isUnharmed({ bytes: 2_097_152 });
  },
  timeLimitMs,
);
