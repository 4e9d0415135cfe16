// One look at a connection, from what the addon wrote, in the terms that the rule takes.
// Not here: the rule (liveness.ts), the call (liveness-monitor.ts).

import {
  SAMPLE_BYTES_ACKNOWLEDGED,
  SAMPLE_PROBES,
  SAMPLE_SEND_BUFFER_BYTES,
  SAMPLE_SEND_WINDOW_BYTES,
  SAMPLE_SINCE_ACKNOWLEDGMENT_MS,
  SAMPLE_SINCE_DATA_RECEIVED_MS,
  SAMPLE_STATE,
  SAMPLE_UNACKNOWLEDGED_SEGMENTS,
  SAMPLE_UNSENT_BYTES,
} from "../binding/samples.ts";
import type { LivenessSample } from "./liveness.ts";

export type LivenessSystem = "linux" | "darwin";

// include/net/tcp_states.h of Linux: SYN_SENT, SYN_RECV, CLOSE, LISTEN, NEW_SYN_RECV and a bound
// one.
const LINUX_NOT_OPEN: ReadonlySet<number> = new Set([2, 3, 7, 10, 12, 13]);
// bsd/netinet/tcp_fsm.h of XNU: ESTABLISHED is 4, what comes before it is lower.
const XNU_ESTABLISHED = 4;

/**
 * Reads the sample whose first field is at `at`; undefined where the socket could not be asked.
 *
 * @param handedOver bytes that the kernel has taken so far
 */
export function readSample(
  fields: Float64Array,
  at: number,
  handedOver: number,
  system: LivenessSystem,
): LivenessSample | undefined {
  const field = (index: number) => fields[at + index] as number;
  const state = field(SAMPLE_STATE);
  if (!(state >= 0)) return undefined;
  const windowBytes = field(SAMPLE_SEND_WINDOW_BYTES);
  if (system === "darwin") {
    // What XNU does not tell: how much of the send buffer is on its way, and when it heard what.
    const pendingBytes = field(SAMPLE_SEND_BUFFER_BYTES);
    return {
      isOpen: state >= XNU_ESTABLISHED,
      unacknowledged: windowBytes > 0 ? pendingBytes : 0,
      unsentBytes: pendingBytes,
      probes: Number.NaN,
      acknowledgedBytes: handedOver - pendingBytes,
      windowBytes,
      silentMs: Number.NaN,
    };
  }
  return {
    isOpen: !LINUX_NOT_OPEN.has(state),
    unacknowledged: field(SAMPLE_UNACKNOWLEDGED_SEGMENTS),
    unsentBytes: field(SAMPLE_UNSENT_BYTES),
    probes: field(SAMPLE_PROBES),
    acknowledgedBytes: field(SAMPLE_BYTES_ACKNOWLEDGED),
    windowBytes,
    silentMs: Math.min(field(SAMPLE_SINCE_ACKNOWLEDGMENT_MS), field(SAMPLE_SINCE_DATA_RECEIVED_MS)),
  };
}
