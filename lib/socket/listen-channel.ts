// One listening slot of the reactor: what it accepts and when it cannot.
// Not here: connections, limits and back-off (lib/net/listener.ts).

import {
  COMPLETION_KIND,
  COMPLETION_LENGTH,
  COMPLETION_OFFSET,
  KIND_ACCEPT_FAILED,
  KIND_ACCEPTED,
  KIND_END,
} from "../binding/records.ts";
import { type Channel, completions, reactor, register, unregister } from "./reactor.ts";

const MAX_CREDITS = 0x7fffffff;

/** Who owns a listening channel. */
export interface ListenSink {
  /** A connection came in, in a slot of its own. */
  onAccepted(slot: number, generation: number): void;
  /** accept(2) answered a negative errno; nothing is accepted until `resume`. */
  onAcceptFailed(errno: number): void;
  /** It was empty, and is closed. For who calls `closeWhenEmpty`. */
  onEmptied?(): void;
}

export class ListenChannel implements Channel {
  slot = -1;
  generation = 0;
  deaf = false;
  batch = -1;
  tail = 0;
  batchBytes = 0;
  readonly #sink: ListenSink;

  constructor(sink: ListenSink) {
    this.#sink = sink;
  }

  attach(slot: number, generation: number): void {
    register(this, slot, generation);
  }

  /** listen(2), with that many connections to accept, or Infinity. 0 or a negative errno. */
  listen(backlog: number, credits: number): number {
    return reactor.listen(this.slot, this.generation, backlog, native(credits));
  }

  /** Watches a socket that listens already, with that many connections to accept. As `listen`. */
  watch(credits: number): number {
    reactor.setCredits(this.slot, this.generation, native(credits));
    return reactor.watch(this.slot, this.generation);
  }

  /** Connections that may still be accepted; Infinity for no limit. */
  setCredits(credits: number): void {
    if (!this.deaf) reactor.setCredits(this.slot, this.generation, native(credits));
  }

  /** After `onAcceptFailed`. */
  resume(): void {
    if (!this.deaf) reactor.resume(this.slot, this.generation);
  }

  setReferenced(referenced: boolean): void {
    if (!this.deaf) reactor.setReferenced(this.slot, this.generation, referenced);
  }

  /** No new handshake comes to it, on TCP; those under way go on. False where that fails. */
  refuseNew(): boolean {
    return !this.deaf && reactor.refuseNew(this.slot, this.generation) === 0;
  }

  /** Accepts what the kernel has queued, and closes the descriptor when that is nothing more. */
  closeWhenEmpty(): void {
    if (!this.deaf) reactor.closeWhenEmpty(this.slot, this.generation);
  }

  /** Closes the descriptor now. What the kernel has queued is reset. */
  close(): void {
    if (this.deaf) return;
    this.deaf = true;
    reactor.close(this.slot, this.generation, false);
    unregister(this);
  }

  /** Takes the descriptor out of the reactor, or answers a negative errno. */
  release(): number {
    this.deaf = true;
    unregister(this);
    return reactor.release(this.slot, this.generation);
  }

  complete(at: number): void {
    switch (completions[at + COMPLETION_KIND]) {
      case KIND_ACCEPTED:
        this.#sink.onAccepted(
          completions[at + COMPLETION_OFFSET] as number,
          completions[at + COMPLETION_LENGTH] as number,
        );
        return;
      case KIND_ACCEPT_FAILED:
        this.#sink.onAcceptFailed(completions[at + COMPLETION_LENGTH] as number);
        return;
      case KIND_END:
        this.deaf = true;
        unregister(this);
        this.#sink.onEmptied?.();
        return;
    }
  }

  /** A listener submits nothing. */
  settle(): void {}
}

// The binding takes an int32, and -1 for no limit.
function native(credits: number): number {
  return credits > MAX_CREDITS ? -1 : credits;
}
