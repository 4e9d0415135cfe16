// Frames in (RFC 6455 section 5): bytes under any chunking become messages, pieces of messages and
// control frames. Knows the rules of a frame and of a fragmented message; knows nothing of the
// closing handshake, of time, of compression beyond its bit, and never answers anything.

import { viewOf } from "../../core/buffer-view.ts";
import { MIN_GIVEN_BYTES } from "../../core/limits.ts";
import { ownedAt, ownedCopy, ownedView, reserveOwned } from "../../core/owned-bytes.ts";
import { Assembly } from "./assembly.ts";
import {
  CLOSE_INVALID_PAYLOAD,
  CLOSE_MESSAGE_TOO_BIG,
  CLOSE_NO_STATUS,
  CLOSE_POLICY_VIOLATION,
  CLOSE_PROTOCOL_ERROR,
  isWireCloseCode,
} from "./close-codes.ts";
import type { FrameParserSettings, FrameSink } from "./frame-sink.ts";
import {
  compressedBound,
  LONG_MASK_BYTES,
  MAX_CONTROL_PAYLOAD_BYTES,
  MAX_FRAME_HEADER_BYTES,
  MAX_PART_BYTES,
  MAX_TEXT_BYTES,
} from "./limits.ts";
import { copyMaskedWords, rotateMask, ViewOfLast } from "./mask.ts";
import * as op from "./opcodes.ts";
import { decodeUtf8, isValidUtf8, Utf8Validator } from "./utf8.ts";

const EMPTY = Buffer.alloc(0);
/** What was received: mostly the one slab. */
const received = new ViewOfLast();

/**
 * Feed it with parse(); it calls the sink and leaves off after halt(), `position` says where.
 * Payload bytes in the chunk are unmasked in place, so the chunk's owner must not need them.
 */
export class FrameParser {
  /** Index in the last chunk of the first byte that was not taken. */
  position = 0;
  /** True after a Close, a violation, or stop(): all further bytes are swallowed. */
  stopped = false;

  private readonly settings: FrameParserSettings;
  private sink: FrameSink | null = null;
  /** RSV1 may be set on the first frame of a message: permessage-deflate was negotiated. */
  private compression = false;
  /** Messages are given in parts as they arrive. */
  private inParts = false;
  private readonly masked: boolean;
  private halted = false;

  // The frame under way. `remaining` is -1 between frames.
  private remaining = -1;
  private frameLength = 0;
  private first = 0;
  private mask = 0;

  // The message under way: opcode 0 when there is none.
  private messageOpcode = 0;
  private messageCompressed = false;
  private messageLength = 0;
  private messageFrames = 0;
  private partsGiven = false;
  /** The end of a chunk that nobody else uses again; -1 of another. */
  private ownedEnd = -1;

  // Made when something does not lie whole in a chunk.
  private header: Buffer | null = null;
  private headerLength = 0;
  private data: Assembly | null = null;
  private control: Assembly | null = null;
  private validator: Utf8Validator | null = null;

  constructor(settings: FrameParserSettings) {
    this.settings = settings;
    this.masked = settings.role === "server";
  }

  /**
   * Whom to call from now on, only between frames: a parser without a frame or message under way
   * knows nothing of its connection, so one serves all idle connections of a listener.
   */
  begin(sink: FrameSink | null, compression: boolean, inParts: boolean): void {
    this.sink = sink;
    this.compression = compression;
    this.inParts = inParts;
  }

  /** Gives parts from now on. What is kept of a message becomes its first. */
  giveParts(): void {
    this.inParts = true;
  }

  /** Leaves parse() after the event under way; the next parse() goes on. */
  halt(): void {
    this.halted = true;
  }

  /** Swallows everything from now on and lets go of what was kept. */
  stop(): void {
    this.stopped = true;
    this.header = this.data = this.control = this.validator = null;
  }

  /** True at a frame's boundary with no fragmented message under way: nothing is kept. */
  get idle(): boolean {
    return (
      !this.stopped && this.remaining < 0 && this.headerLength === 0 && this.messageOpcode === 0
    );
  }

  /**
   * Takes `chunk[start, end)`, or less of it when a callback halts. Of an `owned` chunk a long
   * message at the end is given away as it stands there; one before others is not, since who
   * transfers it would detach the others.
   */
  parse(chunk: Buffer, start: number, end: number, owned = false): void {
    this.halted = false;
    this.ownedEnd = owned ? end : -1;
    this.position = start;
    while (this.position < end && !this.halted && !this.stopped) {
      if (this.remaining < 0) {
        if (!this.readHeader(chunk, end)) break;
        if (this.remaining > 0 && this.position === end) break;
      }
      this.readPayload(chunk, end);
    }
    if (this.stopped) this.position = end;
  }

