// What all connections of one listener or client have in common, resolved and checked once: a
// connection holds one reference to it. Also the spare parser that idle connections share.

import {
  invalidArgType,
  invalidArgValue,
  requireBoolean,
  requireObject,
} from "../../errors/arguments.ts";
import { resolveTimeouts, type TimeoutSettings } from "./deadlines.ts";
import { type DeflateSettings, resolveDeflate } from "./deflate-negotiation.ts";
import { FrameParser } from "./frame-parser.ts";
import type { FrameParserSettings, FrameSink } from "./frame-sink.ts";
import type { FrameWriterSettings } from "./frame-writer.ts";
import { type Limits, resolveLimits } from "./limits.ts";
import { type MaskSource, sharedMasks, type Unmask, unmask } from "./mask.ts";

export interface ProtocolOptions {
  readonly role: "server" | "client";
  /** Bounds; every default is finite. */
  readonly limits?: Partial<Limits>;
  /** Durations in milliseconds. */
  readonly timeouts?: Partial<TimeoutSettings>;
  /** permessage-deflate: `true` for the defaults; default false. */
  readonly deflate?: boolean | Partial<DeflateSettings>;
  /** Binary messages may be views into the received chunk, valid in onMessage. Default false. */
  readonly lend?: boolean;
  /** Messages are given by onPart as they arrive, never whole, from the start. Default false. */
  readonly stream?: boolean;
  /** Pings are answered (RFC 6455 section 5.5.2). Default true. */
  readonly autoPong?: boolean;
  /** Messages that arrive after our Close, before the peer's, are delivered. Default false. */
  readonly deliverWhileClosing?: boolean;
  /** Masking of long payloads; default in TypeScript. */
  readonly unmask?: Unmask;
  /** Masking keys; default the system's generator. */
  readonly masks?: MaskSource;
}

export class ProtocolSettings implements FrameParserSettings, FrameWriterSettings {
  readonly role: "server" | "client";
  readonly limits: Limits;
  readonly timeouts: TimeoutSettings;
  readonly deflate: DeflateSettings | null;
  readonly lend: boolean;
  readonly stream: boolean;
  readonly autoPong: boolean;
  readonly deliverWhileClosing: boolean;
  readonly unmask: Unmask;
  readonly masks: MaskSource | null;
  /** Whether connections need their clock from the start. */
  readonly watchesTime: boolean;
  private spare: FrameParser | null = null;

  /** Throws TypeError or RangeError (ERR_INVALID_ARG_*) for wrong options. */
  constructor(options: ProtocolOptions) {
    requireObject(options, "options");
    if (options.role !== "server" && options.role !== "client") {
      throw invalidArgValue("role", 'must be "server" or "client"', options.role);
    }
    const { deflate, lend = false, stream = false } = options;
    const { autoPong = true, deliverWhileClosing = false } = options;
    for (const [name, value] of Object.entries({ lend, stream, autoPong, deliverWhileClosing })) {
      requireBoolean(value, name);
    }
    if (options.unmask !== undefined && typeof options.unmask !== "function") {
      throw invalidArgType("unmask", "a function", options.unmask);
    }
    this.role = options.role;
    this.limits = resolveLimits(options.limits);
    this.timeouts = resolveTimeouts(options.timeouts);
    this.deflate = resolveSwitch(deflate);
    this.lend = lend;
    this.stream = stream;
    this.autoPong = autoPong;
    this.deliverWhileClosing = deliverWhileClosing;
    this.unmask = options.unmask ?? unmask;
    this.masks = options.role === "client" ? (options.masks ?? sharedMasks) : null;
    this.watchesTime = this.timeouts.heartbeatInterval > 0 || this.timeouts.idleTimeout > 0;
  }

  /** A parser at a frame's boundary. */
  takeParser(sink: FrameSink, compression: boolean, inParts: boolean): FrameParser {
    const parser = this.spare ?? new FrameParser(this);
    this.spare = null;
    parser.begin(sink, compression, inParts);
    return parser;
  }

  /** Gives back one that is idle and not stopped. */
  giveParser(parser: FrameParser): void {
    parser.begin(null, false, false);
    this.spare = parser;
  }
}

function resolveSwitch(deflate: ProtocolOptions["deflate"]): DeflateSettings | null {
  if (deflate === undefined || deflate === false) return null;
  return resolveDeflate(deflate === true ? {} : deflate);
}
