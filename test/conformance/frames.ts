// Frames as the conformance suite writes and reads them (RFC 6455 section 5). Written apart from
// lib/websocket, so that a fault there cannot hide behind the same fault here. Nothing of this file
// knows a connection, a case or a verdict.

import { randomBytes } from "node:crypto";

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** A frame to send; what is left out is as the RFC wants it. */
export interface FrameSpec {
  readonly opcode: number;
  readonly payload?: Buffer;
  readonly fin?: boolean;
  /** The three reserved bits as a number: RSV1 is 4. */
  readonly rsv?: number;
  /** The form of the length, where it shall not be the shortest. */
  readonly form?: 7 | 16 | 64;
  /** The length that the header tells, where that shall not be the payload's. */
  readonly declared?: bigint;
  /** Masked the wrong way for the side that sends it. */
  readonly wrongMask?: boolean;
  /** The masking key; random where none is given. */
  readonly key?: readonly [number, number, number, number];
}

const EMPTY = Buffer.alloc(0);

/** The bytes of a frame. `masks`: the sender is a client (section 5.3). */
export function encodeFrame(spec: FrameSpec, masks: boolean): Buffer {
  const { opcode, payload = EMPTY, fin = true, rsv = 0, wrongMask = false } = spec;
  const length = spec.declared ?? BigInt(payload.length);
  const form = spec.form ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64);
  const isMasked = masks !== wrongMask;
  const header = Buffer.alloc(2 + (form === 7 ? 0 : form / 8));
  header[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  header[1] = (isMasked ? 0x80 : 0) | (form === 7 ? Number(length) : form === 16 ? 126 : 127);
  if (form === 16) header.writeUInt16BE(Number(length), 2);
  if (form === 64) header.writeBigUInt64BE(length, 2);
  if (!isMasked) return Buffer.concat([header, payload]);
  const key = spec.key === undefined ? randomBytes(4) : Buffer.from(spec.key);
  const masked = Buffer.allocUnsafe(payload.length);
  for (let at = 0; at < payload.length; at++) {
    masked[at] = (payload[at] as number) ^ (key[at % 4] as number);
  }
  return Buffer.concat([header, key, masked]);
}

/** A message cut into frames of at most `size` bytes; one empty frame where it is empty. */
export function fragments(opcode: number, payload: Buffer, size: number, rsv = 0): FrameSpec[] {
  const frames: FrameSpec[] = [];
  for (let at = 0; at === 0 || at < payload.length; at += size) {
    frames.push({
      opcode: at === 0 ? opcode : CONTINUATION,
      rsv: at === 0 ? rsv : 0,
      payload: payload.subarray(at, at + size),
      fin: at + size >= payload.length,
    });
  }
  return frames;
}

export interface Frame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly payload: Buffer;
}

/**
 * Reads the frames of the side under test, which may break no rule: take() throws where it does.
 * `masked`: that side is a client.
 */
export class FrameReader {
  readonly #masked: boolean;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(masked: boolean) {
    this.#masked = masked;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Bytes that are no whole frame yet. */
  get pending(): number {
    return this.#length;
  }

  /** The next whole frame, or null. @throws Error where the frame breaks a rule */
  take(): Frame | null {
    if (this.#length < 2) return null;
    const head = this.#peek(Math.min(this.#length, 14));
    const [first = 0, second = 0] = head;
    if (((second & 0x80) !== 0) !== this.#masked)
      throw new Error("a frame is masked the wrong way");
    const short = second & 0x7f;
    const keyAt = short < 126 ? 2 : short === 126 ? 4 : 10;
    const start = keyAt + (this.#masked ? 4 : 0);
    if (this.#length < start) return null;
    const length =
      short < 126 ? short : short === 126 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2));
    const isShortest = short < 126 || (short === 126 ? length > 125 : length > 65_535);
    if (!isShortest) throw new Error("a length has not the shortest form");
    checkFirst(first, length);
    if (this.#length < start + length) return null;
    const whole = this.#consume(start + length);
    const payload = whole.subarray(start);
    if (this.#masked) {
      const key = whole.subarray(keyAt, start);
      for (let at = 0; at < length; at++) {
        payload[at] = (payload[at] as number) ^ (key[at % 4] as number);
      }
    }
    return { fin: first >= 0x80, rsv: (first >> 4) & 7, opcode: first & 0x0f, payload };
  }

  #peek(count: number): Buffer {
    if ((this.#chunks[0] as Buffer).length < count) this.#join();
    return (this.#chunks[0] as Buffer).subarray(0, count);
  }

  #consume(count: number): Buffer {
    if ((this.#chunks[0] as Buffer).length < count) this.#join();
    const chunk = this.#chunks[0] as Buffer;
    const rest = chunk.subarray(count);
    if (rest.length > 0) this.#chunks[0] = rest;
    else this.#chunks.shift();
    this.#length -= count;
    return chunk.subarray(0, count);
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks)];
  }
}

function checkFirst(first: number, length: number): void {
  const opcode = first & 0x0f;
  const isControl = opcode >= CLOSE;
  if (opcode > PONG || (opcode > BINARY && !isControl)) throw new Error(`opcode ${opcode} came`);
  if (isControl && (first < 0x80 || length > 125)) {
    throw new Error("a control frame is fragmented or longer than 125 bytes");
  }
}
