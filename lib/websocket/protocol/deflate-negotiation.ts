// What both sides agree on for permessage-deflate (RFC 7692 sections 5 and 7.1). Values in, values
// out: the compression itself is in deflate.ts.

import {
  rejectUnknownKeys,
  requireBoolean,
  requireInteger,
  requireObject,
} from "../../errors/arguments.ts";
import type { Extension } from "./header-values.ts";
import { DEFLATE_HISTORY_BYTES, DEFLATE_THRESHOLD_BYTES } from "./limits.ts";

export const PERMESSAGE_DEFLATE = "permessage-deflate";

/** Windows are 2^8 to 2^15 bytes (section 7.1.2). */
export const MIN_WINDOW_BITS = 8;
export const MAX_WINDOW_BITS = 15;

/** What one side is willing to do; sizes in bytes. */
export interface DeflateSettings {
  /** The server compresses each message on its own. Default false: as the peer wishes. */
  readonly serverNoContextTakeover: boolean;
  /** The client compresses each message on its own. Default false: as the peer wishes. */
  readonly clientNoContextTakeover: boolean;
  /** Bound of the server's window, 8 to 15. Default 15. */
  readonly serverMaxWindowBits: number;
  /** Bound of the client's window, 8 to 15. Default 15. */
  readonly clientMaxWindowBits: number;
  /** Payloads below this many bytes go uncompressed. Default 1,024. */
  readonly threshold: number;
  /** zlib's level, 0 to 9. Default 6. */
  readonly level: number;
  /** zlib's memory level, 1 to 9. Default 8. Short messages use less by themselves. */
  readonly memLevel: number;
  /** Bytes of earlier messages that the compressor refers to. Default 4,096, at most 32,768. */
  readonly historyBytes: number;
}

export const DEFAULT_DEFLATE: DeflateSettings = Object.freeze({
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: MAX_WINDOW_BITS,
  clientMaxWindowBits: MAX_WINDOW_BITS,
  threshold: DEFLATE_THRESHOLD_BYTES,
  level: 6,
  memLevel: 8,
  historyBytes: DEFLATE_HISTORY_BYTES,
});

const SETTING_NAMES = new Set(Object.keys(DEFAULT_DEFLATE));

/** Fills in defaults; TypeError or RangeError for a wrong or unknown setting. */
export function resolveDeflate(settings: Partial<DeflateSettings> = {}): DeflateSettings {
  rejectUnknownKeys(requireObject(settings, "deflate"), SETTING_NAMES, "deflate");
  const resolved = { ...DEFAULT_DEFLATE };
  for (const name of Object.keys(DEFAULT_DEFLATE) as (keyof DeflateSettings)[]) {
    if (settings[name] !== undefined) Object.assign(resolved, { [name]: settings[name] });
  }
  requireBoolean(resolved.serverNoContextTakeover, "serverNoContextTakeover");
  requireBoolean(resolved.clientNoContextTakeover, "clientNoContextTakeover");
  requireInteger(resolved.serverMaxWindowBits, "serverMaxWindowBits", 8, 15);
  requireInteger(resolved.clientMaxWindowBits, "clientMaxWindowBits", 8, 15);
  requireInteger(resolved.threshold, "threshold", 0, Number.MAX_SAFE_INTEGER);
  requireInteger(resolved.level, "level", 0, 9);
  requireInteger(resolved.memLevel, "memLevel", 1, 9);
  requireInteger(resolved.historyBytes, "historyBytes", 0, 32_768);
  return Object.freeze(resolved);
}

/** What was agreed on. */
export interface DeflateParameters {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
}

/** The parameters of one offer or answer as they stand; undefined where absent. */
interface RawParameters {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number | undefined;
  /** `true`: the parameter stands without a value, which only an offer may have. */
  clientMaxWindowBits: number | true | undefined;
}

