// What the addon has for looking at TCP connections with something pending; implemented in
// native/binding/samples_binding.cc. Types and the places of fields only.

export interface SamplesBinding {
  /**
   * Looks at many connections in one crossing. `count`, or a negative errno (EINVAL: an array is
   * too short).
   *
   * @param names slot and generation of each
   * @param count how many of them
   * @param samples SAMPLE_FIELD_COUNT values for each, by the SAMPLE_* indices
   */
  sampleTcp(names: Int32Array, count: number, samples: Float64Array): number;

  /**
   * Bytes in the kernel's send buffer that the peer has not acknowledged, sent or not, a FIN
   * counted as one: SIOCOUTQ (tcp(7)), on macOS SO_NWRITE. Or a negative errno.
   */
  unacknowledgedBytes(slot: number, generation: number): number;
}

// In the order of kTcpSampleFields (native/socket/tcp_info.h); NaN is what this system lacks.
/** The kernel's number of the state, or a negative errno where it could not be asked (EBADF). */
export const SAMPLE_STATE = 0;
/** Segments sent and not acknowledged. Linux. */
export const SAMPLE_UNACKNOWLEDGED_SEGMENTS = 1;
/** Bytes in the send buffer that were never sent. Linux. */
export const SAMPLE_UNSENT_BYTES = 2;
/** Bytes in the send buffer, sent or not. macOS. */
export const SAMPLE_SEND_BUFFER_BYTES = 3;
/** Keepalive or window probes without an answer. Linux. */
export const SAMPLE_PROBES = 4;
/** Bytes acknowledged, SYN and FIN counted as one each. Linux. */
export const SAMPLE_BYTES_ACKNOWLEDGED = 5;
/** The window that the peer announced. macOS, Linux 5.4. */
export const SAMPLE_SEND_WINDOW_BYTES = 6;
/** Time since data was last received. Linux. */
export const SAMPLE_SINCE_DATA_RECEIVED_MS = 7;
/** Time since the last acknowledgement. Linux. */
export const SAMPLE_SINCE_ACKNOWLEDGMENT_MS = 8;

export const SAMPLE_FIELD_COUNT = 9;
/** Words of one name: slot and generation. */
export const SAMPLE_NAME_WORDS = 2;
