// One WebSocket connection after its opening handshake, sans I/O: bytes and time in, messages,
// frames and wishes about the transport out. This half reads: what comes in, in which order it is
// told, when it is held back, and what is due; sending-side.ts is the other half. Frames are read
// in frame-parser.ts, inflated in receiver.ts. No socket and no timer may come here.

import {
  CLOSE_ABNORMAL,
  CLOSE_GOING_AWAY,
  CLOSE_NO_STATUS,
  CLOSE_POLICY_VIOLATION,
} from "./close-codes.ts";
import * as flag from "./flags.ts";
import type { FrameParser } from "./frame-parser.ts";
import type { FrameSink } from "./frame-sink.ts";
import { MAX_UNSENT_BEFORE_PONG_BYTES } from "./limits.ts";
import * as op from "./opcodes.ts";
import { MessageReceiver, type ReceiverSink } from "./receiver.ts";
import { SendingSide } from "./sending-side.ts";

const EMPTY = Buffer.alloc(0);
/** Control frames are counted over windows of this many milliseconds. */
const CONTROL_WINDOW_MS = 1_000;

export class WebSocketProtocol extends SendingSide implements FrameSink, ReceiverSink {
  // Null while nothing is half received.
  private parser: FrameParser | null = null;
  private receiver: MessageReceiver | null = null;

  /** False while bytes should not be read: paused, or a message is being inflated. */
  get reading(): boolean {
    return (this.flags & flag.HELD) === 0;
  }

  // Bytes and time in.

  /**
   * Bytes of the peer: `chunk[start, end)`, lent for the call, or `owned`: then nobody else uses
   * them again. Payload bytes in them are overwritten. Never throws on what they say.
   */
  receive(chunk: Buffer, start: number, end: number, now: number, owned = false): void {
    this.now = now;
    if (this.deadlines !== null) this.deadlines.heard(now);
    if (this.deaf) return;
    if ((this.flags & (flag.HELD | flag.PARSING)) !== 0)
      this.keep(Buffer.from(chunk.subarray(start, end)), false);
    else this.parse(chunk, start, end, owned);
  }

  /** The transport's reading side has ended. */
  end(now: number): void {
    this.now = now;
    this.flags |= flag.END_SEEN;
    this.settleEnd();
  }

  /** The transport is gone, after end() or instead of it. Nothing is written after it. */
  transportClosed(now: number): void {
    this.now = now;
    this.flags |= flag.END_SEEN | flag.TRANSPORT_CLOSED;
    this.sender?.stop();
    this.settleEnd();
  }

