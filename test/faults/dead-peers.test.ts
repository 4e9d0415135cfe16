// B8 to B12: a peer that vanishes, on a network where it does, over each byte stream. The first
// times of each test are its settings, shorter than anybody would have them in production; the
// bound is the behaviour's.
import { expect } from "vitest";
import { type Ended, nothingFor, scenarios, scenariosOver } from "./support/hosts.ts";
import { SERVER_ADDRESS } from "./support/network.ts";
import {
  accepted,
  CONNECTION,
  connected,
  endpointOf,
  PORT,
  STREAMS,
  type StreamCase,
} from "./support/pairs.ts";
import { sharedNow, slowness } from "./support/program.ts";

/** What the machine may be late by, beside the bounds. */
const LATE_MS = 400 * slowness;
const ENDPOINT = endpointOf(CONNECTION);
/** Head and mask of a WebSocket's message (RFC 6455 section 5.2). */
const MOST_FRAMING_BYTES = 14;

/**
 * Checks that a time lies in a bound. Where it counts from what the peer was told to send, that was
 * some time before we knew, and the lower bound is half a second less.
 */
function within(atMs: number, fromMs: number, toMs: number): void {
  expect(atMs).toBeGreaterThanOrEqual(fromMs);
  expect(atMs).toBeLessThanOrEqual(toMs + LATE_MS);
}

/**
 * Checks what a failure says of the bytes: a WebSocket's frames, and its upgrade, are among them.
 */
function expectBytes(
  { kind }: StreamCase,
  { bytes }: Ended,
  written: { acknowledged: number; unacknowledged: number },
): void {
  const { acknowledged, unacknowledged } = written;
  if (kind !== "websocket") {
    expect(bytes).toEqual({ handedOver: acknowledged + unacknowledged, ...written });
    return;
  }
  expect(bytes?.unacknowledged).toBeGreaterThan(unacknowledged);
  expect(bytes?.unacknowledged).toBeLessThanOrEqual(unacknowledged + MOST_FRAMING_BYTES);
  expect(bytes?.acknowledged).toBeGreaterThan(acknowledged);
  expect(bytes?.handedOver).toBe(
    (bytes?.acknowledged as number) + (bytes?.unacknowledged as number),
  );
}

scenariosOver("keepalive", STREAMS, {
  async "B8 an idle peer that vanishes: within idle + interval x count + interval (2/1/2: 5 s)"(
    hosts,
    stream,
  ) {
    const keepAlive = { idle: 2_000, interval: 1_000, count: 2 };
    const { connection, peer } = await connected(hosts, stream, { keepAlive });
    await peer.ask("send", { bytes: 10 });
    const heardAt = sharedNow();
    await hosts.network.blackHole();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE", phase: "open" });
    expect(ended).toMatchObject({ initiator: "network", state: "failed", bytesRead: 10 });
    within(ended.at - heardAt, 3_500, 5_000);
  },

  async "B9 B10 the same while data is pending (2/1/2, dropTimeout 60 s: 5 s)"(hosts, stream) {
    const keepAlive = { idle: 2_000, interval: 1_000, count: 2 };
    const { connection, peer } = await connected(hosts, stream, { keepAlive, dropTimeout: 60_000 });
    await peer.ask("send", { bytes: 10 });
    const heardAt = sharedNow();
    await hosts.network.blackHole();
    await connection.write(1_000);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    expectBytes(stream, ended, { acknowledged: 0, unacknowledged: 1_000 });
    within(ended.at - heardAt, 3_500, 5_000);
  },

  async "B10 one small write a second and the peer gone (3/1/3: 7 s)"(hosts, stream) {
    const keepAlive = { idle: 3_000, interval: 1_000, count: 3 };
    const { connection } = await connected(hosts, stream, { keepAlive });
    await connection.writeEvery(1_000, 20);
    await nothingFor(2_500);
    const heardBefore = sharedNow();
    await hosts.network.blackHole();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    // It was heard at most a second before the fault.
    within(ended.at - heardBefore, 5_000, 7_000);
  },

  async "B13 a listener's keepalive holds on what it accepts (2/1/2: 5 s)"(hosts, stream) {
    const keepAlive = { idle: 2_000, interval: 1_000, count: 2 };
    const { connection, peer } = await accepted(hosts, stream, { keepAlive });
    await peer.ask("send", { bytes: 5 });
    const heardAt = sharedNow();
    await hosts.network.blackHole();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE", bytesRead: 5 });
    within(ended.at - heardAt, 3_500, 5_000);
  },
});

