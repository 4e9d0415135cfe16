// The sending half of a WebSocket: messages whole and in parts, pings, the marks, and who waits for
// what was sent. Not here: frames and compression (protocol/), the outbox (carrier.ts).

import { bytesOf } from "../core/byte-stream.ts";
import { quiet } from "../core/send-waiters.ts";
import { untilAborted } from "../core/waiting.ts";
import {
  rejectUnknownKeys,
  requireBoolean,
  requireObject,
  requireSignal,
} from "../errors/index.ts";
import type { SendData } from "../net/types.ts";
import { WebSocketBase } from "./connection-base.ts";
import { OPENING, WANTS_DRAIN } from "./connection-facts.ts";
import { MessageStream } from "./message-stream.ts";
import type { PreparedMessage } from "./protocol/index.ts";
import type { MessageOptions, MessageSendOptions } from "./types.ts";

const SEND_KEYS: ReadonlySet<string> = new Set(["binary", "compress", "signal"]);
const STREAM_KEYS: ReadonlySet<string> = new Set(["binary", "compress"]);
const EMPTY = Buffer.alloc(0);

/** The sending half of {@link WebSocketConnection}. */
export abstract class SendingWebSocket<T = unknown> extends WebSocketBase<T> {
  /**
   * Queues a message, and returns false when more than `sendHighWaterMark` bytes wait; `drain`
   * comes then. Strings are text messages. What is written in one turn leaves in one system call.
   * Never throws but for a wrong argument; before `open` and after close or a failure nothing is
   * queued, and false is given.
   */
  write(message: SendData, options?: MessageOptions): boolean {
    return this.put(message, options) && this.hasRoom();
  }

  /**
   * Queues a message. Resolves as `Connection.send` does: when the kernel has taken it, or sooner
   * for a copied payload (up to 4 KiB) while fewer than `sendHighWaterMark` bytes wait.
   *
   * @throws TypeError at once for a wrong argument. Rejects with ENOTCONN before `open`, with EPIPE
   *   after `close()` or the peer's Close, with the failure itself, with `signal.reason`. These
   *   never count as unhandled.
   */
  send(message: SendData, options?: MessageSendOptions): Promise<void> {
    const signal =
      options?.signal === undefined ? undefined : requireSignal(options.signal, "signal");
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    if (!this.put(message, options)) return this.refuseSend();
    return untilAborted(this.whenSent(message), signal);
  }

  private put(message: SendData, options: MessageSendOptions | undefined): boolean {
    const now = this.now();
    if (options === undefined) {
      if (typeof message === "string") return this.core.sendText(message, true, now);
      const bytes = message instanceof Uint8Array ? message : bytesOf(message);
      return this.core.sendBinary(bytes, true, now);
    }
    const given = readOptions(options, SEND_KEYS, "send()");
    const { binary = typeof message !== "string", compress = true } = given;
    const data = typeof message === "string" ? message : bytesOf(message);
    return this.core.send(data, binary, compress, now);
  }

  private refuseSend(): Promise<void> {
    if ((this.flags & OPENING) === 0 || this.result !== null) return this.carrier.refuseSend();
    const error = this.carrier.errorOf("ENOTCONN", "write", { phase: "upgrade" });
    return quiet(Promise.reject(error));
  }

  private hasRoom(): boolean {
    if (this.core.compressing && this.carrier.isSlowAt(this.core.bufferedBytes)) {
      this.flags |= WANTS_DRAIN;
      return false;
    }
    return this.carrier.hasRoom();
  }

  private whenSent(message: SendData): Promise<void> {
    const data = typeof message === "string" ? message : bytesOf(message);
    if (!this.core.compressing) return this.handedOver(data);
    // Its bytes are read by another thread until then.
    const compressed = new Promise<void>((resolve) => {
      const extras = this.extra();
      extras.whenCompressed ??= [];
      extras.whenCompressed.push(resolve);
    });
    return quiet(
      compressed.then(() => {
        if (this.ending !== null) return this.carrier.refuseSend();
        return this.handedOver(data);
      }),
    );
  }

  private handedOver(data: Uint8Array | string): Promise<void> {
    return this.carrier.sent(data, this.carrier.hasRoom(), this.agreed.deflate !== null);
  }

  /** @internal A message that was encoded once for many. False: not sent, for it is closing. */
  sendPrepared(prepared: PreparedMessage): boolean {
    return this.core.sendPrepared(prepared, this.now());
  }

  /** @internal More than the mark waits, for the peer does not take it. */
  get isSlow(): boolean {
    if (!this.carrier.isSlowAt(this.core.bufferedBytes)) return false;
    this.carrier.flushUnlessBlocked();
    return this.carrier.isSlowAt(this.core.bufferedBytes);
  }

  /** A message in parts, which is never whole in memory. Its first part says whether it is text. */
  stream(options: MessageOptions = {}): MessageStream {
    const { binary, compress = true } = readOptions(options, STREAM_KEYS, "stream()");
    const put = (part: SendData, isLast: boolean): boolean => {
      const wantsText = binary === undefined ? typeof part === "string" : !binary;
      const bytes = typeof part === "string" ? part : bytesOf(part);
      const data =
        wantsText === (typeof bytes === "string")
          ? bytes
          : typeof bytes === "string"
            ? Buffer.from(bytes)
            : Buffer.from(bytes).toString();
      return this.core.sendPart(data, isLast, compress, this.now());
    };
    return new MessageStream(
      {
        writePart: (part, isLast) => put(part, isLast) && this.hasRoom(),
        sendPart: (part, isLast) => (put(part, isLast) ? this.whenSent(part) : this.refuseSend()),
      },
      binary === undefined ? undefined : !binary,
    );
  }

  /** A Ping of up to 125 bytes (RFC 6455 section 5.5). @throws RangeError above. */
  ping(payload: SendData = EMPTY): boolean {
    return this.core.ping(bytesOf(payload));
  }

  /** A Pong that nobody asked for (RFC 6455 section 5.5.3). */
  pong(payload: SendData = EMPTY): boolean {
    return this.core.pong(bytesOf(payload));
  }

  // --------------------------------------------------------- from the carrier and the protocol

  /** @internal */
  flushed(): void {
    this.core.flushed();
  }

  /** @internal */
  drained(): void {
    if (this.core.compressing && (this.flags & WANTS_DRAIN) !== 0) return;
    this.flags &= ~WANTS_DRAIN;
    if (this.core.state === "open") this.call(this.shared.handlers.drain);
  }

  /** @internal */
  onQueueEmpty(): void {
    this.compressed();
    if ((this.flags & WANTS_DRAIN) === 0) return;
    if (this.carrier.hasRoom()) this.drained();
    else this.flags &= ~WANTS_DRAIN;
  }

  /** @internal Nothing waits for compression any more, or it never will be compressed. */
  protected compressed(): void {
    const { extras } = this;
    const waiting = extras === null ? null : extras.whenCompressed;
    if (extras === null || waiting === null) return;
    extras.whenCompressed = null;
    for (const resolve of waiting) resolve();
  }
}

function readOptions(
  options: MessageOptions,
  keys: ReadonlySet<string>,
  call: string,
): MessageOptions {
  rejectUnknownKeys(requireObject(options, "options"), keys, call);
  if (options.binary !== undefined) requireBoolean(options.binary, "binary");
  if (options.compress !== undefined) requireBoolean(options.compress, "compress");
  return options;
}
