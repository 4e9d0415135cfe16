// What the page knows of one connection.

import { describe, expect, test } from "vitest";
import type { Connection } from "../../../lib/index.ts";
import { MAX_MOMENTS, type Subject, Track } from "../../../lib/cli/start/track.ts";

class FakeSubject implements Subject {
  state: Subject["state"] = "ready";
  bytesRead = 0;
  bytesWritten = 0;
  writableNeedDrain = false;
  calls: string[] = [];
  pause = () => this.calls.push("pause");
  resume = () => this.calls.push("resume");
  close = () => this.calls.push("close");
}

const CONNECTION = {
  remoteAddress: "::1",
  remoteFamily: "IPv6",
  remotePort: 4_000,
  options: { keepAlive: { idle: 60_000, interval: 10_000, count: 3 } },
  info: () => ({ roundTripTimeMs: 0.25, roundTripTimeVarianceMs: 0.125 }),
} as unknown as Connection<never>;

function opened(track = new Track(1, "ws", "page-1", 1_000)): [Track, FakeSubject] {
  const subject = new FakeSubject();
  track.opened(subject, CONNECTION, 1_010);
  return [track, subject];
}

const events = (track: Track, nowMs = 2_000) =>
  track.facts(nowMs).history.map(({ event, atMs, note }) => `${event} ${atMs} ${note}`.trim());

describe("a track", () => {
  test("has the facts of its connection", () => {
    const [track, subject] = opened();
    Object.assign(subject, { bytesRead: 5, bytesWritten: 7 });
    expect(track.facts(3_000)).toEqual({
      id: 1,
      kind: "ws",
      label: "page-1",
      peer: "[::1]:4000",
      state: "ready",
      isSilent: false,
      isOver: false,
      ageMs: 2_000,
      bytesIn: 5,
      bytesOut: 7,
      roundTripMs: 0.25,
      roundTripVarianceMs: 0.125,
      keepAlive: { idle: 60_000, interval: 10_000, count: 3 },
      heartbeat: null,
      history: [
        { event: "preparing", atMs: 0, note: "" },
        { event: "ready", atMs: 10, note: "" },
      ],
    });
  });

  test("notes states as it sees them, each once, and the end with its reason", () => {
    const [track, subject] = opened();
    subject.state = "closing";
    track.facts(1_500);
    track.facts(1_600);
    track.ended("failed", "ECONNRESET", 1_700);
    expect(events(track)).toEqual([
      "preparing 0",
      "ready 10",
      "closing 500",
      "failed 700 ECONNRESET",
    ]);
    expect(track.facts(9_000)).toMatchObject({ isOver: true, ageMs: 700, roundTripMs: null });
  });

  test("that is silent is paused, and nothing but answering resumes it", () => {
    const [track, subject] = opened();
    track.silence(true, 1_100);
    track.silence(true, 1_150);
    track.drained();
    expect(subject.calls).toEqual(["pause"]);
    expect(track.facts(1_200)).toMatchObject({ isSilent: true, state: "ready" });
    track.silence(false, 1_300);
    expect(subject.calls).toEqual(["pause", "resume"]);
    expect(events(track)).toEqual([
      "preparing 0",
      "ready 10",
      "not answering 100",
      "answering 300",
    ]);
  });

  test("answers again only when what waits has gone", () => {
    const [track, subject] = opened();
    track.silence(true, 1_100);
    subject.writableNeedDrain = true;
    track.silence(false, 1_200);
    expect(subject.calls).toEqual(["pause"]);
    subject.writableNeedDrain = false;
    track.drained();
    expect(subject.calls).toEqual(["pause", "resume"]);
  });

  test("is not silenced before it is open or after its end", () => {
    const early = new Track(2, "tcp", "", 0);
    early.silence(true, 1);
    early.close();
    expect(early.isSilent).toBe(false);
    const [late, subject] = opened();
    late.ended("closed", "", 1_100);
    late.silence(true, 1_200);
    expect([late.isSilent, subject.calls]).toEqual([false, []]);
  });

  test("keeps its first moment and the latest", () => {
    const [track] = opened();
    for (let n = 0; n < 20; n++) track.silence(n % 2 === 0, 1_100 + n);
    const kept = events(track);
    expect(kept).toHaveLength(MAX_MOMENTS);
    expect([kept[0], kept.at(-1)]).toEqual(["preparing 0", "answering 119"]);
  });

  test("without keepalive says so", () => {
    const track = new Track(1, "tcp", "", 0);
    const connection = { ...CONNECTION, options: { keepAlive: false } };
    track.opened(new FakeSubject(), connection as unknown as Connection<never>, 1);
    expect(track.facts(2).keepAlive).toBeNull();
  });
});
