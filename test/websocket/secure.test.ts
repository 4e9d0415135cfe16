// WebSockets over TLS, both sides, against `ws` and against themselves.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:https";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import { afterAll, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { connect, listen, type WebSocketListener } from "../../lib/index.ts";
import { hasOpenssl, makeCertificates } from "../adapters/certificates.ts";
import { afterTest, openWs } from "./support.ts";

const certificates = hasOpenssl ? makeCertificates() : null;
afterAll(() => certificates?.remove());
const { key = "", cert = "" } = certificates?.server ?? {};
const ca = certificates?.ca ?? "";
/** RFC 6455 section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
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

  /** Opens, says `frame`, and after the client's answer or at once ends TCP alone. */
  async function rudeServer(frame: Buffer, awaitsAnswer: boolean): Promise<`wss://${string}`> {
    const server = net.createServer((under) => {
      const secure = new tls.TLSSocket(under, {
        isServer: true,
        secureContext: tls.createSecureContext({ key, cert }),
      });
      secure.on("error", () => {});
      secure.once("data", (request: Buffer) => {
        const asked = /^Sec-WebSocket-Key: (.*)$/im.exec(String(request))?.[1]?.trim();
        const accept = createHash("sha1").update(`${asked}${GUID}`).digest("base64");
        const head =
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
        secure.write(`${head}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
        if (awaitsAnswer) secure.once("data", () => under.end());
        secure.write(frame, () => awaitsAnswer || under.end());
      });
    });
    server.listen(0, "localhost");
    await once(server, "listening");
    afterTest(() => void server.close());
    return `wss://localhost:${(server.address() as AddressInfo).port}`;
  }

  test("B42 a server that leaves without close_notify after both Closes was clean", async () => {
    const url = await rudeServer(Buffer.from([0x88, 2, 0x03, 0xe8]), true);
    const socket = await connect(url, { tls: { ca } });
    expect(await socket.receive()).toBeNull();
    const ended = { error: null, code: 1_000, wasClean: true, initiator: "peer" };
    expect(await socket.closed).toMatchObject(ended);
  });

  test("B42 one that leaves so without a Close is 1006, after what it sent", async () => {
    const url = await rudeServer(Buffer.from([0x81, 1, 0x78]), false);
    const socket = await connect(url, { tls: { ca } });
    expect(await socket.receive()).toBe("x");
    await expect(socket.receive()).rejects.toMatchObject({ code: "ERR_HAWSER_WEBSOCKET_CLOSED" });
    expect(await socket.closed).toMatchObject({ code: 1_006, wasClean: false });
  });
});
