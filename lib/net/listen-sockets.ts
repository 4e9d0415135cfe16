// The listening sockets of one listener: which addresses they take, binding all before one accepts,
// and the file that a Unix socket leaves behind. Not here: accepting (listener.ts), descriptors of
// others (listen-descriptor.ts).

import { lstatSync, readFileSync, unlinkSync } from "node:fs";
import { resolve as resolvePath } from "node:path";
import {
  DOMAIN_IPV4,
  DOMAIN_IPV6,
  DOMAIN_UNIX,
  type Domain,
  SLOT_LISTENER,
  TYPE_STREAM,
} from "../binding/types.ts";
import type { IpAddress } from "../core/address.ts";
import { BACKLOG, LOCALHOST_PORT_ATTEMPTS_COUNT } from "../core/limits.ts";
import { errnoError, type HawserError } from "../errors/index.ts";
import { type NativeAddress, nameOf, toNativeAddress } from "../socket/address.ts";
import { ListenChannel, type ListenSink } from "../socket/listen-channel.ts";
import { reactor } from "../socket/reactor.ts";
import type { Endpoint } from "./endpoint.ts";
import { isLocalhost } from "./host.ts";
import { type AdoptedListener, adoptListening, requireForBound } from "./listen-descriptor.ts";
import type { ListenParameters } from "./parameters.ts";
import { resolve } from "./resolver.ts";
import { literalAddress, setUp } from "./socket-setup.ts";
import type { SocketAddressInfo } from "./types.ts";

const ANY_IPV4: IpAddress = { family: 4, bytes: new Uint8Array(4) };
const LOOPBACK: readonly IpAddress[] = [
  { family: 4, bytes: Uint8Array.of(127, 0, 0, 1) },
  { family: 6, bytes: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1) },
];
// A host without IPv6 lacks the family, or has it and no loopback address.
const WITHOUT_IPV6: ReadonlySet<string> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);

/** What is open, and at which addresses. */
export class ListenSockets {
  readonly channels: ListenChannel[] = [];
  addresses: readonly SocketAddressInfo[] = [];
  readonly #endpoint: Endpoint;
  readonly #parameters: ListenParameters;
  readonly #sink: ListenSink;
  readonly #adopted: AdoptedListener | null = null;
  #file: SocketFile | undefined;

