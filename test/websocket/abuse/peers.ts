// Peers that do what comes to mind: heads and frames right and wrong, whole and cut, in all orders,
// and every way to leave. The same numbers give the same peers. No tests here.

import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { deflateRawSync } from "node:zlib";
import { binary, close } from "../../conformance/case.ts";
import { encodeFrame, type FrameSpec } from "../../conformance/frames.ts";
import { request } from "../support.ts";

/** Whole numbers from 0 to below `bound`, the same again for the same seed. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) >>> 0 || 1;
  }

  roll(bound: number): number {
    // Marsaglia's xorshift with 32 bits.
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % bound;
  }

  /** True once in so many times. */
  once(count: number): boolean {
    return this.roll(count) === 0;
  }

  of<T>(values: readonly T[]): T {
    return values[this.roll(values.length)] as T;
  }
}

const SIZES = [0, 1, 20, 125, 126, 1_000, 5_000, 70_000] as const;
const FRAMES_AT_MOST = 12;

function payload(dice: Dice): Buffer {
  // Now and then no UTF-8, where it is cut.
  return Buffer.alloc(dice.of(SIZES), dice.once(10) ? "abé" : "abc");
}

const kinds: readonly ((dice: Dice) => FrameSpec)[] = [
  (dice) => ({ opcode: 1, payload: payload(dice) }),
  (dice) => ({ opcode: 2, payload: payload(dice) }),
  (dice) => ({ opcode: 1, payload: payload(dice) }),
  (dice) => ({ opcode: 2, payload: payload(dice) }),
  (dice) => ({ opcode: 1 + dice.roll(2), payload: payload(dice), fin: false }),
  (dice) => ({ opcode: 0, payload: payload(dice), fin: dice.once(2) }),
  (dice) => ({ opcode: 9 + dice.roll(2), payload: Buffer.alloc(dice.roll(126)) }),
  (dice) => close(dice.once(3) ? undefined : 1000 + dice.roll(12)),
  (dice) => ({ ...binary(deflateRawSync(Buffer.alloc(dice.roll(400_000), "zip"))), rsv: 4 }),
  (dice) => ({ opcode: 1, rsv: 4, payload: Buffer.alloc(dice.of(SIZES), 0xff) }),
  (dice) => ({ opcode: dice.roll(16), rsv: dice.roll(8), payload: Buffer.alloc(dice.roll(9)) }),
];

/** Bytes of some frames: seldom masked the wrong way, now and then cut. */
export function someFrame(dice: Dice, masks: boolean): Buffer {
  const bytes = encodeFrame({ ...dice.of(kinds)(dice), wrongMask: dice.once(40) }, masks);
  return dice.once(6) ? bytes.subarray(0, dice.roll(bytes.length)) : bytes;
}

// Unlike once() of node:events, whatever else happens.
function happened(socket: net.Socket, event: string): Promise<void> {
  return new Promise((resolve) => {
    socket.once(event, () => resolve());
  });
}

/** Sends this and that, reads or does not. */
export async function converse(socket: net.Socket, dice: Dice, masks: boolean): Promise<void> {
  for (let left = dice.roll(FRAMES_AT_MOST); left > 0 && !socket.destroyed; left--) {
    socket.write(someFrame(dice, masks));
    if (dice.once(2)) await sleep(dice.roll(4));
    if (dice.once(6)) socket.pause();
    else if (dice.once(3)) socket.resume();
  }
}

/** Leaves, one way or another. */
export async function leave(socket: net.Socket, dice: Dice, masks: boolean): Promise<void> {
  if (socket.destroyed) return;
  const gone = happened(socket, "close");
  const ways = [
    () => socket.resetAndDestroy(),
    () => socket.destroy(),
    () => socket.end(),
    () => socket.end(encodeFrame(close(1000), masks)),
    () => {},
  ];
  dice.of(ways)();
  // Who waits for the other side does so for a while only.
  socket.resume();
  await Promise.race([gone, sleep(dice.roll(400))]);
  socket.destroy();
}

/** A client of `port`. */
export async function visit(port: number, dice: Dice): Promise<void> {
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: dice.once(2) });
  socket.on("error", () => {});
  await Promise.race([happened(socket, "connect"), happened(socket, "close")]);
  if (!dice.once(4)) socket.resume();
  const offer = "Sec-WebSocket-Extensions: permessage-deflate";
  const head = dice.once(2) ? request(offer) : request();
  socket.write(dice.once(12) ? head.slice(0, dice.roll(head.length)) : head);
  await converse(socket, dice, true);
  await leave(socket, dice, true);
}
