// Who is looked at and when (lib/net/liveness-monitor.ts), with a clock and a kernel of the test's.
// What real kernels say is in test/faults/.
import { describe, expect, test } from "vitest";
import {
  SAMPLE_BYTES_ACKNOWLEDGED,
  SAMPLE_FIELD_COUNT,
  SAMPLE_NAME_WORDS,
  SAMPLE_PROBES,
  SAMPLE_SEND_BUFFER_BYTES,
  SAMPLE_SEND_WINDOW_BYTES,
  SAMPLE_SINCE_ACKNOWLEDGMENT_MS,
  SAMPLE_SINCE_DATA_RECEIVED_MS,
  SAMPLE_STATE,
  SAMPLE_UNACKNOWLEDGED_SEGMENTS,
  SAMPLE_UNSENT_BYTES,
} from "../../lib/binding/samples.ts";
import { Deadlines } from "../../lib/core/deadlines.ts";
import type { DeadlineOwner } from "../../lib/net/clock.ts";
import { type LivenessVerdict, livenessLimits } from "../../lib/net/liveness.ts";
import { type LivenessChannel, LivenessMonitor } from "../../lib/net/liveness-monitor.ts";
import type { LivenessSystem } from "../../lib/net/liveness-sample.ts";

const limitsOf = (dropTimeout: number, stallTimeout = 0) =>
  livenessLimits({ keepAlive: null, dropTimeout, stallTimeout });

/** A kernel whose connections have segments on their way, or not, or are gone. */
class World {
  time = 5_000_030;
  timers = 0;
  readonly asked: number[][] = [];
  readonly pending = new Map<number, number>();
  readonly gone = new Set<number>();
  readonly #deadlines = new Deadlines<DeadlineOwner>();
  readonly monitor: LivenessMonitor;

  constructor(system: LivenessSystem = "linux") {
    this.monitor = new LivenessMonitor({
      system,
      now: () => this.time,
      setDeadline: (deadline, ms) => {
        this.timers++;
        this.#deadlines.set(deadline, this.time + ms);
      },
      sampleTcp: (names, count, samples) => this.#sample(names, count, samples),
    });
  }

  #sample(names: Int32Array, count: number, samples: Float64Array): number {
    const slots: number[] = [];
    for (let index = 0; index < count; index++) {
      const slot = names[index * SAMPLE_NAME_WORDS] as number;
      slots.push(slot);
      const at = index * SAMPLE_FIELD_COUNT;
      samples.fill(Number.NaN, at, at + SAMPLE_FIELD_COUNT);
      // ESTABLISHED is 1 in Linux and 4 in XNU, where 1 is LISTEN.
      samples[at + SAMPLE_STATE] = this.gone.has(slot) ? -9 : 4;
      samples[at + SAMPLE_SEND_BUFFER_BYTES] = (this.pending.get(slot) ?? 0) * 100;
      samples[at + SAMPLE_UNACKNOWLEDGED_SEGMENTS] = this.pending.get(slot) ?? 0;
      samples[at + SAMPLE_UNSENT_BYTES] = 0;
      samples[at + SAMPLE_PROBES] = 0;
      samples[at + SAMPLE_BYTES_ACKNOWLEDGED] = 1;
      samples[at + SAMPLE_SEND_WINDOW_BYTES] = 65_536;
      samples[at + SAMPLE_SINCE_DATA_RECEIVED_MS] = 1_000_000;
      samples[at + SAMPLE_SINCE_ACKNOWLEDGMENT_MS] = 1_000_000;
    }
    this.asked.push(slots);
    return count;
  }

  /** Lets time pass, each deadline at its time. */
  pass(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      const next = this.#deadlines.next();
      if (next === undefined || next > until) break;
      this.time = Math.max(this.time, next);
      this.#deadlines.expire(this.time, (owner, deadline) => owner.expired(deadline));
    }
    this.time = until;
  }

  /** Whether a timer is set. */
  get isArmed(): boolean {
    return this.#deadlines.size > 0;
  }
}

