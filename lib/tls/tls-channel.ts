// A byte channel over another one, with TLS between: node:tls does the records, this keeps the
// channel's promises. Not here: certificates and names (context.ts), states (lib/net).
//
// Data goes up as it is decrypted, in the same turn. node:tls is never paused: pausing is done
// beneath, and what a receive held besides is kept here, which is one receive at most.

import type { TLSSocket } from "node:tls";
import { COPY_THRESHOLD_BYTES, MIN_GIVEN_BYTES } from "../core/limits.ts";
import { codeError, type ErrorContext, errnoError, type HawserError } from "../errors/index.ts";
import type { ByteChannel, StreamSink } from "../net/byte-channel.ts";
import type { SecureChannel, SecureRequest, TlsInfo } from "../net/tls-engine.ts";
import { isSlab } from "../socket/reactor.ts";
import { cutOff, tlsError, truncated } from "./errors.ts";
import { infoOf } from "./info.ts";
import { makeTransport, type Transport } from "./transport.ts";

/** Begins TLS on a stream. `secured` is called when node:tls has the handshake behind it. */
export type Handshake = (
  transport: Transport,
  secured: (socket: TLSSocket) => void,
  failed: (error: unknown) => void,
) => TLSSocket | null;

/** Whether the peer is accepted: null, or why not. */
export type Judge = (
  info: TlsInfo,
  place: ErrorContext,
) => HawserError | null | Promise<HawserError | null>;

type Phase = "handshake" | "judging" | "open" | "closed";

/** How connections of one context differ from those of another. */
export interface Manner {
  readonly handshake: Handshake;
  readonly judge: Judge;
  readonly requireCloseNotify: boolean;
}

export class TlsChannel implements SecureChannel, StreamSink {
  iteration = 0;
  iterationBytes = 0;
  /** What went wrong in TLS, where no number says it. */
  failure: HawserError | null = null;
  readonly keepsReceived = true;

  readonly #under: ByteChannel;
  readonly #transport: Transport;
  readonly #place: ErrorContext;
  readonly #judge: Judge;
  readonly #requireCloseNotify: boolean;
  #done: ((error: HawserError | null) => void) | null;
  #phase: Phase = "handshake";
  #socket: TLSSocket | null = null;
  #sink: StreamSink | null = null;
  #info: TlsInfo | null = null;
  #session: Buffer | null = null;
  /** Written before node:tls gave its socket. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #written: number;
  /** `takenBytes` when the rest was given up. */
  #takenAtEnd: number | null = null;
  /** Bytes of them that had left when nothing waited beneath; since then an alert may. */
  #taken = 0;
  #isPaused = false;
  /** Decrypted and not delivered. */
  #held: Buffer[] = [];
  /** The peer's close_notify has come; told when nothing is held. */
  #hasEnded = false;
  #isEndTold = false;
  /** Our own direction: asked to end, and everything written. */
  #isEnding = false;
  #isFlushed = false;
  #closesAfter = false;

  constructor(request: SecureRequest, { handshake, judge, requireCloseNotify }: Manner) {
    const { channel, received, writtenBytes = 0, place, done } = request;
    this.#under = channel;
    this.#place = { ...place, phase: "tls" };
    this.#judge = judge;
    this.#requireCloseNotify = requireCloseNotify;
    this.#done = done;
    this.#written = writtenBytes;
    this.#transport = makeTransport(channel, () => this.#flushed());
    this.#transport.on("error", () => {});
    channel.setSink(this);
    this.#begin(handshake);
    if (received !== undefined) this.#transport.push(received);
  }

  #begin(handshake: Handshake): void {
    try {
      const socket = handshake(
        this.#transport,
        (secure) => this.#secured(secure),
        (error) => this.#failed(error),
      );
      if (socket !== null) this.#adopt(socket);
    } catch (error) {
      queueMicrotask(() => this.#failed(error));
    }
  }

