// Many peers of every kind at once, against servers of every style and against clients: afterwards
// nobody is left, everybody was told, every handler has ended, and nothing reached the process.

import { once } from "node:events";
import { createServer } from "node:http";
import net, { type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import {
  attach,
  connect,
  type WebSocketConnection,
  type WebSocketHandler,
  type WebSocketListenOptions,
} from "../../../lib/index.ts";
import { acceptFor } from "../../../lib/websocket/protocol/handshake-key.ts";
import { WebSocketServer } from "../../../lib/ws.ts";
import { afterTest, serve } from "../support.ts";
import { converse, Dice, leave, visit } from "./peers.ts";
import { slowness, timeLimitMs } from "./support.ts";

const VISITORS = 40;
const BOUNDS = {
  handshakeTimeout: 700 * slowness,
  closeTimeout: 800 * slowness,
  maxPayload: 300_000,
  maxFragments: 200,
} as const;
const deflate = { perMessageDeflate: { threshold: 0 } } as const;

type Socket = WebSocketConnection;
type Style = readonly [
  name: string,
  options: WebSocketListenOptions,
  handler?: WebSocketHandler<unknown>,
];

const echo = (socket: Socket, message: string | Buffer) => void socket.write(message);
const echoLoop = async (socket: Socket) => {
  for await (const message of socket) await socket.send(message);
};

const styles: readonly Style[] = [
  ["a loop", {}, echoLoop],
  ["a loop with compression", deflate, echoLoop],
  [
    "messages out in parts",
    deflate,
    async (socket) => {
      for await (const _ of socket) {
        const stream = socket.stream();
        for (let part = 0; part < 20; part++) await stream.send("part ".repeat(1_000));
        await stream.end();
      }
    },
  ],
  [
    "messages in in parts",
    deflate,
    async (socket) => {
      for await (const message of socket.streams()) {
        let length = 0;
        for await (const part of message) length += part.length;
        await socket.send(String(length));
      }
    },
  ],
  [
    "a slow reader",
    {},
    async (socket) => {
      for (;;) {
        const message = await socket.receive();
        if (message === null) return;
        await sleep(2);
        await socket.send("x".repeat(20_000));
      }
    },
  ],
  ["a callback", { message: echo }],
  ["a callback that is lent memory", { ...deflate, lend: true, message: echo }],
  [
    "a callback that pauses",
    {
      message: async (socket, message) => {
        await socket.send(message);
        socket.pause();
        setTimeout(() => socket.resume(), 2);
      },
    },
  ],
  ["a callback for parts", { part: (socket, _data, isLast) => void (isLast && socket.write("")) }],
  [
    "a decision that takes its time",
    {
      upgrade: async ({ headers }) => {
        await sleep(5);
        return headers["sec-websocket-extensions"] === undefined ? { status: 403 } : undefined;
      },
      message: echo,
    },
  ],
  [
    "a callback that closes",
    {
      message(socket, message) {
        socket.write(message);
        if (message.length % 3 === 0) void socket.close(1001);
        else if (message.length % 3 === 1) socket.abort();
      },
    },
  ],
];

const uncaught: unknown[] = [];
const note = (error: unknown) => void uncaught.push(error);
let others: NodeJS.UncaughtExceptionListener[] = [];

beforeAll(() => {
  others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", note);
});

afterAll(() => {
  process.off("uncaughtException", note);
  for (const one of others) process.on("uncaughtException", one);
});

beforeEach(() => void uncaught.splice(0));
afterEach(() => expect(uncaught).toEqual([]));

const patience = { timeout: 10_000 * slowness };

async function visited(port: number, seed: number): Promise<void> {
  const visits: Promise<void>[] = [];
  for (let count = 0; count < VISITORS; count++) {
    visits.push(visit(port, new Dice(1_000 * seed + count)));
    if (count % 8 === 7) await sleep(3);
  }
  await Promise.all(visits);
}

test.each(styles.map((style, index) => [style[0], index] as const))(
  "%s outlives peers of every kind, and nobody is left",
  async (_, index) => {
    const [, options, handler] = styles[index] as Style;
    const told = { opened: 0, closed: 0, begun: 0, ended: 0 };
    const counting: WebSocketListenOptions =
      handler === undefined
        ? { open: () => void told.opened++, close: () => void told.closed++ }
        : { close: () => void told.closed++ };
    const counted: WebSocketHandler<unknown> = async (socket) => {
      told.begun++;
      told.opened++;
      try {
        await handler?.(socket);
      } finally {
        told.ended++;
      }
    };
    const { listener, port } = await serve(
      { ...BOUNDS, ...options, ...counting },
      handler && counted,
    );
    await visited(port, index + 1);
    await vi.waitFor(() => expect(listener.connections.size).toBe(0), patience);
    await vi.waitFor(() => expect(told.closed).toBe(told.opened), patience);
    await vi.waitFor(() => expect(told.ended).toBe(told.begun), patience);
    expect(told.opened).toBeGreaterThan(VISITORS / 4);
  },
  timeLimitMs,
);

test(
  "beside an HTTP server, by attach and by hawser/ws, nobody is left",
  async () => {
    const attached = createServer();
    const listener = attach(attached, { ...BOUNDS, ...deflate, message: echo });
    const served = createServer();
    const server = new WebSocketServer({ server: served, closeTimeout: BOUNDS.closeTimeout });
    server.on("connection", (socket) => {
      socket.on("error", () => {});
      socket.on("message", (data: Buffer) => socket.send(data));
    });
    for (const one of [attached, served]) {
      one.listen(0, "127.0.0.1");
      await once(one, "listening");
      afterTest(() => {
        one.closeAllConnections();
        one.close();
      });
    }
    await visited((attached.address() as AddressInfo).port, 101);
    await visited((served.address() as AddressInfo).port, 102);
    await vi.waitFor(() => expect(listener.connections.size).toBe(0), patience);
    await vi.waitFor(() => expect(server.clients?.size).toBe(0), patience);
  },
  timeLimitMs,
);

test(
  "clients outlive servers of every kind: each connects or fails, and is closed once",
  async () => {
    let seed = 200_000;
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      const dice = new Dice(seed++);
      socket.on("error", () => {});
      socket.once("data", async (bytes) => {
        const key = /^sec-websocket-key: (.*)$/im.exec(bytes.toString("latin1"))?.[1] ?? "";
        const extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
        const head =
          "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Accept: ${acceptFor(key.trim())}\r\n${dice.once(2) ? extension : ""}\r\n`;
        socket.write(dice.once(10) ? head.slice(0, dice.roll(head.length)) : head);
        await converse(socket, dice, false);
        await leave(socket, dice, false);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    afterTest(() => void server.close());
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}` as const;
    const told = { opened: 0, closed: 0, failed: 0 };
    const clients = Array.from({ length: 4 * VISITORS }, async (_, index) => {
      const lend = index % 2 === 0;
      const callbacks = { close: () => void told.closed++ };
      try {
        const socket = await connect(url, {
          ...BOUNDS,
          ...callbacks,
          ...(index % 3 === 0 ? {} : { message: echo, lend }),
        });
        told.opened++;
        if (index % 3 === 0) await echoLoop(socket).catch(() => {});
        await socket.closed;
      } catch {
        told.failed++;
      }
    });
    await Promise.all(clients);
    expect(told.opened + told.failed).toBe(clients.length);
    expect(told.closed).toBe(told.opened);
    expect(told.opened).toBeGreaterThan(clients.length / 2);
  },
  timeLimitMs,
);
