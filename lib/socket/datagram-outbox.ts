// Datagrams as submissions of the reactor: those of one turn leave together (sendmmsg(2)), runs of
// equal length to one peer as segments (UDP_SEGMENT). What the kernel has no room for is kept here,
// in order. Not here: single sends with their own system call (datagram-sender.ts), policy.

import {
  HEADER_CAPACITY,
  HEADER_EPOCH,
  HEADER_OFFSET,
  OPERATION_DATAGRAM_AREA,
  OPERATION_DATAGRAM_SLAB,
  OPERATION_DATAGRAM_VIEW,
  OPERATION_TELL,
  ROUTES_CAPACITY,
  ROUTES_OFFSET,
  SUBMISSION_ECN,
  SUBMISSION_INTERFACE,
  SUBMISSION_LENGTH,
  SUBMISSION_LOCAL,
  SUBMISSION_NEXT,
  SUBMISSION_OFFSET,
  SUBMISSION_OPERATION,
  SUBMISSION_PEER,
  SUBMISSION_STRIDE,
  SUBMISSION_VIEW,
  SUBMISSION_WORDS,
} from "../binding/records.ts";
import {
  COPY_THRESHOLD_BYTES,
  MAX_DATAGRAM_RETRY_MS,
  MAX_SEGMENT_BYTES,
  MIN_DATAGRAM_RETRY_MS,
} from "../core/limits.ts";
import { errnoOf } from "../errors/index.ts";
import type { DatagramChannel } from "./datagram-channel.ts";
import { FLAT_WORDS } from "./peers.ts";
import {
  addView,
  area,
  completions,
  flush,
  inTurn,
  isPending,
  isSlab,
  makeRoom,
  POISONS_LENT,
  reserve,
  slab,
  submissions,
  submit,
  views,
  whenSettled,
} from "./reactor.ts";

/** Where a datagram goes and how. Flat addresses as words (peers.ts). */
export interface DatagramRoute {
  /** Null on a connected socket. */
  readonly to: Int32Array | null;
  /** The source address; null lets the kernel choose. */
  readonly local: Int32Array | null;
  /** Index of the interface to send through; 0 lets the kernel choose. */
  readonly interface: number;
  /** 0 for the socket's own. */
  readonly trafficClass: number;
}

/** Options of the socket that must be in force while a datagram leaves: no route can say them. */
export interface SendMode {
  readonly isInForce: boolean;
  /** Sets them. 0, or a negative errno. */
  enter(): number;
}

/** Who wants to know what became of a datagram. Called when the whole flush has been looked at. */
export interface DatagramOwner {
  /** Of `pushIn`; asked again for what had to wait. */
  readonly mode?: SendMode | undefined;
  /**
   * The kernel refused it: a negative errno. Nothing was sent.
   *
   * @param to the flat address of whom it was for; null on a connected socket
   */
  refused(errno: number, to: Int32Array | null): void;
  /** Of `tell`: all before has been taken or refused. */
  told(): void;
}

interface Held extends DatagramRoute {
  /** Undefined: an owner to be told. */
  readonly bytes: Uint8Array | undefined;
  readonly stride: number;
  readonly owner: DatagramOwner | null;
}

const EAGAIN = errnoOf("EAGAIN") as number;
const ENOBUFS = errnoOf("ENOBUFS") as number;

const header = new Int32Array(completions.buffer, HEADER_OFFSET, HEADER_CAPACITY);
const routes = new Int32Array(completions.buffer, ROUTES_OFFSET, ROUTES_CAPACITY * FLAT_WORDS);
/** Who stands behind each submission of this epoch. */
const owners: (DatagramOwner | null)[] = [];
let routesEpoch = -1;
let routesUsed = 0;

export class DatagramOutbox {
  readonly #channel: DatagramChannel;
  readonly #drained: () => void;
  #held: Held[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #delayMs = MIN_DATAGRAM_RETRY_MS;
  #isReferenced = true;
  // The route of the last submission of this epoch.
  #epoch = -1;
  #to: Int32Array | null = null;
  #local: Int32Array | null = null;
  #interface = 0;
  #trafficClass = 0;