  /**
   * @throws what is wrong with a descriptor (`adoptListening`), or a TypeError for an option that
   *   comes too late for it
   */
  constructor(endpoint: Endpoint, parameters: ListenParameters, sink: ListenSink) {
    this.#endpoint = endpoint;
    this.#parameters = parameters;
    this.#sink = sink;
    if (endpoint.fd === undefined) return;
    requireForBound(parameters);
    this.#adopted = adoptListening(endpoint.fd);
    this.addresses = Object.freeze([this.#adopted.address]);
    this.#open(this.#adopted.slot, this.#adopted.generation);
  }

  get transport(): "tcp" | "unix" {
    const isUnix = this.#adopted?.domain === DOMAIN_UNIX || this.#endpoint.transport === "unix";
    return isUnix ? "unix" : "tcp";
  }

  /** Whether others may have this port as well, to whom the kernel gives what these do not take. */
  get sharesPort(): boolean {
    const { reusePort, socketOptions } = this.#parameters;
    const isRaw = ([name, value]: readonly [string, unknown]) => name === "SO_REUSEPORT" && !!value;
    if (this.#adopted !== null || this.transport === "unix" || movesHandshakes()) return false;
    return reusePort || socketOptions.some(isRaw);
  }

  /** Where it listens, or was to, for errors. */
  get place(): { address: string; port?: number } {
    if (this.#adopted !== null) {
      const { address, family, port } = this.#adopted.address;
      return family === "unix" ? { address } : { address, port };
    }
    const { kind, host = "", path = "", port } = this.#endpoint;
    if (kind === "path") return { address: path };
    if (kind === "abstract") return { address: `@${path}` };
    return port === undefined ? { address: host } : { address: host, port };
  }

  /**
   * Finds the addresses and binds them all. Of a descriptor it sets only what connections inherit.
   *
   * Rejects with what the resolver says, or a HawserError of socket(2), setsockopt(2) or bind(2);
   * then nothing is left open.
   */
  async bind(): Promise<void> {
    if (this.#adopted !== null) {
      const { slot, generation, domain } = this.#adopted;
      setUp(reactor.descriptorOf(slot, generation), domain, this.#parameters, "adopt");
      return;
    }
    const { signal } = this.#parameters;
    const addresses = await this.#addresses();
    signal?.throwIfAborted();
    try {
      this.#bindAll(addresses);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Begins to accept; `credits` connections on each socket, Infinity for no limit. */
  listen(credits: (index: number) => number): void {
    const { backlog } = this.#parameters;
    this.channels.forEach((channel, index) => {
      // Who has opened a descriptor has said how long its queue is.
      const isKept = this.#adopted !== null && backlog === undefined;
      const share = credits(index);
      const status = isKept ? channel.watch(share) : channel.listen(backlog ?? BACKLOG, share);
      if (status < 0) throw errnoError(status, "listen", this.place);
    });
  }

  /** Closes what is open; what the kernels have queued is reset. */
  close(): void {
    for (const channel of this.channels) channel.close();
    this.#file?.remove();
    this.#file = undefined;
  }

  async #addresses(): Promise<readonly NativeAddress[]> {
    const { family, lookup, signal } = this.#parameters;
    const { host, port = 0, kind } = this.#endpoint;
    // RFC 6761 section 6.3: this name is the loopback, whatever a resolver would say.
    if (kind === "name" && isLocalhost(host ?? "")) {
      return LOOPBACK.filter((one) => family === 0 || one.family === family).map((one) =>
        toNativeAddress(one, port),
      );
    }
    const literal = literalAddress(this.#endpoint);
    if (literal !== undefined) {
      // Any address is `[::]`, but not for those who want IPv4 only.
      return [kind === "any" && family === 4 ? toNativeAddress(ANY_IPV4, port) : literal];
    }
    const [first] = await resolve(this.#endpoint, { family, lookup, signal });
    return first === undefined ? [] : [toNativeAddress(first, port)];
  }

  #bindAll(addresses: readonly NativeAddress[]): void {
    const [first, second] = addresses as [NativeAddress, NativeAddress | undefined];
    if (second === undefined) {
      this.addresses = Object.freeze([this.#bindFirst(first)]);
      return;
    }
    // A port that is free in one family may be taken in the other.
    const isAnyPort = (this.#endpoint.port ?? 0) === 0;
    for (let left = isAnyPort ? LOCALHOST_PORT_ATTEMPTS_COUNT : 1; ; left--) {
      try {
        this.addresses = Object.freeze(this.#bindBoth(first, second));
        return;
      } catch (error) {
        if (left <= 1 || (error as HawserError).code !== "EADDRINUSE") throw error;
        for (const channel of this.channels.splice(0)) channel.close();
      }
    }
  }

  #bindBoth(first: NativeAddress, second: NativeAddress): SocketAddressInfo[] {
    const one = this.#bindOne(first);
    try {
      return [one, this.#bindOne(withPort(second, one.port))];
    } catch (error) {
      if (!WITHOUT_IPV6.has((error as HawserError).code)) throw error;
      return [one];
    }
  }

  #bindFirst(address: NativeAddress): SocketAddressInfo {
    try {
      return this.#bindOne(address);
    } catch (error) {
      const isDualStack = this.#endpoint.kind === "any" && this.#parameters.family === 0;
      if (!isDualStack || (error as HawserError).code !== "EAFNOSUPPORT") throw error;
      return this.#bindOne(toNativeAddress(ANY_IPV4, this.#endpoint.port ?? 0));
    }
  }

  #bindOne(address: NativeAddress): SocketAddressInfo {
    const { domain, bytes, isPath } = address;
    const [slot, generation] = openSlot(domain, this.place);
    const channel = this.#open(slot, generation);
    try {
      setUp(reactor.descriptorOf(slot, generation), domain, this.#setup(domain), "listen");
      const status = reactor.bind(slot, generation, bytes, isPath);
      if (status < 0) throw errnoError(status, "bind", this.place);
    } catch (error) {
      channel.close();
      this.channels.pop();
      throw error;
    }
    if (this.#endpoint.kind === "path") this.#file = new SocketFile(this.#endpoint.path ?? "");
    const name = nameOf(reactor, slot, generation, false);
    return Object.freeze(name ?? { address: "", family: "unix", port: 0 });
  }

  #open(slot: number, generation: number): ListenChannel {
    const channel = new ListenChannel(this.#sink);
    channel.attach(slot, generation);
    this.channels.push(channel);
    return channel;
  }

  // Of two sockets on one port, one for each family, the IPv6 one must leave IPv4 to the other.
  #setup(domain: Domain): ListenParameters {
    const isOneOfTwo = this.#endpoint.kind === "name" && domain === DOMAIN_IPV6;
    return isOneOfTwo ? { ...this.#parameters, ipv6Only: true } : this.#parameters;
  }
}

/**
 * The file of a bound Unix socket. It outlives the socket; who binds next would find EADDRINUSE.
 */
class SocketFile {
  readonly #path: string;
  readonly #identity: string | undefined;

  constructor(path: string) {
    // Absolute, since the process may be elsewhere when it ends.
    this.#path = resolvePath(path);
    this.#identity = identityOf(this.#path);
  }

  /** Removes it, unless somebody has put another one there. */
  remove(): void {
    const identity = identityOf(this.#path);
    if (identity === undefined || identity !== this.#identity) return;
    try {
      unlinkSync(this.#path);
    } catch {
      // Somebody was quicker, or has made the folder read-only: nothing that a caller could do.
    }
  }
}

// tcp_migrate_req (tcp(7)): the kernel gives the others what a socket has when it is closed.
function movesHandshakes(): boolean {
  try {
    return readFileSync("/proc/sys/net/ipv4/tcp_migrate_req", "latin1").startsWith("1");
  } catch {
    return false;
  }
}

function identityOf(path: string): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
}

const name = new Int32Array(2);

function openSlot(domain: Domain, place: { address: string }): [slot: number, generation: number] {
  const status = reactor.openSlot(domain, TYPE_STREAM, 0, SLOT_LISTENER, name);
  if (status < 0) throw errnoError(status, "socket", place);
  return [name[0] as number, name[1] as number];
}

function withPort(address: NativeAddress, port: number): NativeAddress {
  if (address.domain === DOMAIN_UNIX) return address;
  const family = address.domain === DOMAIN_IPV4 ? 4 : 6;
  const bytes = address.bytes.slice(0, family === 4 ? 4 : 16);
  return toNativeAddress({ family, bytes }, port);
}
