// What every flow tells of itself: addresses, counts, its path, whose its errors are; and how its
// callbacks are called. Not here: receiving, sending and ending (flow.ts).

import { inspect } from "node:util";
import { Deadline } from "../../core/deadlines.ts";
import { codeError, errnoError, type HawserError } from "../../errors/index.ts";
import type { AddressFamily } from "../../socket/address.ts";
import type { DatagramRoute, SendMode } from "../../socket/datagram-outbox.ts";
import type { Peer } from "../../socket/peers.ts";
import { report } from "../../socket/reactor.ts";
import type { DeadlineOwner } from "../clock.ts";
import type { Path } from "../paths/types.ts";
import type { Footing } from "../paths/viability.ts";
import type { CloseResult } from "../types.ts";
import type { UdpFlow } from "./flow.ts";
import { FlowPaths } from "./flow-paths.ts";
import type { FlowPolicy } from "./flow-policy.ts";
import { isLoopback, isMulticast } from "./local-addresses.ts";
import { maxDatagramSizeTo } from "./path-mtu.ts";
import type { UdpPort } from "./port.ts";

/** Who has the flow. */
export interface FlowOwner {
  /** It has sent for the first time. */
  flowAnswered(flow: UdpFlow): void;
  flowClosed(flow: UdpFlow): void;
  /** An error that no call of the flow's could tell. */
  flowError(error: HawserError): void;
  flowDropped(): void;
  /** It has to hear when there is room again. */
  flowBlocked(flow: UdpFlow): void;
  /** Of a flow to a group: the options of the socket that it wants. */
  flowMode?(port: UdpPort, group: Peer): SendMode | undefined;
  /** What a flow over a socket of its own stands on; absent where flows share one. */
  flowFooting?(): Footing;
}

/** The address of ours that a flow uses. */
export interface FlowLocal {
  /** Null lets the kernel choose. */
  readonly words: Int32Array | null;
  readonly address: string;
  /** Index of the interface; 0 lets the kernel choose. */
  readonly index: number;
}

/** Whose error it is: one that a handler ends with says nothing that its flow does not know. */
const makers = new WeakMap<object, object>();

/** What every flow tells of itself. */
export abstract class FlowBase<T = unknown> {
  /** The application's own. */
  data!: T;
  /** @internal What it is found by (flow-table.ts). */
  readonly keys: Int32Array[] = [];
  /** @internal */
  isAnswered = false;
  /** @internal For what a program sends without awaiting the loop. */
  iteration = 0;
  /** @internal */
  iterationBytes = 0;
  /** @internal */
  protected readonly port: UdpPort;
  /** @internal */
  protected readonly owner: FlowOwner;
  /** @internal */
  protected readonly policy: FlowPolicy;
  /** @internal */
  protected readonly peer: Peer;
  /** @internal */
  protected readonly route: DatagramRoute;
  /** @internal */
  protected readonly paths: FlowPaths | null;
  /** @internal */
  protected readonly isToGroup: boolean;
  /** @internal */
  protected readonly idle: Deadline<DeadlineOwner> = new Deadline<DeadlineOwner>(this);
  /** @internal */
  protected current: "ready" | "closed" | "failed" = "ready";
  /** @internal */
  protected received = 0;
  /** @internal */
  protected written = 0;
  /** @internal */
  protected dropped = 0;
  /** @internal */
  protected needsDrain = false;
  readonly #localAddress: string;
  readonly #interface: number;

  /** @internal */
  constructor(
    port: UdpPort,
    remote: Peer,
    local: FlowLocal,
    policy: FlowPolicy,
    owner: FlowOwner,
    isConnected: boolean,
  ) {
    this.port = port;
    this.peer = remote;
    this.owner = owner;
    this.policy = policy;
    this.#localAddress = local.address;
    this.#interface = local.index;
    // What the kernel would choose by itself is not said: it costs a control message each time. A
    // loopback address has one interface only.
    const isBound = isConnected || port.local.address === local.address;
    const hasOneWay = isConnected || isLoopback(local.address);
    this.route = {
      to: isConnected ? null : remote.words,
      local: isBound ? null : local.words,
      interface: hasOneWay ? 0 : local.index,
      trafficClass: 0,
    };
    this.isToGroup = owner.flowMode !== undefined && isMulticast(remote.address);
    const footing = owner.flowFooting?.bind(owner);
    this.paths = footing === undefined ? null : new FlowPaths(this, footing, policy);
  }

  /** @internal Silence. */
  abstract expired(): void;
  /** @internal */
  abstract end(error: HawserError | null, initiator: CloseResult["initiator"]): void;
  /** @internal As `close`, and what has arrived is dropped. */
  abstract abort(): void;

  get state(): "ready" | "closed" | "failed" {
    return this.current;
  }

  get remoteAddress(): string {
    return this.peer.address;
  }

  get remotePort(): number {
    return this.peer.port;
  }

  get remoteFamily(): AddressFamily {
    return this.peer.family;
  }

  /** The address that the peer uses; replies leave from it and its interface. */
  get localAddress(): string {
    return this.#localAddress;
  }

  get localPort(): number {
    return this.port.local.port;
  }

