// UdpListener: a bound port, server for its flows and source of outbound ones (B32). Not here:
// which flow is whose (flow-table.ts), one flow (flow.ts), who takes new ones (flow-takers.ts), the
// socket (port.ts).

import type { SendData } from "../../core/byte-stream.ts";
import { ownedCopy } from "../../core/owned-bytes.ts";
import {
  LISTENER_STATES,
  type ListenerEvent,
  type ListenerState,
  next,
} from "../../core/states.ts";
import { Deferred, onAbort } from "../../core/waiting.ts";
import {
  codeError,
  errnoError,
  errnoOf,
  type HawserError,
  invalidState,
  rejectUnknownKeys,
  requireDuration,
  requireObject,
} from "../../errors/index.ts";
import type { NativeAddress } from "../../socket/address.ts";
import { ownedDatagram } from "../../socket/datagram-batch.ts";
import { localWords } from "../../socket/datagram-many.ts";
import {
  FLOW_KEY_WORDS,
  flowKey,
  flowKeyAt,
  interfaceAt,
  localAt,
  peerAt,
} from "../../socket/datagram-record.ts";
import { internPeer, type Peer } from "../../socket/peers.ts";
import { slab } from "../../socket/reactor.ts";
import { requireLimit } from "../admission.ts";
import { type Endpoint, parseEndpoint } from "../endpoint.ts";
import { captureContext, type HandlerContext, inContext } from "../handler-context.ts";
import type { SocketAddressInfo } from "../types.ts";
import { addressesOf, bindPorts, firstReached } from "./addresses.ts";
import { UdpFlow } from "./flow.ts";
import type { FlowLocal } from "./flow-base.ts";
import { type FlowPolicy, flowPolicy } from "./flow-policy.ts";
import { FlowTable } from "./flow-table.ts";
import { FlowTakers } from "./flow-takers.ts";
import type { DatagramGroup, GroupOptions } from "./group.ts";
import { guarded } from "./guarded.ts";
import { ListenerGroups } from "./listener-groups.ts";
import {
  answeringAddress,
  holdAddresses,
  isMulticast,
  releaseAddresses,
} from "./local-addresses.ts";
import type { MulticastMode } from "./multicast-modes.ts";
import { parseUdpHandlers, type UdpHandlerSet, type UdpListenParameters } from "./parameters.ts";
import { sourceTo } from "./path-mtu.ts";
import type { UdpPort } from "./port.ts";
import { sendStray } from "./stray.ts";
import type {
  UdpCounters,
  UdpDestination,
  UdpEndpoint,
  UdpHandlers,
  UdpListenerCloseResult,
} from "./types.ts";

const CLOSE_KEYS: ReadonlySet<string> = new Set(["timeout"]);
const ECANCELED = errnoOf("ECANCELED") as number;

/** A bound socket: server for its flows, and source of outbound ones on the same port. */
export class UdpListener<T = unknown> implements AsyncDisposable, AsyncIterable<UdpFlow<T>> {
  readonly #endpoint: Endpoint;
  readonly #parameters: UdpListenParameters;
  readonly #policy: FlowPolicy;
  readonly #context: HandlerContext;
  readonly #table: FlowTable;
  readonly #groups = new ListenerGroups();
  /** Those who wait for `drain`. */
  readonly #blocked = new Set<UdpFlow>();
  #ports: UdpPort[] = [];
  #state: ListenerState = LISTENER_STATES.initial;
  #credits: number;
  #flowDrops = 0;
  #evicted = 0;
  readonly #takers: FlowTakers;
  #stopWatching: () => void = nothing;
  readonly #closed = new Deferred<UdpListenerCloseResult>();
  readonly #key = new Int32Array(FLOW_KEY_WORDS);

  /** @internal Made by `listen()`. */
  constructor(endpoint: Endpoint, parameters: UdpListenParameters) {
    const { open, data, drain, close, handler } = parameters;
    this.#endpoint = endpoint;
    this.#parameters = parameters;
    this.#context = captureContext();
    this.#policy = flowPolicy(parameters, parameters, parameters.idleTimeout, this.#context);
    this.#table = new FlowTable(parameters.maxFlows);
    this.#credits = parameters.newConnectionLimit;
    const isCalledBack = [open, data, drain, close].some((one) => one !== undefined);
    this.#takers = new FlowTakers(handler, isCalledBack, this.#context);
  }

