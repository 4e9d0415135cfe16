// The sides under test: hawser's server and client, and those of the `ws` package, each of which
// sends back what it gets. All run in this process. Not here: what is right and what is wrong.

import { once } from "node:events";
import net, { type AddressInfo, type Server, type Socket } from "node:net";
import WS, { type ServerOptions, WebSocketServer } from "ws";
import { connect, listen, type WebSocketConnection } from "../../lib/index.ts";
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

export async function hawserServer(): Promise<Subject> {
  const listener = await listen("ws://127.0.0.1:0", { ...LIMITS, ...DEFLATE, message: echo });
  const port = listener.port as number;
  return {
    name: "hawser server",
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

/**
 * The `ws` package sends back what it gets; tests of the suite itself put another `serve` there.
 */
export async function wsServer(
  name = "ws server",
  serve: (socket: WS) => void = wsEcho,
): Promise<Subject> {
  // The types of the package lag behind its options.
  const options: ServerOptions = { host: "127.0.0.1", port: 0, ...LIMITS, ...DEFLATE } as never;
  const server = new WebSocketServer(options);
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

export function wsClient(): Promise<Subject> {
  return client("ws client", (url) => wsEcho(new WS(url, { ...LIMITS, ...DEFLATE } as never)));
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
