// A stream of Node's whose descriptor cannot move: it is used as it is, and nothing is thrown.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { constants } from "node:os";
import { describe, expect, test, vi } from "vitest";
import { attach, type WebSocketListener } from "../../lib/index.ts";
import { reactor } from "../../lib/socket/reactor.ts";
import { WebSocketServer } from "../../lib/ws.ts";
import { afterTest, Raw, request } from "./support.ts";

const TEXT = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
const ECHO = Buffer.from([0x81, 0x02, 0x68, 0x69]);

type Echo = (server: Server) => WebSocketListener | WebSocketServer;

const echoes: readonly (readonly [string, Echo])[] = [
  [
    "attach",
    (server) => attach(server, { message: (socket, message) => void socket.write(message) }),
  ],
  [
    "hawser/ws",
    (server) => {
      const sockets = new WebSocketServer({ server });
      sockets.on("connection", (socket) => {
        socket.on("error", () => {});
        socket.on("message", (data: Buffer) => socket.send(String(data)));
      });
      return sockets;
    },
  ],
];

async function listening(echo: Echo): Promise<{ port: number; open: () => number }> {
  const server = createServer();
  const sockets = echo(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  afterTest(() => {
    server.closeAllConnections();
    server.close();
  });
  const open = () => ("connections" in sockets ? sockets.connections : sockets.clients)?.size ?? 0;
  return { port: (server.address() as AddressInfo).port, open };
}

describe.each(echoes)("by %s", (_, echo) => {
  test("a peer that has reset behind its request is no exception", async () => {
    const { port, open } = await listening(echo);
    for (let count = 0; count < 10; count++) {
      const raw = new Raw(port);
      await once(raw.socket, "connect");
      raw.write(request());
      raw.socket.resetAndDestroy();
    }
    const last = new Raw(port);
    last.write(Buffer.concat([Buffer.from(request()), TEXT]));
    expect((await last.until((bytes) => bytes.includes(ECHO))).includes("101")).toBe(true);
    await vi.waitFor(() => expect(open()).toBe(1));
    last.socket.destroy();
    await vi.waitFor(() => expect(open()).toBe(0));
  });

  test("without a free descriptor the WebSocket goes over Node's stream", async () => {
    const adopt = vi.spyOn(reactor, "adopt").mockReturnValue(-constants.errno.EMFILE);
    afterTest(() => adopt.mockRestore());
    const { port, open } = await listening(echo);
    const raw = new Raw(port);
    raw.write(Buffer.concat([Buffer.from(request()), TEXT]));
    await raw.until((bytes) => bytes.includes(ECHO));
    for (let count = 0; count < 3; count++) {
      raw.write(TEXT);
      expect(await raw.until((bytes) => bytes.length >= ECHO.length)).toEqual(ECHO);
    }
    expect(adopt).toHaveBeenCalled();
    expect(open()).toBe(1);
    raw.socket.destroy();
    await vi.waitFor(() => expect(open()).toBe(0));
  });
});
