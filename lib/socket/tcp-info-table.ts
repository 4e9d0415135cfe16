// Made by scripts/generate-options.ts from native/socket/tcp_info.def; do not edit.
// What TCP_INFO (tcp(7)) and macOS's TCP_CONNECTION_INFO (tcp(4)) tell, and in which order the
// addon writes it.

import type { TcpCongestionState, TcpState } from "./option-values.ts";

/**
 * What the kernel knows of a TCP connection. Units are in the names; counts have none, durations
 * are milliseconds with fraction. Null is what this system, or its version, does not tell.
 */
export interface TcpInfo {
  /** State of the connection (RFC 9293). Linux, macOS. */
  readonly state: TcpState | null;
  /** State of congestion control. Linux. */
  readonly congestionState: TcpCongestionState | null;
  /** Whether timestamps are in use (RFC 7323). Linux, macOS. */
  readonly timestamps: boolean | null;
  /** Whether selective acknowledgements are in use (RFC 2018). Linux, macOS. */
  readonly selectiveAcknowledgments: boolean | null;
  /** Whether windows are scaled (RFC 7323). Linux, macOS. */
  readonly windowScaling: boolean | null;
  /** Whether ECN was agreed upon (RFC 3168). Linux, macOS. */
  readonly ecn: boolean | null;
  /** Whether data in a SYN was acknowledged (TCP Fast Open, RFC 7413). Linux, macOS. */
  readonly synDataAcknowledged: boolean | null;
  /** Whether lost segments are being sent again; on Linux see congestionState. macOS. */
  readonly lossRecovery: boolean | null;
  /** Scale of the peer's window. Linux, macOS. */
  readonly sendWindowScaleBits: number | null;
  /** Scale of our window. Linux, macOS. */
  readonly receiveWindowScaleBits: number | null;
  /** Segments sent and not acknowledged; on a listener, connections to be accepted. Linux. */
  readonly unacknowledgedSegments: number | null;
  /** Of those, segments selectively acknowledged; on a listener, its backlog. Linux. */
  readonly sackedSegments: number | null;
  /** Of those, segments taken for lost. Linux. */
  readonly lostSegments: number | null;
  /** Of those, segments sent again. Linux. */
  readonly retransmittedSegments: number | null;
  /** Bytes in the send buffer that were never sent. Linux. */
  readonly unsentBytes: number | null;
  /** Bytes in the send buffer, sent ones that are not acknowledged included. macOS. */
  readonly sendBufferBytes: number | null;
  /** Window that the peer announced; 0: it takes no more now. Linux 5.4. Linux, macOS. */
  readonly sendWindowBytes: number | null;
  /** Window that we announced. Linux 6.2. Linux, macOS. */
  readonly receiveWindowBytes: number | null;
  /** Retransmission timeouts in a row. Linux. */
  readonly retransmits: number | null;
  /** Keepalive or zero-window probes without an answer. Linux. */
  readonly probes: number | null;
  /** How often the retransmission timeout was doubled. Linux. */
  readonly backoff: number | null;
  /** Time since data was last sent. Linux. */
  readonly sinceDataSentMs: number | null;
  /** Time since data was last received. Meaningless before the connection is open. Linux. */
  readonly sinceDataReceivedMs: number | null;
  /** Time since the last acknowledgement. Meaningless before the connection is open. Linux. */
  readonly sinceAcknowledgmentMs: number | null;
  /** Retransmission timeout (RTO, RFC 6298). Linux, macOS. */
  readonly retransmissionTimeoutMs: number | null;
  /** How long an acknowledgement may be delayed. Linux. */
  readonly delayedAcknowledgmentMs: number | null;
  /** Smoothed round-trip time (SRTT, RFC 6298). Linux, macOS. */
  readonly roundTripTimeMs: number | null;
  /** Mean deviation of the round-trip time (RTTVAR). Linux, macOS. */
  readonly roundTripTimeVarianceMs: number | null;
  /** The last round-trip time measured. macOS. */
  readonly latestRoundTripTimeMs: number | null;
  /** The least round-trip time measured lately. Linux. */
  readonly minRoundTripTimeMs: number | null;
  /** Round-trip time estimated by the receiving side; 0: not yet. Linux. */
  readonly receiveRoundTripTimeMs: number | null;
  /** Time with data to send. Linux. */
  readonly busyMs: number | null;
  /** Of that, time held up by the peer's window. Linux. */
  readonly receiveWindowLimitedMs: number | null;
  /** Of that, time held up by a send buffer that was too small. Linux. */
  readonly sendBufferLimitedMs: number | null;
  /** Largest segment that is sent (MSS). Linux, macOS. */
  readonly sendSegmentBytes: number | null;
  /** Estimate of the segments that the peer sends. Linux. */
  readonly receiveSegmentBytes: number | null;
  /** The MSS that we announced. Linux. */
  readonly advertisedSegmentBytes: number | null;
  /** The known path MTU. Linux. */
  readonly pathMtuBytes: number | null;
  /** Congestion window of Linux, which counts segments. Linux. */
  readonly congestionWindowSegments: number | null;
  /** Congestion window of macOS, which counts bytes. macOS. */
  readonly congestionWindowBytes: number | null;
  /** Slow start threshold of Linux; Infinity: none yet. Linux. */
  readonly slowStartThresholdSegments: number | null;
  /** Slow start threshold of macOS. macOS. */
  readonly slowStartThresholdBytes: number | null;
  /** What our announced window is bounded by (rcv_ssthresh). Linux. */
  readonly receiveThresholdBytes: number | null;
  /** Receive buffer that automatic tuning aims at, per round trip. Linux. */
  readonly receiveSpaceBytes: number | null;
  /** Reordering that is not taken for loss. Linux. */
  readonly reorderingSegments: number | null;
  /** Rate at which segments are paced; Infinity: not paced. Linux. */
  readonly pacingRateBytesPerSecond: number | null;
  /** Its upper bound; Infinity: none. Linux. */
  readonly maxPacingRateBytesPerSecond: number | null;
  /** The last rate at which the peer took data. Linux. */
  readonly deliveryRateBytesPerSecond: number | null;
  /** Whether that rate was bounded by how little there was to send. Linux. */
  readonly deliveryRateAppLimited: boolean | null;
  /** Bytes acknowledged; SYN and FIN count as one each. Linux. */
  readonly bytesAcknowledged: number | null;
  /** Bytes received in order. Linux, macOS. */
  readonly bytesReceived: number | null;
  /** Bytes sent, those sent again included. Linux 4.19. Linux, macOS. */
  readonly bytesSent: number | null;
  /** Bytes sent again. Linux 4.19. Linux, macOS. */
  readonly bytesRetransmitted: number | null;
  /** Bytes received out of order. macOS. */
  readonly bytesOutOfOrder: number | null;
  /** Segments sent. Linux, macOS. */
  readonly segmentsSent: number | null;
  /** Segments received. Linux, macOS. */
  readonly segmentsReceived: number | null;
  /** Segments with data sent. Linux. */
  readonly dataSegmentsSent: number | null;
  /** Segments with data received. Linux. */
  readonly dataSegmentsReceived: number | null;
  /** Segments sent again. Linux, macOS. */
  readonly segmentsRetransmitted: number | null;
  /** Segments that reached the peer. Linux 4.18. Linux. */
  readonly segmentsDelivered: number | null;
  /** Of those, the ones that met congestion (ECN's CE). Linux 4.18. Linux. */
  readonly segmentsDeliveredWithCe: number | null;
  /** Segments received out of order. Linux 5.4. Linux. */
  readonly segmentsOutOfOrder: number | null;
  /** Segments the peer received twice (RFC 2883). Linux 4.19. Linux. */
  readonly duplicateSacks: number | null;
  /** How often the network reordered what we sent. Linux 4.19. Linux. */
  readonly reorderings: number | null;
  /** How often the path was changed after timeouts. Linux 6.2. Linux. */
  readonly rehashes: number | null;
  /** Retransmission timeouts. Linux 6.7. Linux. */
  readonly retransmissionTimeouts: number | null;
  /** Recoveries from them, an unfinished one included. Linux 6.7. Linux. */
  readonly retransmissionRecoveries: number | null;
  /** Time spent in recoveries, an unfinished one included. Linux 6.7. Linux. */
  readonly retransmissionRecoveryMs: number | null;
}

