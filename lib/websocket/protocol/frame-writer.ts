// Frames out (RFC 6455 section 5.2): headers and short payloads are written straight into the area
// that the output lends, long payloads go by reference. Pure functions; what may be sent when is
// decided in protocol.ts.

import { INLINE_PAYLOAD_BYTES, LONG_MASK_BYTES, MAX_FRAME_HEADER_BYTES } from "./limits.ts";
import { copyMasked, copyMaskedWords, type MaskSource, type Unmask, ViewOfLast } from "./mask.ts";
import { LENGTH_16, LENGTH_64, MASK_BIT } from "./opcodes.ts";

/**
 * Where encoded frames go. A socket's submission area stands behind it, or {@link MemoryOutput}.
 * Everything is sent in the order of commit() and append().
 */
export interface FrameOutput {
  /**
   * Lends an area with at least `size` free bytes from index {@link FrameOutput.offset} on, until
   * commit(). `size` is at most 14 + 4,096 bytes.
   */
  reserve(size: number): Buffer;
  /** Index of the first free byte of the area that reserve() has just lent. */
  readonly offset: number;
  /** The first `size` bytes of the area are written: they are to be sent. */
  commit(size: number): void;
  /** Bytes that nobody changes until they are sent; the output keeps the reference. */
  append(bytes: Uint8Array): void;
  /** Bytes that were committed or appended and that the kernel has not taken. */
  readonly bufferedBytes: number;
}

/** Bytes of the header for a payload: 2, 4 or 10, and 4 more with a mask. */
export function frameHeaderBytes(payloadBytes: number, masked: boolean): number {
  const extended = payloadBytes < LENGTH_16 ? 0 : payloadBytes <= 0xffff ? 2 : 8;
  return 2 + extended + (masked ? 4 : 0);
}

/**
 * Writes a header without a mask at `at` and gives the index behind it. `first` is the frame's
 * first byte: FIN, RSV bits and opcode. `maskBit` is 0x80 where a key will follow, else 0.
 */
