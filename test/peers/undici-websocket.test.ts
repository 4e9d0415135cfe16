// The WebSockets of undici and of Node itself as clients of our server, with and without
// compression.

import { describe, expect, test } from "vitest";
import type { WebSocketConnection } from "../../lib/index.ts";
import { installPeers, peer } from "../adapters/servers.ts";
import { afterTest, called, serve } from "../websocket/support.ts";
import { closeOurselves, exchange, letPeerClose } from "./websocket-peer.ts";

type WebSocketClass = typeof globalThis.WebSocket;

const hasPeers = installPeers();
// Node has one of its own from version 22 on, and its types know it no earlier.
const own = (globalThis as { WebSocket?: WebSocketClass }).WebSocket;

const classes: { of: string; get: (() => WebSocketClass) | null }[] = [
  {
    of: hasPeers ? "undici" : "undici (skipped: npm cannot install test/peers)",
    get: hasPeers ? () => peer<{ WebSocket: WebSocketClass }>("undici").WebSocket : null,
  },
];
if (own !== undefined) classes.push({ of: "Node", get: () => own });

/** A client that echoes. */
function connect(Class: WebSocketClass, url: string) {
  const socket = new Class(url, ["echo"]);
  socket.binaryType = "arraybuffer";
  const closed = called<[number, string, boolean]>();
  socket.onmessage = ({ data }) => {
    if (data === "close") socket.close(4_002, "by the peer");
    else socket.send(data);
  };
  socket.onclose = ({ code, reason, wasClean }) => closed.fn(code, reason, wasClean);
  afterTest(() => socket.close());
  return { socket, closed: closed.args };
}

for (const { of, get } of classes) {
  describe.skipIf(get === null)(`the WebSocket of ${of}`, () => {
    const Class = get?.() as WebSocketClass;
    test.each([false, true])("echoes to our server, compressed: %s", async (isCompressed) => {
      const perMessageDeflate = isCompressed && { threshold: 0 };
      for (const end of [closeOurselves, letPeerClose]) {
        const opened = called<[WebSocketConnection]>();
        const { url } = await serve({ open: opened.fn as never, perMessageDeflate });
        const { socket, closed } = connect(Class, url);
        const [server] = await opened.args;
        // It never compresses what it sends, and only offers to be sent what is compressed.
        await exchange(server, isCompressed, false);
        expect(socket.protocol).toBe("echo");
        await end(server);
        const code = end === closeOurselves ? 4_001 : 4_002;
        expect(await closed).toEqual([code, code === 4_001 ? "by us" : "", true]);
      }
    });
  });
}
