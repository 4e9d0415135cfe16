// Paths that lose, that carry one way, that stand behind a proxy, and processes that were stopped:
// what must be told from a dead peer, or is one although something is heard.
import { expect } from "vitest";
import { type Hosts, nothingFor, type RemoteConnection, scenarios } from "./support/hosts.ts";
import { SERVER_ADDRESS } from "./support/network.ts";
import { type Program, sharedNow, slowness } from "./support/program.ts";

const PORT = 7_000;
const ENDPOINT = `tcp://${SERVER_ADDRESS}:${PORT}`;
const LATE_MS = 400 * slowness;

async function connected(
  hosts: Hosts,
  options: object,
): Promise<{ connection: RemoteConnection; peer: Program; hawser: Program }> {
  const [hawser, peer] = await Promise.all([hosts.hawser("client"), hosts.python("server")]);
  await peer.ask("listen", { port: PORT });
  const connection = await hawser.connect(ENDPOINT, options);
  await peer.ask("accept");
  return { connection, peer, hawser: hawser.program };
}

/** Rules for what the router forwards. */
function forward(hosts: Hosts, ...rules: string[]): Promise<string> {
  return hosts.network.run(
    "router",
    `nft add table inet path
     nft add chain inet path forward '{ type filter hook forward priority 5; }'
     ${rules.map((rule) => `nft add rule inet path forward "${rule}"`).join("\n")}`,
  );
}

scenarios("alive", {
  async "a path that loses one packet in ten: nobody is killed, every byte arrives (2 s, 10 s)"(
    hosts,
  ) {
    const keepAlive = { idle: 2_000, interval: 1_000, count: 3 };
    const { connection, peer } = await connected(hosts, { dropTimeout: 2_000, keepAlive });
    await forward(hosts, "numgen inc mod 10 == 0 drop");
    await connection.writeEvery(20, 20_000);
    const until = sharedNow() + 10_000;
    let bytes = 0;
    while (sharedNow() < until) {
      bytes += 200_000;
      await expect(peer.ask("receive", { bytes: 200_000 })).resolves.toMatchObject({ bytes });
    }
    expect(connection.hasEnded).toBe(false);
  },

  async "B11 our process was stopped and the network away meanwhile: nobody is killed (2 s, 6 s)"(
    hosts,
  ) {
    const { connection, peer, hawser } = await connected(hosts, { dropTimeout: 2_000 });
    await hosts.network.blackHole();
    await connection.write(1_000);
    hawser.kill("SIGSTOP");
    await nothingFor(6_000);
    await hosts.network.heal();
    hawser.kill("SIGCONT");
    await expect(peer.ask("receive", { bytes: 1_000 })).resolves.toMatchObject({ bytes: 1_000 });
    await nothingFor(3_000);
    expect(connection.hasEnded).toBe(false);
  },

  async "B12 the peer's process is stopped: its kernel takes what it has room for (1 s, 6 s)"(
    hosts,
  ) {
    const { connection, peer } = await connected(hosts, { dropTimeout: 1_000, stallTimeout: 0 });
    peer.kill("SIGSTOP");
    const { bytesWritten } = await connection.fill(1_000_000).then(() => connection.info());
    await nothingFor(6_000);
    expect(connection.hasEnded).toBe(false);
    peer.kill("SIGCONT");
    const got = await peer.ask("receive", { bytes: bytesWritten as number });
    expect(got).toMatchObject({ bytes: bytesWritten, errno: null });
  },

  async "B14 behind a proxy that answers for a dead peer keepalive sees nothing; idleTimeout does"(
    hosts,
  ) {
    const [hawser, peer] = await Promise.all([hosts.hawser("client"), hosts.python("server")]);
    await peer.ask("listen", { port: PORT });
    const proxied = `TCP:${SERVER_ADDRESS}:${PORT}`;
    hosts.start("router", "socat", `TCP-LISTEN:${PORT},reuseaddr`, proxied);
    const listening = () => hosts.network.run("router", `ss -Hltn sport = :${PORT}`);
    while ((await listening()) === "") await nothingFor(20);
    const keepAlive = { idle: 1_000, interval: 1_000, count: 2 };
    const options = { keepAlive, dropTimeout: 1_000, idleTimeout: 7_000 };
    const connection = await hawser.connect(`tcp://10.71.1.1:${PORT}`, options);
    await peer.ask("accept");
    await hosts.network.linkDown("server");
    const writtenAt = await connection.write(100);
    await nothingFor(5_000);
    expect(connection.hasEnded).toBe(false);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "IDLE_TIMEOUT", initiator: "local" });
    expect(ended.at - writtenAt).toBeGreaterThanOrEqual(7_000);
    expect(ended.at - writtenAt).toBeLessThanOrEqual(7_100 + LATE_MS);
  },
});

scenarios("dead although heard", {
  async "B11 the peer goes on talking and hears nothing: T to 1.2 T + 1 s (3 s)"(hosts) {
    const { connection, peer } = await connected(hosts, { dropTimeout: 3_000 });
    await hosts.network.blackHole("toServer");
    const writtenAt = await connection.write(500);
    // These arrive, again and again, since our acknowledgements do not.
    await peer.ask("send", { bytes: 5_000 });
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    expect(ended.bytesRead).toBe(5_000);
    expect(ended.bytes).toEqual({ handedOver: 500, acknowledged: 0, unacknowledged: 500 });
    expect(ended.at - writtenAt).toBeGreaterThanOrEqual(3_000);
    expect(ended.at - writtenAt).toBeLessThanOrEqual(4_600 + LATE_MS);
  },

  async "B11 large segments are dropped and small ones pass (a path MTU black hole): 3 s"(hosts) {
    const { connection, peer } = await connected(hosts, { dropTimeout: 3_000 });
    await connection.write(100);
    await peer.ask("receive", { bytes: 100 });
    await forward(hosts, "oifname toserver meta length > 1000 drop");
    const writtenAt = await connection.write(100_000);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    expect(ended.bytes?.acknowledged).toBeLessThan(100_100);
    expect(ended.at - writtenAt).toBeGreaterThanOrEqual(3_000);
    // A last segment that is small may be acknowledged after the others are not.
    expect(ended.at - writtenAt).toBeLessThanOrEqual(4_600 + LATE_MS);
  },
});
