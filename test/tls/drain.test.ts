// A TLS listener that closes with `drain`, while somebody shakes hands. What is queued in the
// kernel: test/net/listener-drain.test.ts.

import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { expect, test, vi } from "vitest";
import { listen } from "../../lib/index.ts";
import { certificates, cleanUps, hasOpenssl, useCertificates } from "./support.ts";

const skipped = hasOpenssl ? "" : " (skipped: openssl is missing)";
useCertificates();

test.skipIf(!hasOpenssl)(
  `an iteration gets who was accepted before and shakes hands afterwards${skipped}`,
  async () => {
    const listener = await listen("tls://127.0.0.1:0", { tls: certificates.server });
    cleanUps.push(() => listener.close({ timeout: 0 }));
    const socket = net.connect(listener.port as number, "127.0.0.1");
    cleanUps.push(() => socket.destroy());
    await once(socket, "connect");
    const iteration = listener[Symbol.asyncIterator]();
    const next = iteration.next();
    const closed = listener.close({ drain: true });
    // By then nobody listens any more.
    await vi.waitFor(() => expect(listener.fd).toBe(-1));
    const client = tls.connect({ socket, ca: certificates.ca, servername: "localhost" });
    client.on("error", () => {});
    const { value: connection } = await next;
    expect(connection?.transport).toBe("tls");
    expect((await iteration.next()).done).toBe(true);
    connection?.abort();
    expect(await closed).toEqual({ error: null, aborted: 0 });
  },
);
