// The sending half of a connection: write, send, shutdown, the marks, what a flush has done, and a
// peer that does not acknowledge. Not here: the outbox itself (lib/socket/stream-channel.ts),
// promises (core/send-waiters.ts), who is dead (liveness.ts).

import { bytesOf, type SendData, type SendOptions } from "../core/byte-stream.ts";
import { COPY_THRESHOLD_BYTES, DRAINS_PER_ITERATION_COUNT } from "../core/limits.ts";
import { quiet, SendWaiters } from "../core/send-waiters.ts";
import { readSignal, untilAborted } from "../core/waiting.ts";
import type { HawserError } from "../errors/index.ts";
import { isSlab, mustWaitForLoop, nextIteration } from "../socket/reactor.ts";
import type { ByteChannel } from "./byte-channel.ts";
import { ConnectionBase } from "./connection-base.ts";
import {
  DROPPABLE,
  NEEDS_DRAIN,
  PEER_ENDED,
  SEND_FAILED,
  SHUT,
  TROUBLED,
  WATCHED,
  WILL_DRAIN,
} from "./connection-facts.ts";
import { type Droppable, hold } from "./dropped.ts";
import type { LivenessVerdict } from "./liveness.ts";
import { livenessMonitor } from "./liveness-monitor.ts";

const RESOLVED = Promise.resolve();

/** The sending half of {@link Connection}. */
export abstract class SendingConnection<T = unknown> extends ConnectionBase<T> {
  /**
   * Queues bytes, and returns false when more than `sendHighWaterMark` wait; `drain` comes then.
   * What is written in one turn to one connection leaves in one system call. Never throws but for a
   * wrong argument; after close or a failure nothing is queued, and false is returned.
   */
  write(data: SendData): boolean {
    if (!(data instanceof Uint8Array) && typeof data !== "string") return this.write(bytesOf(data));
    const { channel } = this;
    if ((this.flags & SHUT) !== 0) return false;
    if (channel === null) return this.writeEarly(data);
    if (typeof data === "string") channel.writeText(data);
    else channel.write(data);
    if ((this.flags & WATCHED) === 0) this.watchLiveness(channel);
    // What only waits in the outbox is not sent yet, and keeps nobody from being idle.
    if (this.bounds !== null && !channel.isBlocked) this.touch();
    return this.judge(channel);
  }

  /** @internal Whether more is welcome, after something was written. */
  protected judge(channel: ByteChannel): boolean {
    if ((this.flags & NEEDS_DRAIN) !== 0) return false;
    if (channel.bufferedBytes <= this.policy.sendHighWaterMark) return true;
    this.flags |= NEEDS_DRAIN;
    channel.tell();
    return false;
  }

  private writeEarly(data: Uint8Array | string): boolean {
    // Kept as it is only if it is large, as after the connection is there. Lent memory never is.
    const isKept = typeof data !== "string" && data.length > COPY_THRESHOLD_BYTES && !isSlab(data);
    const bytes = isKept ? data : Buffer.from(data as string);
    this.early ??= { chunks: [], bytes: 0 };
    this.early.chunks.push(bytes);
    this.early.bytes += bytes.length;
    if (this.earlyBytes() <= this.policy.sendHighWaterMark) return true;
    this.flags |= NEEDS_DRAIN;
    return false;
  }

  /**
   * Queues bytes. Resolves when the kernel has taken them, or sooner: a copied payload (up to
   * 4 KiB) once fewer than `sendHighWaterMark` bytes wait, one kept by reference no earlier than
   * the
   * kernel has taken its last byte.
   *
   * @throws TypeError at once for a wrong argument. Rejects with EPIPE after `shutdown()`,
   *   `close()`,
   *   `abort()`, or when our end has followed the peer's; with ECANCELED when a local `close()` or
   *   `abort()` cut it off; with the failure itself after a failure; with `signal.reason`. These
   *   never count as unhandled rejections. See send(2).
   */
  send(data: SendData, options?: SendOptions): Promise<void> {
    const bytes = data instanceof Uint8Array || typeof data === "string" ? data : bytesOf(data);
    const signal = readSignal(options, "send()");
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    if ((this.flags & SHUT) !== 0) return this.refused();
    const needsDrain = !this.write(bytes);
    const sent = this.whenSent(bytes, needsDrain);
    return sent === RESOLVED ? sent : untilAborted(sent, signal);
  }

  /** @internal The answer to who sends when nothing is sent any more. */
  protected refused(): Promise<void> {
    const { ending } = this;
    // A write has failed, and what arrived before is being read: the failure follows at once.
    if (ending === null && (this.flags & SEND_FAILED) !== 0) return this.waiting().whenDrained();
    const why =
      ending?.event === "fail" ? ending.error : this.error("EPIPE", "write", { phase: "open" });
    return quiet(Promise.reject(why));
  }

  /** @internal The answer to who has just sent these bytes. */
  protected whenSent(bytes: Uint8Array | string, needsDrain: boolean): Promise<void> {
    const { channel } = this;
    const isKept = bytes.length > COPY_THRESHOLD_BYTES && typeof bytes !== "string";
    if (isKept && this.bufferedAmount > 0) {
      const taken = this.waiting().whenTaken(this.bytesWritten);
      return this.mustWait(bytes.length) ? quiet(taken.then(nextIteration)) : taken;
    }
    if (needsDrain) return this.waiting().whenDrained();
    return channel !== null && this.mustWait(bytes.length) ? nextIteration() : RESOLVED;
  }

