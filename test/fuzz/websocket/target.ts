// What a fuzz target is, and what several of them share.

export interface Target {
  readonly name: string;
  /** Throws when an invariant does not hold. */
  run(input: Buffer): void;
  readonly seeds: readonly Buffer[];
  /** Pieces worth putting in. */
  readonly dictionary: readonly Buffer[];
}

/** Small, so that an input can reach them. */
export const LIMITS = {
  maxMessageBytes: 500,
  maxFragments: 6,
  maxControlFramesPerSecond: 20,
  maxQueuedBytes: 100_000,
};
export const hex = (text: string) => Buffer.from(text, "hex");

/** Frames and pieces of frames. */
export const FRAME_WORDS = [
  "8100",
  "810161",
  "0100",
  "0000",
  "8000",
  "8200",
  "8900",
  "8a00",
  "880203e8",
  "8800",
  "c100",
  "c10100",
  "7e0080",
  "7f0000000000010000",
  "f0908080",
  "e28282",
  "edA080",
  "ff",
  "81850000000048656c6c6f",
].map(hex);
