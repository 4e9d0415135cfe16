// Looks at the connections that have something pending, all in one crossing, as often as their
// limits ask for. A connection comes in when it writes and leaves when a look shows that the peer
// has acknowledged everything, or when it ends; so idle connections cost nothing, and busy ones no
// timer each.
// Not here: the rule (liveness.ts), what a verdict means to a connection.

import { SAMPLE_FIELD_COUNT, SAMPLE_NAME_WORDS } from "../binding/samples.ts";
import { Deadline } from "../core/deadlines.ts";
import { MAX_SAMPLE_INTERVAL_MS, MIN_SAMPLE_INTERVAL_MS } from "../core/limits.ts";
import { SYSTEM } from "../socket/option-errors.ts";
import { reactor, report } from "../socket/reactor.ts";
import { type DeadlineOwner, now, setDeadline } from "./clock.ts";
import { isSettled, Liveness, type LivenessLimits, type LivenessVerdict } from "./liveness.ts";
import { type LivenessSystem, readSample } from "./liveness-sample.ts";

/** What is looked at: a stream channel. */
export interface LivenessChannel {
  readonly slot: number;
  readonly generation: number;
  /** Bytes that were written in all. */
  readonly writtenBytes: number;
  /** Of those, bytes that the kernel has not taken. */
  readonly bufferedBytes: number;
}

/** Whose channel it is. */
export interface LivenessOwner {
  /** Nothing is pending any more, or the socket is gone. The next write has to `watch` again. */
  onSettled(): void;
  /** A limit has passed. It is watched no more. */
  onLapsed(verdict: LivenessVerdict): void;
}

/** What the monitor stands on; tests bring their own. */
export interface LivenessHost {
  readonly system: LivenessSystem;
  now(): number;
  setDeadline(deadline: Deadline<DeadlineOwner>, ms: number): void;
  sampleTcp(names: Int32Array, count: number, samples: Float64Array): number;
}

/** What the monitor has done since it was made. */
export interface LivenessCounters {
  /** Timers that ran. */
  looks: number;
  /** Calls into native code. */
  crossings: number;
  /** Connections looked at, each time. */
  samples: number;
}

interface Watch {
  readonly channel: LivenessChannel;
  readonly owner: LivenessOwner;
  readonly group: Group;
  readonly liveness: Liveness;
}

// Connections whose limits are alike are looked at together: their intervals are rounded down to
// one of these, which divide one another's multiples, so that one timer and one call serve all.
const STEPS_MS = [MIN_SAMPLE_INTERVAL_MS, 200, 500, MAX_SAMPLE_INTERVAL_MS] as const;

/** A timer that fires at its time may read the clock a moment before it. */
const TIMER_SLACK_MS = 1;

class Group {
  readonly stepMs: number;
  readonly watches = new Map<LivenessOwner, Watch>();
  /** The multiple of the step at which this group was looked at last, or was empty. */
  #lookedAt = 0;

  constructor(stepMs: number) {
    this.stepMs = stepMs;
  }

  lookAt(time: number): void {
    this.#lookedAt = time - (time % this.stepMs);
  }

  dueAt(): number {
    return this.#lookedAt + this.stepMs;
  }
}

export class LivenessMonitor implements DeadlineOwner {
  readonly counters: LivenessCounters = { looks: 0, crossings: 0, samples: 0 };
  readonly #host: LivenessHost;
  readonly #groups = STEPS_MS.map((stepMs) => new Group(stepMs));
  readonly #deadline = new Deadline<DeadlineOwner>(this);
  #names = new Int32Array(0);
  #samples = new Float64Array(0);
  /** When the deadline passes; Infinity while it is not set. */
  #armedAt = Number.POSITIVE_INFINITY;

  constructor(host: LivenessHost) {
    this.#host = host;
  }

  /** Connections that are watched now. */
  get size(): number {
    return this.#groups.reduce((sum, { watches }) => sum + watches.size, 0);
  }

