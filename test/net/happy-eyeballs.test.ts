import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HAPPY_EYEBALLS_DELAY_MS, MAX_CANDIDATES } from "../../lib/core/limits.ts";
import { interleave, Race, type RaceAction } from "../../lib/net/happy-eyeballs.ts";

type Family = { readonly family: 4 | 6; readonly name: string };

const address = (name: string): Family => ({ family: name.startsWith("a") ? 4 : 6, name });
const names = (list: readonly Family[]) => list.map(({ name }) => name).join(" ");

describe("interleave", () => {
  // a is IPv4 (A records), b is IPv6.
  it.each([
    ["", ""],
    ["a1", "a1"],
    ["b1 b2 b3 a1 a2", "b1 a1 b2 a2 b3"],
    ["a1 b1 a2 b2", "a1 b1 a2 b2"],
    ["a1 a2 a3 b1", "a1 b1 a2 a3"],
    ["b1 b2", "b1 b2"],
  ])("B3 orders %j as %j", (input, expected) => {
    const list = input.split(" ").filter(Boolean).map(address);
    expect(names(interleave(list))).toBe(expected);
  });

  it("keeps both families of a longer answer than the limit", () => {
    const list = [...Array(200).keys()].map((i) => address(i < 150 ? `b${i}` : `a${i}`));
    const ordered = interleave(list);
    expect(ordered).toHaveLength(MAX_CANDIDATES);
    expect(ordered.filter(({ family }) => family === 4)).toHaveLength(MAX_CANDIDATES / 2);
  });

  it("B3 keeps each family in the resolver's order, and alternates while it has both", () => {
    const families = fc.array(fc.constantFrom("a", "b"), { maxLength: 40 });
    fc.assert(
      fc.property(families, (letters) => {
        const list = letters.map((letter, i) => address(letter + i));
        const ordered = interleave(list);
        expect(names(ordered.filter((one) => one.family === 4))).toBe(
          names(list.filter((one) => one.family === 4)),
        );
        expect(new Set(ordered)).toEqual(new Set(list));
        expect(ordered[0]).toBe(list[0]);
        const fewer = Math.min(
          letters.filter((one) => one === "a").length,
          letters.filter((one) => one === "b").length,
        );
        for (let i = 1; i < 2 * fewer; i++) {
          expect(ordered[i]?.family).not.toBe(ordered[i - 1]?.family);
        }
      }),
    );
  });
});

// What comes out, in short: s0 start, c0 cancel, w250 wait, d0 done, x failed.
function brief(actions: readonly RaceAction[]): string {
  const word = (action: RaceAction) => {
    switch (action.type) {
      case "start":
        return `s${action.index}`;
      case "cancel":
        return `c${action.index}`;
      case "wait":
        return `w${action.until}`;
      case "done":
        return `d${action.winner}`;
      default:
        return "x";
    }
  };
  return actions.map(word).join(" ");
}

type Step = [now: number, event: string, expected: string];

function play(race: Race<string>, [now, event]: Step): string {
  const index = Number(event.slice(1));
  switch (event[0]) {
    case "b":
      return brief(race.begin(now));
    case "t":
      return brief(race.elapsed(now));
    case "f":
      return brief(race.failed(index, event, now));
    case "o":
      return brief(race.succeeded(index, now));
    default:
      return brief(race.stop(now));
  }
}

