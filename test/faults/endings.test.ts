// How connections end when the peer or the network ends them, and when they end themselves: RST in
// each form, FIN with and without unread data, a peer whose FIN_WAIT_2 expires (B15 to B20), each
// told at once and none twice, over each byte stream.
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { type Ended, nothingFor, scenarios, scenariosOver } from "./support/hosts.ts";
import { CLIENT_ADDRESS, SERVER_ADDRESS } from "./support/network.ts";
import {
  CONNECTION,
  connected,
  endpointOf,
  PORT,
  STREAMS,
  type StreamCase,
} from "./support/pairs.ts";
import { patternOf } from "./support/pattern.ts";
import { sharedNow, slowness } from "./support/program.ts";

/** From the event on the peer's side until the application knows. */
const AT_ONCE_MS = 1_000 * slowness;
const ECONNRESET = 104;

const patternHash = (bytes: number) =>
  createHash("sha256").update(patternOf(0, bytes)).digest("hex");

/** A clean end after all data, in the stream's own words. */
function expectCleanEnd({ kind }: StreamCase, ended: Ended, bytes: number): void {
  expect(ended).toMatchObject({ code: null, state: "closed" });
  expect(ended).toMatchObject({ bytesRead: bytes, sha256: patternHash(bytes) });
  // A Node stream destroys itself when both its halves are over.
  expect(ended.initiator).toBe(kind === "duplex" ? "local" : "peer");
  // A WebSocket's end is the Close.
  if (kind === "websocket") expect(ended.closeCode).toBe(1000);
  else expect(ended.sawEnd).toBe(true);
}

/** A failure with that code; a WebSocket says 1006 beside it. */
function expectFailure({ kind }: StreamCase, ended: Ended, code: string): void {
  expect(ended).toMatchObject({ code, initiator: "peer", state: "failed", sawEnd: false });
  if (kind === "websocket") expect(ended.closeCode).toBe(1006);
}

scenariosOver("RST", STREAMS, {
  async "SO_LINGER 0: what arrived before is delivered, then ECONNRESET at once"(hosts, stream) {
    const { connection, peer } = await connected(hosts, stream);
    await connection.write(10);
    await peer.ask("receive", { bytes: 10 });
    await peer.ask("send", { bytes: 50_000 });
    const resetAt = sharedNow();
    await peer.ask("reset", { acknowledged: true });
    const ended = await connection.ended();
    expectFailure(stream, ended, "ECONNRESET");
    expect(ended).toMatchObject({ bytesRead: 50_000, sha256: patternHash(50_000) });
    expect(ended.bytes?.unacknowledged).toBe(0);
    expect(ended.at - resetAt).toBeLessThan(AT_ONCE_MS);
  },

  async "closed with unread data: ECONNRESET at once"(hosts, stream) {
    const { connection, peer } = await connected(hosts, stream);
    await connection.write(10_000);
    await nothingFor(200);
    const closedAt = sharedNow();
    await peer.ask("drop");
    const ended = await connection.ended();
    expectFailure(stream, ended, "ECONNRESET");
    expect(ended.at - closedAt).toBeLessThan(AT_ONCE_MS);
  },

  async "a middlebox in mid-stream: ECONNRESET at the next segment"(hosts, stream) {
    const { connection } = await connected(hosts, stream);
    await connection.writeEvery(100, 100);
    await nothingFor(500);
    await hosts.network.resetAll();
    const resetAt = sharedNow();
    const ended = await connection.ended();
    expectFailure(stream, ended, "ECONNRESET");
    expect(ended.at - resetAt).toBeLessThan(AT_ONCE_MS);
  },

  async "B19 abort(): the peer has RST, at once, and we have no error"(hosts, stream) {
    const { connection, peer } = await connected(hosts, stream);
    await connection.write(100);
    await peer.ask("receive", { bytes: 100 });
    const abortedAt = await connection.abort();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: null, initiator: "local" });
    expect(ended.at - abortedAt).toBeLessThan(AT_ONCE_MS);
    await expect(peer.ask("receive")).resolves.toMatchObject({ errno: ECONNRESET });
  },
});

scenarios("RST", {
  async "Node's resetAndDestroy: ECONNRESET at once"(hosts) {
    const [hawser, peer] = await Promise.all([hosts.hawser("client"), hosts.node("server")]);
    await peer.ask("listen", { port: PORT });
    const connection = await hawser.connect(endpointOf(CONNECTION));
    await peer.event(({ event }) => event === "accepted");
    const resetAt = sharedNow();
    await peer.ask("reset");
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ECONNRESET", initiator: "peer" });
    expect(ended.at - resetAt).toBeLessThan(AT_ONCE_MS);
  },

  async "ss -K on the peer's host: ECONNRESET at once"(hosts) {
    const { connection } = await connected(hosts, CONNECTION);
    const killedAt = sharedNow();
    await hosts.network.run("server", `ss -K dst ${CLIENT_ADDRESS} >/dev/null`);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ECONNRESET", initiator: "peer" });
    expect(ended.at - killedAt).toBeLessThan(AT_ONCE_MS);
  },

  async "ss -K on our own host: ECONNABORTED at once"(hosts) {
    const { connection } = await connected(hosts, CONNECTION);
    const killedAt = sharedNow();
    await hosts.network.run("client", `ss -K dst ${SERVER_ADDRESS} >/dev/null`);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ECONNABORTED", state: "failed" });
    expect(ended.at - killedAt).toBeLessThan(AT_ONCE_MS);
  },

  async "the peer's process is killed with data unread: ECONNRESET at once"(hosts) {
    const { connection, peer } = await connected(hosts, CONNECTION);
    await connection.write(100);
    await nothingFor(200);
    const killedAt = sharedNow();
    await peer.stop();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ECONNRESET", initiator: "peer" });
    expect(ended.at - killedAt).toBeLessThan(AT_ONCE_MS);
  },
});