  /** @internal Rejects with what `listen()` rejects with. */
  async start(): Promise<this> {
    const { signal } = this.#parameters;
    this.#transition("start");
    try {
      signal?.throwIfAborted();
      this.#ports = await bindPorts(this.#endpoint, this.#parameters, this);
      signal?.throwIfAborted();
    } catch (error) {
      for (const port of this.#ports) port.close();
      this.#transition("fail");
      this.#closed.resolve(Object.freeze({ error: error as HawserError }));
      throw error;
    }
    this.#transition("listening");
    holdAddresses();
    this.#stopWatching = onAbort(signal, () => void this.close());
    return this;
  }

  // ---------------------------------------------------------------------------------- receiving

  /** @internal */
  received(port: UdpPort, offset: number, length: number, at: number): void {
    // What a group has is no flow's.
    if (!this.#groups.isEmpty && this.#groups.deliver(offset, length, at)) return;
    flowKeyAt(at, this.#key);
    const flow = this.#table.find(this.#key) ?? this.#flowFor(port, offset, length, at);
    flow?.deliver(offset, length, at);
  }

  // The flow of a datagram that was not found by where it was sent to.
  #flowFor(port: UdpPort, offset: number, length: number, at: number): UdpFlow | undefined {
    const peer = peerAt(at);
    if (peer === null || this.#state !== "ready") return undefined;
    const arrived = this.#key.slice();
    const index = interfaceAt(at) ?? 0;
    const local = answeringAddress(localAt(at), index);
    const key = flowKey(peer.words, local.words);
    const known = this.#table.find(key);
    if (known !== undefined) {
      this.#table.addAlias(known, arrived);
      return known;
    }
    if (!this.#mayTake(offset, length, at)) return undefined;
    const flow = this.#make(port, peer, { ...local, index }, key, this.#policy, false);
    if (flow === undefined) {
      this.#flowDrops++;
      return undefined;
    }
    this.#credits--;
    if (!key.every((word, at) => word === arrived[at])) this.#table.addAlias(flow, arrived);
    flow.opened();
    this.#takers.hand(flow);
    return flow.state === "ready" ? flow : undefined;
  }

  // The application's word on a peer without a flow, and the credits.
  #mayTake(offset: number, length: number, at: number): boolean {
    const { datagram } = this.#parameters;
    if (datagram !== undefined) {
      const given = ownedDatagram(ownedCopy(slab, offset, length), at);
      const answer = guarded(() => inContext(this.#context, datagram)(this as never, given));
      if (answer !== "accept" || this.#state !== "ready") return false;
    }
    if (this.#credits > 0) return true;
    this.#flowDrops++;
    return false;
  }

  #make(
    port: UdpPort,
    peer: Peer,
    local: FlowLocal,
    key: Int32Array,
    policy: FlowPolicy,
    isOurs: boolean,
  ): UdpFlow | undefined {
    const hasRoom = this.#table.makeRoom(isOurs, (flow) => {
      this.#evicted++;
      flow.end(null, "local", true);
    });
    if (!hasRoom) return undefined;
    const flow = new UdpFlow(port, peer, local, policy, this);
    flow.isAnswered = isOurs;
    this.#table.add(flow, key);
    return flow;
  }

  /** @internal */
  troubled(errno: number): void {
    this.flowError(errnoError(errno, "recvmsg", this.#place()));
  }

  /** @internal */
  peerTroubled(_port: UdpPort, peer: Peer | null, errno: number): void {
    const flow = peer === null ? undefined : this.#table.findPeer(peer.words);
    if (flow !== undefined) {
      flow.trouble(errno);
      return;
    }
    const whom = peer === null ? {} : { address: peer.address, port: peer.port };
    this.flowError(errnoError(errno, "recvmsg", { ...this.#place(), ...whom }));
  }

  /** @internal */
  drained(): void {
    const blocked = [...this.#blocked];
    this.#blocked.clear();
    for (const flow of blocked) flow.drained();
  }

  /** @internal */
  flowBlocked(flow: UdpFlow): void {
    this.#blocked.add(flow);
  }

  /** @internal */
  flowMode(port: UdpPort, group: Peer): MulticastMode | undefined {
    return this.#groups.modeTo(port, group);
  }

  /** @internal */
  flowAnswered(flow: UdpFlow): void {
    this.#table.answered(flow);
  }

  /** @internal */
  flowClosed(flow: UdpFlow): void {
    this.#table.delete(flow);
    this.#takers.forget(flow);
    this.#blocked.delete(flow);
  }

  /** @internal */
  flowDropped(): void {
    this.#flowDrops++;
  }

  /** @internal */
  flowError(error: HawserError): void {
    const { error: callback } = this.#parameters;
    if (callback === undefined) return;
    guarded(() => inContext(this.#context, callback)(this as never, error));
  }

  #place(): { localAddress: string; localPort: number } {
    const { address, port } = this.address;
    return { localAddress: address, localPort: port };
  }

  // ------------------------------------------------------------------------------------ sending

  /**
   * A flow to a peer from this listener's port (B32). The existing one where there is one; then
   * `handlers` are not looked at.
   *
   * @throws TypeError or RangeError for wrong arguments; (rejection) HawserError: what the resolver
   *   says, ENETUNREACH, EAFNOSUPPORT (a family that this listener has not), ENOBUFS (`maxFlows`
   *   flows, all answered), EBADF (closed)
   */
  async connect(remote: UdpEndpoint | URL, handlers?: UdpHandlers<T>): Promise<UdpFlow<T>> {
    const endpoint = parseEndpoint(remote, "connect", "remote");
    const given = parseUdpHandlers(handlers);
    if (endpoint.scheme !== "udp") throw codeError("EPROTONOSUPPORT", "connect");
    const closed = () => codeError("EBADF", "connect", { address: endpoint.host ?? "" });
    if (this.#state !== "ready") throw closed();
    const { family, lookup } = this.#parameters;
    const addresses = await addressesOf(endpoint, { family, lookup });
    if (this.#state !== "ready") throw closed();
    return firstReached(addresses, endpoint, (address) => this.#flowTo(address, given));
  }

  // The flow to an address: the one that is there, or a new one.
  #flowTo(address: NativeAddress, given: UdpHandlerSet): UdpFlow<T> {
    const peer = internPeer(new Int32Array(address.bytes.buffer), 0);
    const place = { address: peer.address, port: peer.port };
    const port = this.#ports.find((one) => one.takes(address.domain));
    if (port === undefined) throw codeError("EAFNOSUPPORT", "connect", place);
    const local = localWords(sourceTo(peer, port.local.address), "localAddress");
    const key = flowKey(peer.words, local);
    const known = this.#table.find(key);
    if (known !== undefined) return known as UdpFlow<T>;
    const hasOwn = Object.values(given).some((one) => one !== undefined);
    const policy = hasOwn
      ? flowPolicy(this.#parameters, given, this.#policy.idleTimeout, this.#context)
      : this.#policy;
    const info = { words: local, address: internPeer(local, 0).address, index: 0 };
    const flow = this.#make(port, peer, info, key, policy, true);
    if (flow === undefined) throw codeError("ENOBUFS", "connect", place);
    flow.opened();
    return flow as UdpFlow<T>;
  }

  /**
   * A datagram without a flow. Resolves when the kernel has taken it. To a group it goes with that
   * group's `ttl` and `loopback` where this listener has joined it, else with `socketOptions`.
   *
   * @throws TypeError or RangeError for wrong arguments; (rejection) HawserError: EACCES for a
   *   broadcast address without `broadcast: true`, EMSGSIZE, ENETUNREACH, EAFNOSUPPORT, EPIPE
   *   (closed)
   */
  send(data: SendData, to: Peer | UdpDestination): Promise<void> {
    const ports = this.#state === "ready" ? this.#ports : [];
    return sendStray(ports, data, to, (port, peer) => {
      return isMulticast(peer.address) ? this.#groups.modeTo(port, peer) : undefined;
    });
  }

  /**
   * Joins a group on this listener's port: its datagrams come to the group and make no flows.
   *
   * @throws TypeError or RangeError for wrong arguments; HawserError: ENODEV (no such interface, or
   *   none that does multicast), EADDRINUSE (another group of this listener has joined it there),
   *   ENOBUFS (net.ipv4.igmp_max_memberships), EAFNOSUPPORT, EBADF (closed)
   */
  group(options: GroupOptions): DatagramGroup {
    if (this.#state !== "ready") throw codeError("EBADF", "setsockopt");
    return this.#groups.join(this.#ports, options);
  }

  // ---------------------------------------------------------------------------------- iterating

  /** Without handler and callbacks: each flow as it begins, until `close()`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<UdpFlow<T>> {
    if (!this.#takers.isIterated) {
      throw invalidState("a listener with a handler or callbacks gives its flows to those");
    }
    return {
      next: () => this.#takers.take() as Promise<IteratorResult<UdpFlow<T>, undefined>>,
      return: () => Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  // --------------------------------------------------------------------------------- properties

  get state(): ListenerState {
    return this.#state;
  }

  /** The port, also where 0 was asked for. */
  get port(): number {
    return this.address.port;
  }

  get address(): SocketAddressInfo {
    return this.addresses[0] ?? { address: "", family: "IPv4", port: 0 };
  }

  /** `localhost` has two. */
  get addresses(): readonly SocketAddressInfo[] {
    return this.#ports.map((port) => port.local);
  }

  get fd(): number {
    return this.#ports[0]?.fd ?? -1;
  }

  /** The flows open now. Safe to close flows while iterating. */
  get connections(): Iterable<UdpFlow<T>> & { readonly size: number } {
    return this.#table.flows as Iterable<UdpFlow<T>> & { readonly size: number };
  }

  /** Credits left; set it to take more. @throws RangeError below 0 */
  get newConnectionLimit(): number {
    return this.#credits;
  }

  set newConnectionLimit(credits: number) {
    this.#credits = requireLimit(credits, "newConnectionLimit", 0);
  }

  /** What is lost and evicted (B35). */
  get udpCounters(): UdpCounters {
    const isLinux = process.platform === "linux";
    return {
      kernelDrops: isLinux ? this.#ports.reduce((sum, port) => sum + port.kernelDrops, 0) : null,
      flowDrops: this.#flowDrops,
      evictedFlows: this.#evicted,
      receiveBufferBytes: this.#ports[0]?.receiveBufferBytes ?? 0,
    };
  }

  /** Keeps the process alive while it is open, which is the default. */
  ref(): this {
    for (const port of this.#ports) port.setReferenced(true);
    return this;
  }

  /** Lets the process end while this is open. */
  unref(): this {
    for (const port of this.#ports) port.setReferenced(false);
    return this;
  }

  // ------------------------------------------------------------------------------------- ending

  /** Closes the flows and the port; what waits for room has `timeout` milliseconds, or 30,000. */
  async close(options?: { readonly timeout?: number | undefined }): Promise<void> {
    const given = options === undefined ? {} : requireObject(options, "options");
    rejectUnknownKeys(given, CLOSE_KEYS, "close()");
    const { timeout } = given;
    const limit = timeout === undefined ? 30_000 : requireDuration(timeout, "timeout");
    if (this.#state === "ready") this.#end(limit);
    await this.#closed.promise;
  }

  #end(limit: number): void {
    this.#transition("close");
    this.#stopWatching();
    releaseAddresses();
    for (const flow of [...this.#table.flows]) void flow.close();
    this.#groups.leaveAll();
    this.#takers.end();
    for (const port of this.#ports) port.close();
    const timer = setTimeout(() => {
      for (const port of this.#ports) port.abort(ECANCELED);
    }, limit);
    void Promise.all(this.#ports.map((port) => port.closed)).then(() => {
      clearTimeout(timer);
      this.#transition("finished");
      this.#closed.resolve(Object.freeze({ error: null }));
    });
  }

  #transition(event: ListenerEvent): void {
    this.#state = next(LISTENER_STATES, this.#state, event) ?? this.#state;
  }

  /** Settles when all is closed. Never rejects. */
  get closed(): Promise<UdpListenerCloseResult> {
    return this.#closed.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function nothing(): void {}
