// What the protocol's tests share: raw frames made by hand, a handler that writes down what it is
// told, and two protocol objects that talk in memory. No test lives here.

import { createHash } from "node:crypto";
import type {
  AbortReason,
  CloseInfo,
  ProtocolHandler,
} from "../../../lib/websocket/protocol/index.ts";
import {
  type DeflateParameters,
  MemoryOutput,
  type ProtocolOptions,
  ProtocolSettings,
  WebSocketProtocol,
} from "../../../lib/websocket/protocol/index.ts";

export interface RawFrame {
  fin?: boolean;
  rsv?: number;
  opcode: number;
  payload?: Uint8Array | string;
  /** Masked with this key; unmasked where absent. */
  mask?: readonly number[];
  /** Declared length, where it is not the payload's. */
  length?: number | bigint;
  /** Form of the length field, where it is not the shortest. */
  form?: 7 | 16 | 64;
}

export const KEY = [0x37, 0xfa, 0x21, 0x3d] as const;

/** A frame, byte for byte as RFC 6455 section 5.2 draws it, right or wrong. */
export function rawFrame(frame: RawFrame): Buffer {
  const payload = Buffer.from((frame.payload ?? "") as string);
  const length = frame.length ?? payload.length;
  const form = frame.form ?? (length < 126 ? 7 : length <= 0xffff ? 16 : 64);
  const header = [((frame.fin ?? true) ? 0x80 : 0) | ((frame.rsv ?? 0) << 4) | frame.opcode];
  const bit = frame.mask === undefined ? 0 : 0x80;
  if (form === 7) header.push(bit | Number(length));
  else header.push(bit | (form === 16 ? 126 : 127));
  const extended = Buffer.alloc(form === 7 ? 0 : form === 16 ? 2 : 8);
  if (form === 16) extended.writeUInt16BE(Number(length));
  if (form === 64) extended.writeBigUInt64BE(BigInt(length));
  const { mask } = frame;
  const body = Buffer.from(payload.map((byte, at) => byte ^ (mask?.[at & 3] ?? 0)));
  return Buffer.concat([Buffer.from(header), extended, Buffer.from(mask ?? []), body]);
}

/** A frame as the peer of the given role sends it. */
export function peerFrame(role: "server" | "client", frame: RawFrame): Buffer {
  return rawFrame(role === "server" ? { mask: KEY, ...frame } : frame);
}

export type Told = readonly [name: string, ...values: unknown[]];

/** Writes down every call. Bytes are copied, for they may be lent. */
export class Recorder implements ProtocolHandler {
  readonly told: Told[] = [];
  /** Called with each entry, for tests that act inside a callback. */
  react: ((entry: Told) => void) | null = null;

  onMessage(message: string | Buffer): void {
    this.note("message", typeof message === "string" ? message : Buffer.from(message));
  }
  onPart(data: string | Buffer, first: boolean, last: boolean): void {
    this.note("part", typeof data === "string" ? data : Buffer.from(data), first, last);
  }
  onPing(payload: Buffer): void {
    this.note("ping", payload.toString("latin1"));
  }
  onPong(payload: Buffer): void {
    this.note("pong", payload.toString("latin1"));
  }
  onClosing(code: number, reason: string): void {
    this.note("closing", code, reason);
  }
  onReading(wanted: boolean): void {
    this.note("reading", wanted);
  }
  onQueueEmpty(): void {
    this.note("queueEmpty");
  }
  onShutdown(): void {
    this.note("shutdown");
  }
  onAbort(reason: AbortReason): void {
    this.note("abort", reason);
  }
  onClosed(info: CloseInfo): void {
    this.note("closed", info);
  }

  named(name: string): Told[] {
    return this.told.filter((entry) => entry[0] === name);
  }

  get messages(): unknown[] {
    return this.named("message").map((entry) => entry[1]);
  }

  get closed(): CloseInfo | undefined {
    return this.named("closed")[0]?.[1] as CloseInfo | undefined;
  }

  /** Resolves at the first entry for which `wanted` holds, past or future. */
  async until(wanted: (entry: Told) => boolean): Promise<Told> {
    const past = this.told.find(wanted);
    if (past !== undefined) return past;
    return new Promise((resolve) => {
      this.waiters.push((entry) => {
        if (!wanted(entry)) return false;
        resolve(entry);
        return true;
      });
    });
  }

  private waiters: ((entry: Told) => boolean)[] = [];

  private note(...entry: Told): void {
    this.told.push(entry);
    this.waiters = this.waiters.filter((waiter) => !waiter(entry));
    this.react?.(entry);
  }
}

export interface Side {
  readonly protocol: WebSocketProtocol;
  readonly output: MemoryOutput;
  readonly handler: Recorder;
}

export const FULL_DEFLATE: DeflateParameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

export function makeSide(
  options: ProtocolOptions,
  deflate: DeflateParameters | null = null,
  now = 0,
): Side {
  const output = new MemoryOutput();
  const handler = new Recorder();
  const settings = new ProtocolSettings(options);
  const protocol = new WebSocketProtocol(settings, output, handler, deflate, now);
  return { protocol, output, handler };
}

/** Feeds bytes in one copy: the parser unmasks in place. */
export function feed(side: Side, bytes: Uint8Array, now = 0): void {
  const copy = Buffer.from(bytes);
  side.protocol.receive(copy, 0, copy.length, now);
}

/** The same, cut before each of the given indices. */
export function feedCut(side: Side, bytes: Uint8Array, cuts: readonly number[], now = 0): void {
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    feed(side, bytes.subarray(from, to), now);
    from = to;
  }
}

/** Carries what each side wrote to the other until both are silent. */
export function exchange(left: Side, right: Side, now = 0): void {
  for (;;) {
    const fromLeft = left.output.take();
    const fromRight = right.output.take();
    if (fromLeft.length === 0 && fromRight.length === 0) return;
    if (fromLeft.length > 0) feed(right, fromLeft, now);
    if (fromRight.length > 0) feed(left, fromRight, now);
  }
}

/** The code in a Close frame at the end of what a side wrote; undefined for none. */
export function sentClose(side: Side): number | undefined {
  const frames = parseFrames(side.output.take());
  const close = frames.find((frame) => frame.opcode === 8);
  if (close === undefined) return undefined;
  return close.payload.length === 0 ? 1005 : close.payload.readUInt16BE(0);
}

export interface ParsedFrame {
  fin: boolean;
  rsv: number;
  opcode: number;
  masked: boolean;
  payload: Buffer;
}

/** An independent, plain reader of whole frames. */
export function parseFrames(bytes: Buffer): ParsedFrame[] {
  const frames: ParsedFrame[] = [];
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at] as number;
    const second = bytes[at + 1] as number;
    at += 2;
    let length = second & 0x7f;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    const masked = (second & 0x80) !== 0;
    const key = masked ? bytes.subarray(at, at + 4) : null;
    if (masked) at += 4;
    const body = bytes.subarray(at, at + length);
    const payload = Buffer.from(body.map((byte, index) => byte ^ (key?.[index & 3] ?? 0)));
    at += length;
    frames.push({ fin: first > 127, rsv: (first >> 4) & 7, opcode: first & 15, masked, payload });
  }
  return frames;
}

/** What large messages are compared by: type, length and hash. */
export function digests(messages: readonly unknown[]): string[] {
  return messages.map((message) => {
    const bytes = Buffer.from(message as string);
    const hash = createHash("sha1").update(bytes).digest("hex");
    return `${typeof message} ${bytes.length} ${hash}`;
  });
}

/** The payload of a Close frame, any code. */
export function closePayload(code: number, reason = ""): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
}
