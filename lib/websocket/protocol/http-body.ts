// The body of a refused upgrade (B43): by length, chunked, or up to the end (RFC 9112 section 6
// and 7). Bounded; strict where parsers disagree. Nothing of WebSocket.

import { countHeader, joinHeaders } from "./http-head.ts";
import { MAX_CHUNK_LINE_BYTES, MAX_REFUSAL_BODY_BYTES, MAX_TRAILER_COUNT } from "./limits.ts";

/** How the end of a body is known; null where the head contradicts itself. */
export type Framing =
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "end" };

/** RFC 9112 section 6.3. Doubled or contradicting fields are refused (section 6.1). */
export function framingOf(status: number, rawHeaders: readonly string[]): Framing | null {
  const headers = joinHeaders(rawHeaders);
  const coding = headers["transfer-encoding"];
  const length = headers["content-length"];
  if (status < 200 || status === 204 || status === 304) return { kind: "length", bytes: 0 };
  if (coding !== undefined) {
    if (length !== undefined || coding.toLowerCase() !== "chunked") return null;
    return { kind: "chunked" };
  }
  if (length === undefined) return { kind: "end" };
  const single = countHeader(rawHeaders, "content-length") === 1;
  if (!single || !/^[0-9]{1,15}$/.test(length)) return null;
  return { kind: "length", bytes: Number(length) };
}

type Phase = "data" | "size" | "dataEnd" | "trailer" | "done";

const CR = 0x0d;
const LF = 0x0a;

export class BodyReader {
  /** The body is complete, or as much of it as is kept. */
  done = false;
  /** The framing is broken; what came before stays readable. */
  broken = false;
  /** More would have come: the bound or the transport's end cut it. */
  truncated = false;
  private readonly framing: Framing;
  private readonly pieces: Buffer[] = [];
  private size = 0;
  private phase: Phase;
  private remaining: number;
  private line = "";
  private trailers = 0;

  constructor(framing: Framing) {
    this.framing = framing;
    this.phase = framing.kind === "chunked" ? "size" : "data";
    this.remaining = framing.kind === "length" ? framing.bytes : Number.POSITIVE_INFINITY;
    if (this.remaining === 0) this.done = true;
  }

  get body(): Buffer {
    return Buffer.concat(this.pieces, this.size);
  }

  push(chunk: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end && !this.done) {
      if (this.phase === "data") at = this.takeData(chunk, at, end);
      else this.takeLineByte(chunk[at++] as number);
    }
  }

  /** The transport has ended. */
  end(): void {
    if (!this.done && this.framing.kind !== "end") this.truncated = true;
    this.done = true;
  }

  private takeData(chunk: Buffer, at: number, end: number): number {
    const to = Math.min(end, at + this.remaining);
    const kept = Math.min(to, at + MAX_REFUSAL_BODY_BYTES - this.size);
    if (kept > at) this.pieces.push(Buffer.from(chunk.subarray(at, kept)));
    this.size += kept - at;
    if (kept < to) {
      this.truncated = this.done = true;
      return to;
    }
    this.remaining -= to - at;
    if (this.remaining === 0) {
      if (this.framing.kind === "chunked") this.phase = "dataEnd";
      else this.done = true;
    }
    return to;
  }

  private takeLineByte(byte: number): void {
    if (byte !== LF) {
      const afterCr = this.line.endsWith("\r");
      const bad = afterCr || (byte < 0x20 && byte !== CR && byte !== 0x09);
      if (bad || this.line.length === MAX_CHUNK_LINE_BYTES) this.fail();
      else this.line += String.fromCharCode(byte);
      return;
    }
    if (!this.line.endsWith("\r")) {
      this.fail();
      return;
    }
    const line = this.line.slice(0, -1);
    this.line = "";
    this.endLine(line);
  }

  private endLine(line: string): void {
    if (this.phase === "dataEnd") {
      if (line === "") this.phase = "size";
      else this.fail();
    } else if (this.phase === "trailer") {
      if (line === "") this.done = true;
      else if (++this.trailers > MAX_TRAILER_COUNT) this.fail();
    } else {
      const match = /^([0-9A-Fa-f]{1,8})(?:[ \t]*;.*)?$/.exec(line);
      if (match === null) {
        this.fail();
        return;
      }
      this.remaining = Number.parseInt(match[1] as string, 16);
      this.phase = this.remaining === 0 ? "trailer" : "data";
    }
  }

  private fail(): void {
    this.broken = this.truncated = this.done = true;
  }
}