interface Told {
  settled: number;
  verdicts: { at: number; verdict: LivenessVerdict }[];
}

function write(world: World, slot: number, dropTimeout: number, buffered = 0): Told {
  const told: Told = { settled: 0, verdicts: [] };
  const channel: LivenessChannel = {
    slot,
    generation: 1,
    writtenBytes: 100,
    bufferedBytes: buffered,
  };
  world.pending.set(slot, 1);
  world.monitor.watch(channel, limitsOf(dropTimeout), {
    onSettled: () => told.settled++,
    onLapsed: (verdict) => told.verdicts.push({ at: world.time, verdict }),
  });
  return told;
}

describe("who is looked at", () => {
  test("nobody while nothing is pending: no timer, no call", () => {
    const world = new World();
    world.pass(3_600_000);
    expect(world.isArmed).toBe(false);
    expect(world.monitor.counters).toEqual({ looks: 0, crossings: 0, samples: 0 });
  });

  test("one that has written, until all is acknowledged; then it is told and left alone", () => {
    const world = new World();
    const told = write(world, 7, 60_000);
    world.pass(3_500);
    expect(told).toEqual({ settled: 0, verdicts: [] });
    const { samples } = world.monitor.counters;
    expect(samples).toBeGreaterThanOrEqual(3);
    world.pending.delete(7);
    world.pass(1_000);
    expect(told).toEqual({ settled: 1, verdicts: [] });
    expect(world.monitor.size).toBe(0);
    const after = world.monitor.counters.samples;
    world.pass(60_000);
    expect(world.monitor.counters.samples).toBe(after);
    expect(world.isArmed).toBe(false);
    expect(told.settled).toBe(1);
  });

  test("one whose bytes the kernel has not taken yet stays", () => {
    const world = new World();
    const told = write(world, 7, 60_000, 10);
    world.pending.delete(7);
    world.pass(5_000);
    expect(told.settled).toBe(0);
    expect(world.monitor.size).toBe(1);
  });

  test("one that has ended is forgotten, and nobody is asked of it", () => {
    const world = new World();
    const limits = limitsOf(8_000);
    const owner = { onSettled: () => {}, onLapsed: () => {} };
    const channel = { slot: 1, generation: 1, writtenBytes: 100, bufferedBytes: 0 };
    world.monitor.watch(channel, limits, owner);
    const other = write(world, 2, 8_000);
    world.monitor.unwatch(owner, limits);
    expect(world.monitor.size).toBe(1);
    world.pass(800);
    expect(world.asked).toEqual([[2]]);
    expect(other.settled).toBe(0);
  });

  test("one whose socket is gone is let go", () => {
    const world = new World();
    const told = write(world, 7, 60_000);
    world.gone.add(7);
    world.pass(1_000);
    expect(told.settled).toBe(1);
    expect(world.monitor.size).toBe(0);
  });
});

describe("how often, and at what cost", () => {
  test("ten thousand with something pending: one timer and one crossing for all", () => {
    const world = new World();
    for (let slot = 0; slot < 10_000; slot++) write(world, slot, 60_000);
    expect(world.timers).toBe(1);
    world.pass(1_000);
    expect(world.monitor.counters).toEqual({ looks: 1, crossings: 1, samples: 10_000 });
    expect(new Set(world.asked[0]).size).toBe(10_000);
  });

  test("every clamp(limit / 10, 0.1, 1) s, rounded down to steps that fall together", () => {
    const world = new World();
    write(world, 1, 500); // 100 ms, and dropped after 500
    write(world, 2, 2_500); // 200 ms
    write(world, 3, 60_000); // 1 s
    write(world, 4, 7_000); // 500 ms
    world.pass(10_000 - (world.time % 10_000));
    world.asked.length = 0;
    write(world, 1, 5_000_000); // 1 s
    write(world, 2, 2_500);
    write(world, 4, 7_000);
    world.pass(1_000);
    const looks = (slot: number) => world.asked.filter((slots) => slots.includes(slot)).length;
    expect([looks(1), looks(2), looks(4), looks(3)]).toEqual([1, 5, 2, 1]);
    // The look at 1 s takes them all in one call.
    expect(world.asked.at(-1)?.toSorted()).toEqual([1, 2, 3, 4]);
    expect(world.asked).toHaveLength(6);
  });

  test("writing again while it is watched costs nothing: the timer stays as it is", () => {
    const world = new World();
    write(world, 1, 60_000);
    write(world, 2, 60_000);
    write(world, 3, 60_000);
    expect(world.timers).toBe(1);
  });

  test("a shorter limit that comes later is looked at in its own time", () => {
    const world = new World();
    write(world, 1, 60_000);
    const told = write(world, 2, 500);
    world.pass(800);
    expect(told.verdicts).toHaveLength(1);
  });
});

