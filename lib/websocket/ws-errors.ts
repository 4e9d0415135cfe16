// Errors as the `ws` package words them: programs compare their messages and codes.
// Not here: when they are emitted (ws-socket.ts).

import { HawserError } from "../errors/index.ts";
import { failureBehind } from "./errors.ts";

const INVALID = "Invalid WebSocket frame: ";

/** By what the protocol says went wrong; $1 is the number that it names. */
const BY_MESSAGE: readonly (readonly [RegExp, code: string, message: string])[] = [
  [/^RSV1/, "WS_ERR_UNEXPECTED_RSV_1", "RSV1 must be clear"],
  [/^RSV2 or/, "WS_ERR_UNEXPECTED_RSV_2_3", "RSV2 and RSV3 must be clear"],
  [/^opcode (\d+)/, "WS_ERR_INVALID_OPCODE", "invalid opcode $1"],
  [/^continuation/, "WS_ERR_INVALID_OPCODE", "invalid opcode 0"],
  [/control frame is fragmented/, "WS_ERR_EXPECTED_FIN", "FIN must be set"],
  [/is not masked/, "WS_ERR_EXPECTED_MASK", "MASK must be set"],
  [/is masked/, "WS_ERR_UNEXPECTED_MASK", "MASK must be clear"],
  [/125 bytes: (\d+)/, "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", "invalid payload length $1"],
  [/one byte/, "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", "invalid payload length 1"],
  [/close code (\d+)/, "WS_ERR_INVALID_CLOSE_CODE", "invalid status code $1"],
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
  for (const [pattern, code, words] of BY_MESSAGE) {
    const match = pattern.exec(message);
    if (match === null) continue;
    const error = new RangeError(INVALID + words.replace("$1", match[1] ?? ""), { cause });
    return Object.assign(error, { code });
  }
  return cause;
}