  /** False when the header is not complete or is wrong. */
  private readHeader(chunk: Buffer, end: number): boolean {
    const at = this.position;
    if (this.headerLength === 0 && end - at >= 2) {
      const size = this.headerSize(chunk[at + 1] as number);
      if (end - at >= size) {
        this.position = at + size;
        return this.decodeHeader(chunk, at, size);
      }
    }
    return this.collectHeader(chunk, end);
  }

  private headerSize(second: number): number {
    const length = second & op.LENGTH_BITS;
    const extended = length < op.LENGTH_16 ? 0 : length === op.LENGTH_16 ? 2 : 8;
    return 2 + extended + ((second & op.MASK_BIT) !== 0 ? 4 : 0);
  }

  /** Headers cut by a chunk's end: kept byte by byte, judged as early as possible. */
  private collectHeader(chunk: Buffer, end: number): boolean {
    if (this.header === null) this.header = Buffer.allocUnsafe(MAX_FRAME_HEADER_BYTES);
    const { header } = this;
    while (this.position < end) {
      header[this.headerLength++] = chunk[this.position++] as number;
      const first = header[0] as number;
      if (this.headerLength === 1) {
        if (!this.checkFirst(first)) return false;
        continue;
      }
      const second = header[1] as number;
      if (this.headerLength === 2 && !this.checkSecond(first, second)) return false;
      if (this.headerLength === this.headerSize(second)) {
        const size = this.headerLength;
        this.headerLength = 0;
        this.header = null;
        return this.decodeHeader(header, 0, size);
      }
    }
    return false;
  }

  private decodeHeader(bytes: Buffer, at: number, size: number): boolean {
    const first = bytes[at] as number;
    const second = bytes[at + 1] as number;
    if (!this.checkFirst(first) || !this.checkSecond(first, second)) return false;
    let length = second & op.LENGTH_BITS;
    if (length === op.LENGTH_16) {
      length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
      if (length < op.LENGTH_16) return this.violate(CLOSE_PROTOCOL_ERROR, "length not minimal");
    } else if (length === op.LENGTH_64) {
      // The top bit must be 0 (section 5.2); what does not fit a number fits no bound either.
      const high = bytes.readUInt32BE(at + 2);
      if (high > 0x7fff_ffff)
        return this.violate(CLOSE_PROTOCOL_ERROR, "length has its top bit set");
      length = high * 0x1_0000_0000 + bytes.readUInt32BE(at + 6);
      if (length < 0x1_0000) return this.violate(CLOSE_PROTOCOL_ERROR, "length not minimal");
    }
    if (this.masked) {
      const key = at + size - 4;
      this.mask =
        (bytes[key] as number) |
        ((bytes[key + 1] as number) << 8) |
        ((bytes[key + 2] as number) << 16) |
        ((bytes[key + 3] as number) << 24);
    }
    this.first = first;
    this.frameLength = length;
    this.remaining = length;
    return (first & op.CONTROL_BIT) !== 0 || this.beginDataFrame(first, length);
  }

  private checkFirst(first: number): boolean {
    const opcode = first & op.OPCODE_BITS;
    if ((first & (op.RSV2_BIT | op.RSV3_BIT)) !== 0) {
      return this.violate(CLOSE_PROTOCOL_ERROR, "RSV2 or RSV3 is set");
    }
    if ((first & op.RSV1_BIT) !== 0) {
      // RFC 7692 section 6: only on the first frame of a data message.
      const allowed =
        this.compression && (opcode === op.OPCODE_TEXT || opcode === op.OPCODE_BINARY);
      if (!allowed) return this.violate(CLOSE_PROTOCOL_ERROR, "RSV1 is set");
    }
    if (opcode >= op.OPCODE_CLOSE) {
      if (opcode > op.OPCODE_PONG)
        return this.violate(CLOSE_PROTOCOL_ERROR, `opcode ${opcode} is reserved`);
      if ((first & op.FIN_BIT) !== 0) return true;
      return this.violate(CLOSE_PROTOCOL_ERROR, "control frame is fragmented");
    }
    if (opcode > op.OPCODE_BINARY)
      return this.violate(CLOSE_PROTOCOL_ERROR, `opcode ${opcode} is reserved`);
    if ((opcode === op.OPCODE_CONTINUATION) !== (this.messageOpcode !== 0)) {
      return this.violate(
        CLOSE_PROTOCOL_ERROR,
        opcode === 0 ? "continuation of nothing" : `opcode ${opcode} inside a fragmented message`,
      );
    }
    return true;
  }