describe("verdicts", () => {
  test.each([500, 1_000, 8_000, 60_000])(
    "B11 dropTimeout %i: between T and 1.2 T + 1 s, told once, and watched no more",
    (dropTimeout) => {
      // Wherever in the step the write falls.
      for (const offset of [0, 1, 37, 99, 512, 999]) {
        const world = new World();
        world.time += offset;
        const writtenAt = world.time;
        const told = write(world, 1, dropTimeout);
        world.pass(3 * dropTimeout + 5_000);
        expect(told.settled).toBe(0);
        expect(told.verdicts).toHaveLength(1);
        const { at, verdict } = told.verdicts[0] as Told["verdicts"][number];
        expect(verdict.reason).toBe("PEER_UNREACHABLE");
        expect(at - writtenAt).toBeGreaterThanOrEqual(dropTimeout);
        expect(at - writtenAt).toBeLessThanOrEqual(1.2 * dropTimeout + 1_000);
        expect(world.monitor.size).toBe(0);
        expect(world.isArmed).toBe(false);
      }
    },
  );

  test("B11 on XNU what the kernel has not taken is not progress (8 s)", () => {
    const world = new World("darwin");
    const told: Told["verdicts"] = [];
    const writtenAt = world.time;
    const channel = { slot: 1, generation: 1, writtenBytes: 100, bufferedBytes: 0 };
    world.pending.set(1, 1);
    world.monitor.watch(channel, limitsOf(8_000), {
      onSettled: () => {},
      onLapsed: (verdict) => told.push({ at: world.time, verdict }),
    });
    for (let second = 0; second < 12; second++) {
      channel.writtenBytes += 50;
      channel.bufferedBytes += 50;
      world.pass(1_000);
    }
    expect(told).toHaveLength(1);
    expect(told[0]?.verdict.reason).toBe("PEER_UNREACHABLE");
    expect((told[0]?.at ?? 0) - writtenAt).toBeLessThanOrEqual(10_600);
  });

  test("B55 an owner that throws keeps nobody else from being judged", async () => {
    const world = new World();
    const seen: unknown[] = [];
    const catcher = (error: unknown) => seen.push(error);
    const before = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", catcher);
    world.pending.set(1, 1);
    const channel = { slot: 1, generation: 1, writtenBytes: 1, bufferedBytes: 0 };
    const thrown = new Error("the owner's");
    world.monitor.watch(channel, limitsOf(500), {
      onSettled: () => {},
      onLapsed: () => {
        throw thrown;
      },
    });
    const told = write(world, 2, 500);
    world.pass(2_000);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("uncaughtException", catcher);
    for (const listener of before) process.on("uncaughtException", listener);
    expect(told.verdicts).toHaveLength(1);
    expect(seen).toEqual([thrown]);
  });

  test("an owner that watches another connection from its own verdict is served", () => {
    const world = new World();
    let second: Told | undefined;
    world.pending.set(1, 1);
    const channel = { slot: 1, generation: 1, writtenBytes: 1, bufferedBytes: 0 };
    world.monitor.watch(channel, limitsOf(500), {
      onSettled: () => {},
      onLapsed: () => {
        second = write(world, 2, 500);
      },
    });
    world.pass(5_000);
    expect(second?.verdicts).toHaveLength(1);
  });
});
