// WebSockets beside a server of node:http or node:https: its upgrades become carriers of ours.
// Not here: how a stream is taken over (adopt.ts), one request (server-upgrade.ts).

import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { Deadline } from "../core/deadlines.ts";
import type { ListenerState } from "../core/states.ts";
import { Deferred } from "../core/waiting.ts";
import { invalidArgType, invalidArgValue, requireObject, requireString } from "../errors/index.ts";
import { clearDeadline, type DeadlineOwner, setDeadline } from "../net/clock.ts";
import { readCloseOptions } from "../net/close-options.ts";
import type { StreamParameters } from "../net/parameters.ts";
import { parseListenArguments } from "../net/parameters.ts";
import { type ConnectionOwner, makePolicy, type Policy } from "../net/policy.ts";
import type {
  ListenerCloseOptions,
  ListenerCloseResult,
  ListenerCounters,
  SocketAddressInfo,
} from "../net/types.ts";
import { adopt } from "./adopt.ts";
import { type Carrier, carrierDrained } from "./carrier.ts";
import type { WebSocketConnection } from "./connection.ts";
import { upgradeFailed } from "./errors.ts";
import { Hub } from "./hub.ts";
import { type StreamSource, WebSocketListener } from "./listener.ts";
import { type ListenerParameters, parseListenerArguments } from "./options.ts";
import { ServerUpgrade } from "./server-upgrade.ts";
import type { WebSocketHandler, WebSocketListenOptions } from "./types.ts";

/** Options of `attach`. What concerns listening sockets is the server's. */
export interface AttachOptions<T = unknown> extends WebSocketListenOptions<T> {
  /** The only path that is served; other upgrades are left to others. Default: all. */
  readonly path?: string | undefined;
}

/**
 * Takes the upgrades of a server of node:http or node:https. For plain TCP the descriptor moves to
 * the reactor; TLS stays with Node. Refused are, with 404, upgrades to other paths where nobody
 * else listens for them. The server's own end closes it as well. `close({ drain: true })` takes no
 * more upgrades and leaves the WebSockets open; what the kernel has queued is the server's.
 *
 * @throws TypeError or RangeError for wrong arguments
 */
export function attach<T = unknown>(
  server: Server,
  options?: AttachOptions<T>,
  handler?: WebSocketHandler<T>,
): WebSocketListener<T>;
/** With a function for each WebSocket, and no options. */
export function attach<T = unknown>(
  server: Server,
  handler: WebSocketHandler<T>,
): WebSocketListener<T>;
export function attach<T = unknown>(
  server: Server,
  options: AttachOptions<T> | WebSocketHandler<T> = {},
  handler?: WebSocketHandler<T>,
): WebSocketListener<T> {
  if (typeof server?.on !== "function") throw invalidArgType("server", "an HTTP server", server);
  if (typeof options === "function") return attach(server, {}, lastHandler(options, handler));
  const { path, ...rest } = requireObject(options, "options of attach()") as AttachOptions<T>;
  if (path !== undefined && !requireString(path, "path").startsWith("/")) {
    throw invalidArgValue("path", "must begin with /", path);
  }
  const parameters = parseListenerArguments(rest, handler, "attach()");
  return new WebSocketListener<T>(
    parameters,
    path ?? null,
    (hub) => new Upgrades(server, hub, parameters),
  );
}

function lastHandler<T>(handler: WebSocketHandler<T>, more: unknown): WebSocketHandler<T> {
  if (more === undefined) return handler;
  throw invalidArgValue("handler", "must be the last argument of attach()", more);
}

/**
 * Takes one upgrade, for who listens to the server's `upgrade` himself. No byte of `head` is lost.
 * Resolves when the WebSocket is open; rejects with ERR_HAWSER_UPGRADE_FAILED where the request was
 * none or was refused, which the client has been told then.
 *
 * @throws TypeError or RangeError for wrong arguments
 */
export function handleUpgrade<T = unknown>(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: WebSocketListenOptions<T> = {},
): Promise<WebSocketConnection<T>> {
  if (!Array.isArray(request?.rawHeaders)) {
    throw invalidArgType("request", "the request of an upgrade", request);
  }
  if (typeof socket?.pipe !== "function") throw invalidArgType("socket", "a Duplex", socket);
  if (!Buffer.isBuffer(head)) throw invalidArgType("head", "a Buffer", head);
  const parameters = parseListenerArguments(options, undefined, "handleUpgrade()");
  const opened = new Deferred<WebSocketConnection<T>>();
  const hub: Hub<T> = new Hub<T>(parameters, null, {
    state: "ready",
    offer: (one) => opened.resolve(one),
    failed: (error) => opened.reject(error),
    closedOne() {},
  });
  hub.always = (one) => opened.resolve(one);
  hub.dropped = (why) => opened.reject(upgradeFailed(why, {}));
  const owner = { connectionClosed() {}, handlerEndedByPeer() {} };
  take(request, socket, head, hub as unknown as Hub, policyOf(parameters, owner));
  return opened.promise;
}

