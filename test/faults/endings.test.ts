// How connections end when the peer or the network ends them: RST in each form, FIN with and
// without unread data, a peer whose FIN_WAIT_2 expires (B15 to B17), each told at once and none
// twice.
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { type Hosts, nothingFor, type RemoteConnection, scenarios } from "./support/hosts.ts";
import { CLIENT_ADDRESS, SERVER_ADDRESS } from "./support/network.ts";
import { patternOf } from "./support/pattern.ts";
import { type Program, sharedNow, slowness } from "./support/program.ts";

const PORT = 7_000;
const ENDPOINT = `tcp://${SERVER_ADDRESS}:${PORT}`;
/** From the event on the peer's side until the application knows. */
const AT_ONCE_MS = 1_000 * slowness;

interface Pair {
  readonly connection: RemoteConnection;
  readonly peer: Program;
}

/** hawser on the client, connected to a peer on the server. */
async function connected(
  hosts: Hosts,
  options: object = {},
  kind: "python" | "node" = "python",
): Promise<Pair> {
  const [hawser, peer] = await Promise.all([hosts.hawser("client"), hosts[kind]("server")]);
  await peer.ask("listen", { port: PORT });
  const connection = await hawser.connect(ENDPOINT, options);
  if (kind === "python") await peer.ask("accept");
  else await peer.event(({ event }) => event === "accepted");
  return { connection, peer };
}

const patternHash = (bytes: number) =>
  createHash("sha256").update(patternOf(0, bytes)).digest("hex");

scenarios("RST", {
  async "SO_LINGER 0: what arrived before is delivered, then ECONNRESET at once"(hosts) {
    const { connection, peer } = await connected(hosts);
    await connection.write(10);
    await peer.ask("receive", { bytes: 10 });
    await peer.ask("send", { bytes: 50_000 });
    const resetAt = sharedNow();
    await peer.ask("reset");
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ECONNRESET", initiator: "peer", state: "failed" });
    expect(ended).toMatchObject({ bytesRead: 50_000, sha256: patternHash(50_000) });
    expect(ended.bytes).toEqual({ handedOver: 10, acknowledged: 10, unacknowledged: 0 });
    expect(ended.at - resetAt).toBeLessThan(AT_ONCE_MS);
  },

  async "closed with unread data: ECONNRESET at once"(hosts) {
    const { connection, peer } = await connected(hosts);
    await connection.write(10_000);
    await nothingFor(200);
    const closedAt = sharedNow();
    await peer.ask("close");
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ECONNRESET", initiator: "peer", sawEnd: false });
    expect(ended.at - closedAt).toBeLessThan(AT_ONCE_MS);
  },

  async "Node's resetAndDestroy: ECONNRESET at once"(hosts) {
    const { connection, peer } = await connected(hosts, {}, "node");
    const resetAt = sharedNow();
    await peer.ask("reset");
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ECONNRESET", initiator: "peer" });
    expect(ended.at - resetAt).toBeLessThan(AT_ONCE_MS);
  },

  async "a middlebox in mid-stream: ECONNRESET at the next segment"(hosts) {
    const { connection } = await connected(hosts);
    await connection.writeEvery(100, 100);
    await nothingFor(500);
    await hosts.network.resetAll();
    const resetAt = sharedNow();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ECONNRESET", initiator: "peer" });
    expect(ended.at - resetAt).toBeLessThan(AT_ONCE_MS);
  },

  async "ss -K on the peer's host: ECONNRESET at once"(hosts) {
    const { connection } = await connected(hosts);
    const killedAt = sharedNow();
    await hosts.network.run("server", `ss -K dst ${CLIENT_ADDRESS} >/dev/null`);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ECONNRESET", initiator: "peer" });
    expect(ended.at - killedAt).toBeLessThan(AT_ONCE_MS);
  },

  async "ss -K on our own host: ECONNABORTED at once"(hosts) {
    const { connection } = await connected(hosts);
    const killedAt = sharedNow();
    await hosts.network.run("client", `ss -K dst ${SERVER_ADDRESS} >/dev/null`);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ECONNABORTED", state: "failed" });
    expect(ended.at - killedAt).toBeLessThan(AT_ONCE_MS);
  },

  async "the peer's process is killed with data unread: ECONNRESET at once"(hosts) {
    const { connection, peer } = await connected(hosts);
    await connection.write(100);
    await nothingFor(200);
    const killedAt = sharedNow();
    await peer.stop();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ECONNRESET", initiator: "peer" });
    expect(ended.at - killedAt).toBeLessThan(AT_ONCE_MS);
  },
});

