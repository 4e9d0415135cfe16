// node:http over hawser: a server whose connections come from listen(), and agents for clients.
// Not here: the stream between (duplex.ts), undici (undici.ts), HTTP itself, which is Node's.

import http from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { CLOSE_TIMEOUT_MS } from "../core/limits.ts";
import { invalidArgValue, requireObject } from "../errors/index.ts";
import { readCloseOptions } from "../net/close-options.ts";
import { Connection } from "../net/connection.ts";
import { listen } from "../net/entry.ts";
import type { Listener } from "../net/listener.ts";
import { parseConnectOptions } from "../net/parameters.ts";
import type {
  ConnectOptions,
  ListenEndpoint,
  ListenerCloseOptions,
  ListenOptions,
  StreamEndpoint,
  StreamHandlers,
} from "../net/types.ts";
import { refuseData } from "./claim.ts";
import { type ConnectionDuplex, toDuplex } from "./duplex.ts";
import { connectOptionsOf } from "./node-arguments.ts";

/** Options of `listen` without its callbacks: the connections are the server's. */
export type HttpListenOptions = Omit<
  ListenOptions,
  keyof StreamHandlers | "allowHalfOpen" | "lend"
>;

/** Options of `connect` without its callbacks and without what the request says. */
export type HttpConnectOptions = Omit<
  ConnectOptions,
  keyof StreamHandlers | "allowHalfOpen" | "lend" | "signal" | "tls"
>;

/** What the server says itself. */
const ITS_OWN = [
  "open",
  "data",
  "drain",
  "end",
  "close",
  "state",
  "lend",
  "allowHalfOpen",
] as const;

/** A `node:http` server, and where its connections come from. */
export interface HttpServer extends AsyncDisposable {
  /** Node's own: its events, limits and time-outs. It does not listen by itself. */
  readonly server: http.Server;
  /**
   * Takes connections on an endpoint; on several when called again, and after `close()`. See
   * `listen`.
   *
   * Rejects with what `listen` rejects with, or a TypeError for callbacks, `lend` and
   * `allowHalfOpen`, which are the server's own.
   */
  listen(endpoint: ListenEndpoint | URL, options?: HttpListenOptions): Promise<Listener>;
  /**
   * Accepts no more, closes idle connections, lets the answers under way finish, and ends what is
   * left after `timeout` milliseconds (default 30,000). With `drain` what the kernel has queued is
   * accepted first.
   */
  close(options?: ListenerCloseOptions): Promise<void>;
}

/** As `http.createServer`, over hawser's listeners. */
export function createServer(
  options: http.ServerOptions | http.RequestListener = {},
  listener?: http.RequestListener,
): HttpServer {
  const server =
    typeof options === "function"
      ? http.createServer(options)
      : http.createServer(options, listener);
  return new ListeningServer(server);
}

/** A listener, and the sockets of its connections. */
interface Served {
  readonly listener: Listener;
  readonly sockets: ReadonlySet<ConnectionDuplex>;
}

class ListeningServer implements HttpServer {
  readonly server: http.Server;
  #served: readonly Served[] = [];
  /** Whether Node's timer runs that looks at headers and requests. */
  #isTimed = false;
  /** For each `close()` that is under way. */
  readonly #whenIdle = new Set<() => void>();

  constructor(server: http.Server) {
    this.server = server;
    // Else Node drops the answer to a request whose FIN came with it.
    Object.assign(server, { httpAllowHalfOpen: true });
    // An answer that is done leaves its connection idle, which the end of the server waits for.
    server.on("request", (_request, response) => {
      response.once("close", () => {
        if (this.#whenIdle.size > 0) setImmediate(() => server.closeIdleConnections());
      });
    });
  }

  async listen(endpoint: ListenEndpoint | URL, options: HttpListenOptions = {}): Promise<Listener> {
    const given = requireObject(options, "options");
    for (const key of ITS_OWN) {
      if (given[key] === undefined) continue;
      throw invalidArgValue(
        key,
        "is not for an http server, whose connections are its own",
        given[key],
      );
    }
    const sockets = new Set<ConnectionDuplex>();
    const listener = await listen(endpoint as ListenEndpoint, {
      ...options,
      // A client may send its request and its FIN together, and still waits for the answer.
      allowHalfOpen: true,
      open: (connection: Connection) => this.#serve(connection, sockets),
    });
    this.#served = [...this.#served, { listener, sockets }];
    // Node counts the time of headers and requests from here on.
    if (!this.#isTimed) this.server.emit("listening");
    this.#isTimed = true;
    return listener;
  }

  #serve(connection: Connection, sockets: Set<ConnectionDuplex>): void {
    const socket = toDuplex(connection);
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      this.#tellIfIdle();
    });
    this.server.emit("connection", socket);
  }

  #tellIfIdle(): void {
    for (const tell of this.#whenIdle) tell();
  }

  async close(options?: ListenerCloseOptions): Promise<void> {
    const { timeout, drain } = readCloseOptions(options);
    // Whoever listens meanwhile is not closed, and not waited for.
    const served = this.#served;
    const listeners = served.map(({ listener }) => listener);
    let tell = () => {};
    const idle = new Promise<void>((resolve) => {
      tell = () => {
        if (served.every(({ sockets }) => sockets.size === 0)) resolve();
      };
    });
    this.#whenIdle.add(tell);
    const drained = drain ? listeners.map((one) => one.close({ drain })) : [idle];
    if (!drain) for (const listener of listeners) listener.newConnectionLimit = 0;
    // Closes what is idle now and stops Node's timer; that it did not listen is known.
    this.server.close(() => {});
    this.#isTimed = false;
    this.#tellIfIdle();
    await withinTime(Promise.all(drained), timeout ?? CLOSE_TIMEOUT_MS);
    await Promise.all(listeners.map((listener) => listener.close({ timeout })));
    this.#whenIdle.delete(tell);
    this.#served = this.#served.filter((one) => !served.includes(one));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function withinTime(done: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, passed]);
  clearTimeout(timer);
}

