// A message that is encoded (and compressed) once and sent to many connections. Server side only:
// a client masks every frame with a key of its own.

import { requireObject } from "../../errors/arguments.ts";
import { Deflater, stripTail } from "./deflate.ts";
import { type DeflateSettings, resolveDeflate } from "./deflate-negotiation.ts";
import { frameHeaderBytes, writeFrameHeader } from "./frame-writer.ts";
import { MAX_PREPARED_DEFLATE_BYTES } from "./limits.ts";
import { FIN_BIT, OPCODE_BINARY, OPCODE_TEXT, RSV1_BIT } from "./opcodes.ts";
import { requirePayload } from "./payload.ts";

export interface PrepareOptions {
  /** A text message from bytes, or a binary one from a string. Default: by the payload's type. */
  readonly binary?: boolean;
  /** How to compress; what `threshold` says counts. Default: never compressed. */
  readonly deflate?: Partial<DeflateSettings>;
}

export class PreparedMessage {
  /** The payload, uncompressed; nobody may change it. */
  readonly payload: Uint8Array;
  /** The whole frame, uncompressed. */
  readonly frame: Buffer;
  private readonly opcode: number;
  private readonly deflate: DeflateSettings | null;
  private readonly compressed = new Map<number, Buffer | null>();

  /** Throws TypeError (ERR_INVALID_ARG_TYPE) for what is no payload. */
  constructor(data: string | Uint8Array, options: PrepareOptions = {}) {
    requirePayload(data, "data");
    requireObject(options, "options");
    const isBinary = options.binary ?? typeof data !== "string";
    this.opcode = isBinary ? OPCODE_BINARY : OPCODE_TEXT;
    this.payload = Buffer.from(data as Uint8Array);
    this.frame = frameOf(FIN_BIT | this.opcode, this.payload);
    this.deflate = options.deflate === undefined ? null : resolveDeflate(options.deflate);
  }

  /**
   * The compressed frame for a window, made at the first call; null when it would not be smaller,
   * would take too long, or compression was not asked for. It refers to no earlier message, so it
   * fits any connection.
   */
  compressedFrame(maxWindowBits: number): Buffer | null {
    const { length } = this.payload;
    if (this.deflate === null || length < this.deflate.threshold) return null;
    if (length > MAX_PREPARED_DEFLATE_BYTES) return null;
    const known = this.compressed.get(maxWindowBits);
    if (known !== undefined) return known;
    const bytes = new Deflater(this.deflate, maxWindowBits, false).compress(this.payload);
    const body = bytes === null ? null : stripTail(bytes);
    const smaller = body !== null && body.length < this.payload.length;
    const frame = smaller ? frameOf(FIN_BIT | RSV1_BIT | this.opcode, body) : null;
    this.compressed.set(maxWindowBits, frame);
    return frame;
  }
}

function frameOf(first: number, payload: Uint8Array): Buffer {
  const header = frameHeaderBytes(payload.length, false);
  const frame = Buffer.allocUnsafe(header + payload.length);
  writeFrameHeader(frame, 0, first, payload.length, 0);
  frame.set(payload, header);
  return frame;
}
