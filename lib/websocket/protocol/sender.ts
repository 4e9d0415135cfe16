// Messages out that need more than one frame written at once: compression, messages sent in parts,
// and the queue that keeps their order while the thread pool compresses. Control frames do not come
// here, a Close only where it has to wait. No state of the closing handshake.

import { invalidArgType, invalidState } from "../../errors/arguments.ts";
import { type Deflater, stripTail } from "./deflate.ts";
import {
  type FrameOutput,
  type FrameWriterSettings,
  writeBinaryFrame,
  writeTextFrame,
} from "./frame-writer.ts";
import { INLINE_PAYLOAD_BYTES } from "./limits.ts";
import { FIN_BIT, OPCODE_BINARY, OPCODE_CONTINUATION, OPCODE_TEXT, RSV1_BIT } from "./opcodes.ts";
import type { PreparedMessage } from "./prepared.ts";

/** One frame's worth of work. */
interface Job {
  readonly payload: Uint8Array;
  /** First byte of the frame, without RSV1. */
  readonly first: number;
  /** The message is compressed; a whole message may still go out as it is. */
  readonly compress: boolean;
  /** Part of a streamed message: once begun, all its frames are compressed or none. */
  readonly part: boolean;
  readonly prepared: PreparedMessage | null;
}

export interface SenderSink {
  /** Everything that was queued has been handed to the output. */
  onQueueEmpty(): void;
  /** zlib had no memory. */
  onDeflateFailure(): void;
}

const EMPTY = Buffer.alloc(0);

export class Sender {
  /** Payload bytes that wait for the thread pool, or behind what does. */
  queuedBytes = 0;
  private readonly output: FrameOutput;
  private readonly writer: FrameWriterSettings;
  private readonly deflater: Deflater | null;
  private readonly threshold: number;
  private readonly sink: SenderSink;
  private queue: Job[] = [];
  private busy = false;
  private stopped = false;

  // The message that is being sent in parts; opcode 0 for none.
  private partOpcode = 0;
  private partCompressed = false;
  private partBegun = false;
  /** A high surrogate at the end of a part, whose other half comes with the next. */
  private pendingSurrogate = "";

  constructor(
    output: FrameOutput,
    writer: FrameWriterSettings,
    deflater: Deflater | null,
    threshold: number,
    sink: SenderSink,
  ) {
    this.output = output;
    this.writer = writer;
    this.deflater = deflater;
    this.threshold = threshold;
    this.sink = sink;
  }

  /** True while something waits: a Close has to as well. */
  get waiting(): boolean {
    return this.busy;
  }

  /** True between the first and the last part of a message. */
  get inParts(): boolean {
    return this.partOpcode !== 0;
  }

  send(data: string | Uint8Array, isText: boolean, compress: boolean): void {
    if (this.partOpcode !== 0) throw invalidState("A message is being sent in parts");
    const first = FIN_BIT | (isText ? OPCODE_TEXT : OPCODE_BINARY);
    const wanted = compress && this.deflater !== null;
    if (!this.busy && (!wanted || isShorterThan(data, this.threshold))) {
      if (typeof data === "string") writeTextFrame(this.output, this.writer, first, data);
      else writeBinaryFrame(this.output, this.writer, first, data);
      return;
    }
    const payload = typeof data === "string" ? Buffer.from(data) : data;
    const job = { first, part: false, prepared: null };
    this.push({ ...job, payload, compress: wanted && payload.length >= this.threshold });
  }

  sendPrepared(prepared: PreparedMessage): void {
    if (this.partOpcode !== 0) throw invalidState("A message is being sent in parts");
    this.push({ payload: prepared.frame, first: 0, compress: false, part: false, prepared });
  }

  /** The first call begins the message, `last` ends it. */
  sendPart(data: string | Uint8Array, isText: boolean, compress: boolean, last: boolean): void {
    const opcode = isText ? OPCODE_TEXT : OPCODE_BINARY;
    if (this.partOpcode === 0) {
      this.partOpcode = opcode;
      this.partBegun = false;
      this.partCompressed = compress && this.deflater !== null;
    } else if (opcode !== this.partOpcode) {
      throw invalidArgType("data", "of the type of the message's first part", data);
    }
    const payload = typeof data === "string" ? this.encodePart(data, last) : data;
    if (payload.length === 0 && !last) return;
    const first = (last ? FIN_BIT : 0) | (this.partBegun ? OPCODE_CONTINUATION : opcode);
    const compressed = this.partCompressed;
    this.partBegun = true;
    if (last) this.partOpcode = 0;
    this.push({ payload, first, compress: compressed, part: true, prepared: null });
  }

