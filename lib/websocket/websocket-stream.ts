// The WebSocketStream of the WHATWG's proposal (https://github.com/whatwg/websockets/pull/48), over
// connections of this library: a WebSocket as a pair of streams, with back-pressure both ways.
// Not here: its error (websocket-error.ts), the class with events (websocket.ts).

import type {
  ReadableStream as NodeReadableStream,
  WritableStream as NodeWritableStream,
  ReadableStreamDefaultController,
  WritableStreamDefaultController,
} from "node:stream/web";
import { Deferred } from "../core/waiting.ts";
import { rejectUnknownKeys, requireObject } from "../errors/index.ts";
import { parseEndpoint } from "../net/endpoint.ts";
import type { CloseResult } from "../net/types.ts";
import { ClientUpgrade } from "./client-upgrade.ts";
import type { WebSocketConnection } from "./connection.ts";
import { parseClientOptions } from "./options.ts";
import {
  parseWebUrl,
  readClose,
  readData,
  readProtocols,
  requireUnsignedShort,
  toWellFormed,
} from "./web-arguments.ts";
import type { WebSocketInit } from "./websocket.ts";
import { uncleanClose, type WebSocketCloseInfo, WebSocketError } from "./websocket-error.ts";

/** What the constructor takes: what is proposed, and what else `connect` takes. */
export interface WebSocketStreamInit extends Omit<WebSocketInit, "signal"> {
  /** Subprotocols, in order of preference. The server must choose one. */
  readonly protocols?: readonly string[] | undefined;
  /** Ends the opening handshake; nothing afterwards. */
  readonly signal?: AbortSignal | undefined;
}

/** What `opened` resolves to. */
export interface WebSocketOpenInfo {
  /** A string for each text message, a Uint8Array for each binary one. */
  readonly readable: NodeReadableStream<string | Uint8Array>;
  /** Takes strings for text messages, bytes for binary ones; what is neither becomes a string. */
  readonly writable: NodeWritableStream<string | ArrayBuffer | ArrayBufferView>;
  /** The subprotocol chosen, or `""`. */
  readonly protocol: string;
  /** The value of Sec-WebSocket-Extensions, or `""`. */
  readonly extensions: string;
}

const CLOSE_KEYS: ReadonlySet<string> = new Set(["closeCode", "reason"]);

/**
 * A WebSocket as a pair of streams of messages. A `readable` that is not read holds up to
 * `receiveHighWaterMark` bytes and then closes the TCP window; a write to `writable` is done when
 * `send()` would be.
 */
export class WebSocketStream {
  readonly #url: string;
  readonly #opened = new Deferred<WebSocketOpenInfo>();
  readonly #closed = new Deferred<Required<{ closeCode: number; reason: string }>>();
  readonly #upgrade: ClientUpgrade | null = null;
  #socket: WebSocketConnection | null = null;
  #readable: ReadableStreamDefaultController<string | Uint8Array> | null = null;
  #writable: WritableStreamDefaultController | null = null;
  /** Nothing more comes out of the WebSocket. */
  #isDrained = false;
  #result: CloseResult | null = null;

