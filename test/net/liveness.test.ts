// The table of cases of the rule of B12 (lib/net/liveness.ts). Each case is a peer, told as what the
// kernel would answer at a time; it is looked at as often as its limits ask for.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  isSettled,
  Liveness,
  type LivenessLimits,
  type LivenessSample,
  type LivenessVerdict,
  livenessLimits,
} from "../../lib/net/liveness.ts";

const OFF = Number.POSITIVE_INFINITY;
const seconds = (idleSeconds: number, intervalSeconds: number, count: number) => ({
  idleSeconds,
  intervalSeconds,
  count,
});
const limits = (
  keepAlive: ReturnType<typeof seconds> | null,
  dropTimeout: number,
  stallTimeout = 0,
): LivenessLimits => livenessLimits({ keepAlive, dropTimeout, stallTimeout });

// A live connection on Linux with one segment on its way; what a case does not say.
const IN_FLIGHT: LivenessSample = {
  isOpen: true,
  unacknowledged: 1,
  unsentBytes: 0,
  probes: 0,
  acknowledgedBytes: 1,
  windowBytes: 65_536,
  silentMs: 0,
};
const WINDOW_CLOSED = { unacknowledged: 0, unsentBytes: 100_000, windowBytes: 0 } as const;

type Peer = (at: number) => Partial<LivenessSample>;
interface Outcome {
  readonly at: number;
  readonly verdict: LivenessVerdict;
}

/** Looks at a peer until there is a verdict, or until `forMs`. */
function watch(
  limitsOfPeer: LivenessLimits,
  peer: Peer,
  forMs: number,
  offsetMs = 0,
): Outcome | null {
  const liveness = new Liveness(limitsOfPeer, 0);
  for (let at = offsetMs; at <= forMs; at += limitsOfPeer.everyMs) {
    const verdict = liveness.judge({ ...IN_FLIGHT, ...peer(at) }, at);
    if (verdict !== null) return { at, verdict };
  }
  return null;
}

const BY_KEEPALIVE = { reason: "PEER_UNREACHABLE", limit: "keepAlive" } as const;
const BY_DROP = { reason: "PEER_UNREACHABLE", limit: "dropTimeout" } as const;
const BY_STALL = { reason: "SEND_STALLED", limit: "stallTimeout" } as const;

interface Case {
  readonly name: string;
  readonly limits: LivenessLimits;
  readonly peer: Peer;
  readonly forMs: number;
  /** The verdict and the time within which it comes; absent: the connection lives. */
  readonly verdict?: LivenessVerdict;
  readonly fromMs?: number;
  readonly toMs?: number;
}