// b begin, t elapsed, f0 failed, o0 succeeded, stop.
const GAMES: [name: string, candidates: number, steps: Step[]][] = [
  [
    "one candidate that succeeds",
    1,
    [
      [0, "b", "s0"],
      [30, "o0", "d0"],
    ],
  ],
  [
    "one candidate that fails",
    1,
    [
      [0, "b", "s0"],
      [30, "f0", "x"],
    ],
  ],
  [
    "the next begins after 250 ms; the first to succeed wins and the other is cancelled",
    3,
    [
      [0, "b", "s0 w250"],
      [250, "t", "s1 w500"],
      [260, "o1", "c0 d1"],
    ],
  ],
  [
    "an earlier attempt may still win",
    3,
    [
      [0, "b", "s0 w250"],
      [250, "t", "s1 w500"],
      [500, "t", "s2"],
      [600, "o0", "c1 c2 d0"],
    ],
  ],
  [
    "a failure starts the next at once, and the delay begins anew",
    3,
    [
      [0, "b", "s0 w250"],
      [10, "f0", "s1 w260"],
      [260, "t", "s2"],
      [270, "o2", "c1 d2"],
    ],
  ],
  [
    "all fail: it is over with the last",
    3,
    [
      [0, "b", "s0 w250"],
      [1, "f0", "s1 w251"],
      [2, "f1", "s2"],
      [3, "f2", "x"],
    ],
  ],
  [
    "the last failure ends it only when nothing is under way",
    2,
    [
      [0, "b", "s0 w250"],
      [250, "t", "s1"],
      [260, "f1", ""],
      [300, "f0", "x"],
    ],
  ],
  [
    "a timer that fires early waits for the rest",
    2,
    [
      [0, "b", "s0 w250"],
      [249, "t", "w250"],
      [250, "t", "s1"],
      [900, "t", ""],
    ],
  ],
  [
    "an attempt that reports twice starts nothing",
    3,
    [
      [0, "b", "s0 w250"],
      [10, "f0", "s1 w260"],
      [11, "f0", ""],
      [12, "o0", ""],
    ],
  ],
  [
    "stop cancels what is under way, and nothing comes after",
    3,
    [
      [0, "b", "s0 w250"],
      [250, "t", "s1 w500"],
      [300, "stop", "c0 c1"],
      [301, "o0", ""],
      [302, "f1", ""],
      [500, "t", ""],
      [501, "stop", ""],
      [502, "b", ""],
    ],
  ],
  [
    "what losers report after the end counts for nothing",
    2,
    [
      [0, "b", "s0 w250"],
      [250, "t", "s1"],
      [260, "o1", "c0 d1"],
      [261, "o0", ""],
      [262, "f0", ""],
      [263, "o1", ""],
    ],
  ],
  [
    "reports of attempts that never began count for nothing",
    2,
    [
      [0, "o0", ""],
      [0, "t", ""],
      [0, "b", "s0 w250"],
      [1, "b", ""],
      [1, "o1", ""],
      [2, "f7", ""],
      [3, "f0", "s1"],
      [4, "f0", ""],
    ],
  ],
];

describe("Race", () => {
  it.each(GAMES)("B3 %s", (_, candidates, steps) => {
    const race = new Race<string>(candidates);
    for (const step of steps) expect([step[0], step[1], play(race, step)]).toEqual(step);
  });

  it("B3 records every attempt for the establishment report", () => {
    const race = new Race<string>(4);
    race.begin(1_000);
    race.failed(0, "refused", 1_010);
    race.elapsed(1_260);
    race.succeeded(2, 1_300);
    expect(race.attempts).toEqual([
      { index: 0, startedAt: 1_000, endedAt: 1_010, outcome: "failed", error: "refused" },
      { index: 1, startedAt: 1_010, endedAt: 1_300, outcome: "cancelled", error: undefined },
      { index: 2, startedAt: 1_260, endedAt: 1_300, outcome: "won", error: undefined },
    ]);
    expect([race.isOver, race.errors]).toEqual([true, ["refused"]]);
  });

  it("is over once it is lost", () => {
    const race = new Race<string>(1);
    race.begin(0);
    expect(race.isOver).toBe(false);
    race.failed(0, "refused", 1);
    expect([race.isOver, race.errors]).toEqual([true, ["refused"]]);
  });

  it("needs a candidate", () => {
    expect(() => new Race(0)).toThrow(RangeError);
  });
});

// A world in which candidate i answers after `after` ms, well or not (or never).
const answer = fc.record({
  after: fc.oneof(fc.nat(900), fc.constant(Number.POSITIVE_INFINITY)),
  ok: fc.boolean(),
});

interface Outcome {
  starts: { index: number; at: number; afterFailure: boolean }[];
  cancelled: number[];
  ends: RaceAction[];
}

