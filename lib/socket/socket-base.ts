// What the three kinds of socket share: the descriptor and what is done with it in one system call
// each. Not here: anything that waits (stream-io.ts, listen-socket.ts, datagram-socket.ts), policy.

import {
  DOMAIN_IPV4,
  DOMAIN_IPV6,
  DOMAIN_UNIX,
  type Domain,
  SLOT_DATAGRAM,
  type SlotKind,
  TYPE_DATAGRAM,
  TYPE_SEQPACKET,
  TYPE_STREAM,
} from "../binding/types.ts";
import {
  codeError,
  type ErrorContext,
  errnoError,
  errnoName,
  type HawserError,
  invalidState,
  requireInteger,
  requireObject,
  requireOneOf,
} from "../errors/index.ts";
import { type AddressFamily, nameOf, peerOf, type SocketAddressInfo } from "./address.ts";
import {
  applyOptions,
  assign,
  getOption,
  type OptionAssignment,
  type OptionInputs,
  type OptionValues,
  type ReadableOption,
  type SocketOptions,
  setOption,
  type WritableOption,
} from "./options.ts";
import { reactor } from "./reactor.ts";
import { type InternetAddress, readDestination, type UnixAddress } from "./socket-address.ts";

/** A slot of the reactor and the family of its socket. */
export interface OpenSlot {
  readonly slot: number;
  readonly generation: number;
  readonly family: AddressFamily;
}

/** Marks a slot whose socket is connected already: accepted, adopted or half of a pair. */
export class ConnectedSlot implements OpenSlot {
  readonly slot: number;
  readonly generation: number;
  readonly family: AddressFamily;

  constructor({ slot, generation, family }: OpenSlot) {
    this.slot = slot;
    this.generation = generation;
    this.family = family;
  }
}

const DOMAINS: Readonly<Record<AddressFamily, Domain>> = {
  IPv4: DOMAIN_IPV4,
  IPv6: DOMAIN_IPV6,
  unix: DOMAIN_UNIX,
};
const FAMILIES = Object.keys(DOMAINS) as AddressFamily[];
const MAX_DESCRIPTOR = 0x7fff_ffff;
const slotName = new Int32Array(2);

/** What the sockets of all kinds can do. Abstract: take one of the three. */
export abstract class SocketBase implements AsyncDisposable {
  readonly #slot: number;
  readonly #generation: number;
  #isOpen = true;
  readonly family: AddressFamily;

  /** @internal */
  constructor(open: OpenSlot) {
    this.#slot = open.slot;
    this.#generation = open.generation;
    this.family = open.family;
  }

  /** The descriptor, or -1 when closed. It stays this object's: hand out `dup()`. */
  get fd(): number {
    return this.#isOpen ? Math.max(-1, reactor.descriptorOf(this.#slot, this.#generation)) : -1;
  }

