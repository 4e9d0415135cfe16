// The cases of the rule of B12: what the kernel would say of a peer at a time, and what follows.
// Not here: the run over them (liveness.test.ts).
import {
  type LivenessLimits,
  type LivenessSample,
  type LivenessVerdict,
  livenessLimits,
} from "../../lib/net/liveness.ts";

export const seconds = (idleSeconds: number, intervalSeconds: number, count: number) => ({
  idleSeconds,
  intervalSeconds,
  count,
});
export const limits = (
  keepAlive: ReturnType<typeof seconds> | null,
  dropTimeout: number,
  stallTimeout = 0,
): LivenessLimits => livenessLimits({ keepAlive, dropTimeout, stallTimeout });

// A live connection on Linux with one segment on its way; what a case does not say.
export const IN_FLIGHT: LivenessSample = {
  isOpen: true,
  unacknowledged: 1,
  unsentBytes: 0,
  probes: 0,
  acknowledgedBytes: 1,
  windowBytes: 65_536,
  silentMs: 0,
};
export const WINDOW_CLOSED = { unacknowledged: 0, unsentBytes: 100_000, windowBytes: 0 } as const;

export type Peer = (at: number) => Partial<LivenessSample>;

const BY_KEEPALIVE = { reason: "PEER_UNREACHABLE", limit: "keepAlive" } as const;
export const BY_DROP = { reason: "PEER_UNREACHABLE", limit: "dropTimeout" } as const;
const BY_STALL = { reason: "SEND_STALLED", limit: "stallTimeout" } as const;

export interface Case {
  readonly name: string;
  readonly limits: LivenessLimits;
  readonly peer: Peer;
  readonly forMs: number;
  /** The verdict and the time within which it comes; absent: the connection lives. */
  readonly verdict?: LivenessVerdict;
  readonly fromMs?: number;
  readonly toMs?: number;
}

