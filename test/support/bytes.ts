// Bytes for transfers, and how to compare many of them.
import { createHash } from "node:crypto";

/** Bytes without a period that a lost or doubled block could hide in. */
export function pattern(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let at = 0; at < length; at++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}

/** Length and hash: equal for equal bytes. */
export function fingerprint(bytes: Uint8Array | string): string {
  const hash = createHash("sha256").update(bytes).digest("hex");
  return `${bytes.length} bytes, sha256 ${hash}`;
}
