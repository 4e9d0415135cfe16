// The bulk protocol's constants, as in c/bulk.h.
import { Buffer } from "node:buffer";

export const RECEIVE = 0x52; // "R"
export const PATTERN_BYTES = 64 * 1024;

/** 64 KiB that are sent over and over. */
export function makePattern() {
  const pattern = Buffer.allocUnsafeSlow(PATTERN_BYTES);
  for (let index = 0; index < PATTERN_BYTES; index++) {
    pattern[index] = (index * 31 + (index >> 8) * 7) & 255;
  }
  return pattern;
}

/** The answer to a receiving connection: how many bytes came. */
export function encodeCount(count) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(count));
  return bytes;
}
