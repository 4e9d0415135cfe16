// The two directions of a connected stream socket, as calls that wait: the kernel is read when
// somebody asks, and a send is done when the kernel has all of it.
// Not here: connecting and addresses (stream-socket.ts), descriptors in messages
// (descriptor-messages.ts), the outbox (stream-channel.ts).

import { bytesOf, type ReceiveOptions, type SendData } from "../core/byte-stream.ts";
import {
  COPY_THRESHOLD_BYTES,
  RECEIVE_HIGH_WATER_MARK_BYTES,
  SEND_HIGH_WATER_MARK_BYTES,
} from "../core/limits.ts";
import { Receiver } from "../core/receiver.ts";
import { quiet, SendWaiters } from "../core/send-waiters.ts";
import { Deferred } from "../core/waiting.ts";
import { codeError, type ErrorContext, errnoError, invalidState } from "../errors/index.ts";
import { isPending, mustWaitForLoop, nextIteration, reactor } from "./reactor.ts";
import type { OpenSlot } from "./socket-base.ts";
import { StreamChannel } from "./stream-channel.ts";
import type { StreamSink } from "./stream-sink.ts";

const RESOLVED: Promise<void> = Promise.resolve();

/** What a stream socket tells of itself. */
export interface StreamIoOwner {
  /** connect(2) is over: 0 or a negative errno. */
  onConnected(errno: number): void;
  /** Both ends, for errors. */
  errorPlace(): ErrorContext;
}

export class StreamIo implements StreamSink {
  readonly channel: StreamChannel = new StreamChannel(this);
  readonly #owner: StreamIoOwner;
  // Who reads ahead of a Unix socket's reader takes bytes whose descriptors the reader wants.
  readonly #readsAhead: boolean;
  #isPaused = true;
  #receiver: Receiver | null = null;
  #waiters: SendWaiters | null = null;
  /** The batch of submissions whose outcome is told to us already. */
  #toldBatch = -1;
  #sendError: Error | null = null;
  /** Sends that are made one after the other, past the channel; null while there are none. */
  #line: Promise<void> | null = null;
  #readable: Deferred | null = null;
  #writable: Deferred | null = null;
  #isReadinessOn = false;
  #isReceivingOver = false;
  #isShut = false;
  #closed: Deferred | null = null;

  /** Reading is paused from the start, and begins with the first `receive`. */
  constructor(owner: StreamIoOwner, { slot, generation, family }: OpenSlot) {
    this.#owner = owner;
    this.#readsAhead = family !== "unix";
    this.channel.attach(slot, generation);
    this.channel.pause();
  }

  /** Whether bytes are here that neither the kernel nor the application has. */
  get holds(): boolean {
    const received = this.#receiver === null ? 0 : this.#receiver.bytes;
    return this.#line !== null || received > 0 || this.channel.bufferedBytes > 0;
  }

  /** Whether nothing is to come but what was read ahead. */
  get isReceivingOver(): boolean {
    return this.#isReceivingOver;
  }

  // ---------------------------------------------------------------------------------- receiving

  receive(options: ReceiveOptions | undefined): Promise<Buffer | null> {
    if (this.#closed !== null) return Promise.resolve(null);
    return quiet(this.#readingPlainly().receive(options));
  }

  /** The next step of an iteration. */
  next(): Promise<IteratorResult<Buffer, undefined>> {
    return this.#readingPlainly().next();
  }

  #readingPlainly(): Receiver {
    if (this.#readable !== null) {
      throw invalidState("nothing else can be received while receiveDescriptors() waits");
    }
    this.#setReadiness(false);
    return this.#reading();
  }

  #reading(): Receiver {
    this.#receiver ??= new Receiver(RECEIVE_HIGH_WATER_MARK_BYTES, () => this.#adjust());
    return this.#receiver;
  }

