// THE queue of the library: chunks of bytes or whole messages, counted in bytes, with a high and a
// low mark. Received bytes, received messages and the outbox are all one of these.
// Not here: who fills and empties it, promises, callbacks.
//
// An empty queue holds no memory besides itself; an idle connection has none at all (its owner
// makes one when there is something to hold).

import { COPY_THRESHOLD_BYTES, OWNED_BLOCK_BYTES } from "./limits.ts";
import { allocateOwned } from "./owned-bytes.ts";

export interface QueueOptions {
  /** Bytes from which on the queue is `above`. */
  readonly high: number;
  /** Bytes down to which it must sink to be so no more. Default: half of `high`. */
  readonly low?: number | undefined;
  /** What each item counts for besides its bytes when it is compared with the marks. Default 0. */
  readonly itemOverhead?: number | undefined;
}

type Slot<T> = T | number | undefined;

// Items and their sizes alternate in one ring, whose length is a power of two.
const FIRST_CAPACITY = 8;
const NONE: Slot<never>[] = [];

export class Queue<T extends string | Uint8Array = Buffer> {
  #ring: Slot<T>[] = NONE;
  #head = 0;
  #length = 0;
  #bytes = 0;
  #high: number;
  #low: number;
  #above = false;
  readonly #itemOverhead: number;
  // The block that the last chunk is part of, and how much of it is filled; 0 where there is none.
  #block: Buffer | undefined = undefined;
  #blockUsed = 0;

  constructor(options: QueueOptions) {
    this.#high = options.high;
    this.#low = options.low ?? options.high >>> 1;
    this.#itemOverhead = options.itemOverhead ?? 0;
  }

  /** Bytes held; exactly, without overhead. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Items held. */
  get length(): number {
    return this.#length;
  }

  get high(): number {
    return this.#high;
  }

  get low(): number {
    return this.#low;
  }

  /**
   * True from when the high mark is reached until the low mark is. So `write` says `!above`, and
   * `drain` is due when this turns false.
   */
  get above(): boolean {
    return this.#above;
  }