export const LINUX: Case[] = [
  // ------------------------------------------------------------------------------ dropTimeout
  {
    name: "B11 a write to a peer that vanished: between T and 1.2 T + 1 s",
    limits: limits(null, 8_000),
    peer: (at) => ({ silentMs: at }),
    forMs: 60_000,
    verdict: BY_DROP,
    fromMs: 8_000,
    toMs: 10_600,
  },
  {
    name: "B11 acknowledgements that moved once give T anew",
    limits: limits(null, 8_000),
    peer: (at) => ({ acknowledgedBytes: at < 5_000 ? 1 : 500, silentMs: Math.max(0, at - 5_000) }),
    forMs: 60_000,
    verdict: BY_DROP,
    fromMs: 13_000,
    toMs: 15_600,
  },
  {
    name: "B11 a peer that acknowledges a byte now and then lives, whatever is pending",
    limits: limits(null, 8_000),
    peer: (at) => ({
      unacknowledged: 400,
      unsentBytes: 1e6,
      acknowledgedBytes: Math.floor(at / 7e3),
    }),
    forMs: 600_000,
  },
  {
    name: "B6 half-established: the peer sends SYN-ACKs again and acknowledges nothing",
    limits: limits(null, 8_000),
    peer: (at) => ({ silentMs: at, unacknowledged: 1, unsentBytes: 0 }),
    forMs: 60_000,
    verdict: BY_DROP,
    fromMs: 8_000,
    toMs: 10_000,
  },
  {
    name: "B11 a short limit: 500 ms",
    limits: limits(null, 500),
    peer: (at) => ({ silentMs: at }),
    forMs: 60_000,
    verdict: BY_DROP,
    fromMs: 500,
    toMs: 1_600,
  },
  // -------------------------------------------------------------------------- window closed
  {
    name: "B12 alive and not reading is not killed by dropTimeout",
    limits: limits(seconds(60, 10, 3), 8_000),
    peer: (at) => ({ ...WINDOW_CLOSED, silentMs: at % 2_000, probes: at % 2_000 === 0 ? 1 : 0 }),
    forMs: 3_600_000,
  },
  {
    name: "B12 trap: a live zero-window peer reaches last_ack_recv 109.8 s with probes 0",
    limits: limits(seconds(60, 10, 3), 8_000),
    peer: (at) => ({ ...WINDOW_CLOSED, silentMs: at % 109_800 }),
    forMs: 3_600_000,
  },
  {
    name: "B12 trap: probes = 1 is seen on live ones, at the end of a long silence",
    limits: limits(seconds(60, 10, 3), 8_000),
    peer: (at) => {
      const silentMs = at % 109_000;
      return { ...WINDOW_CLOSED, silentMs, probes: silentMs > 108_000 ? 1 : 0 };
    },
    forMs: 3_600_000,
  },
  {
    name: "B12 alive and not reading for stallTimeout: SEND_STALLED",
    limits: limits(seconds(60, 10, 3), 8_000, 30_000),
    peer: (at) => ({ ...WINDOW_CLOSED, silentMs: at % 2_000 }),
    forMs: 600_000,
    verdict: BY_STALL,
    fromMs: 30_000,
    toMs: 37_000,
  },
  {
    name: "B12 a window below one segment (U = 0, N > 0, W > 0) counts as closed",
    limits: limits(null, 8_000, 30_000),
    peer: (at) => ({ unacknowledged: 0, unsentBytes: 9_000, windowBytes: 100, silentMs: at % 900 }),
    forMs: 600_000,
    verdict: BY_STALL,
    fromMs: 30_000,
    toMs: 37_000,
  },
  {
    name: "B12 a window taken back to 0 with data on its way counts as closed",
    limits: limits(null, 8_000, 30_000),
    peer: (at) => ({ unacknowledged: 3, windowBytes: 0, silentMs: at % 900 }),
    forMs: 600_000,
    verdict: BY_STALL,
    fromMs: 30_000,
    toMs: 37_000,
  },
  {
    name: "B12 dead with the window closed: dropTimeout, once two probes are unanswered",
    limits: limits(null, 8_000),
    // Probes 1 s apart (TCP_RTO_MAX_MS); the peer was last heard at 20 s.
    peer: (at) => ({
      ...WINDOW_CLOSED,
      silentMs: at < 20_000 ? at % 1_000 : at - 20_000,
      probes: at < 20_000 ? 0 : Math.floor((at - 20_000) / 1_000),
    }),
    forMs: 600_000,
    verdict: BY_DROP,
    fromMs: 28_000,
    toMs: 31_000,
  },
  {
    name: "B12 dead with the window closed, probes 120 s apart (before Linux 6.15): the second",
    limits: limits(null, 8_000, 600_000),
    peer: (at) => ({ ...WINDOW_CLOSED, silentMs: at, probes: Math.floor(at / 120_000) }),
    forMs: 900_000,
    verdict: BY_DROP,
    fromMs: 240_000,
    toMs: 241_000,
  },
  {
    name: "B12 the same without any limit but stallTimeout",
    limits: limits(null, 0, 600_000),
    peer: (at) => ({ ...WINDOW_CLOSED, silentMs: at, probes: Math.floor(at / 120_000) }),
    forMs: 900_000,
    verdict: BY_STALL,
    fromMs: 600_000,
    toMs: 601_000,
  },
  {
    name: "B12 the window opens after longer than dropTimeout: what is then sent gets its time",
    limits: limits(null, 8_000),
    // Opened 30 ms before a look; the acknowledgement of what was then sent is under way.
    peer: (at) =>
      at < 60_000 ? { ...WINDOW_CLOSED, silentMs: at % 900 } : { unacknowledged: 10, silentMs: 30 },
    forMs: 60_500,
  },
  {
    name: "B12 the window opens and then the peer dies: T from its last word",
    limits: limits(null, 8_000),
    peer: (at) =>
      at < 60_000
        ? { ...WINDOW_CLOSED, silentMs: at % 900 }
        : { unacknowledged: 10, silentMs: at - 59_900 },
    forMs: 600_000,
    verdict: BY_DROP,
    fromMs: 67_900,
    toMs: 70_000,
  },
  {
    name: "B12 a dead peer's window is tried with a small segment: that is no sign of life",
    limits: limits(null, 8_000),
    peer: (at) => ({
      unacknowledged: at < 5_000 ? 0 : 1,
      unsentBytes: 9_000,
      windowBytes: 100,
      silentMs: at,
    }),
    forMs: 600_000,
    verdict: BY_DROP,
    fromMs: 8_000,
    toMs: 10_600,
  },
  {
    name: "B12 two probes at once after a long silence: dropTimeout counts from the first of them",
    limits: limits(null, 8_000),
    peer: (at) => ({ ...WINDOW_CLOSED, silentMs: at, probes: at < 60_000 ? 0 : 2 }),
    forMs: 600_000,
    verdict: BY_DROP,
    fromMs: 68_000,
    toMs: 70_000,
  },
  {
    name: "B11 B12 asked by keepalive long before anything was pending: T from then all the same",
    limits: limits(seconds(1, 10, 3), 8_000),
    peer: (at) => ({
      ...(at < 1_000 ? {} : WINDOW_CLOSED),
      silentMs: 20_000 + at,
      probes: at < 1_000 ? 1 : 2,
    }),
    forMs: 9_500,
    verdict: BY_DROP,
    fromMs: 8_000,
    toMs: 9_500,
  },
  {
    name: "bytes that only the process holds are nobody's fault",
    limits: limits(null, 8_000, 30_000),
    peer: (at) => ({ unacknowledged: 0, unsentBytes: 0, silentMs: at }),
    forMs: 600_000,
  },
  // ------------------------------------------------------------------------------- keepalive
  {
    name: "B10 keepalive 5/5/3 while data is pending and the peer is gone",
    limits: limits(seconds(5, 5, 3), 0),
    peer: (at) => ({ unacknowledged: 1 + Math.floor(at / 1_000), silentMs: at }),
    forMs: 120_000,
    verdict: BY_KEEPALIVE,
    fromMs: 20_000,
    toMs: 25_000,
  },
  {
    name: "B9 keepalive 5/1/3 with dropTimeout 60 s",
    limits: limits(seconds(5, 1, 3), 60_000),
    peer: (at) => ({ silentMs: at }),
    forMs: 120_000,
    verdict: BY_KEEPALIVE,
    fromMs: 8_000,
    toMs: 9_000,
  },
  {
    name: "B10 written after a long silence, which is no crime: the peer is asked interval x count",
    limits: limits(seconds(5, 5, 3), 0),
    // Idle for a day with keepalive answered; idle + interval x count has not passed since.
    peer: (at) => ({ silentMs: 4_000 + at }),
    forMs: 120_000,
    verdict: BY_KEEPALIVE,
    fromMs: 16_000,
    toMs: 17_600,
  },
  {
    name: "B10 silent for long without having been asked: interval x count from the write",
    limits: limits(seconds(5, 5, 3), 0),
    peer: (at) => ({ silentMs: 3_600_000 + at }),
    forMs: 120_000,
    verdict: BY_KEEPALIVE,
    fromMs: 15_000,
    toMs: 17_000,
  },
  {
    name: "B10 written while keepalive was already asking: the kernel's questions count",
    limits: limits(seconds(5, 5, 3), 0),
    // The peer died at -14 s; probes left at -9 s and -4 s, and stopped when data was written at 0.
    peer: (at) => ({ silentMs: 14_000 + at, probes: 2 }),
    forMs: 120_000,
    verdict: BY_KEEPALIVE,
    fromMs: 6_000,
    toMs: 11_000,
  },
  {
    name: "B10 with the window closed keepalive's limits hold: a window probe is a question",
    limits: limits(seconds(60, 10, 3), 0, 600_000),
    // Probes 10 s apart (TCP_RTO_MAX_MS), the peer dead from the start.
    peer: (at) => ({ ...WINDOW_CLOSED, silentMs: at, probes: Math.floor(at / 10_000) }),
    forMs: 600_000,
    verdict: BY_KEEPALIVE,
    fromMs: 90_000,
    toMs: 100_000,
  },
  {
    name: "B8 an answer in the middle begins the count anew",
    limits: limits(seconds(5, 5, 3), 0),
    peer: (at) => ({ silentMs: at < 18_000 ? at : at - 17_900 }),
    forMs: 120_000,
    verdict: BY_KEEPALIVE,
    fromMs: 37_900,
    toMs: 42_900,
  },
  {
    name: "B8 data received is an answer too",
    limits: limits(seconds(5, 5, 3), 0),
    peer: (at) => ({ silentMs: at % 4_000 }),
    forMs: 600_000,
  },
  // ----------------------------------------------------------------------------- the beginning
  {
    name: "B12 trap: last_ack_recv is garbage before ESTABLISHED",
    limits: limits(seconds(5, 1, 3), 1_000, 1_000),
    peer: () => ({ isOpen: false, silentMs: 4_294_812_345, unacknowledged: 1, probes: 5 }),
    forMs: 60_000,
  },
  {
    name: "B12 before Linux 5.4 the window is not told: U and N alone say whether it is closed",
    limits: limits(null, 8_000, 30_000),
    peer: (at) => ({
      unacknowledged: 0,
      unsentBytes: 9_000,
      windowBytes: Number.NaN,
      silentMs: at,
    }),
    forMs: 600_000,
    verdict: BY_STALL,
    fromMs: 30_000,
    toMs: 37_000,
  },
  {
    name: "B11 before Linux 5.4 dropTimeout holds",
    limits: limits(null, 8_000, 30_000),
    peer: (at) => ({ windowBytes: Number.NaN, silentMs: at }),
    forMs: 600_000,
    verdict: BY_DROP,
    fromMs: 8_000,
    toMs: 10_600,
  },
  {
    name: "no limit is set: no verdict",
    limits: { ...limits(null, 0), everyMs: 1_000 },
    peer: (at) => ({ silentMs: at, probes: 15 }),
    forMs: 3_600_000,
  },
];