  /** getsockname(2): port 0 or `""` before it is bound; null when closed. */
  get localAddress(): SocketAddressInfo | null {
    if (!this.#isOpen) return null;
    return nameOf(reactor, this.#slot, this.#generation, false) ?? null;
  }

  /**
   * bind(2).
   *
   * @throws TypeError or RangeError for what is no address; HawserError: EADDRINUSE, EADDRNOTAVAIL,
   *   EACCES, EAFNOSUPPORT (of another family), EINVAL (bound already), ENODEV, EBADF (closed)
   */
  bind(address: InternetAddress | UnixAddress): void {
    const { native, place } = readDestination(address, "bind()");
    if (!this.#isOpen) throw codeError("EBADF", "bind", place);
    const status = reactor.bind(this.#slot, this.#generation, native.bytes, native.isPath);
    if (status < 0) throw errnoError(status, "bind", place);
    this.bound();
  }

  /**
   * getsockopt(2), in the kernel's own unit.
   *
   * @throws TypeError for an unknown name; HawserError: EBADF (closed), ENOPROTOOPT
   */
  getOption<N extends ReadableOption>(name: N): OptionValues[N] {
    return getOption(this, name);
  }

  /**
   * setsockopt(2), in the kernel's own unit.
   *
   * @throws TypeError or RangeError for an unknown name or value; HawserError: EBADF (closed),
   *   ENOPROTOOPT, EINVAL, EPERM and the rest of setsockopt(2)
   */
  setOption<N extends WritableOption>(name: N, value: OptionInputs[N]): void {
    setOption(this, name, value);
  }

  /**
   * A duplicate of the descriptor, close-on-exec, which the caller closes. dup(2). The two share
   * one socket, its options and its O_NONBLOCK; what this object has read ahead is not in it.
   *
   * @throws HawserError: EMFILE, EBADF (closed)
   */
  dup(): number {
    if (!this.#isOpen) throw codeError("EBADF", "dup");
    const descriptor = reactor.duplicate(this.#slot, this.#generation);
    if (descriptor < 0) throw errnoError(descriptor, "dup");
    return descriptor;
  }

  /**
   * Gives the descriptor to the caller, who closes it; this object counts as closed from now on.
   *
   * @throws TypeError ERR_INVALID_STATE while bytes wait to be sent, or were received and not
   *   taken; HawserError EBADF (closed)
   */
  release(): number {
    if (!this.#isOpen) throw codeError("EBADF", "release");
    if (this.holds()) {
      throw invalidState("release() would lose bytes that wait to be sent or to be received");
    }
    this.#isOpen = false;
    const descriptor = this.leave();
    if (descriptor < 0) throw errnoError(descriptor, "release");
    return descriptor;
  }

  /**
   * close(2), after leaving the poller. Whoever waits is rejected with ECANCELED; what was given to
   * `send` in this turn still goes to the kernel as far as it takes it. Resolves when the
   * descriptor is closed; again and again is fine.
   */
  close(): Promise<void> {
    this.#isOpen = false;
    return this.shut();
  }

  /** Keeps the process alive while it is open, which it does from the start. */
  ref(): this {
    if (this.#isOpen) reactor.setReferenced(this.#slot, this.#generation, true);
    return this;
  }

  /** Lets the process end although it is open. */
  unref(): this {
    if (this.#isOpen) reactor.setReferenced(this.#slot, this.#generation, false);
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ------------------------------------------------------------------- for the three kinds

  /** @internal */
  protected get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @internal getpeername(2), or what it was when the kernel has forgotten it. */
  protected peer(): SocketAddressInfo | null {
    if (!this.#isOpen) return null;
    const peer = nameOf(reactor, this.#slot, this.#generation, true);
    return peer ?? peerOf(reactor, this.#slot, this.#generation) ?? null;
  }

  /** @internal Whether connect(2) has named a peer. */
  protected hasPeer(): boolean {
    return nameOf(reactor, this.#slot, this.#generation, true) !== undefined;
  }

  /** @internal Both ends, for errors. */
  protected place(peer: SocketAddressInfo | null): ErrorContext {
    const local = this.localAddress;
    return { ...remotePlace(peer), ...localPlace(local) };
  }

  /** @internal What the kind does once it has an address. */
  protected bound(): void {}

  /** @internal The descriptor is being closed: settles who waits, and closes it. */
  protected abstract shut(): Promise<void>;

  /** @internal Takes the descriptor out of the reactor. */
  protected abstract leave(): number;

  /** @internal Whether bytes are here that neither the kernel nor the application has. */
  protected abstract holds(): boolean;
}

function remotePlace(info: SocketAddressInfo | null): ErrorContext {
  if (info === null || info.address === "") return {};
  return info.family === "unix"
    ? { address: info.address }
    : { address: info.address, port: info.port };
}

function localPlace(info: SocketAddressInfo | null): ErrorContext {
  if (info === null || info.address === "") return {};
  return info.family === "unix"
    ? { localAddress: info.address }
    : { localAddress: info.address, localPort: info.port };
}

/** Checks `socketOptions`. @throws TypeError or RangeError */
export function readSocketOptions(value: SocketOptions | undefined): OptionAssignment[] {
  if (value === undefined) return [];
  const options = requireObject(value, "options.socketOptions");
  return Object.entries(options)
    .filter(([, one]) => one !== undefined)
    .map(([name, one]) => assign(name, one));
}

/** Checks `family`. @throws TypeError */
export function requireFamily(value: unknown): AddressFamily {
  return requireOneOf(value, "options.family", FAMILIES);
}

/**
 * socket(2), with its options set.
 *
 * @param isSequenced SOCK_SEQPACKET, of Unix sockets
 * @throws HawserError: EMFILE, ENFILE, EAFNOSUPPORT, and the options' own; nothing stays open then
 */
export function openSocket(
  family: AddressFamily,
  kind: SlotKind,
  options: readonly OptionAssignment[],
  isSequenced = false,
): OpenSlot {
  const plain = kind === SLOT_DATAGRAM ? TYPE_DATAGRAM : TYPE_STREAM;
  const type = isSequenced ? TYPE_SEQPACKET : plain;
  const status = reactor.openSlot(DOMAINS[family], type, 0, kind, slotName);
  if (status < 0) throw errnoError(status, "socket");
  const [slot = -1, generation = 0] = slotName;
  try {
    applyOptions(reactor.descriptorOf(slot, generation), options);
  } catch (error) {
    reactor.close(slot, generation, false);
    throw error;
  }
  return { slot, generation, family };
}

/**
 * A duplicate of a descriptor, in a slot. The socket becomes non-blocking, for all who share it.
 *
 * @throws HawserError: EBADF, ENOTSOCK, EPROTOTYPE, ENOTCONN, EINVAL, EMFILE
 */
export function adoptDescriptor(fd: number, kind: SlotKind): OpenSlot {
  const descriptor = requireInteger(fd, "fd", 0, MAX_DESCRIPTOR);
  const status = reactor.adopt(descriptor, kind, slotName);
  if (status < 0) throw adoptError(status, descriptor);
  const [slot = -1, generation = 0] = slotName;
  return { slot, generation, family: familyOf(slot, generation) };
}

/** The family of a slot's socket. */
export function familyOf(slot: number, generation: number): AddressFamily {
  return nameOf(reactor, slot, generation, false)?.family ?? "unix";
}

const FAILED_CALLS: Readonly<Record<string, string>> = { ENOTCONN: "getpeername", EMFILE: "fcntl" };

function adoptError(status: number, fd: number): HawserError {
  const call = FAILED_CALLS[errnoName(status)] ?? "getsockopt";
  return errnoError(status, call, { address: `fd:${fd}` });
}
