// The JavaScript end of the reactor: the shared memory, one call per turn that delivers
// completions, submissions that go out together afterwards. One for each environment (main thread
// or worker). Not here: what a socket does with its completions (stream-channel.ts and its
// siblings), policy.
//
// This is the hot path. Nothing here allocates per completion or per submission.

import { native } from "../binding/native.ts";
import {
  ADDRESSES_CAPACITY,
  ADDRESSES_OFFSET,
  AREA_CAPACITY,
  AREA_OFFSET,
  COMPLETION_GENERATION,
  COMPLETION_KIND,
  COMPLETION_LENGTH,
  COMPLETION_OFFSET,
  COMPLETION_SLOT,
  COMPLETION_WORDS,
  COMPLETIONS_CAPACITY,
  COMPLETIONS_OFFSET,
  COUNTER_NAMES,
  COUNTERS_CAPACITY,
  COUNTERS_OFFSET,
  type Counters,
  HEAD_FIRST,
  HEAD_STATUS,
  HEAD_TAKEN,
  HEAD_WORDS,
  HEADER_AREA_USED,
  HEADER_BLOCK_USED,
  HEADER_CAPACITY,
  HEADER_EPOCH,
  HEADER_HEAD_COUNT,
  HEADER_IN_TURN,
  HEADER_OFFSET,
  HEADER_SUBMISSION_COUNT,
  HEADS_CAPACITY,
  HEADS_OFFSET,
  KIND_ACCEPTED,
  KIND_DATA,
  KIND_DATAGRAM,
  LARGE_CAPACITY,
  OPERATION_SEND_AREA,
  OPERATION_SEND_SLAB,
  OPERATION_SEND_VIEW,
  SLAB_CAPACITY,
  SLAB_OFFSET,
  SUBMISSION_GENERATION,
  SUBMISSION_LENGTH,
  SUBMISSION_NEXT,
  SUBMISSION_OFFSET,
  SUBMISSION_OPERATION,
  SUBMISSION_SLOT,
  SUBMISSION_VIEW,
  SUBMISSION_WORDS,
  SUBMISSIONS_CAPACITY,
  SUBMISSIONS_OFFSET,
} from "../binding/records.ts";
import type { ReactorBinding } from "../binding/types.ts";
import { MICROTASK_FLUSHES_PER_ITERATION } from "../core/limits.ts";
import { errnoError } from "../errors/index.ts";
import { ReceiveBlocks } from "./receive-blocks.ts";
import { makeSharedMemory } from "./shared-memory.ts";

/** Who stands behind a slot. Fields are the reactor's; see stream-channel.ts. */
export interface Channel {
  slot: number;
  generation: number;
  /** No completion is wanted any more. */
  deaf: boolean;
  /** The epoch of its last submission, and that submission's index. */
  batch: number;
  tail: number;
  /** Bytes submitted in that epoch. */
  batchBytes: number;
  /** One completion: `at` is the index of its first word in `completions`. */
  complete(at: number): void;
  /** The outcome of a flush: `status` and `taken` as in records.def, `first` submission. */
  settle(status: number, taken: number, first: number): void;
}

/** FlatAddress in native/socket/address.h. */
const ADDRESS_BYTES = 24;
const SLAB_END = SLAB_OFFSET + SLAB_CAPACITY + LARGE_CAPACITY;
const memory = makeSharedMemory();

const header = new Int32Array(memory, HEADER_OFFSET, HEADER_CAPACITY);
const counterValues = new Float64Array(memory, COUNTERS_OFFSET, COUNTERS_CAPACITY);
export const completions = new Int32Array(
  memory,
  COMPLETIONS_OFFSET,
  COMPLETIONS_CAPACITY * COMPLETION_WORDS,
);
export const submissions = new Int32Array(
  memory,
  SUBMISSIONS_OFFSET,
  SUBMISSIONS_CAPACITY * SUBMISSION_WORDS,
);
/** One flat address for each completion whose kind has one. */
export const addresses: Uint8Array = new Uint8Array(
  memory,
  ADDRESSES_OFFSET,
  ADDRESSES_CAPACITY * ADDRESS_BYTES,
);
const heads = new Int32Array(memory, HEADS_OFFSET, HEADS_CAPACITY * HEAD_WORDS);