  private checkSecond(first: number, second: number): boolean {
    if (((second & op.MASK_BIT) !== 0) !== this.masked) {
      const message = this.masked ? "frame is not masked" : "frame is masked";
      return this.violate(CLOSE_PROTOCOL_ERROR, message);
    }
    if ((first & op.CONTROL_BIT) === 0) return true;
    const length = second & op.LENGTH_BITS;
    if (length > MAX_CONTROL_PAYLOAD_BYTES) {
      return this.violate(
        CLOSE_PROTOCOL_ERROR,
        `control frame is longer than 125 bytes: ${length}`,
      );
    }
    if ((first & op.OPCODE_BITS) === op.OPCODE_CLOSE && length === 1) {
      return this.violate(CLOSE_PROTOCOL_ERROR, "close frame has one byte");
    }
    return true;
  }

  private beginDataFrame(first: number, length: number): boolean {
    if (this.messageOpcode === 0) {
      this.messageOpcode = first & op.OPCODE_BITS;
      this.messageCompressed = (first & op.RSV1_BIT) !== 0;
      this.messageLength = 0;
      this.messageFrames = 0;
      this.partsGiven = false;
    }
    const { maxMessageBytes, maxFragments } = this.settings.limits;
    const bound = this.messageCompressed ? compressedBound(maxMessageBytes) : maxMessageBytes;
    this.messageLength += length;
    // A stream's inflated bytes are counted where they come out.
    if (this.messageLength > bound && !(this.inParts && this.messageCompressed)) {
      return this.violate(CLOSE_MESSAGE_TOO_BIG, `message is larger than ${maxMessageBytes} bytes`);
    }
    if (this.messageLength > MAX_TEXT_BYTES && this.messageOpcode === op.OPCODE_TEXT) {
      // In parts, or inflated, it may be longer.
      if (!this.inParts && !this.messageCompressed) {
        return this.violate(CLOSE_MESSAGE_TOO_BIG, "text is longer than any string");
      }
    }
    if (++this.messageFrames > maxFragments) {
      return this.violate(CLOSE_POLICY_VIOLATION, `message has more than ${maxFragments} frames`);
    }
    return true;
  }

  private readPayload(chunk: Buffer, end: number): void {
    const from = this.position;
    const isData = (this.first & op.CONTROL_BIT) === 0;
    const most = this.inParts && isData ? Math.min(end - from, MAX_PART_BYTES) : end - from;
    const count = Math.min(most, this.remaining);
    if (count < LONG_MASK_BYTES && count === this.frameLength && this.isPlainBinary()) {
      this.deliverShort(chunk, from, count);
      return;
    }
    if (this.masked && count > 0) this.unmaskPayload(chunk, from, count);
    this.position = from + count;
    this.remaining -= count;
    const done = this.remaining === 0;
    if (done) this.remaining = -1;
    if (isData) this.readData(chunk, from, from + count, done);
    else this.readControl(chunk, from, from + count, done);
  }

  /** A masked message in one frame, of bytes that are to be owned. */
  private isPlainBinary(): boolean {
    return (
      this.first === (op.FIN_BIT | op.OPCODE_BINARY) &&
      this.masked &&
      !this.settings.lend &&
      !this.inParts
    );
  }

  /** The most frequent message of all: unmasked where it goes, in one pass. */
  private deliverShort(chunk: Buffer, from: number, count: number): void {
    this.position = from + count;
    this.remaining = -1;
    this.messageOpcode = 0;
    const start = reserveOwned(count);
    const source = received.of(chunk);
    copyMaskedWords(source, from, from + count, ownedView(), start, this.mask);
    this.sink?.onBinary(ownedAt(start, count));
  }

  private unmaskPayload(chunk: Buffer, from: number, count: number): void {
    const phase = (this.frameLength - this.remaining) & 3;
    if (count < LONG_MASK_BYTES) {
      const bytes = received.of(chunk);
      copyMaskedWords(bytes, from, from + count, bytes, from, rotateMask(this.mask, phase));
    } else {
      this.settings.unmask(chunk, from, count, this.mask, phase);
    }
  }

  private readData(chunk: Buffer, from: number, to: number, frameDone: boolean): void {
    const last = frameDone && (this.first & op.FIN_BIT) !== 0;
    if (this.inParts) {
      this.readPart(chunk, from, to, last);
    } else if (last && this.data === null) {
      this.deliverWhole(chunk, from, to);
    } else {
      this.assemble(chunk, from, to, last);
    }
  }

