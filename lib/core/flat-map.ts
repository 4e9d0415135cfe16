// A map whose keys are a fixed number of 32-bit words in a typed array, such as addresses: looking
// up allocates nothing. Open addressing with linear probing; the hash is seeded, since whoever
// chooses the source address of a datagram chooses a key. Not here: a bound on how many there are
// (each owner has its own).

const LEAST_PLACES = 16;
/** Grown when more than this share of the places is taken. */
const MOST_FILLED = 0.6;

const seed = (Math.random() * 0x1_0000_0000) | 0;

export class FlatMap<V> {
  readonly #words: number;
  #keys: Int32Array;
  #values: (V | undefined)[];
  #mask: number;
  #size = 0;

  /** @param words of one key */
  constructor(words: number) {
    this.#words = words;
    this.#keys = new Int32Array(LEAST_PLACES * words);
    this.#values = new Array<V | undefined>(LEAST_PLACES).fill(undefined);
    this.#mask = LEAST_PLACES - 1;
  }

  get size(): number {
    return this.#size;
  }

  /** The value of the key that stands at `at` in `source`. */
  get(source: Int32Array, at: number): V | undefined {
    return this.#values[this.#find(source, at)];
  }

  set(source: Int32Array, at: number, value: V): void {
    let place = this.#find(source, at);
    if (this.#values[place] === undefined) {
      if (this.#size + 1 > MOST_FILLED * (this.#mask + 1)) {
        this.#resize(2 * (this.#mask + 1));
        place = this.#find(source, at);
      }
      this.#size++;
      for (let i = 0; i < this.#words; i++) {
        this.#keys[place * this.#words + i] = source[at + i] as number;
      }
    }
    this.#values[place] = value;
  }

  /** Whether it was there. */
  delete(source: Int32Array, at: number): boolean {
    let hole = this.#find(source, at);
    if (this.#values[hole] === undefined) return false;
    // Those behind move up, so that no search ends at the hole before it has met them.
    for (
      let place = this.#next(hole);
      this.#values[place] !== undefined;
      place = this.#next(place)
    ) {
      const home = this.#hash(this.#keys, place * this.#words) & this.#mask;
      const distance = (place - home) & this.#mask;
      if (distance < ((place - hole) & this.#mask)) continue;
      this.#move(place, hole);
      hole = place;
    }
    this.#values[hole] = undefined;
    this.#size--;
    const places = this.#mask + 1;
    if (places > LEAST_PLACES && this.#size < (MOST_FILLED * places) / 8) this.#resize(places / 2);
    return true;
  }

  clear(): void {
    this.#keys = new Int32Array(LEAST_PLACES * this.#words);
    this.#values = new Array<V | undefined>(LEAST_PLACES).fill(undefined);
    this.#mask = LEAST_PLACES - 1;
    this.#size = 0;
  }

  #next(place: number): number {
    return (place + 1) & this.#mask;
  }

  #move(from: number, to: number): void {
    const words = this.#words;
    this.#keys.copyWithin(to * words, from * words, (from + 1) * words);
    this.#values[to] = this.#values[from];
  }

  // Where it is, or where it would be.
  #find(source: Int32Array, at: number): number {
    const words = this.#words;
    const keys = this.#keys;
    let place = this.#hash(source, at) & this.#mask;
    for (; this.#values[place] !== undefined; place = (place + 1) & this.#mask) {
      const key = place * words;
      let i = 0;
      while (i < words && keys[key + i] === source[at + i]) i++;
      if (i === words) break;
    }
    return place;
  }

  // The mixing steps of MurmurHash3 with 32 bits.
  #hash(source: Int32Array, at: number): number {
    let hash = seed;
    for (let i = 0; i < this.#words; i++) {
      let word = Math.imul(source[at + i] as number, 0xcc9e2d51);
      word = Math.imul((word << 15) | (word >>> 17), 0x1b873593);
      hash ^= word;
      hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  }

  #resize(places: number): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Int32Array(places * this.#words);
    this.#values = new Array<V | undefined>(places).fill(undefined);
    this.#mask = places - 1;
    for (let place = 0; place < values.length; place++) {
      const value = values[place];
      if (value === undefined) continue;
      const to = this.#find(keys, place * this.#words);
      this.#keys.set(
        keys.subarray(place * this.#words, (place + 1) * this.#words),
        to * this.#words,
      );
      this.#values[to] = value;
    }
  }
}