/**
 * Bytes received in this turn. Lent: they are overwritten in the next one. Long datagrams stand
 * behind the slab proper.
 */
export const slab: Buffer = Buffer.from(memory, SLAB_OFFSET, SLAB_CAPACITY + LARGE_CAPACITY);
/** Bytes of small sends since the last flush. */
export const area: Buffer = Buffer.from(memory, AREA_OFFSET, AREA_CAPACITY);

/** The bytes of larger sends, by the index in their submissions. */
export const views: (Uint8Array | undefined)[] = [];

/** Memory for large chunks that are kept. */
export const receiveBlocks: ReceiveBlocks = new ReceiveBlocks();

const channels: (Channel | undefined)[] = [];
let flushScheduled = false;
// Iterations of the loop as far as JavaScript can tell, and what ran in microtasks since the last.
let iteration = 0;
let microtaskFlushes = 0;
let loopPromise: Promise<void> | undefined;

/** The functions of this environment's reactor. */
export const reactor: ReactorBinding = open();

function open(): ReactorBinding {
  const opened = native.open(memory, dispatch, settle, views, receiveBlocks.list);
  if (typeof opened === "number") throw errnoError(opened, "epoll_create1");
  return opened;
}

// --------------------------------------------------------------------------------- completions

/**
 * `HAWSER_DEBUG=lend`: lent memory is overwritten as soon as its callback has returned, so that who
 * keeps it is found out. Bytes that are sent back are copied then.
 */
export const POISONS_LENT: boolean = (process.env["HAWSER_DEBUG"] ?? "")
  .split(",")
  .includes("lend");
const POISON = 0xdb;

function dispatch(count: number): void {
  iteration++;
  microtaskFlushes = 0;
  for (let index = 0, at = 0; index < count; index++, at += COMPLETION_WORDS) {
    const channel = channels[completions[at + COMPLETION_SLOT] as number];
    if (
      channel === undefined ||
      channel.deaf ||
      channel.generation !== completions[at + COMPLETION_GENERATION]
    ) {
      if (completions[at + COMPLETION_KIND] === KIND_ACCEPTED) refuse(at);
      continue;
    }
    try {
      channel.complete(at);
    } catch (error) {
      report(error);
    }
    if (POISONS_LENT) poison(at);
  }
  if (receiveBlocks.renew()) header[HEADER_BLOCK_USED] = receiveBlocks.used;
}

function poison(at: number): void {
  const kind = completions[at + COMPLETION_KIND];
  if (kind !== KIND_DATA && kind !== KIND_DATAGRAM) return;
  const offset = completions[at + COMPLETION_OFFSET] as number;
  slab.fill(POISON, offset, offset + (completions[at + COMPLETION_LENGTH] as number));
}

// A connection of a listener that was closed earlier in this turn. The kernel resets those that it
// still holds; so is this one, which nobody else would ever close.
function refuse(at: number): void {
  const slot = completions[at + COMPLETION_OFFSET] as number;
  reactor.close(slot, completions[at + COMPLETION_LENGTH] as number, true);
}

/**
 * Raises an exception of a user's handler where nobody else is on the stack: it reaches
 * `uncaughtException`, and the turn goes on (B55).
 */
