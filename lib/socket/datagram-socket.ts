// DatagramSocket: a datagram or seqpacket socket (udp(7), unix(7)), one to one with system calls:
// what arrives is whole datagrams, and nothing about one means an end.
// Not here: flows per peer (lib/net/udp), what the options set (datagram-options.ts).

import { SLOT_DATAGRAM, TYPE_SEQPACKET } from "../binding/types.ts";
import { bytesOf, type SendData, type SendOptions } from "../core/byte-stream.ts";
import {
  MESSAGE_OVERHEAD_BYTES,
  RECEIVE_HIGH_WATER_MARK_BYTES,
  SEND_HIGH_WATER_MARK_BYTES,
} from "../core/limits.ts";
import { ownedCopy } from "../core/owned-bytes.ts";
import { quiet } from "../core/send-waiters.ts";
import { iterate, readSignal } from "../core/waiting.ts";
import {
  codeError,
  type ErrorContext,
  errnoError,
  errnoOf,
  type HawserError,
  invalidState,
} from "../errors/index.ts";
import type { SocketAddressInfo } from "./address.ts";
import { DatagramBatch, ownedDatagram } from "./datagram-batch.ts";
import { DatagramChannel } from "./datagram-channel.ts";
import {
  destinationOf,
  ManySent,
  type OutgoingDatagram,
  peerWords,
  placeOf,
  type ReadyDatagram,
  readMany,
  readOutgoing,
  requireIterable,
  toBytes,
} from "./datagram-many.ts";
import { type DatagramSocketOptions, openDatagramSocket, settingsOf } from "./datagram-options.ts";
import { DatagramOutbox, type DatagramOwner, type DatagramRoute } from "./datagram-outbox.ts";
import { sendToPaths } from "./datagram-paths.ts";
import { type Datagram, DatagramReceiver } from "./datagram-receiver.ts";
import { DatagramSender } from "./datagram-sender.ts";
import { internPeer, type Peer } from "./peers.ts";
import { flush, mustWaitForLoop, nextIteration, reactor, report, slab } from "./reactor.ts";
import { receiveBufferOf } from "./receive-buffer.ts";
import {
  type Destination,
  type InternetAddress,
  readDestination,
  type UnixAddress,
} from "./socket-address.ts";
import { adoptDescriptor, ConnectedSlot, SocketBase } from "./socket-base.ts";

export type { DatagramSocketOptions } from "./datagram-options.ts";

