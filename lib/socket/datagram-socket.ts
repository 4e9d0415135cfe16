// DatagramSocket: a datagram socket (udp(7), unix(7)), one to one with system calls: what arrives
// is whole datagrams, and nothing about one means an end.
// Not here: flows per peer (lib/net, planned), batches and packet info (planned).

import { SLOT_DATAGRAM } from "../binding/types.ts";
import { bytesOf, type SendData, type SendOptions } from "../core/byte-stream.ts";
import { MAX_HIGH_WATER_MARK_BYTES, RECEIVE_HIGH_WATER_MARK_BYTES } from "../core/limits.ts";
import { ownedCopy } from "../core/owned-bytes.ts";
import { quiet } from "../core/send-waiters.ts";
import { iterate, readSignal } from "../core/waiting.ts";
import {
  codeError,
  type ErrorContext,
  errnoError,
  rejectUnknownKeys,
  requireBoolean,
  requireBytes,
  requireObject,
} from "../errors/index.ts";
import type { AddressFamily, SocketAddressInfo } from "./address.ts";
import { DatagramChannel } from "./datagram-channel.ts";
import { type Datagram, DatagramReceiver } from "./datagram-receiver.ts";
import { DatagramSender } from "./datagram-sender.ts";
import { assign, type SocketOptions } from "./options.ts";
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

export interface DatagramSocketOptions {
  readonly family: AddressFamily;
  /** SO_BROADCAST (socket(7)). Default false: EACCES when sending to a broadcast address. */
  readonly broadcast?: boolean | undefined;
  /** Set before the socket is bound; the kernel's own units (`docs/options.md`). */
  readonly socketOptions?: SocketOptions | undefined;
  /**
   * Bytes of datagrams held for a reader that does not read; above it the kernel's buffer fills
   * (SO_RCVBUF), and then the kernel drops. Each counts for 64 more. Default 65,536.
   */
  readonly receiveHighWaterMark?: number | undefined;
}

const OPTION_KEYS: ReadonlySet<string> = new Set([
  "family",
  "broadcast",
  "socketOptions",
  "receiveHighWaterMark",
]);

/** A datagram socket (udp(7), unix(7)). */
export class DatagramSocket extends SocketBase implements AsyncIterable<Datagram> {
  readonly #channel: DatagramChannel;
  readonly #receiver: DatagramReceiver;
  readonly #sender: DatagramSender;
  #isWatched = false;
  #isPaused = true;
  #isConnected = false;

