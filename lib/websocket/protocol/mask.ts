// Masking (RFC 6455 section 5.3): the XOR and the source of unpredictable keys. A key is one
// int32 whose lowest byte is the first byte of the key on the wire.

import { nodeCrypto } from "../../core/builtins.ts";

/**
 * XORs `length` bytes of `buffer` from `offset` on, in place. `phase` (0 to 3) is the index into
 * the key of the first byte. Native code may stand in for it: the arguments are already right.
 */
export type Unmask = (
  buffer: Uint8Array,
  offset: number,
  length: number,
  mask: number,
  phase: number,
) => void;

const EMPTY = new Uint8Array(0);

/** From here on one view of 32-bit words costs less than single bytes. */
const WORDS_FROM_BYTES = 1_024;

/** The key as it applies to a payload whose first byte has the given phase. */
export function rotateMask(mask: number, phase: number): number {
  const bits = (phase & 3) << 3;
  return bits === 0 ? mask : (mask >>> bits) | (mask << (32 - bits));
}

function unmaskBytes(buffer: Uint8Array, from: number, to: number, key: number): void {
  const key0 = key & 0xff;
  const key1 = (key >>> 8) & 0xff;
  const key2 = (key >>> 16) & 0xff;
  const key3 = key >>> 24;
  let at = from;
  for (const last = to - 3; at < last; at += 4) {
    buffer[at] = (buffer[at] as number) ^ key0;
    buffer[at + 1] = (buffer[at + 1] as number) ^ key1;
    buffer[at + 2] = (buffer[at + 2] as number) ^ key2;
    buffer[at + 3] = (buffer[at + 3] as number) ^ key3;
  }
  if (at < to) buffer[at] = (buffer[at] as number) ^ key0;
  if (at + 1 < to) buffer[at + 1] = (buffer[at + 1] as number) ^ key1;
  if (at + 2 < to) buffer[at + 2] = (buffer[at + 2] as number) ^ key2;
}

/** The portable {@link Unmask}: bytes up to a word's boundary, then words, then bytes. */
export const unmask: Unmask = (buffer, offset, length, mask, phase) => {
  const end = offset + length;
  if (length < WORDS_FROM_BYTES) {
    unmaskBytes(buffer, offset, end, rotateMask(mask, phase));
    return;
  }
  const lead = -(buffer.byteOffset + offset) & 3;
  unmaskBytes(buffer, offset, offset + lead, rotateMask(mask, phase));
  const key = rotateMask(mask, phase + lead);
  const count = (length - lead) >>> 2;
  const words = new Int32Array(buffer.buffer, buffer.byteOffset + offset + lead, count);
  for (let index = 0; index < count; index++) words[index] = (words[index] as number) ^ key;
  unmaskBytes(buffer, offset + lead + (count << 2), end, key);
};

/**
 * Copies and masks in one pass; for short payloads. Source and target may be the same place.
 */
export function copyMasked(
  source: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
  mask: number,
): void {
  const key0 = mask & 0xff;
  const key1 = (mask >>> 8) & 0xff;
  const key2 = (mask >>> 16) & 0xff;
  const key3 = mask >>> 24;
  let index = from;
  let out = at;
  for (const last = to - 3; index < last; index += 4, out += 4) {
    target[out] = (source[index] as number) ^ key0;
    target[out + 1] = (source[index + 1] as number) ^ key1;
    target[out + 2] = (source[index + 2] as number) ^ key2;
    target[out + 3] = (source[index + 3] as number) ^ key3;
  }
  if (index < to) target[out] = (source[index] as number) ^ key0;
  if (index + 1 < to) target[out + 1] = (source[index + 1] as number) ^ key1;
  if (index + 2 < to) target[out + 2] = (source[index + 2] as number) ^ key2;
}

/**
 * The same by words, which takes half the time; for short payloads. Source and target may be the
 * same place.
 */
export function copyMaskedWords(
  source: DataView,
  from: number,
  to: number,
  target: DataView,
  at: number,
  mask: number,
): void {
  let index = from;
  let out = at;
  for (const last = to - 3; index < last; index += 4, out += 4) {
    target.setInt32(out, source.getInt32(index, true) ^ mask, true);
  }
  for (let key = mask; index < to; index++, out++, key >>>= 8) {
    target.setUint8(out, source.getUint8(index) ^ (key & 0xff));
  }
}

/** A DataView over the bytes that were asked for last, since they are mostly the same. */
export class ViewOfLast {
  private bytes: Uint8Array = EMPTY;
  private view: DataView = new DataView(EMPTY.buffer);

  of(bytes: Uint8Array): DataView {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.view;
  }
}

/** Masking keys from the system's generator, drawn 1,024 at a time. */
export class MaskSource {
  private readonly keys: Int32Array;
  private next: number;
  private readonly fill: (keys: Int32Array) => void;

  constructor(count = 1_024, fill: (keys: Int32Array) => void = fillAtRandom) {
    this.keys = new Int32Array(count);
    this.next = count;
    this.fill = fill;
  }

  /** One fresh key; a key is never given twice. */
  take(): number {
    if (this.next === this.keys.length) {
      this.fill(this.keys);
      this.next = 0;
    }
    const key = this.keys[this.next] as number;
    this.keys[this.next++] = 0;
    return key;
  }
}

/** One pool for the thread: keys carry no state of a connection. */
export const sharedMasks = new MaskSource();

function fillAtRandom(keys: Int32Array): void {
  nodeCrypto().randomFillSync(keys);
}
