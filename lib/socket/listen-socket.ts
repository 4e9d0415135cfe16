// ListenSocket: a listening socket, one to one with system calls. It accepts as many connections as
// are asked for and leaves the rest to the kernel.
// Not here: limits on connections, back-off, what is done with them (lib/net/listener.ts).

import { SLOT_LISTENER, TYPE_SEQPACKET } from "../binding/types.ts";
import { BACKLOG, MAX_BACKLOG } from "../core/limits.ts";
import { quiet } from "../core/send-waiters.ts";
import { iterate, onAbort, readSignal } from "../core/waiting.ts";
import {
  codeError,
  errnoError,
  invalidArgValue,
  rejectUnknownKeys,
  requireInteger,
  requireObject,
  requireOneOf,
} from "../errors/index.ts";
import type { AddressFamily } from "./address.ts";
import { DatagramSocket } from "./datagram-socket.ts";
import { type InheritedDescriptor, inheritedDescriptors } from "./inherited.ts";
import { ListenChannel } from "./listen-channel.ts";
import type { SocketOptions } from "./options.ts";
import { reactor } from "./reactor.ts";
import {
  adoptDescriptor,
  ConnectedSlot,
  familyOf,
  type OpenSlot,
  openSocket,
  readSocketOptions,
  requireFamily,
  SocketBase,
} from "./socket-base.ts";
import { StreamSocket } from "./stream-socket.ts";

export interface ListenSocketOptions<K extends ListenSocketType = "stream"> {
  readonly family: AddressFamily;
  /**
   * `"seqpacket"`: it accepts `DatagramSocket`s, messages over a connection (SOCK_SEQPACKET,
   * unix(7)), with family `"unix"`. Not on macOS. Default `"stream"`.
   */
  readonly type?: K | undefined;
  /**
   * Set before the socket is bound; the kernel's own units (`docs/options.md`). Accepted sockets
   * inherit most of them (B13).
   */
  readonly socketOptions?: SocketOptions | undefined;
}

/** What a listening socket accepts. */
export type ListenSocketType = "stream" | "seqpacket";
export type AcceptedSocket<K extends ListenSocketType> = K extends "seqpacket"
  ? DatagramSocket
  : StreamSocket;

interface Taker<K extends ListenSocketType> {
  readonly resolve: (socket: AcceptedSocket<K>) => void;
  readonly reject: (reason: unknown) => void;
  stopWatching: () => void;
}

const OPTION_KEYS: ReadonlySet<string> = new Set(["family", "type", "socketOptions"]);
const TYPES: readonly ListenSocketType[] = ["stream", "seqpacket"];

