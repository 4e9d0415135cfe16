// The sides under test: hawser's servers and clients, and those of the `ws` package, each of which
// sends back what it gets. All run in this process. Not here: what is right and what is wrong.

import { once } from "node:events";
import net, { type AddressInfo, type Server, type Socket } from "node:net";
import WS, { type ServerOptions, WebSocketServer } from "ws";
import { connect, listen, type WebSocketConnection } from "../../lib/index.ts";
import { WebSocket as HawserWs, WebSocketServer as HawserWsServer } from "../../lib/ws.ts";
import type { Side } from "./session.ts";

export interface Subject extends AsyncDisposable {
  readonly name: string;
  readonly side: Side;
  /** Our end of a new TCP connection with it. */
  open(): Promise<Socket>;
}

/**
 * The suite's largest message is of 16 MiB, which is hawser's default, and its most fragmented one
 * of 65,536 frames, which is above both packages' defaults.
 */
const LIMITS = { maxFragments: 131_072 } as const;
const DEFLATE = { perMessageDeflate: { threshold: 0 } } as const;

const echo = (socket: WebSocketConnection, message: string | Buffer): void => {
  socket.write(message);
};

/** `lend`: binary messages are views of what was received, written back as they are. */
export async function hawserServer(name = "hawser server", lend = false): Promise<Subject> {
  const options = { ...LIMITS, ...DEFLATE, lend, message: echo };
  const listener = await listen("ws://127.0.0.1:0", options);
  const port = listener.port as number;
  return {
    name,
    side: "server",
    open: () => dial(port),
    [Symbol.asyncDispose]: async () => void (await listener.close({ timeout: 0 })),
  };
}

export function hawserClient(): Promise<Subject> {
  return client("hawser client", (url) => {
    // What it fails with is looked at on the wire.
    connect(url, { ...LIMITS, ...DEFLATE, message: echo }).catch(() => {});
  });
}

/** The drop-in for `ws`, which is no less strict than the rest of hawser. */
export function hawserWsServer(): Promise<Subject> {
  return wsServer("hawser/ws server", wsEcho, HawserWsServer as unknown as typeof WebSocketServer);
}

export function hawserWsClient(): Promise<Subject> {
  return wsClient("hawser/ws client", HawserWs as unknown as typeof WS);
}

/**
 * The `ws` package sends back what it gets; tests of the suite itself put another `serve` there.
 */
export async function wsServer(
  name = "ws server",
  serve: (socket: WS) => void = wsEcho,
  Server: typeof WebSocketServer = WebSocketServer,
): Promise<Subject> {
  // The types of the package lag behind its options.
  const options: ServerOptions = { host: "127.0.0.1", port: 0, ...LIMITS, ...DEFLATE } as never;
  const server = new Server(options);
  server.on("connection", serve);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    name,
    side: "server",
    open: () => dial(port),
    [Symbol.asyncDispose]: async () => {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function wsClient(name = "ws client", Client: typeof WS = WS): Promise<Subject> {
  return client(name, (url) => wsEcho(new Client(url, { ...LIMITS, ...DEFLATE } as never)));
}

export function wsEcho(socket: WS): void {
  // What it fails with is looked at on the wire.
  socket.on("error", () => {});
  socket.on("message", (data, binary) => socket.send(data, { binary }));
}

async function dial(port: number): Promise<Socket> {
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

async function client(name: string, call: (url: `ws://${string}`) => void): Promise<Subject> {
  const waiting: ((socket: Socket) => void)[] = [];
  const server: Server = net.createServer({ allowHalfOpen: true }, (socket) => {
    waiting.shift()?.(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    name,
    side: "client",
    open: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        call(`ws://127.0.0.1:${port}/`);
      }),
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
