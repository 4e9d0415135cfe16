// One datagram slot of the reactor: what arrives and when there is room to send. Sends are single
// system calls for now; batches (sendmmsg, GSO) will be submissions as those of streams are.
// Not here: the queue and the waiting (datagram-receiver.ts, datagram-sender.ts).

import {
  COMPLETION_ECN,
  COMPLETION_KIND,
  COMPLETION_LENGTH,
  COMPLETION_OFFSET,
  COMPLETION_PEER,
  COMPLETION_STRIDE,
  KIND_DATAGRAM,
  KIND_DATAGRAM_ERROR,
  KIND_FAILED,
  KIND_WRITABLE,
} from "../binding/records.ts";
import { FLAT_BYTES, readSender, type SocketAddressInfo } from "./address.ts";
import {
  addresses,
  type Channel,
  completions,
  type LoopAccount,
  reactor,
  register,
  slab,
  unregister,
} from "./reactor.ts";

/** Who owns a channel. Methods run in a turn; each may send, pause and close. */
export interface DatagramSink {
  /** One datagram, lent until this returns. `peer` is null where the sender has no name. */
  onDatagram(data: Buffer, peer: SocketAddressInfo | null, truncated: boolean): void;
  /**
   * An asynchronous error, as of an ICMP message: the socket lives on. `peer` is whom it concerns,
   * where the error queue says so (IP_RECVERR, ip(7)).
   */
  onFailed(errno: number, peer: SocketAddressInfo | null): void;
  /** There is room again after EAGAIN. */
  onWritable(): void;
}

const TRUNCATED_BIT = 1 << 8;

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
  // Datagrams of one peer mostly follow each other: its text is made once.
  readonly #lastFlat: Buffer = Buffer.alloc(FLAT_BYTES);
  #lastPeer: SocketAddressInfo | null = null;

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
        this.#datagrams(at);
        return;
      case KIND_FAILED:
        this.#sink.onFailed(completions[at + COMPLETION_LENGTH] as number, null);
        return;
      case KIND_DATAGRAM_ERROR: {
        const peer = this.#peerOf(completions[at + COMPLETION_PEER] as number);
        this.#sink.onFailed(completions[at + COMPLETION_LENGTH] as number, peer);
        return;
      }
      case KIND_WRITABLE:
        this.#sink.onWritable();
        return;
    }
  }

  // One, or those that the kernel has joined (UDP_GRO): all of one size but the last.
  #datagrams(at: number): void {
    const offset = completions[at + COMPLETION_OFFSET] as number;
    const end = offset + (completions[at + COMPLETION_LENGTH] as number);
    const stride = (completions[at + COMPLETION_STRIDE] as number) || end - offset;
    const truncated = ((completions[at + COMPLETION_ECN] as number) & TRUNCATED_BIT) !== 0;
    const peer = this.#peerOf(completions[at + COMPLETION_PEER] as number);
    let from = offset;
    do {
      const to = Math.min(from + stride, end);
      this.#sink.onDatagram(slab.subarray(from, to), peer, truncated && to === end);
      from = to;
    } while (from < end && !this.deaf);
  }

  #peerOf(index: number): SocketAddressInfo | null {
    if (index < 0) return null;
    const flat = addresses.subarray(index * FLAT_BYTES, (index + 1) * FLAT_BYTES);
    if (this.#lastPeer !== null && this.#lastFlat.equals(flat)) return this.#lastPeer;
    const peer = readSender(flat, slab) ?? null;
    // Two paths may have stood in one place.
    const isKept = peer !== null && peer.family !== "unix";
    this.#lastPeer = isKept ? peer : null;
    if (isKept) this.#lastFlat.set(flat);
    return peer;
  }

  /** Nothing is submitted yet. */
  settle(): void {}
}
