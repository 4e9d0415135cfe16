// The last bytes of a stream of messages: the LZ77 window that RFC 7692 calls context takeover,
// kept as plain bytes so that an idle connection holds no zlib state.

/** Room beyond the window, so that bytes are moved once in many messages and not for each. */
const SLACK_DIVISOR = 4;
const FIRST_BYTES = 1_024;

export class History {
  /** At most this many bytes are remembered. */
  readonly capacity: number;
  private bytes: Buffer = EMPTY;
  private length = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Up to `capacity` bytes, valid until the next append(); undefined when there are none. */
  view(): Buffer | undefined {
    if (this.length === 0) return undefined;
    return this.bytes.subarray(Math.max(0, this.length - this.capacity), this.length);
  }

  append(message: Uint8Array): void {
    const { capacity } = this;
    const tail = message.length > capacity ? message.subarray(message.length - capacity) : message;
    if (this.length + tail.length > this.bytes.length) this.makeRoom(tail.length);
    this.bytes.set(tail, this.length);
    this.length += tail.length;
  }

  private makeRoom(wanted: number): void {
    const { capacity } = this;
    const kept = Math.min(this.length, capacity - wanted);
    const start = this.length - kept;
    const most = capacity + Math.floor(capacity / SLACK_DIVISOR);
    const target = this.bytes;
    if (target.length < most) {
      const size = Math.max(kept + wanted, target.length * 2, FIRST_BYTES);
      this.bytes = Buffer.allocUnsafeSlow(Math.min(size, most));
    }
    target.copy(this.bytes, 0, start, this.length);
    this.length = kept;
  }
}

const EMPTY = Buffer.alloc(0);
