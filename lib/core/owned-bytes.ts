// Owned bytes: copies that belong to whoever they are given to.
// Not here: lent bytes, and who copies when.
//
// Small copies share blocks, because one allocation per message costs more than the message. A
// block is small, since one kept slice keeps all of it, and of our own rather than Node's pool,
// whose size differs between versions (8 KiB, 64 KiB). It is untransferable: who posts a slice to a
// worker with a transfer list would detach every other slice.

import { bufferOver } from "./buffer-view.ts";
import { nodeWorkerThreads } from "./builtins.ts";
import { OWNED_BLOCK_BYTES } from "./limits.ts";

/** Copies of this size or more have memory of their own. */
const UNSHARED_BYTES = OWNED_BLOCK_BYTES >>> 1;
const ALIGNMENT_BYTES = 8;
/** Up to here a loop is the quickest copy. */
const LOOP_BYTES = 32;

let block: Buffer = Buffer.alloc(0);
let memory = block.buffer as ArrayBuffer;
let view = new DataView(memory);
let used = 0;

/** A Buffer of `size` bytes with whatever stands in them; the caller fills all of it. */
export function allocateOwned(size: number): Buffer {
  if (size >= UNSHARED_BYTES) return Buffer.allocUnsafeSlow(size);
  // Which may change the memory.
  const start = reserveOwned(size);
  return bufferOver(memory, start, size);
}

/** A copy of `length` bytes of `source` from `offset` on. */
export function ownedCopy(source: Buffer, offset: number, length: number): Buffer {
  if (length >= UNSHARED_BYTES) {
    const copy = Buffer.allocUnsafeSlow(length);
    source.copy(copy, 0, offset, offset + length);
    return copy;
  }
  const start = reserveOwned(length);
  if (length <= LOOP_BYTES) {
    for (let at = 0; at < length; at++) block[start + at] = source[offset + at] as number;
  } else {
    source.copy(block, start, offset, offset + length);
  }
  return bufferOver(memory, start, length);
}

/**
 * Where in the block the next `size` bytes go, at most half of it: for who writes them by
 * `ownedView`, and then gives them away by `ownedAt`. Aligned, so that typed arrays can be laid
 * over them.
 */
export function reserveOwned(size: number): number {
  if (used + size > block.length) {
    block = Buffer.allocUnsafeSlow(OWNED_BLOCK_BYTES);
    memory = block.buffer as ArrayBuffer;
    view = new DataView(memory);
    nodeWorkerThreads().markAsUntransferable(memory);
    used = 0;
  }
  const start = used;
  used += (size + ALIGNMENT_BYTES - 1) & -ALIGNMENT_BYTES;
  return start;
}

/** The block that was last reserved from. */
export function ownedView(): DataView {
  return view;
}

/** What was written where `reserveOwned` has said. */
export function ownedAt(start: number, length: number): Buffer {
  return bufferOver(memory, start, length);
}
