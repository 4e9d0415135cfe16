// What the addon exports, as native/binding/ defines it. Types only.
//
// Every function answers a value or a negative errno, and never throws. Arguments are checked by
// whoever calls; what does not fit is -EINVAL.

import type { DatagramsBinding } from "./datagrams.ts";
import type { NetworkChangesBinding, NetworksBinding } from "./networks.ts";
import type { OptionsBinding } from "./options-binding.ts";
import type { SamplesBinding } from "./samples.ts";

/** Socket domains by the numbers that the binding takes; the systems' own differ. */
export const DOMAIN_UNIX = 1;
export const DOMAIN_IPV4 = 4;
export const DOMAIN_IPV6 = 6;
export type Domain = typeof DOMAIN_UNIX | typeof DOMAIN_IPV4 | typeof DOMAIN_IPV6;

/** socket(2) types; the same numbers on Linux and macOS. */
export const TYPE_STREAM = 1;
export const TYPE_DATAGRAM = 2;
export const TYPE_SEQPACKET = 5;
export type SocketType = typeof TYPE_STREAM | typeof TYPE_DATAGRAM | typeof TYPE_SEQPACKET;

/** What shutdown(2) ends; the same numbers on Linux and macOS. */
export const SHUT_READ = 0;
export const SHUT_WRITE = 1;
export const SHUT_BOTH = 2;
export type ShutdownHow = typeof SHUT_READ | typeof SHUT_WRITE | typeof SHUT_BOTH;

/** What the reactor does with a slot. */
export const SLOT_STREAM = 1;
export const SLOT_LISTENER = 2;
export const SLOT_DATAGRAM = 3;
export type SlotKind = typeof SLOT_STREAM | typeof SLOT_LISTENER | typeof SLOT_DATAGRAM;

/** The functions of one reactor. A slot is named by its index and generation. */
export interface ReactorBinding extends SamplesBinding, DatagramsBinding, NetworkChangesBinding {
  /** Carries out the submissions. The number of heads to settle, or 0. */
  flush(): number;
  /** socket(2); `name` receives slot and generation. */
  openSlot(
    domain: Domain,
    type: SocketType,
    protocol: number,
    kind: SlotKind,
    name: Int32Array,
  ): number;
  /**
   * Takes a duplicate of a descriptor. EPROTOTYPE: of another kind; ENOTCONN: a stream without a
   * peer; EINVAL: it does not listen.
   */
  adopt(descriptor: number, kind: SlotKind, name: Int32Array): number;
  /** socketpair(2) of Unix streams; `names` receives two slots with their generations. */
  pair(names: Int32Array): number;
  /** bind(2). `address` is 24 flat bytes, or the bytes of a path when `isPath`. */
  bind(slot: number, generation: number, address: Uint8Array, isPath: boolean): number;
  /** connect(2); the outcome is a completion. */
  connect(slot: number, generation: number, address: Uint8Array, isPath: boolean): number;
  /** connect(2) of a datagram socket: names the peer. */
  connectDatagram(slot: number, generation: number, address: Uint8Array, isPath: boolean): number;
  /** listen(2); `credits` connections may be accepted, -1 for no limit. */
  listen(slot: number, generation: number, backlog: number, credits: number): number;
  /** Begins to receive on an adopted or bound socket. */
  watch(slot: number, generation: number): number;
  pause(slot: number, generation: number): number;
  resume(slot: number, generation: number): number;
  /** Readable completions instead of reads. */
  setReadiness(slot: number, generation: number, on: boolean): number;
  /** Large chunks go to the blocks given to `open`, for who keeps them. */
  setInBlocks(slot: number, generation: number, on: boolean): number;
  setCredits(slot: number, generation: number, credits: number): number;
  /** A TCP listener hears of no new handshake; those under way go on. ENOPROTOOPT on macOS. */
  refuseNew(slot: number, generation: number): number;
  /** A listener accepts what is queued, is closed when that is nothing more, and tells End. */
  closeWhenEmpty(slot: number, generation: number): number;
  setReferenced(slot: number, generation: number, referenced: boolean): number;
  /** close(2) now; with RST when `reset`. */
  close(slot: number, generation: number, reset: boolean): number;
  /** Takes the descriptor out of the reactor. */
  release(slot: number, generation: number): number;
  descriptorOf(slot: number, generation: number): number;
  /** dup(2), close-on-exec. The descriptor is the caller's. */
  duplicate(slot: number, generation: number): number;
  /** The peer as accept(2) or connect(2) saw it, in 24 flat bytes. */
  peer(slot: number, generation: number, address: Uint8Array): number;
  /** getsockname(2) or getpeername(2). The length of a Unix path in `path`, or 0. */
  name(
    slot: number,
    generation: number,
    ofPeer: boolean,
    address: Uint8Array,
    path: Uint8Array,
  ): number;
  /** shutdown(2), now. */
  shutdown(slot: number, generation: number, how: ShutdownHow): number;
  /** sendmsg(2) of one datagram: bytes taken. After EAGAIN a Writable completion follows. */
  sendDatagram(
    slot: number,
    generation: number,
    bytes: Uint8Array,
    address: Uint8Array | undefined,
    isPath: boolean,
  ): number;
  /** SCM_RIGHTS out: at most 16 descriptors. Bytes taken; after EAGAIN Writable follows. */
  sendDescriptors(
    slot: number,
    generation: number,
    bytes: Uint8Array,
    descriptors: Int32Array,
    count: number,
  ): number;
  /** SCM_RIGHTS in: `result` is their number, 1 when some were cut, and the descriptors. */
  receiveDescriptors(
    slot: number,
    generation: number,
    bytes: Uint8Array,
    result: Int32Array,
  ): number;
}

export interface NativeBinding extends OptionsBinding, NetworksBinding {
  /** The size that the shared memory must have. */
  readonly memoryBytes: number;
  /** if_nametoindex(3): an index from 1, or a negative errno (ENODEV). */
  interfaceIndex(name: string): number;
  /** XORs bytes of a WebSocket's payload with a masking key (RFC 6455 section 5.3), in place. */
  unmask(buffer: Uint8Array, offset: number, length: number, key: number, phase: number): void;
  /** if_indextoname(3), or "" where there is no such interface. */
  interfaceName(index: number): string;
  /** A new reactor on this thread's loop, or a negative errno. */
  open(
    memory: ArrayBuffer,
    dispatch: (completions: number) => void,
    settle: (heads: number) => void,
    views: (Uint8Array | undefined)[],
    blocks: Uint8Array[],
  ): ReactorBinding | number;
}
