// What a connection sends and how it ends: messages, control frames, our Close, the wishes about
// the transport. The half of WebSocketProtocol that reads no byte; protocol.ts is the other.

import { invalidArgType, invalidState, outOfRange } from "../../errors/arguments.ts";
import { CLOSE_ABNORMAL, CLOSE_INTERNAL_ERROR, encodeClosePayload } from "./close-codes.ts";
import { Closing } from "./closing.ts";
import { Deadlines } from "./deadlines.ts";
import { Deflater } from "./deflate.ts";
import type { DeflateParameters } from "./deflate-negotiation.ts";
import * as flag from "./flags.ts";
import { type FrameOutput, writeBinaryFrame, writeTextFrame } from "./frame-writer.ts";
import type { AbortReason, ProtocolHandler } from "./handler.ts";
import { MAX_CONTROL_PAYLOAD_BYTES, MAX_UNSENT_BEFORE_PONG_BYTES } from "./limits.ts";
import * as op from "./opcodes.ts";
import { requirePayload, requireUint8Array } from "./payload.ts";
import type { PreparedMessage } from "./prepared.ts";
import { Sender, type SenderSink, writeWhole } from "./sender.ts";
import type { ProtocolSettings } from "./settings.ts";
import { maySend, nextState, type ProtocolEvent, type ProtocolState } from "./states.ts";

const EMPTY = Buffer.alloc(0);

/** What only some connections have, and most of those for a moment: made then. */
interface Extras {
  /** An answer that was put off. */
  pendingPong: Buffer | null;
  closing: Closing | null;
  /** When the present second of control frames began, and how many came in it. */
  controlsSince: number;
  controls: number;
  /** Received and not parsed yet. */
  backlog: Buffer | null;
}

export abstract class SendingSide implements SenderSink {
  readonly settings: ProtocolSettings;
  readonly output: FrameOutput;
  readonly handler: ProtocolHandler;
  protected currentState: ProtocolState = "open";
  protected flags = 0;
  protected now: number;
  // Everything below is null on an idle connection without compression and time-outs.
  protected deadlines: Deadlines | null = null;
  protected sender: Sender | null = null;
  protected extras: Extras | null = null;
  protected deflate: DeflateParameters | null;

  /**
   * @param settings shared by all connections of a listener or client
   * @param output where frames go
   * @param handler whom to tell; may be the same object as `output`
   * @param deflate what the opening handshake agreed on, or null
   * @param now milliseconds of a monotonic clock; whole numbers are cheapest
   */
  constructor(
    settings: ProtocolSettings,
    output: FrameOutput,
    handler: ProtocolHandler,
    deflate: DeflateParameters | null,
    now: number,
  ) {
    this.settings = settings;
    this.output = output;
    this.handler = handler;
    this.deflate = deflate;
    this.now = now;
    if (settings.watchesTime) this.deadlines = new Deadlines(settings.timeouts, now);
  }

  get state(): ProtocolState {
    return this.currentState;
  }

  /** Bytes not yet taken by the kernel, those that wait for compression included. */
  get bufferedBytes(): number {
    return this.output.bufferedBytes + (this.sender === null ? 0 : this.sender.queuedBytes);
  }

  /** True while messages wait for compression; onQueueEmpty() says when that is over. */
  get compressing(): boolean {
    return this.sender?.waiting === true;
  }

  /**
   * Nothing is sent and nothing delivered from now on, or before opened(): the handshake is still
   * to come.
   */
  mute(): void {
    this.flags |= flag.MUTE;
  }

  /** It is over. @param deflate what it has agreed on, or null */
  opened(deflate: DeflateParameters | null, now: number): void {
    this.flags &= ~flag.MUTE;
    this.deflate = deflate;
    this.now = now;
    if (this.settings.watchesTime) this.deadlines = new Deadlines(this.settings.timeouts, now);
  }

  // The application's calls.

  /** A text message. False: not sent, for the state or a bound forbids it. */
  sendText(text: string, compress: boolean, now: number): boolean {
    if (typeof text !== "string") throw invalidArgType("text", "a string", text);
    if (!this.beginSend(now)) return false;
    const sender = this.senderIfNeeded();
    if (sender !== null) sender.send(text, true, compress);
    else writeTextFrame(this.output, this.settings, op.FIN_BIT | op.OPCODE_TEXT, text);
    return true;
  }