  get localFamily(): AddressFamily {
    return this.peer.family;
  }

  /** Index of the interface that the first datagram came through; null where we began. */
  get interface(): number | null {
    return this.#interface === 0 ? null : this.#interface;
  }

  /** The descriptor, for `getOption` and the like; a listener's flows share one. -1 when closed. */
  get fd(): number {
    return this.current === "ready" ? this.port.fd : -1;
  }

  get bytesRead(): number {
    return this.received;
  }

  get bytesWritten(): number {
    return this.written;
  }

  /** Bytes that wait for room in the kernel, of all flows of this socket. */
  get bufferedAmount(): number {
    return this.port.outbox.heldBytes;
  }

  /** Whether `drain` is still to come. */
  get writableNeedDrain(): boolean {
    return this.needsDrain;
  }

  /** Datagrams dropped here because nobody read. */
  get drops(): number {
    return this.dropped;
  }

  /**
   * The largest datagram that the path takes without fragmentation, as far as the kernel knows now
   * (IP_MTU, ip(7); the interface's MTU on macOS). Bytes of payload. Where there is no path, what
   * every path takes: 548 over IPv4, 1,232 over IPv6.
   */
  get maxDatagramSize(): number {
    return maxDatagramSizeTo(this.peer);
  }

  /**
   * Of a flow that `connect()` made: whether the local address, the link and a route to the peer
   * are there, as of a {@link Connection}. A flow of a listener, whose socket has no path of its
   * own, is viable while it is open. @throws HawserError where this process may not look at its
   * networks
   */
  get viable(): boolean {
    return this.current === "ready" && (this.paths?.viable ?? true);
  }

  /** What a new flow would use, where that is another path; null on a listener's flows. */
  get betterPath(): Path | null {
    return this.paths?.betterPath ?? null;
  }

  /** The path in use; null on a listener's flows, and after the end. */
  get path(): Path | null {
    return this.paths?.path ?? null;
  }

  /** Keeps the process alive while it is open, which is the default. */
  ref(): this {
    return this.#refer(true);
  }

  /** Lets the process end while it is open. Of a listener's flow both do nothing. */
  unref(): this {
    return this.#refer(false);
  }

  #refer(isReferenced: boolean): this {
    if (this.paths !== null && this.current === "ready") this.port.setReferenced(isReferenced);
    return this;
  }

  // -------------------------------------------------------------------------------- for its path

  /** @internal Where an option or a callback asks for it. */
  followAsAsked(): void {
    this.paths?.followAsAsked();
  }

  /** @internal */
  viabilityChanged(isViable: boolean): void {
    const { viable } = this.policy.handlers;
    if (viable !== undefined) this.call(() => viable(this as never, isViable));
  }

  /** @internal */
  betterPathChanged(path: Path | null): void {
    const { betterPath } = this.policy.handlers;
    if (betterPath !== undefined) this.call(() => betterPath(this as never, path));
  }

  /** @internal */
  viabilityLapsed(): void {
    const context = { ...this.place(), phase: "open", reason: "VIABILITY_TIMEOUT" } as const;
    this.end(this.own(codeError("ENETDOWN", "recvmsg", context)), "network");
  }

  // -------------------------------------------------------------------------- errors and callbacks

  /** @internal */
  protected place() {
    const { address, port } = this.peer;
    return { address, port, localAddress: this.#localAddress, localPort: this.localPort };
  }

  /** @internal */
  protected error(errno: number, syscall: string): HawserError {
    return this.own(errnoError(errno, syscall, this.place()));
  }

  /** @internal */
  protected own(error: HawserError): HawserError {
    makers.set(error, this);
    return error;
  }

  /** @internal To whoever hears what no call could tell. */
  protected tell(told: HawserError): void {
    const { error } = this.policy.handlers;
    if (error === undefined) this.owner.flowError(told);
    else this.call(() => error(this as never, told));
  }

  /** @internal A handler that fails ends its own flow, and the turn goes on (B55). */
  protected call(callback: () => unknown): void {
    try {
      const result = callback();
      if (result !== undefined) this.watch(result);
    } catch (error) {
      this.handlerFailed(error);
    }
  }

  /** @internal A promise that a callback returned: its rejection is the handler's failure. */
  protected watch(result: unknown): void {
    if (typeof (result as PromiseLike<unknown> | null)?.then !== "function") return;
    (result as PromiseLike<unknown>).then(undefined, (error) => this.handlerFailed(error));
  }

  /** @internal With an error of the flow's own it ends quietly; else by uncaughtException. */
  handlerFailed(error: unknown): void {
    if (typeof error === "object" && error !== null && makers.get(error) === this) {
      this.end(null, "local");
      return;
    }
    this.abort();
    report(error);
  }
}

// What `console.log` shows; no member, since it is no part of the interface.
Object.defineProperty(FlowBase.prototype, inspect.custom, {
  value(this: FlowBase, _depth: number, options: object): string {
    const { state, localAddress, localPort, remoteAddress, remotePort, data } = this;
    const shown = { state, localAddress, localPort, remoteAddress, remotePort, data };
    return `UdpFlow ${inspect(shown, options)}`;
  },
});
