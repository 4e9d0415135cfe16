// The table of cases of the rule of B12 (lib/net/liveness.ts). Each case is a peer, told as what
// the kernel would answer at a time; it is looked at as often as its limits ask for.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  isSettled,
  Liveness,
  type LivenessLimits,
  type LivenessSample,
  type LivenessVerdict,
} from "../../lib/net/liveness.ts";
import {
  BY_DROP,
  type Case,
  IN_FLIGHT,
  LINUX,
  limits,
  type Peer,
  seconds,
  WINDOW_CLOSED,
  XNU,
  xnu,
} from "./liveness-cases.ts";

const OFF = Number.POSITIVE_INFINITY;

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

describe("what happened before the first look", () => {
  // Something was pending from 0 on, and the first look is at 700 ms.
  const lookedAt = (heardAt: number, at: number) => {
    const liveness = new Liveness(limits(null, 7_000), 0);
    let verdict: LivenessVerdict | null = null;
    for (let now = 700; now <= at; now += 700) {
      verdict = liveness.judge({ ...IN_FLIGHT, silentMs: now - heardAt }, now);
    }
    return verdict;
  };

  test("B11 it may all have been acknowledged, and what is pending written just now", () => {
    expect(lookedAt(1, 7_000)).toBeNull();
    expect(lookedAt(1, 7_700)).toEqual(BY_DROP);
    // The kernel counts in ticks: what it heard just after may look like just before.
    expect(lookedAt(-9, 7_000)).toBeNull();
  });

  test("B11 nothing was heard: it counts from the beginning", () => {
    expect(lookedAt(-10, 7_000)).toEqual(BY_DROP);
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