  /** Moves the marks; `above` is judged anew by them. */
  setMarks(high: number, low: number = high >>> 1): void {
    this.#high = high;
    this.#low = low;
    if (this.#above) this.#sink();
    else this.#rise();
  }

  /**
   * Adds one item, by reference.
   *
   * @param size its bytes, where they are known already: those of a string are counted
   * @returns whether more is welcome: `!above`
   */
  push(item: T, size: number = sizeOf(item)): boolean {
    this.#block = undefined;
    this.#put(item, size);
    return !this.#above;
  }

  /** Takes out the first item, whole. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head] as T;
    this.#drop(this.#ring[this.#head + 1] as number);
    this.#sink();
    return item;
  }

  /** The item at `index` (0 is the next one out), left in. A chunk consumed in part is its rest. */
  peek(index = 0): T | undefined {
    if (index >= this.#length) return undefined;
    return this.#ring[(this.#head + 2 * index) & (this.#ring.length - 1)] as T;
  }

  /** Bytes of the item at `index` as they were counted, whatever has become of its memory since. */
  sizeAt(index: number): number {
    if (index >= this.#length) return 0;
    return this.#ring[((this.#head + 2 * index) & (this.#ring.length - 1)) + 1] as number;
  }

  /** Drops everything. */
  clear(): void {
    this.#release();
    this.#bytes = 0;
    this.#length = 0;
    this.#sink();
  }

  /**
   * Adds a copy of some bytes; they may be overwritten afterwards. While bytes wait here, small
   * pieces share blocks, so that a thousand one-byte pieces cost no thousand buffers.
   *
   * @returns whether more is welcome: `!above`
   */
  append(this: Queue<Buffer>, bytes: Uint8Array): boolean {
    const size = bytes.length;
    if (size === 0) return !this.#above;
    const block = this.#block;
    if (block !== undefined && this.#blockUsed + size <= block.length) {
      this.#extend(block, bytes);
      return !this.#above;
    }
    if (this.#length === 0 || size >= COPY_THRESHOLD_BYTES) {
      // Most likely read before more comes: a copy of just its size.
      const copy = allocateOwned(size);
      copy.set(bytes);
      this.#block = undefined;
      this.#put(copy, size);
      return !this.#above;
    }
    const fresh = Buffer.allocUnsafeSlow(OWNED_BLOCK_BYTES);
    fresh.set(bytes);
    this.#put(fresh.subarray(0, size), size);
    this.#block = fresh;
    this.#blockUsed = size;
    return !this.#above;
  }

  /**
   * Takes bytes out: at least `min`, or undefined where fewer are here; never more than `max`.
   * After the end a caller passes a `min` of 0 and gets what is left, or undefined for nothing.
   *
   * A first chunk that fits is given as it is, without a copy, if it is large or alone. Otherwise
   * it is joined with what follows, in one copy: as far as `min` demands, and beyond it only with
   * small chunks, of which a reader wants more than one at a time.
   */
  take(this: Queue<Buffer>, min = 1, max: number = Number.MAX_SAFE_INTEGER): Buffer | undefined {
    if (this.#bytes < min || this.#bytes === 0 || max === 0) return undefined;
    this.#skipEmpty();
    const head = this.peek() as Buffer;
    const size = head.length;
    if (size >= max) {
      this.consume(max);
      return size === max ? head : head.subarray(0, max);
    }
    const want = this.#joined(Math.max(1, Math.min(min, max)), max);
    if (want === size) return this.shift();
    const joined = allocateOwned(want);
    let filled = 0;
    while (filled < want) {
      const chunk = this.peek() as Buffer;
      const part = Math.min(chunk.length, want - filled);
      joined.set(part === chunk.length ? chunk : chunk.subarray(0, part), filled);
      filled += part;
      this.consume(part);
    }
    return joined;
  }

  /**
   * Drops the first `count` bytes, which the kernel has taken or somebody else has read. A chunk
   * that is used in part is replaced by a view of its rest. Not more than `bytes`.
   */
  consume(this: Queue<Buffer>, count: number): void {
    if (count > this.#bytes) throw new RangeError(`${count} bytes of ${this.#bytes}`);
    let left = count;
    while (this.#length > 0) {
      const size = this.#ring[this.#head + 1] as number;
      if (size > left) break;
      left -= size;
      this.#drop(size);
    }
    if (left > 0) {
      const head = this.#ring[this.#head] as Buffer;
      const size = this.#ring[this.#head + 1] as number;
      this.#ring[this.#head] = head.subarray(left, size);
      this.#ring[this.#head + 1] = size - left;
      this.#bytes -= left;
    }
    this.#sink();
  }

  // How much `take` gives where the first chunk is smaller than `max`.
  #joined(this: Queue<Buffer>, min: number, max: number): number {
    let sum = 0;
    for (let i = 0; i < this.#length; i++) {
      const size = (this.peek(i) as Buffer).length;
      const costly = size >= COPY_THRESHOLD_BYTES || sum + size > max;
      if (sum >= min) {
        if (costly || (i === 1 && sum >= COPY_THRESHOLD_BYTES)) return sum;
      } else if (i > 0 && costly && sum + size >= min) {
        return min;
      }
      sum += size;
    }
    return sum;
  }

  #skipEmpty(): void {
    while (this.#length > 1 && this.#ring[this.#head + 1] === 0) this.#drop(0);
  }

  #extend(this: Queue<Buffer>, block: Buffer, bytes: Uint8Array): void {
    block.set(bytes, this.#blockUsed);
    this.#blockUsed += bytes.length;
    const last = (this.#head + 2 * (this.#length - 1)) & (this.#ring.length - 1);
    // The rest of what is there, longer by what came: both end where the block's filled part did.
    const size = (this.#ring[last + 1] as number) + bytes.length;
    this.#ring[last] = block.subarray(this.#blockUsed - size, this.#blockUsed);
    this.#ring[last + 1] = size;
    this.#bytes += bytes.length;
    this.#rise();
  }

  #put(item: T, size: number): void {
    if (2 * this.#length === this.#ring.length) this.#grow();
    const tail = (this.#head + 2 * this.#length) & (this.#ring.length - 1);
    this.#ring[tail] = item;
    this.#ring[tail + 1] = size;
    this.#length++;
    this.#bytes += size;
    this.#rise();
  }

  #drop(size: number): void {
    this.#bytes -= size;
    this.#length--;
    if (this.#length === 0) {
      this.#release();
      return;
    }
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 2) & (this.#ring.length - 1);
  }

  #grow(): void {
    const old = this.#ring;
    const grown = new Array<Slot<T>>(Math.max(FIRST_CAPACITY, 2 * old.length));
    for (let i = 0; i < old.length; i++) {
      grown[i] = old[(this.#head + i) & (old.length - 1)];
    }
    this.#ring = grown;
    this.#head = 0;
  }

  #release(): void {
    this.#ring = NONE;
    this.#head = 0;
    this.#block = undefined;
  }

  #rise(): void {
    if (this.#weight() >= this.#high) this.#above = true;
  }

  #sink(): void {
    if (this.#above && this.#weight() <= this.#low) this.#above = false;
  }

  #weight(): number {
    return this.#bytes + this.#length * this.#itemOverhead;
  }
}

function sizeOf(item: string | Uint8Array): number {
  return typeof item === "string" ? Buffer.byteLength(item) : item.length;
}
