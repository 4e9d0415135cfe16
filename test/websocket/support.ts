// What the tests of WebSockets share: listeners and clients that end with the test, peers of the
// `ws` package, raw sockets that speak bytes.

import { once } from "node:events";
import net from "node:net";
import { afterEach } from "vitest";
import WS, { WebSocketServer } from "ws";
import {
  connect,
  listen,
  type WebSocketConnection,
  type WebSocketConnectOptions,
  type WebSocketHandler,
  type WebSocketListener,
  type WebSocketListenOptions,
} from "../../lib/index.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Runs when the test is over, the last first. */
export function afterTest(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export interface Served<T> {
  readonly listener: WebSocketListener<T>;
  readonly url: `ws://${string}`;
  readonly port: number;
}

/** A listener on 127.0.0.1 that is closed after the test. */
export async function serve<T = unknown>(
  options: WebSocketListenOptions<T>,
  handler?: WebSocketHandler<T>,
): Promise<Served<T>> {
  const listener = await listen<T>("ws://127.0.0.1:0", options, handler);
  afterTest(() => listener.close({ timeout: 0 }));
  const port = listener.port as number;
  return { listener, port, url: `ws://127.0.0.1:${port}` };
}

/** A listener that sends every message back. */
export function serveEcho<T = unknown>(
  options: WebSocketListenOptions<T> = {},
): Promise<Served<T>> {
  return serve<T>({ message: (socket, message) => void socket.write(message), ...options });
}

/** A client that is aborted after the test. */
export async function open(
  url: `ws://${string}`,
  options: WebSocketConnectOptions = {},
): Promise<WebSocketConnection> {
  const socket = await connect(url, options);
  afterTest(() => socket.abort());
  return socket;
}

/** A client of the `ws` package, open. */
export async function openWs(url: string, options: WS.ClientOptions = {}): Promise<WS> {
  const socket = new WS(url, options);
  socket.on("error", () => {});
  afterTest(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

/** A server of the `ws` package. */
export async function serveWs(
  onConnection: (socket: WS) => void,
  options: WS.ServerOptions = {},
): Promise<`ws://${string}`> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  server.on("connection", (socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  afterTest(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  await once(server, "listening");
  return `ws://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

/** A socket that speaks bytes. */
export class Raw {
  readonly socket: net.Socket;
  #received = Buffer.alloc(0);
  #changed: () => void = () => {};
  hasEnded = false;

  constructor(port: number) {
    this.socket = net.connect(port, "127.0.0.1");
    this.socket.on("error", () => {});
    this.socket.on("data", (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#changed();
    });
    this.socket.on("close", () => {
      this.hasEnded = true;
      this.#changed();
    });
    afterTest(() => this.socket.destroy());
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** What has come, when `isEnough` says so or at the end. */
  async until(isEnough: (bytes: Buffer) => boolean): Promise<Buffer> {
    while (!isEnough(this.#received) && !this.hasEnded) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    const bytes = this.#received;
    this.#received = Buffer.alloc(0);
    return bytes;
  }

  /** Everything up to the end. */
  async all(): Promise<string> {
    return (await this.until(() => false)).toString("latin1");
  }

  /** The answer's head. */
  async head(): Promise<string> {
    return (await this.until((bytes) => bytes.includes("\r\n\r\n"))).toString("latin1");
  }
}

export const HANDSHAKE = [
  "GET /chat?x=1 HTTP/1.1",
  "Host: example.com",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
];

/** The bytes of a request. */
export function request(...more: string[]): string {
  return `${[...HANDSHAKE, ...more].join("\r\n")}\r\n\r\n`;
}

/** The next call of a function that is handed out to somebody. */
export function called<A extends unknown[]>(): {
  readonly fn: (...args: A) => void;
  readonly args: Promise<A>;
} {
  let resolve: (args: A) => void = () => {};
  const args = new Promise<A>((fulfil) => {
    resolve = fulfil;
  });
  return { fn: (...all) => resolve(all), args };
}
