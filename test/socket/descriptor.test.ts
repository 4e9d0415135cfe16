// Where the descriptor of each kind of socket is: hawser's, Node's net, tls, dgram, http and http2.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import http2 from "node:http2";
import { type AddressInfo, connect, createServer as createNetServer, Socket } from "node:net";
import { Duplex, duplexPair } from "node:stream";
import tls from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { HawserError } from "../../lib/errors/index.ts";
import { listen, connect as open } from "../../lib/index.ts";
import { targetOf } from "../../lib/socket/descriptor.ts";
import { getOption } from "../../lib/socket/options.ts";
import { StreamSocket } from "../../lib/socket/stream-socket.ts";
import { closeAll, datagram, fresh, listening, pair, temporaryPath } from "./raw-sockets.ts";

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
  closeAll();
});

const descriptorOf = (socket: unknown): number => targetOf(socket, "getsockopt").descriptor;
// The kernel's own answer tells that the descriptor is the right one.
const portOf = (socket: { remotePort?: number | undefined }): number => socket.remotePort ?? 0;

function codeOf(socket: unknown): string {
  try {
    targetOf(socket, "setsockopt");
  } catch (error) {
    if (error instanceof HawserError) return `${error.code} ${error.message}`;
    throw error;
  }
  return "";
}

// A pre-shared key needs no certificate.
const PSK = { key: Buffer.alloc(32, 7), identity: "test" };
const PSK_OPTIONS = { ciphers: "PSK", minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } as const;

async function tlsServer(): Promise<tls.Server> {
  const server = tls.createServer({ ...PSK_OPTIONS, pskCallback: () => PSK.key });
  closers.push(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function tlsClient(options: tls.ConnectionOptions): tls.TLSSocket {
  const socket = tls.connect({
    ...PSK_OPTIONS,
    ...options,
    pskCallback: () => ({ psk: PSK.key, identity: PSK.identity }),
    checkServerIdentity: () => undefined,
  });
  closers.push(() => socket.destroy());
  return socket;
}

describe("an open socket has a descriptor", () => {
  it("of hawser: its fd", () => {
    const socket = fresh("tcp4");
    expect(targetOf(socket, "getsockopt")).toEqual({ descriptor: socket.fd, pipe: false });
  });

  it("of hawser over a path, which is told apart", async () => {
    const [left, right] = StreamSocket.pair();
    closers.push(
      () => void left.close(),
      () => void right.close(),
    );
    expect(targetOf(left, "getsockopt")).toEqual({ descriptor: left.fd, pipe: true });
    const path = temporaryPath();
    const listener = await listen(`unix:${path}`, { data() {} });
    closers.push(() => void listener.close());
    const connection = await open(`unix:${path}`);
    closers.push(() => connection.abort());
    expect(targetOf(connection, "getsockopt")).toEqual({ descriptor: connection.fd, pipe: true });
  });

  it("of a WebSocket of hawser: that of the connection beneath", async () => {
    const listener = await listen("ws://127.0.0.1:0", { message() {} });
    closers.push(() => void listener.close());
    const socket = await open(`ws://127.0.0.1:${listener.port}`);
    closers.push(() => socket.abort());
    expect(descriptorOf(socket)).toBe(socket.connection.fd);
    expect(socket.connection.fd).toBeGreaterThan(2);
  });

  it("of node:net: both ends and the listener, each its own", async () => {
    const { near, far, server } = await pair();
    const all = [near, far, server].map(descriptorOf);
    expect(new Set(all).size).toBe(3);
    expect(getOption(server, "SO_ACCEPTCONN")).toBe(true);
    expect(getOption(near, "SO_ACCEPTCONN")).toBe(false);
    near.setNoDelay(true);
    far.setNoDelay(false);
    expect(getOption(near, "TCP_NODELAY")).toBe(true);
    expect(getOption(far, "TCP_NODELAY")).toBe(false);
  });

  it("of node:net over a path, which is told apart", async () => {
    const { near, far } = await pair(temporaryPath());
    expect(targetOf(near, "getsockopt").pipe).toBe(true);
    expect(targetOf(far, "getsockopt").pipe).toBe(true);
    expect(targetOf((await pair()).near, "getsockopt").pipe).toBe(false);
  });

  it("of node:dgram, without its deprecation warning", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): unknown => warnings.push(warning);
    process.on("warning", note);
    const socket = await datagram();
    socket.setRecvBufferSize(8_192);
    expect(getOption(socket, "SO_RCVBUF")).toBe(socket.getRecvBufferSize());
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });

  it("of node:tls: both ends, the listener, and TLS around a socket", async () => {
    const server = await tlsServer();
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, "secureConnection");
    const near = tlsClient({ port, host: "127.0.0.1" });
    await once(near, "secureConnect");
    const [far] = (await accepted) as [tls.TLSSocket];
    closers.push(() => far.destroy());
    expect(getOption(server, "SO_ACCEPTCONN")).toBe(true);
    near.setNoDelay(true);
    expect(getOption(near, "TCP_NODELAY")).toBe(true);
    expect(getOption(far, "TCP_NODELAY")).toBe(false);

    const inner = connect(port, "127.0.0.1");
    await once(inner, "connect");
    const below = descriptorOf(inner);
    const wrapped = tlsClient({ socket: inner });
    await once(wrapped, "secureConnect");
    expect(descriptorOf(wrapped)).toBe(below);
  });

  it("of node:http: the request, the response and the server", async () => {
    const server = createServer();
    closers.push(() => server.close());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const request = get({ port, host: "127.0.0.1", agent: false });
    closers.push(() => request.destroy());
    request.on("error", () => {});
    const [incoming, response] = (await once(server, "request")) as [
      IncomingMessage,
      ServerResponse,
    ];
    expect(getOption(server, "SO_ACCEPTCONN")).toBe(true);
    expect(descriptorOf(incoming)).toBe(descriptorOf(incoming.socket));
    expect(descriptorOf(response)).toBe(descriptorOf(incoming.socket));
    expect(descriptorOf(request)).toBe(descriptorOf(request.socket));
    expect(descriptorOf(request)).not.toBe(descriptorOf(incoming));
    response.end();
    await once(request, "response");
  });

  it("of node:http2: the session", async () => {
    const server = http2.createServer();
    closers.push(() => server.close());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const accepted = once(server, "session");
    const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    closers.push(() => session.destroy());
    await once(session, "connect");
    const [far] = (await accepted) as [http2.Http2Session];
    closers.push(() => far.destroy());
    expect(getOption(session, "SO_TYPE")).toBe(1);
    expect(descriptorOf(session)).not.toBe(descriptorOf(far));
    expect(portOf(session.socket)).toBe((server.address() as AddressInfo).port);
  });
});

