// A message that is sent in parts, and never whole in memory (RFC 6455 section 5.4).
// Not here: frames (protocol/), where the parts go (connection.ts).

import { invalidState } from "../errors/index.ts";
import type { SendData } from "../net/types.ts";

/** Where the parts go. */
export interface PartTarget {
  /** @returns false above the mark */
  writePart(part: SendData, isLast: boolean): boolean;
  sendPart(part: SendData, isLast: boolean): Promise<void>;
}

/** Made by `WebSocketConnection.stream()`. Until it has ended other messages are refused. */
export class MessageStream implements AsyncDisposable {
  readonly #target: PartTarget;
  #isText: boolean | undefined;
  #hasEnded = false;

  /** @internal */
  constructor(target: PartTarget, isText: boolean | undefined) {
    this.#target = target;
    this.#isText = isText;
  }

  /** Sends a part; false above `sendHighWaterMark`. The first says whether the message is text. */
  write(part: SendData): boolean {
    this.#note(part);
    return this.#target.writePart(part, false);
  }

  /** Sends a part. Settles as `WebSocketConnection.send`. */
  send(part: SendData): Promise<void> {
    this.#note(part);
    return this.#target.sendPart(part, false);
  }

  #note(part: SendData): void {
    if (this.#hasEnded) throw invalidState("the message has ended");
    this.#isText ??= typeof part === "string";
  }

  /** Ends the message, with a last part where one is given. Again: nothing. */
  end(part?: SendData): Promise<void> {
    if (this.#hasEnded) return Promise.resolve();
    if (part !== undefined) this.#note(part);
    this.#hasEnded = true;
    const last = part ?? (this.#isText === true ? "" : new Uint8Array(0));
    return this.#target.sendPart(last, true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