  /** A binary message. Up to 4 KiB are copied, more is kept by reference until it is sent. */
  sendBinary(bytes: Uint8Array, compress: boolean, now: number): boolean {
    requireUint8Array(bytes, "bytes");
    if (!this.beginSend(now)) return false;
    const sender = this.senderIfNeeded();
    if (sender !== null) sender.send(bytes, false, compress);
    else writeBinaryFrame(this.output, this.settings, op.FIN_BIT | op.OPCODE_BINARY, bytes);
    return true;
  }

  /** A message whose type does not follow from the payload's; bytes as text must be UTF-8. */
  send(data: string | Uint8Array, binary: boolean, compress: boolean, now: number): boolean {
    requirePayload(data, "data");
    if (typeof data === "string") {
      if (!binary) return this.sendText(data, compress, now);
      return this.sendBinary(Buffer.from(data), compress, now);
    }
    if (binary) return this.sendBinary(data, compress, now);
    if (!this.beginSend(now)) return false;
    this.makeSender().send(data, true, compress);
    return true;
  }

  /** A part of a message: the first call begins it, `last` ends it. Strings make it text. */
  sendPart(data: string | Uint8Array, last: boolean, compress: boolean, now: number): boolean {
    requirePayload(data, "data");
    if (!this.beginSend(now)) return false;
    this.makeSender().sendPart(data, typeof data === "string", compress, last);
    return true;
  }

  /** A message that was encoded once for many connections; servers only. */
  sendPrepared(prepared: PreparedMessage, now: number): boolean {
    if (this.settings.role !== "server") throw invalidState("A client masks each message itself");
    if (!this.beginSend(now)) return false;
    const sender = this.senderIfNeeded();
    if (sender !== null) sender.sendPrepared(prepared);
    else writeWhole(this.output, prepared.frame);
    return true;
  }

  /** A Ping of at most 125 bytes (RangeError otherwise). */
  ping(payload: Uint8Array = EMPTY): boolean {
    return this.sendControl(op.OPCODE_PING, payload);
  }

  /** An unsolicited or a late Pong (section 5.5.3). */
  pong(payload: Uint8Array = EMPTY): boolean {
    return this.sendControl(op.OPCODE_PONG, payload);
  }

  /**
   * Begins the closing handshake; later calls change nothing. Without a code the Close is empty.
   * TypeError or RangeError for a code or reason that may not be sent. After it, and after
   * resume() where reading was paused, the peer's Close ends the connection.
   */
  close(code: number | undefined, reason: string, now: number): void {
    encodeClosePayload(code, reason);
    this.now = now;
    this.beginClose(code, reason);
  }

  /** Ends the connection for a reason of our own: Close with `code`, nothing read any more. */
  fail(code: number, message: string): void {
    if (this.currentState === "failed" || this.currentState === "ended") return;
    const closing = this.noteClosing("local");
    closing.failure = { closeCode: code, message };
    this.sender?.stop();
    const mayClose = this.currentState === "open" || this.currentState === "closeReceived";
    this.step("fail");
    this.stopReading();
    this.flags &= ~flag.CLOSE_QUEUED;
    if (mayClose && code !== CLOSE_ABNORMAL) {
      closing.sentCode = code;
      this.writeControl(op.OPCODE_CLOSE, encodeClosePayload(code, ""));
    }
    if (code !== CLOSE_ABNORMAL) this.shutdown();
  }

  /** The kernel took bytes of the output: a pong that was put off may go. */
  flushed(): void {
    const { extras } = this;
    const payload = extras === null ? null : extras.pendingPong;
    if (extras === null || payload === null) return;
    if (this.bufferedBytes > MAX_UNSENT_BEFORE_PONG_BYTES) return;
    extras.pendingPong = null;
    if (this.currentState === "open") this.writeControl(op.OPCODE_PONG, payload);
  }

  onQueueEmpty(): void {
    if ((this.flags & flag.CLOSE_QUEUED) !== 0) this.writeQueuedClose();
    else this.handler.onQueueEmpty();
  }

  onDeflateFailure(): void {
    this.fail(CLOSE_INTERNAL_ERROR, "compression failed");
  }

  /** Nothing that comes is looked at any more. */
  protected abstract stopReading(): void;

  // Writing.

  private maySend(): boolean {
    const forbids = flag.CLOSE_QUEUED | flag.TRANSPORT_CLOSED | flag.MUTE;
    return maySend(this.currentState) && (this.flags & forbids) === 0;
  }

