// StreamSocket: a stream socket (tcp(7), unix(7)), one to one with system calls. No states beyond
// "connected or not", no time-outs, no policy: that is lib/net's.
// Not here: how its two directions wait (stream-io.ts).

import { SHUT_READ, SLOT_STREAM } from "../binding/types.ts";
import type { ReceiveOptions, SendData, SendOptions } from "../core/byte-stream.ts";
import { quiet } from "../core/send-waiters.ts";
import { Deferred, onAbort, readSignal, untilAborted } from "../core/waiting.ts";
import {
  codeError,
  type ErrorContext,
  errnoError,
  type HawserError,
  rejectUnknownKeys,
  requireObject,
  requireOneOf,
} from "../errors/index.ts";
import type { AddressFamily, SocketAddressInfo } from "./address.ts";
import {
  type DescriptorMessage,
  readMessage,
  receiveMessage,
  sendMessage,
} from "./descriptor-messages.ts";
import type { PeerCredentials, SocketOptions } from "./options.ts";
import { reactor } from "./reactor.ts";
import {
  type Destination,
  type InternetAddress,
  readDestination,
  type UnixAddress,
} from "./socket-address.ts";
import {
  adoptDescriptor,
  ConnectedSlot,
  type OpenSlot,
  openSocket,
  readSocketOptions,
  requireFamily,
  SocketBase,
} from "./socket-base.ts";
import { StreamIo, type StreamIoOwner } from "./stream-io.ts";
import { type TcpInfo, tcpInfoOf } from "./tcp-info.ts";

export interface StreamSocketOptions {
  readonly family: AddressFamily;
  /** Set before the socket is bound or connected; the kernel's own units (`docs/options.md`). */
  readonly socketOptions?: SocketOptions | undefined;
}

const OPTION_KEYS: ReadonlySet<string> = new Set(["family", "socketOptions"]);

interface Connecting {
  readonly destination: Destination;
  readonly outcome: Deferred;
  stopWatching: () => void;
}

/**
 * A stream socket (socket(2), tcp(7), unix(7)). It reads when asked to: what nobody receives stays
 * in the kernel, but for 64 KiB that are read ahead once `receive` was called on TCP.
 */
export class StreamSocket extends SocketBase implements AsyncIterable<Buffer> {
  readonly #io: StreamIo;
  #isConnected = false;
  #connecting: Connecting | null = null;
  #connectError: HawserError | null = null;
  #messages: Promise<unknown> = Promise.resolve();

  /**
   * socket(2).
   *
   * @throws TypeError or RangeError for wrong options; HawserError: EMFILE, ENFILE, EAFNOSUPPORT,
   *   and those of `socketOptions`
   */
  constructor(options: StreamSocketOptions);
  /** @internal */
  constructor(connected: ConnectedSlot);
  constructor(first: StreamSocketOptions | ConnectedSlot) {
    const opened = first instanceof ConnectedSlot ? first : open(first);
    super(opened);
    this.#isConnected = first instanceof ConnectedSlot;
    const owner: StreamIoOwner = {
      onConnected: (errno) => this.#connected(errno),
      errorPlace: () => this.#place(),
    };
    this.#io = new StreamIo(owner, opened);
  }

  /**
   * Takes over a connected descriptor: a duplicate of it is used, and `fd` stays the caller's. The
   * socket becomes non-blocking for both.
   *
   * @throws TypeError or RangeError for what is no descriptor; HawserError: EBADF, ENOTSOCK,
   *   EPROTOTYPE (no stream socket, or it listens), ENOTCONN, EMFILE
   */
  static adopt(fd: number): StreamSocket {
    return watched(adoptDescriptor(fd, SLOT_STREAM));
  }

  /** A connected pair of Unix sockets, socketpair(2). @throws HawserError: EMFILE, ENFILE */
  static pair(): [StreamSocket, StreamSocket] {
    const names = new Int32Array(4);
    const status = reactor.pair(names);
    if (status < 0) throw errnoError(status, "socketpair");
    const [slot = -1, generation = 0, otherSlot = -1, otherGeneration = 0] = names;
    return [
      watched({ slot, generation, family: "unix" }),
      watched({ slot: otherSlot, generation: otherGeneration, family: "unix" }),
    ];
  }

  // --------------------------------------------------------------------------------- connecting

