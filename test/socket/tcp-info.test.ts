// TCP_INFO as an object, against the real kernel and in both systems' numbers.

import { once } from "node:events";
import { release } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { getOption } from "../../lib/socket/options.ts";
import { decodeTcpInfo, getTcpInfo, tcpStateName } from "../../lib/socket/tcp-info.ts";
import { TCP_INFO_FIELD_COUNT, TCP_INFO_INDEX } from "../../lib/socket/tcp-info-table.ts";
import { closeAll, datagram, fresh, listening, pair } from "./raw-sockets.ts";

afterEach(closeAll);

const LINUX = process.platform === "linux";
const [major = 0, minor = 0] = release().split(".").map(Number);
const since = (a: number, b: number): boolean =>
  LINUX && (major > a || (major === a && minor >= b));

describe("getTcpInfo", () => {
  it("tells the state and the bytes of a connection of Node's", async () => {
    const { near, far } = await pair();
    const received = once(far, "data");
    near.write(Buffer.alloc(1_000));
    await received;
    far.write(Buffer.alloc(10));
    await once(near, "data");

    const info = getTcpInfo(near);
    expect(info.state).toBe("ESTABLISHED");
    expect(info.bytesReceived).toBe(10);
    expect(info.bytesSent).toBe(1_000);
    expect(info.bytesRetransmitted).toBe(0);
    expect(info.segmentsSent).toBeGreaterThanOrEqual(2);
    expect(info.sendWindowBytes).toBeGreaterThan(0);
    // A round trip over loopback takes more than nothing and less than a second; in milliseconds.
    expect(info.roundTripTimeMs).toBeGreaterThanOrEqual(LINUX ? 0.001 : 0);
    expect(info.roundTripTimeMs).toBeLessThan(1_000);
    expect(info.retransmissionTimeoutMs).toBeGreaterThanOrEqual(1);
    expect(info.retransmissionTimeoutMs).toBeLessThan(10_000);
    expect(info.windowScaling).toBeTypeOf("boolean");
  });

  it.runIf(LINUX)("tells what a dead-peer rule needs on Linux (B12)", async () => {
    const { near, far } = await pair();
    far.pause();
    const before = getTcpInfo(near);
    // SYN counts as one byte.
    expect(before).toMatchObject({
      unacknowledgedSegments: 0,
      unsentBytes: 0,
      probes: 0,
      backoff: 0,
    });
    expect(before.bytesAcknowledged).toBeLessThanOrEqual(1);
    expect(before.sinceDataReceivedMs).toBeGreaterThanOrEqual(0);
    expect(before.sinceAcknowledgmentMs).toBeGreaterThanOrEqual(0);
    expect(before.congestionState).toBe("open");

    // More than both buffers hold, to a peer that does not read: its window closes.
    near.write(Buffer.alloc(64 * 1_048_576));
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (getTcpInfo(near).sendWindowBytes === 0) resolve();
        else setImmediate(look);
      };
      look();
    });
    const after = getTcpInfo(near);
    expect(after.unsentBytes).toBeGreaterThan(0);
    expect(after.bytesAcknowledged).toBeGreaterThan(1_000);
  });

  it.runIf(since(6, 7))("tells all that Linux 6.7 knows", async () => {
    const info = getTcpInfo((await pair()).near);
    expect(info.receiveWindowBytes).toBeGreaterThan(0);
    expect(info.rehashes).toBe(0);
    expect(info.retransmissionTimeouts).toBe(0);
    expect(info.retransmissionRecoveryMs).toBe(0);
  });

  it("gives null for what only the other system tells", async () => {
    const info = getTcpInfo((await pair()).near);
    if (LINUX) {
      expect(info.sendBufferBytes).toBeNull();
      expect(info.congestionWindowBytes).toBeNull();
      expect(info.congestionWindowSegments).toBeGreaterThan(0);
    } else {
      expect(info.unsentBytes).toBeNull();
      expect(info.congestionWindowSegments).toBeNull();
      expect(info.congestionWindowBytes).toBeGreaterThan(0);
    }
  });

  it.runIf(LINUX)(
    "gives Infinity and null for the kernel's values of no limit and not known",
    () => {
      const info = getTcpInfo(fresh("tcp4"));
      expect(info.state).toBe("CLOSE");
      expect(info.slowStartThresholdSegments).toBe(Number.POSITIVE_INFINITY);
      expect(info.minRoundTripTimeMs).toBeNull();
    },
  );

  it.runIf(LINUX)("tells the accept queue of a listener on Linux", async () => {
    const info = getTcpInfo(await listening());
    expect(info.state).toBe("LISTEN");
    expect(info.unacknowledgedSegments).toBe(0);
    expect(info.sackedSegments).toBeGreaterThan(0);
  });

  it("is what getOption gives", async () => {
    const { near } = await pair();
    const info = getOption(near, LINUX ? "TCP_INFO" : "TCP_CONNECTION_INFO");
    expect(Object.keys(info)).toEqual(Object.keys(TCP_INFO_INDEX));
    expect(info.state).toBe("ESTABLISHED");
  });

  it("is an error on what is not TCP", async () => {
    const socket = await datagram();
    expect(() => getTcpInfo(socket)).toThrow(/getsockopt E\w+ TCP_/);
  });
});

describe("decodeTcpInfo", () => {
  const fields = (values: Partial<Record<keyof typeof TCP_INFO_INDEX, number>>): Float64Array => {
    const array = new Float64Array(TCP_INFO_FIELD_COUNT).fill(Number.NaN);
    for (const [name, value] of Object.entries(values)) {
      array[TCP_INFO_INDEX[name as keyof typeof TCP_INFO_INDEX]] = value;
    }
    return array;
  };

  it("gives null for NaN, booleans for switches, names for states", () => {
    const info = decodeTcpInfo(
      fields({ state: 4, timestamps: 1, ecn: 0, roundTripTimeMs: 0.25 }),
      "darwin",
    );
    expect(info.state).toBe("ESTABLISHED");
    expect(info.timestamps).toBe(true);
    expect(info.ecn).toBe(false);
    expect(info.windowScaling).toBeNull();
    expect(info.roundTripTimeMs).toBe(0.25);
    expect(info.bytesSent).toBeNull();
    expect(decodeTcpInfo(fields({ congestionState: 4 }), "linux").congestionState).toBe("loss");
    expect(decodeTcpInfo(fields({ congestionState: 9 }), "linux").congestionState).toBeNull();
  });

  it("names every state of both systems once each", () => {
    const linux = Array.from({ length: 11 }, (_, i) => tcpStateName(i + 1, "linux"));
    const darwin = Array.from({ length: 11 }, (_, i) => tcpStateName(i, "darwin"));
    expect(new Set(linux).size).toBe(11);
    expect([...linux].sort()).toEqual([...darwin].sort());
    expect(tcpStateName(12, "linux")).toBe("SYN_RECV");
    for (const number of [-1, 0, 14, 255]) expect(tcpStateName(number, "linux")).toBeNull();
    expect(tcpStateName(11, "darwin")).toBeNull();
  });
});
