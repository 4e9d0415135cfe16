// A listener whose connections are WebSockets: a stream listener beneath, with a handshake on each
// stream. Not here: accepting (lib/net/listener.ts), what WebSockets share (hub.ts).

import type { ListenerState } from "../core/states.ts";
import { type HawserError, invalidState } from "../errors/index.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { Listener } from "../net/listener.ts";
import { parseListenArguments } from "../net/parameters.ts";
import type {
  ListenerCloseOptions,
  ListenerCloseResult,
  ListenerCounters,
  SendData,
  SocketAddressInfo,
} from "../net/types.ts";
import { Carrier, carrierDrained } from "./carrier.ts";
import type { WebSocketConnection } from "./connection.ts";
import { callGuarded, Hub, type HubListener } from "./hub.ts";
import type { ListenerParameters } from "./options.ts";
import { ServerUpgrade } from "./server-upgrade.ts";
import type { BroadcastOptions } from "./types.ts";
import { WaitingRoom } from "./waiting-room.ts";

/**
 * Where streams come from, and how they end: a listener's sockets, or another server's upgrades.
 */
export type StreamSource = Pick<
  Listener,
  | "state"
  | "port"
  | "address"
  | "addresses"
  | "fd"
  | "newConnectionLimit"
  | "maxConnections"
  | "counters"
  | "ref"
  | "unref"
  | "close"
  | "closed"
>;

/**
 * Binds, listens, and resolves when the port is known. Rejects with what `listen()` rejects with.
 */
export async function startListener<T>(
  endpoint: Endpoint,
  parameters: ListenerParameters,
): Promise<WebSocketListener<T>> {
  const { tls, target = "/" } = endpoint;
  const starting: Promise<unknown>[] = [];
  const listener = new WebSocketListener<T>(
    parameters,
    target === "/" ? null : target,
    (hub, tell) => {
      const options = {
        ...parameters.stream,
        drain: carrierDrained,
        error: (_: unknown, error: HawserError) => tell(error),
      };
      const streams = new Listener(endpoint, parseListenArguments(options), (accepted) => {
        const carrier = new Carrier(accepted as never);
        new ServerUpgrade(carrier, hub, tls ? "wss" : "ws");
        return carrier;
      });
      starting.push(streams.start());
      return streams;
    },
  );
  await Promise.all(starting);
  return listener;
}

/** Takes WebSockets in. Made by `listen("ws://...")`, which resolves when it is ready. */
export class WebSocketListener<T = unknown>
  implements HubListener<T>, AsyncIterable<WebSocketConnection<T>>, AsyncDisposable
{
  readonly #hub: Hub<T>;
  readonly #streams: StreamSource;
  #failed = 0;
  /** For those who iterate; null where a handler or callbacks take the WebSockets. */
  readonly #room: WaitingRoom<WebSocketConnection<T>> | null;

  /** Settles when the listener and all its WebSockets are closed. Never rejects. */
  readonly closed: Promise<ListenerCloseResult>;

  /**
   * @internal Made by `listen()` and `attach()`.
   * @param path the only one that is served; null for any
   */
  constructor(
    parameters: ListenerParameters,
    path: string | null,
    open: (hub: Hub, tell: (error: HawserError) => void) => StreamSource,
  ) {
    this.#hub = new Hub<T>(parameters, path, this);
    this.#streams = open(this.#hub as unknown as Hub, (error) => this.#tell(error));
    this.#room = this.#hub.isIterated ? new WaitingRoom(this.#streams) : null;
    this.closed = this.#streams.closed.then((result) => {
      this.#end();
      return result;
    });
  }

  // ----------------------------------------------------------------------------- from the hub

  /** @internal */
  admits(goOn: () => void): boolean {
    return this.#room === null || this.#room.admits(goOn);
  }

  /** @internal */
  offer(socket: WebSocketConnection<T>): void {
    this.#room?.offer(socket);
  }

  /** @internal */
  failed(error: HawserError): void {
    this.#failed++;
    this.#tell(error);
  }

  /** @internal */
  closedOne(): void {}

  #tell(error: HawserError): void {
    const { error: callback } = this.#hub.parameters.own;
    if (callback !== undefined) callGuarded(() => callback(this as never, error));
  }

  // ---------------------------------------------------------------------------------- iterating

  /**
   * Without handler and callbacks: each WebSocket as it opens, until `close()`. While 16 wait to be
   * taken no more are opened: their upgrades are answered when there is room again, or with 503
   * after `handshakeTimeout`, and further streams wait in the kernel.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<WebSocketConnection<T>> {
    if (this.#room === null) {
      throw invalidState("a listener with a handler or callbacks gives its WebSockets to those");
    }
    return this.#room.iterate();
  }

  #end(): void {
    this.#room?.end();
    this.#hub.endHttp("all");
  }

  // --------------------------------------------------------------------------------- properties

  get state(): ListenerState {
    return this.#streams.state;
  }

  /** The port, also where 0 was asked for; undefined for a Unix socket. */
  get port(): number | undefined {
    return this.#streams.port;
  }

  /** The first address. `localhost` has two. */
  get address(): SocketAddressInfo {
    return this.#streams.address;
  }

  get addresses(): readonly SocketAddressInfo[] {
    return this.#streams.addresses;
  }

  /** The descriptor of the first address, for `tune` and the like; -1 when closed. */
  get fd(): number {
    return this.#streams.fd;
  }

  /** The WebSockets open now. Safe to close them while iterating. */
  get connections(): Iterable<WebSocketConnection<T>> & { readonly size: number } {
    return this.#hub.sockets;
  }

  /** Credits of streams left; set it to take more. @throws RangeError below 0. */
  get newConnectionLimit(): number {
    return this.#room?.credits ?? this.#streams.newConnectionLimit;
  }

  set newConnectionLimit(limit: number) {
    if (this.#room === null) this.#streams.newConnectionLimit = limit;
    else this.#room.credits = limit;
  }

  /** Streams open at once, those in their handshake included. @throws RangeError below 1. */
  get maxConnections(): number {
    return this.#streams.maxConnections;
  }

  set maxConnections(limit: number) {
    this.#streams.maxConnections = limit;
  }

  /** `failed` counts what failed before `open`, bad requests included. */
  get counters(): ListenerCounters {
    const counters = this.#streams.counters;
    return { ...counters, failed: counters.failed + this.#failed };
  }

  /** Keeps the process alive while it listens, which is the default. */
  ref(): this {
    this.#streams.ref();
    return this;
  }

  /** Lets the process end while this listens. */
  unref(): this {
    this.#streams.unref();
    return this;
  }

  // ---------------------------------------------------------------------------------- broadcast

  /** To all, encoded and compressed once. Returns how many it went to. */
  broadcast(message: SendData, options?: BroadcastOptions): number {
    return this.#hub.broadcast(message, options);
  }

  /** To the subscribers of a topic, encoded and compressed once. Returns how many it went to. */
  publish(topic: string, message: SendData, options?: BroadcastOptions): number {
    return this.#hub.publish(topic, message, options, null);
  }

  // ------------------------------------------------------------------------------------- ending

  /**
   * Stops accepting, closes each WebSocket with 1001, aborts what is left after `timeout`. Resolves
   * when all are gone. Never rejects; the same promise as `closed`.
   */
  close(options?: ListenerCloseOptions): Promise<ListenerCloseResult> {
    void this.#streams.close(options);
    // With `drain` upgrades that are under way still open, for whoever iterates.
    if (options?.drain !== true) this.#room?.end();
    this.#hub.endHttp("idle");
    return this.closed;
  }

  /** `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
