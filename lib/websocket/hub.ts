// What the WebSockets of one listener share, wherever their streams come from: those that are open,
// the decision about upgrades, topics. Not here: accepting (listener.ts), one request
// (server-upgrade.ts).

import type { RequestListener, Server } from "node:http";
import { nodeHttp } from "../core/builtins.ts";
import type { ListenerState } from "../core/states.ts";
import type { HawserError } from "../errors/index.ts";
import type { SendData } from "../net/types.ts";
import { report } from "../socket/reactor.ts";
import type { Carrier } from "./carrier.ts";
import { WebSocketConnection } from "./connection.ts";
import type { Agreed, SocketOwner } from "./connection-facts.ts";
import type { ListenerParameters } from "./options.ts";
import { Topics } from "./topics.ts";
import type { BroadcastOptions, WebSocketHandler } from "./types.ts";

/** What the listener in front of a hub does with what happens there. */
export interface HubListener<T> {
  readonly state: ListenerState;
  /** A WebSocket is open, and neither a handler nor callbacks take it. */
  offer(socket: WebSocketConnection<T>): void;
  /** Something failed before `open`. */
  failed(error: HawserError): void;
  /** One less is open. */
  closedOne(): void;
  /** Whether one more may open now; otherwise `goOn` is called when it may. Default: always. */
  admits?(goOn: () => void): boolean;
}

export class Hub<T = unknown> implements SocketOwner {
  readonly parameters: ListenerParameters;
  /** The only path that is served; null for any. */
  readonly path: string | null;
  readonly sockets = new Set<WebSocketConnection<T>>();
  /** Told of each WebSocket that is open, before its handler. */
  always: ((socket: WebSocketConnection<T>) => void) | null = null;
  dropped: ((why: string) => void) | null = null;
  /** For `http`; made when the first plain request comes. */
  #httpServer: Server | null = null;
  readonly #listener: HubListener<T>;
  readonly #topics: Topics;
  // What the last one agreed on: mostly the next one agrees on the same.
  #agreed: Agreed | null = null;

  constructor(parameters: ListenerParameters, path: string | null, listener: HubListener<T>) {
    this.parameters = parameters;
    this.path = path;
    this.#listener = listener;
    this.#topics = new Topics(parameters.shared.settings.deflate);
  }

  /** Whether WebSockets are taken by an iteration. */
  get isIterated(): boolean {
    const { handler, shared } = this.parameters;
    return handler === undefined && Object.values(shared.handlers).every((one) => !one);
  }

  /** Whether one more may open now; otherwise `goOn` is called when it may. */
  admits(goOn: () => void): boolean {
    return this.#listener.admits?.(goOn) ?? true;
  }

  /** The opening handshake is over. */
  open(carrier: Carrier, agreed: Omit<Agreed, "owner">, data: unknown): WebSocketConnection<T> {
    const agreement = this.#shareAgreed(agreed);
    const socket = new WebSocketConnection<T>(carrier, this.parameters.shared, agreement);
    if (data !== undefined) socket.data = data as T;
    this.sockets.add(socket);
    return socket;
  }

  /** Tells the application; after the answer was written. */
  announce(socket: WebSocketConnection<T>): void {
    socket.announce();
    this.always?.(socket);
    const { handler } = this.parameters;
    if (handler !== undefined) handle(handler as unknown as WebSocketHandler<T>, socket);
    else if (this.isIterated) this.#listener.offer(socket);
  }

  #shareAgreed(agreed: Omit<Agreed, "owner">): Agreed {
    const known = this.#agreed;
    const isSame =
      known !== null &&
      known.url === agreed.url &&
      known.protocol === agreed.protocol &&
      known.extensions === agreed.extensions;
    if (isSame) return known;
    this.#agreed = { ...agreed, owner: this };
    return this.#agreed;
  }

  /** Node's server for what is plain HTTP. */
  serverFor(listener: RequestListener): Server {
    if (this.#httpServer !== null) return this.#httpServer;
    const server = nodeHttp().createServer(listener);
    // It listens by us: Node counts its connections, and the time of their requests, from here on.
    server.emit("listening");
    server.on("request", (_request, response) => {
      // An answer that is done leaves its connection idle, which a listener that closes waits for.
      response.once("close", () => {
        if (this.#listener.state !== "ready") setImmediate(() => server.closeIdleConnections());
      });
    });
    this.#httpServer = server;
    return server;
  }

  /** Ends what is idle; or else everything. */
  endHttp(how: "idle" | "all"): void {
    const server = this.#httpServer;
    // Stops Node's timer; that it did not listen by itself is known.
    server?.close(() => {});
    if (how === "all") server?.closeAllConnections();
  }

  upgradeFailed(error: HawserError): void {
    this.#listener.failed(error);
  }

  /** It ends without a WebSocket, as was wanted: refused by the application, or left. */
  upgradeDropped(why: string): void {
    this.dropped?.(why);
  }

  socketClosed(socket: WebSocketConnection<never>): void {
    this.sockets.delete(socket as unknown as WebSocketConnection<T>);
    this.#topics.forget(socket);
    this.#listener.closedOne();
  }

  // ------------------------------------------------------------------------------------- topics

  subscribe(topic: string, socket: WebSocketConnection<never>): void {
    if (this.sockets.has(socket as unknown as WebSocketConnection<T>)) {
      this.#topics.subscribe(topic, socket);
    }
  }

  unsubscribe(topic: string, socket: WebSocketConnection<never>): void {
    this.#topics.unsubscribe(topic, socket);
  }

  publish(
    topic: string,
    message: SendData,
    options: BroadcastOptions | undefined,
    except: WebSocketConnection<never> | null,
  ): number {
    return this.#topics.publish(topic, message, options, except);
  }

  broadcast(message: SendData, options: BroadcastOptions | undefined): number {
    return this.#topics.send(
      this.sockets as ReadonlySet<unknown> as ReadonlySet<never>,
      message,
      options,
      null,
    );
  }
}

// The WebSocket is closed when the handler is done with it.
function handle<T>(handler: WebSocketHandler<T>, socket: WebSocketConnection<T>): void {
  try {
    const result = handler(socket);
    if (typeof (result as PromiseLike<unknown>)?.then !== "function") {
      void socket.close();
      return;
    }
    (result as PromiseLike<unknown>).then(
      () => void socket.close(),
      (error) => socket.handlerFailed(error),
    );
  } catch (error) {
    socket.handlerFailed(error);
  }
}

/** Calls a handler of the listener's; what it throws reaches `uncaughtException`. */
export function callGuarded(callback: () => unknown): void {
  try {
    const result = callback();
    if (typeof (result as PromiseLike<unknown>)?.then === "function") {
      (result as PromiseLike<unknown>).then(undefined, report);
    }
  } catch (error) {
    report(error);
  }
}
