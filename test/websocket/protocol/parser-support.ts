// A frame parser with a sink that writes events down as plain values. No test lives here.

import { expect } from "vitest";
import { FrameParser } from "../../../lib/websocket/protocol/frame-parser.ts";
import type { FrameSink } from "../../../lib/websocket/protocol/frame-sink.ts";
import { DEFAULT_LIMITS, type Limits } from "../../../lib/websocket/protocol/limits.ts";
import { unmask } from "../../../lib/websocket/protocol/mask.ts";

export const ROLES = ["server", "client"] as const;
export type Role = (typeof ROLES)[number];

export class Sink implements FrameSink {
  readonly events: unknown[][] = [];
  onText(text: string): void {
    this.events.push(["text", text]);
  }
  onBinary(bytes: Buffer): void {
    this.events.push(["binary", Buffer.from(bytes).toString("hex")]);
  }
  onCompressed(bytes: Buffer, isText: boolean): void {
    this.events.push(["compressed", Buffer.from(bytes).toString("hex"), isText]);
  }
  onPart(bytes: Buffer, isText: boolean, compressed: boolean, first: boolean, last: boolean): void {
    this.events.push(["part", bytes.toString("hex"), isText, compressed, first, last]);
  }
  onPing(payload: Buffer): void {
    this.events.push(["ping", payload.toString("hex")]);
  }
  onPong(payload: Buffer): void {
    this.events.push(["pong", payload.toString("hex")]);
  }
  onClose(code: number, reason: string): void {
    this.events.push(["close", code, reason]);
  }
  onViolation(code: number): void {
    this.events.push(["violation", code]);
  }
}

export interface ParserOptions {
  lend?: boolean;
  stream?: boolean;
  compression?: boolean;
  limits?: Partial<Limits>;
}

export function makeParser(
  role: Role,
  options: ParserOptions = {},
): { parser: FrameParser; sink: Sink } {
  const { lend = false, stream = false, compression = false } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const sink = new Sink();
  const parser = new FrameParser({ role, lend, limits, unmask });
  parser.begin(sink, compression, stream);
  return { parser, sink };
}

/** The events of the bytes, cut before the given indices. */
export function parse(
  role: Role,
  bytes: Buffer,
  options: ParserOptions = {},
  cuts: number[] = [],
): unknown[][] {
  const { parser, sink } = makeParser(role, options);
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    const copy = Buffer.from(bytes.subarray(from, to));
    parser.parse(copy, 0, copy.length);
    expect(parser.position).toBe(copy.length);
    from = to;
  }
  return sink.events;
}
