// The bytes of one message that arrives in pieces: one buffer that grows as bytes arrive, so that
// neither a declared length nor a flood of tiny pieces reserves memory. No protocol here.

import { ownedCopy } from "../../core/owned-bytes.ts";
import { FIRST_ASSEMBLY_BYTES } from "./limits.ts";

export class Assembly {
  private bytes: Buffer = EMPTY;
  /** Bytes held. */
  length = 0;

  /**
   * Copies `source[start, end)` behind what is there. `expected` is what the message is known to
   * need in all; it only rounds a growth, which at most doubles what has arrived.
   */
  append(source: Uint8Array, start: number, end: number, expected: number): void {
    const needed = this.length + (end - start);
    if (needed > this.bytes.length) this.grow(needed, expected);
    if (end - start <= 32) {
      const bytes = this.bytes;
      for (let from = start, to = this.length; from < end; from++, to++) {
        bytes[to] = source[from] as number;
      }
    } else {
      this.bytes.set(source.subarray(start, end), this.length);
    }
    this.length = needed;
  }

  private grow(needed: number, expected: number): void {
    const doubled = Math.max(needed * 2, FIRST_ASSEMBLY_BYTES);
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(doubled, expected)));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** The whole as an owned Buffer, without more than a quarter of unused memory behind it. */
  take(): Buffer {
    const { bytes, length } = this;
    this.bytes = EMPTY;
    this.length = 0;
    if (bytes.length === length) return bytes;
    const whole = bytes.subarray(0, length);
    return bytes.length - length > length >>> 2 ? ownedCopy(whole, 0, length) : whole;
  }
}

const EMPTY = Buffer.alloc(0);