  /**
   * @throws DOMException "SyntaxError" for a URL or subprotocols that are none; TypeError or
   *   RangeError for wrong options
   */
  constructor(url: string | URL, options: WebSocketStreamInit = {}) {
    const record = parseWebUrl(String(url));
    this.#url = record.href;
    const {
      signal,
      protocols = [],
      ...rest
    } = requireObject(options, "options") as WebSocketStreamInit;
    const parameters = parseClientOptions({
      ...rest,
      signal,
      protocols: readProtocols(protocols),
    });
    if (signal?.aborted) {
      this.#opened.reject(signal.reason);
      this.#closed.reject(signal.reason);
      return;
    }
    const endpoint = parseEndpoint(record.href, "connect");
    this.#upgrade = new ClientUpgrade(endpoint, record.href, parameters);
    this.#upgrade.start().then(
      (socket) => this.#begin(socket),
      (error) => this.#refused(error, signal),
    );
  }

  get url(): string {
    return this.#url;
  }

  /**
   * Settles when the opening handshake is over. Rejects with a WebSocketError whose `cause` is the
   * HawserError, or with `signal.reason`; never unhandled.
   */
  get opened(): Promise<WebSocketOpenInfo> {
    return this.#opened.promise;
  }

  /**
   * Resolves when it was closed with both Closes exchanged, with the peer's code (1005 where it had
   * none). Rejects with a WebSocketError otherwise, with 1006 where no Close came, and with what
   * `opened` rejects with; never unhandled.
   */
  get closed(): Promise<{ readonly closeCode: number; readonly reason: string }> {
    return this.#closed.promise;
  }

  /**
   * Begins to close. Before `opened` it ends the establishment, and both promises reject.
   *
   * @throws DOMException "InvalidAccessError" for a code that is neither 1000 nor 3000 to 4999,
   *   "SyntaxError" for a reason of more than 123 bytes; TypeError for other wrong arguments
   */
  close(closeInfo: WebSocketCloseInfo = {}): void {
    rejectUnknownKeys(requireObject(closeInfo, "closeInfo"), CLOSE_KEYS, "close()");
    const { closeCode, reason = "" } = closeInfo;
    const number =
      closeCode === undefined ? undefined : requireUnsignedShort(closeCode, "closeCode");
    const close = readClose(number, toWellFormed(String(reason)));
    this.#close(close.code, close.reason);
  }

  #close(code: number | undefined, reason: string): void {
    if (this.#socket !== null) {
      this.#socket.closeWith(code, reason);
      return;
    }
    const why = "The WebSocket was closed before it was open";
    this.#upgrade?.cancel(new DOMException(why, "AbortError"));
  }

  // --------------------------------------------------------------------------------- the streams

  #begin(socket: WebSocketConnection): void {
    this.#socket = socket;
    const readable = new ReadableStream<string | Uint8Array>({
      start: (controller) => {
        this.#readable = controller as ReadableStreamDefaultController<string | Uint8Array>;
      },
      pull: () => this.#pull(socket),
      cancel: (reason) => {
        this.#isDrained = true;
        this.#readable = null;
        this.#closeFor(reason);
      },
    });
    const writable = new WritableStream<string | ArrayBuffer | ArrayBufferView>({
      start: (controller) => {
        this.#writable = controller;
        // abort() below is called only when the write under way is done, which a peer that does not
        // read would put off for long. Node's types do not know the signal.
        const { signal } = controller as unknown as { readonly signal: AbortSignal };
        signal.addEventListener("abort", () => this.#closeFor(signal.reason), { once: true });
      },
      write: (chunk) => this.#write(socket, chunk),
      close: () => this.#close(undefined, ""),
      abort: (reason) => this.#closeFor(reason),
    });
    const { protocol, extensions } = socket;
    this.#opened.resolve({ readable, writable, protocol, extensions });
    void socket.closed.then((result) => this.#over(result));
  }

  async #pull(socket: WebSocketConnection): Promise<void> {
    // After a failure or a close the streams end with the WebSocket, and not before.
    const message = await socket.receive().catch(() => null);
    if (message === null) {
      this.#isDrained = true;
      this.#endReadable();
    } else {
      this.#readable?.enqueue(typeof message === "string" ? message : plainBytes(message));
    }
  }

  async #write(socket: WebSocketConnection, chunk: unknown): Promise<void> {
    const data = readData(chunk);
    // What comes too late is dropped; the WebSocket's end tells it.
    if (socket.state !== "ready") return;
    try {
      await socket.send(data);
    } catch {
      const error = this.#errorOf(await socket.closed);
      if (error !== null) throw error;
    }
  }

  // With the code of a WebSocketError that was made for it, else with an empty Close: one that
  // tells how another WebSocket ended has a code that this one may not send.
  #closeFor(reason: unknown): void {
    if (reason instanceof WebSocketError && mayClose(reason.closeCode)) {
      this.#close(reason.closeCode ?? undefined, reason.reason);
    } else {
      this.#close(undefined, "");
    }
  }

  // -------------------------------------------------------------------------------------- ending

  #refused(error: unknown, signal: AbortSignal | undefined): void {
    const isAborted = signal?.aborted === true && error === signal.reason;
    const message = error instanceof Error ? error.message : String(error);
    const reason = isAborted ? error : uncleanClose(message, 1006, "", error);
    this.#opened.reject(reason);
    this.#closed.reject(reason);
  }

  #over(result: CloseResult): void {
    this.#result = result;
    const { code = 1006, reason = "" } = result;
    const error = this.#errorOf(result);
    const late = "A WebSocket that is closed cannot be written to";
    this.#writable?.error(error ?? new DOMException(late, "InvalidStateError"));
    if (error === null) this.#closed.resolve({ closeCode: code, reason });
    else this.#closed.reject(error);
    this.#endReadable();
  }

  // After all messages, and when it is known how it ended.
  #endReadable(): void {
    const controller = this.#readable;
    if (!this.#isDrained || this.#result === null || controller === null) return;
    this.#readable = null;
    const error = this.#errorOf(this.#result);
    if (error === null) controller.close();
    else controller.error(error);
  }

  #error: WebSocketError | null = null;

  #errorOf({ wasClean, code = 1006, reason = "", error }: CloseResult): WebSocketError | null {
    if (wasClean === true) return null;
    const message = error?.message ?? "The WebSocket was not closed cleanly";
    this.#error ??= uncleanClose(message, code, reason, error);
    return this.#error;
  }

  get [Symbol.toStringTag](): string {
    return "WebSocketStream";
  }
}

function mayClose(code: number | null): boolean {
  return code === null || code === 1_000 || (code >= 3_000 && code <= 4_999);
}

// What shares its memory with others is copied: a Uint8Array is transferred as a whole.
function plainBytes(message: Buffer): Uint8Array {
  const { buffer, byteOffset, byteLength } = message;
  const isAlone = byteLength === buffer.byteLength;
  return isAlone ? new Uint8Array(buffer, byteOffset, byteLength) : new Uint8Array(message);
}