  /** When tick() is due, Infinity for never. Ask again after every call of this object. */
  nextDeadline(): number {
    if (this.deadlines === null || (this.flags & (flag.ABORT_TOLD | flag.TRANSPORT_CLOSED)) !== 0) {
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

  /** Nothing is delivered until resume(); bytes that still come are kept. */
  pause(): void {
    this.flags |= flag.PAUSED;
    this.parser?.halt();
    this.receiver?.pause();
  }

  /** Goes on, first with what was kept. Not to be called inside the application's own calls. */
  resume(now: number): void {
    this.now = now;
    this.flags &= ~flag.PAUSED;
    this.deadlines?.heard(now);
    this.receiver?.resume();
    this.parseBacklog();
  }

  /** Messages are given by onPart from now on; of one that is half received, the rest is. */
  giveParts(): void {
    this.flags |= flag.IN_PARTS;
    this.parser?.giveParts();
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
    if (this.isMute || !this.countControl()) return;
    if (this.currentState === "open" && this.settings.autoPong) {
      // A peer that does not read gets one answer, to its newest ping (section 5.5.3).
      if (this.bufferedBytes > MAX_UNSENT_BEFORE_PONG_BYTES) this.extra().pendingPong = payload;
      else this.writeControl(op.OPCODE_PONG, payload);
    }
    this.handler.onPing(payload);
  }

  onPong(payload: Buffer): void {
    if (!this.isMute && this.countControl()) this.handler.onPong(payload);
  }

  onClose(code: number, reason: string): void {
    if (this.isMute) return;
    const closing = this.noteClosing("remote");
    closing.code = code;
    closing.reason = reason;
    this.step("receiveClose");
    this.dropBacklog();
    // A Close of our own that waits in the queue is the answer as well.
    if (this.currentState === "closeReceived" && (this.flags & flag.CLOSE_QUEUED) === 0) {
      this.sendClose(code === CLOSE_NO_STATUS ? undefined : code, "");
    }
    this.handler.onClosing(code, reason);
    this.finishExchange();
  }

  onViolation(code: number, message: string): void {
    this.fail(code, message);
  }

  // The receiver's events.

  onMessage(message: string | Buffer): void {
    if (this.deliverable()) this.handler.onMessage(message);
  }

  onMessagePart(data: string | Buffer, first: boolean, last: boolean): void {
    if (this.deliverable()) this.handler.onPart(data, first, last);
  }

  onInflating(inflating: boolean): void {
    if (inflating) {
      this.flags |= flag.INFLATING;
      this.parser?.halt();
      this.tellReading();
      return;
    }
    this.flags &= ~flag.INFLATING;
    if ((this.flags & flag.PAUSED) === 0) this.deadlines?.heard(this.now);
    this.parseBacklog();
    this.tellReading();
  }

  // Reading.

  // Of what stands in the same chunk as what was answered with an abort.
  private get isMute(): boolean {
    return (this.flags & flag.MUTE) !== 0;
  }

  /** Nothing that comes is looked at any more. */
  private get deaf(): boolean {
    const state = this.currentState;
    return state !== "open" && state !== "closeSent";
  }

  override fail(code: number, message: string): void {
    super.fail(code, message);
    // The end may have waited for what is not looked at any more.
    if ((this.flags & flag.PARSING) === 0) this.settleEnd();
  }

  protected stopReading(): void {
    this.parser?.stop();
    this.receiver?.stop();
    this.dropBacklog();
    this.flags &= ~flag.INFLATING;
    this.tellReading();
  }

  /** The transport's end must be seen although nothing else is looked at any more. */
  private tellReading(): void {
    const held = (this.flags & flag.INFLATING) !== 0;
    if (held === ((this.flags & flag.HOLD_TOLD) !== 0)) return;
    this.flags ^= flag.HOLD_TOLD;
    if ((this.flags & flag.TRANSPORT_CLOSED) === 0) this.handler.onReading(!held);
  }

  /** `owned`: the chunk is ours, what is left of it needs no copy. */
  private parse(chunk: Buffer, start: number, end: number, owned: boolean): void {
    const parser = this.parser ?? this.takeParser();
    this.parser = parser;
    this.receiver?.beginTurn();
    this.flags |= flag.PARSING;
    try {
      parser.parse(chunk, start, end, owned);
    } finally {
      this.flags &= ~flag.PARSING;
      if (parser.position < end && !this.deaf) {
        const rest = chunk.subarray(parser.position, end);
        this.keep(owned ? rest : Buffer.from(rest), true);
      }
      if (parser.idle) {
        this.parser = null;
        this.settings.giveParser(parser);
      }
    }
    if (this.backlog !== null) this.parseBacklog();
  }

  private takeParser(): FrameParser {
    const inParts = this.settings.stream || (this.flags & flag.IN_PARTS) !== 0;
    return this.settings.takeParser(this, this.deflate !== null, inParts);
  }

  /** Keeps owned bytes, before (`front`) or behind what is kept already. */
  private keep(bytes: Buffer, front: boolean): void {
    const extras = this.extra();
    const { backlog } = extras;
    if (backlog === null) extras.backlog = bytes;
    else extras.backlog = Buffer.concat(front ? [bytes, backlog] : [backlog, bytes]);
  }

  private get backlog(): Buffer | null {
    return this.extras === null ? null : this.extras.backlog;
  }

  private dropBacklog(): void {
    if (this.extras !== null) this.extras.backlog = null;
  }

  private parseBacklog(): void {
    while ((this.flags & (flag.HELD | flag.PARSING)) === 0 && !this.deaf) {
      const { backlog } = this;
      if (backlog === null) break;
      this.dropBacklog();
      this.parse(backlog, 0, backlog.length, true);
    }
    this.settleEnd();
  }

  /** The end comes after all data: not while bytes are kept. */
  private settleEnd(): void {
    if ((this.flags & flag.END_SEEN) === 0 || (this.flags & flag.CLOSED_TOLD) !== 0) return;
    if (
      !this.deaf &&
      (this.backlog !== null || (this.flags & (flag.INFLATING | flag.PARSING)) !== 0)
    )
      return;
    const closing = this.noteClosing("remote");
    this.step("end");
    this.stopReading();
    if ((this.flags & flag.TRANSPORT_CLOSED) === 0) {
      this.shutdown();
      return;
    }
    this.flags |= flag.CLOSED_TOLD;
    this.handler.onClosed(closing.toInfo());
  }

  private deliverable(): boolean {
    this.deadlines?.message(this.now);
    const ending = flag.CLOSE_QUEUED | flag.MUTE;
    if (this.currentState === "open" && (this.flags & ending) === 0) return true;
    return !this.deaf && (this.flags & flag.MUTE) === 0 && this.settings.deliverWhileClosing;
  }

  private countControl(): boolean {
    const extras = this.extra();
    if (this.now - extras.controlsSince >= CONTROL_WINDOW_MS) {
      extras.controlsSince = this.now;
      extras.controls = 0;
    }
    if (++extras.controls <= this.settings.limits.maxControlFramesPerSecond) return true;
    this.fail(CLOSE_POLICY_VIOLATION, "too many control frames in a second");
    return false;
  }

  private makeReceiver(): MessageReceiver {
    if (this.receiver === null) {
      this.receiver = new MessageReceiver(this.settings, this.deflate, this);
    }
    return this.receiver;
  }
}
