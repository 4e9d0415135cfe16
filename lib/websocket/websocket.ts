// The WHATWG's WebSocket (https://websockets.spec.whatwg.org/), over connections of this library.
// Not here: events (events.ts), the opening handshake (client-upgrade.ts).

import type { HawserError } from "../errors/index.ts";
import { parseEndpoint } from "../net/endpoint.ts";
import { ClientUpgrade } from "./client-upgrade.ts";
import type { WebSocketConnection } from "./connection.ts";
import { CloseEvent, ErrorEvent, HandlerAttributes } from "./events.ts";
import { parseClientOptions } from "./options.ts";
import type { Message, WebSocketConnectOptions, WebSocketHandlers } from "./types.ts";
import {
  clampToUnsignedShort,
  parseWebUrl,
  readClose,
  readData,
  readProtocols,
  requireArguments,
  showMembers,
  toWellFormed,
} from "./web-arguments.ts";

/** What the constructor takes besides the WHATWG's arguments. */
export type WebSocketInit = Omit<
  WebSocketConnectOptions,
  Exclude<keyof WebSocketHandlers, "state"> | "protocols" | "lend"
>;

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** What the getters of `onopen` and its like give. */
export type EventHandler<E> = ((event: E) => unknown) | null;

/**
 * The class of the WHATWG, with a further argument: `headers`, `signal` and what else `connect`
 * takes. An `error` event has the HawserError in `error`; its `response` is the answer to a refused
 * upgrade.
 */
export class WebSocket extends EventTarget {
  // Put there below, as Web IDL has them: on the class and its prototype, and not to be changed.
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSING: 2;
  declare static readonly CLOSED: 3;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  readonly #url: string;
  readonly #upgrade: ClientUpgrade;
  readonly #attributes = new HandlerAttributes(this);
  #socket: WebSocketConnection | null = null;
  #isClosing = false;
  #isClosed = false;
  #binaryType: "blob" | "arraybuffer" = "blob";
  /** Bytes of the application since nothing waited, and those that came too late. */
  #unsent = 0;
  #late = 0;
  /** Blobs are read before they can be sent, and what follows waits for them. */
  #line: Promise<void> | null = null;

