// The server of the `ws` package over connections of this library. Node's HTTP server reads the
// requests; plain TCP then moves to the reactor. Not here: its sockets (ws-socket.ts).

import { EventEmitter } from "node:events";
import http, { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { parseListenArguments, type StreamParameters } from "../net/parameters.ts";
import { makePolicy, type Policy } from "../net/policy.ts";
import { adopt } from "./adopt.ts";
import { carrierDrained } from "./carrier.ts";
import { WebSocketConnection } from "./connection.ts";
import type { Shared } from "./options.ts";
import { acceptUpgrade, readUpgradeRequest, type UpgradeRequest } from "./protocol/index.ts";
import type { WebSocketHandlers } from "./types.ts";
import { shareOf, type WsCommonOptions } from "./ws-options.ts";
import { WS_HANDLERS, WsSocket } from "./ws-socket.ts";

type Verify = (
  info: { readonly origin: string; readonly secure: boolean; readonly req: IncomingMessage },
  answer: (
    accepted: boolean,
    code?: number,
    message?: string,
    headers?: Readonly<Record<string, string>>,
  ) => void,
) => unknown;

export interface WsServerOptions extends WsCommonOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly backlog?: number | undefined;
  readonly server?: Server | undefined;
  readonly noServer?: boolean | undefined;
  readonly path?: string | undefined;
  readonly clientTracking?: boolean | undefined;
  readonly verifyClient?: Verify | undefined;
  readonly handleProtocols?:
    | ((protocols: Set<string>, request: IncomingMessage) => string | false)
    | undefined;
  readonly WebSocket?: typeof WsSocket | undefined;
}

type Upgraded = (socket: WsSocket, request: IncomingMessage) => void;

/** Upgrades that were taken: handing one in twice is a mistake in how servers are wired. */
const taken = new WeakSet<Duplex>();

const RUNNING = 0;
const CLOSING = 1;
const CLOSED = 2;

export class WsServer extends EventEmitter {
  readonly options: WsServerOptions;
  readonly path: string | undefined;
  /** Undefined where `clientTracking` is false. */
  readonly clients: Set<WsSocket> | undefined;
  readonly #shared: Shared;
  readonly #policy: Policy;
  #server: Server | null = null;
  #ownsServer = false;
  #state = RUNNING;
  #removeListeners: (() => void) | null = null;
  #awaitsClients = false;

  constructor(options: WsServerOptions = {}, callback?: () => void) {
    super();
    const { port, server, noServer = false, clientTracking = true } = options;
    const ways = [port !== undefined, server !== undefined, noServer].filter(Boolean).length;
    if (ways !== 1) {
      throw new TypeError(
        'One and only one of the "port", "server", or "noServer" options must be specified',
      );
    }
    this.options = { maxPayload: 104_857_600, perMessageDeflate: false, ...options };
    this.path = options.path;
    this.clients = clientTracking ? new Set() : undefined;
    const handlers = WS_HANDLERS as unknown as WebSocketHandlers<never>;
    this.#shared = shareOf("server", options, false, handlers);
    const owner = { connectionClosed() {}, handlerEndedByPeer() {} };
    const parameters = parseListenArguments({ drain: carrierDrained });
    this.#policy = makePolicy(parameters as unknown as StreamParameters, "tcp", owner);
    if (port !== undefined) this.#listen(port, options, callback);
    else if (server !== undefined) this.#use(server);
  }

