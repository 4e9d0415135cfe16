// One stream slot of the reactor: what is sent on it and what it reports. The outbox lives here.
// Not here: receive queues, promises, timers, states (lib/net), names of addresses (address.ts),
// how what is left of a chain is kept (chain-rest.ts).
//
// While the kernel takes everything, a write leaves nothing behind: it is a submission, and gone
// after the flush. What the kernel did not take is moved to the outbox, which then takes all writes
// until it is empty again.

import {
  COMPLETION_KIND,
  COMPLETION_LENGTH,
  COMPLETION_OFFSET,
  COMPLETION_PEER,
  KIND_BLOCK_DATA,
  KIND_CONNECTED,
  KIND_DATA,
  KIND_END,
  KIND_FAILED,
  KIND_READABLE,
  KIND_TROUBLE,
  KIND_WRITABLE,
  OPERATION_ABORT,
  OPERATION_CLOSE,
  OPERATION_SEND_AREA,
  OPERATION_SEND_SLAB,
  OPERATION_SEND_VIEW,
  OPERATION_SHUTDOWN,
  OPERATION_TELL,
  SLAB_OFFSET,
} from "../binding/records.ts";
import { COPY_THRESHOLD_BYTES, MIN_GIVEN_BYTES } from "../core/limits.ts";
import type { Queue } from "../core/queue.ts";
import { asBuffer, restOfChain, unboundedQueue } from "./chain-rest.ts";
import {
  addView,
  area,
  type Channel,
  completions,
  flush,
  isPending,
  isSlab,
  type LoopAccount,
  makeRoom,
  POISONS_LENT,
  reactor,
  receiveBlocks,
  register,
  reserve,
  room,
  slab,
  submit,
  submitView,
  unregister,
  unreserve,
  whenSettled,
} from "./reactor.ts";
import type { StreamSink } from "./stream-sink.ts";

/** Bytes given to the kernel from the outbox at once: a few socket buffers, and few parts. */
const OUTBOX_PARTS = 64;
const OUTBOX_BYTES = 1_048_576;

/** The length of a submission is a 31-bit number. */
const MAX_SUBMISSION_BYTES = 1_073_741_824;

/** UTF-8 needs at most this many bytes for one UTF-16 code unit. */
const UTF8_BYTES_PER_UNIT = 3;

export class StreamChannel implements Channel, LoopAccount {
  slot = -1;
  generation = 0;
  deaf = false;
  batch = -1;
  tail = 0;
  batchBytes = 0;
  iteration = 0;
  iterationBytes = 0;

  #sink: StreamSink;
  #inBlocks = false;
  /** What the kernel did not take, and what was written since; null while there is nothing. */
  #outbox: Queue<Buffer> | null = null;
  /** Bytes at the front of the outbox that are submitted. */
  #offered = 0;
  /** Bytes that were written in all, and those of them that a failure or an abort has dropped. */
  #written = 0;
  #dropped = 0;
  /** Operations to follow the outbox. */
  #shutdownAfter = false;
  #closeAfter = false;
  #closed = false;
  /** The peer's end was told: nothing is read any more. */
  #ended = false;
  /** What the kernel does not take before the close is dropped. */
  #drops = false;

  constructor(sink: StreamSink) {
    this.#sink = sink;
  }

  /** Takes the place of a slot that native code has opened or accepted. */
  attach(slot: number, generation: number): void {
    register(this, slot, generation);
  }

  /** Hands the channel to another owner, between two completions. */
  setSink(sink: StreamSink): void {
    this.#sink = sink;
  }

  /** Whether the descriptor is closed, or will be without another byte being sent. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Bytes that were written and that the kernel has not taken. */
  get bufferedBytes(): number {
    const queued = this.#outbox === null ? 0 : this.#outbox.bytes;
    return isPending(this) && this.#offered === 0 ? queued + this.batchBytes : queued;
  }

  /** Bytes that were written in all. */
  get writtenBytes(): number {
    return this.#written;
  }

  /** Bytes of them that the kernel has taken. */
  get takenBytes(): number {
    return this.#written - this.#dropped - this.bufferedBytes;
  }

  /** Whether a flush met a full socket buffer and its rest waits. */
  get isBlocked(): boolean {
    return this.#outbox !== null;
  }

  // ------------------------------------------------------------------------------------ sending

  /** Sends bytes. Up to 4 KiB are copied now; more is kept by reference until the kernel has it. */
  write(bytes: Uint8Array): void {
    const size = bytes.length;
    this.#written += size;
    if (this.#outbox === null && size > MAX_SUBMISSION_BYTES) {
      this.#writeHuge(bytes);
    } else if (this.#outbox !== null) {
      this.#enqueue(bytes);
    } else if (isSlab(bytes)) {
      if (POISONS_LENT) {
        this.#written -= size;
        this.write(Buffer.from(bytes));
        return;
      }
      submit(this, OPERATION_SEND_SLAB, bytes.byteOffset - SLAB_OFFSET, size, 0);
    } else if (size > COPY_THRESHOLD_BYTES) {
      submitView(this, bytes);
    } else if (size > 0) {
      const offset = reserve(size);
      // Making room may have flushed, and the kernel may have taken only a part.
      if (this.#outbox !== null) {
        unreserve(size);
        this.#enqueue(bytes);
        return;
      }
      area.set(bytes, offset);
      submit(this, OPERATION_SEND_AREA, offset, size, 0);
    }
  }

