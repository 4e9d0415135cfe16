// WebSockets over TLS, both sides, against `ws` and against themselves.

import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { connect, listen, type WebSocketListener } from "../../lib/index.ts";
import { hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { afterTest, openWs } from "./support.ts";

const certificates = hasOpenssl ? makeCertificates() : null;
afterAll(() => certificates?.remove());
const { key = "", cert = "" } = certificates?.server ?? {};
const ca = certificates?.ca ?? "";
const sizes = [0, 1, 4_090, 4_097, 70_000, 500_000];

async function serveSecure(): Promise<WebSocketListener & { readonly port: number }> {
  const listener = await listen("wss://127.0.0.1:0", {
    tls: { key, cert },
    message: (socket, message) => void socket.write(message),
  });
  afterTest(() => listener.close({ timeout: 0 }));
  return listener as WebSocketListener & { readonly port: number };
}

describe.skipIf(!hasOpenssl)(`wss${hasOpenssl ? "" : " (skipped: no openssl)"}`, () => {
  test("a server echoes to a client of ws, and close() gives it 1001", async () => {
    const listener = await serveSecure();
    const socket = await openWs(`wss://localhost:${listener.port}`, { ca });
    for (const size of sizes) {
      socket.send(Buffer.alloc(size, "w"));
      const [message] = await once(socket, "message");
      expect(message.equals(Buffer.alloc(size, "w"))).toBe(true);
    }
    const closed = once(socket, "close");
    await listener.close();
    expect((await closed)[0]).toBe(1_001);
  });

  test("a client verifies the name, and talks with a server of ws", async () => {
    const server = createServer({ key, cert });
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (peer) => {
      peer.on("message", (data, binary) => peer.send(data, { binary }));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    afterTest(() => {
      sockets.close();
      server.close();
      server.closeAllConnections();
    });
    const url = `wss://localhost:${(server.address() as AddressInfo).port}` as const;
    const socket = await connect(url, { tls: { ca } });
    afterTest(() => socket.abort());
    expect(socket.connection.tls?.authorized).toBe(true);
    for (const size of sizes) {
      await socket.send(Buffer.alloc(size, "c"));
      const message = await socket.receive();
      expect((message as Buffer).equals(Buffer.alloc(size, "c"))).toBe(true);
    }
    expect(await socket.close()).toMatchObject({ code: 1_000, wasClean: true, error: null });
  });

  test("a certificate that is not known rejects in phase tls", async () => {
    const listener = await serveSecure();
    const error = await connect(`wss://localhost:${listener.port}`).catch((reason) => reason);
    expect(error).toMatchObject({ phase: "tls" });
  });

  test("both sides of hawser, with many messages in one turn", async () => {
    const listener = await serveSecure();
    const socket = await connect(`wss://localhost:${listener.port}`, { tls: { ca } });
    afterTest(() => socket.abort());
    for (let n = 0; n < 500; n++) socket.write(`message ${n}`);
    for (let n = 0; n < 500; n++) expect(await socket.receive()).toBe(`message ${n}`);
    expect(await socket.close(3_000)).toMatchObject({ code: 3_000, wasClean: true });
  });
});
