// One WebSocket connection after its opening handshake, sans I/O: bytes and time in, messages,
// frames and wishes about the transport out. The closing handshake (RFC 6455 section 7), pings,
// bounds and time-outs are decided here; frames are read in frame-parser.ts, written in
// frame-writer.ts and sender.ts, inflated in receiver.ts. No socket and no timer may come here.

import { argumentTypeError, argumentValueError, checkPayload, stateError } from "./arguments.ts";
import {
  CLOSE_ABNORMAL,
  CLOSE_GOING_AWAY,
  CLOSE_INTERNAL_ERROR,
  CLOSE_NO_STATUS,
  CLOSE_POLICY_VIOLATION,
  encodeClosePayload,
} from "./close-codes.ts";
import { Deadlines } from "./deadlines.ts";
import { Deflater } from "./deflate.ts";
import type { DeflateParameters } from "./deflate-negotiation.ts";
import type { FrameParser, FrameSink } from "./frame-parser.ts";
import { type FrameOutput, writeBinaryFrame, writeTextFrame } from "./frame-writer.ts";
import type { AbortReason, CloseInfo, ProtocolHandler } from "./handler.ts";
import { MAX_CONTROL_PAYLOAD_BYTES, MAX_UNSENT_BEFORE_PONG_BYTES } from "./limits.ts";
import * as op from "./opcodes.ts";
import type { PreparedMessage } from "./prepared.ts";
import { MessageReceiver, type ReceiverSink } from "./receiver.ts";
import { Sender, type SenderSink, writeWhole } from "./sender.ts";
import type { ProtocolSettings } from "./settings.ts";
import { maySend, nextState, type ProtocolEvent, type ProtocolState } from "./states.ts";

/** The parts of {@link CloseInfo} that are known before the end. */
interface Closing {
  code: number;
  reason: string;
  initiator: "local" | "remote";
  sentCode: number | undefined;
  failure: { closeCode: number; message: string } | null;
  clean: boolean;
}

// Bits of `flags`.
/** The application holds reading back. */
const PAUSED = 1;
/** A compressed message is in the thread pool. */
const INFLATING = 2;
/** parse() is on the stack. */
const PARSING = 4;
/** The transport's end has come, maybe behind what is held back. */
const END_SEEN = 8;
const TRANSPORT_CLOSED = 16;
const SHUTDOWN_TOLD = 32;
const ABORT_TOLD = 64;
const CLOSED_TOLD = 128;
/** A Close waits behind the sender's queue. */
const CLOSE_QUEUED = 256;
const HELD = PAUSED | INFLATING;

const EMPTY = Buffer.alloc(0);

export class WebSocketProtocol implements FrameSink, SenderSink, ReceiverSink {
  readonly settings: ProtocolSettings;
  readonly output: FrameOutput;
  readonly handler: ProtocolHandler;
  private currentState: ProtocolState = "open";
  private flags = 0;
  private now: number;
  private controlWindowStart = 0;
  private controlCount = 0;
  // Everything below is null on an idle connection without compression and time-outs.
  private parser: FrameParser | null = null;
  private deadlines: Deadlines | null = null;
  private sender: Sender | null = null;
  private receiver: MessageReceiver | null = null;
  private backlog: Buffer | null = null;
  private pendingPong: Buffer | null = null;
  private closing: Closing | null = null;
  private queuedClose: Buffer | null = null;
  private readonly deflate: DeflateParameters | null;

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

  /** False while bytes should not be read: paused, or a message is being inflated. */
  get reading(): boolean {
    return (this.flags & HELD) === 0;
  }

  // Bytes and time in.

  /**
   * Bytes of the peer: `chunk[start, end)`, lent for the call; payload bytes in it are overwritten.
   * Never throws on what they say.
   */
  receive(chunk: Buffer, start: number, end: number, now: number): void {
    this.now = now;
    if (this.deadlines !== null) this.deadlines.heard(now);
    if (this.deaf) return;
    if ((this.flags & (HELD | PARSING)) !== 0) this.keep(chunk, start, end, false);
    else this.parse(chunk, start, end);
  }

  /** The transport's reading side has ended. */
  end(now: number): void {
    this.now = now;
    this.flags |= END_SEEN;
    this.settleEnd();
  }

  /** The transport is gone, after end() or instead of it. Nothing is written after it. */
  transportClosed(now: number): void {
    this.now = now;
    this.flags |= END_SEEN | TRANSPORT_CLOSED;
    this.sender?.stop();
    this.settleEnd();
  }