/** A datagram socket (udp(7), unix(7)). */
export class DatagramSocket extends SocketBase implements AsyncIterable<Datagram> {
  readonly #channel: DatagramChannel;
  readonly #receiver: DatagramReceiver;
  readonly #sender: DatagramSender;
  readonly #outbox: DatagramOutbox;
  readonly #onBatch: DatagramSocketOptions["batch"];
  readonly #onEnd: DatagramSocketOptions["end"];
  readonly #onError: DatagramSocketOptions["error"];
  readonly #isSequenced: boolean;
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
    const { opened, mark, batch, end, error } =
      first instanceof ConnectedSlot ? settingsOf(first) : openDatagramSocket(first);
    super(opened);
    this.#onBatch = batch;
    this.#onEnd = end;
    this.#onError = error;
    this.#isSequenced = this.family === "unix" && this.getOption("SO_TYPE") === TYPE_SEQPACKET;
    // Only a message has a time; so an empty one is told from the end.
    if (this.#isSequenced) this.setOption("SO_TIMESTAMPNS", true);
    this.#channel = new DatagramChannel({
      onDatagram: (offset, length, at) => this.#received(offset, length, at),
      onBatch: batch === undefined ? undefined : this.#batches(batch),
      onFailed: (errno) => this.#failed(this.#error(errno, "recvmsg")),
      onPeerFailed: (peer, errno) => this.#failed(this.#peerError(peer, errno)),
      onEnded: () => this.#ended(),
      onSettled: (status, index) => this.#outbox.settle(status, index),
      onWritable: () => {
        this.#sender.retry();
        this.#outbox.retry();
      },
    });
    this.#receiver = new DatagramReceiver(mark ?? RECEIVE_HIGH_WATER_MARK_BYTES, () =>
      this.#adjust(),
    );
    this.#sender = new DatagramSender(this.#channel);
    this.#outbox = new DatagramOutbox(this.#channel, nothing);
    this.#channel.attach(opened.slot, opened.generation);
    // Nothing is read before somebody asks.
    this.#channel.pause();
  }

  /**
   * Takes over a descriptor: a duplicate of it is used, and `fd` stays the caller's. The socket
   * becomes non-blocking for both.
   *
   * @throws TypeError or RangeError for what is no descriptor; HawserError: EBADF, ENOTSOCK,
   *   EPROTOTYPE (no datagram or seqpacket socket), EMFILE
   */
  static adopt(fd: number): DatagramSocket {
    return DatagramSocket.ofSlot(new ConnectedSlot(adoptDescriptor(fd, SLOT_DATAGRAM)));
  }

  /** @internal Of a slot that was adopted or accepted. */
  static ofSlot(opened: ConnectedSlot): DatagramSocket {
    const socket = new DatagramSocket(opened);
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
   * Of a seqpacket socket: connects, once.
   *
   * @throws TypeError or RangeError for what is no address; HawserError: ECONNREFUSED or ENOENT
   *   (Unix), EAGAIN (seqpacket: the listener's backlog is full), EISCONN, EPROTOTYPE, ENETUNREACH,
   *   EAFNOSUPPORT, EBADF (closed)
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
   * only after `close()`, and when the peer of a seqpacket socket has finished.
   *
   * @throws TypeError for wrong options; (rejection) HawserError: ECONNREFUSED and other errors of
   *   the peer of a connected socket, or of any peer where IP_RECVERR or IPV6_RECVERR is set
   *   (ip(7)), each once, and the socket lives on; ENOTCONN (seqpacket); ECANCELED (closed
   *   meanwhile); `signal.reason`, and no datagram is lost
   */
  receive(options?: { readonly signal?: AbortSignal | undefined }): Promise<Datagram | null> {
    const signal = readSignal(options, "receive()");
    if (this.#onBatch !== undefined) throw invalidState(WITH_BATCH);
    if (!this.isOpen) return Promise.resolve(null);
    if (this.#isSequenced && !this.#isConnected) {
      return quiet(Promise.reject(codeError("ENOTCONN", "recvmsg")));
    }
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

  #received(offset: number, length: number, at: number): void {
    const datagram = ownedDatagram(ownedCopy(slab, offset, length), at);
    this.#receiver.push(datagram.address === "" ? { ...datagram, family: this.family } : datagram);
    this.#adjust();
  }

  // One batch object for the socket's whole life: steady traffic makes no garbage.
  #batches(callback: NonNullable<DatagramSocketOptions["batch"]>): (at: number, n: number) => void {
    const batch = new DatagramBatch();
    return (at, count) => {
      batch.fill(at, count);
      try {
        callback(this, batch);
      } finally {
        batch.clear();
      }
    };
  }

  #failed(error: HawserError): void {
    if (this.#onBatch === undefined) {
      this.#receiver.fail(error);
      return;
    }
    try {
      this.#onError?.(this, error);
    } catch (thrown) {
      report(thrown);
    }
  }

  #ended(): void {
    this.#receiver.end();
    if (this.#onBatch === undefined) return;
    try {
      this.#onEnd?.(this);
    } catch (thrown) {
      report(thrown);
    }
  }

  #peerError(peer: Peer | null, errno: number): HawserError {
    return this.#error(errno, "recvmsg", peer === null ? {} : placeOf(peer));
  }

  /**
   * SO_RCVBUF: bytes that the kernel holds for a reader; Linux tells twice what was asked for, for
   * its own accounts (socket(7)). 0 when closed.
   */
  get receiveBufferSize(): number {
    return this.isOpen ? receiveBufferOf(this) : 0;
  }

  /**
   * Datagrams that the kernel has dropped for want of buffer (SO_RXQ_OVFL), as the last one that
   * arrived told. Linux; null on macOS, and when closed.
   */
  get kernelDrops(): number | null {
    if (process.platform !== "linux" || !this.isOpen) return null;
    const { slot, generation } = this.#channel;
    return reactor.datagramDrops(slot, generation);
  }

  #adjust(): void {
    const wanted =
      this.#onBatch !== undefined || this.#receiver.isWaiting || !this.#receiver.isFull;
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
  send(
    data: SendData,
    to?: Peer | InternetAddress | UnixAddress,
    options?: SendOptions,
  ): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data) : bytesOf(data);
    const destination = to === undefined ? undefined : destinationOf(to, "send()");
    const signal = readSignal(options, "send()");
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    const refusal = this.#whyNotSending(destination);
    if (refusal !== null) {
      return quiet(Promise.reject(codeError(refusal, "sendmsg", destination?.place)));
    }
    this.bound();
    if (this.#outbox.isBusy) flush();
    if (this.#outbox.isBusy) {
      // Behind what has been waiting longer.
      const kept = Buffer.from(bytes);
      return quiet(this.#outboxIdle().then(() => this.send(kept, to, options)));
    }
    const failure = (errno: number) => this.#error(errno, "sendmsg", destination?.place);
    return this.#sender.send({ bytes, to: destination?.native, failure }, signal);
  }

  /**
   * Many datagrams in as few system calls as the kernel allows (sendmmsg(2), UDP_SEGMENT), in
   * order. Resolves when the kernel has taken all; ENOBUFS and EAGAIN are waited out. Data above 4
   * KiB must not be changed until then. A list of bytes is enough on a connected socket.
   *
   * @throws TypeError or RangeError for what cannot be sent, before anything is; (rejection)
   *   HawserError as of `send`: the first, after all the others were sent
   */
  sendMany(datagrams: Iterable<OutgoingDatagram | SendData>): Promise<void> {
    const { list, bytes, addressed, paths } = readMany(datagrams, this.family);
    if (paths > 0) return this.#toPaths(list);
    const isAddressed = addressed === (this.#isConnected ? 0 : list.length);
    return this.#many(isAddressed, bytes + MESSAGE_OVERHEAD_BYTES, (owner) => {
      for (const one of list) this.#outbox.push(one.bytes, one.stride, one.route, owner);
    });
  }

  /**
   * One datagram to many peers. Otherwise as `sendMany`.
   *
   * @throws as `sendMany`
   */
  sendToMany(data: SendData, to: Iterable<Peer | InternetAddress | UnixAddress>): Promise<void> {
    const bytes = toBytes(data);
    if (this.family === "unix") {
      return this.#toPaths(
        Array.from(requireIterable(to, "to"), (one) =>
          readOutgoing({ data: bytes, to: one }, "unix"),
        ),
      );
    }
    const routes = Array.from(requireIterable(to, "to"), (one): DatagramRoute => {
      return { to: peerWords(one, "sendToMany()"), local: null, interface: 0, trafficClass: 0 };
    });
    const weight = routes.length * (bytes.length + MESSAGE_OVERHEAD_BYTES);
    return this.#many(!this.#isConnected, weight, (owner) => {
      for (const route of routes) this.#outbox.push(bytes, 0, route, owner);
    });
  }

  #toPaths(ready: readonly ReadyDatagram[]): Promise<void> {
    const isAddressed = ready.every(({ path }) => path !== undefined) && !this.#isConnected;
    if (!this.isOpen || !isAddressed) return this.#many(false, 0, nothing);
    this.bound();
    const sent = sendToPaths(this.#sender, ready, (errno, to) =>
      this.#error(errno, "sendmsg", to?.place),
    );
    return quiet(sent);
  }

  #many(isAddressed: boolean, weight: number, push: (owner: DatagramOwner) => void): Promise<void> {
    if (!this.isOpen) return quiet(Promise.reject(codeError("EPIPE", "sendmmsg")));
    if (!isAddressed) {
      const code = this.#isConnected ? "EISCONN" : "EDESTADDRREQ";
      return quiet(Promise.reject(codeError(code, "sendmmsg")));
    }
    this.bound();
    const sent = new ManySent((errno, to) => {
      return this.#error(errno, "sendmmsg", to === null ? {} : placeOf(internPeer(to, 0)));
    });
    const begin = () => {
      push(sent);
      this.#outbox.tell(sent);
    };
    if (this.#sender.isWaiting) void this.#sender.whenIdle().then(begin);
    else begin();
    // Code that awaits one after the other must not keep the loop from turning.
    if (!mustWaitForLoop(this.#channel, weight, SEND_HIGH_WATER_MARK_BYTES)) return sent.promise;
    return quiet(nextIteration().then(() => sent.promise));
  }

  #outboxIdle(): Promise<void> {
    const idle = new ManySent(() => codeError("ECANCELED", "sendmsg"));
    this.#outbox.tell(idle);
    return idle.promise;
  }

  // The systems differ in what they say; the contract is one.
  #whyNotSending(destination: Destination | undefined): string | null {
    if (!this.isOpen) return "EPIPE";
    if (this.#isConnected) return destination === undefined ? null : "EISCONN";
    if (this.#isSequenced) return "ENOTCONN";
    return destination === undefined ? "EDESTADDRREQ" : null;
  }

  #error(errno: number, call: string, to?: ErrorContext): HawserError {
    return errnoError(errno, call, { ...this.place(this.remoteAddress), ...to });
  }

  /** Keeps the process alive while it is open, which it does from its first use. */
  override ref(): this {
    this.#sender.setReferenced(true);
    this.#outbox.setReferenced(true);
    return super.ref();
  }

  /** Lets the process end although it is open. */
  override unref(): this {
    this.#sender.setReferenced(false);
    this.#outbox.setReferenced(false);
    return super.unref();
  }

  // -------------------------------------------------------------------------- for the base class

  /** @internal From its first use on the reactor watches it. */
  protected override bound(): void {
    // An unconnected seqpacket socket has hung up, as the poller sees it.
    if (this.#isWatched || (this.#isSequenced && !this.#isConnected)) return;
    const { slot, generation } = this.#channel;
    const status = reactor.watch(slot, generation);
    if (status < 0) throw errnoError(status, "epoll_ctl");
    this.#isWatched = true;
    if (this.#onBatch !== undefined) this.#adjust();
  }

  /** @internal */
  protected override shut(): Promise<void> {
    // What was given to this socket in this turn still goes to the kernel as far as it takes it.
    if (this.#outbox.isBusy && !this.#channel.deaf) flush();
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
    this.#outbox.cancel(errnoOf("ECANCELED") as number);
  }

  /** @internal */
  protected override holds(): boolean {
    return this.#sender.isWaiting || this.#outbox.isBusy || this.#receiver.length > 0;
  }
}

const WITH_BATCH = "receive() and for await do not go with a batch callback";

function nothing(): void {}
