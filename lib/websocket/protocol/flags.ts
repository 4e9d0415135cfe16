// What is true of a connection beside its state of closing, one bit each: a connection has many of
// these and there may be many connections. Constants only.

/** The application holds reading back. */
export const PAUSED = 1;
/** A compressed message is in the thread pool. */
export const INFLATING = 2;
/** parse() is on the stack. */
export const PARSING = 4;
/** The transport's end has come, maybe behind what is held back. */
export const END_SEEN = 8;
export const TRANSPORT_CLOSED = 16;
export const SHUTDOWN_TOLD = 32;
export const ABORT_TOLD = 64;
export const CLOSED_TOLD = 128;
/** A Close waits behind the sender's queue. */
export const CLOSE_QUEUED = 256;
/** The glue was asked not to read, for INFLATING. */
export const HOLD_TOLD = 512;
/** Messages are given in parts. */
export const IN_PARTS = 1_024;
/**
 * Nothing is sent, not even a Close, and nothing delivered: before the opening handshake is over,
 * and after an abort.
 */
export const MUTE = 2_048;
/** Nothing is parsed while one of these is set. */
export const HELD = PAUSED | INFLATING;