scenariosOver("FIN", STREAMS, {
  async "B15 B16 with data unread on our side: all is delivered, then the end, then a clean close"(
    hosts,
    stream,
  ) {
    const { connection, peer } = await connected(hosts, stream);
    await connection.pause();
    const sending = peer.ask("send", { bytes: 300_000 });
    await nothingFor(300);
    await connection.resume();
    await sending;
    await peer.ask("close");
    expectCleanEnd(stream, await connection.ended(), 300_000);
  },

  async "B17 the peer's FIN_WAIT_2 expires after a clean end: no ECONNRESET follows (2 s, 6 s)"(
    hosts,
    stream,
  ) {
    await hosts.network.sysctl("server", "net.ipv4.tcp_fin_timeout=2");
    const keepAlive = { idle: 1_000, interval: 1_000, count: 3 };
    const { connection, peer } = await connected(hosts, stream, { keepAlive });
    await peer.ask("send", { bytes: 100 });
    const closedAt = sharedNow();
    await peer.ask("close");
    const ended = await connection.ended();
    // Our own FIN follows, so that nothing is left for the peer to expire.
    expectCleanEnd(stream, ended, 100);
    expect(ended.at - closedAt).toBeLessThan(AT_ONCE_MS);
    await nothingFor(6_000);
    await expect(connection.info()).resolves.toMatchObject({ connectionState: "closed" });
    const left = await hosts.network.run("server", "ss -Htan | grep -v LISTEN || true");
    expect(left).not.toMatch(/FIN-WAIT-2/);
  },

  async "B18 close() with bytes unread on our side: the peer has every byte, and a clean end"(
    hosts,
    stream,
  ) {
    const { connection, peer } = await connected(hosts, stream);
    await connection.pause();
    await peer.ask("send", { bytes: 64 });
    await nothingFor(200);
    await connection.write(1_000_000);
    await connection.close();
    const got = await peer.ask("receive");
    const sha256 = patternHash(1_000_000);
    expect(got).toMatchObject({ bytes: 1_000_000, sha256, ended: true, errno: null });
    if (stream.kind === "websocket") expect(got.closeCode).toBe(1000);
    await peer.ask("drop");
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: null, initiator: "local", state: "closed" });
  },

  async "a peer that never ends: close() is bounded by closeTimeout (2 s)"(hosts, stream) {
    const { connection } = await connected(hosts, stream, { closeTimeout: 2_000 });
    const closedAt = sharedNow();
    await connection.close();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ initiator: "local" });
    expect(ended.at - closedAt).toBeGreaterThanOrEqual(2_000);
    expect(ended.at - closedAt).toBeLessThan(2_000 + AT_ONCE_MS);
  },
});

scenarios("FIN", {
  async "B17 with allowHalfOpen it is ours to end: a write after its expiry is EPIPE (2 s)"(hosts) {
    await hosts.network.sysctl("server", "net.ipv4.tcp_fin_timeout=2");
    const options = { keepAlive: false, allowHalfOpen: true };
    const { connection, peer } = await connected(hosts, CONNECTION, options);
    await peer.ask("send", { bytes: 100 });
    await peer.ask("drop");
    const open = () => hosts.network.run("server", "ss -Htan | grep -v LISTEN || true");
    while ((await open()) !== "") await nothingFor(100);
    const writtenAt = await connection.write(10);
    const ended = await connection.ended();
    // What Linux calls a reset behind a FIN; it comes when the kernel has taken the bytes.
    expect(ended).toMatchObject({ code: "EPIPE", sawEnd: true, bytesRead: 100 });
    expect(ended.at - writtenAt).toBeLessThan(AT_ONCE_MS);
  },

  async "B8 B17 with allowHalfOpen a peer that vanished after its end is told too (2/1/2: 5 s)"(
    hosts,
  ) {
    const keepAlive = { idle: 2_000, interval: 1_000, count: 2 };
    const options = { keepAlive, allowHalfOpen: true };
    const { connection, peer } = await connected(hosts, CONNECTION, options);
    await peer.ask("shutdown");
    const heardAt = sharedNow();
    await hosts.network.blackHole();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", sawEnd: true, initiator: "network" });
    expect(ended.at - heardAt).toBeLessThan(5_000 + AT_ONCE_MS);
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

  async "close() towards a peer that vanished: within dropTimeout or closeTimeout (3 s)"(hosts) {
    const { connection } = await connected(hosts, CONNECTION, {
      closeTimeout: 3_000,
      dropTimeout: 60_000,
    });
    await hosts.network.blackHole();
    await connection.write(1_000);
    const closedAt = sharedNow();
    await connection.close();
    const ended = await connection.ended();
    expect(ended.at - closedAt).toBeGreaterThanOrEqual(3_000);
    expect(ended.at - closedAt).toBeLessThan(3_000 + AT_ONCE_MS);
  },
});
