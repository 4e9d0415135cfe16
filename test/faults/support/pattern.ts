// Bytes whose every position is known, so that a loss, a repetition or a mix-up shows.

/** `length` bytes of the endless pattern, from `offset` on. The peers make the same. */
export function patternOf(offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index++) {
    const at = offset + index;
    // 251 is prime, so that the pattern does not repeat at any power of two.
    bytes[index] = ((at % 251) + ((at / 251) | 0)) & 0xff;
  }
  return bytes;
}