  #listen(port: number, { host, backlog }: WsServerOptions, callback?: () => void): void {
    const server = createServer((_request, response) => {
      const body = http.STATUS_CODES[426] ?? "";
      response.writeHead(426, { "Content-Length": body.length, "Content-Type": "text/plain" });
      response.end(body);
    });
    this.#ownsServer = true;
    this.#use(server);
    server.listen({ port, host, backlog }, callback);
  }

  #use(server: Server): void {
    this.#server = server;
    const listening = () => void this.emit("listening");
    const failed = (error: Error) => void this.emit("error", error);
    const upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      this.handleUpgrade(request, stream, head, (socket, incoming) => {
        this.emit("connection", socket, incoming);
      });
    };
    server.on("listening", listening);
    server.on("error", failed);
    server.on("upgrade", upgrade);
    this.#removeListeners = () => {
      server.off("listening", listening);
      server.off("error", failed);
      server.off("upgrade", upgrade);
    };
  }

  address(): AddressInfo | string | null {
    if (this.options.noServer) {
      throw new Error('The server is operating in "noServer" mode');
    }
    return this.#server?.address() ?? null;
  }

  /** As in `ws`: clients stay open; `close` comes when the last has gone. */
  close(callback?: (error?: Error) => void): void {
    if (this.#state === CLOSED) {
      if (callback) process.nextTick(callback, new Error("The server is not running"));
      return;
    }
    if (callback) this.once("close", () => callback());
    if (this.#state === CLOSING) return;
    this.#state = CLOSING;
    this.#removeListeners?.();
    const server = this.#server;
    this.#server = null;
    if (this.#ownsServer && server !== null) server.close(() => this.#closeWithClients());
    else process.nextTick(() => this.#closeWithClients());
  }

  #closeWithClients(): void {
    this.#awaitsClients = true;
    if ((this.clients?.size ?? 0) > 0 || this.#state !== CLOSING) return;
    this.#state = CLOSED;
    this.emit("close");
  }

  shouldHandle(request: IncomingMessage): boolean | Promise<boolean> {
    if (!this.options.path) return true;
    const { url = "/" } = request;
    const query = url.indexOf("?");
    return (query < 0 ? url : url.slice(0, query)) === this.options.path;
  }

  handleUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer, callback: Upgraded): void {
    const failed = () => void stream.destroy();
    stream.on("error", failed);
    const { method = "GET", url = "/", rawHeaders } = request;
    const result = readUpgradeRequest({ method, url, rawHeaders });
    if ("status" in result) {
      const { status, body = "" } = result;
      this.#refuseBad(request, stream, status, String(body));
      return;
    }
    if (this.shouldHandle(request) !== true) {
      refuse(stream, 400);
      return;
    }
    const proceed = () => {
      stream.off("error", failed);
      this.#complete(result, request, stream, head, callback);
    };
    this.#verify(request, stream, proceed);
  }

  #verify(request: IncomingMessage, stream: Duplex, proceed: () => void): void {
    const { verifyClient } = this.options;
    if (!verifyClient) {
      proceed();
      return;
    }
    const { headers, socket } = request;
    const info = {
      origin: String(headers.origin ?? ""),
      secure: (socket as { readonly encrypted?: boolean }).encrypted === true,
      req: request,
    };
    if (verifyClient.length === 2) {
      verifyClient(info, (accepted, code = 401, message, more) => {
        if (accepted) proceed();
        else refuse(stream, code, message, more);
      });
    } else if ((verifyClient as (one: typeof info) => unknown)(info)) {
      proceed();
    } else {
      refuse(stream, 401);
    }
  }

  #complete(
    upgrade: UpgradeRequest,
    request: IncomingMessage,
    stream: Duplex,
    head: Buffer,
    callback: Upgraded,
  ): void {
    if (taken.has(stream)) {
      throw new Error(
        "server.handleUpgrade() was called more than once with the same socket, possibly due to a " +
          "misconfiguration",
      );
    }
    if (!stream.readable || !stream.writable) {
      stream.destroy();
      return;
    }
    if (this.#state !== RUNNING) {
      refuse(stream, 503);
      return;
    }
    const protocol = this.#protocolOf(upgrade, request);
    const { settings } = this.#shared;
    const accepted = acceptUpgrade(upgrade, {
      ...(protocol === "" ? {} : { protocol }),
      deflate: settings.deflate,
    });
    // Listeners of `headers` may add lines.
    const lines = accepted.response.toString("latin1").trimEnd().split("\r\n");
    this.emit("headers", lines, request);
    taken.add(stream);
    const { carrier, rest, start } = adopt(stream, head, this.#policy);
    const WebSocketClass = this.options.WebSocket ?? WsSocket;
    const socket = new WebSocketClass(null);
    const { protocol: chosen, extensions, deflate } = accepted;
    const agreed = { url: "", protocol: chosen, extensions, deflate, owner: null };
    const connection = new WebSocketConnection<WsSocket>(carrier, this.#shared, agreed);
    socket.take(connection);
    start();
    carrier.write(`${lines.join("\r\n")}\r\n\r\n`);
    this.#track(socket);
    callback(socket, request);
    if (rest.length > 0) connection.received(rest, 0, rest.length);
  }

  #protocolOf({ protocols }: UpgradeRequest, request: IncomingMessage): string {
    const { handleProtocols } = this.options;
    if (protocols.length === 0) return "";
    if (!handleProtocols) return protocols[0] as string;
    return handleProtocols(new Set(protocols), request) || "";
  }

  #track(socket: WsSocket): void {
    const { clients } = this;
    if (clients === undefined) return;
    clients.add(socket);
    socket.on("close", () => {
      clients.delete(socket);
      if (this.#awaitsClients) process.nextTick(() => this.#closeWithClients());
    });
  }

  #refuseBad(request: IncomingMessage, stream: Duplex, status: number, body: string): void {
    if (this.listenerCount("wsClientError") > 0) {
      this.emit("wsClientError", new Error(body), stream, request);
      return;
    }
    const headers: Record<string, string> = {};
    if (status === 426) headers["Sec-WebSocket-Version"] = "13";
    refuse(stream, status, body, headers);
  }
}

function refuse(
  stream: Duplex,
  code: number,
  message: string = http.STATUS_CODES[code] ?? "",
  headers: Readonly<Record<string, string>> = {},
): void {
  const all = {
    Connection: "close",
    "Content-Type": "text/html",
    "Content-Length": String(Buffer.byteLength(message)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  stream.once("finish", () => stream.destroy());
  stream.end(
    `HTTP/1.1 ${code} ${http.STATUS_CODES[code] ?? ""}\r\n${lines.join("\r\n")}\r\n\r\n${message}`,
  );
}
