// How many calls of zlib may be in the thread pool at once. Each holds its working memory from the
// moment it is made, a quarter of a megabyte for a compression, so ten thousand connections that
// compress at once must wait for each other. One queue for the thread; no zlib here.

import { MAX_POOLED_ZLIB_CALLS } from "./limits.ts";

export class ZlibPool {
  private readonly most: number;
  private running = 0;
  private waiting: (() => void)[] = [];
  /** Index in `waiting` of the next to start: taking from the front moves nothing. */
  private head = 0;

  constructor(most: number) {
    this.most = most;
  }

  /** Calls `start` now or when another has left; whoever was started calls leave() once. */
  enter(start: () => void): void {
    if (this.running >= this.most) {
      this.waiting.push(start);
      return;
    }
    this.running++;
    start();
  }

  leave(): void {
    const next = this.waiting[this.head];
    if (next === undefined) {
      this.running--;
      return;
    }
    this.head++;
    if (this.head === this.waiting.length) {
      this.waiting = [];
      this.head = 0;
    }
    next();
  }
}

export const zlibPool = new ZlibPool(MAX_POOLED_ZLIB_CALLS);