// XNU tells the bytes of the send buffer and the window, and neither silence nor probes.
export const xnu = (sendBufferBytes: number, handedOver: number, windowBytes: number) => ({
  unacknowledged: windowBytes > 0 ? sendBufferBytes : 0,
  unsentBytes: sendBufferBytes,
  acknowledgedBytes: handedOver - sendBufferBytes,
  windowBytes,
  probes: Number.NaN,
  silentMs: Number.NaN,
});

export const XNU: Case[] = [
  {
    name: "B11 a write to a peer that vanished: between T and 1.2 T + 1 s",
    limits: limits(null, 8_000),
    peer: () => xnu(500, 500, 65_536),
    forMs: 60_000,
    verdict: BY_DROP,
    fromMs: 8_000,
    toMs: 10_600,
  },
  {
    name: "B11 writing on does not look like progress",
    limits: limits(null, 8_000),
    peer: (at) => xnu(500 + at, 500 + at, 65_536),
    forMs: 60_000,
    verdict: BY_DROP,
    fromMs: 8_000,
    toMs: 10_600,
  },
  {
    name: "B11 nor do counts that go down and up again, with an engine above TCP",
    limits: limits(null, 8_000),
    peer: (at) => xnu(500, 500 - (Math.round(at / 800) % 2) * 20, 65_536),
    forMs: 60_000,
    verdict: BY_DROP,
    fromMs: 8_000,
    toMs: 10_600,
  },
  {
    name: "B11 a send buffer that stays full while bytes pass through it is progress",
    limits: limits(null, 8_000),
    peer: (at) => xnu(131_072, 131_072 + at, 65_536),
    forMs: 600_000,
  },
  {
    name: "B12 alive and not reading is not killed by dropTimeout",
    limits: limits(seconds(4, 1, 4), 8_000),
    peer: () => xnu(131_072, 200_000, 0),
    forMs: 3_600_000,
  },
  {
    name: "B12 alive and not reading for stallTimeout: SEND_STALLED",
    limits: limits(null, 8_000, 30_000),
    peer: () => xnu(131_072, 200_000, 0),
    forMs: 600_000,
    verdict: BY_STALL,
    fromMs: 30_000,
    toMs: 37_000,
  },
  {
    name: "B12 the window opens after longer than dropTimeout: what is then sent gets its time",
    limits: limits(null, 8_000),
    peer: (at) => xnu(131_072, 200_000, at < 60_000 ? 0 : 65_536),
    forMs: 67_000,
  },
  {
    name: "B8 keepalive is the kernel's, which counts from the last segment whatever is pending",
    limits: limits(seconds(5, 5, 3), 0),
    peer: () => xnu(500, 500, 65_536),
    forMs: 3_600_000,
  },
];