  /**
   * connect(2); SO_ERROR when the outcome comes later. When `signal` is aborted meanwhile the
   * socket is closed, since a connect cannot be taken back. After a failure take a new socket:
   * POSIX leaves the state of this one open.
   *
   * @throws (rejection) HawserError: ECONNREFUSED, ETIMEDOUT, ENETUNREACH and the rest of
   *   connect(2), EISCONN, EALREADY, ECANCELED (closed meanwhile), EBADF (closed); `signal.reason`;
   *   TypeError or RangeError for wrong arguments
   */
  async connect(
    address: InternetAddress | UnixAddress,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<void> {
    const destination = readDestination(address, "connect()");
    const signal = readSignal(options, "connect()");
    signal?.throwIfAborted();
    const { native, place } = destination;
    const refusal = this.#whyNotConnecting();
    if (refusal !== null) throw codeError(refusal, "connect", place);
    const { slot, generation } = this.#io.channel;
    const status = reactor.connect(slot, generation, native.bytes, native.isPath);
    if (status < 0) throw errnoError(status, "connect", place);
    const outcome = new Deferred();
    const stopWatching = onAbort(signal, () => {
      this.#connecting = null;
      outcome.reject(signal?.reason);
      this.abort();
    });
    this.#connecting = { destination, outcome, stopWatching };
    await outcome.promise;
  }

  #whyNotConnecting(): string | null {
    if (!this.isOpen) return "EBADF";
    if (this.#connecting !== null) return "EALREADY";
    if (this.#connectError !== null) return "EINVAL";
    return this.#isConnected ? "EISCONN" : null;
  }

  #connected(errno: number): void {
    const connecting = this.#connecting;
    if (connecting === null) return;
    this.#connecting = null;
    connecting.stopWatching();
    if (errno === 0) {
      this.#isConnected = true;
      connecting.outcome.resolve();
      return;
    }
    this.#connectError = errnoError(errno, "connect", connecting.destination.place);
    this.#io.fail(this.#connectError);
    connecting.outcome.reject(this.#connectError);
  }

  // ------------------------------------------------------------------------ receiving, sending

  /**
   * recv(2): at least `min` bytes, or null at the end, again and again, and after `close()`.
   *
   * @throws TypeError or RangeError for wrong options, TypeError ERR_INVALID_STATE while
   *   `receiveDescriptors` waits; (rejection) HawserError: ECONNRESET, ETIMEDOUT and the like after
   *   all data, ENOTCONN, ECANCELED (closed meanwhile); `signal.reason`
   */
  receive(options?: ReceiveOptions): Promise<Buffer | null> {
    const refusal = this.#unconnected("recv");
    return refusal ?? this.#io.receive(options);
  }

  /**
   * Ends at the peer's end and on a local `close()`; throws on an error. `break` closes nothing.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    return {
      next: () => this.#unconnected("recv") ?? this.#io.next(),
      return: () => Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /**
   * Resolves when the kernel has taken all of it, sendmsg(2). What is sent in one turn goes in one
   * system call. Up to 4 KiB is copied at the call; larger data must not be changed until then.
   *
   * @throws TypeError for what cannot be sent; (rejection) HawserError: EPIPE (after
   *   `shutdown("write")` or `close()`, or the peer has gone), ECONNRESET, ENOTCONN, ECANCELED
   *   (closed meanwhile); `signal.reason`, and the bytes stay in the stream
   */
  send(data: SendData, options?: SendOptions): Promise<void> {
    const signal = readSignal(options, "send()");
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    return this.#unconnected("sendmsg") ?? untilAborted(this.#io.send(data), signal);
  }

  /** Bytes given to `send` that the kernel has not taken. */
  get bufferedAmount(): number {
    return this.#io.channel.bufferedBytes;
  }

  /**
   * shutdown(2): `"write"` and `"both"` after what was sent.
   *
   * @throws TypeError for another word; HawserError: ENOTCONN, EBADF (closed)
   */
  shutdown(how: "read" | "write" | "both"): void {
    requireOneOf(how, "how", ["read", "write", "both"]);
    if (!this.isOpen) throw codeError("EBADF", "shutdown");
    if (!this.#isConnected) throw codeError("ENOTCONN", "shutdown");
    if (how !== "write") {
      const { slot, generation } = this.#io.channel;
      const status = reactor.shutdown(slot, generation, SHUT_READ);
      if (status < 0) throw errnoError(status, "shutdown", this.#place());
    }
    if (how !== "read") this.#io.shutdown();
  }

  /**
   * Closes with a reset: SO_LINGER 0 (socket(7)). What was sent and not taken is dropped, and who
   * waits is rejected with ECANCELED. Where another descriptor shares the socket (`dup`) it is only
   * closed. Nothing happens where it is closed already.
   */
  abort(): void {
    void this.#shut(true);
    // The base counts it as closed too.
    void this.close();
  }

  #unconnected(call: string): Promise<never> | null {
    if (this.#isConnected || this.#connecting !== null || !this.isOpen) return null;
    return quiet(Promise.reject(this.#connectError ?? codeError("ENOTCONN", call)));
  }

  // -------------------------------------------------------------------------------- the kernel's

  /** getpeername(2); null while not connected and when closed. */
  get remoteAddress(): SocketAddressInfo | null {
    return this.#isConnected ? this.peer() : null;
  }

  /** TCP_INFO (tcp(7)); null for a Unix socket. @throws HawserError EBADF (closed) */
  info(): TcpInfo | null {
    if (!this.isOpen) throw codeError("EBADF", "getsockopt");
    return this.family === "unix" ? null : tcpInfoOf(this.fd);
  }

  /**
   * Who connected or made the other end: SO_PEERCRED (unix(7)); on macOS LOCAL_PEERCRED and
   * LOCAL_PEERPID.
   *
   * @throws HawserError: ENOTSUP for TCP, ENOTCONN, EBADF (closed)
   */
  peerCredentials(): PeerCredentials {
    if (this.family !== "unix") throw codeError("ENOTSUP", "getsockopt");
    if (!this.isOpen) throw codeError("EBADF", "getsockopt");
    if (!this.#isConnected) throw codeError("ENOTCONN", "getsockopt");
    if (process.platform !== "darwin") return this.getOption("SO_PEERCRED");
    return { ...this.getOption("LOCAL_PEERCRED"), pid: this.getOption("LOCAL_PEERPID") };
  }

  // -------------------------------------------------------------------------------- descriptors

  /**
   * One message with up to 16 descriptors (SCM_RIGHTS, unix(7)), after what was sent before. They
   * stay the caller's, who keeps them open until this has resolved; the bytes are copied or kept as
   * by `send`.
   *
   * @throws TypeError or RangeError for no data, or for what are no descriptors; (rejection)
   *   HawserError: EBADF, ETOOMANYREFS, ENOTSUP (no Unix socket), and those of `send`
   */
  sendDescriptors(data: SendData, fds: readonly number[]): Promise<void> {
    const [bytes, checked] = readMessage(data, fds);
    if (this.family !== "unix") return quiet(Promise.reject(codeError("ENOTSUP", "sendmsg")));
    const io = this.#io;
    return (
      this.#unconnected("sendmsg") ??
      io.enqueue(() => sendMessage(io, bytes, checked, () => this.#place()))
    );
  }

  /**
   * One recvmsg(2) with the descriptors that came with it: up to 64 KiB of the stream; null at the
   * end. A stream is read with this from the start: what `receive` reads comes without descriptors,
   * which the kernel then closes.
   *
   * @throws (rejection) HawserError: ENOTSUP (no Unix socket), ECONNRESET, ENOTCONN, ECANCELED
   *   (closed meanwhile); TypeError ERR_INVALID_STATE while `receive` waits
   */
  receiveDescriptors(): Promise<DescriptorMessage | null> {
    if (this.family !== "unix") return quiet(Promise.reject(codeError("ENOTSUP", "recvmsg")));
    const refusal = this.#unconnected("recvmsg");
    if (refusal !== null) return refusal;
    const io = this.#io;
    const message = quiet(this.#messages.then(() => receiveMessage(io, () => this.#place())));
    this.#messages = message.catch(nothing);
    return message;
  }

  // -------------------------------------------------------------------------- for the base class

  /** @internal */
  protected override shut(): Promise<void> {
    return this.#shut(false);
  }

  #shut(reset: boolean): Promise<void> {
    const connecting = this.#connecting;
    if (connecting !== null) {
      this.#connecting = null;
      connecting.stopWatching();
      const { place } = connecting.destination;
      connecting.outcome.reject(codeError("ECANCELED", "connect", place));
    }
    return this.#io.close(reset);
  }

  /** @internal */
  protected override leave(): number {
    return this.#io.release();
  }

  /** @internal */
  protected override holds(): boolean {
    return this.#connecting !== null || this.#io.holds;
  }

  #place(): ErrorContext {
    return this.place(this.remoteAddress);
  }
}

function open(options: StreamSocketOptions): OpenSlot {
  rejectUnknownKeys(requireObject(options, "options"), OPTION_KEYS, "StreamSocket");
  const family = requireFamily(options.family);
  return openSocket(family, SLOT_STREAM, readSocketOptions(options.socketOptions));
}

// What was accepted is watched by the reactor already.
function watched(slot: OpenSlot): StreamSocket {
  const socket = new StreamSocket(new ConnectedSlot(slot));
  const status = reactor.watch(slot.slot, slot.generation);
  if (status === 0) return socket;
  void socket.close();
  throw errnoError(status, "epoll_ctl");
}

function nothing(): void {}
