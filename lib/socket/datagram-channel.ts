// One datagram slot of the reactor: what arrives, what became of what was sent, and when there is
// room to send. Not here: the queues and the waiting (datagram-receiver.ts, datagram-sender.ts,
// datagram-outbox.ts).

import {
  COMPLETION_KIND,
  COMPLETION_LENGTH,
  COMPLETION_OFFSET,
  COMPLETION_STRIDE,
  KIND_DATAGRAM,
  KIND_DATAGRAM_ERROR,
  KIND_END,
  KIND_FAILED,
  KIND_WRITABLE,
} from "../binding/records.ts";
import { followersAt, peerAt } from "./datagram-record.ts";
import type { Peer } from "./peers.ts";
import {
  type Channel,
  completions,
  type LoopAccount,
  reactor,
  register,
  unregister,
} from "./reactor.ts";

/** Who owns a channel. Methods run in a turn; each may send, pause and close. */
export interface DatagramSink {
  /**
   * One datagram, which stands in the slab until this returns; `at` is its completion
   * (datagram-record.ts).
   */
  onDatagram(offset: number, length: number, at: number): void;
  /** Instead, where it is there: `count` completions from `at` on. */
  onBatch?: ((at: number, count: number) => void) | undefined;
  /** An asynchronous error, as of an ICMP message: the socket lives on. */
  onFailed(errno: number): void;
  /**
   * The error queue says what became of a datagram to a peer: a negative errno, and for EMSGSIZE
   * the path MTU.
   */
  onPeerFailed(peer: Peer | null, errno: number, mtuBytes: number): void;
  /** The peer of a seqpacket socket has finished, after all its messages. */
  onEnded?(): void;
  /**
   * What was submitted and could not be sent whole, or asks to be told; as `settle` in reactor.ts.
   */
  onSettled(status: number, first: number): void;
  /** There is room again after EAGAIN. */
  onWritable(): void;
}

export class DatagramChannel implements Channel, LoopAccount {
  slot = -1;
  generation = 0;
  deaf = false;
  batch = -1;
  tail = 0;
  batchBytes = 0;
  iteration = 0;
  iterationBytes = 0;
  readonly #sink: DatagramSink;
  /** Completions of a batch that was delivered whole with its first. */
  #delivered = 0;

  constructor(sink: DatagramSink) {
    this.#sink = sink;
  }

  attach(slot: number, generation: number): void {
    register(this, slot, generation);
  }

  pause(): void {
    if (!this.deaf) reactor.pause(this.slot, this.generation);
  }

  resume(): void {
    if (!this.deaf) reactor.resume(this.slot, this.generation);
  }

  /** Closes the descriptor now. */
  close(): void {
    if (this.deaf) return;
    this.#leave();
    reactor.close(this.slot, this.generation, false);
  }

  /** Takes the descriptor out of the reactor, or answers a negative errno. */
  release(): number {
    this.#leave();
    return reactor.release(this.slot, this.generation);
  }

  #leave(): void {
    this.deaf = true;
    unregister(this);
  }

  complete(at: number): void {
    switch (completions[at + COMPLETION_KIND]) {
      case KIND_DATAGRAM:
        this.#datagram(at);
        return;
      case KIND_DATAGRAM_ERROR: {
        const errno = completions[at + COMPLETION_LENGTH] as number;
        this.#sink.onPeerFailed(peerAt(at), errno, completions[at + COMPLETION_STRIDE] as number);
        return;
      }
      case KIND_FAILED:
        this.#sink.onFailed(completions[at + COMPLETION_LENGTH] as number);
        return;
      case KIND_WRITABLE:
        this.#sink.onWritable();
        return;
      case KIND_END:
        this.#sink.onEnded?.();
        return;
    }
  }

  #datagram(at: number): void {
    if (this.#sink.onBatch !== undefined) {
      if (this.#delivered > 0) {
        this.#delivered--;
        return;
      }
      this.#delivered = followersAt(at);
      this.#sink.onBatch(at, this.#delivered + 1);
      return;
    }
    const offset = completions[at + COMPLETION_OFFSET] as number;
    const length = completions[at + COMPLETION_LENGTH] as number;
    const stride = completions[at + COMPLETION_STRIDE] as number;
    if (stride === 0) {
      this.#sink.onDatagram(offset, length, at);
      return;
    }
    for (let from = 0; from < length && !this.deaf; from += stride) {
      this.#sink.onDatagram(offset + from, Math.min(stride, length - from), at);
    }
  }

  settle(status: number, _taken: number, first: number): void {
    this.#sink.onSettled(status, first);
  }
}
