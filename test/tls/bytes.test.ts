// How far the bytes of a connection over TLS came, when it fails.

import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import { describe, expect, it } from "vitest";
import type { HawserError } from "../../lib/index.ts";
import {
  certificates,
  cleanUps,
  dial,
  echo,
  failure,
  hasOpenssl,
  useCertificates,
} from "./support.ts";

useCertificates();

/** A server whose TLS does not read, and the TCP socket beneath. */
async function deafServer(): Promise<{ url: `tls://${string}`; carrier: () => net.Socket }> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
    const secure = new tls.TLSSocket(socket, {
      isServer: true,
      secureContext: tls.createSecureContext(certificates.server),
    });
    secure.on("error", () => {}).pause();
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  cleanUps.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `tls://localhost:${port}`, carrier: () => sockets[0] as net.Socket };
}

describe.skipIf(!hasOpenssl)("tls: (skipped without openssl)", () => {
  it("B26 after a reset: what was echoed is acknowledged, whatever the records took", async () => {
    const { url, connections } = await echo();
    const client = await dial(url);
    await client.send(Buffer.alloc(1_000));
    await client.receive({ min: 1_000 });
    connections[0]?.abort();
    const error = await failure(client.receive());
    const bytes = { handedOver: 1_000, acknowledged: 1_000, unacknowledged: 0 };
    expect(error).toMatchObject({ code: "ECONNRESET", bytes });
    const { transfer } = await client.closed;
    expect(transfer).toMatchObject({ bytesHandedOver: 1_000, bytesAcknowledged: 1_000 });
  });

  it("B26 a failure of TLS itself says it too", async () => {
    const { port } = await echo();
    let up: net.Socket | undefined;
    const proxy = net.createServer((down) => {
      up = net.connect(port, "127.0.0.1").on("error", () => {});
      down.on("error", () => {}).pipe(up);
      up.pipe(down);
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    cleanUps.push(() => proxy.close());
    const client = await dial(`tls://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    await client.send("12345");
    await client.receive({ min: 5 });
    // A record of application data that nobody has encrypted.
    up?.emit("data", Buffer.from([0x17, 3, 3, 0, 20, ...Array(20).fill(7)]));
    const error = await failure(client.receive());
    expect(error.bytes).toEqual({ handedOver: 5, acknowledged: 5, unacknowledged: 0 });
  });

  it("B26 a peer that does not read: what waits is not handed over, nor all of it acknowledged", async () => {
    const { url, carrier } = await deafServer();
    const client = await dial(url);
    const total = 16 * 1024 * 1024;
    for (let sent = 0; sent < total; sent += 65_536) client.write(Buffer.alloc(65_536));
    // The window is closed when what waits does not change any more.
    let before = -1;
    await expect
      .poll(
        () => {
          const same = client.bufferedAmount > 0 && client.bufferedAmount === before;
          before = client.bufferedAmount;
          return same;
        },
        { interval: 100 },
      )
      .toBe(true);
    carrier().resetAndDestroy();
    const { error, transfer } = await client.closed;
    const bytes = (error as HawserError).bytes as NonNullable<HawserError["bytes"]>;
    expect(bytes.acknowledged + bytes.unacknowledged).toBe(bytes.handedOver);
    expect(bytes.handedOver).toBeLessThan(total);
    expect(bytes.unacknowledged).toBeGreaterThan(0);
    expect(bytes.acknowledged).toBeGreaterThanOrEqual(0);
    expect(transfer.bytesHandedOver).toBeLessThan(total);
  });
});