  /** Sends a string as UTF-8. */
  writeText(text: string): void {
    const most = text.length * UTF8_BYTES_PER_UNIT;
    if (this.#outbox !== null || most > COPY_THRESHOLD_BYTES) {
      this.write(Buffer.from(text));
      return;
    }
    const offset = reserve(most);
    if (this.#outbox !== null) {
      unreserve(most);
      this.write(Buffer.from(text));
      return;
    }
    const size = area.write(text, offset, most, "utf8");
    unreserve(most - size);
    this.#written += size;
    if (size > 0) submit(this, OPERATION_SEND_AREA, offset, size, 0);
  }

  /**
   * Where in the area up to `size` bytes may be written by who encodes them there; `commit` sends
   * them. Nothing else may be written to any channel in between.
   */
  room(size: number): number {
    return room(size);
  }

  /** Sends `size` bytes that stand where `room` has said. */
  commit(size: number): void {
    this.#written += size;
    const offset = reserve(size);
    if (this.#outbox === null) {
      submit(this, OPERATION_SEND_AREA, offset, size, 0);
    } else {
      this.#outbox.append(area.subarray(offset, offset + size));
      unreserve(size);
    }
  }

  /** Sees to it that `onFlushed` is called when what was written so far has left. */
  tell(): void {
    if (this.#outbox === null) submit(this, OPERATION_TELL, 0, 0, 0);
  }

  /** FIN, after everything that was written. */
  shutdown(): void {
    if (this.#closed || this.#shutdownAfter) return;
    this.#shutdownAfter = true;
    if (this.#outbox === null) submit(this, OPERATION_SHUTDOWN, 0, 0, 0);
  }

  /** Closes the descriptor after everything that was written. Nothing is received from now on. */
  close(): void {
    if (this.#closed || this.#closeAfter) return;
    this.#closeAfter = true;
    if (this.#outbox === null) this.#submitClose(OPERATION_CLOSE);
  }

  /** Closes with RST, in this turn; what was written and not taken is dropped. */
  abort(): void {
    if (this.#closed) return;
    this.#dropped += this.bufferedBytes;
    this.#outbox = null;
    this.#offered = 0;
    if (this.slot === -1) this.#closed = true;
    else this.#submitClose(OPERATION_ABORT);
  }

  /** Closes in this turn; what was written and is not taken by then is dropped. */
  destroy(): void {
    if (this.#closed) return;
    this.#drops = true;
    this.#outbox = null;
    this.#offered = 0;
    this.#submitClose(OPERATION_CLOSE);
  }

  /**
   * Takes the descriptor out of the reactor, or answers a negative errno. No bytes may be pending;
   * a FIN that is goes out first.
   */
  release(): number {
    if (isPending(this)) flush();
    if (!this.#closed) unregister(this);
    this.#closed = true;
    this.deaf = true;
    return reactor.release(this.slot, this.generation);
  }

  #submitClose(operation: number): void {
    this.#closed = true;
    this.deaf = true;
    submit(this, operation, 0, 0, 0);
  }

  #enqueue(bytes: Uint8Array): void {
    const outbox = this.#outbox as Queue<Buffer>;
    if (bytes.length <= COPY_THRESHOLD_BYTES || isSlab(bytes)) outbox.append(bytes);
    else outbox.push(asBuffer(bytes));
  }

  // The outbox submits it in pieces.
  #writeHuge(bytes: Uint8Array): void {
    if (isPending(this)) flush();
    if (this.#outbox !== null) {
      this.#enqueue(bytes);
      return;
    }
    this.#outbox = unboundedQueue();
    this.#enqueue(bytes);
    this.#offer();
  }

  /** Submits the front of the outbox, by reference; it stays there until the kernel has it. */
  #offer(): void {
    const outbox = this.#outbox;
    if (outbox === null || this.#closed || this.#offered > 0) return;
    makeRoom(OUTBOX_PARTS);
    let offered = 0;
    for (let part = 0; part < OUTBOX_PARTS && offered < OUTBOX_BYTES; part++) {
      const chunk = outbox.peek(part);
      if (chunk === undefined) break;
      // A prefix of a large chunk: lengths of a chain are 31-bit numbers, and a flush is bounded.
      // By its size as it was counted: the flush refuses memory that was detached or shrunk since.
      const size = Math.min(outbox.sizeAt(part), OUTBOX_BYTES - offered);
      offered += size;
      submit(this, OPERATION_SEND_VIEW, 0, size, addView(chunk));
    }
    this.#offered = offered;
  }

  // ---------------------------------------------------------------------------------- receiving

  pause(): void {
    if (!this.#closed) reactor.pause(this.slot, this.generation);
  }

  resume(): void {
    if (!this.#closed) reactor.resume(this.slot, this.generation);
  }

  setReferenced(referenced: boolean): void {
    if (!this.#closed) reactor.setReferenced(this.slot, this.generation, referenced);
  }

  complete(at: number): void {
    const sink = this.#sink;
    switch (completions[at + COMPLETION_KIND]) {
      case KIND_DATA:
        this.#receiveLent(at);
        return;
      case KIND_BLOCK_DATA:
        this.#receiveInBlock(at);
        return;
      case KIND_WRITABLE:
        if (this.#outbox === null) sink.onWritable?.();
        else this.#offer();
        return;
      case KIND_END:
        this.#ended = true;
        sink.onEnded();
        return;
      case KIND_FAILED:
        if (this.#ended) sink.onFailedAfterEnd?.(completions[at + COMPLETION_LENGTH] as number);
        else sink.onFailed(completions[at + COMPLETION_LENGTH] as number);
        return;
      case KIND_CONNECTED:
        sink.onConnected(completions[at + COMPLETION_LENGTH] as number);
        return;
      case KIND_TROUBLE:
        sink.onTroubled();
        return;
      case KIND_READABLE:
        sink.onReadable();
        return;
    }
  }

  #receiveLent(at: number): void {
    const length = completions[at + COMPLETION_LENGTH] as number;
    if (length >= MIN_GIVEN_BYTES && this.#sink.keepsReceived === true) {
      receiveBlocks.want();
      if (!this.#inBlocks) this.#setInBlocks(true);
    }
    this.#sink.onReceived(slab, completions[at + COMPLETION_OFFSET] as number, length, false);
  }

  #receiveInBlock(at: number): void {
    const index = completions[at + COMPLETION_PEER] as number;
    const offset = completions[at + COMPLETION_OFFSET] as number;
    const length = completions[at + COMPLETION_LENGTH] as number;
    const block = receiveBlocks.list[index] as Buffer;
    if (block.length === 0) {
      // Detached in this turn with a chunk of somebody else's. A stream with a hole is no stream.
      this.#sink.onFailed(EFAULT);
      return;
    }
    const given = length >= MIN_GIVEN_BYTES && this.#sink.keepsReceived === true;
    if (given) receiveBlocks.give(index, offset + length);
    else this.#setInBlocks(false);
    this.#sink.onReceived(block, offset, length, given);
  }

  #setInBlocks(on: boolean): void {
    this.#inBlocks = on;
    reactor.setInBlocks(this.slot, this.generation, on);
  }

  // ----------------------------------------------------------------------------------- settling

  settle(status: number, taken: number, first: number): void {
    if (this.#closed && (this.#drops || !isBlockedStatus(status))) {
      this.#finishClose(status);
    } else if (status === 1) {
      if (this.#offered > 0) this.#outbox?.consume(this.#offered);
      this.#offered = 0;
      whenSettled(() => this.#proceed());
    } else if (this.#offered > 0) {
      this.#outbox?.consume(taken);
      this.#offered = 0;
      if (!isBlockedStatus(status)) this.#drop(status, this.#outbox?.bytes ?? 0);
      else if (taken > 0) whenSettled(() => this.#sink.onFlushed());
    } else if (isBlockedStatus(status)) {
      this.#keep(first, taken);
    } else {
      this.#drop(status, this.batchBytes - taken);
    }
  }

  #finishClose(status: number): void {
    // A chain ends at its first error; the close that stood behind it is still to be done.
    if (status !== 1) reactor.close(this.slot, this.generation, false);
    unregister(this);
    whenSettled(() => this.#sink.onClosed());
  }

  // Moves what the kernel did not take of a chain into the outbox, before its memory is used again.
  #keep(first: number, taken: number): void {
    this.#outbox = restOfChain(first, taken);
    // A close that stood behind these bytes follows them later.
    this.#closed = false;
    this.deaf = false;
  }

  // Everything that was submitted has been done.
  #proceed(): void {
    if (this.#closed) return;
    if (this.#outbox !== null) {
      if (this.#outbox.bytes > 0) {
        this.#offer();
      } else {
        this.#outbox = null;
        if (this.#shutdownAfter) submit(this, OPERATION_SHUTDOWN, 0, 0, 0);
        if (this.#closeAfter) this.#submitClose(OPERATION_CLOSE);
      }
    }
    this.#sink.onFlushed();
  }

  #drop(status: number, bytes: number): void {
    this.#dropped += bytes;
    this.#outbox = null;
    this.#offered = 0;
    whenSettled(() => {
      if (this.#closed) return;
      this.#sink.onSendFailed(status);
      // Behind the peer's end nothing is read any more that could tell it.
      if (this.#ended && !this.#closed) this.#sink.onFailed(status);
    });
  }
}

// EAGAIN is 11 on Linux and 35 on macOS.
const EAGAIN = process.platform === "darwin" ? -35 : -11;
const EFAULT = -14;

function isBlockedStatus(status: number): boolean {
  return status === EAGAIN;
}