  // The client's socket is there at once, a server's when it is secure.
  #adopt(socket: TLSSocket): void {
    if (this.#socket !== null) return;
    this.#socket = socket;
    socket.on("error", (error) => this.#failed(error));
    socket.on("session", (session: Buffer) => {
      this.#session = session;
    });
  }

  // ---------------------------------------------------------------------------------- handshake

  #secured(socket: TLSSocket): void {
    if (this.#phase !== "handshake") return;
    this.#adopt(socket);
    this.#phase = "judging";
    const info = infoOf(socket, () => this.#latestSession());
    const verdict = this.#judge(info, this.#place);
    if (!(verdict instanceof Promise)) {
      this.#decided(info, verdict);
      return;
    }
    this.#under.pause();
    verdict.then(
      (error) => {
        if (this.#phase !== "judging") return;
        this.#under.resume();
        this.#decided(info, error);
      },
      (error) => this.#failed(error),
    );
  }

  #latestSession(): Buffer | null {
    // A server has none to give, and a socket that is gone has none any more.
    const current = this.#socket?.destroyed === false ? this.#socket.getSession() : undefined;
    return this.#session ?? (this.#info?.protocol === "TLSv1.3" ? null : (current ?? null));
  }

  #decided(info: TlsInfo, error: HawserError | null): void {
    if (error !== null) {
      this.#refuse(error);
      return;
    }
    this.#info = info;
    this.#phase = "open";
    const socket = this.#socket as TLSSocket;
    for (const bytes of this.#early.splice(0)) this.#pass(socket, bytes);
    this.#earlyBytes = 0;
    if (this.#isEnding) socket.end();
    if (this.#isPaused) this.#under.pause();
    this.#settle(null);
    if (this.#sink !== null) this.#listen();
  }

  #settle(error: HawserError | null): void {
    const done = this.#done;
    this.#done = null;
    done?.(error);
  }

  // What TLS still has to say (an alert) goes out before the end.
  #refuse(error: HawserError): void {
    const wasOpen = this.#phase === "open";
    this.#giveHeld();
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.failure = error;
    this.#takenAtEnd = this.takenBytes;
    this.#under.close();
    if (wasOpen) this.#sink?.onFailed(0);
    else this.#settle(error);
    this.#discard();
  }

  #failed(cause: unknown): void {
    const phase = this.#phase === "open" ? "open" : "tls";
    this.#refuse(tlsError(cause, { ...this.#place, phase }));
  }

  #discard(): void {
    this.#held = [];
    this.#early = [];
    this.#socket?.destroy();
    this.#transport.destroy();
  }

  // ----------------------------------------------------------------------------------- receiving

  setSink(sink: StreamSink): void {
    const isFirst = this.#sink === null;
    this.#sink = sink;
    if (isFirst && this.#phase === "open" && this.#done === null) this.#listen();
  }

  #listen(): void {
    const socket = this.#socket as TLSSocket;
    if (socket.listenerCount("data") > 0) return;
    socket.on("data", (bytes: Buffer) => this.#decrypted(bytes));
    socket.on("end", () => {
      this.#hasEnded = true;
      if (this.#held.length === 0 && !this.#isPaused) this.#tellEnd();
    });
  }

  #decrypted(bytes: Buffer): void {
    if (this.#phase !== "open") return;
    if (this.#isPaused || this.#held.length > 0) this.#held.push(bytes);
    else this.#sink?.onReceived(bytes, 0, bytes.length, bytes.length >= MIN_GIVEN_BYTES);
  }

  #tellEnd(): void {
    if (this.#isEndTold || this.#phase !== "open") return;
    this.#isEndTold = true;
    this.#sink?.onEnded();
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#phase === "open") this.#under.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#phase !== "open") return;
    if (this.#held.length === 0 && !this.#hasEnded) this.#under.resume();
    else queueMicrotask(() => this.#release());
  }

  #release(): void {
    while (!this.#isPaused && this.#phase === "open") {
      const bytes = this.#held.shift();
      if (bytes === undefined) {
        this.#under.resume();
        if (this.#hasEnded) this.#tellEnd();
        return;
      }
      this.#sink?.onReceived(bytes, 0, bytes.length, bytes.length >= MIN_GIVEN_BYTES);
    }
  }

  // Before a failure: nothing holds them back any more, and whoever gets them keeps them.
  #giveHeld(): void {
    while (this.#phase === "open") {
      const bytes = this.#held.shift();
      if (bytes === undefined) return;
      this.#sink?.onReceived(bytes, 0, bytes.length, bytes.length >= MIN_GIVEN_BYTES);
    }
  }

  /** @internal */
  onReceived(slab: Buffer, offset: number, length: number, given: boolean): void {
    const bytes = slab.subarray(offset, offset + length);
    // node:tls keeps it where it does not read yet.
    this.#transport.push(given ? bytes : Buffer.from(bytes));
  }

  /** @internal FIN. Behind a close_notify it says nothing new; alone it may be anybody's. */
  onEnded(): void {
    // An alert or a close_notify that came before it, node:tls tells in a later tick.
    setImmediate(() => {
      if (this.#hasEnded || this.#phase === "closed") return;
      if (this.#phase !== "open") {
        this.#refuse(cutOff(this.#place));
        return;
      }
      if (this.#requireCloseNotify) {
        this.failure = truncated(this.#place);
        this.#tellFailure(0);
      } else {
        this.#hasEnded = true;
        if (this.#held.length === 0 && !this.#isPaused) this.#tellEnd();
      }
    });
  }

  /** @internal */
  onFailed(errno: number): void {
    if (this.#phase !== "open") this.#refuse(errnoError(errno, "read", this.#place));
    // What came before it, node:tls gives in a later tick.
    else setImmediate(() => this.#tellFailure(errno));
  }

  #tellFailure(errno: number): void {
    this.#giveHeld();
    if (this.#phase === "open") this.#sink?.onFailed(errno);
  }

  /** @internal */
  onTroubled(): void {
    if (this.#phase === "open") this.#sink?.onTroubled();
    else this.#under.resume();
  }

  /** @internal */
  onConnected(): void {}
  /** @internal */
  onReadable(): void {}

  // ------------------------------------------------------------------------------------- sending

  write(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#isEnding || this.#phase === "closed") return;
    this.#written += bytes.length;
    const socket = this.#socket;
    // node:tls may keep it for a while; a caller's small or lent buffer is its own again at once.
    const owned =
      bytes.length <= COPY_THRESHOLD_BYTES || isSlab(bytes) ? Buffer.from(bytes) : bytes;
    if (this.#phase === "open" && socket !== null) {
      this.#pass(socket, owned);
    } else {
      this.#early.push(owned);
      this.#earlyBytes += owned.length;
    }
  }

  writeText(text: string): void {
    this.write(Buffer.from(text));
  }

  #pass(socket: TLSSocket, bytes: Uint8Array): void {
    if (!socket.destroyed) socket.write(bytes, () => this.#encrypted());
  }

  #encrypted(): void {
    if (this.#under.bufferedBytes > 0) this.#under.tell();
    else this.onFlushed();
  }

  /** @internal */
  onFlushed(): void {
    if (this.#untaken() === 0) this.#taken = this.#written - this.#plainBytes();
    this.#sink?.onFlushed();
  }

  /** @internal */
  onSendFailed(errno: number): void {
    if (this.#phase === "open") this.#sink?.onSendFailed(errno);
  }

  tell(): void {
    // What node:tls still has is told by its callback.
    if (this.#plainBytes() === 0) this.#under.tell();
  }

  #plainBytes(): number {
    return this.#earlyBytes + (this.#socket?.destroyed === false ? this.#socket.writableLength : 0);
  }

  // Bytes on their way through node:tls are in both counts for a moment, so the greater holds.
  get bufferedBytes(): number {
    return Math.max(this.#plainBytes(), this.#under.bufferedBytes);
  }

  get writtenBytes(): number {
    return this.#written;
  }

  get takenBytes(): number {
    if (this.#takenAtEnd !== null) return this.#takenAtEnd;
    return Math.max(this.#taken, this.#written - Math.max(this.#plainBytes(), this.#untaken()));
  }

  /** Bytes of records that wait beneath, or that a failure has dropped there. */
  #untaken(): number {
    return this.#under.writtenBytes - this.#under.takenBytes;
  }

  get carriedBytes(): number {
    return this.#under.takenBytes;
  }

  get isBlocked(): boolean {
    return this.#under.isBlocked;
  }

  // -------------------------------------------------------------------------------------- ending

  /** close_notify after everything that was written, and FIN behind it. */
  shutdown(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (this.#phase === "open") this.#socket?.end();
  }

  // close_notify is written.
  #flushed(): void {
    if (this.#isFlushed || this.#phase === "closed") return;
    this.#isFlushed = true;
    if (this.#closesAfter) this.#finish();
    else this.#under.shutdown();
  }

  close(): void {
    if (this.#phase === "closed" || this.#closesAfter) return;
    this.#closesAfter = true;
    if (this.#isFlushed || this.#phase !== "open") this.#finish();
    else this.shutdown();
  }

  #finish(): void {
    // Who waits for bytes that have left hears of it, though node:tls has not called back yet.
    this.#sink?.onFlushed();
    this.#phase = "closed";
    this.#under.close();
    this.#discard();
  }

  abort(): void {
    this.#takenAtEnd ??= this.takenBytes;
    this.#phase = "closed";
    this.#under.abort();
    this.#discard();
    this.#settle(codeError("ECANCELED", "connect", this.#place));
  }

  /** @internal */
  onClosed(): void {
    this.#phase = "closed";
    this.#sink?.onClosed();
  }

  // -------------------------------------------------------------------------------------- the rest

  get tls(): TlsInfo | null {
    return this.#info;
  }

  get slot(): number {
    return this.#under.slot;
  }

  get generation(): number {
    return this.#under.generation;
  }

  get isClosed(): boolean {
    return this.#under.isClosed;
  }

  setReferenced(referenced: boolean): void {
    this.#under.setReferenced(referenced);
  }
}
