// A byte channel over a Node stream, for itself: what is told to its sink, and when.

import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { DuplexChannel } from "../../lib/websocket/duplex-channel.ts";

/** A stream whose writes are taken when the test says so. */
class HeldDuplex extends Duplex {
  readonly taken: Buffer[] = [];
  #waiting: (() => void)[] = [];
  isHeld = false;
  isFinished = false;

  constructor() {
    super({ writableHighWaterMark: 1_000, emitClose: true });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.#take([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  #take(chunks: Buffer[], done: () => void): void {
    const take = () => {
      this.taken.push(Buffer.concat(chunks));
      done();
    };
    if (this.isHeld) this.#waiting.push(take);
    else take();
  }

  override _final(done: () => void): void {
    this.isFinished = true;
    done();
  }

  release(): void {
    this.isHeld = false;
    for (const take of this.#waiting.splice(0)) take();
  }

  get text(): string[] {
    return this.taken.map(String);
  }
}

function make() {
  const stream = new HeldDuplex();
  const channel = new DuplexChannel(stream);
  const told: unknown[] = [];
  channel.setSink({
    onReceived: (slab: Buffer, offset: number, length: number) =>
      told.push(slab.toString("utf8", offset, offset + length)),
    onEnded: () => told.push("ended"),
    onFlushed: () => told.push("flushed"),
    onFailed: (errno: number) => told.push(["failed", errno]),
    onClosed: () => told.push("closed"),
  } as never);
  return { stream, channel, told };
}

describe("sending", () => {
  test("what is written in one turn goes down in one piece", async () => {
    const { stream, channel } = make();
    channel.write(Buffer.from("a"));
    channel.writeText("b");
    channel.write(Buffer.alloc(0));
    channel.writeText("");
    expect(stream.taken).toEqual([]);
    expect(channel.bufferedBytes).toBe(2);
    await turn();
    channel.write(Buffer.from("c"));
    await turn();
    expect(stream.text).toEqual(["ab", "c"]);
    expect([channel.bufferedBytes, channel.writtenBytes, channel.takenBytes]).toEqual([0, 3, 3]);
  });

  test("up to 4 KiB the caller's memory may change at once", async () => {
    const { stream, channel } = make();
    const small = Buffer.from("before");
    channel.write(small);
    small.fill("x");
    const large = Buffer.alloc(5_000, "L");
    channel.write(large);
    await turn();
    expect(stream.text.join("")).toBe(`before${"L".repeat(5_000)}`);
  });

  test("tell() is answered when nothing waits any more, in a later microtask", async () => {
    const { stream, channel, told } = make();
    channel.tell();
    expect(told).toEqual([]);
    await turn();
    expect(told).toEqual(["flushed"]);
    stream.isHeld = true;
    channel.write(Buffer.alloc(2_000));
    channel.tell();
    await turn();
    expect([told.length, channel.isBlocked, channel.takenBytes]).toEqual([1, true, 0]);
    stream.release();
    await turn();
    expect(told.length).toBeGreaterThan(1);
    expect([channel.isBlocked, channel.takenBytes]).toEqual([false, 2_000]);
  });
});

describe("receiving", () => {
  test("bytes and the end, in order; pause() holds both", async () => {
    const { stream, channel, told } = make();
    stream.push("one");
    await turn();
    channel.pause();
    stream.push("two");
    stream.push(null);
    await turn();
    expect(told).toEqual(["one"]);
    channel.resume();
    await turn();
    expect(told).toEqual(["one", "two", "ended"]);
  });

  test("after close() nothing more is delivered", async () => {
    const { stream, channel, told } = make();
    channel.close();
    stream.push("late");
    await turn();
    expect(told).not.toContain("late");
  });
});

describe("ends", () => {
  test("shutdown() ends the stream after what was written", async () => {
    const { stream, channel } = make();
    stream.isHeld = true;
    channel.writeText("last");
    channel.shutdown();
    await turn();
    expect(stream.isFinished).toBe(false);
    stream.release();
    await turn();
    expect([stream.text, stream.isFinished]).toEqual([["last"], true]);
  });

  test("close() flushes, destroys and tells once; abort() does not flush", async () => {
    const { stream, channel, told } = make();
    channel.writeText("last");
    channel.close();
    channel.close();
    expect(channel.isClosed).toBe(true);
    await turn();
    await turn();
    expect(stream.text).toEqual(["last"]);
    expect([stream.destroyed, told.filter((one) => one === "closed").length]).toEqual([true, 1]);
    const other = make();
    other.stream.isHeld = true;
    other.channel.writeText("lost");
    other.channel.abort();
    other.channel.abort();
    await turn();
    expect(other.stream.taken).toEqual([]);
    expect(other.told).toEqual(["closed"]);
  });

  test("one that was destroyed already still tells, later", async () => {
    for (const end of ["close", "abort"] as const) {
      const { stream, channel, told } = make();
      stream.destroy();
      channel[end]();
      expect(told).toEqual([]);
      await turn();
      expect(told).toContain("closed");
    }
  });

  test("an error of the stream's is told with its code, and writing afterwards is nothing", async () => {
    const { stream, channel, told } = make();
    stream.destroy(Object.assign(new Error("gone"), { code: "EPIPE" }));
    await turn();
    expect(told).toEqual([["failed", -1]]);
    expect(channel.failure).toMatchObject({ code: "EPIPE", message: "gone" });
    channel.writeText("late");
    expect(channel.writtenBytes).toBe(0);
    const silent = make();
    silent.stream.destroy();
    await turn();
    expect(silent.channel.failure).toMatchObject({ code: "ECONNRESET" });
    const plain = make();
    plain.stream.destroy(new Error("no code"));
    await turn();
    expect(plain.channel.failure?.code).toBe("ECONNRESET");
  });

  test("ref() and unref() reach streams that have them", () => {
    const { stream, channel } = make();
    channel.setReferenced(true);
    const calls: string[] = [];
    Object.assign(stream, { ref: () => calls.push("ref"), unref: () => calls.push("unref") });
    channel.setReferenced(false);
    channel.setReferenced(true);
    expect(calls).toEqual(["unref", "ref"]);
  });
});