export interface AgentOptions extends http.AgentOptions {
  /**
   * Options of hawser's connections: `keepAlive`, `dropTimeout`, `connectTimeout` and the like. The
   * agent's own `keepAlive` is whether connections are used again, and its `keepAliveMsecs` sets
   * the idle time of those that wait for that; without it they keep theirs.
   */
  readonly hawser?: HttpConnectOptions | undefined;
}

export interface HttpsAgentOptions extends https.AgentOptions {
  /** As in {@link AgentOptions}. */
  readonly hawser?: HttpConnectOptions | undefined;
}

/** For `http.request({ agent })`: the connections of a `node:http` client, over hawser. */
export class Agent extends http.Agent {
  readonly #hawser: HttpConnectOptions;

  constructor({ hawser = {}, ...options }: AgentOptions = {}) {
    super(options);
    this.#hawser = checked(hawser);
    keepOwnKeepAlive(this, options);
  }

  /** @internal Called by Node for a request that finds no free connection. */
  override createConnection(request: RequestTarget): Duplex {
    return dial(request, this.#hawser);
  }
}

/** For `https.request({ agent })`: Node's TLS over hawser's connections. */
export class HttpsAgent extends https.Agent {
  readonly #hawser: HttpConnectOptions;

  constructor({ hawser = {}, ...options }: HttpsAgentOptions = {}) {
    super(options);
    this.#hawser = checked(hawser);
    keepOwnKeepAlive(this, options);
  }

  /** @internal Called by Node for a request that finds no free connection. */
  override createConnection(request: RequestTarget, callback?: unknown): Duplex {
    const socket = dial(request, this.#hawser);
    const { createConnection } = https.Agent.prototype as unknown as SocketMaker;
    const secure = createConnection.call(this, { ...request, socket }, callback);
    // TLS over a stream hears of its end, and not of its failure.
    socket.once("error", (error) => secure.destroy(error));
    return secure;
  }
}

function checked(hawser: HttpConnectOptions): HttpConnectOptions {
  parseConnectOptions(hawser);
  refuseData(hawser);
  return hawser;
}

// Node sets a connection that is kept to probes after 1 s, where nobody has said another time; here
// the connection has its own.
function keepOwnKeepAlive(agent: http.Agent, { keepAliveMsecs }: http.AgentOptions): void {
  if (keepAliveMsecs === undefined) Object.assign(agent, { keepAliveMsecs: 0 });
}

interface SocketMaker {
  createConnection(this: unknown, options: object, callback: unknown): Duplex;
}

/** What Node tells an agent's `createConnection`. */
interface RequestTarget {
  readonly host?: string | null | undefined;
  readonly port?: number | string | null | undefined;
  readonly socketPath?: string | undefined;
  readonly timeout?: number | undefined;
}

function dial(request: RequestTarget, options: HttpConnectOptions): ConnectionDuplex {
  const { socketPath, host, port, timeout } = request;
  const endpoint: StreamEndpoint =
    socketPath === undefined
      ? { host: host ?? "localhost", port: Number(port) }
      : { path: socketPath };
  const connection = new Connection(endpoint, { ...options, ...connectOptionsOf(request) });
  const stream = toDuplex(connection.start());
  // Node's requests rely on the socket for the `timeout` of their agent.
  if (timeout) stream.setTimeout(timeout);
  return stream;
}
