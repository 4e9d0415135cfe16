// The nearest of a list of names to one that was not found.
// Not here: the errors that carry the suggestion (arguments.ts).

/**
 * Number of single-character insertions, deletions, replacements and swaps of neighbours that lead
 * from one text to the other (optimal string alignment). O(a.length x b.length).
 */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last: number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, at(before, j - 2) + 1);
      }
      row.push(best);
    }
    before = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}

// Longer names are cut before they are compared, so that a hostile key costs no time.
const LONGEST_COMPARED = 64;
const SHORTEST_PART = 4;

export interface Suggestion {
  readonly name: string;
  /** Near enough to be meant; otherwise it is only the nearest there is. */
  readonly near: boolean;
}

/** The known name nearest to `wanted`, letter case aside; undefined only for an empty list. */
export function nearestName(wanted: string, known: Iterable<string>): Suggestion | undefined {
  const text = wanted.slice(0, LONGEST_COMPARED).toLowerCase();
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const score = distance(text, name.toLowerCase());
    if (score < least) {
      least = score;
      best = name;
    }
  }
  if (best === undefined) return undefined;
  return { name: best, near: least <= Math.max(1, Math.floor(text.length / 3)) };
}

// `timeout` means `idleTimeout` rather than `family`, though more letters differ.
function distance(wanted: string, name: string): number {
  const edits = editDistance(wanted, name);
  const [short, long] = wanted.length < name.length ? [wanted, name] : [name, wanted];
  if (short.length >= SHORTEST_PART && long.includes(short)) return Math.min(edits, 1);
  return edits;
}
