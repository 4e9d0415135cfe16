// How a connection came to its end, noted as it happens. No decisions here.

import { CLOSE_ABNORMAL } from "./close-codes.ts";
import type { CloseInfo } from "./handler.ts";

/** Begins with the first Close, failure or end of the transport, whichever comes first. */
export class Closing {
  /** The peer's code, 1006 until its Close has come. */
  code = CLOSE_ABNORMAL;
  reason = "";
  sentCode: number | undefined = undefined;
  /** The payload of our Close, while it waits to be written. */
  queued: Buffer | null = null;
  failure: CloseInfo["failure"] = null;
  /** Both Closes were exchanged while the transport stood. */
  clean = false;
  private readonly initiator: "local" | "remote";

  constructor(initiator: "local" | "remote") {
    this.initiator = initiator;
  }

  toInfo(): CloseInfo {
    const { clean, code, failure, initiator, reason, sentCode } = this;
    return { code, reason, wasClean: clean && failure === null, initiator, sentCode, failure };
  }
}
