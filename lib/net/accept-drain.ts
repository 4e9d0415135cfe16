// How the sockets of a listener leave without resetting anybody who is on the way in: handshakes
// that are under way get their time, what is queued is accepted, and each socket is closed by the
// accept(2) that finds nothing. Bounded in time. Not here: who comes in (listener.ts), which
// sockets share their port (listen-sockets.ts).

import { Deadline } from "../core/deadlines.ts";
import {
  DRAIN_LIMIT_MS,
  DRAIN_ROUND_TRIPS_COUNT,
  MAX_DRAIN_HANDSHAKES_MS,
  MIN_DRAIN_HANDSHAKES_MS,
} from "../core/limits.ts";
import { TCP_INFO_INDEX, tcpInfoFields } from "../socket/tcp-info.ts";
import {
  clearDeadline,
  type DeadlineOwner,
  holdProcess,
  letProcessGo,
  now,
  setDeadline,
} from "./clock.ts";

/** What leaves. */
export interface DrainedSocket {
  /** No new handshake comes to it. False where that cannot be had. */
  refuseNew(): boolean;
  closeWhenEmpty(): void;
  /** Whether it is closed. */
  readonly deaf: boolean;
}

/** How long a handshake may take, to judge by those who have come in. */
export function handshakeTimeMs(connections: Iterable<{ readonly fd: number }>): number {
  let longestMs = -1;
  let looked = 0;
  for (const { fd } of connections) {
    if (looked++ === DRAIN_ROUND_TRIPS_COUNT) break;
    // Not told for what is closed, or not TCP.
    const roundTripMs = tcpInfoFields(fd)?.[TCP_INFO_INDEX.roundTripTimeMs] ?? Number.NaN;
    if (roundTripMs > longestMs) longestMs = roundTripMs;
  }
  if (longestMs < 0) return MAX_DRAIN_HANDSHAKES_MS;
  return Math.min(Math.max(2 * longestMs, MIN_DRAIN_HANDSHAKES_MS), MAX_DRAIN_HANDSHAKES_MS);
}

export class AcceptDrain implements DeadlineOwner {
  readonly #deadline = new Deadline<DeadlineOwner>(this);
  #sockets: readonly DrainedSocket[] = [];
  #done: (() => void) | null = null;
  #until = 0;
  #isRefusing = false;

  /** Whether it is under way. */
  get isRunning(): boolean {
    return this.#done !== null;
  }

  /**
   * Calls `done` when all sockets are closed, or DRAIN_LIMIT_MS have passed; not after `stop`.
   *
   * @param handshakesMs how long new connections are left to others who share the port, so that
   *   those under way come in; 0 where nobody does
   */
  start(sockets: readonly DrainedSocket[], handshakesMs: number, done: () => void): void {
    this.#sockets = sockets;
    this.#done = done;
    this.#until = now() + DRAIN_LIMIT_MS;
    // Also for sockets that were let go: the end of the process would reset who is queued.
    holdProcess();
    const refusing = handshakesMs > 0 ? sockets.filter((socket) => socket.refuseNew()) : [];
    this.#isRefusing = refusing.length > 0;
    if (this.#isRefusing) setDeadline(this.#deadline, handshakesMs);
    else this.#empty();
  }

  #empty(): void {
    setDeadline(this.#deadline, this.#until - now());
    for (const socket of this.#sockets) socket.closeWhenEmpty();
  }

  /** One of the sockets is closed. */
  emptied(): void {
    if (this.#sockets.every((socket) => socket.deaf)) this.#finish();
  }

  /** @internal */
  expired(): void {
    if (!this.#isRefusing) {
      this.#finish();
      return;
    }
    this.#isRefusing = false;
    this.#empty();
  }

  #finish(): void {
    const done = this.#done;
    this.stop();
    done?.();
  }

  stop(): void {
    if (this.#done === null) return;
    letProcessGo();
    clearDeadline(this.#deadline);
    this.#done = null;
    this.#sockets = [];
  }
}
