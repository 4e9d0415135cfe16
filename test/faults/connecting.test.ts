// Connecting where the network or the peer does not let it: half-established connections (B6), SYNs
// that nobody answers, refusals on the way.
import { expect } from "vitest";
import {
  type Ended,
  nothingFor,
  type RemoteConnection,
  scenarios,
  scenariosOver,
} from "./support/hosts.ts";
import {
  CONNECTION,
  CONNECTION_6,
  DUPLEX,
  endpointOf,
  PORT,
  STREAMS,
  WEBSOCKET,
} from "./support/pairs.ts";
import { type Line, sharedNow, slowness } from "./support/program.ts";

const ENDPOINT = endpointOf(CONNECTION);
const LATE_MS = 400 * slowness;

scenariosOver("half-established", [CONNECTION, CONNECTION_6, DUPLEX], {
  async "B6 the peer's accept queue is full: visible, and ETIMEDOUT within 8 to 10 s (8 s)"(
    hosts,
    stream,
  ) {
    const [hawser, peer] = await Promise.all([
      hosts.hawser("client", stream.kind),
      hosts.python("server"),
    ]);
    await peer.ask("listen", { port: PORT, family: stream.family, backlog: 2 });
    // Until all SYNs are answered nothing else reaches the server, so that its queue is empty then.
    await hosts.network.run(
      "router",
      `nft add table inet fault
       nft add chain inet fault forward '{ type filter hook forward priority 0; }'
       nft add rule inet fault forward oifname toserver "tcp flags & syn == 0" drop`,
    );
    const options = { dropTimeout: 8_000, keepAlive: false };
    const attempts = Array.from({ length: 20 }, () => hawser.connect(endpointOf(stream), options));
    const open = await Promise.all(attempts);
    await hosts.network.heal();
    const written = await Promise.all(
      open.map(async (connection) => ({ connection, at: await connection.write(100) })),
    );
    await nothingFor(2_000);
    const half: { connection: RemoteConnection; at: number }[] = [];
    for (const one of written) {
      const info: Line = await one.connection.info();
      expect(info.connectionState).toBe("ready");
      if ((info.unacknowledgedSegments as number) > 0) half.push(one);
    }
    // The queue holds three; the rest believes that it is connected.
    expect(half).toHaveLength(17);
    for (const { connection, at } of half) {
      const ended: Ended = await connection.ended();
      expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
      expect(ended.bytes).toEqual({ handedOver: 100, acknowledged: 0, unacknowledged: 100 });
      expect(ended.at - at).toBeGreaterThanOrEqual(8_000);
      expect(ended.at - at).toBeLessThanOrEqual(10_000);
    }
  },
});

scenarios("half-established", {
  async "B2 B6 a WebSocket there is never open: the upgrade has its time, and says so (4 s)"(
    hosts,
  ) {
    const [hawser, peer] = await Promise.all([
      hosts.hawser("client", "websocket"),
      hosts.python("server"),
    ]);
    await peer.ask("listen", { port: PORT });
    const options = { connectTimeout: 4_000 };
    // It is never accepted: the kernel shakes hands, and nobody answers the request.
    const refused = await hawser.refused(endpointOf(WEBSOCKET), options);
    expect(refused).toMatchObject({ code: "ETIMEDOUT", phase: "upgrade" });
    expect(refused.tookMs).toBeGreaterThanOrEqual(4_000);
    expect(refused.tookMs).toBeLessThan(4_100 + LATE_MS);
  },
});

