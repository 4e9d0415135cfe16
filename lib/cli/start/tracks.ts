// All connections that the page shows: those that are open, and the last ones that ended.
// Not here: what is known of one (track.ts).

import { type Facts, type Kind, Track } from "./track.ts";

/** Open ones in one report; the page says how many there are besides. */
export const MAX_SHOWN = 24;
/** Ended ones in one report, and how long they stay. */
export const MAX_ENDED = 6;
export const ENDED_SHOWN_MS = 60_000;

/** What the page gets of the connections, again and again. */
export interface Report {
  /** Open ones, those that are left out included. */
  readonly open: number;
  readonly connections: readonly Facts[];
}

export class Tracks {
  readonly #open = new Map<number, Track>();
  #ended: Track[] = [];
  #nextId = 1;

  /** One that begins; it is shown from `opened` on. */
  begin(kind: Kind, label: string, nowMs: number, heartbeat?: Facts["heartbeat"]): Track {
    return new Track(this.#nextId++, kind, label, nowMs, heartbeat);
  }

  opened(track: Track): void {
    this.#open.set(track.id, track);
  }

  ended(track: Track): void {
    if (!this.#open.delete(track.id)) return;
    this.#ended.push(track);
    if (this.#ended.length > MAX_ENDED) this.#ended.shift();
  }

  /** An open one. */
  find(id: number): Track | undefined {
    return this.#open.get(id);
  }

  /** Those that are open. */
  get all(): Iterable<Track> & { readonly size: number } {
    const open = this.#open;
    return { size: open.size, [Symbol.iterator]: () => open.values() };
  }

  report(nowMs: number): Report {
    this.#ended = this.#ended.filter(({ endedMs }) => nowMs - (endedMs ?? 0) < ENDED_SHOWN_MS);
    const shown = this.#chosen();
    const connections = [...shown, ...this.#ended].map((track) => track.facts(nowMs));
    return { open: this.#open.size, connections };
  }

  // Those with a name before those without, a page's own for one; the newest first.
  #chosen(): Track[] {
    const newest = [...this.#open.values()].reverse();
    const named = newest.filter(({ label }) => label !== "");
    const others = newest.filter(({ label }) => label === "");
    return [...named, ...others].slice(0, MAX_SHOWN).sort((a, b) => a.id - b.id);
  }
}
