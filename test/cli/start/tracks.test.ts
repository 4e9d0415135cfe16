// What the page knows of all connections: which are shown, and for how long.

import { expect, test } from "vitest";
import type { Track } from "../../../lib/cli/start/track.ts";
import { ENDED_SHOWN_MS, MAX_ENDED, MAX_SHOWN, Tracks } from "../../../lib/cli/start/tracks.ts";

function add(tracks: Tracks, label = ""): Track {
  const track = tracks.begin("tcp", label, 0);
  tracks.opened(track);
  return track;
}

test("are found while they are open, and numbered", () => {
  const tracks = new Tracks();
  const first = add(tracks);
  const second = add(tracks);
  expect(second.id).toBe(first.id + 1);
  expect(tracks.find(first.id)).toBe(first);
  first.ended("closed", "", 5);
  tracks.ended(first);
  expect(tracks.find(first.id)).toBeUndefined();
  expect([...tracks.all]).toEqual([second]);
  expect(tracks.all.size).toBe(1);
});

test("more than a page shows are counted, and shown are those with names and the newest", () => {
  const tracks = new Tracks();
  const named = add(tracks, "page-1");
  for (let n = 0; n < MAX_SHOWN + 5; n++) add(tracks);
  const { open, connections } = tracks.report(10);
  expect(open).toBe(MAX_SHOWN + 6);
  const newest = Array.from({ length: MAX_SHOWN - 1 }, (_, n) => named.id + 7 + n);
  expect(connections.map(({ id }) => id)).toEqual([named.id, ...newest]);
});

test("the last that ended stay for a while", () => {
  const tracks = new Tracks();
  for (let n = 0; n < MAX_ENDED + 2; n++) {
    const track = add(tracks);
    track.ended("closed", "", n);
    tracks.ended(track);
  }
  const ids = tracks.report(100).connections.map(({ id }) => id);
  expect(ids).toEqual(Array.from({ length: MAX_ENDED }, (_, n) => n + 3));
  expect(tracks.report(ENDED_SHOWN_MS + MAX_ENDED + 2).connections).toEqual([]);
});

test("one that was never open leaves nothing", () => {
  const tracks = new Tracks();
  const track = tracks.begin("ws", "", 0);
  track.ended("closed", "", 1);
  tracks.ended(track);
  expect(tracks.report(2)).toEqual({ open: 0, connections: [] });
});