  /** Drops what waits: nothing is sent any more. */
  stop(): void {
    this.stopped = true;
    this.queue = [];
    this.queuedBytes = 0;
    this.busy = false;
  }

  private encodePart(data: string, last: boolean): Buffer {
    let text = this.pendingSurrogate + data;
    this.pendingSurrogate = "";
    const end = text.charCodeAt(text.length - 1);
    if (!last && end >= 0xd800 && end <= 0xdbff) {
      this.pendingSurrogate = text.slice(-1);
      text = text.slice(0, -1);
    }
    return Buffer.from(text);
  }

  private push(job: Job): void {
    if (!this.busy) {
      this.run(job);
      return;
    }
    // What stays within the copying bound is the caller's again when the call returns.
    const copies = job.prepared === null && job.payload.length <= INLINE_PAYLOAD_BYTES;
    this.queue.push(copies ? { ...job, payload: Buffer.from(job.payload) } : job);
    this.queuedBytes += job.payload.length;
  }

  /** False when it goes on in the thread pool. */
  private run(job: Job): boolean {
    if (job.prepared !== null) {
      this.writePrepared(job.prepared);
      return true;
    }
    const { deflater } = this;
    if (!job.compress || deflater === null) {
      writeBinaryFrame(this.output, this.writer, job.first, job.payload);
      return true;
    }
    if (deflater.fitsTurn(job.payload)) {
      this.writeCompressed(job, job.payload.length === 0 ? EMPTY : deflater.compress(job.payload));
      return true;
    }
    this.busy = true;
    this.queuedBytes += job.payload.length;
    deflater.compressLater(job.payload, (compressed) => {
      if (this.stopped) return;
      this.queuedBytes -= job.payload.length;
      this.writeCompressed(job, compressed);
      this.runQueue();
    });
    return false;
  }

  private runQueue(): void {
    const jobs = this.queue;
    for (let index = 0; index < jobs.length; index++) {
      const job = jobs[index] as Job;
      this.queuedBytes -= job.payload.length;
      if (!this.run(job)) {
        this.queue = jobs.slice(index + 1);
        return;
      }
      if (this.stopped) return;
    }
    this.queue = [];
    this.busy = false;
    if (!this.stopped) this.sink.onQueueEmpty();
  }

  private writeCompressed(job: Job, compressed: Buffer | null): void {
    const { deflater, output, writer } = this;
    if (compressed === null || deflater === null) {
      this.sink.onDeflateFailure();
      return;
    }
    const last = (job.first & FIN_BIT) !== 0;
    const body = last ? stripTail(compressed) : compressed;
    if (!job.part && body.length >= job.payload.length) {
      writeBinaryFrame(output, writer, job.first, job.payload);
      return;
    }
    const begins = (job.first & ~FIN_BIT) !== OPCODE_CONTINUATION;
    deflater.remember(job.payload);
    writeBinaryFrame(output, writer, begins ? job.first | RSV1_BIT : job.first, body);
  }

  private writePrepared(prepared: PreparedMessage): void {
    const { deflater } = this;
    const compressed = deflater === null ? null : prepared.compressedFrame(deflater.maxWindowBits);
    if (compressed !== null) deflater?.remember(prepared.payload);
    writeWhole(this.output, compressed ?? prepared.frame);
  }
}

/** Bytes that are frames already. */
export function writeWhole(output: FrameOutput, bytes: Uint8Array): void {
  if (bytes.length > INLINE_PAYLOAD_BYTES) {
    output.append(bytes);
    return;
  }
  const area = output.reserve(bytes.length);
  area.set(bytes, output.offset);
  output.commit(bytes.length);
}

/** Whether the UTF-8 of a string, or bytes, certainly stay below a bound. */
function isShorterThan(data: string | Uint8Array, bytes: number): boolean {
  if (typeof data !== "string") return data.length < bytes;
  if (data.length >= bytes) return false;
  return data.length * 3 < bytes || Buffer.byteLength(data) < bytes;
}