export function writeFrameHeader(
  area: Uint8Array,
  at: number,
  first: number,
  payloadBytes: number,
  maskBit: number,
): number {
  area[at] = first;
  if (payloadBytes < LENGTH_16) {
    area[at + 1] = maskBit | payloadBytes;
    return at + 2;
  }
  if (payloadBytes <= 0xffff) {
    area[at + 1] = maskBit | LENGTH_16;
    area[at + 2] = payloadBytes >>> 8;
    area[at + 3] = payloadBytes & 0xff;
    return at + 4;
  }
  area[at + 1] = maskBit | LENGTH_64;
  let rest = payloadBytes;
  for (let index = 9; index >= 2; index--) {
    area[at + index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return at + 10;
}

/** Writes a masking key in wire order and gives the index behind it. */
export function writeMask(area: Uint8Array, at: number, mask: number): number {
  area[at] = mask & 0xff;
  area[at + 1] = (mask >>> 8) & 0xff;
  area[at + 2] = (mask >>> 16) & 0xff;
  area[at + 3] = mask >>> 24;
  return at + 4;
}

/** Client frames are masked with a fresh key each (section 5.3); server frames never are. */
export interface FrameWriterSettings {
  /** Null for a server. */
  readonly masks: MaskSource | null;
  /** For payloads of {@link LONG_MASK_BYTES} and more. */
  readonly unmask: Unmask;
}

/** What is written to: mostly the one area of small sends. */
const written = new ViewOfLast();

function maskWritten(area: Buffer, from: number, length: number, mask: number): void {
  const bytes = written.of(area);
  copyMaskedWords(bytes, from, from + length, bytes, from, mask);
}

/** One frame with a payload of bytes. Gives the bytes that were handed to the output. */
export function writeBinaryFrame(
  output: FrameOutput,
  settings: FrameWriterSettings,
  first: number,
  payload: Uint8Array,
): number {
  const { masks } = settings;
  const length = payload.length;
  if (length > INLINE_PAYLOAD_BYTES) return writeLongFrame(output, settings, first, payload);
  const size = frameHeaderBytes(length, masks !== null) + length;
  const area = output.reserve(size);
  const start = output.offset;
  let at = writeFrameHeader(area, start, first, length, masks === null ? 0 : MASK_BIT);
  if (masks === null) {
    copyInto(payload, area, at);
  } else {
    const mask = masks.take();
    at = writeMask(area, at, mask);
    if (length < LONG_MASK_BYTES) {
      copyMasked(payload, 0, length, area, at, mask);
    } else {
      area.set(payload, at);
      settings.unmask(area, at, length, mask, 0);
    }
  }
  output.commit(size);
  return size;
}

function copyInto(payload: Uint8Array, area: Buffer, at: number): void {
  if (payload.length > 32) {
    area.set(payload, at);
    return;
  }
  for (let from = 0, to = at; from < payload.length; from++, to++) {
    area[to] = payload[from] as number;
  }
}

/** A server's payload goes as it is; a client's is masked in a copy, for it is the caller's. */
function writeLongFrame(
  output: FrameOutput,
  settings: FrameWriterSettings,
  first: number,
  payload: Uint8Array,
): number {
  const { masks } = settings;
  const length = payload.length;
  const area = output.reserve(MAX_FRAME_HEADER_BYTES);
  const start = output.offset;
  let at = writeFrameHeader(area, start, first, length, masks === null ? 0 : MASK_BIT);
  let body = payload;
  if (masks !== null) {
    const mask = masks.take();
    at = writeMask(area, at, mask);
    body = Buffer.allocUnsafeSlow(length);
    body.set(payload);
    settings.unmask(body, 0, length, mask, 0);
  }
  output.commit(at - start);
  output.append(body);
  return at - start + length;
}

/** Strings up to this length are tried as ASCII by a loop before anything is measured. */
const ASCII_LOOP_LENGTH = 32;

/** One frame whose payload is the UTF-8 of a string; lone surrogates become U+FFFD. */
export function writeTextFrame(
  output: FrameOutput,
  settings: FrameWriterSettings,
  first: number,
  text: string,
): number {
  const { masks } = settings;
  if (text.length <= ASCII_LOOP_LENGTH) {
    const written = writeShortAscii(output, masks, first, text);
    if (written > 0) return written;
  }
  const certain = certainHeaderBytes(text.length);
  const header = masks === null ? certain : certain + 4;
  const most = certain > 0 ? text.length * 3 : Buffer.byteLength(text);
  if (most > INLINE_PAYLOAD_BYTES) {
    return writeLongText(output, settings, first, Buffer.from(text));
  }
  const space = certain > 0 ? header : frameHeaderBytes(most, masks !== null);
  const area = output.reserve(space + most);
  const start = output.offset;
  const body = start + space;
  const length = area.write(text, body, most);
  const at = writeFrameHeader(area, start, first, length, masks === null ? 0 : MASK_BIT);
  if (masks !== null) {
    const mask = masks.take();
    writeMask(area, at, mask);
    if (length < LONG_MASK_BYTES) maskWritten(area, body, length, mask);
    else settings.unmask(area, body, length, mask, 0);
  }
  output.commit(space + length);
  return space + length;
}

/**
 * The size of the header without mask where the number of UTF-16 units alone decides it (each is
 * one to three bytes of UTF-8), so that the text is encoded without being measured first; else 0.
 */
function certainHeaderBytes(units: number): number {
  if (units * 3 < LENGTH_16) return 2;
  return units >= LENGTH_16 && units * 3 <= INLINE_PAYLOAD_BYTES ? 4 : 0;
}

/** The encoded text is ours alone, so a client masks it where it is. */
function writeLongText(
  output: FrameOutput,
  settings: FrameWriterSettings,
  first: number,
  payload: Buffer,
): number {
  const { masks } = settings;
  if (masks === null) return writeLongFrame(output, settings, first, payload);
  const area = output.reserve(MAX_FRAME_HEADER_BYTES);
  const start = output.offset;
  const mask = masks.take();
  const at = writeMask(area, writeFrameHeader(area, start, first, payload.length, MASK_BIT), mask);
  settings.unmask(payload, 0, payload.length, mask, 0);
  output.commit(at - start);
  output.append(payload);
  return at - start + payload.length;
}

/** 0 when the text is not ASCII: nothing is committed then. */
function writeShortAscii(
  output: FrameOutput,
  masks: MaskSource | null,
  first: number,
  text: string,
): number {
  const length = text.length;
  const header = masks === null ? 2 : 6;
  const area = output.reserve(header + length);
  const start = output.offset;
  const body = start + header;
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return 0;
    area[body + index] = unit;
  }
  writeFrameHeader(area, start, first, length, masks === null ? 0 : MASK_BIT);
  if (masks !== null) {
    const mask = masks.take();
    writeMask(area, start + 2, mask);
    maskWritten(area, body, length, mask);
  }
  output.commit(header + length);
  return header + length;
}