/** The request once more, as it came: it is judged as any other. */
function headOf({ method = "GET", url = "/", rawHeaders }: IncomingMessage): Buffer {
  let text = `${method} ${url} HTTP/1.1\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    text += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, "latin1");
}

function take(
  request: IncomingMessage,
  stream: Duplex,
  head: Buffer,
  hub: Hub,
  policy: Policy,
): Carrier {
  const { carrier, rest, start } = adopt(stream, head, policy);
  const isSecure = (request.socket as { readonly encrypted?: boolean })?.encrypted === true;
  const upgrade = new ServerUpgrade(carrier, hub, isSecure ? "wss" : "ws");
  start();
  const bytes = Buffer.concat([headOf(request), rest]);
  upgrade.received(bytes, 0, bytes.length);
  return carrier;
}

// Node has let go of it: nobody else hears of its errors, or reads it up to the client's end.
function refuse(stream: Duplex): void {
  stream.on("error", () => {});
  stream.once("finish", () => stream.destroy());
  stream.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
}

function policyOf({ stream }: ListenerParameters, owner: ConnectionOwner): Policy {
  const parameters = parseListenArguments({ ...stream, drain: carrierDrained });
  return makePolicy(parameters as unknown as StreamParameters, "tcp", owner);
}

// The upgrades of a server as a source of streams.
class Upgrades implements StreamSource, ConnectionOwner, DeadlineOwner {
  readonly #server: Server;
  readonly #carriers = new Set<Carrier>();
  readonly #over = new Deferred<ListenerCloseResult>();
  readonly #deadline = new Deadline<DeadlineOwner>(this);
  readonly #stop: () => void;
  #counters = { accepted: 0, failed: 0, endedByPeer: 0, acceptRetries: 0 };
  #aborted = 0;
  #state: ListenerState = "ready";
  /** It waits for the WebSockets to end by themselves. */
  #drains = false;
  newConnectionLimit: number;
  maxConnections: number;
  readonly closed = this.#over.promise;

  constructor(server: Server, hub: Hub, parameters: ListenerParameters) {
    this.#server = server;
    const policy = policyOf(parameters, this);
    const { maxConnections, newConnectionLimit } = parseListenArguments(parameters.stream);
    this.maxConnections = maxConnections;
    this.newConnectionLimit = newConnectionLimit;
    const upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      if (this.#isForOthers(request, hub.path)) return;
      if (this.newConnectionLimit <= 0 || this.#carriers.size >= this.maxConnections) {
        refuse(stream);
        return;
      }
      this.newConnectionLimit--;
      this.#counters.accepted++;
      this.#carriers.add(take(request, stream, head, hub, policy));
    };
    const ended = () => void this.close();
    server.on("upgrade", upgrade);
    server.on("close", ended);
    this.#stop = () => {
      server.off("upgrade", upgrade);
      server.off("close", ended);
    };
  }

  #isForOthers({ url = "/" }: IncomingMessage, path: string | null): boolean {
    if (path === null || this.#server.listenerCount("upgrade") === 1) return false;
    const query = url.indexOf("?");
    return path !== (query < 0 ? url : url.slice(0, query));
  }

  connectionClosed(carrier: object): void {
    this.#carriers.delete(carrier as Carrier);
    this.#finishIfDone();
  }

  handlerEndedByPeer(): void {
    this.#counters.endedByPeer++;
  }

  get state(): ListenerState {
    return this.#state;
  }

  get counters(): ListenerCounters {
    return { ...this.#counters };
  }

  get port(): number | undefined {
    const address = this.#server.address() as AddressInfo | string | null;
    return typeof address === "object" ? address?.port : undefined;
  }

  get address(): SocketAddressInfo {
    const address = this.#server.address() as AddressInfo | string | null;
    if (address === null) return { address: "", family: "unix", port: 0 };
    if (typeof address === "string") return { address, family: "unix", port: 0 };
    const family = address.family === "IPv6" ? "IPv6" : "IPv4";
    return { address: address.address, family, port: address.port };
  }

  get addresses(): readonly SocketAddressInfo[] {
    return [this.address];
  }

  /** The server's sockets are its own. */
  get fd(): number {
    return -1;
  }

  ref(): never {
    this.#server.ref();
    return this as never;
  }

  unref(): never {
    this.#server.unref();
    return this as never;
  }

  close(options?: ListenerCloseOptions): Promise<ListenerCloseResult> {
    const { timeout, drain } = readCloseOptions(options);
    const isFirst = this.#state === "ready";
    if (isFirst) {
      this.#state = "closing";
      this.#stop();
    }
    if (!drain && (isFirst || this.#drains)) {
      for (const carrier of this.#carriers) carrier.conclude();
    }
    this.#drains = drain && (isFirst || this.#drains);
    if (timeout !== undefined && this.#carriers.size > 0) setDeadline(this.#deadline, timeout);
    this.#finishIfDone();
    return this.closed;
  }

  expired(): void {
    for (const carrier of this.#carriers) {
      this.#aborted++;
      carrier.abort();
    }
  }

  #finishIfDone(): void {
    if (this.#state !== "closing" || this.#carriers.size > 0) return;
    this.#state = "closed";
    clearDeadline(this.#deadline);
    this.#over.resolve({ error: null, aborted: this.#aborted });
  }
}