scenarios("FIN", {
  async "B15 B16 with data unread on our side: all is delivered, then the end, then a clean close"(
    hosts,
  ) {
    const { connection, peer } = await connected(hosts);
    await connection.pause();
    const sending = peer.ask("send", { bytes: 300_000 });
    await nothingFor(300);
    await connection.resume();
    await sending;
    await peer.ask("close");
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: null, state: "closed", initiator: "peer", sawEnd: true });
    expect(ended).toMatchObject({ bytesRead: 300_000, sha256: patternHash(300_000) });
  },

  async "B17 the peer's FIN_WAIT_2 expires after a clean end: no ECONNRESET follows (2 s, 8 s)"(
    hosts,
  ) {
    await hosts.network.sysctl("server", "net.ipv4.tcp_fin_timeout=2");
    const keepAlive = { idle: 1_000, interval: 1_000, count: 3 };
    const { connection, peer } = await connected(hosts, { keepAlive });
    await peer.ask("send", { bytes: 100 });
    const closedAt = sharedNow();
    await peer.ask("close");
    const ended = await connection.ended();
    // Our own FIN follows, so that nothing is left for the peer to expire.
    expect(ended).toMatchObject({ code: null, state: "closed", sawEnd: true, bytesRead: 100 });
    expect(ended.at - closedAt).toBeLessThan(AT_ONCE_MS);
    await nothingFor(8_000);
    await expect(connection.info()).resolves.toMatchObject({ connectionState: "closed" });
    const left = await hosts.network.run("server", "ss -Htan | grep -v LISTEN || true");
    expect(left).not.toMatch(/FIN-WAIT-2/);
  },

  async "B15 socat sends a file and leaves: every byte, the end, a clean close"(hosts) {
    const hawser = await hosts.hawser("server");
    await hawser.listen(`tcp://0.0.0.0:${PORT}`, {});
    const target = `TCP:${SERVER_ADDRESS}:${PORT}`;
    hosts.start("client", "socat", "-u", "EXEC:head -c 1000000 /dev/zero", target);
    const connection = await hawser.accepted();
    const ended = await connection.ended();
    const zeros = createHash("sha256").update(Buffer.alloc(1_000_000)).digest("hex");
    expect(ended).toMatchObject({ code: null, sawEnd: true, bytesRead: 1_000_000, sha256: zeros });
  },

  async "a peer that never ends: close() is bounded by closeTimeout (2 s)"(hosts) {
    const { connection } = await connected(hosts, { closeTimeout: 2_000 });
    const closedAt = sharedNow();
    await connection.close();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ initiator: "local" });
    expect(ended.at - closedAt).toBeGreaterThanOrEqual(2_000);
    expect(ended.at - closedAt).toBeLessThan(2_000 + AT_ONCE_MS);
  },

  async "close() towards a peer that vanished: within dropTimeout or closeTimeout (3 s)"(hosts) {
    const { connection } = await connected(hosts, { closeTimeout: 3_000, dropTimeout: 60_000 });
    await hosts.network.blackHole();
    await connection.write(1_000);
    const closedAt = sharedNow();
    await connection.close();
    const ended = await connection.ended();
    expect(ended.at - closedAt).toBeGreaterThanOrEqual(3_000);
    expect(ended.at - closedAt).toBeLessThan(3_000 + AT_ONCE_MS);
  },
});