const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/** Null for an unknown or doubled parameter or a bad value (section 7.1). */
function readParameters(extension: Extension): RawParameters | null {
  const raw: RawParameters = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: undefined,
  };
  const seen = new Set<string>();
  for (const [name, value] of extension.parameters) {
    if (seen.has(name)) return null;
    seen.add(name);
    if (value !== true && !WINDOW_BITS.test(value)) return null;
    const bits = value === true ? undefined : Number(value);
    if (name === "server_no_context_takeover" && value === true) raw.serverNoContextTakeover = true;
    else if (name === "client_no_context_takeover" && value === true) {
      raw.clientNoContextTakeover = true;
    } else if (name === "server_max_window_bits" && bits !== undefined) {
      raw.serverMaxWindowBits = bits;
    } else if (name === "client_max_window_bits") raw.clientMaxWindowBits = bits ?? true;
    else return null;
  }
  return raw;
}

/**
 * The server's choice: the first offer that it can keep, or null (section 5.1). `answer` is what
 * goes into Sec-WebSocket-Extensions.
 */
export function acceptDeflate(
  offers: readonly Extension[],
  settings: DeflateSettings,
): { parameters: DeflateParameters; answer: string } | null {
  for (const offer of offers) {
    if (offer.name !== PERMESSAGE_DEFLATE) continue;
    const raw = readParameters(offer);
    if (raw === null) continue;
    const limitsClient = settings.clientMaxWindowBits < MAX_WINDOW_BITS;
    // Without the parameter in the offer a client cannot be limited (section 7.1.2.2).
    if (raw.clientMaxWindowBits === undefined && limitsClient) continue;
    const offeredClient =
      typeof raw.clientMaxWindowBits === "number" ? raw.clientMaxWindowBits : 15;
    const parameters: DeflateParameters = {
      serverNoContextTakeover: raw.serverNoContextTakeover || settings.serverNoContextTakeover,
      clientNoContextTakeover: raw.clientNoContextTakeover || settings.clientNoContextTakeover,
      serverMaxWindowBits: Math.min(raw.serverMaxWindowBits ?? 15, settings.serverMaxWindowBits),
      clientMaxWindowBits: Math.min(offeredClient, settings.clientMaxWindowBits),
    };
    let answer = PERMESSAGE_DEFLATE;
    if (parameters.serverNoContextTakeover) answer += "; server_no_context_takeover";
    if (parameters.clientNoContextTakeover) answer += "; client_no_context_takeover";
    if (raw.serverMaxWindowBits !== undefined || parameters.serverMaxWindowBits < 15) {
      answer += `; server_max_window_bits=${parameters.serverMaxWindowBits}`;
    }
    if (raw.clientMaxWindowBits !== undefined && parameters.clientMaxWindowBits < 15) {
      answer += `; client_max_window_bits=${parameters.clientMaxWindowBits}`;
    }
    return { parameters, answer };
  }
  return null;
}

/**
 * The client's one offer as a header value. A server that cannot keep it declines, and the
 * connection goes uncompressed.
 */
export function offerDeflate(settings: DeflateSettings): string {
  let offer = PERMESSAGE_DEFLATE;
  if (settings.serverNoContextTakeover) offer += "; server_no_context_takeover";
  if (settings.clientNoContextTakeover) offer += "; client_no_context_takeover";
  if (settings.serverMaxWindowBits < 15) {
    offer += `; server_max_window_bits=${settings.serverMaxWindowBits}`;
  }
  const limited = settings.clientMaxWindowBits < 15;
  offer += `; client_max_window_bits${limited ? `=${settings.clientMaxWindowBits}` : ""}`;
  return offer;
}

/** The client's verdict on an answer; null means that the connection must fail (section 7.1). */
export function checkDeflateAnswer(
  answer: Extension,
  settings: DeflateSettings,
): DeflateParameters | null {
  const raw = readParameters(answer);
  if (raw === null || raw.clientMaxWindowBits === true) return null;
  if (settings.serverNoContextTakeover && !raw.serverNoContextTakeover) return null;
  const serverBits = raw.serverMaxWindowBits ?? MAX_WINDOW_BITS;
  if (serverBits > settings.serverMaxWindowBits) return null;
  const clientBits = raw.clientMaxWindowBits ?? settings.clientMaxWindowBits;
  if (clientBits > settings.clientMaxWindowBits) return null;
  return {
    serverNoContextTakeover: raw.serverNoContextTakeover,
    clientNoContextTakeover: raw.clientNoContextTakeover || settings.clientNoContextTakeover,
    serverMaxWindowBits: serverBits,
    clientMaxWindowBits: clientBits,
  };
}
