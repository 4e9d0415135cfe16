// The class of the `ws` package over connections of this library: its events, arguments and errors.
// Not here: its server (ws-server.ts), its options (ws-options.ts).

import type { ClientRequest, IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { HawserError } from "../errors/index.ts";
import { parseEndpoint } from "../net/endpoint.ts";
import { ClientUpgrade } from "./client-upgrade.ts";
import type { WebSocketConnection } from "./connection.ts";
import { parseClientOptions } from "./options.ts";
import type { Message, WebSocketHandlers } from "./types.ts";
import {
  checkProtocols,
  checkUrl,
  controlPayloadOf,
  fieldsOf,
  payloadOf,
  pickDefined,
  reasonOf,
  type WsData,
  type WsHeaders,
  withoutSecrets,
} from "./ws-arguments.ts";
import { wsError } from "./ws-errors.ts";
import { WsEventTarget } from "./ws-events.ts";
import { shareOf, type WsCommonOptions } from "./ws-options.ts";

type Callback = (error?: Error) => void;

export interface WsSendOptions {
  readonly binary?: boolean | undefined;
  readonly compress?: boolean | undefined;
  readonly fin?: boolean | undefined;
  /** Client frames are always masked, server frames never (RFC 6455 section 5.1). */
  readonly mask?: boolean | undefined;
}

/** Options of the client. TLS options may stand among them, as in `ws`. */
export interface WsClientOptions extends WsCommonOptions {
  readonly handshakeTimeout?: number | undefined;
  /** Those of the handshake itself, as in a request that is passed on, are left out. */
  readonly headers?: WsHeaders | undefined;
  readonly origin?: string | undefined;
  readonly auth?: string | undefined;
  readonly followRedirects?: boolean | undefined;
  readonly maxRedirects?: number | undefined;
  readonly [option: string]: unknown;
}

const NAMES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"] as const;
const MAX_REDIRECTS = 10;
const EMPTY = Buffer.alloc(0);
const STREAM_KEYS = ["localAddress", "family", "lookup", "localPort"] as const;
const TLS_KEYS = [
  "ca",
  "cert",
  "key",
  "pfx",
  "passphrase",
  "ciphers",
  "minVersion",
  "maxVersion",
  "rejectUnauthorized",
  "servername",
  "checkServerIdentity",
] as const;

/** The handlers of all of them: `data` is the object that the application has. */
export const WS_HANDLERS: WebSocketHandlers<WsSocket> = {
  message: (socket, message) => socket.data.deliver(message),
  ping: (socket, payload) => void socket.data.emit("ping", payload),
  pong: (socket, payload) => void socket.data.emit("pong", payload),
  close: (socket, code, reason, error) => socket.data.over(code, reason, error),
};

export class WsSocket extends WsEventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;

  #url = "";
  #socket: WebSocketConnection<WsSocket> | null = null;
  #upgrade: ClientUpgrade<WsSocket> | null = null;
  #state: 0 | 1 | 2 | 3 = 0;
  #binaryType = "nodebuffer";
  #late = 0;
  #parts: ReturnType<WebSocketConnection["stream"]> | null = null;
  /** What waits behind a Blob that is being read; null while nothing does. */
  #line: Promise<void> | null = null;
  #isClosing = false;
  /** The server's refusal was left to a listener: whoever gives up now is told by itself. */
  #isRefused = false;

  /** `address` is null for the sockets of a server. */
  constructor(
    address: string | URL | null,
    protocols?: string | readonly string[] | WsClientOptions,
    options: WsClientOptions = {},
  ) {
    super();
    if (address === null) return;
    const isList = typeof protocols === "string" || Array.isArray(protocols);
    const list = isList ? [protocols].flat() : [];
    const chosen = isList || protocols === undefined ? options : (protocols as WsClientOptions);
    this.#connect(checkUrl(String(address)), list as string[], chosen, 0);
  }

  #connect(url: URL, protocols: readonly string[], options: WsClientOptions, hops: number): void {
    checkProtocols(protocols);
    this.#url = url.href;
    const headers = fieldsOf(options.headers);
    if (options.origin !== undefined) headers["Origin"] = options.origin;
    if (options.auth !== undefined) {
      headers["Authorization"] = `Basic ${Buffer.from(options.auth).toString("base64")}`;
    }
    const parsed = parseClientOptions({
      protocols,
      headers,
      ...pickDefined(options, STREAM_KEYS),
      ...(url.protocol === "wss:" ? { tls: pickDefined(options, TLS_KEYS) } : {}),
      ...(options.handshakeTimeout ? { handshakeTimeout: options.handshakeTimeout } : {}),
      open: (socket: WebSocketConnection<WsSocket>) => this.#opened(socket),
    });
    const shared = {
      ...shareOf("client", options, true, {
        ...WS_HANDLERS,
        open: (socket: WebSocketConnection<WsSocket>) => this.#opened(socket),
      } as unknown as WebSocketHandlers<never>),
      handshake: parsed.shared.handshake,
    };
    const endpoint = parseEndpoint(url.href, "connect");
    this.#upgrade = new ClientUpgrade(endpoint, url.href, { ...parsed, shared });
    this.#upgrade.start().catch((error: unknown) => {
      if (this.#followed(error, url, protocols, options, hops)) return;
      this.#refused(error);
    });
  }

  #followed(
    error: unknown,
    url: URL,
    protocols: readonly string[],
    options: WsClientOptions,
    hops: number,
  ): boolean {
    const response = error instanceof HawserError ? error.response : undefined;
    const location = response?.headers["location"];
    const isRedirect = response !== undefined && response.status >= 300 && response.status < 400;
    if (!isRedirect || typeof location !== "string" || options.followRedirects !== true) {
      return false;
    }
    if (hops >= (options.maxRedirects ?? MAX_REDIRECTS)) {
      this.#fail(new Error("Maximum number of redirects exceeded"));
      return true;
    }
    try {
      const target = checkUrl(new URL(location, url).href);
      // What proves who we are stays with the host it was meant for.
      const isSame = target.host === url.host && target.protocol === url.protocol;
      const { auth: _, ...rest } = options;
      const next = isSame ? options : { ...rest, headers: withoutSecrets(options.headers) };
      this.emit("redirect", target.href, null);
      this.#connect(target, protocols, next, hops + 1);
    } catch (reason) {
      this.#fail(reason as Error);
    }
    return true;
  }

  #refused(error: unknown): void {
    const response = error instanceof HawserError ? error.response : undefined;
    if (response !== undefined && this.listenerCount("unexpected-response") > 0) {
      const answer = Object.assign(Readable.from([response.body]), {
        statusCode: response.status,
        statusMessage: response.statusText,
        headers: response.headers,
        rawHeaders: response.rawHeaders,
      });
      this.#isRefused = true;
      const request = { destroy: () => this.terminate(), abort: () => this.terminate() };
      this.emit(
        "unexpected-response",
        request as unknown as ClientRequest,
        answer as unknown as IncomingMessage,
      );
      return;
    }
    this.#fail(wsError(error));
  }

  #fail(error: Error): void {
    if (this.#state === 3) return;
    this.#state = 2;
    this.emit("error", error);
    this.#state = 3;
    this.emit("close", 1006, EMPTY);
  }

  #opened(socket: WebSocketConnection<WsSocket>): void {
    socket.data = this;
    this.#socket = socket;
    this.#state = 1;
    const { headers, rawHeaders } = this.#upgrade?.answer ?? { headers: {}, rawHeaders: [] };
    this.emit("upgrade", { statusCode: 101, headers, rawHeaders });
    if (this.#state === 1) this.emit("open");
  }

  /** @internal A server's: the handshake is over. */
  take(socket: WebSocketConnection<WsSocket>): void {
    socket.data = this;
    this.#socket = socket;
    this.#state = 1;
  }

  /** @internal */
  deliver(message: Message): void {
    if (this.#state === 3) return;
    if (typeof message === "string") this.emit("message", Buffer.from(message), false);
    else this.emit("message", this.#form(message), true);
  }

  #form(message: Buffer): unknown {
    switch (this.#binaryType) {
      case "arraybuffer":
        return message.buffer.slice(message.byteOffset, message.byteOffset + message.byteLength);
      case "fragments":
        return [message];
      case "blob":
        return new Blob([message as Uint8Array<ArrayBuffer>]);
      default:
        return message;
    }
  }

  /** @internal */
  over(code: number, reason: string, error: HawserError | null): void {
    // As in `ws`, an end without a Close is no error by itself.
    const isPlain = error?.code === "ERR_HAWSER_WEBSOCKET_CLOSED" || error?.phase === "close";
    this.#state = 2;
    if (error !== null && !isPlain) this.emit("error", wsError(error));
    this.#state = 3;
    this.emit("close", code, Buffer.from(reason));
  }

  protected override wasClean(): boolean {
    return this.#socket?.wasClean === true;
  }

  get url(): string {
    return this.#url;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    if (this.#state === 1 && (this.#isClosing || this.#socket?.state !== "ready")) return 2;
    return this.#state;
  }

  get protocol(): string {
    return this.#socket?.protocol ?? "";
  }

  get extensions(): string {
    return this.#socket === null ? "" : (this.#socket.extensions.split(";")[0] ?? "");
  }

  get bufferedAmount(): number {
    return (this.#socket?.bufferedAmount ?? 0) + this.#late;
  }

  get isPaused(): boolean {
    return this.#socket?.isPaused ?? false;
  }

  get binaryType(): string {
    return this.#binaryType;
  }

  set binaryType(type: string) {
    if (["nodebuffer", "arraybuffer", "fragments", "blob"].includes(type)) this.#binaryType = type;
  }

  /** The stream beneath, with `remoteAddress` and its like; in `ws` a net.Socket. */
  get _socket(): WebSocketConnection["connection"] | null {
    return this.#socket?.connection ?? null;
  }

  pause(): void {
    if (this.readyState === 1 || this.readyState === 2) this.#socket?.pause();
  }

  resume(): void {
    if (this.readyState === 1 || this.readyState === 2) this.#socket?.resume();
  }

  send(data: WsData, options?: WsSendOptions | Callback, callback?: Callback): void {
    this.#requireBegun();
    const given = typeof options === "function" ? {} : (options ?? {});
    const done = typeof options === "function" ? options : callback;
    const payload = data instanceof Blob ? data : payloadOf(data);
    if (this.readyState !== 1) {
      this.#tooLate(sizeOf(payload), done);
      return;
    }
    this.#inLine(payload, (bytes) => this.#put(bytes, given, done));
  }

  // In the order of the calls, although a Blob has to be read first.
  #inLine(data: string | Uint8Array | Blob, use: (bytes: string | Uint8Array) => void): void {
    if (this.#line === null && !(data instanceof Blob)) {
      use(data);
      return;
    }
    const step = async () => {
      use(data instanceof Blob ? new Uint8Array(await data.arrayBuffer()) : data);
    };
    const failed = (error: unknown) => {
      this.emit("error", error);
      this.terminate();
    };
    const line: Promise<void> = (this.#line ?? Promise.resolve())
      .then(step)
      .catch(failed)
      .then(() => {
        if (this.#line === line) this.#line = null;
      });
    this.#line = line;
  }

  #put(payload: string | Uint8Array, options: WsSendOptions, done: Callback | undefined): void {
    const socket = this.#socket;
    if (socket === null) return;
    const { binary = typeof payload !== "string", compress = true, fin = true } = options;
    if (!fin || this.#parts !== null) {
      this.#sendPart(socket, payload, { binary, compress }, fin, done);
    } else if (done === undefined) {
      socket.write(payload, { binary, compress });
    } else {
      socket.send(payload, { binary, compress }).then(
        () => done(),
        (error) => done(error),
      );
    }
  }

  #sendPart(
    socket: WebSocketConnection<WsSocket>,
    payload: string | Uint8Array,
    options: { readonly binary: boolean; readonly compress: boolean },
    fin: boolean,
    done: Callback | undefined,
  ): void {
    this.#parts ??= socket.stream(options);
    const parts = this.#parts;
    const sent = fin ? parts.end(payload) : parts.send(payload);
    if (fin) this.#parts = null;
    sent.then(
      () => done?.(),
      (error) => done?.(error),
    );
  }

  ping(data?: WsData | Callback, mask?: boolean | Callback, callback?: Callback): void {
    this.#control("ping", data, mask, callback);
  }

  pong(data?: WsData | Callback, mask?: boolean | Callback, callback?: Callback): void {
    this.#control("pong", data, mask, callback);
  }

  #control(
    kind: "ping" | "pong",
    data: WsData | Callback | undefined,
    mask: boolean | Callback | undefined,
    callback: Callback | undefined,
  ): void {
    this.#requireBegun();
    const done = [data, mask, callback].find((one) => typeof one === "function") as
      | Callback
      | undefined;
    const given = typeof data === "function" || data === undefined ? "" : data;
    const payload = given instanceof Blob ? given : controlPayloadOf(given);
    if (this.readyState !== 1) {
      this.#tooLate(sizeOf(payload), done);
      return;
    }
    this.#inLine(payload, (bytes) => {
      this.#socket?.[kind](controlPayloadOf(bytes as Uint8Array));
      if (done !== undefined) process.nextTick(done);
    });
  }

  #requireBegun(): void {
    if (this.#state !== 0) return;
    throw new Error("WebSocket is not open: readyState 0 (CONNECTING)");
  }

  #tooLate(size: number, done: Callback | undefined): void {
    this.#late += size;
    if (done === undefined) return;
    const state = this.readyState;
    process.nextTick(
      done,
      new Error(`WebSocket is not open: readyState ${state} (${NAMES[state]})`),
    );
  }

  close(code?: number, reason?: string | Buffer): void {
    if (this.#state === 3) return;
    if (this.#state === 0) {
      this.#abortHandshake();
      return;
    }
    const text = reasonOf(code, reason);
    this.#isClosing = true;
    this.#inLine("", () => this.#socket?.closeWith(code, text));
  }

  terminate(): void {
    if (this.#state === 3) return;
    if (this.#state === 0) this.#abortHandshake();
    else this.#socket?.drop();
  }

  #abortHandshake(): void {
    if (this.#upgrade === null) return;
    const why = "WebSocket was closed before the connection was established";
    this.#state = 2;
    if (this.#isRefused) process.nextTick(() => this.#fail(new Error(why)));
    else this.#upgrade.cancel(new Error(why));
  }
}

function sizeOf(payload: string | Uint8Array | Blob): number {
  return payload instanceof Blob ? payload.size : Buffer.byteLength(payload);
}
