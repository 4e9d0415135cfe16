// Programs that people run over `ws`, over hawser/ws: Socket.IO by its `wsEngine`, graphql-ws.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "../../lib/websocket/ws.ts";
import { installPeers, peer } from "../adapters/servers.ts";
import { afterTest } from "./support.ts";

// biome-ignore lint/suspicious/noExplicitAny: packages that are there for the tests only
type Package = any;

const hasPeers = installPeers();
const skipped = hasPeers ? "" : " (skipped: npm cannot install test/peers)";

describe.skipIf(!hasPeers)(`Socket.IO with wsEngine${skipped}`, () => {
  test.each([[["websocket"]], [["polling", "websocket"]]])(
    "echoes, joins rooms and sends binary by %j",
    async (transports) => {
      const { Server } = peer<Package>("socket.io");
      const { io } = peer<Package>("socket.io-client");
      const http = createServer();
      const server = new Server(http, { wsEngine: WebSocketServer, perMessageDeflate: true });
      server.on("connection", (socket: Package) => {
        socket.on("echo", (value: unknown, answer: (value: unknown) => void) => answer(value));
        socket.on("room", () => {
          socket.join("room");
          server.to("room").emit("news", "to the room", Buffer.alloc(5_000, "b"));
        });
      });
      http.listen(0, "127.0.0.1");
      await once(http, "listening");
      afterTest(() => server.close());
      const { port } = http.address() as AddressInfo;
      const client = io(`http://127.0.0.1:${port}`, { transports });
      afterTest(() => client.disconnect());
      await once(client, "connect");
      const { engine } = client.io;
      if (engine.transport.name !== "websocket") await once(engine, "upgrade");
      const value = { text: "ü", bytes: Buffer.from([1, 2]) };
      expect(await client.emitWithAck("echo", value)).toEqual(value);
      const news = once(client, "news");
      client.emit("room");
      expect(await news).toEqual(["to the room", Buffer.alloc(5_000, "b")]);
      expect(engine.transport.name).toBe("websocket");
    },
  );
});

describe.skipIf(!hasPeers)(`graphql-ws${skipped}`, () => {
  test("queries and subscribes, server and client over hawser/ws", async () => {
    const { buildSchema } = peer<Package>("graphql");
    const { useServer } = peer<Package>("graphql-ws/use/ws");
    const { createClient } = peer<Package>("graphql-ws");
    const schema = buildSchema("type Query { hi: String } type Subscription { n: Int }");
    async function* count() {
      for (let n = 0; n < 3; n++) yield { n };
    }
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    const roots = { query: { hi: () => "there" }, subscription: { n: count } };
    const serving = useServer({ schema, roots }, server);
    await once(server, "listening");
    afterTest(() => serving.dispose());
    const { port } = server.address() as AddressInfo;
    const url = `ws://127.0.0.1:${port}`;
    const client = createClient({ url, webSocketImpl: WebSocket });
    afterTest(() => client.dispose());
    const results: unknown[] = [];
    for (const query of ["{ hi }", "subscription { n }"]) {
      for await (const { data } of client.iterate({ query })) results.push({ ...data });
    }
    expect(results).toEqual([{ hi: "there" }, { n: 0 }, { n: 1 }, { n: 2 }]);
  });
});
