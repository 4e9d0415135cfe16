// The stream beneath a WebSocket: a connection whose bytes go to whoever uses it (a handshake, then
// the protocol), and an output that frames are written into, straight into the submission area.
// Not here: HTTP and frames (protocol/), what a WebSocket does (connection.ts).

import type { ReceiveOptions } from "../core/byte-stream.ts";
import { COPY_THRESHOLD_BYTES } from "../core/limits.ts";
import { type ErrorContext, type HawserError, invalidState } from "../errors/index.ts";
import type { ByteChannel } from "../net/byte-channel.ts";
import { Connection } from "../net/connection.ts";
import type { Ending } from "../net/connection-base.ts";
import {
  CLOSING,
  DIRECT,
  PEER_ENDED,
  STOPPED,
  TROUBLED,
  WATCHED,
} from "../net/connection-facts.ts";
import { TRUNCATED, type TlsOptions } from "../net/tls-engine.ts";
import { area, flush } from "../socket/reactor.ts";
import { StreamChannel } from "../socket/stream-channel.ts";
import { type FrameOutput, limits } from "./protocol/index.ts";

/** Who uses a carrier: first the opening handshake, then the WebSocket. */
export interface CarrierUser {
  /** It is connected. */
  opened(): void;
  /** It keeps what it receives, and long chunks may be given to it. */
  readonly keepsReceived?: boolean;
  /** Bytes `chunk[start, end)`, lent until this returns, unless they are given. */
  received(chunk: Buffer, start: number, end: number, given: boolean): void;
  /** The peer has finished, after all data. */
  ended(): void;
  /** Bytes have been taken by the kernel. */
  flushed(): void;
  /** The outbox is at its low mark. */
  drained(): void;
  /** The listener closes, or somebody has called `close()` on the stream. */
  concluded(): void;
  /** It is over. The last call. */
  over(ending: Ending): void;
}

const { INLINE_PAYLOAD_BYTES, MAX_FRAME_HEADER_BYTES } = limits;

// Where the channel has no area of its own to write into: one frame at a time, and gone at once.
const scratch = Buffer.allocUnsafeSlow(MAX_FRAME_HEADER_BYTES + INLINE_PAYLOAD_BYTES);

// Where in the area that was lent last a frame begins. One frame is written at a time, by whomever.
let lentOffset = 0;

export class Carrier extends Connection<unknown> implements FrameOutput {
  user: CarrierUser | null = null;

  // ------------------------------------------------------------------------------------- frames

  reserve(size: number): Buffer {
    if ((this.flags & DIRECT) === 0) {
      lentOffset = 0;
      return scratch;
    }
    lentOffset = (this.channel as StreamChannel).room(size);
    return area;
  }

  get offset(): number {
    return lentOffset;
  }

  commit(size: number): void {
    if ((this.flags & DIRECT) !== 0) (this.channel as StreamChannel).commit(size);
    else this.writeThrough(size);
    if ((this.flags & WATCHED) === 0) this.watchLiveness(this.channel as ByteChannel);
  }

  // What is larger would be kept by reference.
  private writeThrough(size: number): void {
    const bytes = scratch.subarray(0, size);
    this.channel?.write(size > COPY_THRESHOLD_BYTES ? Buffer.from(bytes) : bytes);
  }

  append(bytes: Uint8Array): void {
    const channel = this.channel as ByteChannel;
    channel.write(bytes);
    if ((this.flags & WATCHED) === 0) this.watchLiveness(channel);
  }

  get bufferedBytes(): number {
    return this.channel === null ? 0 : this.channel.bufferedBytes;
  }

  /** Whether more is welcome, after something was written. */
  hasRoom(): boolean {
    return this.channel !== null && this.judge(this.channel);
  }

  /** Whether so many bytes are more than the mark. */
  isSlowAt(bufferedBytes: number): boolean {
    return bufferedBytes > this.policy.sendHighWaterMark;
  }

  /** What only waits for the end of this turn is sent now: a receiver is not slow for that. */
  flushUnlessBlocked(): void {
    if (this.channel?.isBlocked === false) flush();
  }

  /**
   * The answer to who has just sent `data`, with what `hasRoom` said.
   *
   * @param mayBeCopied it may have become so small, by compression, that it was copied after all:
   *   then nobody hears of the flush without having asked
   */
  sent(data: Uint8Array | string, hasRoom: boolean, mayBeCopied: boolean): Promise<void> {
    // The protocol hears of the end when the descriptor is gone; who waited was settled before.
    if (this.ending !== null) return this.refused();
    if (mayBeCopied && data.length > COPY_THRESHOLD_BYTES) this.channel?.tell();
    return this.whenSent(data, !hasRoom);
  }

  /** The answer to who sends too late. */
  refuseSend(): Promise<void> {
    return this.refused();
  }