scenariosOver("SYN", STREAMS, {
  async "B2 nobody answers: connectTimeout to within 100 ms, and the phase (1.5 s)"(hosts, stream) {
    const hawser = await hosts.hawser("client", stream.kind);
    await hosts.network.blackHole();
    const refused = await hawser.refused(endpointOf(stream), { connectTimeout: 1_500 });
    expect(refused).toMatchObject({
      code: "ETIMEDOUT",
      reason: "CONNECT_TIMEOUT",
      phase: "connect",
    });
    expect(refused.tookMs).toBeGreaterThanOrEqual(1_500);
    expect(refused.tookMs).toBeLessThan(1_600 + LATE_MS);
  },

  async "B1 refused by the host: ECONNREFUSED at once"(hosts, stream) {
    const hawser = await hosts.hawser("client", stream.kind);
    const refused = await hawser.refused(endpointOf(stream));
    expect(refused).toMatchObject({ code: "ECONNREFUSED", phase: "connect" });
    expect(refused.tookMs).toBeLessThan(1_000);
  },
});

scenarios("SYN", {
  async "the kernel's limit for SYNs is not shortened by keepAlive or dropTimeout (2 retries)"(
    hosts,
  ) {
    await hosts.network.sysctl("client", "net.ipv4.tcp_syn_retries=2");
    await hosts.network.sysctl("client", "net.ipv4.tcp_syn_linear_timeouts=0").catch(() => {});
    const hawser = await hosts.hawser("client");
    await hosts.network.blackHole();
    const keepAlive = { idle: 1_000, interval: 1_000, count: 1 };
    const refused = await hawser.refused(ENDPOINT, { keepAlive, dropTimeout: 1_000 });
    // 1 + 2 + 4 s (tcp(7), tcp_syn_retries).
    expect(refused).toMatchObject({ code: "ETIMEDOUT", reason: null, phase: "connect" });
    expect(refused.tookMs).toBeGreaterThan(6_500);
    expect(refused.tookMs).toBeLessThan(9_000);
  },

  async "no route on the way: the router's word, at once"(hosts) {
    const hawser = await hosts.hawser("client");
    await hosts.network.run("router", "ip route add unreachable 10.71.9.0/24");
    const refused = await hawser.refused("tcp://10.71.9.9:7000");
    expect(refused).toMatchObject({ code: "EHOSTUNREACH", phase: "connect" });
    expect(refused.tookMs).toBeLessThan(1_000);
  },

  async "no route here: ENETUNREACH at once"(hosts) {
    const hawser = await hosts.hawser("client");
    await hosts.network.run("client", "ip route del default");
    const refused = await hawser.refused(ENDPOINT);
    expect(refused).toMatchObject({ code: "ENETUNREACH", phase: "connect" });
  },

  async "no local port is free: EADDRNOTAVAIL"(hosts) {
    const [hawser, peer] = await Promise.all([hosts.hawser("client"), hosts.node("server")]);
    await peer.ask("listen", { port: PORT });
    await hosts.network.sysctl("client", "net.ipv4.ip_local_port_range='40000 40004'");
    const held: RemoteConnection[] = [];
    let failure = "";
    while (failure === "" && held.length < 6) {
      await hawser.connect(ENDPOINT).then(
        (connection) => held.push(connection),
        (error) => {
          failure = String(error);
        },
      );
    }
    // How many of five the kernel hands out, it alone knows.
    expect(failure).toContain("EADDRNOTAVAIL");
    expect(held.length).toBeGreaterThanOrEqual(2);
    expect(held.some((connection) => connection.hasEnded)).toBe(false);
  },

  async "a silence that ends: the SYN that is repeated connects (2 s)"(hosts) {
    const [hawser, peer] = await Promise.all([hosts.hawser("client"), hosts.node("server")]);
    await peer.ask("listen", { port: PORT });
    await hosts.network.blackHole();
    const startedAt = sharedNow();
    const connecting = hawser.connect(ENDPOINT, { dropTimeout: 1_000, connectTimeout: 20_000 });
    await nothingFor(2_000);
    await hosts.network.heal();
    const connection = await connecting;
    expect(sharedNow() - startedAt).toBeGreaterThan(2_000);
    await connection.write(10);
    await nothingFor(3_000);
    expect(connection.hasEnded).toBe(false);
  },
});
