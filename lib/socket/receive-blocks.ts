// Memory that large chunks are received into and that is then given away, instead of being copied
// out of the slab. Not here: which socket receives into it (stream-channel.ts), the turn
// (reactor.ts).
//
// Who keeps a chunk keeps its whole block, so blocks are small and small chunks are copied: kept
// memory is at most RECEIVE_BLOCK_BYTES / MIN_GIVEN_BYTES times the bytes that are kept.

import { nodeWorkerThreads } from "../core/builtins.ts";
import {
  LEAST_RECEIVE_ROOM_BYTES,
  MAX_RECEIVE_BLOCKS,
  RECEIVE_BLOCK_BYTES,
} from "../core/limits.ts";

const ALIGNMENT_BYTES = 8;

export class ReceiveBlocks {
  /** What native code receives into, in this order; the first from `used` on. */
  readonly list: Buffer[] = [];
  /** Bytes at the front of the first block that were given away. */
  used = 0;

  readonly #buffers: ArrayBufferLike[] = [];
  #wanted = 0;
  #given = false;
  /** The last block that something was given away of, and where that ended. */
  #last = 0;
  #end = 0;

  /** There was more to receive in one turn than the blocks took. Takes effect with the next one. */
  want(): void {
    this.#wanted = Math.min(this.list.length + 1, MAX_RECEIVE_BLOCKS);
    this.#given = true;
  }

  /** The bytes of a block up to `end` belong to somebody else. Called in the order of arrival. */
  give(index: number, end: number): void {
    this.#given = true;
    this.#last = index;
    this.#end = (end + ALIGNMENT_BYTES - 1) & -ALIGNMENT_BYTES;
  }

  /** The block that bytes stand in, if it is one of those in use. */
  blockOf(bytes: Uint8Array): Buffer | undefined {
    if (this.list.length === 0) return undefined;
    const index = this.#buffers.indexOf(bytes.buffer);
    return index === -1 ? undefined : this.list[index];
  }

  /** After a turn: full blocks go, new ones come. True when `used` may have changed. */
  renew(): boolean {
    if (!this.#given) return false;
    this.#given = false;
    const { list } = this;
    if (this.#end > 0) {
      this.#drop(this.#last);
      this.used = this.#end;
      this.#end = 0;
      this.#last = 0;
    }
    // Detached, where somebody has transferred what was not all theirs, is as good as full.
    const first = list[0];
    if (first !== undefined && first.length - this.used < LEAST_RECEIVE_ROOM_BYTES) {
      this.#drop(1);
      this.used = 0;
    }
    while (list.length < this.#wanted) {
      const block = newBlock();
      list.push(block);
      this.#buffers.push(block.buffer);
    }
    return true;
  }

  #drop(count: number): void {
    this.list.splice(0, count);
    this.#buffers.splice(0, count);
  }
}

function newBlock(): Buffer {
  const block = Buffer.allocUnsafeSlow(RECEIVE_BLOCK_BYTES);
  nodeWorkerThreads().markAsUntransferable(block.buffer);
  return block;
}