  // ------------------------------------------------------------------------------------ reading

  /** @throws TypeError with ERR_INVALID_STATE while it carries a WebSocket: its bytes are frames */
  override receive(options?: ReceiveOptions): Promise<Buffer | null> {
    this.requireUnused("receive()");
    return super.receive(options);
  }

  /** @throws as `receive()` */
  override [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    this.requireUnused("for await");
    return super[Symbol.asyncIterator]();
  }

  /** @throws as `receive()`: a WebSocket has TLS from the beginning (wss:), or never */
  override startTls(options?: TlsOptions): Promise<void> {
    this.requireUnused("startTls()");
    return super.startTls(options);
  }

  private requireUnused(what: string): void {
    if (this.user === null) return;
    throw invalidState(`${what} is not for the stream of a WebSocket, whose bytes are frames`);
  }

  /** Stops or goes on reading from the kernel. */
  hold(isHeld: boolean): void {
    if (isHeld) {
      if ((this.flags & (STOPPED | TROUBLED | CLOSING)) !== 0) return;
      this.flags |= STOPPED;
      this.channel?.pause();
    } else if ((this.flags & STOPPED) !== 0) {
      this.flags &= ~STOPPED;
      this.channel?.resume();
    }
  }

  get isHeld(): boolean {
    return (this.flags & STOPPED) !== 0;
  }

  /** @internal */
  override get keepsReceived(): boolean {
    return this.user?.keepsReceived === true;
  }

  /** @internal */
  override onReceived(slab: Buffer, offset: number, length: number, given: boolean): void {
    if ((this.flags & CLOSING) !== 0 || this.user === null) {
      super.onReceived(slab, offset, length, given);
      return;
    }
    this.received += length;
    this.user.received(slab, offset, offset + length, given);
  }

  /** @internal */
  override onEnded(): void {
    this.flags |= PEER_ENDED;
    if ((this.flags & CLOSING) !== 0) this.finishIfDone();
    else this.user?.ended();
  }

  /** @internal */
  override onFailed(errno: number): void {
    // A WebSocket tells its end itself: after its Close, how TLS ends says nothing more, and
    // without one it is a failure in any case (RFC 6455 section 7.1.5).
    if (this.channel?.failure?.code === TRUNCATED && this.user !== null) this.onEnded();
    else super.onFailed(errno);
  }

  /** Over a stream of Node's there is no path that could be followed: as on a Unix socket. */
  override get viable(): boolean {
    const { channel } = this;
    if (channel === null || channel.slot !== -1) return super.viable;
    return this.ending === null && !channel.isClosed;
  }

  // ------------------------------------------------------------------------------ life and death

  /** @internal */
  override opened(): void {
    if (this.channel instanceof StreamChannel) this.flags |= DIRECT;
    super.opened();
    this.user?.opened();
  }

  /** @internal */
  override onFlushed(): void {
    super.onFlushed();
    this.user?.flushed();
  }

  /** @internal */
  override conclude(): void {
    if (this.user === null) super.conclude();
    else this.user.concluded();
  }

  /** Ends the stream without loss: flush, FIN, the peer's end. */
  finish(): void {
    super.conclude();
  }

  /** Ends it at once, with an error of our own. */
  failWith(error: HawserError, initiator: "local" | "peer" | "network"): void {
    this.fail(error, initiator);
  }

  /** An error by its name, with where this stream is. */
  errorOf(code: string, syscall: string, context: ErrorContext): HawserError {
    return this.error(code, syscall, context);
  }

  /** Whether an error is this stream's own: its failure, or what it says to who comes too late. */
  knows(error: object): boolean {
    return this.made(error);
  }

  /** Where this stream is. */
  get whereabouts(): ErrorContext {
    return this.place();
  }

  /** Ends at once as `abort()`, with FIN instead of RST where nothing is unread. */
  drop(): void {
    this.direct?.destroy();
    this.abort();
  }

  private get direct(): StreamChannel | null {
    return (this.flags & DIRECT) === 0 ? null : (this.channel as StreamChannel);
  }

  /** Takes the descriptor out, for another owner; -1 where there is none. This ends here. */
  release(): number {
    const fd = this.direct?.release() ?? -1;
    if (fd < 0) return -1;
    this.user = null;
    this.abort();
    this.onClosed();
    return fd;
  }

  /** @internal */
  override tellClosed(): void {
    const { ending, user } = this;
    this.user = null;
    if (ending !== null) user?.over(ending);
    super.tellClosed();
  }

  /** A handler ended with its WebSocket's own error. */
  countEndedByPeer(): void {
    this.policy.owner?.handlerEndedByPeer();
  }
}

/** The `drain` callback of all carriers. */
export function carrierDrained(carrier: Connection): void {
  (carrier as Carrier).user?.drained();
}
