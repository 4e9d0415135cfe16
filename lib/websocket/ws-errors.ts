// Errors as the `ws` package words them: programs compare their messages and codes.
// Not here: when they are emitted (ws-socket.ts).

import { HawserError } from "../errors/index.ts";
import { failureBehind } from "./errors.ts";

const INVALID = "Invalid WebSocket frame: ";

/** By what the protocol says went wrong. */
const BY_MESSAGE: readonly (readonly [RegExp, code: string, message: string])[] = [
  [/^RSV1/, "WS_ERR_UNEXPECTED_RSV_1", "RSV1 must be clear"],
  [/^RSV2 or/, "WS_ERR_UNEXPECTED_RSV_2_3", "RSV2 and RSV3 must be clear"],
  [/^opcode/, "WS_ERR_INVALID_OPCODE", "invalid opcode"],
  [/continuation|inside a fragmented/, "WS_ERR_INVALID_OPCODE", "invalid opcode"],
  [/control frame is fragmented/, "WS_ERR_EXPECTED_FIN", "FIN must be set"],
  [/is not masked/, "WS_ERR_EXPECTED_MASK", "MASK must be set"],
  [/is masked/, "WS_ERR_UNEXPECTED_MASK", "MASK must be clear"],
  [/longer than 125/, "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", "invalid payload length"],
  [/one byte/, "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", "invalid payload length 1"],
  [/close code|status/, "WS_ERR_INVALID_CLOSE_CODE", "invalid status code"],
];

/** An error of this library as one of `ws`'s; others stay as they are. */
export function wsError(error: unknown): Error {
  if (!(error instanceof HawserError)) {
    return error instanceof Error ? error : new Error(String(error));
  }
  const { response } = error;
  if (response !== undefined) {
    return new Error(`Unexpected server response: ${response.status}`, { cause: error });
  }
  if (error.code === "ETIMEDOUT" && error.phase === "upgrade") {
    return new Error("Opening handshake has timed out", { cause: error });
  }
  const failure = failureBehind(error);
  return failure ? frameError(failure, error) : error;
}

function frameError(
  { closeCode, message }: { readonly closeCode: number; readonly message: string },
  cause: Error,
): Error {
  if (closeCode === 1009) {
    const error = new RangeError("Max payload size exceeded", { cause });
    return Object.assign(error, { code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" });
  }
  if (closeCode === 1007) {
    const error = new Error(`${INVALID}invalid UTF-8 sequence`, { cause });
    return Object.assign(error, { code: "WS_ERR_INVALID_UTF8" });
  }
  const known = BY_MESSAGE.find(([pattern]) => pattern.test(message));
  if (known === undefined) return cause;
  return Object.assign(new RangeError(INVALID + known[2], { cause }), { code: known[1] });
}
