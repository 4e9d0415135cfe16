// A message that is received in parts, and never whole in memory, and the queue of such messages.
// The counterpart of message-stream.ts. Not here: what parts are cut from (protocol/), pausing (the
// owner of the queue sees `isFull`).

import { quiet } from "../core/send-waiters.ts";
import { readSignal } from "../core/waiting.ts";
import { invalidState } from "../errors/index.ts";
import { type Holder, Inbox, Iteration } from "./inbox.ts";
import type { Marks } from "./marks.ts";
import type { Message, MessageReceiveOptions } from "./types.ts";

/**
 * A message that is received in parts. Made by `WebSocketConnection.receiveStream()` and
 * `streams()`, when its first part has come.
 *
 * Parts are strings, never cut inside a character, or owned Buffers of up to 64 KiB. Their borders
 * mean nothing. When nobody takes them, nothing more is read from the kernel above
 * `receiveHighWaterMark`, so that the peer sees the window close.
 */
export class IncomingMessageStream implements AsyncIterable<Message> {
  /** Whether it is a text message; its parts are strings then. */
  readonly isText: boolean;
  readonly #parts: Inbox<Message>;

  /** @internal */
  constructor(isText: boolean, marks: Marks) {
    this.isText = isText;
    this.#parts = new Inbox<Message>(marks);
  }

  /**
   * The next part, or null when the message was whole, again and again.
   *
   * @throws (as a rejection) the failure of the WebSocket, after the parts that came before it;
   *   ERR_HAWSER_WEBSOCKET_CLOSED where the peer's Close stands in its middle, whatever the code;
   *   ECANCELED after a local `close()`; ERR_INVALID_STATE where the next message was asked for
   *   meanwhile; `signal.reason`. These never count as unhandled.
   */
  receive(options?: MessageReceiveOptions): Promise<Message | null> {
    return this.#parts.receive(readSignal(options, "receive()"));
  }

  /** Iterates over the parts; throws what `receive()` rejects with. `break` loses nothing. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return new Iteration<Message>(this.#parts);
  }

  /** What is left of it, in one piece. Bounded by `maxPayload`. Rejects as `receive()` does. */
  whole(): Promise<Message> {
    return quiet(this.#join());
  }

  async #join(): Promise<Message> {
    const parts: Message[] = [];
    for (;;) {
      const part = await this.#parts.receive(undefined);
      if (part === null) break;
      parts.push(part);
    }
    return this.isText ? parts.join("") : Buffer.concat(parts as Buffer[]);
  }

  /** @internal */
  put(part: Message, isLast: boolean): void {
    // Frames without payload are no parts.
    if (part.length > 0) this.#parts.push(part);
    if (isLast) this.#parts.end();
  }

  /** @internal It will never be whole; what has come is given before the error. */
  fail(error: unknown): void {
    this.#parts.end(error);
  }

  /** @internal The same, and what has come is dropped. */
  drop(error: unknown): void {
    this.#parts.clear();
    this.#parts.end(error);
  }
}

/** The messages of one WebSocket, from when they are asked for in parts. */
export class StreamInbox implements Holder {
  readonly #marks: Marks;
  readonly #streams: Inbox<IncomingMessageStream>;
  /** The message that is arriving. */
  #arriving: IncomingMessageStream | null = null;
  /** The one that was given out last. */
  #given: IncomingMessageStream | null = null;

  /** @param marks what is held counts there, in whichever message */
  constructor(marks: Marks) {
    this.#marks = marks;
    this.#streams = new Inbox<IncomingMessageStream>(marks);
  }

  /** A message is half received. */
  get isInside(): boolean {
    return this.#arriving !== null;
  }

  get isFull(): boolean {
    return this.#marks.isAbove;
  }

  /** A part came. */
  put(part: Message, isFirst: boolean, isLast: boolean): void {
    if (isFirst) {
      this.#arriving = new IncomingMessageStream(typeof part === "string", this.#marks);
      this.#streams.push(this.#arriving, 0);
    }
    this.#arriving?.put(part, isLast);
    if (isLast) this.#arriving = null;
  }

  /** What is half received ends with the error of that, others without where there is none. */
  end(error: unknown, errorInside: unknown = error): void {
    this.#arriving?.fail(errorInside);
    this.#arriving = null;
    this.#streams.end(error);
  }

  cancel(error: unknown): void {
    for (const stream of this.#streams.drain()) stream.drop(error);
    this.#arriving?.drop(error);
    this.#given?.drop(error);
    this.#arriving = this.#given = null;
    this.#streams.cancel(error);
  }

  /** The next message. What is left of the one before is dropped. */
  receive(signal: AbortSignal | undefined): Promise<IncomingMessageStream | null> {
    if (!signal?.aborted) this.#leave();
    const give = (stream: IncomingMessageStream | null) => {
      this.#given = stream;
      return stream;
    };
    return quiet(this.#streams.receive(signal).then(give));
  }

  next(): Promise<IteratorResult<IncomingMessageStream, undefined>> {
    this.#leave();
    const give = (result: IteratorResult<IncomingMessageStream, undefined>) => {
      this.#given = result.value ?? null;
      return result;
    };
    return quiet(this.#streams.next().then(give));
  }

  #leave(): void {
    const given = this.#given;
    this.#given = null;
    given?.drop(invalidState("the next message was asked for before this one was read"));
  }
}