  /**
   * Watches a connection that has written something, until `onSettled` or `onLapsed` is called,
   * once. Not for one that is watched already, nor for one without a limit.
   */
  watch(channel: LivenessChannel, limits: LivenessLimits, owner: LivenessOwner): void {
    const time = this.#host.now();
    const group = this.#groupOf(limits.everyMs);
    if (group.watches.size === 0) {
      group.lookAt(time);
      this.#arm(group.dueAt(), time);
    }
    const liveness = new Liveness(limits, time);
    group.watches.set(owner, { channel, owner, group, liveness });
  }

  /**
   * Lets go of a connection that has ended, with the limits it was watched by: until the next look
   * it would be kept in memory, which makes short connections old for the garbage collector.
   */
  unwatch(owner: LivenessOwner, limits: LivenessLimits): void {
    this.#groupOf(limits.everyMs).watches.delete(owner);
  }

  #groupOf(everyMs: number): Group {
    let found = this.#groups[0] as Group;
    for (const group of this.#groups) if (group.stepMs <= everyMs) found = group;
    return found;
  }

  #arm(at: number, time: number): void {
    if (at >= this.#armedAt) return;
    this.#armedAt = at;
    this.#host.setDeadline(this.#deadline, Math.max(0, at - time));
  }

  /** @internal */
  expired(): void {
    this.#armedAt = Number.POSITIVE_INFINITY;
    this.counters.looks++;
    const time = this.#host.now();
    const due: Watch[] = [];
    for (const group of this.#groups) {
      if (group.watches.size === 0 || group.dueAt() > time + TIMER_SLACK_MS) continue;
      for (const watch of group.watches.values()) due.push(watch);
      group.watches.clear();
      group.lookAt(time + TIMER_SLACK_MS);
    }
    try {
      if (due.length > 0) this.#sample(due);
      for (let index = 0; index < due.length; index++)
        this.#judge(due[index] as Watch, index, time);
    } finally {
      for (const group of this.#groups) {
        if (group.watches.size > 0) this.#arm(group.dueAt(), time);
      }
    }
  }

  #sample(due: readonly Watch[]): void {
    const count = due.length;
    if (this.#names.length < count * SAMPLE_NAME_WORDS) {
      const room = 2 ** Math.ceil(Math.log2(count));
      this.#names = new Int32Array(room * SAMPLE_NAME_WORDS);
      this.#samples = new Float64Array(room * SAMPLE_FIELD_COUNT);
    }
    for (let index = 0; index < count; index++) {
      const { slot, generation } = (due[index] as Watch).channel;
      this.#names[index * SAMPLE_NAME_WORDS] = slot;
      this.#names[index * SAMPLE_NAME_WORDS + 1] = generation;
    }
    this.counters.crossings++;
    this.counters.samples += count;
    this.#host.sampleTcp(this.#names, count, this.#samples);
  }

  #judge(watch: Watch, index: number, time: number): void {
    const { channel, group, liveness, owner } = watch;
    const { bufferedBytes } = channel;
    const handedOver = channel.writtenBytes - bufferedBytes;
    const at = index * SAMPLE_FIELD_COUNT;
    const sample = readSample(this.#samples, at, handedOver, this.#host.system);
    try {
      if (sample === undefined || (bufferedBytes === 0 && isSettled(sample))) {
        owner.onSettled();
        return;
      }
      const verdict = liveness.judge(sample, time);
      if (verdict === null) group.watches.set(owner, watch);
      else owner.onLapsed(verdict);
    } catch (error) {
      // One connection's owner must not keep the others from being judged.
      report(error);
    }
  }
}

/** The monitor of this environment. */
export const livenessMonitor: LivenessMonitor = new LivenessMonitor({
  system: SYSTEM,
  now,
  setDeadline,
  sampleTcp: (names, count, samples) => reactor.sampleTcp(names, count, samples),
});