scenarios("keepalive", {
  async "B8 the first probe leaves at idle +- 1 s (3 s)"(hosts) {
    const keepAlive = { idle: 3_000, interval: 1_000, count: 3 };
    const { peer } = await connected(hosts, CONNECTION, { keepAlive });
    await hosts.network.run(
      "router",
      `nft add table inet count
       nft add chain inet count forward '{ type filter hook forward priority 10; }'
       nft add rule inet count forward oifname toserver tcp dport ${PORT} counter`,
    );
    await peer.ask("send", { bytes: 10 });
    const heardAt = sharedNow();
    const packets = async () => {
      const listing = await hosts.network.run("router", "nft list chain inet count forward");
      return Number(/packets (\d+)/.exec(listing)?.[1]);
    };
    // The acknowledgement of those ten bytes is the only packet until the probe.
    while ((await packets()) < 2) await nothingFor(50);
    within(sharedNow() - heardAt, 2_000, 4_000);
  },

  async "B8 a peer that answers probes lives (1/1/2, 8 s)"(hosts) {
    const keepAlive = { idle: 1_000, interval: 1_000, count: 2 };
    const { connection, peer } = await connected(hosts, CONNECTION, { keepAlive });
    await nothingFor(8_000);
    expect(connection.hasEnded).toBe(false);
    await connection.write(100);
    await expect(peer.ask("receive", { bytes: 100 })).resolves.toMatchObject({ bytes: 100 });
  },

  async "B9 B8 holds whatever dropTimeout is (2/1/2, dropTimeout 60 s: 5 s)"(hosts) {
    const keepAlive = { idle: 2_000, interval: 1_000, count: 2 };
    const { connection, peer } = await connected(hosts, CONNECTION, {
      keepAlive,
      dropTimeout: 60_000,
    });
    await peer.ask("send", { bytes: 10 });
    const heardAt = sharedNow();
    await hosts.network.blackHole();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    within(ended.at - heardAt, 3_500, 5_000);
  },

  async "B10 written while keepalive was already asking (2/2/3: 10 s)"(hosts) {
    const keepAlive = { idle: 2_000, interval: 2_000, count: 3 };
    const { connection, peer } = await connected(hosts, CONNECTION, { keepAlive });
    await peer.ask("send", { bytes: 10 });
    const heardAt = sharedNow();
    await hosts.network.blackHole();
    // Probes left at 2, 4 and 6 s; they stop when something is pending.
    await nothingFor(6_500);
    await connection.write(20);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    within(ended.at - heardAt, 7_500, 10_000);
  },

  async "B8 our own link loses its carrier, and nothing is pending (2/1/2: 5 s)"(hosts) {
    const keepAlive = { idle: 2_000, interval: 1_000, count: 2 };
    const { connection, peer } = await connected(hosts, CONNECTION, { keepAlive });
    await peer.ask("send", { bytes: 10 });
    const heardAt = sharedNow();
    await hosts.network.linkDown("client");
    const ended = await connection.ended();
    expect(["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"]).toContain(ended.code);
    expect(ended.initiator).toBe("network");
    within(ended.at - heardAt, 2_000, 5_000);
  },
});

scenariosOver("dropTimeout", STREAMS, {
  async "B11 B26 a write to a peer that vanished: T to 1.2 T + 1 s (3 s)"(hosts, stream) {
    const { connection, peer } = await connected(hosts, stream, { dropTimeout: 3_000 });
    await connection.write(1_000);
    await peer.ask("receive", { bytes: 1_000 });
    // An acknowledgement may be delayed, and would be lost with everything else.
    while (((await connection.info()).unacknowledgedSegments as number) > 0) await nothingFor(20);
    await hosts.network.blackHole();
    const writtenAt = await connection.write(500);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE", phase: "open" });
    expect(ended.initiator).toBe("network");
    expectBytes(stream, ended, { acknowledged: 1_000, unacknowledged: 500 });
    within(ended.at - writtenAt, 3_000, 4_600);
  },

  async "B11 on the accepting side: T to 1.2 T + 1 s (2 s)"(hosts, stream) {
    const { connection } = await accepted(hosts, stream, { dropTimeout: 2_000 });
    await hosts.network.blackHole();
    const writtenAt = await connection.write(10);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    within(ended.at - writtenAt, 2_000, 3_400);
  },

  async "B11 an outage shorter than T is survived, and every byte arrives (T 12 s, outage 3 s)"(
    hosts,
    stream,
  ) {
    const { connection, peer } = await connected(hosts, stream, { dropTimeout: 12_000 });
    await connection.writeEvery(100, 1_000);
    await nothingFor(500);
    await hosts.network.blackHole();
    await nothingFor(3_000);
    await hosts.network.heal();
    const got = await peer.ask("receive", { bytes: 60_000 });
    expect(got).toMatchObject({ bytes: 60_000, errno: null });
    expect(connection.hasEnded).toBe(false);
  },
});