const LINUX: Case[] = [
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
    name: "B12 dead with the window closed and probes 120 s apart (before Linux 6.15): the next one",
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
    name: "B10 with the window closed: keepalive's limits hold, as the kernel's probe is a question",
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
const xnu = (sendBufferBytes: number, handedOver: number, windowBytes: number) => ({
  unacknowledged: windowBytes > 0 ? sendBufferBytes : 0,
  unsentBytes: sendBufferBytes,
  acknowledgedBytes: handedOver - sendBufferBytes,
  windowBytes,
  probes: Number.NaN,
  silentMs: Number.NaN,
});

const XNU: Case[] = [
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

function check({ limits: ofCase, peer, forMs, verdict, fromMs = 0, toMs = forMs }: Case): void {
  // Wherever in the interval the first look falls.
  for (const share of [0, 0.3, 1]) {
    const outcome = watch(ofCase, peer, forMs, share * ofCase.everyMs);
    if (verdict === undefined) {
      expect(outcome).toBeNull();
    } else {
      expect(outcome?.verdict).toEqual(verdict);
      expect(outcome?.at).toBeGreaterThanOrEqual(fromMs);
      expect(outcome?.at).toBeLessThanOrEqual(toMs);
    }
  }
}

describe("Linux", () => {
  test.each(LINUX)("$name", check);
});

describe("XNU", () => {
  test.each(XNU)("$name", check);
});

describe("time in which nobody looked", () => {
  test("B11 a blocked event loop kills nobody: what was written has only just been sent", () => {
    const liveness = new Liveness(limits(null, 8_000), 0);
    expect(liveness.judge({ ...IN_FLIGHT, silentMs: 60_000 }, 60_000)).toBeNull();
    // And then the limit holds as ever.
    expect(liveness.judge({ ...IN_FLIGHT, silentMs: 60_800 }, 60_800)).toBeNull();
    let at = 60_800;
    let verdict: LivenessVerdict | null = null;
    while (verdict === null && at < 90_000) {
      at += 800;
      verdict = liveness.judge({ ...IN_FLIGHT, silentMs: at }, at);
    }
    expect(verdict).toEqual(BY_DROP);
    expect(at - 60_000).toBeGreaterThanOrEqual(7_000);
    expect(at - 60_000).toBeLessThanOrEqual(9_600);
  });

  test("B10 nor does a process that was stopped count its sleep as the peer's silence", () => {
    const liveness = new Liveness(limits(seconds(5, 5, 3), 0), 0);
    expect(liveness.judge({ ...IN_FLIGHT, silentMs: 10 }, 1_000)).toBeNull();
    expect(liveness.judge({ ...IN_FLIGHT, silentMs: 3_600_000 }, 3_601_000)).toBeNull();
  });
});

describe("limits", () => {
  test.each([
    [limits(seconds(60, 10, 3), 0, 600_000), 1_000],
    [limits(null, 8_000), 800],
    [limits(null, 0, 2_000), 200],
    [limits(null, 500), 100],
    [limits(seconds(1, 1, 1), 0), 100],
    [limits(null, 0), OFF],
  ])("are looked after every clamp(limit / 10, 0.1, 1) s: %j", ({ everyMs }, expected) => {
    expect(everyMs).toBe(expected);
  });

  test("0 sets no limit, nor does keepAlive: false", () => {
    expect(limits(null, 0)).toEqual({
      idleMs: OFF,
      askMs: OFF,
      dropMs: OFF,
      stallMs: OFF,
      everyMs: OFF,
    });
  });
});

describe("settled", () => {
  test.each<[string, Partial<LivenessSample>, boolean]>([
    ["nothing on its way and nothing queued", { unacknowledged: 0 }, true],
    ["on its way", {}, false],
    ["queued behind a closed window", WINDOW_CLOSED, false],
    ["not open yet", { isOpen: false, unacknowledged: 0 }, false],
    ["XNU, an empty send buffer", xnu(0, 500, 0), true],
    ["XNU, behind a closed window", xnu(1, 500, 0), false],
  ])("%s", (_, sample, expected) => {
    expect(isSettled({ ...IN_FLIGHT, ...sample })).toBe(expected);
  });
});

const anySample = fc.record<LivenessSample>({
  isOpen: fc.constant(true),
  unacknowledged: fc.nat(10),
  unsentBytes: fc.nat(1_000_000),
  probes: fc.nat(15),
  acknowledgedBytes: fc.nat(1_000_000),
  windowBytes: fc.oneof(fc.constant(0), fc.nat(65_536), fc.constant(Number.NaN)),
  silentMs: fc.oneof(fc.nat(10_000_000), fc.constant(Number.NaN)),
});

describe("whatever the kernel says", () => {
  test("B11 B12 no verdict comes before its limit has passed since something was pending", () => {
    fc.assert(
      fc.property(fc.array(anySample, { maxLength: 200 }), (samples) => {
        const ofPeer = limits(seconds(5, 5, 3), 8_000, 12_000);
        const liveness = new Liveness(ofPeer, 0);
        samples.forEach((sample, index) => {
          const at = (index + 1) * ofPeer.everyMs;
          const verdict = liveness.judge(sample, at);
          if (verdict?.limit === "stallTimeout") expect(at).toBeGreaterThanOrEqual(ofPeer.stallMs);
          if (verdict?.limit === "dropTimeout") expect(at).toBeGreaterThanOrEqual(ofPeer.dropMs);
          if (verdict?.limit === "keepAlive") {
            expect(sample.silentMs).toBeGreaterThanOrEqual(ofPeer.idleMs + ofPeer.askMs);
          }
        });
      }),
    );
  });

  test("a peer that was heard within every limit and made progress lives", () => {
    fc.assert(
      fc.property(fc.array(anySample, { maxLength: 200 }), (samples) => {
        const ofPeer = limits(seconds(5, 5, 3), 8_000, 12_000);
        const liveness = new Liveness(ofPeer, 0);
        samples.forEach((sample, index) => {
          const heard = { ...sample, acknowledgedBytes: index, silentMs: sample.silentMs % 5_000 };
          expect(liveness.judge(heard, (index + 1) * ofPeer.everyMs)).toBeNull();
        });
      }),
    );
  });
});
