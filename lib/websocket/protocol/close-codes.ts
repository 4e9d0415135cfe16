// Close status codes (RFC 6455 section 7.4, the IANA registry of close codes) and the payload of
// a Close frame. No state: the closing handshake is in protocol.ts.

import {
  invalidArgType,
  invalidArgValue,
  outOfRange,
  requireString,
} from "../../errors/arguments.ts";
import { MAX_CLOSE_REASON_BYTES } from "./limits.ts";

export const CLOSE_NORMAL = 1000;
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_PROTOCOL_ERROR = 1002;
export const CLOSE_UNSUPPORTED_DATA = 1003;
/** A Close frame without a code was received; never on the wire. */
export const CLOSE_NO_STATUS = 1005;
/** No Close frame was received; never on the wire. */
export const CLOSE_ABNORMAL = 1006;
export const CLOSE_INVALID_PAYLOAD = 1007;
export const CLOSE_POLICY_VIOLATION = 1008;
export const CLOSE_MESSAGE_TOO_BIG = 1009;
export const CLOSE_MANDATORY_EXTENSION = 1010;
export const CLOSE_INTERNAL_ERROR = 1011;
export const CLOSE_SERVICE_RESTART = 1012;
export const CLOSE_TRY_AGAIN_LATER = 1013;
export const CLOSE_BAD_GATEWAY = 1014;
/** The TLS handshake failed; never on the wire. */
export const CLOSE_TLS_HANDSHAKE = 1015;

/**
 * Whether a code may stand in a Close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999. The
 * reserved 1004, 1005, 1006 and 1015 and all that nobody has registered may not (section 7.4.2).
 */
export function isWireCloseCode(code: number): boolean {
  return (
    (code >= 1000 && code <= 1003) ||
    (code >= 1007 && code <= 1014) ||
    (code >= 3000 && code <= 4999)
  );
}

/**
 * The payload of a Close frame (section 5.5.1): empty without a code.
 *
 * Throws RangeError (ERR_OUT_OF_RANGE) for a code that may not go on the wire and for a reason
 * above 123 bytes of UTF-8, TypeError for wrong types and for a reason without code.
 */
export function encodeClosePayload(code: number | undefined, reason: string): Buffer {
  requireString(reason, "reason");
  if (code === undefined) {
    if (reason !== "") throw invalidArgValue("reason", "needs a code", reason);
    return Buffer.alloc(0);
  }
  if (typeof code !== "number") throw invalidArgType("code", "of type number", code);
  if (!Number.isInteger(code) || !isWireCloseCode(code)) {
    throw outOfRange("code", "1000 to 1003, 1007 to 1014 or 3000 to 4999", code);
  }
  const reasonBytes = Buffer.byteLength(reason);
  if (reasonBytes > MAX_CLOSE_REASON_BYTES) {
    throw outOfRange("reason", `at most ${MAX_CLOSE_REASON_BYTES} bytes of UTF-8`, reasonBytes);
  }
  const payload = Buffer.allocUnsafe(2 + reasonBytes);
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return payload;
}