export function report(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

export function register(channel: Channel, slot: number, generation: number): void {
  channel.slot = slot;
  channel.generation = generation;
  channels[slot] = channel;
}

export function unregister(channel: Channel): void {
  if (channels[channel.slot] === channel) channels[channel.slot] = undefined;
}

/** Whether a `Uint8Array` is a view of the receive slab. */
export function isSlab(bytes: Uint8Array): boolean {
  const offset = bytes.byteOffset;
  // The offset first: a look at the buffer costs more than the rest.
  return offset >= SLAB_OFFSET && offset < SLAB_END && bytes.buffer === memory;
}

// --------------------------------------------------------------------------------- submissions

/**
 * Room for `size` bytes in the area: their offset. Flushes first when it is full. `size` is at most
 * the area's capacity.
 */
export function reserve(size: number): number {
  let used = header[HEADER_AREA_USED] as number;
  if (used + size > AREA_CAPACITY) {
    flush();
    used = 0;
  }
  header[HEADER_AREA_USED] = used + size;
  return used;
}

/** Sees to it that `count` submissions of one channel can follow without a flush among them. */
export function makeRoom(count: number): void {
  const used = header[HEADER_SUBMISSION_COUNT] as number;
  const taken = header[HEADER_HEAD_COUNT] as number;
  if (used + count >= SUBMISSIONS_CAPACITY || taken + 1 >= HEADS_CAPACITY) flush();
}

/**
 * Sees to it that the next `size` bytes of the area are free, and gives where they begin: for who
 * knows how many they are only when they are written. `reserve` takes them then.
 */
export function room(size: number): number {
  const used = header[HEADER_AREA_USED] as number;
  if (used + size <= AREA_CAPACITY) return used;
  flush();
  return header[HEADER_AREA_USED] as number;
}

/** Gives back the end of what was reserved last. */
export function unreserve(size: number): void {
  header[HEADER_AREA_USED] = (header[HEADER_AREA_USED] as number) - size;
}

/** Appends a submission to its channel's chain. */
export function submit(
  channel: Channel,
  operation: number,
  offset: number,
  length: number,
  view: number,
): void {
  const epoch = header[HEADER_EPOCH] as number;
  const index = header[HEADER_SUBMISSION_COUNT] as number;
  let head = header[HEADER_HEAD_COUNT] as number;
  if (channel.batch === epoch) {
    const last = channel.tail * SUBMISSION_WORDS;
    if (extend(last, operation, offset, length)) {
      channel.batchBytes += length;
      return;
    }
    submissions[last + SUBMISSION_NEXT] = index;
    channel.batchBytes += length;
  } else {
    heads[head * HEAD_WORDS + HEAD_FIRST] = index;
    header[HEADER_HEAD_COUNT] = ++head;
    channel.batch = epoch;
    channel.batchBytes = length;
    if (!flushScheduled && header[HEADER_IN_TURN] === 0) scheduleFlush();
  }
  const at = index * SUBMISSION_WORDS;
  submissions[at + SUBMISSION_SLOT] = channel.slot;
  submissions[at + SUBMISSION_GENERATION] = channel.generation;
  submissions[at + SUBMISSION_OPERATION] = operation;
  submissions[at + SUBMISSION_OFFSET] = offset;
  submissions[at + SUBMISSION_LENGTH] = length;
  submissions[at + SUBMISSION_NEXT] = -1;
  submissions[at + SUBMISSION_VIEW] = view;
  channel.tail = index;
  header[HEADER_SUBMISSION_COUNT] = index + 1;
  // A table that is full is emptied now and not at the next submission, whose bytes may stand in
  // the area by then.
  if (index + 1 === SUBMISSIONS_CAPACITY || head === HEADS_CAPACITY) flush();
}

// Bytes that follow the last ones of the same chain in memory make one part of the gather write.
function extend(last: number, operation: number, offset: number, length: number): boolean {
  if (operation !== OPERATION_SEND_AREA && operation !== OPERATION_SEND_SLAB) return false;
  if (submissions[last + SUBMISSION_OPERATION] !== operation) return false;
  const before = submissions[last + SUBMISSION_LENGTH] as number;
  if ((submissions[last + SUBMISSION_OFFSET] as number) + before !== offset) return false;
  submissions[last + SUBMISSION_LENGTH] = before + length;
  return true;
}

/** Index of a new entry in `views`. */
export function addView(bytes: Uint8Array): number {
  return views.push(bytes) - 1;
}

/**
 * Submits bytes that stay where they are. Chunks of one receive block share a view, which native
 * code asks for once where they follow each other.
 */
export function submitView(channel: Channel, bytes: Uint8Array): void {
  const block = receiveBlocks.blockOf(bytes);
  if (block === undefined) {
    submit(channel, OPERATION_SEND_VIEW, 0, bytes.length, addView(bytes));
    return;
  }
  const last = views.length - 1;
  const view = views[last] === block ? last : addView(block);
  submit(channel, OPERATION_SEND_VIEW, bytes.byteOffset, bytes.length, view);
}

/** Whether a channel has submissions that no flush has seen. */
export function isPending(channel: Channel): boolean {
  return channel.batch === header[HEADER_EPOCH];
}

/** Sends what is submitted now, instead of at the end of the turn or in a microtask. */
export function flush(): void {
  const count = reactor.flush();
  if (count > 0) settle(count);
}

function scheduleFlush(): void {
  flushScheduled = true;
  queueMicrotask(flushInMicrotask);
}

function flushInMicrotask(): void {
  flushScheduled = false;
  if (header[HEADER_HEAD_COUNT] === 0) return;
  microtaskFlushes++;
  flush();
}

/**
 * Code that awaits promises that are resolved already keeps the loop from turning. A channel that
 * has sent `bytes` since the last iteration, more than `limit`, or one of very many flushes in
 * microtasks, must wait for the loop.
 */
export function mustWaitForLoop(channel: LoopAccount, bytes: number, limit: number): boolean {
  if (channel.iteration !== iteration) {
    channel.iteration = iteration;
    channel.iterationBytes = 0;
  }
  channel.iterationBytes += bytes;
  return channel.iterationBytes > limit || microtaskFlushes >= MICROTASK_FLUSHES_PER_ITERATION;
}

/** Differs from one turn to the next: for what is to be found out once a turn. */
export function turnNumber(): number {
  return iteration;
}

/** What a channel has sent in this iteration of the loop. */
export interface LoopAccount {
  iteration: number;
  iterationBytes: number;
}

/** Resolves in the next iteration of the loop; one promise for all who wait. */
export function nextIteration(): Promise<void> {
  loopPromise ??= new Promise((resolve) => {
    setImmediate(() => {
      loopPromise = undefined;
      iteration++;
      microtaskFlushes = 0;
      resolve();
    });
  });
  return loopPromise;
}

/** Whether a turn's flush is still to come, which will take what is submitted now. */
export function inTurn(): boolean {
  return header[HEADER_IN_TURN] === 1;
}

// The outcome of a flush. Nothing may be submitted before the last head has been looked at, because
// a submission overwrites the table; so channels only take notes here and act afterwards.
function settle(count: number): void {
  for (let index = 0, at = 0; index < count; index++, at += HEAD_WORDS) {
    const status = heads[at + HEAD_STATUS] as number;
    if (status === 0) continue;
    const first = heads[at + HEAD_FIRST] as number;
    const record = first * SUBMISSION_WORDS;
    const channel = channels[submissions[record + SUBMISSION_SLOT] as number];
    if (channel === undefined) continue;
    if (channel.generation !== submissions[record + SUBMISSION_GENERATION]) continue;
    try {
      channel.settle(status, heads[at + HEAD_TAKEN] as number, first);
    } catch (error) {
      report(error);
    }
  }
  views.length = 0;
  runAfterSettle();
}

let afterSettle: (() => void)[] = [];

/** Runs `action` when the last outcome of this flush has been looked at. */
export function whenSettled(action: () => void): void {
  afterSettle.push(action);
}

function runAfterSettle(): void {
  if (afterSettle.length === 0) return;
  const actions = afterSettle;
  afterSettle = [];
  for (const action of actions) {
    try {
      action();
    } catch (error) {
      report(error);
    }
  }
}

/** A copy of the reactor's counters. */
export function counters(): Counters {
  const result: Record<string, number> = {};
  COUNTER_NAMES.forEach((name, index) => {
    result[name] = counterValues[index] as number;
  });
  return result as unknown as Counters;
}
