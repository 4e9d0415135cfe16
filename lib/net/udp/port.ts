// One UDP socket of a listener or of a connected flow: opened, set up, bound or connected. Not
// here: flows (flow.ts), who they belong to (listener.ts), names (entry.ts).

import { DOMAIN_IPV6, SLOT_DATAGRAM } from "../../binding/types.ts";
import { type ErrorContext, errnoError } from "../../errors/index.ts";
import {
  type AddressFamily,
  type NativeAddress,
  nameOf,
  type SocketAddressInfo,
} from "../../socket/address.ts";
import { DatagramChannel, type DatagramSink } from "../../socket/datagram-channel.ts";
import { DatagramOutbox } from "../../socket/datagram-outbox.ts";
import { assign, type OptionAssignment } from "../../socket/options.ts";
import type { Peer } from "../../socket/peers.ts";
import { flush, reactor } from "../../socket/reactor.ts";
import { setReceiveBuffer } from "../../socket/receive-buffer.ts";
import { openSocket } from "../../socket/socket-base.ts";
import { bindToInterface } from "./interface-option.ts";
import { MulticastModes } from "./multicast-modes.ts";
import type { UdpParameters } from "./parameters.ts";

/** Who has a port. Methods run in a turn. */
export interface PortOwner {
  /** A datagram, which stands in the slab until this returns; `at` is its completion. */
  received(port: UdpPort, offset: number, length: number, at: number): void;
  /** An asynchronous error of the whole socket: of a connected one, its peer's. */
  troubled(errno: number): void;
  /** What ICMP said of one peer. */
  peerTroubled(port: UdpPort, peer: Peer | null, errno: number): void;
  /** Nothing is held for want of room any more. */
  drained(): void;
}

type Setup = UdpParameters & { readonly ipv6Only?: boolean };

const isLinux = process.platform === "linux";
/** IP_PMTUDISC_DO and IP_PMTUDISC_DONT of ip(7). */
const NEVER_FRAGMENT = 2;
const MAY_FRAGMENT = 0;

export class UdpPort {
  readonly domain: NativeAddress["domain"];
  readonly outbox: DatagramOutbox;
  readonly receiveBufferBytes: number;
  readonly #channel: DatagramChannel;
  readonly #isIpv6Only: boolean;
  readonly #modes = new Map<AddressFamily, MulticastModes>();
  #local: SocketAddressInfo = { address: "", family: "IPv4", port: 0 };
  #closed: () => void = () => {};
  /** Settles when the descriptor is closed. */
  readonly closed: Promise<void> = new Promise((resolve) => {
    this.#closed = resolve;
  });
  #isClosing = false;

  /** @throws HawserError of socket(2), setsockopt(2) */
  constructor(domain: NativeAddress["domain"], parameters: Setup, owner: PortOwner) {
    this.domain = domain;
    this.#isIpv6Only = parameters.ipv6Only === true;
    const family = domain === DOMAIN_IPV6 ? "IPv6" : "IPv4";
    const { slot, generation } = openSocket(family, SLOT_DATAGRAM, setup(domain, parameters));
    const { receiveBufferSize } = parameters;
    const fd = reactor.descriptorOf(slot, generation);
    this.receiveBufferBytes = setReceiveBuffer({ fd }, receiveBufferSize);
    const sink: DatagramSink = {
      onDatagram: (offset, length, at) => owner.received(this, offset, length, at),
      onFailed: (errno) => owner.troubled(errno),
      onPeerFailed: (peer, errno) => owner.peerTroubled(this, peer, errno),
      onSettled: (status, first) => this.outbox.settle(status, first),
      onWritable: () => this.outbox.retry(),
    };
    this.#channel = new DatagramChannel(sink);
    this.#channel.attach(slot, generation);
    this.outbox = new DatagramOutbox(this.#channel, () => {
      if (this.#isClosing) this.#shut();
      else owner.drained();
    });
  }

  /** @throws HawserError of bind(2) */
  bind(address: NativeAddress, place: ErrorContext): void {
    const { slot, generation } = this.#channel;
    const status = reactor.bind(slot, generation, address.bytes, false);
    if (status < 0) throw errnoError(status, "bind", place);
  }

  /** @throws HawserError of connect(2) */
  connect(address: NativeAddress, place: ErrorContext): void {
    const { slot, generation } = this.#channel;
    const status = reactor.connectDatagram(slot, generation, address.bytes, false);
    if (status < 0) throw errnoError(status, "connect", place);
  }

