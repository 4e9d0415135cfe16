// UTF-8 (RFC 3629) as RFC 6455 section 8.1 wants it: validation that goes on across pieces and
// fails at the first bad byte, and decoding of what is known to be valid.

import { isUtf8 } from "node:buffer";

/** Below this many bytes a loop is cheaper than the view that isUtf8 needs. */
const LOOP_BELOW_BYTES = 48;

/**
 * Validates a text that arrives in pieces. What is accepted so far is always the beginning of
 * some valid text: overlong forms, surrogates and values above U+10FFFF fail at the byte that
 * makes them so.
 */
export class Utf8Validator {
  /** Continuation bytes that the sequence under way still needs. */
  private needed = 0;
  /** Range of the next continuation byte: narrower after E0, ED, F0 and F4. */
  private low = 0x80;
  private high = 0xbf;

  /** True when no sequence is under way. */
  get complete(): boolean {
    return this.needed === 0;
  }

  reset(): void {
    this.needed = 0;
    this.low = 0x80;
    this.high = 0xbf;
  }

  /** Takes `bytes[start, end)`; false at the first bad byte, after which only reset() helps. */
  push(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start;
    while (this.needed > 0 && at < end) {
      if (!this.step(bytes[at++] as number)) return false;
    }
    if (end - at >= LOOP_BELOW_BYTES) {
      const tail = incompleteTail(bytes, at, end);
      if (!isUtf8(bytes.subarray(at, tail))) return false;
      at = tail;
    }
    while (at < end) {
      const byte = bytes[at++] as number;
      if ((byte >= 0x80 || this.needed > 0) && !this.step(byte)) return false;
    }
    return true;
  }

  private step(byte: number): boolean {
    if (this.needed > 0) {
      if (byte < this.low || byte > this.high) return false;
      this.needed--;
      this.low = 0x80;
      this.high = 0xbf;
      return true;
    }
    if (byte < 0x80) return true;
    if (byte < 0xc2 || byte > 0xf4) return false;
    if (byte < 0xe0) {
      this.needed = 1;
    } else if (byte < 0xf0) {
      this.needed = 2;
      if (byte === 0xe0) this.low = 0xa0;
      if (byte === 0xed) this.high = 0x9f;
    } else {
      this.needed = 3;
      if (byte === 0xf0) this.low = 0x90;
      if (byte === 0xf4) this.high = 0x8f;
    }
    return true;
  }
}

/** Where a last sequence begins that may be cut off at `end`; `end` when none can be. */
function incompleteTail(bytes: Uint8Array, start: number, end: number): number {
  for (let back = 1; back <= 3 && end - back >= start; back++) {
    const byte = bytes[end - back] as number;
    if (byte >= 0xc0) return end - back;
    if (byte < 0x80) return end;
  }
  return end;
}

/** Whether `bytes[start, end)` is valid UTF-8 as a whole. */
export function isValidUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start >= LOOP_BELOW_BYTES) return isUtf8(bytes.subarray(start, end));
  for (let at = start; at < end; at++) {
    if ((bytes[at] as number) >= 0x80) return isUtf8(bytes.subarray(at, end));
  }
  return true;
}

/** What node decodes every bad sequence to; valid text may contain it too. */
const REPLACEMENT = "\ufffd";

/**
 * The string of `bytes[start, end)`, or null where that is not valid UTF-8. Decodes first: only a
 * string with a replacement character is in doubt, and looking for one costs next to nothing.
 */
export function decodeUtf8(bytes: Buffer, start: number, end: number): string | null {
  const text = bytes.toString("utf8", start, end);
  if (text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(start, end))) return null;
  return text;
}