  /** When tick() is due, Infinity for never. Ask again after every call of this object. */
  nextDeadline(): number {
    if (this.deadlines === null || (this.flags & (ABORT_TOLD | TRANSPORT_CLOSED)) !== 0) {
      return Number.POSITIVE_INFINITY;
    }
    return this.deadlines.next(this.reading);
  }

  /** Does what is due; too early a call does nothing. */
  tick(now: number): void {
    this.now = now;
    if (now < this.nextDeadline()) return;
    const due = this.deadlines?.due(now, this.reading) ?? "none";
    if (due === "ping") {
      this.deadlines?.pinged(now);
      this.writeControl(op.OPCODE_PING, EMPTY);
    } else if (due === "idleTimeout") {
      this.beginClose(CLOSE_GOING_AWAY, "idle timeout");
    } else if (due === "closeTimeout") {
      this.abort("closeTimeout");
    } else if (due === "heartbeatTimeout") {
      this.fail(CLOSE_ABNORMAL, "no answer to a heartbeat ping");
      this.abort("heartbeatTimeout");
    }
  }

  /** The kernel took bytes of the output: a pong that was put off may go. */
  flushed(): void {
    const payload = this.pendingPong;
    if (payload === null || this.bufferedBytes > MAX_UNSENT_BEFORE_PONG_BYTES) return;
    this.pendingPong = null;
    if (this.currentState === "open") this.writeControl(op.OPCODE_PONG, payload);
  }

  /** Nothing is delivered until resume(); bytes that still come are kept. */
  pause(): void {
    this.flags |= PAUSED;
    this.parser?.halt();
    this.receiver?.pause();
  }

  /** Goes on, first with what was kept. Not to be called inside the application's own calls. */
  resume(now: number): void {
    this.now = now;
    this.flags &= ~PAUSED;
    this.deadlines?.heard(now);
    this.receiver?.resume();
    this.parseBacklog();
  }

  // The application's calls.

  /** A text message. False: not sent, for the state or a bound forbids it. */
  sendText(text: string, compress: boolean, now: number): boolean {
    if (typeof text !== "string") throw argumentTypeError("text", "a string", text);
    if (!this.beginSend(now)) return false;
    const sender = this.senderIfNeeded();
    if (sender !== null) sender.send(text, true, compress);
    else writeTextFrame(this.output, this.settings, op.FIN_BIT | op.OPCODE_TEXT, text);
    return true;
  }

  /** A binary message. Up to 4 KiB are copied, more is kept by reference until it is sent. */
  sendBinary(bytes: Uint8Array, compress: boolean, now: number): boolean {
    checkBytes(bytes);
    if (!this.beginSend(now)) return false;
    const sender = this.senderIfNeeded();
    if (sender !== null) sender.send(bytes, false, compress);
    else writeBinaryFrame(this.output, this.settings, op.FIN_BIT | op.OPCODE_BINARY, bytes);
    return true;
  }

  /** A message whose type does not follow from the payload's: bytes as text (they must be UTF-8). */
  send(data: string | Uint8Array, binary: boolean, compress: boolean, now: number): boolean {
    checkPayload("data", data);
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
    checkPayload("data", data);
    if (!this.beginSend(now)) return false;
    this.makeSender().sendPart(data, typeof data === "string", compress, last);
    return true;
  }

  /** A message that was encoded once for many connections; servers only. */
  sendPrepared(prepared: PreparedMessage, now: number): boolean {
    if (this.settings.role !== "server") throw stateError("A client masks each message itself");
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
    this.parser?.stop();
    this.receiver?.stop();
    this.backlog = null;
    this.flags &= ~(INFLATING | CLOSE_QUEUED);
    if (mayClose && code !== CLOSE_ABNORMAL) {
      closing.sentCode = code;
      this.writeControl(op.OPCODE_CLOSE, encodeClosePayload(code, ""));
    }
    if (code !== CLOSE_ABNORMAL) this.shutdown();
  }

  // The parser's events.

  onText(text: string): void {
    if (this.deliverable()) this.handler.onMessage(text);
  }

  onBinary(bytes: Buffer): void {
    if (this.deliverable()) this.handler.onMessage(bytes);
  }