  /**
   * socket(2).
   *
   * @throws TypeError or RangeError for wrong options; HawserError: EMFILE, ENFILE, EAFNOSUPPORT,
   *   and those of `socketOptions`
   */
  constructor(options: DatagramSocketOptions);
  /** @internal */
  constructor(adopted: ConnectedSlot);
  constructor(first: DatagramSocketOptions | ConnectedSlot) {
    const mark = first instanceof ConnectedSlot ? undefined : readMark(first);
    const opened = first instanceof ConnectedSlot ? first : open(first);
    super(opened);
    this.#channel = new DatagramChannel({
      onDatagram: (data, peer, truncated) => this.#received(data, peer, truncated),
      onFailed: (errno, peer) =>
        this.#receiver.fail(this.#error(errno, "recvmsg", peer ?? undefined)),
      onWritable: () => this.#sender.retry(),
    });
    this.#receiver = new DatagramReceiver(mark ?? RECEIVE_HIGH_WATER_MARK_BYTES, () =>
      this.#adjust(),
    );
    this.#sender = new DatagramSender(this.#channel);
    this.#channel.attach(opened.slot, opened.generation);
    // Nothing is read before somebody asks.
    this.#channel.pause();
  }

  /**
   * Takes over a descriptor: a duplicate of it is used, and `fd` stays the caller's. The socket
   * becomes non-blocking for both.
   *
   * @throws TypeError or RangeError for what is no descriptor; HawserError: EBADF, ENOTSOCK,
   *   EPROTOTYPE (no datagram socket), EMFILE
   */
  static adopt(fd: number): DatagramSocket {
    const socket = new DatagramSocket(new ConnectedSlot(adoptDescriptor(fd, SLOT_DATAGRAM)));
    const { slot, generation } = socket.#channel;
    socket.#isConnected = socket.hasPeer();
    const status = reactor.watch(slot, generation);
    socket.#isWatched = status === 0;
    if (status === 0) return socket;
    void socket.close();
    throw errnoError(status, "epoll_ctl");
  }

  /**
   * Fixes the peer, connect(2): nothing is sent, others' datagrams are dropped by the kernel, and
   * what ICMP says of the peer is told as ECONNREFUSED and the like. Again, it changes the peer.
   *
   * @throws TypeError or RangeError for what is no address; HawserError: ECONNREFUSED or ENOENT
   *   (Unix), ENETUNREACH, EAFNOSUPPORT, EBADF (closed)
   */
  connect(address: InternetAddress | UnixAddress): void {
    const { native, place } = readDestination(address, "connect()");
    if (!this.isOpen) throw codeError("EBADF", "connect", place);
    const { slot, generation } = this.#channel;
    const status = reactor.connectDatagram(slot, generation, native.bytes, native.isPath);
    if (status < 0) throw errnoError(status, "connect", place);
    this.#isConnected = true;
    this.bound();
  }

  /** getpeername(2); null while not connected and when closed. */
  get remoteAddress(): SocketAddressInfo | null {
    return this.#isConnected ? this.peer() : null;
  }

  // ---------------------------------------------------------------------------------- receiving

  /**
   * recvmsg(2): one whole datagram, an empty one included. Nothing about one means an end; null
   * only after `close()`.
   *
   * @throws TypeError for wrong options; (rejection) HawserError: ECONNREFUSED and other errors of
   *   the peer of a connected socket, or of any peer where IP_RECVERR or IPV6_RECVERR is set
   *   (ip(7)), each once, and the socket lives on; ECANCELED (closed meanwhile); `signal.reason`,
   *   and no datagram is lost
   */
  receive(options?: { readonly signal?: AbortSignal | undefined }): Promise<Datagram | null> {
    const signal = readSignal(options, "receive()");
    if (!this.isOpen) return Promise.resolve(null);
    this.bound();
    return this.#receiver.receive(signal);
  }

  /** Ends on a local `close()`; throws what `receive` rejects with. `break` closes nothing. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Datagram> {
    return iterate(
      () => this.receive(),
      () => !this.isOpen,
    );
  }

  #received(data: Buffer, peer: SocketAddressInfo | null, truncated: boolean): void {
    const { address, port, family } = peer ?? { address: "", port: 0, family: this.family };
    this.#receiver.push({
      data: ownedCopy(data, 0, data.length),
      address,
      port,
      family,
      truncated,
    });
    this.#adjust();
  }

  #adjust(): void {
    const wanted = this.#receiver.isWaiting || !this.#receiver.isFull;
    if (wanted === !this.#isPaused) return;
    this.#isPaused = !wanted;
    if (wanted) this.#channel.resume();
    else this.#channel.pause();
  }

  // ------------------------------------------------------------------------------------ sending

  /**
   * One datagram, sendmsg(2). Resolves when the kernel has taken it; ENOBUFS and EAGAIN are waited
   * out, in order. Up to 4 KiB is copied at the call; larger data must not be changed until then.
   *
   * @param to needed on a socket that is not connected, and EISCONN on one that is
   * @throws TypeError or RangeError for what cannot be sent, or is no address; (rejection)
   *   HawserError: EMSGSIZE (nothing was sent), EDESTADDRREQ, EISCONN, EACCES (broadcast without
   *   `broadcast: true`), ENETUNREACH, ECONNREFUSED, EPIPE (closed), ECANCELED (closed meanwhile);
   *   `signal.reason`, and the datagram is not sent
   */
  send(data: SendData, to?: InternetAddress | UnixAddress, options?: SendOptions): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data) : bytesOf(data);
    const destination = to === undefined ? undefined : readDestination(to, "send()");
    const signal = readSignal(options, "send()");
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    const refusal = this.#whyNotSending(destination);
    if (refusal !== null) {
      return quiet(Promise.reject(codeError(refusal, "sendmsg", destination?.place)));
    }
    this.bound();
    const failure = (errno: number) => this.#error(errno, "sendmsg", destination?.place);
    return this.#sender.send({ bytes, to: destination?.native, failure }, signal);
  }

  // The systems differ in what they say; the contract is one.
  #whyNotSending(destination: Destination | undefined): string | null {
    if (!this.isOpen) return "EPIPE";
    if (this.#isConnected) return destination === undefined ? null : "EISCONN";
    return destination === undefined ? "EDESTADDRREQ" : null;
  }

  #error(errno: number, call: string, to?: ErrorContext): Error {
    const { address, port } = to ?? {};
    const about = address === undefined ? {} : port === undefined ? { address } : { address, port };
    return errnoError(errno, call, { ...this.place(this.remoteAddress), ...about });
  }

  /** Keeps the process alive while it is open, which it does from its first use. */
  override ref(): this {
    this.#sender.setReferenced(true);
    return super.ref();
  }

  /** Lets the process end although it is open. */
  override unref(): this {
    this.#sender.setReferenced(false);
    return super.unref();
  }

  // -------------------------------------------------------------------------- for the base class

  /** @internal From its first use on the reactor watches it. */
  protected override bound(): void {
    if (this.#isWatched) return;
    const { slot, generation } = this.#channel;
    const status = reactor.watch(slot, generation);
    if (status < 0) throw errnoError(status, "epoll_ctl");
    this.#isWatched = true;
  }

  /** @internal */
  protected override shut(): Promise<void> {
    this.#settle();
    this.#channel.close();
    return Promise.resolve();
  }

  /** @internal */
  protected override leave(): number {
    this.#settle();
    return this.#channel.release();
  }

  #settle(): void {
    this.#receiver.cancel(codeError("ECANCELED", "recvmsg"));
    this.#sender.cancel(codeError("ECANCELED", "sendmsg"));
  }

  /** @internal */
  protected override holds(): boolean {
    return this.#sender.isWaiting || this.#receiver.length > 0;
  }
}

function readMark(options: DatagramSocketOptions): number | undefined {
  const { receiveHighWaterMark } = requireObject(options, "options");
  if (receiveHighWaterMark === undefined) return undefined;
  const name = "options.receiveHighWaterMark";
  return requireBytes(receiveHighWaterMark, name, 1, MAX_HIGH_WATER_MARK_BYTES);
}

function open(options: DatagramSocketOptions): OpenSlot {
  rejectUnknownKeys(options, OPTION_KEYS, "DatagramSocket");
  const family = requireFamily(options.family);
  const assignments = readSocketOptions(options.socketOptions);
  if (options.broadcast !== undefined) {
    requireBoolean(options.broadcast, "options.broadcast");
    assignments.unshift(assign("SO_BROADCAST", options.broadcast));
  }
  return openSocket(family, SLOT_DATAGRAM, assignments);
}