  /** Begins to receive. @throws HawserError of epoll_ctl(2) */
  start(): void {
    const { slot, generation } = this.#channel;
    const status = reactor.watch(slot, generation);
    if (status < 0) throw errnoError(status, "epoll_ctl");
    this.#local = Object.freeze(nameOf(reactor, slot, generation, false) ?? this.#local);
  }

  /** Where it is bound. */
  get local(): SocketAddressInfo {
    return this.#local;
  }

  /** Whether datagrams of this family can leave from here: of `[::]`, both (B31). */
  takes(family: NativeAddress["domain"]): boolean {
    if (family === this.domain) return true;
    return this.domain === DOMAIN_IPV6 && this.#local.address === "::" && !this.#isIpv6Only;
  }

  /** The options for what is sent to groups. @throws HawserError of getsockopt(2) */
  modesFor(family: AddressFamily): MulticastModes {
    let modes = this.#modes.get(family);
    if (modes === undefined) {
      modes = new MulticastModes(this, family === "IPv6" ? "IPv6" : "IPv4");
      this.#modes.set(family, modes);
    }
    return modes;
  }

  /** The same, where a group has needed them; else all of them are as they were. */
  changedModes(family: AddressFamily): MulticastModes | undefined {
    return this.#modes.get(family);
  }

  /** -1 when closed. */
  get fd(): number {
    const { slot, generation, deaf } = this.#channel;
    return deaf ? -1 : Math.max(-1, reactor.descriptorOf(slot, generation));
  }

  get slotName(): readonly [slot: number, generation: number] {
    return [this.#channel.slot, this.#channel.generation];
  }

  /** Datagrams lost by the kernel; 0 when closed. */
  get kernelDrops(): number {
    const { slot, generation, deaf } = this.#channel;
    return deaf ? 0 : Math.max(0, reactor.datagramDrops(slot, generation));
  }

  setReferenced(referenced: boolean): void {
    const { slot, generation, deaf } = this.#channel;
    this.outbox.setReferenced(referenced);
    if (!deaf) reactor.setReferenced(slot, generation, referenced);
  }

  /** Closes when what waits for room has left; what was given in this turn goes first. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.#channel.deaf) return;
    if (this.outbox.isBusy) flush();
    this.#channel.pause();
    if (!this.outbox.isHolding) this.#shut();
  }

  /** Closes now. */
  abort(errno: number): void {
    this.#isClosing = true;
    this.outbox.cancel(errno);
    this.#shut();
  }

  #shut(): void {
    this.#channel.close();
    this.#closed();
  }
}

function setup(domain: NativeAddress["domain"], parameters: Setup): OptionAssignment[] {
  const assignments: OptionAssignment[] = [];
  const add = (name: string, value: unknown) => assignments.push(assign(name, value));
  const isIpv6 = domain === DOMAIN_IPV6;
  if (isIpv6) add("IPV6_V6ONLY", parameters.ipv6Only === true);
  if (parameters.reuseAddr) add("SO_REUSEADDR", true);
  if (parameters.reusePort) add("SO_REUSEPORT", true);
  if (parameters.broadcast) add("SO_BROADCAST", true);
  if (parameters.interface !== undefined) bindToInterface(add, domain, parameters.interface);
  add(isIpv6 ? "IPV6_RECVPKTINFO" : "IP_PKTINFO", true);
  add(isIpv6 ? "IPV6_RECVTCLASS" : "IP_RECVTOS", true);
  if (isLinux) forLinux(add, isIpv6, parameters.fragment);
  else if (!parameters.fragment) add(isIpv6 ? "IPV6_DONTFRAG" : "IP_DONTFRAG", true);
  for (const [name, value] of parameters.socketOptions) add(name, value);
  return assignments;
}

// IPv4 datagrams of an IPv6 socket follow IPv4's options.
function forLinux(
  add: (name: string, value: unknown) => void,
  isIpv6: boolean,
  may: boolean,
): void {
  const discovery = may ? MAY_FRAGMENT : NEVER_FRAGMENT;
  add("SO_RXQ_OVFL", true);
  add("IP_RECVERR", true);
  add("IP_MTU_DISCOVER", discovery);
  if (!isIpv6) return;
  add("IP_RECVTOS", true);
  add("IPV6_RECVERR", true);
  add("IPV6_MTU_DISCOVER", discovery);
}
