// TLS on connections that wait for the network and follow their path (B5, B52). The networks are a
// test's own.
import type { LookupFunction } from "node:net";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Connection } from "../../lib/index.ts";
import type { PathObserver } from "../../lib/net/paths/watch.ts";
import { FakeNetwork } from "../net/paths/support.ts";
import { delay, until } from "../net/support.ts";
import { certificates, cleanUps, dial, echo, hasOpenssl, useCertificates } from "./support.ts";

const here = vi.hoisted(() => ({ network: undefined as unknown }));
vi.mock("../../lib/net/paths/watch.ts", () => ({
  watchPaths: (observer: PathObserver) => (here.network as FakeNetwork).watch(observer),
}));

let network: FakeNetwork;
beforeEach(() => {
  network = new FakeNetwork();
  here.network = network;
});

useCertificates();

describe.runIf(hasOpenssl)("TLS (needs openssl)", () => {
  test("B5 waits, and shakes hands when the network is back; what was written before goes out", async () => {
    const { port } = await echo();
    let isThere = false;
    const lookup = ((_host: string, _options: object, done: (...answer: unknown[]) => void) =>
      setImmediate(() =>
        isThere
          ? done(null, [
              { address: "127.0.0.1", family: 4 },
              { address: "::1", family: 6 },
            ])
          : done(Object.assign(new Error("no name server"), { code: "EAI_AGAIN" })),
      )) as LookupFunction;
    const states: string[] = [];
    const connection = new Connection(`tls://localhost:${port}`, {
      tls: { ca: certificates.ca },
      waitForConnectivity: true,
      connectTimeout: 5_000,
      lookup,
      state: (_c, state) => states.push(state),
    });
    cleanUps.push(() => connection.abort());
    connection.start();
    await until("waiting", () => connection.state === "waiting");
    connection.write("before");
    await delay(50);
    isThere = true;
    network.changed();
    await connection.ready;
    expect(String(await connection.receive({ min: 6 }))).toBe("before");
    expect([connection.transport, connection.tls?.authorized]).toEqual(["tls", true]);
    expect(states).toEqual(["preparing", "waiting", "preparing", "ready"]);
    expect(connection.establishmentReport?.phases.map(({ phase }) => phase)).toEqual([
      "resolve",
      "connect",
      "tls",
    ]);
    expect(connection.establishmentReport?.waits).toBe(1);
  });

  test("B52 follows the path of the TCP connection beneath, on both sides", async () => {
    const { url, connections } = await echo();
    const connection = await dial(url);
    await until("accepted", () => connections.length === 1);
    for (const one of [connection, connections[0] as Connection]) {
      expect([one.viable, one.path?.interface?.name]).toEqual([true, "lo"]);
    }
    network.set("lo", { up: false });
    await until("not viable", () => !connection.viable && connections[0]?.viable === false, 1_000);
    expect(connection.state).toBe("ready");
  });

  test("B5 a certificate that is refused is nothing to wait for", async () => {
    const { port } = await echo();
    const connection = new Connection(`tls://localhost:${port}`, { waitForConnectivity: true });
    await expect(connection.start().ready).rejects.toMatchObject({ phase: "tls" });
    expect(network.observers.size).toBe(0);
  });
});
