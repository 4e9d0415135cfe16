// What the kernel did not take of a chain of stream submissions, moved where it can wait. Not here:
// when that is done, and what becomes of it (stream-channel.ts).

import {
  OPERATION_SEND_AREA,
  OPERATION_SEND_SLAB,
  OPERATION_SEND_VIEW,
  SUBMISSION_LENGTH,
  SUBMISSION_NEXT,
  SUBMISSION_OFFSET,
  SUBMISSION_OPERATION,
  SUBMISSION_VIEW,
  SUBMISSION_WORDS,
} from "../binding/records.ts";
import { Queue } from "../core/queue.ts";
import { area, slab, submissions, views } from "./reactor.ts";

/** A queue that takes whatever was written already: its bound is the mark of who writes. */
export function unboundedQueue(): Queue<Buffer> {
  return new Queue<Buffer>({ high: Number.MAX_SAFE_INTEGER });
}

/**
 * Copies the rest of a chain out of memory that is about to be used again; a caller's buffer is
 * kept by reference, and in place of one that is gone nothing of the same size.
 *
 * @param first index of the chain's first submission
 * @param taken bytes of the chain that the kernel has taken
 */
export function restOfChain(first: number, taken: number): Queue<Buffer> {
  const rest = unboundedQueue();
  let skip = taken;
  for (let index = first; index >= 0; ) {
    const at = index * SUBMISSION_WORDS;
    const length = submissions[at + SUBMISSION_LENGTH] as number;
    if (skip >= length) {
      skip -= length;
    } else {
      const from = (submissions[at + SUBMISSION_OFFSET] as number) + skip;
      const to = (submissions[at + SUBMISSION_OFFSET] as number) + length;
      switch (submissions[at + SUBMISSION_OPERATION]) {
        case OPERATION_SEND_AREA:
          rest.append(area.subarray(from, to));
          break;
        case OPERATION_SEND_SLAB:
          rest.append(slab.subarray(from, to));
          break;
        case OPERATION_SEND_VIEW:
          rest.push(
            partOf(views[submissions[at + SUBMISSION_VIEW] as number], from, to),
            to - from,
          );
          break;
      }
      skip = 0;
    }
    index = submissions[at + SUBMISSION_NEXT] as number;
  }
  return rest;
}

const NOTHING = Buffer.alloc(0);

// Memory that was detached or shrunk before the flush came to look at it counts for what it was, so
// that the flush refuses it, as it does where it looks at once.
function partOf(view: Uint8Array | undefined, from: number, to: number): Buffer {
  if (view === undefined || view.length < to) return NOTHING;
  return asBuffer(view).subarray(from, to);
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
