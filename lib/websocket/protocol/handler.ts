// What the glue between a byte stream and the protocol implements, and how an end is described.
// Types only.

/** Why the transport is to be aborted. */
export type AbortReason = "heartbeatTimeout" | "closeTimeout" | "queueOverflow";

/** How a connection ended. */
export interface CloseInfo {
  /** The peer's code (section 7.1.5): 1005 for an empty Close, 1006 when none came. */
  readonly code: number;
  readonly reason: string;
  /** Both Closes were exchanged. */
  readonly wasClean: boolean;
  /** Who began it: the first Close, failure or end of the transport. */
  readonly initiator: "local" | "remote";
  /** The code in our own Close; undefined when none was sent or it was empty. */
  readonly sentCode: number | undefined;
  /** What broke: a rule, a bound or a time-out; null otherwise. */
  readonly failure: { readonly closeCode: number; readonly message: string } | null;
}

/**
 * What the glue implements. Calls come inside receive(), resume(), end(), tick() and
 * transportClosed(), and from zlib's callbacks; from the application's own calls (send, close)
 * only onShutdown, onAbort and onReading come. An exception of a handler passes through receive();
 * what was not parsed is kept, and resume() goes on with it.
 */
export interface ProtocolHandler {
  /** A whole message. With `lend`, a Buffer may be valid only until the call returns. */
  onMessage(message: string | Buffer): void;
  /** A part, where messages are given so. With `lend`, a Buffer may be valid as in onMessage. */
  onPart(data: string | Buffer, first: boolean, last: boolean): void;
  /** After the pong was written. Payloads are owned. */
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  /** The peer's Close came; nothing of the peer follows. */
  onClosing(code: number, reason: string): void;
  /**
   * False: stop reading the transport, for a message is being inflated; true: go on, as far as no
   * pause() stands against it. Bytes that still come are kept.
   */
  onReading(wanted: boolean): void;
  /** What waited for compression has been handed to the output. */
  onQueueEmpty(): void;
  /** Once: flush what was written, then end and close the transport gracefully. */
  onShutdown(): void;
  /** Once: drop the transport at once. */
  onAbort(reason: AbortReason): void;
  /** Once, last: inside transportClosed(), or later when data is still held back. */
  onClosed(info: CloseInfo): void;
}