  private beginSend(now: number): boolean {
    if (!this.maySend()) return false;
    if (this.deadlines !== null) this.deadlines.message(now);
    this.now = now;
    if (this.bufferedBytes <= this.settings.limits.maxQueuedBytes) return true;
    this.fail(CLOSE_ABNORMAL, "more unsent bytes than maxQueuedBytes");
    this.abort("queueOverflow");
    return false;
  }

  /** Null where frames can be written as they come. */
  private senderIfNeeded(): Sender | null {
    return this.deflate === null ? this.sender : this.makeSender();
  }

  private makeSender(): Sender {
    if (this.sender !== null) return this.sender;
    const { deflate, settings } = this;
    const server = settings.role === "server";
    const deflater =
      deflate === null || settings.deflate === null
        ? null
        : new Deflater(
            settings.deflate,
            server ? deflate.serverMaxWindowBits : deflate.clientMaxWindowBits,
            !(server ? deflate.serverNoContextTakeover : deflate.clientNoContextTakeover),
          );
    const threshold = settings.deflate?.threshold ?? 0;
    this.sender = new Sender(this.output, settings, deflater, threshold, this);
    return this.sender;
  }

  private sendControl(opcode: number, payload: Uint8Array): boolean {
    requireUint8Array(payload, "payload");
    if (payload.length > MAX_CONTROL_PAYLOAD_BYTES) {
      throw outOfRange("payload", "at most 125 bytes", payload.length);
    }
    if (!this.maySend()) return false;
    this.writeControl(opcode, payload);
    return true;
  }

  protected writeControl(opcode: number, payload: Uint8Array): void {
    if ((this.flags & (flag.ABORT_TOLD | flag.TRANSPORT_CLOSED)) !== 0) return;
    writeBinaryFrame(this.output, this.settings, op.FIN_BIT | opcode, payload);
  }

  // Ending.

  protected beginClose(code: number | undefined, reason: string): void {
    const forbids = flag.CLOSE_QUEUED | flag.MUTE;
    if (this.currentState !== "open" || (this.flags & forbids) !== 0) return;
    this.noteClosing("local");
    this.sendClose(code, reason);
  }

  protected sendClose(code: number | undefined, reason: string): void {
    const closing = this.noteClosing("local");
    closing.sentCode = code;
    closing.queued = encodeClosePayload(code, reason);
    if (this.sender?.waiting === true) this.flags |= flag.CLOSE_QUEUED;
    else this.writeQueuedClose();
  }

  private writeQueuedClose(): void {
    const closing = this.noteClosing("local");
    const payload = closing.queued ?? EMPTY;
    const waited = (this.flags & flag.CLOSE_QUEUED) !== 0;
    this.flags &= ~flag.CLOSE_QUEUED;
    closing.queued = this.extra().pendingPong = null;
    this.writeControl(op.OPCODE_CLOSE, payload);
    this.step("sendClose");
    if (waited) this.finishExchange();
  }

  /** Section 7.1.1: the server closes first; a client waits for it until closeTimeout. */
  protected finishExchange(): void {
    if (this.currentState !== "closeExchanged") return;
    const closing = this.noteClosing("local");
    closing.clean = (this.flags & flag.TRANSPORT_CLOSED) === 0;
    if (this.settings.role === "server") this.shutdown();
  }

  /** Starts the clock of closing and the record of how it went. */
  protected noteClosing(initiator: "local" | "remote"): Closing {
    const extras = this.extra();
    if (extras.closing === null) {
      extras.closing = new Closing(initiator);
      if (this.deadlines === null) this.deadlines = new Deadlines(this.settings.timeouts, this.now);
      this.deadlines.closing(this.now);
    }
    return extras.closing;
  }

  protected extra(): Extras {
    if (this.extras === null) {
      const never = Number.NEGATIVE_INFINITY;
      this.extras = {
        pendingPong: null,
        closing: null,
        controlsSince: never,
        controls: 0,
        backlog: null,
      };
    }
    return this.extras;
  }

  protected shutdown(): void {
    if ((this.flags & (flag.SHUTDOWN_TOLD | flag.ABORT_TOLD)) !== 0) return;
    this.flags |= flag.SHUTDOWN_TOLD;
    this.handler.onShutdown();
  }

  protected abort(reason: AbortReason): void {
    if ((this.flags & flag.ABORT_TOLD) !== 0) return;
    this.flags |= flag.ABORT_TOLD;
    this.handler.onAbort(reason);
  }

  protected step(event: ProtocolEvent): void {
    this.currentState = nextState(this.currentState, event);
  }
}