function simulate(answers: readonly { after: number; ok: boolean }[], early: number): Outcome {
  const race = new Race<string>(answers.length);
  const outcome: Outcome = { starts: [], cancelled: [], ends: [] };
  const pending = new Map<number, number>();
  let waitUntil = Number.POSITIVE_INFINITY;
  const apply = (actions: RaceAction[], now: number, afterFailure: boolean) => {
    for (const action of actions) {
      if (action.type === "start") {
        outcome.starts.push({ index: action.index, at: now, afterFailure });
        pending.set(action.index, now + (answers[action.index]?.after ?? 0));
      } else if (action.type === "cancel") {
        outcome.cancelled.push(action.index);
        expect(pending.delete(action.index)).toBe(true);
      } else if (action.type === "wait") {
        waitUntil = action.until;
      } else {
        outcome.ends.push(action);
      }
    }
  };
  apply(race.begin(0), 0, false);
  for (let turns = 0; turns < 1_000; turns++) {
    const next = [...pending].sort((a, b) => a[1] - b[1])[0];
    const answerAt = next?.[1] ?? Number.POSITIVE_INFINITY;
    if (answerAt === Number.POSITIVE_INFINITY && waitUntil === answerAt) break;
    if (waitUntil < answerAt) {
      const now = waitUntil;
      waitUntil = Number.POSITIVE_INFINITY;
      if (early > 0) apply(race.elapsed(now - early), now - early, false);
      apply(race.elapsed(now), now, false);
    } else if (next !== undefined) {
      pending.delete(next[0]);
      const { ok } = answers[next[0]] as { ok: boolean };
      apply(
        ok ? race.succeeded(next[0], answerAt) : race.failed(next[0], "no", answerAt),
        answerAt,
        true,
      );
    }
    if (race.isOver) waitUntil = Number.POSITIVE_INFINITY;
  }
  expect(pending.size === 0 || !race.isOver).toBe(true);
  return outcome;
}

describe("Race against any network", () => {
  const world = fc.tuple(fc.array(answer, { minLength: 1, maxLength: 8 }), fc.nat(100));

  it("B3 tries each candidate at most once, in order", () => {
    fc.assert(
      fc.property(world, ([answers, early]) => {
        const { starts } = simulate(answers, early);
        expect(starts.map(({ index }) => index)).toEqual([...starts.keys()]);
        expect(starts.length).toBeLessThanOrEqual(answers.length);
      }),
    );
  });

  it("B3 has one winner if any candidate can answer, else one failure or a wait", () => {
    fc.assert(
      fc.property(world, ([answers, early]) => {
        const { ends } = simulate(answers, early);
        const canWin = answers.some(({ after, ok }) => ok && after < Number.POSITIVE_INFINITY);
        const hangs = answers.some(({ after }) => after === Number.POSITIVE_INFINITY);
        if (canWin) expect(ends).toEqual([{ type: "done", winner: expect.any(Number) }]);
        else expect(ends).toEqual(hangs ? [] : [{ type: "failed" }]);
      }),
    );
  });

  it("B3 cancels every loser that is under way, and only those", () => {
    fc.assert(
      fc.property(world, ([answers, early]) => {
        const { ends, cancelled, starts } = simulate(answers, early);
        const [won] = ends;
        if (won?.type !== "done") {
          expect(cancelled).toEqual([]);
          return;
        }
        const { at } = starts[won.winner] as { at: number };
        const wonAt = at + (answers[won.winner]?.after ?? 0);
        const losers = starts.filter(
          ({ index, at: began }) =>
            index !== won.winner && began + (answers[index]?.after ?? 0) > wonAt,
        );
        for (const { index } of losers) expect(cancelled).toContain(index);
        expect(cancelled).not.toContain(won.winner);
        expect(new Set(cancelled).size).toBe(cancelled.length);
      }),
    );
  });

  it("B3 starts one in 250 ms and no more, unless one failed", () => {
    fc.assert(
      fc.property(world, ([answers, early]) => {
        const { starts } = simulate(answers, early);
        for (const [i, { at, afterFailure }] of starts.entries()) {
          const before = starts[i - 1];
          if (before === undefined) continue;
          if (!afterFailure) expect(at - before.at).toBe(HAPPY_EYEBALLS_DELAY_MS);
          expect(at - before.at).toBeLessThanOrEqual(HAPPY_EYEBALLS_DELAY_MS);
        }
      }),
    );
  });
});
