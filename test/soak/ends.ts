// The two ends of a connection in a soak, whatever carries it: sending in pieces, checking every
// byte that comes, and how it ended. Not here: what is expected of that (steps.ts).

import type { Connection, HawserError, WebSocketConnection } from "../../lib/index.ts";

/** What a soak needs of a stream; a Connection and a WebSocketConnection have it. */
type Stream = Connection<End> | WebSocketConnection<End>;

const WRITE_BYTES = 65_536;

export interface Outcome {
  readonly code: string | null;
  readonly receivedBytes: number;
  readonly wrongBytes: number;
}

export class End {
  readonly stream: Stream;
  /** What the other side sends; nothing before it is known. */
  expected: Buffer = Buffer.alloc(0);
  receivedBytes = 0;
  wrongBytes = 0;
  /** Called with each piece, after it was checked. */
  heard: () => void = () => {};
  peerEnded: () => void = () => {};
  readonly ended: Promise<Outcome>;
  #tellEnded: (outcome: Outcome) => void = () => {};

  constructor(stream: Stream) {
    this.stream = stream;
    this.ended = new Promise((resolve) => {
      this.#tellEnded = resolve;
    });
  }

  received(bytes: Buffer): void {
    const from = this.receivedBytes;
    const due = this.expected.subarray(from, from + bytes.length);
    if (!due.equals(bytes)) this.wrongBytes += bytes.length;
    this.receivedBytes += bytes.length;
    this.heard();
  }

  get hasAll(): boolean {
    return this.receivedBytes === this.expected.length;
  }

  closed(error: HawserError | null): void {
    const { receivedBytes, wrongBytes } = this;
    this.#tellEnded({ code: error?.code ?? null, receivedBytes, wrongBytes });
  }

  /** Sends in pieces, with back-pressure; stops where the stream has ended. */
  async send(bytes: Buffer, chunkBytes: number): Promise<void> {
    const size = Math.max(chunkBytes, Math.ceil(bytes.length / 200));
    for (let at = 0; at < bytes.length; at += size) {
      await this.stream.send(bytes.subarray(at, at + size));
    }
  }

  /** All at once. */
  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += WRITE_BYTES) {
      this.stream.write(bytes.subarray(at, at + WRITE_BYTES));
    }
  }

  /** FIN, or the Close of a WebSocket. */
  finish(): void {
    if ("shutdown" in this.stream) void this.stream.shutdown();
    else void this.stream.close();
  }
}

/** Each connection begins with the index of its step. */
export const HEAD_BYTES = 4;

export function headOf(index: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(index);
  return head;
}

/** The callbacks of a listener, which finds the step in the first bytes of a connection. */
export function serverCallbacks(
  isWebSocket: boolean,
  opened: (end: End, index: number) => void,
): object {
  const heads = new WeakMap<Stream, Buffer>();
  return callbacks(isWebSocket, (stream, bytes) => {
    const head = Buffer.concat([heads.get(stream) ?? Buffer.alloc(0), bytes]);
    if (head.length < HEAD_BYTES) {
      heads.set(stream, head);
      return;
    }
    const end = new End(stream);
    stream.data = end;
    opened(end, head.readUInt32BE());
    if (head.length > HEAD_BYTES) end.received(head.subarray(HEAD_BYTES));
  });
}

/** The callbacks of a connect; who has connected gives the stream its end before it sends. */
export function clientCallbacks(isWebSocket: boolean): object {
  return callbacks(isWebSocket, () => {
    throw new Error("bytes before anything was asked");
  });
}

function callbacks(isWebSocket: boolean, first: (stream: Stream, bytes: Buffer) => void): object {
  const endOf = (stream: Stream) => stream.data as End | undefined;
  const take = (stream: Stream, bytes: Buffer) => {
    const end = endOf(stream);
    if (end === undefined) first(stream, bytes);
    else end.received(bytes);
  };
  const end = (stream: Stream) => endOf(stream)?.peerEnded();
  return {
    ...(isWebSocket ? { message: take } : { data: take, end }),
    close: (stream: Stream, ...rest: unknown[]) =>
      endOf(stream)?.closed(rest.at(-1) as HawserError | null),
  };
}
