// The batch that a `batch` callback is lent: many datagrams, no object for any of them. Numbers
// only; what is asked for is read from the completions, in the turn that brought them.

import {
  COMPLETION_LENGTH,
  COMPLETION_OFFSET,
  COMPLETION_STRIDE,
  COMPLETION_WORDS,
} from "../binding/records.ts";
import { viewOf } from "../core/buffer-view.ts";
import type { SocketAddressInfo } from "./address.ts";
import type { Datagram } from "./datagram-receiver.ts";
import {
  type Ecn,
  ecnAt,
  hopLimitAt,
  interfaceAt,
  localAt,
  senderAt,
  timestampAt,
  truncatedAt,
} from "./datagram-record.ts";
import { completions, slab } from "./reactor.ts";

const FIRST_ROOM = 64;

/**
 * What one recvmmsg(2) gave. Lent: valid until the callback returns. Indexes run from 0 to
 * `length - 1`, in the order of arrival.
 */
export class DatagramBatch {
  /** The memory in which all of them lie. */
  readonly bytes: Buffer = slab;
  #length = 0;
  #offsets = new Int32Array(FIRST_ROOM);
  #sizes = new Int32Array(FIRST_ROOM);
  /** The completion of each. */
  #records = new Int32Array(FIRST_ROOM);

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** @internal Takes `count` completions from `at` on. */
  fill(at: number, count: number): void {
    this.#length = 0;
    let record = at;
    for (let i = 0; i < count; i++, record += COMPLETION_WORDS) {
      const offset = completions[record + COMPLETION_OFFSET] as number;
      const length = completions[record + COMPLETION_LENGTH] as number;
      const stride = completions[record + COMPLETION_STRIDE] as number;
      this.#add(record, offset, length, stride === 0 ? length : stride);
    }
  }

  #add(record: number, offset: number, length: number, stride: number): void {
    let index = this.#length;
    const count = length === 0 ? 1 : Math.ceil(length / stride);
    if (index + count > this.#offsets.length) this.#grow(index + count);
    const offsets = this.#offsets;
    const sizes = this.#sizes;
    const records = this.#records;
    for (let left = length; ; left -= stride) {
      offsets[index] = offset + length - left;
      sizes[index] = left < stride ? left : stride;
      records[index] = record;
      index++;
      if (left <= stride) break;
    }
    this.#length = index;
  }

  #grow(room: number): void {
    let size = this.#offsets.length;
    while (size < room) size *= 2;
    for (const name of ["offsets", "sizes", "records"] as const) {
      const larger = new Int32Array(size);
      if (name === "offsets") {
        larger.set(this.#offsets);
        this.#offsets = larger;
      } else if (name === "sizes") {
        larger.set(this.#sizes);
        this.#sizes = larger;
      } else {
        larger.set(this.#records);
        this.#records = larger;
      }
    }
  }

  /** @internal Nothing of it may be used any more. */
  clear(): void {
    this.#length = 0;
  }

  /** Where the datagram begins in `bytes`. */
  offset(index: number): number {
    return this.#offsets[this.#require(index)] as number;
  }

  /** Its length in bytes, which may be 0. */
  size(index: number): number {
    return this.#sizes[this.#require(index)] as number;
  }

  /** The sender, one object as long as it goes on sending; null where it has no name. */
  peer(index: number): SocketAddressInfo | null {
    return senderAt(this.#record(index));
  }

  /** Where it was sent to; null without `packetInfo`. */
  localAddress(index: number): string | null {
    return localAt(this.#record(index))?.address ?? null;
  }

  /** The index of the interface of arrival; null without `packetInfo`. */
  interface(index: number): number | null {
    return interfaceAt(this.#record(index));
  }

  /** Explicit congestion notification (RFC 3168); null without `ecn`. */
  ecn(index: number): Ecn | null {
    return ecnAt(this.#record(index));
  }

  /** TTL or hop limit on arrival; null where IP_RECVTTL, IPV6_RECVHOPLIMIT is off. */
  hopLimit(index: number): number | null {
    return hopLimitAt(this.#record(index));
  }

  /** When the kernel received it, milliseconds since 1970; null without `timestamps`. */
  timestamp(index: number): number | null {
    return timestampAt(this.#record(index));
  }

  /** Whether it was longer than the 64 KiB that are read at most. */
  truncated(index: number): boolean {
    return truncatedAt(this.#record(index));
  }

  /** Its bytes, lent as `bytes` are. */
  view(index: number): Buffer {
    const offset = this.offset(index);
    return viewOf(slab, offset, offset + this.size(index));
  }

  /** An owned copy. */
  datagram(index: number): Datagram {
    return ownedDatagram(Buffer.from(this.view(index)), this.#record(index));
  }

  #record(index: number): number {
    return this.#records[this.#require(index)] as number;
  }

  #require(index: number): number {
    if (index >= 0 && index < this.#length) return index;
    throw new RangeError(`there is no datagram ${index} in this batch of ${this.#length}`);
  }
}

/** A datagram with all that its completion tells. */
export function ownedDatagram(data: Buffer, at: number): Datagram {
  return { data, ...ownedDatagramInfo(at) };
}

/** What a completion tells besides the bytes. */
export function ownedDatagramInfo(at: number): Omit<Datagram, "data"> {
  const sender = senderAt(at);
  return {
    address: sender?.address ?? "",
    port: sender?.port ?? 0,
    family: sender?.family ?? "unix",
    localAddress: localAt(at)?.address ?? null,
    interface: interfaceAt(at),
    truncated: truncatedAt(at),
    ecn: ecnAt(at),
    timestamp: timestampAt(at),
  };
}
