// DatagramGroup: a multicast group on some interfaces, on a port of its own or on a listener's. Not
// here: which datagram is a group's (listener.ts), where it is joined (memberships.ts).

import { parseAddress } from "../../core/address.ts";
import { bytesOf, type SendData } from "../../core/byte-stream.ts";
import { MAX_TTL_COUNT, RECEIVE_HIGH_WATER_MARK_BYTES } from "../../core/limits.ts";
import { ownedCopy } from "../../core/owned-bytes.ts";
import { quiet } from "../../core/send-waiters.ts";
import { iterate, readSignal } from "../../core/waiting.ts";
import {
  codeError,
  errnoError,
  errnoOf,
  invalidArgValue,
  invalidState,
  rejectUnknownKeys,
  requireBoolean,
  requireFunction,
  requireInteger,
  requireObject,
  requireString,
} from "../../errors/index.ts";
import { toNativeAddress } from "../../socket/address.ts";
import { ownedDatagram } from "../../socket/datagram-batch.ts";
import { interfaceIndex, ManySent } from "../../socket/datagram-many.ts";
import { type Datagram, DatagramReceiver } from "../../socket/datagram-receiver.ts";
import { interfaceAt, localAt, peerAt } from "../../socket/datagram-record.ts";
import type { NetworkInterface } from "../../socket/interfaces.ts";
import { applyOptions, assign } from "../../socket/options.ts";
import { internPeer, type Peer } from "../../socket/peers.ts";
import { slab } from "../../socket/reactor.ts";
import { parseEndpoint } from "../endpoint.ts";
import { captureContext, inContext } from "../handler-context.ts";
import { bindPorts } from "./addresses.ts";
import { guarded } from "./guarded.ts";
import { isMulticast } from "./local-addresses.ts";
import { Memberships } from "./memberships.ts";
import type { MulticastMode } from "./multicast-modes.ts";
import { parseUdpListen } from "./parameters.ts";
import type { PortOwner, UdpPort } from "./port.ts";
import type { UdpEndpoint } from "./types.ts";

export interface GroupOptions {
  /** The group: 224.0.0.0/4 or ff00::/8; with a zone (`ff02::fb%eth0`) on that interface only. */
  readonly address: string;
  /** Source-specific (RFC 4607): only what this address sends. */
  readonly source?: string | undefined;
  /**
   * Names or indexes. Default: every interface that is up and does multicast. What goes away is
   * forgotten, and joined again when it is back.
   */
  readonly interfaces?: readonly (string | number)[] | undefined;
  /**
   * IP_MULTICAST_LOOP: what is sent comes back to this host's members. Default true. Groups of one
   * listener may differ in this and in `ttl`.
   */
  readonly loopback?: boolean | undefined;
  /** IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS: 0 to 255. Default 1. */
  readonly ttl?: number | undefined;
  /** Each datagram of the group; with it `receive()` and `for await` throw. */
  datagram?(group: DatagramGroup, datagram: Datagram): unknown;
}

const KEYS: ReadonlySet<string> = new Set([
  "address",
  "source",
  "interfaces",
  "loopback",
  "ttl",
  "datagram",
]);
const SEND_KEYS: ReadonlySet<string> = new Set(["interface"]);
const ECANCELED = errnoOf("ECANCELED") as number;
const ADDRESS_WORDS = 4;

/** A multicast group on some or all interfaces (IP_ADD_MEMBERSHIP, ip(7); RFC 3678). */
export class DatagramGroup implements AsyncDisposable, AsyncIterable<Datagram> {
  /** As RFC 5952 writes it, without a zone. */
  readonly address: string;
  /** @internal In force while it sends. */
  readonly mode: MulticastMode;
  readonly #peer: Peer;
  readonly #source: Peer | null;
  readonly #port: UdpPort;
  readonly #memberships: Memberships;
  readonly #datagram: GroupOptions["datagram"];
  readonly #receiver = new DatagramReceiver(RECEIVE_HIGH_WATER_MARK_BYTES, () => {});
  readonly #left: (group: DatagramGroup) => Promise<void>;
  #drops = 0;
  #isMember = true;

