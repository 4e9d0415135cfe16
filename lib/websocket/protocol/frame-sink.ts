// What a frame parser needs to know and whom it tells. Types only.

import type { Limits } from "./limits.ts";
import type { Unmask } from "./mask.ts";

/** What the parser calls, in the order of the bytes. Everything is a plain method call. */
export interface FrameSink {
  /** A whole text message. */
  onText(text: string): void;
  /** A whole binary message: owned, or lent until the call returns where that was asked for. */
  onBinary(bytes: Buffer): void;
  /** A whole message with RSV1: `bytes` is still compressed, and lent if `lent` is true. */
  onCompressed(bytes: Buffer, isText: boolean, lent: boolean): void;
  /** A piece of a message, validated and lent. Only where asked for; the last may be empty. */
  onPart(bytes: Buffer, isText: boolean, compressed: boolean, first: boolean, last: boolean): void;
  /** `payload` is owned. */
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  /** A valid Close: 1005 and "" when it was empty. Nothing is parsed after it. */
  onClose(code: number, reason: string): void;
  /** The peer broke a rule; `code` is what to close with. Nothing is parsed after it. */
  onViolation(code: number, message: string): void;
}

export interface FrameParserSettings {
  /** Servers want masked frames, clients unmasked ones (section 5.1). */
  readonly role: "server" | "client";
  readonly limits: Limits;
  /** Binary messages that lie whole in a chunk are views into it. */
  readonly lend: boolean;
  /** For payloads of {@link LONG_MASK_BYTES} and more. */
  readonly unmask: Unmask;
}
