// What client subjects share: the measured window around whatever they do in a closed loop, and
// the payloads. A client subject gives `announceClient` a function that starts the work.
import { Buffer } from "node:buffer";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { announce } from "./subject.mjs";

const VARIANTS = 16;
const WARMUP_TIMES_MAX = 4;
const LOOK_MS = 20;

/** Messages of one size that differ from each other. */
export function makePayloads(size) {
  return Array.from({ length: VARIANTS }, (_, variant) => {
    const payload = Buffer.alloc(size);
    for (let index = 0; index < size; index++) payload[index] = (index * 31 + variant * 7) & 255;
    return payload;
  });
}

/** Throws where two payloads differ. */
export function verify(actual, expected) {
  if (Buffer.compare(actual, expected) !== 0) throw new Error("a message came back changed");
}

/**
 * @param {(order: object, done: () => void, failed: (error: Error) => void) => (() => void)} start
 *   begins the work, calls `done` for each whole unit of it, and returns what ends it
 */
export function announceClient(start) {
  announce(0, {
    run(text) {
      const order = JSON.parse(text);
      return new Promise((resolve, reject) => {
        let count = 0;
        const stop = start(
          order,
          () => {
            count++;
          },
          (error) => {
            stop?.();
            reject(error);
          },
        );
        const warm = () => {
          const from = { count, at: performance.now(), cpu: process.cpuUsage() };
          setTimeout(() => {
            const cpu = process.cpuUsage(from.cpu);
            const seconds = (performance.now() - from.at) / 1_000;
            const messages = count - from.count;
            stop();
            if (messages === 0) reject(new Error("nothing came back"));
            else resolve({ messages, seconds, cpuNs: (cpu.user + cpu.system) * 1_000 });
          }, order.duration);
        };
        // By number as well as by time, since compilers at run time count calls.
        const began = performance.now();
        const look = () => {
          const isLongEnough = performance.now() - began >= order.warmup * WARMUP_TIMES_MAX;
          if (isLongEnough || count >= (order.warmupUnits ?? 0)) warm();
          else setTimeout(look, LOOK_MS);
        };
        setTimeout(look, order.warmup);
      });
    },
  });
}
