// Whether a peer is alive, from what the kernel tells about a connection with something pending.
// Pure: samples and times in, a verdict out. Not here: who takes samples and when
// (liveness-monitor.ts), what the kernel is told (liveness-options.ts).
//
// Socket options alone do not give this on Linux: TCP_USER_TIMEOUT overrides the count of keepalive
// probes and kills live peers whose window is closed, and keepalive rests while data is pending
// (tcp(7)). The kernel's counters do.

import { MAX_SAMPLE_INTERVAL_MS, MIN_SAMPLE_INTERVAL_MS } from "../core/limits.ts";

/** The limits of a connection, in milliseconds; Infinity where there is none. */
export interface LivenessLimits {
  /** Silence before the first keepalive probe. */
  readonly idleMs: number;
  /** From the first probe to the verdict: interval x count. */
  readonly askMs: number;
  /** `dropTimeout` */
  readonly dropMs: number;
  /** `stallTimeout` */
  readonly stallMs: number;
  /** How often to look while something is pending; Infinity where no limit is set. */
  readonly everyMs: number;
}

/** What limits are made of: a part of the options of a stream, in their normal form. */
export interface LivenessParameters {
  readonly keepAlive: {
    readonly idleSeconds: number;
    readonly intervalSeconds: number;
    readonly count: number;
  } | null;
  readonly dropTimeout: number;
  readonly stallTimeout: number;
}

/** One look at a connection, the same on both systems. NaN: this system does not tell. */
export interface LivenessSample {
  /** Past the handshake; before it nothing else here means anything. */
  readonly isOpen: boolean;
  /** U: segments sent and not acknowledged. XNU: bytes, as far as the window is open. */
  readonly unacknowledged: number;
  /** N: bytes in the send buffer that were never sent. XNU: all bytes in it. */
  readonly unsentBytes: number;
  /** P: keepalive or window probes without an answer. */
  readonly probes: number;
  /** A: grows when the peer acknowledges. */
  readonly acknowledgedBytes: number;
  /** W: the window that the peer announced. */
  readonly windowBytes: number;
  /** H: how long ago anything was heard from the peer. */
  readonly silentMs: number;
}

export type LivenessReason = "PEER_UNREACHABLE" | "SEND_STALLED";

/** Why a connection is over, and by which of its options. */
export interface LivenessVerdict {
  readonly reason: LivenessReason;
  readonly limit: "keepAlive" | "dropTimeout" | "stallTimeout";
}

const BY_KEEPALIVE: LivenessVerdict = { reason: "PEER_UNREACHABLE", limit: "keepAlive" };
const BY_DROP: LivenessVerdict = { reason: "PEER_UNREACHABLE", limit: "dropTimeout" };
const BY_STALL: LivenessVerdict = { reason: "SEND_STALLED", limit: "stallTimeout" };

/** One unanswered probe is seen on live peers too, for a round trip after each. */
const TELLING_PROBES = 2;

/** What times in TCP_INFO are coarse by: a tick of the kernel, at the slowest HZ there is (100). */
const KERNEL_TICK_MS = 10;

const limited = (ms: number): number => (ms > 0 ? ms : Number.POSITIVE_INFINITY);

/** The limits that options ask for. */
export function livenessLimits(parameters: LivenessParameters): LivenessLimits {
  const { keepAlive, dropTimeout, stallTimeout } = parameters;
  const idleMs = keepAlive === null ? Number.POSITIVE_INFINITY : keepAlive.idleSeconds * 1_000;
  const askMs =
    keepAlive === null
      ? Number.POSITIVE_INFINITY
      : keepAlive.intervalSeconds * keepAlive.count * 1_000;
  const dropMs = limited(dropTimeout);
  const stallMs = limited(stallTimeout);
  return { idleMs, askMs, dropMs, stallMs, everyMs: sampleInterval(askMs, dropMs, stallMs) };
}

function sampleInterval(...limitsMs: number[]): number {
  const shortest = Math.min(...limitsMs);
  if (shortest === Number.POSITIVE_INFINITY) return shortest;
  return Math.min(MAX_SAMPLE_INTERVAL_MS, Math.max(MIN_SAMPLE_INTERVAL_MS, shortest / 10));
}

/** Whether the kernel has nothing left that the peer has to acknowledge. */
export function isSettled(sample: LivenessSample): boolean {
  return sample.isOpen && sample.unacknowledged === 0 && sample.unsentBytes === 0;
}