  onPart(bytes: Buffer, isText: boolean, compressed: boolean, first: boolean, last: boolean): void {
    this.makeReceiver().part(bytes, isText, compressed, first, last);
  }

  onCompressed(bytes: Buffer, isText: boolean, lent: boolean): void {
    this.makeReceiver().inflate(bytes, isText, lent);
  }

  onPing(payload: Buffer): void {
    if (!this.countControl()) return;
    if (this.currentState === "open" && this.settings.autoPong) {
      // A peer that does not read gets one answer, to its newest ping (section 5.5.3).
      if (this.bufferedBytes > MAX_UNSENT_BEFORE_PONG_BYTES) this.pendingPong = payload;
      else this.writeControl(op.OPCODE_PONG, payload);
    }
    this.handler.onPing(payload);
  }

  onPong(payload: Buffer): void {
    if (this.countControl()) this.handler.onPong(payload);
  }

  onClose(code: number, reason: string): void {
    const closing = this.noteClosing("remote");
    closing.code = code;
    closing.reason = reason;
    this.step("receiveClose");
    this.backlog = null;
    if (this.currentState === "closeReceived") {
      this.sendClose(code === CLOSE_NO_STATUS ? undefined : code, "");
    }
    this.handler.onClosing(code, reason);
    this.finishExchange();
  }

  onViolation(code: number, message: string): void {
    this.fail(code, message);
  }

  // The receiver's and the sender's events.

  onMessage(message: string | Buffer): void {
    if (this.deliverable()) this.handler.onMessage(message);
  }

  onMessagePart(data: string | Buffer, first: boolean, last: boolean): void {
    if (this.deliverable()) this.handler.onPart(data, first, last);
  }

  onInflating(inflating: boolean): void {
    if (inflating) {
      this.flags |= INFLATING;
      this.parser?.halt();
      this.handler.onReading(false);
      return;
    }
    this.flags &= ~INFLATING;
    if ((this.flags & PAUSED) === 0) this.deadlines?.heard(this.now);
    this.parseBacklog();
    if (this.reading && !this.deaf) this.handler.onReading(true);
  }

  onQueueEmpty(): void {
    if ((this.flags & CLOSE_QUEUED) !== 0) this.writeQueuedClose();
    else this.handler.onQueueEmpty();
  }

  onDeflateFailure(): void {
    this.fail(CLOSE_INTERNAL_ERROR, "compression failed");
  }

  // Reading.

  /** Nothing that comes is looked at any more. */
  private get deaf(): boolean {
    const state = this.currentState;
    return state !== "open" && state !== "closeSent";
  }

  private parse(chunk: Buffer, start: number, end: number): void {
    const parser = this.parser ?? this.settings.takeParser(this, this.deflate !== null);
    this.parser = parser;
    this.flags |= PARSING;
    try {
      parser.parse(chunk, start, end);
    } finally {
      this.flags &= ~PARSING;
      if (parser.position < end && !this.deaf) this.keep(chunk, parser.position, end, true);
      if (parser.idle) {
        this.parser = null;
        this.settings.giveParser(parser);
      }
    }
    if (this.backlog !== null) this.parseBacklog();
  }

  /** Copies what cannot be parsed now, before (`front`) or behind what is kept already. */
  private keep(chunk: Buffer, start: number, end: number, front: boolean): void {
    const bytes = chunk.subarray(start, end);
    const { backlog } = this;
    if (backlog === null) this.backlog = Buffer.from(bytes);
    else this.backlog = Buffer.concat(front ? [bytes, backlog] : [backlog, bytes]);
  }

  private parseBacklog(): void {
    while (this.backlog !== null && (this.flags & (HELD | PARSING)) === 0 && !this.deaf) {
      const { backlog } = this;
      this.backlog = null;
      this.parse(backlog, 0, backlog.length);
    }
    this.settleEnd();
  }

  /** The end comes after all data: not while bytes are kept. */
  private settleEnd(): void {
    if ((this.flags & END_SEEN) === 0 || (this.flags & CLOSED_TOLD) !== 0) return;
    if (!this.deaf && (this.backlog !== null || (this.flags & (INFLATING | PARSING)) !== 0)) return;
    this.noteClosing("remote");
    this.step("end");
    this.parser?.stop();
    this.receiver?.stop();
    if ((this.flags & TRANSPORT_CLOSED) === 0) {
      this.shutdown();
      return;
    }
    this.flags |= CLOSED_TOLD;
    this.handler.onClosed(this.closeInfo());
  }