  /** The message lies whole in this chunk: no copy but the one that is delivered. */
  private deliverWhole(chunk: Buffer, from: number, to: number): void {
    const isText = this.messageOpcode === op.OPCODE_TEXT;
    this.messageOpcode = 0;
    if (this.messageCompressed) {
      this.sink?.onCompressed(viewOf(chunk, from, to), isText, true);
    } else if (isText) {
      const text = decodeUtf8(chunk, from, to);
      if (text === null) this.violate(CLOSE_INVALID_PAYLOAD, "text is not UTF-8");
      else this.sink?.onText(text);
    } else if (this.settings.lend || (to === this.ownedEnd && to - from >= MIN_GIVEN_BYTES)) {
      this.sink?.onBinary(viewOf(chunk, from, to));
    } else {
      this.sink?.onBinary(ownedCopy(chunk, from, to - from));
    }
  }

  private assemble(chunk: Buffer, from: number, to: number, last: boolean): void {
    const isText = this.messageOpcode === op.OPCODE_TEXT;
    if (isText && !this.messageCompressed && !this.validate(chunk, from, to, last)) return;
    if (this.data === null) this.data = new Assembly();
    const { data } = this;
    // Frames that are not the last may be followed by more: no guess about the total then.
    const known = (this.first & op.FIN_BIT) !== 0 ? this.messageLength : Number.POSITIVE_INFINITY;
    data.append(chunk, from, to, known);
    if (!last) return;
    this.data = null;
    this.messageOpcode = 0;
    const bytes = data.take();
    if (this.messageCompressed) this.sink?.onCompressed(bytes, isText, false);
    else if (isText) this.sink?.onText(bytes.toString("utf8"));
    else this.sink?.onBinary(bytes);
  }

  private readPart(chunk: Buffer, from: number, to: number, last: boolean): void {
    const isText = this.messageOpcode === op.OPCODE_TEXT;
    const compressed = this.messageCompressed;
    if (isText && !compressed && !this.validate(chunk, from, to, last)) return;
    const { data } = this;
    if (from === to && !last && data === null) return;
    this.data = null;
    // Kept from when nobody had asked for parts yet.
    data?.append(chunk, from, to, 0);
    const bytes = data === null ? viewOf(chunk, from, to) : data.take();
    const first = !this.partsGiven;
    this.partsGiven = true;
    if (last) this.messageOpcode = 0;
    this.sink?.onPart(bytes, isText, compressed, first, last);
  }

  /** Section 8.1, at the first bad byte. */
  private validate(chunk: Buffer, from: number, to: number, last: boolean): boolean {
    if (this.validator === null) {
      if (last && this.messageFrames === 1 && to - from === this.frameLength) {
        if (isValidUtf8(chunk, from, to)) return true;
        return this.violate(CLOSE_INVALID_PAYLOAD, "text is not UTF-8");
      }
      this.validator = new Utf8Validator();
    }
    const { validator } = this;
    if (last) this.validator = null;
    if (validator.push(chunk, from, to) && (!last || validator.complete)) return true;
    return this.violate(CLOSE_INVALID_PAYLOAD, "text is not UTF-8");
  }

  private readControl(chunk: Buffer, from: number, to: number, done: boolean): void {
    if (this.control !== null || !done) {
      if (this.control === null) this.control = new Assembly();
      this.control.append(chunk, from, to, this.frameLength);
      if (!done) return;
      const payload = this.control.take();
      this.control = null;
      this.deliverControl(payload);
    } else {
      this.deliverControl(from === to ? EMPTY : ownedCopy(chunk, from, to - from));
    }
  }

  private deliverControl(payload: Buffer): void {
    const opcode = this.first & op.OPCODE_BITS;
    if (opcode === op.OPCODE_PING) this.sink?.onPing(payload);
    else if (opcode === op.OPCODE_PONG) this.sink?.onPong(payload);
    else this.deliverClose(payload);
  }

  /** Section 5.5.1. */
  private deliverClose(payload: Buffer): void {
    if (payload.length === 0) {
      this.stop();
      this.sink?.onClose(CLOSE_NO_STATUS, "");
      return;
    }
    const code = payload.readUInt16BE(0);
    if (!isWireCloseCode(code)) {
      this.violate(CLOSE_PROTOCOL_ERROR, `close code ${code} is not allowed`);
      return;
    }
    const reason = decodeUtf8(payload, 2, payload.length);
    if (reason === null) {
      this.violate(CLOSE_INVALID_PAYLOAD, "close reason is not UTF-8");
      return;
    }
    this.stop();
    this.sink?.onClose(code, reason);
  }

  private violate(code: number, message: string): false {
    this.stop();
    this.sink?.onViolation(code, message);
    return false;
  }
}