scenarios("dropTimeout", {
  async "B11 black-holed towards the server only: T to 1.2 T + 1 s (2 s)"(hosts) {
    const { connection } = await connected(hosts, CONNECTION, {
      dropTimeout: 2_000,
      keepAlive: false,
    });
    await hosts.network.blackHole("toServer");
    const writtenAt = await connection.write(500);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    within(ended.at - writtenAt, 2_000, 3_400);
  },

  async "B11 black-holed towards the client only: the peer has it all, and nobody hears so"(hosts) {
    const { connection, peer } = await connected(hosts, CONNECTION, {
      dropTimeout: 2_000,
      keepAlive: false,
    });
    await hosts.network.blackHole("toClient");
    const writtenAt = await connection.write(500);
    await expect(peer.ask("receive", { bytes: 500 })).resolves.toMatchObject({ bytes: 500 });
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    expect(ended.bytes).toEqual({ handedOver: 500, acknowledged: 0, unacknowledged: 500 });
    within(ended.at - writtenAt, 2_000, 3_400);
  },

  async "B11 on the accepting side, with Node's net gone: T to 1.2 T + 1 s (2 s)"(hosts) {
    const [hawser, peer] = await Promise.all([hosts.hawser("server"), hosts.node("client")]);
    await hawser.listen(`tcp://0.0.0.0:${PORT}`, { dropTimeout: 2_000 });
    await peer.ask("connect", { address: SERVER_ADDRESS, port: PORT });
    const connection = await hawser.accepted();
    await hosts.network.blackHole();
    const writtenAt = await connection.write(10);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    within(ended.at - writtenAt, 2_000, 3_400);
  },

  async "B11 a FIN that nobody acknowledges is pending too: T to 1.2 T + 1 s (2 s)"(hosts) {
    const options = { dropTimeout: 2_000, keepAlive: false, allowHalfOpen: true };
    const { connection } = await connected(hosts, CONNECTION, options);
    await hosts.network.blackHole();
    const shutAt = await connection.shutdown();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    within(ended.at - shutAt, 2_000, 3_400);
  },

  async "B8 B11 a NAT mapping is lost: both sides go silent (dropTimeout 3 s, keepalive 2/1/2)"(
    hosts,
  ) {
    await hosts.network.translate();
    const keepAlive = { idle: 2_000, interval: 1_000, count: 2 };
    const [client, server] = await Promise.all([hosts.hawser("client"), hosts.hawser("server")]);
    await server.listen(`tcp://0.0.0.0:${PORT}`, { keepAlive });
    const connection = await client.connect(ENDPOINT, { keepAlive: false, dropTimeout: 3_000 });
    const accepted = await server.accepted();
    await connection.write(1_000);
    await nothingFor(300);
    await hosts.network.loseMappings();
    const lostAt = sharedNow();
    const writtenAt = await connection.write(1_000);
    const [ended, acceptedEnded] = await Promise.all([connection.ended(), accepted.ended()]);
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    within(ended.at - writtenAt, 3_000, 4_600);
    expect(acceptedEnded).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    expect(acceptedEnded.bytesRead).toBe(1_000);
    within(acceptedEnded.at - lostAt, 3_000, 5_000);
  },

  async "B11 the link behind the router goes down: T to 1.2 T + 1 s (2 s)"(hosts) {
    const { connection } = await connected(hosts, CONNECTION, {
      dropTimeout: 2_000,
      keepAlive: false,
    });
    await hosts.network.linkDown("server");
    const writtenAt = await connection.write(500);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    within(ended.at - writtenAt, 2_000, 3_400);
  },
});

// Bytes that fill the peer's socket buffers and ours.
const MORE_THAN_THE_KERNEL_TAKES = 1_000_000;
const SMALL_RECEIVE_BUFFER = 32_768;