/** Where each field stands in what the addon's `getTcpInfo` writes. */
export const TCP_INFO_INDEX = {
  state: 0,
  congestionState: 1,
  timestamps: 2,
  selectiveAcknowledgments: 3,
  windowScaling: 4,
  ecn: 5,
  synDataAcknowledged: 6,
  lossRecovery: 7,
  sendWindowScaleBits: 8,
  receiveWindowScaleBits: 9,
  unacknowledgedSegments: 10,
  sackedSegments: 11,
  lostSegments: 12,
  retransmittedSegments: 13,
  unsentBytes: 14,
  sendBufferBytes: 15,
  sendWindowBytes: 16,
  receiveWindowBytes: 17,
  retransmits: 18,
  probes: 19,
  backoff: 20,
  sinceDataSentMs: 21,
  sinceDataReceivedMs: 22,
  sinceAcknowledgmentMs: 23,
  retransmissionTimeoutMs: 24,
  delayedAcknowledgmentMs: 25,
  roundTripTimeMs: 26,
  roundTripTimeVarianceMs: 27,
  latestRoundTripTimeMs: 28,
  minRoundTripTimeMs: 29,
  receiveRoundTripTimeMs: 30,
  busyMs: 31,
  receiveWindowLimitedMs: 32,
  sendBufferLimitedMs: 33,
  sendSegmentBytes: 34,
  receiveSegmentBytes: 35,
  advertisedSegmentBytes: 36,
  pathMtuBytes: 37,
  congestionWindowSegments: 38,
  congestionWindowBytes: 39,
  slowStartThresholdSegments: 40,
  slowStartThresholdBytes: 41,
  receiveThresholdBytes: 42,
  receiveSpaceBytes: 43,
  reorderingSegments: 44,
  pacingRateBytesPerSecond: 45,
  maxPacingRateBytesPerSecond: 46,
  deliveryRateBytesPerSecond: 47,
  deliveryRateAppLimited: 48,
  bytesAcknowledged: 49,
  bytesReceived: 50,
  bytesSent: 51,
  bytesRetransmitted: 52,
  bytesOutOfOrder: 53,
  segmentsSent: 54,
  segmentsReceived: 55,
  dataSegmentsSent: 56,
  dataSegmentsReceived: 57,
  segmentsRetransmitted: 58,
  segmentsDelivered: 59,
  segmentsDeliveredWithCe: 60,
  segmentsOutOfOrder: 61,
  duplicateSacks: 62,
  reorderings: 63,
  rehashes: 64,
  retransmissionTimeouts: 65,
  retransmissionRecoveries: 66,
  retransmissionRecoveryMs: 67,
} as const satisfies Readonly<Record<keyof TcpInfo, number>>;

export const TCP_INFO_FIELD_COUNT = 68;

/** The fields that are not numbers. */
export const TCP_INFO_TYPES = {
  state: "state",
  congestionState: "congestion",
  timestamps: "boolean",
  selectiveAcknowledgments: "boolean",
  windowScaling: "boolean",
  ecn: "boolean",
  synDataAcknowledged: "boolean",
  lossRecovery: "boolean",
  deliveryRateAppLimited: "boolean",
} as const satisfies Partial<Record<keyof TcpInfo, "boolean" | "state" | "congestion">>;