  // Code that awaits sends that are done at once must not keep the loop from turning.
  private mustWait(size: number): boolean {
    const { channel } = this;
    return channel !== null && mustWaitForLoop(channel, size, this.policy.sendHighWaterMark);
  }

  private waiting(): SendWaiters {
    if ((this.flags & DROPPABLE) !== 0) hold(this as unknown as Droppable, this.channel);
    this.waiters ??= new SendWaiters();
    return this.waiters;
  }

  /**
   * FIN (see shutdown(2)) after all that was written; receiving goes on. Resolves when the kernel
   * has
   * taken what was written; rejects as the outstanding `send` calls do, and never counts as
   * unhandled.
   */
  shutdown(): Promise<void> {
    if (this.ending !== null) return RESOLVED;
    if ((this.flags & SHUT) === 0) {
      this.flags |= SHUT;
      this.channel?.shutdown();
      // A FIN is acknowledged as data is.
      if (this.channel !== null && (this.flags & WATCHED) === 0) this.watchLiveness(this.channel);
    }
    return this.bufferedAmount === 0 ? RESOLVED : this.waiting().whenTaken(this.bytesWritten);
  }

  /** @internal What was written before there was a channel goes out first. */
  protected sendEarly(channel: ByteChannel): void {
    const { chunks, bytes } = this.early ?? { chunks: [], bytes: 0 };
    this.early = null;
    for (const chunk of chunks) channel.write(chunk);
    // Memory that was kept by reference and detached meanwhile would be a hole in the stream.
    if (channel.writtenBytes !== bytes) {
      this.fail(this.lost(), "local");
      return;
    }
    if ((this.flags & NEEDS_DRAIN) !== 0 || this.waiters !== null) channel.tell();
    if ((this.flags & SHUT) !== 0) channel.shutdown();
    if (channel.writtenBytes > 0 || (this.flags & SHUT) !== 0) this.watchLiveness(channel);
  }

  private lost(): HawserError {
    return this.error("EFAULT", "write", { phase: "open" });
  }

  /** @internal */
  onFlushed(): void {
    const channel = this.channel as ByteChannel;
    const buffered = channel.bufferedBytes;
    if (this.bounds !== null) this.touch();
    this.waiters?.advance(channel.writtenBytes - buffered);
    if ((this.flags & NEEDS_DRAIN) !== 0) {
      if (buffered <= this.policy.sendHighWaterMark >>> 1) this.drained();
      else channel.tell();
    }
    if (buffered === 0 && (this.flags & SHUT) !== 0 && (this.flags & PEER_ENDED) !== 0) {
      this.finishIfDone();
    }
  }

  private drained(): void {
    this.flags &= ~NEEDS_DRAIN;
    this.waiters?.drained();
    const { drain, sendHighWaterMark } = this.policy;
    if (drain === undefined || (this.flags & WILL_DRAIN) !== 0) return;
    this.flags |= WILL_DRAIN;
    // A flush may have been made by a write of the user's own, inside which nothing else runs.
    const tell = () => {
      this.flags &= ~WILL_DRAIN;
      // Who has written too much again meanwhile hears of it later.
      if ((this.flags & (SHUT | NEEDS_DRAIN)) === 0) this.call(drain);
    };
    // Nor must who fills it again at each call keep the loop from turning, where the peer keeps up.
    const share = sendHighWaterMark / DRAINS_PER_ITERATION_COUNT;
    const waits = mustWaitForLoop(this.channel as ByteChannel, share, sendHighWaterMark);
    if (waits) void nextIteration().then(tell);
    else queueMicrotask(tell);
  }

  /** @internal Something is pending from now on: the peer has to acknowledge it in time. */
  protected watchLiveness(channel: ByteChannel): void {
    this.flags |= WATCHED;
    const { liveness } = this.policy;
    if (liveness !== null && channel.slot !== -1) livenessMonitor.watch(channel, liveness, this);
  }

  /** @internal It is over: whether the peer lives is nobody's concern any more. */
  protected unwatchLiveness(): void {
    const { liveness } = this.policy;
    if ((this.flags & WATCHED) !== 0 && liveness !== null) livenessMonitor.unwatch(this, liveness);
  }

  /** @internal */
  onSettled(): void {
    this.flags &= ~WATCHED;
  }

  /** @internal */
  onLapsed({ reason }: LivenessVerdict): void {
    const phase = this.current === "closing" ? "close" : "open";
    const context = { phase, reason, bytes: this.bytesSoFar() } as const;
    const initiator = reason === "SEND_STALLED" ? "local" : "network";
    this.fail(this.error("ETIMEDOUT", "write", context), initiator);
  }

  /** @internal */
  onSendFailed(_errno: number): void {
    // What arrived before is still read; then the reactor tells the same error again, and who waits
    // is settled with that. A reader who does not come must not keep it from being told: there is
    // nothing left to hold back.
    this.flags |= SHUT | SEND_FAILED | TROUBLED;
    this.channel?.resume();
  }
}
