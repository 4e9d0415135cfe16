// What went over a connection: the reports, and how far the bytes of a failed one came.
// Not here: TCP_INFO itself (lib/socket/tcp-info.ts).

import type { ErrorBytes } from "../errors/index.ts";
import { TCP_INFO_INDEX, type TcpInfo, tcpInfoFields, tcpInfoOf } from "../socket/tcp-info.ts";
import type { EstablishmentReport, TransferReport } from "./types.ts";

/** What only the connection knows. */
export interface TransferTotals {
  readonly durationMs: number;
  readonly bytesRead: number;
  readonly bytesHandedOver: number;
}

/** TCP_INFO of a descriptor, or null where there is none: a Unix socket, or one that is closed. */
export function tryTcpInfo(descriptor: number): TcpInfo | null {
  if (descriptor < 0) return null;
  try {
    return tcpInfoOf(descriptor);
  } catch {
    return null;
  }
}

/** What the reports take of TCP_INFO. */
export type TransferCounts = Pick<
  TcpInfo,
  | "bytesAcknowledged"
  | "bytesRetransmitted"
  | "segmentsSent"
  | "segmentsReceived"
  | "segmentsRetransmitted"
  | "roundTripTimeMs"
  | "roundTripTimeVarianceMs"
  | "minRoundTripTimeMs"
>;

/** Only that of TCP_INFO: every connection that is made here is asked when it begins and ends. */
export function tryTransferCounts(descriptor: number): TransferCounts | null {
  const fields = descriptor < 0 ? null : tcpInfoFields(descriptor);
  if (fields === null) return null;
  return {
    bytesAcknowledged: at(fields, TCP_INFO_INDEX.bytesAcknowledged),
    bytesRetransmitted: at(fields, TCP_INFO_INDEX.bytesRetransmitted),
    segmentsSent: at(fields, TCP_INFO_INDEX.segmentsSent),
    segmentsReceived: at(fields, TCP_INFO_INDEX.segmentsReceived),
    segmentsRetransmitted: at(fields, TCP_INFO_INDEX.segmentsRetransmitted),
    roundTripTimeMs: at(fields, TCP_INFO_INDEX.roundTripTimeMs),
    roundTripTimeVarianceMs: at(fields, TCP_INFO_INDEX.roundTripTimeVarianceMs),
    minRoundTripTimeMs: at(fields, TCP_INFO_INDEX.minRoundTripTimeMs),
  };
}

function at(fields: Float64Array, index: number): number | null {
  const value = fields[index] as number;
  return Number.isNaN(value) ? null : value;
}

/**
 * Bytes of the application that the peer's kernel has acknowledged. The kernel's count takes in the
 * SYN of an active open and the FIN, which no application sent; a FIN is acknowledged last.
 */
export function acknowledgedBytes(
  info: TransferCounts | null,
  handedOver: number,
  isActiveOpen: boolean,
): number | null {
  const counted = info?.bytesAcknowledged;
  if (counted === null || counted === undefined) return null;
  return Math.max(0, Math.min(counted - (isActiveOpen ? 1 : 0), handedOver));
}

/**
 * How far the bytes of the application came.
 *
 * @param carried bytes that the kernel has taken, where they are not the application's own. What
 *   those mean is not known byte by byte, and none of the application's takes less than one of
 *   them; so `acknowledged` is the least that it can be.
 */
export function errorBytes(
  info: TransferCounts | null,
  handedOver: number,
  isActiveOpen: boolean,
  carried = handedOver,
): ErrorBytes | undefined {
  const acknowledged = acknowledgedBytes(info, carried, isActiveOpen);
  if (acknowledged === null) return undefined;
  return errorBytesLeft(carried - acknowledged, handedOver);
}

/**
 * The same where the kernel counts what is left in the send buffer instead (macOS).
 *
 * @param unacknowledged bytes in it, or a negative errno
 */
export function errorBytesLeft(unacknowledged: number, handedOver: number): ErrorBytes | undefined {
  if (unacknowledged < 0) return undefined;
  // A FIN is counted as a byte, which no application sent.
  const left = Math.min(unacknowledged, handedOver);
  return { handedOver, acknowledged: handedOver - left, unacknowledged: left };
}

/** @param carried as of {@link errorBytes} */
export function transferReport(
  totals: TransferTotals,
  info: TransferCounts | null,
  isActiveOpen: boolean,
  carried = totals.bytesHandedOver,
): TransferReport {
  const counted = errorBytes(info, totals.bytesHandedOver, isActiveOpen, carried);
  const { durationMs, bytesRead, bytesHandedOver } = totals;
  return {
    durationMs,
    bytesRead,
    bytesHandedOver,
    bytesAcknowledged: counted?.acknowledged ?? null,
    segmentsSent: info?.segmentsSent ?? null,
    segmentsReceived: info?.segmentsReceived ?? null,
    segmentsRetransmitted: info?.segmentsRetransmitted ?? null,
    bytesRetransmitted: info?.bytesRetransmitted ?? null,
    roundTripTimeMs: info?.roundTripTimeMs ?? null,
    roundTripTimeVarianceMs: info?.roundTripTimeVarianceMs ?? null,
    minRoundTripTimeMs: info?.minRoundTripTimeMs ?? null,
  };
}

/**
 * The establishment report of an accepted connection, whose establishment was the peer's.
 *
 * @param readyAt when it was accepted, in milliseconds of the monotonic clock
 */
export function acceptedReport(readyAt: number): EstablishmentReport {
  return {
    startedAtMs: Math.round(performance.timeOrigin + readyAt),
    durationMs: 0,
    phases: [],
    attempts: [],
    waits: 0,
    waitedMs: 0,
    roundTripTimeMs: null,
  };
}
