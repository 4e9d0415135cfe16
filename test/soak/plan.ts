// What a soak does, step by step, as a function of its seed: step 17 of seed 4 is the same in every
// run, alone or among others. Pure. Not here: how a step is carried out (steps.ts).

export const TRANSPORTS = ["tcp", "unix", "tls", "ws", "udp"] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** How a step ends, and what each side must then have seen. */
export const ENDINGS = [
  /** Who has sent and received everything closes: both have all, and a clean end. */
  "client closes",
  "server closes",
  /** FIN after the last byte; the other side answers only then (B16). */
  "half close",
  /** `close()` right after the last `write`: not a byte of it is lost (B18). */
  "close at once",
  /** RST in the middle: the other side fails, what it has is a beginning. */
  "client aborts",
  "server aborts",
  /** A middlebox resets both. */
  "cut",
] as const;
export type Ending = (typeof ENDINGS)[number];

/** What hinders the bytes meanwhile. */
export const HINDRANCES = ["none", "slow client", "slow server", "stall"] as const;
export type Hindrance = (typeof HINDRANCES)[number];

export interface Step {
  readonly index: number;
  readonly transport: Transport;
  readonly ending: Ending;
  readonly hindrance: Hindrance;
  /** From client to server and back, in bytes. */
  readonly upBytes: number;
  readonly downBytes: number;
  readonly chunkBytes: number;
  /** Where an abort or a cut happens: a share of what is to be sent. */
  readonly cutAt: number;
  /** Of the bytes. */
  readonly patternSeed: number;
}

/** Numbers from 0 to 1 that follow from a seed (Marsaglia's xorshift32). */
export function randomOf(seed: number): () => number {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

const MOST_BYTES = 400_000;

export function stepOf(seed: number, index: number): Step {
  const random = randomOf(Math.imul(seed, 1_000_003) + index);
  for (let warmUp = 0; warmUp < 8; warmUp++) random();
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  // Small ones are as frequent as large ones.
  const size = () => Math.floor(MOST_BYTES ** random());
  const transport = pick(TRANSPORTS);
  let ending = pick(ENDINGS);
  let hindrance = pick(HINDRANCES);
  // A WebSocket has no half of an end; nobody stands between the ends of a Unix socket; UDP has
  // no end at all.
  if (transport === "ws" && ending === "half close") ending = "client closes";
  if (transport === "unix" && ending === "cut") ending = "client aborts";
  if (transport === "unix" && hindrance === "stall") hindrance = "slow server";
  // Who hands on what comes late cannot say how it ended.
  if (hindrance === "stall" && ending.endsWith("aborts")) hindrance = "none";
  if (transport === "udp") {
    ending = "client closes";
    hindrance = "none";
  }
  return {
    index,
    transport,
    ending,
    hindrance,
    upBytes: size(),
    downBytes: size(),
    chunkBytes: Math.max(1, Math.floor(65_536 ** random())),
    cutAt: random(),
    patternSeed: 1 + Math.floor(random() * 1_000_000),
  };
}
