// What a connection notes about itself: facts that are true or not, how it ends, and its limits.
// Not here: what follows from them (connection-base.ts and the layers above it).

import type { Deadline } from "../core/deadlines.ts";
import type { ConnectionState } from "../core/states.ts";
import type { HawserError } from "../errors/index.ts";
import type { DeadlineOwner } from "./clock.ts";
import type { TransferCounts } from "./transfer.ts";
import type { CloseResult } from "./types.ts";

/** How a connection ends; there is one of these from then on. */
export interface Ending {
  readonly event: "close" | "finished" | "abort" | "fail";
  /** The state before. */
  readonly from: ConnectionState;
  readonly error: HawserError | null;
  readonly initiator: CloseResult["initiator"];
  readonly info: TransferCounts | null;
  /** Of the same clock as `readyAt`. */
  readonly at: number;
}

/** What only some connections have: limits in time, and in what is read after close(). */
export interface Bounds {
  idle: Deadline<DeadlineOwner> | null;
  close: Deadline<DeadlineOwner> | null;
  /** `bytesRead` beyond which a connection that is closing is aborted. */
  drainTo: number;
}

// Facts that are true or not; one number, so that an idle connection stays small.
/** `pause()` was called. */
export const PAUSED = 1 << 0;
/** Reading is held back in the kernel. */
export const STOPPED = 1 << 1;
/** Above the send mark. */
export const NEEDS_DRAIN = 1 << 2;
/** The peer's end has come. */
export const PEER_ENDED = 1 << 3;
/** And the application knows. */
export const END_TOLD = 1 << 4;
/** No more is written: our own end is on its way. */
export const SHUT = 1 << 5;
/** `close()` was called. */
export const CLOSING = 1 << 6;
/** `open` was called. */
export const OPENED = 1 << 7;
/** `receive()` was called at least once. */
export const WAS_READ = 1 << 8;
/** Bytes are held for the `data` callback. */
export const HOLDING = 1 << 9;
/** There is an error beneath: what has arrived is read to the end, and then the error told. */
export const TROUBLED = 1 << 10;
/** A write has failed. */
export const SEND_FAILED = 1 << 11;
export const UNREFERENCED = 1 << 12;
/** The descriptor is closed, and only the application is still to be told. */
export const DETACHED = 1 << 13;
/** And it was told: nothing follows. */
export const TOLD = 1 << 14;
/** Whoever wraps this connection ends the sending side. */
export const END_HELD = 1 << 15;
/** The liveness monitor looks at what is pending, or there is nothing that it could look for. */
export const WATCHED = 1 << 16;
/** The `drain` callback is due. */
export const WILL_DRAIN = 1 << 17;
/** Nobody may have it any more (dropped.ts): whoever waits for something must say so. */
export const DROPPABLE = 1 << 18;
/** A WebSocket's frames are written straight into the area of its channel, a StreamChannel. */
export const DIRECT = 1 << 19;