/** What is remembered of a connection from the moment something is pending until nothing is. */
export class Liveness {
  readonly #limits: LivenessLimits;
  #lookedAt: number;
  /** tProgress: when acknowledgements last moved, or something became pending. */
  #progressAt: number;
  /** tU: since when the peer owes an answer and has given none; NaN while it does not. */
  #askedAt = Number.NaN;
  #acknowledged = Number.NaN;
  #wasClosed = false;

  /** @param now when something became pending, in milliseconds of any steady clock */
  constructor(limits: LivenessLimits, now: number) {
    this.#limits = limits;
    this.#lookedAt = now;
    this.#progressAt = now;
  }

  /** What follows from a sample; null while the peer may be alive and no limit has passed. */
  judge(sample: LivenessSample, now: number): LivenessVerdict | null {
    this.#discountGap(now);
    // The times of the last acknowledgement are garbage before the connection is open.
    if (!sample.isOpen) return null;
    const isClosed =
      (sample.unacknowledged === 0 && sample.unsentBytes > 0) || sample.windowBytes === 0;
    this.#noteProgress(sample, isClosed, now);
    this.#noteAsked(sample, isClosed, now);
    return this.#verdict(sample, isClosed, now);
  }

  // Time in which nobody looked (a blocked event loop, a stopped process) says nothing about the
  // peer: what it answered may not have been read, what was written may not have been sent.
  #discountGap(now: number): void {
    const gap = now - this.#lookedAt;
    this.#lookedAt = now;
    const { everyMs } = this.#limits;
    if (gap <= 2 * everyMs) return;
    this.#progressAt += gap - everyMs;
    this.#askedAt += gap - everyMs;
  }

  #noteProgress(sample: LivenessSample, isClosed: boolean, now: number): void {
    const before = this.#acknowledged;
    const heardAt = Number.isNaN(sample.silentMs) ? now : now - sample.silentMs;
    // On XNU it is made of two counts, of which an engine above TCP may add to one more.
    this.#acknowledged = Number.isNaN(before)
      ? sample.acknowledgedBytes
      : Math.max(before, sample.acknowledgedBytes);
    // At the first look nobody knows what was acknowledged since something became pending. Where
    // the peer was heard it may have been all of that, and what is pending now was written later.
    const mayBeNew = Number.isNaN(before) && heardAt + KERNEL_TICK_MS > this.#progressAt;
    if (this.#acknowledged > before || mayBeNew) {
      this.#progressAt = now;
    } else if (this.#wasClosed && !isClosed) {
      // The window has opened, and what waited is on its way: nobody can have acknowledged it yet.
      this.#progressAt = Math.max(this.#progressAt, heardAt);
    }
    this.#wasClosed = isClosed;
  }

  #noteAsked(sample: LivenessSample, isClosed: boolean, now: number): void {
    const { unacknowledged, windowBytes, probes, silentMs } = sample;
    const heardAt = now - silentMs;
    if (heardAt > this.#askedAt) this.#askedAt = Number.NaN;
    if (!Number.isNaN(this.#askedAt)) return;
    const isOwed = (unacknowledged > 0 && windowBytes !== 0) || probes > 0;
    if (!isOwed) return;
    // The kernel's keepalive may have asked before anything was pending, and stops then.
    const askedByKeepAlive = probes > 0 && !isClosed ? heardAt + this.#limits.idleMs : now;
    this.#askedAt = Math.min(now, askedByKeepAlive);
  }

  #verdict(sample: LivenessSample, isClosed: boolean, now: number): LivenessVerdict | null {
    const { idleMs, askMs, dropMs, stallMs } = this.#limits;
    const { silentMs, unacknowledged, probes } = sample;
    // NaN, which is what is not known, reaches no limit.
    const askedFor = now - this.#askedAt;
    const withoutProgress = now - this.#progressAt;
    if (silentMs >= idleMs + askMs && askedFor >= askMs) return BY_KEEPALIVE;
    if (!isClosed) return unacknowledged > 0 && withoutProgress >= dropMs ? BY_DROP : null;
    // Whoever was heard since is asked anew, so that the silence is as long. And not before the
    // limit has passed since something was pending, whenever keepalive asked.
    const unanswered = Math.min(askedFor, withoutProgress);
    if (probes >= TELLING_PROBES && unanswered >= dropMs) return BY_DROP;
    return withoutProgress >= stallMs ? BY_STALL : null;
  }
}