/** A listening socket (listen(2), accept(2)). */
export class ListenSocket<K extends ListenSocketType = "stream">
  extends SocketBase
  implements AsyncIterable<AcceptedSocket<K>>
{
  readonly #channel: ListenChannel;
  #isListening = false;
  readonly #isSequenced: boolean;
  #takers: Taker<K>[] = [];
  /** Accepted for a taker that left in the same turn. */
  #spare: AcceptedSocket<K>[] = [];

  /**
   * socket(2).
   *
   * @throws TypeError or RangeError for wrong options; HawserError: EMFILE, ENFILE, EAFNOSUPPORT,
   *   and those of `socketOptions`
   */
  constructor(options: ListenSocketOptions<K>);
  /** @internal */
  constructor(adopted: ConnectedSlot);
  constructor(first: ListenSocketOptions<K> | ConnectedSlot) {
    const opened = first instanceof ConnectedSlot ? first : open(first);
    super(opened);
    this.#isSequenced = this.family === "unix" && this.getOption("SO_TYPE") === TYPE_SEQPACKET;
    this.#channel = new ListenChannel({
      onAccepted: (slot, generation) => this.#accepted(slot, generation),
      onAcceptFailed: (errno) => this.#acceptFailed(errno),
    });
    this.#channel.attach(opened.slot, opened.generation);
  }

  /**
   * Takes over a listening descriptor: a duplicate of it is used, and `fd` stays the caller's.
   * Processes that share the socket share its connections.
   *
   * @throws TypeError or RangeError for what is no descriptor; HawserError: EBADF, ENOTSOCK,
   *   EPROTOTYPE (no stream or seqpacket socket), EINVAL (it does not listen), EMFILE
   */
  static adopt<K extends ListenSocketType = "stream">(fd: number): ListenSocket<K> {
    const socket = new ListenSocket<K>(new ConnectedSlot(adoptDescriptor(fd, SLOT_LISTENER)));
    socket.#isListening = true;
    const status = socket.#channel.watch(0);
    if (status === 0) return socket;
    void socket.close();
    throw errnoError(status, "epoll_ctl");
  }

  /**
   * The sockets that the service manager passed (LISTEN_FDS, LISTEN_PID; sd_listen_fds(3)), with
   * their names in LISTEN_FDNAMES. Empty where there are none, or they are another process's. They
   * may be sockets of any kind: `adopt` says which; they stay open and the caller's.
   *
   * @throws HawserError EINVAL where the variables are not what sd_listen_fds(3) says
   */
  static inherited(): readonly InheritedDescriptor[] {
    return inheritedDescriptors(process.env, process.pid);
  }

  /**
   * listen(2). Again, it changes the backlog.
   *
   * @param backlog connections that wait in the kernel; default 511. The kernel cuts it to its own
   *   limit (somaxconn).
   * @throws TypeError or RangeError for a wrong backlog; HawserError: EADDRINUSE, EBADF (closed)
   */
  listen(backlog: number = BACKLOG): void {
    requireInteger(backlog, "backlog", 0, MAX_BACKLOG);
    if (!this.isOpen) throw codeError("EBADF", "listen");
    const { slot, generation } = this.#channel;
    const status = reactor.listen(slot, generation, backlog, this.#takers.length);
    if (status < 0) throw errnoError(status, "listen", this.place(null));
    this.#isListening = true;
  }

  /**
   * accept4(2), close-on-exec. What nobody asks for waits in the kernel. When `signal` is aborted
   * no connection is lost: the next `accept` gets it.
   *
   * @throws (rejection) HawserError: EMFILE, ENFILE, ENOBUFS, ENOMEM (the connection stays in the
   *   kernel: ask again later), EINVAL (it does not listen), ECANCELED (closed meanwhile), EBADF
   *   (closed); `signal.reason`; TypeError for wrong options
   */
  accept(options?: { readonly signal?: AbortSignal | undefined }): Promise<AcceptedSocket<K>> {
    const signal = readSignal(options, "accept()");
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    if (!this.isOpen) return quiet(Promise.reject(codeError("EBADF", "accept")));
    if (!this.#isListening) return quiet(Promise.reject(codeError("EINVAL", "accept")));
    const spare = this.#spare.shift();
    if (spare !== undefined) return Promise.resolve(spare);
    return quiet(new Promise((resolve, reject) => this.#wait(resolve, reject, signal)));
  }

  #wait(
    resolve: Taker<K>["resolve"],
    reject: Taker<K>["reject"],
    signal: AbortSignal | undefined,
  ): void {
    const taker: Taker<K> = { resolve, reject, stopWatching: nothing };
    taker.stopWatching = onAbort(signal, () => {
      this.#takers = this.#takers.filter((one) => one !== taker);
      this.#channel.setCredits(this.#takers.length);
      reject(signal?.reason);
    });
    this.#takers.push(taker);
    this.#channel.setCredits(this.#takers.length);
  }

  /** Ends on a local `close()`; throws what `accept` rejects with. `break` closes nothing. */
  [Symbol.asyncIterator](): AsyncIterableIterator<AcceptedSocket<K>> {
    return iterate(
      () => this.accept(),
      () => !this.isOpen,
    );
  }

  #accepted(slot: number, generation: number): void {
    const family = this.family === "unix" ? "unix" : familyOf(slot, generation);
    const opened = new ConnectedSlot({ slot, generation, family });
    const made = this.#isSequenced ? DatagramSocket.ofSlot(opened) : new StreamSocket(opened);
    const socket = made as AcceptedSocket<K>;
    const taker = this.#takers.shift();
    if (taker === undefined) {
      this.#spare.push(socket);
      return;
    }
    taker.stopWatching();
    taker.resolve(socket);
  }

  // One failed accept(2) is one rejection. Whoever waits behind it has one of his own to come.
  #acceptFailed(errno: number): void {
    const taker = this.#takers.shift();
    this.#channel.setCredits(this.#takers.length);
    if (this.#takers.length > 0) this.#channel.resume();
    if (taker === undefined) return;
    taker.stopWatching();
    taker.reject(errnoError(errno, "accept", this.place(null)));
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

  /** @internal */
  protected override holds(): boolean {
    return this.#spare.length > 0;
  }

  #settle(): void {
    const error = codeError("ECANCELED", "accept");
    for (const taker of this.#takers.splice(0)) {
      taker.stopWatching();
      taker.reject(error);
    }
    // The kernel resets what it still holds, and so are these.
    for (const socket of this.#spare.splice(0)) {
      if (socket instanceof StreamSocket) socket.abort();
      else void socket.close();
    }
  }
}

function open(options: ListenSocketOptions<ListenSocketType>): OpenSlot {
  rejectUnknownKeys(requireObject(options, "options"), OPTION_KEYS, "ListenSocket");
  const family = requireFamily(options.family);
  const type = options.type === undefined ? "stream" : requireType(options.type, family);
  const raw = readSocketOptions(options.socketOptions);
  return openSocket(family, SLOT_LISTENER, raw, type === "seqpacket");
}

function requireType(value: unknown, family: AddressFamily): ListenSocketType {
  const type = requireOneOf(value, "options.type", TYPES);
  if (type === "stream" || family === "unix") return type;
  throw invalidArgValue("options.type", 'must go with family "unix"', value);
}

function nothing(): void {}