  /**
   * @throws DOMException "SyntaxError" for a URL or subprotocols that are none; TypeError or
   *   RangeError for wrong options
   */
  constructor(
    url: string | URL,
    protocols: string | readonly string[] = [],
    options: WebSocketInit = {},
  ) {
    super();
    // biome-ignore lint/complexity/noArguments: Web IDL counts them
    requireArguments("WebSocket", arguments.length);
    const record = parseWebUrl(`${url}`);
    this.#url = record.href;
    const parameters = parseClientOptions({
      ...options,
      protocols: readProtocols(protocols),
      open: (socket: WebSocketConnection) => this.#opened(socket),
      message: (_: unknown, message: Message) => this.#received(message),
      close: (_: unknown, code: number, reason: string, error: HawserError | null) => {
        const isClean = this.#socket?.wasClean === true;
        if (error !== null) this.#tellError(error);
        this.#over(code, reason, isClean);
      },
    });
    const endpoint = parseEndpoint(record.href, "connect");
    this.#upgrade = new ClientUpgrade(endpoint, record.href, parameters);
    this.#upgrade.start().catch((error: unknown) => {
      this.#isClosing = true;
      this.#tellError(error);
      this.#over(1006, "", false);
    });
  }

  get url(): string {
    return this.#url;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    if (this.#isClosed) return CLOSED;
    if (this.#isClosing) return CLOSING;
    if (this.#socket === null) return CONNECTING;
    return this.#socket.state === "ready" ? OPEN : CLOSING;
  }

  get protocol(): string {
    return this.#socket?.protocol ?? "";
  }

  get extensions(): string {
    return this.#socket?.extensions ?? "";
  }

  /**
   * Bytes given to `send` that the network has not taken, without framing; never fewer once closed.
   */
  get bufferedAmount(): number {
    const buffered = this.#socket?.bufferedAmount ?? 0;
    if (buffered === 0 && this.#line === null) this.#unsent = 0;
    const waiting = this.#line === null ? Math.min(buffered, this.#unsent) : this.#unsent;
    return waiting + this.#late;
  }

  get binaryType(): "blob" | "arraybuffer" {
    return this.#binaryType;
  }

  set binaryType(type: "blob" | "arraybuffer") {
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }

  get onopen(): EventHandler<Event> {
    return this.#attributes.get("open");
  }

  set onopen(handler: EventHandler<Event>) {
    this.#attributes.set("open", handler);
  }

  get onmessage(): EventHandler<MessageEvent> {
    return this.#attributes.get("message");
  }

  set onmessage(handler: EventHandler<MessageEvent>) {
    this.#attributes.set("message", handler);
  }

  get onerror(): EventHandler<ErrorEvent> {
    return this.#attributes.get("error");
  }

  set onerror(handler: EventHandler<ErrorEvent>) {
    this.#attributes.set("error", handler);
  }

  get onclose(): EventHandler<CloseEvent> {
    return this.#attributes.get("close");
  }

  set onclose(handler: EventHandler<CloseEvent>) {
    this.#attributes.set("close", handler);
  }

  /**
   * Sends a message; strings are text.
   *
   * @throws DOMException "InvalidStateError" before `open`
   */
  send(data: string | ArrayBufferLike | ArrayBufferView | Blob): void {
    // biome-ignore lint/complexity/noArguments: Web IDL counts them
    requireArguments("send", arguments.length);
    if (this.readyState === CONNECTING) {
      throw new DOMException("The WebSocket is not open yet", "InvalidStateError");
    }
    if (data instanceof Blob) {
      this.#sendBlob(data);
      return;
    }
    const bytes = readData(data);
    const size = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length;
    if (this.readyState !== OPEN) {
      this.#late += size;
      return;
    }
    this.#unsent += size;
    // What is the caller's may change after this call.
    const owned = typeof bytes === "string" ? bytes : Buffer.from(bytes);
    if (this.#line === null) this.#socket?.write(owned);
    else this.#enqueue(async () => void this.#socket?.write(owned));
  }

  #sendBlob(blob: Blob): void {
    if (this.readyState !== OPEN) {
      this.#late += blob.size;
      return;
    }
    this.#unsent += blob.size;
    this.#enqueue(async () => {
      this.#socket?.write(Buffer.from(await blob.arrayBuffer()));
    });
  }

  #enqueue(send: () => Promise<void>): void {
    const line: Promise<void> = (this.#line ?? Promise.resolve()).then(send).then(() => {
      if (this.#line === line) this.#line = null;
    });
    this.#line = line;
  }

  /**
   * Begins to close. Before `open` it ends the establishment.
   *
   * @throws DOMException "InvalidAccessError" for a code that is neither 1000 nor 3000 to 4999,
   *   "SyntaxError" for a reason of more than 123 bytes of UTF-8
   */
  close(code: number | undefined = undefined, reason: string | undefined = undefined): void {
    const number = code === undefined ? undefined : clampToUnsignedShort(code);
    const text = reason === undefined ? "" : toWellFormed(String(reason));
    const close = readClose(number, text);
    if (this.readyState >= CLOSING) return;
    this.#isClosing = true;
    const socket = this.#socket;
    if (socket === null) {
      const why = "The WebSocket was closed before it was open";
      this.#upgrade.cancel(new DOMException(why, "AbortError"));
    } else {
      if (this.#line === null) socket.closeWith(close.code, text);
      else this.#enqueue(async () => socket.closeWith(close.code, text));
    }
  }

  #opened(socket: WebSocketConnection): void {
    this.#socket = socket;
    this.dispatchEvent(new Event("open"));
  }

  #received(message: Message): void {
    if (this.readyState !== OPEN) return;
    const origin = new URL(this.#url).origin;
    this.dispatchEvent(new MessageEvent("message", { data: this.#dataOf(message), origin }));
  }

  #dataOf(message: Message): string | Blob | ArrayBuffer {
    if (typeof message === "string") return message;
    if (this.#binaryType === "blob") return new Blob([message as Uint8Array<ArrayBuffer>]);
    const { buffer, byteOffset, byteLength } = message;
    return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  }

  #tellError(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.dispatchEvent(new ErrorEvent("error", { error, message }));
  }

  #over(code: number, reason: string, wasClean: boolean): void {
    this.#isClosed = true;
    this.dispatchEvent(new CloseEvent("close", { code, reason, wasClean }));
  }

  get [Symbol.toStringTag](): string {
    return "WebSocket";
  }
}

const CONSTANTS = { CONNECTING, OPEN, CLOSING, CLOSED };
for (const [name, value] of Object.entries(CONSTANTS)) {
  Object.defineProperty(WebSocket, name, { value, enumerable: true });
  Object.defineProperty(WebSocket.prototype, name, { value, enumerable: true });
}
showMembers(WebSocket.prototype);