  /**
   * @internal `join()` and `listener.group()` make them.
   * @param left what is to be done when it is left
   */
  constructor(port: UdpPort, options: GroupOptions, left: (group: DatagramGroup) => Promise<void>) {
    const given = requireObject(options, "options");
    rejectUnknownKeys(given, KEYS, "group()");
    const { datagram, loopback = true, ttl = 1, source } = options;
    const { address, zone } = requireGroup(options.address);
    this.#port = port;
    this.#left = left;
    this.#peer = peerOf(address, port.local.port);
    this.address = this.#peer.address;
    this.#source = source === undefined ? null : peerOf(requireSource(source, address), 0);
    this.#datagram =
      datagram === undefined
        ? undefined
        : inContext(captureContext(), requireFunction(datagram, "options.datagram"));
    requireBoolean(loopback, "options.loopback");
    requireInteger(ttl, "options.ttl", 0, MAX_TTL_COUNT);
    this.mode = port.modesFor(this.#peer.family).of(ttl, loopback);
    const chosen = interfacesOf(options.interfaces, zone);
    this.#memberships = new Memberships(port, this.#peer, this.#source, chosen);
  }

  /**
   * Opens a socket of its own on a port, which other members on this host may share (SO_REUSEADDR).
   *
   * @param endpoint `udp://GROUP:PORT`
   * @throws (as a rejection) TypeError or RangeError for wrong arguments; HawserError: ENODEV,
   *   EADDRINUSE, ENOBUFS (net.ipv4.igmp_max_memberships)
   */
  static async join(
    endpoint: UdpEndpoint,
    options: Omit<GroupOptions, "address"> = {},
  ): Promise<DatagramGroup> {
    const { scheme, host = "", zone, port: number } = parseEndpoint(endpoint, "listen");
    if (scheme !== "udp") throw codeError("EPROTONOSUPPORT", "bind", { address: host });
    const address = zone === undefined ? host : `${host}%${zone}`;
    requireGroup(address);
    const isIpv6 = address.includes(":");
    const any = parseEndpoint(
      isIpv6 ? `udp://[::]:${number}` : `udp://0.0.0.0:${number}`,
      "listen",
    );
    const parameters = parseUdpListen({
      reuseAddr: true,
      family: isIpv6 ? 6 : 4,
      ipv6Only: isIpv6,
    });
    let group: DatagramGroup | undefined;
    const owner: PortOwner = {
      received: (_, offset, length, at) => void group?.deliver(offset, length, at),
      troubled: () => {},
      peerTroubled: () => {},
      drained: () => {},
    };
    const [port] = (await bindPorts(any, parameters, owner)) as [UdpPort];
    try {
      if (process.platform === "linux") {
        const name = isIpv6 ? "IPV6_MULTICAST_ALL" : "IP_MULTICAST_ALL";
        applyOptions(port.fd, [assign(name, false)]);
      }
      group = new DatagramGroup(port, { ...options, address }, () => {
        port.close();
        return port.closed;
      });
      return group;
    } catch (error) {
      port.abort(ECANCELED);
      throw error;
    }
  }

  /** Those on which it is joined now. */
  get interfaces(): readonly NetworkInterface[] {
    return [...this.#memberships.joined];
  }

  get port(): number {
    return this.#port.local.port;
  }

  /** Datagrams dropped here because nobody read. */
  get drops(): number {
    return this.#drops;
  }

  /** @internal Whether a datagram is this group's; then it is delivered. */
  deliver(offset: number, length: number, at: number): boolean {
    if (!isSameAddress(localAt(at), this.#peer)) return false;
    if (!this.#memberships.has(interfaceAt(at))) return false;
    if (this.#source !== null && !isSameAddress(peerAt(at), this.#source)) return false;
    if (this.#datagram === undefined && this.#receiver.isFull && !this.#receiver.isWaiting) {
      this.#drops++;
      return true;
    }
    const datagram = ownedDatagram(ownedCopy(slab, offset, length), at);
    const callback = this.#datagram;
    if (callback === undefined) this.#receiver.push(datagram);
    else guarded(() => callback(this, datagram));
    return true;
  }

  /**
   * One datagram of the group; null after `leave()`.
   *
   * @throws TypeError ERR_INVALID_STATE beside a `datagram` callback; (rejection) ECANCELED (left
   *   meanwhile); `signal.reason`
   */
  receive(options?: { readonly signal?: AbortSignal | undefined }): Promise<Datagram | null> {
    const signal = readSignal(options, "receive()");
    if (this.#datagram !== undefined) {
      throw invalidState("receive() and for await do not go with a datagram callback");
    }
    return this.#isMember ? this.#receiver.receive(signal) : Promise.resolve(null);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Datagram> {
    return iterate(
      () => this.receive(),
      () => !this.#isMember,
    );
  }

  /**
   * Through all joined interfaces, or the one named. Resolves when the kernel has taken all.
   *
   * @throws TypeError or RangeError; (rejection) HawserError, the first, after all the others were
   *   sent: ENODEV (no such interface, or joined on none now), EADDRNOTAVAIL (an interface that has
   *   no IPv6 address yet), EMSGSIZE, EPIPE (left)
   */
  send(data: SendData, options?: { readonly interface?: string | number }): Promise<void> {
    const bytes = bytesOf(data);
    const given = options === undefined ? {} : requireObject(options, "options");
    rejectUnknownKeys(given, SEND_KEYS, "send()");
    const { interface: chosen } = given;
    const indexes =
      chosen === undefined
        ? this.#memberships.joined.map((one) => one.index)
        : [interfaceIndex(chosen, "options.interface")];
    const place = { address: this.address, port: this.#peer.port };
    const refusal = !this.#isMember ? "EPIPE" : indexes.length === 0 ? "ENODEV" : null;
    if (refusal !== null) return quiet(Promise.reject(codeError(refusal, "sendmsg", place)));
    const failure = (errno: number) => errnoError(errno, "sendmsg", place);
    const sent = new ManySent(failure, this.mode);
    for (const index of indexes) {
      const route = { to: this.#peer.words, local: null, interface: index, trafficClass: 0 };
      this.#port.outbox.pushIn(bytes, route, sent);
    }
    this.#port.outbox.tell(sent);
    return sent.promise;
  }

  /** Leaves the group; what waits to be received is dropped. */
  async leave(): Promise<void> {
    if (!this.#isMember) return;
    this.#isMember = false;
    this.#memberships.leave();
    this.#receiver.cancel(codeError("ECANCELED", "recvmsg", { address: this.address }));
    await this.#left(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }
}

interface GroupAddress {
  readonly address: string;
  readonly zone: string | undefined;
}

function requireGroup(value: unknown): GroupAddress {
  const text = requireString(value, "address");
  const [address = "", zone] = text.split("%");
  if (parseAddress(text) === undefined || !isMulticast(address)) {
    throw invalidArgValue("address", "must be a multicast address (224.0.0.0/4, ff00::/8)", text);
  }
  return { address, zone };
}

function requireSource(value: unknown, group: string): string {
  const text = requireString(value, "source");
  const family = group.includes(":") ? 6 : 4;
  if (parseAddress(text)?.family === family) return text;
  throw invalidArgValue("source", `must be an IPv${family} address, as the group's`, text);
}

// A zone is the interface that is meant, by name or index.
function interfacesOf(interfaces: unknown, zone: string | undefined): unknown {
  if (zone === undefined) return interfaces;
  if (interfaces === undefined) return [/^[0-9]+$/.test(zone) ? Number(zone) : zone];
  throw invalidArgValue("options.interfaces", "must not stand beside a zone", interfaces);
}

function isSameAddress(one: Peer | null, other: Peer): boolean {
  if (one === null) return false;
  for (let i = 0; i < ADDRESS_WORDS; i++) if (one.words[i] !== other.words[i]) return false;
  return true;
}

function peerOf(text: string, port: number): Peer {
  const address = parseAddress(text);
  if (address === undefined) throw invalidArgValue("address", "must be an IP address", text);
  return internPeer(new Int32Array(toNativeAddress(address, port).bytes.buffer), 0);
}
