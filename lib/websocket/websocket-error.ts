// The WebSocketError of the WHATWG's proposal (https://github.com/whatwg/websockets/pull/48): how a
// WebSocketStream ended, or is to end. Not here: the stream (websocket-stream.ts).

import { readClose, requireUnsignedShort, toWellFormed } from "./web-arguments.ts";

export interface WebSocketCloseInfo {
  /** 1000, or 3000 to 4999. Without one the Close is empty. */
  readonly closeCode?: number | undefined;
  /** At most 123 bytes of UTF-8. Default `""`; with another one the code is 1000. */
  readonly reason?: string | undefined;
}

let makeUnclean: (message: string, code: number, reason: string) => WebSocketError;

/** A DOMException "WebSocketError" with the code and the reason of a Close. */
export class WebSocketError extends DOMException {
  #closeCode: number | null;
  #reason: string;

  static {
    makeUnclean = (message, code, reason) => {
      const error = new WebSocketError(message);
      error.#closeCode = code;
      error.#reason = reason;
      return error;
    };
  }

  /**
   * To be given to `cancel()` or `abort()` of a WebSocketStream's streams, which then close with
   * this code.
   *
   * @throws DOMException "InvalidAccessError" for a code that is neither 1000 nor 3000 to 4999,
   *   "SyntaxError" for a reason of more than 123 bytes; TypeError for a code that is no number
   */
  constructor(message = "", { closeCode, reason = "" }: WebSocketCloseInfo = {}) {
    super(message, "WebSocketError");
    const number =
      closeCode === undefined ? undefined : requireUnsignedShort(closeCode, "closeCode");
    const close = readClose(number, toWellFormed(String(reason)));
    this.#closeCode = close.code ?? null;
    this.#reason = close.reason;
  }

  /** The code of the Close; 1006 where none came; null where none was given. */
  get closeCode(): number | null {
    return this.#closeCode;
  }

  get reason(): string {
    return this.#reason;
  }
}

/** One that tells how a WebSocket ended, with codes that no Close may have. */
export function uncleanClose(
  message: string,
  code: number,
  reason: string,
  cause: unknown,
): WebSocketError {
  const error = makeUnclean(message, code, reason);
  if (cause !== null) {
    Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
  }
  return error;
}