describe("a socket that has none now says why", () => {
  it("of hawser: closed", () => {
    expect(codeOf({ fd: -1 })).toMatch(/^EBADF .*the socket is closed/);
  });

  it("of node:net: not connected yet, connecting, closed; a server that does not listen", async () => {
    expect(codeOf(new Socket())).toMatch(/^ENOTCONN .*wait for 'connect'/);
    const server = await listening();
    const connecting = connect((server.address() as AddressInfo).port, "127.0.0.1");
    expect(codeOf(connecting)).toMatch(/^ENOTCONN .*wait for 'connect'/);
    await once(connecting, "connect");
    connecting.destroy();
    expect(codeOf(connecting)).toMatch(/^EBADF .*the socket is closed/);
    expect(codeOf(createNetServer())).toMatch(/^ENOTCONN .*wait for 'listening'/);
  });

  it("of node:dgram: not bound yet, closed", async () => {
    const socket = createSocket("udp4");
    expect(codeOf(socket)).toMatch(/^ENOTCONN .*not bound yet/);
    socket.close();
    await once(socket, "close");
    expect(codeOf(socket)).toMatch(/^EBADF .*the socket is closed/);
  });

  it("of node:http: a request without a socket", async () => {
    const request = get({ port: 1, host: "127.0.0.1", agent: false });
    request.on("error", () => {});
    expect(codeOf(request)).toMatch(/^ENOTCONN .*wait for 'socket'/);
    await new Promise<void>((resolve) => request.once("close", resolve).destroy());
  });

  it("of node:tls over a stream that is no socket", () => {
    const [near, far] = duplexPair();
    expect(far).toBeInstanceOf(Duplex);
    const socket = tlsClient({ socket: near as unknown as Socket });
    socket.on("error", () => {});
    expect(codeOf(socket)).toMatch(/^ENOTCONN/);
  });
});

describe("what is no socket", () => {
  it.each([
    [undefined],
    [null],
    [5],
    ["socket"],
    [{}],
    [[]],
    [() => {}],
    [Symbol("fd")],
    [{ fd: "5" }],
    [{ fd: Number.NaN }],
    [{ fd: 0.5 }],
    [{ fd: 2 ** 31 }],
  ])("%s is a TypeError", (value) => {
    expect(() => targetOf(value, "getsockopt")).toThrow(TypeError);
    expect(() => targetOf(value, "getsockopt")).toThrow(/"socket" must be an open socket/);
  });

  it("an endless chain of sockets ends", () => {
    const chain: { socket?: unknown } = {};
    chain.socket = chain;
    expect(() => targetOf(chain, "getsockopt")).toThrow(TypeError);
  });
});
