// The smallest glue between a net.Socket and the protocol core, as an example of how bytes and a
// clock drive it. For tests; the library's own glue is elsewhere.

import { connect, createServer, type Server, type Socket } from "node:net";
import {
  type Accepted,
  ClientHandshake,
  type ClientHandshakeOptions,
  type DeflateParameters,
  type ProtocolOptions,
  ServerHandshake,
  type UpgradeRequest,
} from "../../../lib/websocket/protocol/index.ts";
import { makeSide, type Side } from "./support.ts";

const clock = () => Math.trunc(performance.now());

/** Joins an open WebSocket and its socket; `head` are bytes that came with the handshake. */
function join(
  socket: Socket,
  options: ProtocolOptions,
  deflate: DeflateParameters | null,
  head: Buffer,
): Side {
  const side = makeSide(options, deflate, clock());
  const { protocol, output, handler } = side;
  let timer: NodeJS.Timeout | undefined;
  let ending = false;
  const settle = () => {
    for (const piece of output.takePieces()) socket.write(piece, () => protocol.flushed());
    if (ending) socket.end();
    clearTimeout(timer);
    const wait = protocol.nextDeadline() - clock();
    if (Number.isFinite(wait)) {
      timer = setTimeout(
        () => {
          protocol.tick(clock());
          settle();
        },
        Math.max(0, wait),
      );
    }
  };
  const { react } = handler;
  handler.react = (entry) => {
    react?.(entry);
    if (entry[0] === "shutdown") ending = true;
    if (entry[0] === "abort") socket.destroy();
    if (entry[0] === "reading") entry[1] === true ? socket.resume() : socket.pause();
    setImmediate(settle);
  };
  const take = (bytes: Buffer) => {
    protocol.receive(bytes, 0, bytes.length, clock());
    settle();
  };
  socket.on("data", take);
  socket.on("end", () => {
    protocol.end(clock());
    settle();
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    clearTimeout(timer);
    protocol.transportClosed(clock());
    clearTimeout(timer);
  });
  flushes.set(side, settle);
  if (head.length > 0) take(head);
  return side;
}

const flushes = new WeakMap<Side, () => void>();

/** Writes what the application sent. */
export function flush(side: Side): void {
  flushes.get(side)?.();
}

export interface Served {
  readonly server: Server;
  readonly port: number;
  next(): Promise<Side>;
}

/** A WebSocket server on a free loopback port. */
export async function serve(
  options: ProtocolOptions,
  decide: (request: UpgradeRequest, handshake: ServerHandshake) => Accepted | Buffer,
): Promise<Served> {
  const sides: Side[] = [];
  const waiting: ((side: Side) => void)[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const handshake = new ServerHandshake({}, clock());
    socket.on("error", () => socket.destroy());
    socket.on("data", function read(bytes: Buffer) {
      const at = handshake.receive(bytes, 0, bytes.length);
      if (handshake.state === "reading") return;
      socket.off("data", read);
      const { request } = handshake;
      const answer = request === null ? handshake.refuse() : decide(request, handshake);
      if (Buffer.isBuffer(answer)) {
        socket.end(answer);
        return;
      }
      socket.write(answer.response);
      const side = join(socket, options, answer.deflate, bytes.subarray(at));
      const next = waiting.shift();
      if (next === undefined) sides.push(side);
      else next(side);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const next = () => {
    const side = sides.shift();
    return side === undefined
      ? new Promise<Side>((resolve) => waiting.push(resolve))
      : Promise.resolve(side);
  };
  return { server, port, next };
}

export interface Dialed {
  readonly handshake: ClientHandshake;
  /** Null when the upgrade was refused or failed. */
  readonly side: Side | null;
}

/** A WebSocket client over loopback. */
export function dial(
  port: number,
  options: ProtocolOptions,
  request: Partial<ClientHandshakeOptions> = {},
): Promise<Dialed> {
  const handshake = new ClientHandshake({ host: `127.0.0.1:${port}`, ...request }, clock());
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.write(handshake.request);
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    const settle = (head: Buffer) => {
      if (handshake.state === "reading") return;
      socket.removeAllListeners();
      if (handshake.accepted === null) {
        socket.on("error", () => {});
        socket.destroy();
        resolve({ handshake, side: null });
      } else {
        resolve({ handshake, side: join(socket, options, handshake.accepted.deflate, head) });
      }
    };
    socket.on("data", (bytes: Buffer) => {
      const at = handshake.receive(bytes, 0, bytes.length);
      settle(bytes.subarray(at));
    });
    socket.on("end", () => {
      handshake.end();
      settle(Buffer.alloc(0));
    });
  });
}