scenariosOver("a window that is closed", STREAMS, {
  async "B12 alive and not reading is not killed by dropTimeout (1.5 s, for 8 s)"(hosts, stream) {
    const options = { dropTimeout: 1_500, stallTimeout: 0 };
    const { connection, peer } = await connected(hosts, stream, options, SMALL_RECEIVE_BUFFER);
    await connection.fill(MORE_THAN_THE_KERNEL_TAKES);
    await nothingFor(8_000);
    expect(connection.hasEnded).toBe(false);
    const { bytesWritten } = await connection.info();
    const got = await peer.ask("receive", { bytes: bytesWritten as number });
    expect(got).toMatchObject({ bytes: bytesWritten, errno: null });
    // What was then sent was acknowledged in time: nothing has gone stale in between.
    await nothingFor(3_000);
    expect(connection.hasEnded).toBe(false);
  },

  async "B12 alive and not reading for stallTimeout: SEND_STALLED, T to 1.2 T + 1 s (4 s)"(
    hosts,
    stream,
  ) {
    const options = { dropTimeout: 1_500, stallTimeout: 4_000 };
    const { connection } = await connected(hosts, stream, options, SMALL_RECEIVE_BUFFER);
    const filledAt = await connection.fill(MORE_THAN_THE_KERNEL_TAKES);
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "SEND_STALLED", phase: "open" });
    expect(ended.initiator).toBe("local");
    expect(ended.bytes?.unacknowledged).toBeGreaterThan(0);
    // The window closed while it was being filled, which takes up to a second on a busy machine.
    within(ended.at - filledAt, 3_000, 5_800);
  },

  async "B12 the peer vanishes with its window closed: dropTimeout and two probes (3 s: 7 s)"(
    hosts,
    stream,
  ) {
    const options = { dropTimeout: 3_000, stallTimeout: 0, keepAlive: false };
    const { connection } = await connected(hosts, stream, options, SMALL_RECEIVE_BUFFER);
    await connection.fill(MORE_THAN_THE_KERNEL_TAKES);
    // Until the probes are as far apart as they get.
    await nothingFor(6_000);
    expect(connection.hasEnded).toBe(false);
    await hosts.network.blackHole();
    const goneAt = sharedNow();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    within(ended.at - goneAt, 2_000, 7_000);
  },
});

scenarios("a window that is closed", {
  async "B12 keepalive alone does not kill a live peer that does not read (1/1/1, for 12 s)"(
    hosts,
  ) {
    const options = { keepAlive: { idle: 1_000, interval: 1_000, count: 1 }, stallTimeout: 0 };
    const { connection } = await connected(hosts, CONNECTION, options, SMALL_RECEIVE_BUFFER);
    await connection.fill(MORE_THAN_THE_KERNEL_TAKES);
    await nothingFor(12_000);
    expect(connection.hasEnded).toBe(false);
  },

  async "B10 B12 the same by keepalive alone (2/1/3: 6 s after it was last heard)"(hosts) {
    const options = { keepAlive: { idle: 2_000, interval: 1_000, count: 3 }, stallTimeout: 0 };
    const { connection } = await connected(hosts, CONNECTION, options, SMALL_RECEIVE_BUFFER);
    await connection.fill(MORE_THAN_THE_KERNEL_TAKES);
    await nothingFor(3_000);
    await hosts.network.blackHole();
    const goneAt = sharedNow();
    const ended = await connection.ended();
    expect(ended).toMatchObject({ code: "ETIMEDOUT", reason: "PEER_UNREACHABLE" });
    within(ended.at - goneAt, 3_500, 6_000);
  },

  async "B12 a slow reader makes progress and lives (drop 1.5 s, stall 4 s, for 12 s)"(hosts) {
    const options = { dropTimeout: 1_500, stallTimeout: 4_000 };
    const { connection, peer } = await connected(hosts, CONNECTION, options, SMALL_RECEIVE_BUFFER);
    await connection.fill(MORE_THAN_THE_KERNEL_TAKES);
    // A window opens again when about half of its buffer is free: every second time or so.
    const until = sharedNow() + 12_000;
    while (sharedNow() < until) {
      await peer.ask("receive", { bytes: 20_000 });
      await nothingFor(1_000);
    }
    expect(connection.hasEnded).toBe(false);
  },
});
