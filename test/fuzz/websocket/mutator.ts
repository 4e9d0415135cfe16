// Mutations of inputs, repeatable from a seed.

export class Mutator {
  private state: number;
  private readonly dictionary: readonly Buffer[];
  private readonly maxBytes: number;

  constructor(seed: number, dictionary: readonly Buffer[], maxBytes: number) {
    this.state = seed >>> 0 || 1;
    this.dictionary = dictionary;
    this.maxBytes = maxBytes;
  }

  /** A mutation of one of the pool's inputs, the newest more often; noise where it is empty. */
  next(pool: readonly Buffer[]): Buffer {
    const newest =
      this.below(3) === 0 ? pool.length - 1 - this.below(Math.min(8, pool.length)) : -1;
    let input = pool[newest >= 0 ? newest : this.below(pool.length)] ?? this.noise();
    for (let rounds = 1 + this.below(4); rounds > 0; rounds--) input = this.mutate(input, pool);
    return input.subarray(0, this.maxBytes);
  }

  /** A whole number from 0 to `bound` - 1 (xorshift32). */
  below(bound: number): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return bound > 0 ? this.state % bound : 0;
  }

  private mutate(input: Buffer, pool: readonly Buffer[]): Buffer {
    const at = this.below(input.length + 1);
    const span = 1 + this.below(8);
    switch (this.below(8)) {
      case 0:
        return this.replace(input, at, 1, Buffer.from([(input[at] ?? 0) ^ (1 << this.below(8))]));
      case 1:
        return this.replace(input, at, 1, Buffer.from([this.below(256)]));
      case 2:
        return this.replace(input, at, span, Buffer.alloc(0));
      case 3:
        return this.replace(input, at, 0, this.noise());
      case 4:
        return this.replace(input, at, 0, input.subarray(at, at + span * this.below(20)));
      case 5:
        return this.replace(input, at, this.below(2) * span, this.word());
      case 6: {
        const other = pool[this.below(pool.length)] ?? this.noise();
        return Buffer.concat([input.subarray(0, at), other.subarray(this.below(other.length + 1))]);
      }
      default:
        return this.replace(
          input,
          at,
          1,
          Buffer.from([((input[at] ?? 0) + this.below(9) - 4) & 0xff]),
        );
    }
  }

  private word(): Buffer {
    return this.dictionary[this.below(this.dictionary.length)] ?? this.noise();
  }

  private noise(): Buffer {
    return Buffer.from(Array.from({ length: 1 + this.below(6) }, () => this.below(256)));
  }

  private replace(input: Buffer, at: number, count: number, piece: Buffer): Buffer {
    return Buffer.concat([input.subarray(0, at), piece, input.subarray(at + count)]);
  }
}