  private closeInfo(): CloseInfo {
    const { code, reason, clean, initiator, sentCode, failure } = this.noteClosing("remote");
    return { code, reason, wasClean: clean && failure === null, initiator, sentCode, failure };
  }

  private deliverable(): boolean {
    this.deadlines?.message(this.now);
    const state = this.currentState;
    return state === "open" || (state === "closeSent" && this.settings.deliverWhileClosing);
  }

  private countControl(): boolean {
    if (this.now - this.controlWindowStart >= 1_000) {
      this.controlWindowStart = this.now;
      this.controlCount = 0;
    }
    if (++this.controlCount <= this.settings.limits.maxControlFramesPerSecond) return true;
    this.fail(CLOSE_POLICY_VIOLATION, "too many control frames in a second");
    return false;
  }

  private makeReceiver(): MessageReceiver {
    if (this.receiver === null) {
      this.receiver = new MessageReceiver(this.settings, this.deflate, this);
    }
    return this.receiver;
  }

  // Writing.

  private beginSend(now: number): boolean {
    if (!maySend(this.currentState) || (this.flags & (CLOSE_QUEUED | TRANSPORT_CLOSED)) !== 0) {
      return false;
    }
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
    checkBytes(payload);
    if (payload.length > MAX_CONTROL_PAYLOAD_BYTES) {
      throw argumentValueError("payload", "must have at most 125 bytes", `${payload.length} bytes`);
    }
    if (!maySend(this.currentState) || (this.flags & TRANSPORT_CLOSED) !== 0) return false;
    this.writeControl(opcode, payload);
    return true;
  }

  private writeControl(opcode: number, payload: Uint8Array): void {
    if ((this.flags & (ABORT_TOLD | TRANSPORT_CLOSED)) !== 0) return;
    writeBinaryFrame(this.output, this.settings, op.FIN_BIT | opcode, payload);
  }

  // Ending.

  private beginClose(code: number | undefined, reason: string): void {
    if (this.currentState !== "open" || (this.flags & CLOSE_QUEUED) !== 0) return;
    this.noteClosing("local");
    this.sendClose(code, reason);
  }

  private sendClose(code: number | undefined, reason: string): void {
    const closing = this.noteClosing("local");
    closing.sentCode = code;
    this.queuedClose = encodeClosePayload(code, reason);
    if (this.sender?.waiting === true) this.flags |= CLOSE_QUEUED;
    else this.writeQueuedClose();
  }

  private writeQueuedClose(): void {
    const payload = this.queuedClose ?? EMPTY;
    const waited = (this.flags & CLOSE_QUEUED) !== 0;
    this.flags &= ~CLOSE_QUEUED;
    this.queuedClose = this.pendingPong = null;
    this.writeControl(op.OPCODE_CLOSE, payload);
    this.step("sendClose");
    if (waited) this.finishExchange();
  }

  /** Section 7.1.1: the server closes first; a client waits for it until closeTimeout. */
  private finishExchange(): void {
    if (this.currentState !== "closeExchanged") return;
    const closing = this.noteClosing("local");
    closing.clean = (this.flags & TRANSPORT_CLOSED) === 0;
    if (this.settings.role === "server") this.shutdown();
  }

  /** Starts the clock of closing and the record of how it went. */
  private noteClosing(initiator: "local" | "remote"): Closing {
    if (this.closing === null) {
      this.closing = {
        code: CLOSE_ABNORMAL,
        reason: "",
        initiator,
        sentCode: undefined,
        failure: null,
        clean: false,
      };
      if (this.deadlines === null) this.deadlines = new Deadlines(this.settings.timeouts, this.now);
      this.deadlines.closing(this.now);
    }
    return this.closing;
  }

  private shutdown(): void {
    if ((this.flags & (SHUTDOWN_TOLD | ABORT_TOLD)) !== 0) return;
    this.flags |= SHUTDOWN_TOLD;
    this.handler.onShutdown();
  }

  private abort(reason: AbortReason): void {
    if ((this.flags & ABORT_TOLD) !== 0) return;
    this.flags |= ABORT_TOLD;
    this.handler.onAbort(reason);
  }

  private step(event: ProtocolEvent): void {
    this.currentState = nextState(this.currentState, event);
  }
}

function checkBytes(bytes: unknown): asserts bytes is Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw argumentTypeError("bytes", "a Uint8Array", bytes);
}
