// What a stream channel tells whoever owns it. Not here: the channel (stream-channel.ts), and what
// a connection makes of it (lib/net).

/** Who owns a channel. Methods run in a turn, or after a flush; each may write, pause and close. */
export interface StreamSink {
  /** It keeps what it receives: large chunks are given to it where that is possible. */
  readonly keepsReceived?: boolean;
  /** The connect is over: 0 or a negative errno. */
  onConnected(errno: number): void;
  /**
   * Bytes of the slab, lent until this returns; unless they are given: then nobody else uses them
   * again, and who keeps them need not copy.
   */
  onReceived(slab: Buffer, offset: number, length: number, given: boolean): void;
  /** The peer has finished, after all data. */
  onEnded(): void;
  /** The first errno, after all data. */
  onFailed(errno: number): void;
  /** Behind the peer's end, where only this side was still open: the errno of what became of it. */
  onFailedAfterEnd?(errno: number): void;
  /** The bytes waiting to be sent have become fewer, or none. */
  onFlushed(): void;
  /** A flush failed with a negative errno. `onFailed` follows when what arrived has been read. */
  onSendFailed(errno: number): void;
  /** It is paused, and hung up or in error beneath. */
  onTroubled(): void;
  /** In readiness mode: there is something to read. */
  onReadable(): void;
  /** There is room for what was sent past this channel (SCM_RIGHTS) and met EAGAIN. */
  onWritable?(): void;
  /** The descriptor is closed. */
  onClosed(): void;
}
