// Datagrams that have arrived, and those who wait for one. Errors stand in the same line, each
// between the datagrams that came before and after it.
// Not here: the kernel, pausing (datagram-socket.ts sees `isFull`).

import { MESSAGE_OVERHEAD_BYTES } from "../core/limits.ts";
import { Queue } from "../core/queue.ts";
import { quiet } from "../core/send-waiters.ts";
import { onAbort } from "../core/waiting.ts";
import type { AddressFamily } from "./address.ts";
import type { Ecn } from "./datagram-record.ts";

/** One datagram, owned. */
export interface Datagram {
  /** The whole datagram; empty ones come too (B36). */
  readonly data: Buffer;
  /** The sender; `""` where a Unix socket has no name. */
  readonly address: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  readonly family: AddressFamily;
  /** Where it was sent to, a group or broadcast address included; null without `packetInfo`. */
  readonly localAddress: string | null;
  /** Index of the interface of arrival; null without `packetInfo`. */
  readonly interface: number | null;
  /** Explicit congestion notification (RFC 3168 section 5); null without `ecn`. */
  readonly ecn: Ecn | null;
  /** When the kernel received it, milliseconds since 1970; null without `timestamps`. */
  readonly timestamp: number | null;
  /**
   * It was longer than the 64 KiB that are read at most, which only Unix sockets send (MSG_TRUNC,
   * recvmsg(2)); `data` is the beginning.
   */
  readonly truncated: boolean;
}

interface Waiter {
  readonly resolve: (datagram: Datagram | null) => void;
  readonly reject: (reason: unknown) => void;
  stopWatching: () => void;
}

type About = Omit<Datagram, "data"> | Error;

const NO_DATA = Buffer.alloc(0);

export class DatagramReceiver {
  readonly #data: Queue<Buffer>;
  /** One for each entry of `#data`, which holds nothing for an error. */
  #about: About[] = [];
  readonly #changed: () => void;
  #isOver = false;
  #waiters: Waiter[] = [];

  /**
   * @param mark bytes held for a reader that does not come
   * @param changed called when one was taken, or is waited for
   */
  constructor(mark: number, changed: () => void) {
    this.#data = new Queue<Buffer>({ high: mark, itemOverhead: MESSAGE_OVERHEAD_BYTES });
    this.#changed = changed;
  }

  get isFull(): boolean {
    return this.#data.above;
  }

  get isWaiting(): boolean {
    return this.#waiters.length > 0;
  }

  get length(): number {
    return this.#data.length;
  }

  /** Adds one, whose `data` is copied already. */
  push(datagram: Datagram): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      const { data, ...about } = datagram;
      this.#data.push(data);
      this.#about.push(about);
      return;
    }
    waiter.stopWatching();
    waiter.resolve(datagram);
  }

  /** Somebody's `receive` rejects with it: one that waits, or one to come. */
  fail(error: Error): void {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.stopWatching();
      waiter.reject(error);
      return;
    }
    this.#data.push(NO_DATA);
    this.#about.push(error);
  }

  receive(signal: AbortSignal | undefined): Promise<Datagram | null> {
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    const about = this.#about.shift();
    if (about !== undefined) {
      const data = this.#data.shift() as Buffer;
      this.#changed();
      if (about instanceof Error) return quiet(Promise.reject(about));
      return Promise.resolve({ data, ...about });
    }
    if (this.#isOver) return Promise.resolve(null);
    return quiet(new Promise((resolve, reject) => this.#wait(resolve, reject, signal)));
  }

  #wait(
    resolve: Waiter["resolve"],
    reject: Waiter["reject"],
    signal: AbortSignal | undefined,
  ): void {
    const waiter: Waiter = { resolve, reject, stopWatching: nothing };
    waiter.stopWatching = onAbort(signal, () => {
      this.#waiters = this.#waiters.filter((one) => one !== waiter);
      reject(signal?.reason);
    });
    this.#waiters.push(waiter);
    this.#changed();
  }

  /** Nothing more comes: null after what is here. */
  end(): void {
    this.#isOver = true;
    for (const waiter of this.#waiters.splice(0)) {
      waiter.stopWatching();
      waiter.resolve(null);
    }
  }

  /** Drops what is here and rejects who waits. */
  cancel(error: Error): void {
    this.#data.clear();
    this.#about = [];
    for (const waiter of this.#waiters.splice(0)) {
      waiter.stopWatching();
      waiter.reject(error);
    }
  }
}

function nothing(): void {}
