// What is known of a flow when it is over. Not here: when that is (flow.ts).

import type { TransferReport } from "../types.ts";

/** Nobody acknowledges datagrams, so most of a connection's numbers are not known of a flow. */
export function transferOf(
  durationMs: number,
  bytesRead: number,
  bytesHandedOver: number,
): TransferReport {
  return Object.freeze({
    durationMs,
    bytesRead,
    bytesHandedOver,
    bytesAcknowledged: null,
    segmentsSent: null,
    segmentsReceived: null,
    segmentsRetransmitted: null,
    bytesRetransmitted: null,
    roundTripTimeMs: null,
    roundTripTimeVarianceMs: null,
    minRoundTripTimeMs: null,
  });
}