  // The kernel holds what nobody asks for: it tells the peer, and costs nothing here.
  #adjust(): void {
    const receiver = this.#receiver;
    const wanted =
      this.#readable !== null ||
      (receiver !== null &&
        !this.#isReceivingOver &&
        (receiver.isWaiting || (this.#readsAhead && !receiver.isFull)));
    if (wanted === !this.#isPaused) return;
    this.#isPaused = !wanted;
    if (wanted) this.channel.resume();
    else this.channel.pause();
  }

  #setReadiness(on: boolean): void {
    if (this.#isReadinessOn === on || this.#closed !== null) return;
    this.#isReadinessOn = on;
    reactor.setReadiness(this.channel.slot, this.channel.generation, on);
  }

  /** What was read ahead, or some of it; undefined where there is nothing. */
  takeHeld(): Buffer | undefined {
    return this.#receiver?.take();
  }

  /** Whether `receive` waits. */
  get isReceiving(): boolean {
    return this.#receiver?.isWaiting === true;
  }

  /** Resolves when recv(2) has something to say; rejects when the socket is closed. */
  untilReadable(): Promise<void> {
    if (this.#closed !== null) return Promise.reject(canceled("recv"));
    const waiting = new Deferred();
    this.#readable = waiting;
    this.#setReadiness(true);
    this.#adjust();
    return waiting.promise;
  }

  // ------------------------------------------------------------------------------------ sending

  /** Resolves when the kernel has all of it. */
  send(data: SendData): Promise<void> {
    const bytes = typeof data === "string" ? data : bytesOf(data);
    const refusal = this.#refusal();
    if (refusal !== null) return quiet(Promise.reject(refusal));
    if (this.#line === null) return this.#write(bytes);
    // What is small may be overwritten as soon as this returns.
    const isSmall = bytes.length <= COPY_THRESHOLD_BYTES;
    const kept = isSmall || typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    return this.enqueue(() => this.#write(kept));
  }

  #refusal(): Error | null {
    if (this.#sendError !== null) return this.#sendError;
    if (!this.#isShut && this.#closed === null) return null;
    return codeError("EPIPE", "sendmsg", this.#owner.errorPlace());
  }

  #write(bytes: Uint8Array | string): Promise<void> {
    const { channel } = this;
    const before = channel.writtenBytes;
    // One word is enough for all that leaves in one flush, and in front it parts no bytes.
    if (!isPending(channel)) this.#tell();
    if (typeof bytes === "string") channel.writeText(bytes);
    else channel.write(bytes);
    const position = channel.writtenBytes;
    const sent = channel.bufferedBytes === 0 ? RESOLVED : this.#whenTaken(position);
    if (!mustWaitForLoop(channel, position - before, SEND_HIGH_WATER_MARK_BYTES)) return sent;
    return quiet(sent.then(nextIteration));
  }

  #whenTaken(position: number): Promise<void> {
    const { channel } = this;
    this.#waiters ??= new SendWaiters();
    const taken = this.#waiters.whenTaken(position);
    // Making room may have sent the word away before these bytes.
    if (isPending(channel) && this.#toldBatch !== channel.batch) this.#tell();
    return taken;
  }

  #tell(): void {
    if (this.channel.isBlocked) return;
    this.channel.tell();
    this.#toldBatch = this.channel.batch;
  }

  /** Resolves when the kernel has what was sent so far. */
  flushed(): Promise<void> {
    const { channel } = this;
    return channel.bufferedBytes === 0 ? RESOLVED : this.#whenTaken(channel.writtenBytes);
  }

  /** Sends what is left of a message that stands in line. */
  sendRest(bytes: Uint8Array): Promise<void> {
    return this.#write(bytes);
  }

  /** Makes a send that goes past the channel, after those before it and before those after it. */
  enqueue(send: () => Promise<void>): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== null) return quiet(Promise.reject(refusal));
    const before = this.#line ?? RESOLVED;
    const result = quiet(
      before.then(() => {
        if (this.#closed !== null) throw canceled("sendmsg");
        if (this.#sendError !== null) throw this.#sendError;
        return send();
      }),
    );
    const line: Promise<void> = result.then(nothing, nothing).then(() => {
      if (this.#line === line) this.#line = null;
    });
    this.#line = line;
    return result;
  }

  /** Resolves when there is room after EAGAIN. */
  untilWritable(): Promise<void> {
    this.#writable ??= new Deferred();
    return this.#writable.promise;
  }

  /** FIN, after what was sent. */
  shutdown(): void {
    if (this.#isShut) return;
    this.#isShut = true;
    if (this.#line === null) this.channel.shutdown();
    else void this.#line.then(() => this.channel.shutdown());
  }

  // -------------------------------------------------------------------------------------- ending

  /** Closes, with RST or not, and rejects who waits with ECANCELED. */
  close(reset: boolean): Promise<void> {
    if (this.#closed !== null) return this.#closed.promise;
    const closed = this.#cancel();
    if (reset) this.channel.abort();
    else this.channel.destroy();
    return closed.promise;
  }

  /** Gives the descriptor away. */
  release(): number {
    this.#cancel().resolve();
    return this.channel.release();
  }

  #cancel(): Deferred {
    this.#closed = new Deferred();
    this.#reading().cancel(() => canceled("recv"));
    this.#isReceivingOver = true;
    const error = canceled("sendmsg");
    this.#waiters?.reject(error);
    this.#wake(error);
    return this.#closed;
  }

  /** Nothing is sent any more, and nothing received but what is here. */
  fail(error: Error): void {
    this.#isReceivingOver = true;
    this.#reading().end(error);
    this.failSending(error);
  }

  /** The first error counts. */
  failSending(error: Error): void {
    this.#sendError ??= error;
    this.#waiters?.reject(this.#sendError);
    this.#wake(null);
  }

  /** The peer has finished. */
  end(): void {
    this.#isReceivingOver = true;
    this.#reading().end();
    this.#wake(null);
  }

  #wake(error: Error | null): void {
    const waiting = [this.#readable, this.#writable];
    this.#readable = null;
    this.#writable = null;
    for (const one of waiting) {
      if (error === null) one?.resolve();
      else one?.reject(error);
    }
  }

  // ------------------------------------------------------------------------- told by the channel

  onConnected(errno: number): void {
    this.#owner.onConnected(errno);
  }

  onReceived(slab: Buffer, offset: number, length: number): void {
    this.#reading().append(slab.subarray(offset, offset + length));
    this.#adjust();
  }

  onEnded(): void {
    this.end();
  }

  onFailed(errno: number): void {
    this.fail(errnoError(errno, "recv", this.#owner.errorPlace()));
  }

  onSendFailed(errno: number): void {
    this.failSending(errnoError(errno, "sendmsg", this.#owner.errorPlace()));
  }

  onFlushed(): void {
    this.#waiters?.advance(this.channel.writtenBytes - this.channel.bufferedBytes);
  }

  onReadable(): void {
    const waiting = this.#readable;
    this.#readable = null;
    this.#adjust();
    waiting?.resolve();
  }

  onWritable(): void {
    const waiting = this.#writable;
    this.#writable = null;
    waiting?.resolve();
  }

  /** A socket that nobody reads does not care; a send finds out by itself. */
  onTroubled(): void {}

  onClosed(): void {
    this.#closed?.resolve();
  }
}

function canceled(syscall: string): Error {
  return codeError("ECANCELED", syscall);
}

function nothing(): void {}