  /** @param drained called when nothing is held any more */
  constructor(channel: DatagramChannel, drained: () => void) {
    this.#channel = channel;
    this.#drained = drained;
  }

  /** Bytes that the kernel had no room for. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** Whether anything waits for a flush, or for room. */
  get isBusy(): boolean {
    return this.#held.length > 0 || isPending(this.#channel);
  }

  /** Whether waiting for room keeps the process alive. */
  setReferenced(referenced: boolean): void {
    this.#isReferenced = referenced;
    if (referenced) this.#timer?.ref();
    else this.#timer?.unref();
  }

  /**
   * Adds a datagram. Up to 4 KiB is copied now; larger bytes must stay as they are until the owner
   * was told.
   *
   * @param stride 0, or the bytes is a run of datagrams of so many bytes each
   */
  push(bytes: Uint8Array, stride: number, route: DatagramRoute, owner: DatagramOwner | null): void {
    const size = bytes.length;
    this.#makeRoom();
    const isLent = !POISONS_LENT && inTurn() && isSlab(bytes);
    const isCopied = !isLent && size <= COPY_THRESHOLD_BYTES;
    const offset = isCopied ? reserve(size) : 0;
    // Asked after what may have flushed: what is left of that stands before this.
    if (this.#held.length > 0) {
      this.#hold(isCopied || isLent ? Buffer.from(bytes) : bytes, stride, route, owner);
      return;
    }
    if (isCopied) {
      copy(bytes, offset);
      if (stride === 0 && this.#extend(offset, size, route, owner)) return;
      this.#submit(OPERATION_DATAGRAM_AREA, offset, size, 0, stride, route, owner);
    } else if (isLent) {
      const at = bytes.byteOffset - slab.byteOffset;
      this.#submit(OPERATION_DATAGRAM_SLAB, at, size, 0, stride, route, owner);
    } else {
      this.#submit(OPERATION_DATAGRAM_VIEW, 0, size, addView(bytes), stride, route, owner);
    }
  }

  /** As `push`, while the mode of its owner is in force. What was pushed before leaves first. */
  pushIn(bytes: Uint8Array, route: DatagramRoute, owner: DatagramOwner): void {
    const status = this.#enter(owner);
    if (status < 0) owner.refused(status, route.to);
    else this.push(bytes, 0, route, owner);
  }

  // Behind what has no room yet nothing leaves, and so no mode is needed.
  #enter({ mode }: DatagramOwner): number {
    if (mode === undefined || mode.isInForce || this.#held.length > 0) return 0;
    if (isPending(this.#channel)) flush();
    return this.#held.length > 0 ? 0 : mode.enter();
  }

  /** Tells `owner` when all that was pushed before is over. */
  tell(owner: DatagramOwner): void {
    makeRoom(1);
    if (this.#held.length > 0) {
      this.#held.push({ ...NOWHERE, bytes: undefined, stride: 0, owner });
      return;
    }
    submit(this.#channel, OPERATION_TELL, 0, 0, 0);
    owners[this.#channel.tail] = owner;
  }

  #makeRoom(): void {
    if (routesEpoch !== header[HEADER_EPOCH]) {
      routesEpoch = header[HEADER_EPOCH] as number;
      routesUsed = 0;
    }
    if (routesUsed + 2 > ROUTES_CAPACITY) flush();
    makeRoom(1);
  }

  // A datagram as long as those before it, to the same peer, makes a run that the kernel cuts.
  #extend(
    offset: number,
    size: number,
    route: DatagramRoute,
    owner: DatagramOwner | null,
  ): boolean {
    if (!isPending(this.#channel) || !this.#isSameRoute(route)) return false;
    const last = this.#channel.tail;
    const at = last * SUBMISSION_WORDS;
    if (submissions[at + SUBMISSION_OPERATION] !== OPERATION_DATAGRAM_AREA) return false;
    const length = submissions[at + SUBMISSION_LENGTH] as number;
    const stride = (submissions[at + SUBMISSION_STRIDE] as number) || length;
    if (size === 0 || size > stride || stride > MAX_SEGMENT_BYTES || length % stride !== 0) {
      return false;
    }
    if ((submissions[at + SUBMISSION_OFFSET] as number) + length !== offset) return false;
    if (owners[last] !== owner) return false;
    submissions[at + SUBMISSION_LENGTH] = length + size;
    submissions[at + SUBMISSION_STRIDE] = stride;
    return true;
  }

  #isSameRoute(route: DatagramRoute): boolean {
    return (
      this.#epoch === header[HEADER_EPOCH] &&
      this.#to === route.to &&
      this.#local === route.local &&
      this.#interface === route.interface &&
      this.#trafficClass === route.trafficClass
    );
  }

  #submit(
    operation: number,
    offset: number,
    size: number,
    view: number,
    stride: number,
    route: DatagramRoute,
    owner: DatagramOwner | null,
  ): void {
    const isSame = isPending(this.#channel) && this.#isSameRoute(route);
    const before = this.#channel.tail * SUBMISSION_WORDS;
    submit(this.#channel, operation, offset, size, view);
    const index = this.#channel.tail;
    const at = index * SUBMISSION_WORDS;
    const canShare = isSame && submissions[before + SUBMISSION_OPERATION] !== OPERATION_TELL;
    submissions[at + SUBMISSION_PEER] = canShare
      ? (submissions[before + SUBMISSION_PEER] as number)
      : addRoute(route.to);
    submissions[at + SUBMISSION_LOCAL] = canShare
      ? (submissions[before + SUBMISSION_LOCAL] as number)
      : addRoute(route.local);
    submissions[at + SUBMISSION_INTERFACE] = route.interface;
    submissions[at + SUBMISSION_ECN] = route.trafficClass;
    submissions[at + SUBMISSION_STRIDE] = stride;
    owners[index] = owner;
    this.#epoch = header[HEADER_EPOCH] as number;
    this.#to = route.to;
    this.#local = route.local;
    this.#interface = route.interface;
    this.#trafficClass = route.trafficClass;
  }

  #hold(
    bytes: Uint8Array,
    stride: number,
    { to, local, interface: index, trafficClass }: DatagramRoute,
    owner: DatagramOwner | null,
  ): void {
    this.#held.push({ bytes, stride, to, local, interface: index, trafficClass, owner });
    this.#heldBytes += bytes.length;
  }

  /** The outcome of a flush. Only notes are taken here; owners hear of it afterwards. */
  settle(status: number, first: number): void {
    const outcomes: (() => void)[] = [];
    const isBlocked = status === EAGAIN || status === ENOBUFS;
    const kept = this.#held;
    this.#held = [];
    let isOver = true;
    for (let index = first; index >= 0; ) {
      const at = index * SUBMISSION_WORDS;
      const operation = submissions[at + SUBMISSION_OPERATION] as number;
      const length = submissions[at + SUBMISSION_LENGTH] as number;
      const owner = owners[index] ?? null;
      if (operation === 0 && length < 0) {
        const to = readRoute(submissions[at + SUBMISSION_PEER] as number);
        if (owner !== null) outcomes.push(() => owner.refused(length, to));
      } else if (operation === OPERATION_TELL) {
        if (isOver && owner !== null) outcomes.push(() => owner.told());
        else this.#held.push({ ...NOWHERE, bytes: undefined, stride: 0, owner });
      } else if (operation !== 0 && isBlocked) {
        isOver = false;
        this.#holdRecord(at, owner);
      } else if (operation !== 0 && owner !== null) {
        const to = readRoute(submissions[at + SUBMISSION_PEER] as number);
        outcomes.push(() => owner.refused(status, to));
      }
      index = submissions[at + SUBMISSION_NEXT] as number;
    }
    this.#held.push(...kept);
    whenSettled(() => {
      if (status === ENOBUFS) this.#startTimer();
      for (const outcome of outcomes) outcome();
    });
  }

  // What the kernel has not taken of a submission, copied before its memory is used again.
  #holdRecord(at: number, owner: DatagramOwner | null): void {
    const offset = submissions[at + SUBMISSION_OFFSET] as number;
    const end = offset + (submissions[at + SUBMISSION_LENGTH] as number);
    const operation = submissions[at + SUBMISSION_OPERATION];
    let bytes: Uint8Array;
    if (operation === OPERATION_DATAGRAM_VIEW) {
      const view = views[submissions[at + SUBMISSION_VIEW] as number] ?? slab.subarray(0, 0);
      bytes = view.subarray(offset, end);
    } else {
      const source = operation === OPERATION_DATAGRAM_AREA ? area : slab;
      bytes = Buffer.from(source.subarray(offset, end));
    }
    const route = {
      to: readRoute(submissions[at + SUBMISSION_PEER] as number),
      local: readRoute(submissions[at + SUBMISSION_LOCAL] as number),
      interface: submissions[at + SUBMISSION_INTERFACE] as number,
      trafficClass: submissions[at + SUBMISSION_ECN] as number,
    };
    this.#hold(bytes, submissions[at + SUBMISSION_STRIDE] as number, route, owner);
  }

  // Writable tells of room in this socket's own buffer; nothing tells of room in an interface's
  // queue.
  #startTimer(): void {
    if (this.#timer !== undefined || this.#held.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#delayMs = Math.min(2 * this.#delayMs, MAX_DATAGRAM_RETRY_MS);
      this.retry();
    }, this.#delayMs);
    if (!this.#isReferenced) this.#timer.unref();
  }

  /** There may be room: all that is held is submitted again, in order. */
  retry(): void {
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const one of held) this.#again(one);
    flush();
    if (this.#held.length > 0) return;
    this.#delayMs = MIN_DATAGRAM_RETRY_MS;
    this.#drained();
  }

  #again(one: Held): void {
    const { bytes, stride, owner } = one;
    if (bytes === undefined) {
      this.tell(owner as DatagramOwner);
      return;
    }
    const status = owner === null ? 0 : this.#enter(owner);
    if (status < 0) owner?.refused(status, one.to);
    else this.push(bytes, stride, one, owner);
  }

  /** Drops what is held of one owner, who is not told. */
  forget(owner: DatagramOwner): void {
    if (this.#held.length === 0) return;
    this.#held = this.#held.filter((one) => one.owner !== owner);
    this.#heldBytes = this.#held.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
    if (this.#held.length > 0) return;
    // Who drops something is in a call of the application's, in which no callback runs.
    queueMicrotask(() => {
      if (this.#held.length === 0) this.#drained();
    });
  }

  /** Drops what is held and tells its owners `errno`. */
  cancel(errno: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const { bytes, to, owner } of held) {
      if (bytes === undefined) owner?.told();
      else owner?.refused(errno, to);
    }
  }
}

const NOWHERE: DatagramRoute = { to: null, local: null, interface: 0, trafficClass: 0 };
/** Below this a loop is quicker than the call of `set`. */
const SHORT_COPY_BYTES = 32;

function copy(bytes: Uint8Array, offset: number): void {
  const size = bytes.length;
  if (size > SHORT_COPY_BYTES) {
    area.set(bytes, offset);
    return;
  }
  for (let i = 0; i < size; i++) area[offset + i] = bytes[i] as number;
}

function addRoute(flat: Int32Array | null): number {
  if (flat === null) return -1;
  // A submission that filled its table has flushed, and begun a new epoch.
  const index = routesUsed++;
  const at = index * FLAT_WORDS;
  for (let i = 0; i < FLAT_WORDS; i++) routes[at + i] = flat[i] as number;
  return index;
}

function readRoute(index: number): Int32Array | null {
  return index < 0 ? null : routes.slice(index * FLAT_WORDS, (index + 1) * FLAT_WORDS);
}
