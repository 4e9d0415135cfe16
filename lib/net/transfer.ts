// What went over a connection: the transfer report, and how far the bytes of a failed one came.
// Not here: TCP_INFO itself (lib/socket/tcp-info.ts).

import type { ErrorBytes } from "../errors/index.ts";
import { type TcpInfo, tcpInfoOf } from "../socket/tcp-info.ts";
import type { TransferReport } from "./types.ts";

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

/**
 * Bytes of the application that the peer's kernel has acknowledged. The kernel's count takes in the
 * SYN of an active open and the FIN, which no application sent.
 */
export function acknowledgedBytes(info: TcpInfo | null, handedOver: number): number | null {
  const counted = info?.bytesAcknowledged;
  return counted === null || counted === undefined ? null : Math.min(counted, handedOver);
}

export function errorBytes(info: TcpInfo | null, handedOver: number): ErrorBytes | undefined {
  const acknowledged = acknowledgedBytes(info, handedOver);
  if (acknowledged === null) return undefined;
  return { handedOver, acknowledged, unacknowledged: handedOver - acknowledged };
}

export function transferReport(totals: TransferTotals, info: TcpInfo | null): TransferReport {
  return {
    ...totals,
    bytesAcknowledged: acknowledgedBytes(info, totals.bytesHandedOver),
    segmentsSent: info?.segmentsSent ?? null,
    segmentsReceived: info?.segmentsReceived ?? null,
    segmentsRetransmitted: info?.segmentsRetransmitted ?? null,
    bytesRetransmitted: info?.bytesRetransmitted ?? null,
    roundTripTimeMs: info?.roundTripTimeMs ?? null,
    roundTripTimeVarianceMs: info?.roundTripTimeVarianceMs ?? null,
    minRoundTripTimeMs: info?.minRoundTripTimeMs ?? null,
  };
}
