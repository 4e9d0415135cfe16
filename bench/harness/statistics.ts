// Statistics of the benchmark: medians, ratios of medians, bootstrapped intervals. Pure; the
// generator of random numbers is seeded, so that the same samples always give the same interval.
// Nothing here knows what was measured.

/** Two-sided share of the bootstrap's distribution that an interval covers. */
export const INTERVAL_COVERAGE = 0.9;
/** Resamples behind one interval. */
export const BOOTSTRAP_RESAMPLES = 2_000;
const SEED = 0x5eed;

/** A point estimate with the lower and upper end of its interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Numbers in [0, 1) from a 32-bit seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * The quantile of sorted numbers, linear between neighbours.
 * @throws RangeError for no numbers, or a quantile outside 0 to 1.
 */
export function quantileOfSorted(sorted: readonly number[], quantile: number): number {
  if (sorted.length === 0) throw new RangeError("a quantile needs at least one number");
  if (!(quantile >= 0 && quantile <= 1)) throw new RangeError(`quantile ${quantile} is not 0 to 1`);
  const position = quantile * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}

/** The median. @throws RangeError for no numbers. */
export function median(values: readonly number[]): number {
  return quantileOfSorted([...values].sort(ascending), 0.5);
}

function ascending(left: number, right: number): number {
  return left - right;
}

/** A statistic over rounds, with the interval that resampling those rounds gives. */
function bootstrap(rounds: number, statistic: (picks: readonly number[]) => number): Estimate {
  const all = Array.from({ length: rounds }, (_, index) => index);
  const random = seededRandom(SEED);
  const resampled: number[] = [];
  const picks = new Array<number>(rounds);
  for (let resample = 0; resample < BOOTSTRAP_RESAMPLES; resample++) {
    for (let index = 0; index < rounds; index++) picks[index] = Math.floor(random() * rounds);
    resampled.push(statistic(picks));
  }
  resampled.sort(ascending);
  const tail = (1 - INTERVAL_COVERAGE) / 2;
  return {
    value: statistic(all),
    low: quantileOfSorted(resampled, tail),
    high: quantileOfSorted(resampled, 1 - tail),
  };
}

function picked(values: readonly number[], picks: readonly number[]): number[] {
  return picks.map((index) => values[index] as number);
}

/** The median with its interval. @throws RangeError for no numbers. */
export function estimateMedian(values: readonly number[]): Estimate {
  if (values.length === 0) throw new RangeError("an estimate needs at least one round");
  return bootstrap(values.length, (picks) => median(picked(values, picks)));
}

/**
 * The ratio of the medians of two subjects. Rounds are interleaved, so round n of one stands
 * beside round n of the other: they are resampled together, and drift of the machine cancels.
 * @throws RangeError where one has no round; the surplus of the longer one is left out.
 */
export function estimateRatio(
  numerators: readonly number[],
  denominators: readonly number[],
): Estimate {
  const rounds = Math.min(numerators.length, denominators.length);
  if (rounds === 0) throw new RangeError("a ratio needs at least one round of both subjects");
  return bootstrap(
    rounds,
    (picks) => median(picked(numerators, picks)) / median(picked(denominators, picks)),
  );
}

/** The difference of the medians of two subjects, resampled as in {@link estimateRatio}. */
export function estimateDifference(
  minuends: readonly number[],
  subtrahends: readonly number[],
): Estimate {
  const rounds = Math.min(minuends.length, subtrahends.length);
  if (rounds === 0) throw new RangeError("a difference needs at least one round of both subjects");
  return bootstrap(
    rounds,
    (picks) => median(picked(minuends, picks)) - median(picked(subtrahends, picks)),
  );
}
