// HTTP/1.1 heads (RFC 9112 sections 2 to 5), read as they arrive: strict, because what two parsers
// read differently is how requests are smuggled, and bounded. No knowledge of WebSocket.

import { requireInteger } from "../../errors/arguments.ts";
import { trimOws } from "./header-values.ts";
import { MAX_HEADER_BYTES, MAX_HEADER_COUNT } from "./limits.ts";

/** Why a head was refused; `status` is what a server answers. */
export interface HeadError {
  readonly status: 400 | 431 | 505;
  readonly message: string;
}

export interface HeadLimits {
  /** Bytes of the start line and all fields. Default 16,384. */
  readonly maxHeaderBytes: number;
  /** Field lines. Default 128. */
  readonly maxHeaderCount: number;
}

export const DEFAULT_HEAD_LIMITS: HeadLimits = Object.freeze({
  maxHeaderBytes: MAX_HEADER_BYTES,
  maxHeaderCount: MAX_HEADER_COUNT,
});

/** Fills in the defaults; TypeError or RangeError (ERR_INVALID_ARG_*) for what is no bound. */
export function resolveHeadLimits(limits: Partial<HeadLimits>): HeadLimits {
  const { maxHeaderBytes = MAX_HEADER_BYTES, maxHeaderCount = MAX_HEADER_COUNT } = limits;
  requireInteger(maxHeaderBytes, "maxHeaderBytes", 1, Number.MAX_SAFE_INTEGER);
  requireInteger(maxHeaderCount, "maxHeaderCount", 1, Number.MAX_SAFE_INTEGER);
  return { maxHeaderBytes, maxHeaderCount };
}

/** A head that was read: the start line as it stands, the fields in order. */
export interface Head {
  readonly startLine: string;
  /** Name, value, name, value: names as they were written, values trimmed, latin1. */
  readonly rawHeaders: readonly string[];
}

const CR = 0x0d;
const LF = 0x0a;
const FIRST_BYTES = 1_024;
/** White space around the value is cut by a function: a pattern for it would backtrack. */
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):(.*)$/;

/**
 * Feed it with push() until it gives a head or an error. It keeps what has arrived and nothing
 * more, judges each line when it is complete and each byte when it comes: a head that can no
 * longer be right is refused before it ends.
 */
export class HeadReader {
  head: Head | null = null;
  error: HeadError | null = null;
  private readonly limits: HeadLimits;
  private kept: Buffer = Buffer.alloc(0);
  private length = 0;
  private lineStart = 0;
  private startLine: string | null = null;
  private readonly rawHeaders: string[] = [];

  constructor(limits: HeadLimits = DEFAULT_HEAD_LIMITS) {
    this.limits = limits;
  }

  /** True when bytes of a head have come. */
  get begun(): boolean {
    return this.length > 0;
  }

  /** Takes `chunk[start, end)` and gives the index behind the head's last byte, or `end`. */
  push(chunk: Buffer, start: number, end: number): number {
    if (this.head !== null || this.error !== null) return start;
    const room = this.limits.maxHeaderBytes - this.length;
    const to = Math.min(end, start + room);
    this.keep(chunk, start, to);
    for (let at = start; at < to; at++) {
      const index = this.length++;
      const byte = chunk[at] as number;
      const afterCr = index > this.lineStart && this.kept[index - 1] === CR;
      if (byte === LF) {
        if (!afterCr) return this.refuse("line ends without CR", end);
        if (this.endLine(index - 1)) {
          this.kept = Buffer.alloc(0);
          return at + 1;
        }
        if (this.error !== null) return end;
      } else if (afterCr) {
        return this.refuse("CR without LF", end);
      } else if (isForbidden(byte)) {
        return this.refuse("control character in head", end);
      }
    }
    if (to < end) this.error = { status: 431, message: "head is too large" };
    return end;
  }

  private keep(chunk: Buffer, start: number, end: number): void {
    const needed = this.length + (end - start);
    if (needed > this.kept.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.kept.length * 2, FIRST_BYTES));
      this.kept.copy(grown, 0, 0, this.length);
      this.kept = grown;
    }
    chunk.copy(this.kept, this.length, start, end);
  }

  /** True at the empty line that ends the head. */
  private endLine(end: number): boolean {
    const line = this.kept.toString("latin1", this.lineStart, end);
    this.lineStart = this.length;
    if (this.startLine === null) {
      if (line === "") this.refuse("start line is empty", 0);
      else this.startLine = line;
      return false;
    }
    if (line === "") {
      this.head = { startLine: this.startLine, rawHeaders: this.rawHeaders };
      return true;
    }
    // A line that begins with white space would be a folded one (section 5.2): no match.
    const field = FIELD.exec(line);
    if (field === null) {
      this.refuse("field line is malformed", 0);
    } else if (this.rawHeaders.length === this.limits.maxHeaderCount * 2) {
      this.error = { status: 431, message: "too many fields" };
    } else {
      this.rawHeaders.push(field[1] as string, trimOws(field[2] as string));
    }
    return false;
  }

  private refuse(message: string, end: number): number {
    this.error = { status: 400, message };
    return end;
  }
}

/** Everything below a space but CR, LF and tab, and DEL (RFC 9110 section 5.5). */
function isForbidden(byte: number): boolean {
  return (byte < 0x20 && byte !== 0x09 && byte !== CR) || byte === 0x7f;
}

/** Fields by lower-case name; several of one name are joined by ", " (RFC 9110 section 5.3). */
export type Headers = Readonly<Record<string, string>>;

export function joinHeaders(rawHeaders: readonly string[]): Headers {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    const value = rawHeaders[index + 1] as string;
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}

/** How many field lines have this (lower-case) name. */
export function countHeader(rawHeaders: readonly string[], name: string): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if ((rawHeaders[index] as string).toLowerCase() === name) count++;
  }
  return count;
}

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP\/([0-9])\.([0-9])$/;
const STATUS_LINE = /^HTTP\/1\.([0-9]) ([1-9][0-9][0-9])(?: (.*))?$/;

export interface RequestLine {
  readonly method: string;
  readonly target: string;
}

/** RFC 9112 section 3: single spaces, version 1.1 (or a later 1.x). */
export function parseRequestLine(line: string): RequestLine | HeadError {
  const match = REQUEST_LINE.exec(line);
  if (match === null) return { status: 400, message: "request line is malformed" };
  if (match[3] !== "1" || match[4] === "0") {
    return { status: 505, message: "HTTP/1.1 is needed" };
  }
  return { method: match[1] as string, target: match[2] as string };
}

export interface StatusLine {
  readonly minor: number;
  readonly status: number;
  readonly statusText: string;
}

/** RFC 9112 section 4; null where it is malformed. */
export function parseStatusLine(line: string): StatusLine | null {
  const match = STATUS_LINE.exec(line);
  if (match === null) return null;
  return { minor: Number(match[1]), status: Number(match[2]), statusText: match[3] ?? "" };
}
