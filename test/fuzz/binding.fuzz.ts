// Calls every function of the addon with wrong types and ranges, and now and then with right ones,
// so that the calls get past the first check. The binding has to answer or refuse each of them: no
// exception, no crash, no hang, and a loop that still turns. The shared memory is scribbled over
// too: no word in it may lead native code astray.
//   node --import tsx test/fuzz/binding.fuzz.ts [--seconds 60] [--seed N] [--trace]
import { closeSync, openSync, writeSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { inspect, parseArgs } from "node:util";
import { loadBinding } from "../../lib/binding/loader.ts";
import * as records from "../../lib/binding/records.ts";
import type { NativeBinding } from "../../lib/binding/types.ts";

declare const WebAssembly: {
  Memory: new (descriptor: {
    initial: number;
    maximum: number;
  }) => { readonly buffer: ArrayBuffer };
};

type Call = (...args: unknown[]) => unknown;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    trace: { type: "boolean", default: false },
  },
});
const callsBetweenTurns = 500;
const maxArguments = 7;
const maxReactors = 20;

console.log(`seed ${values.seed}`);
const random = mulberry32(Number(values.seed));
const below = (limit: number) => Math.floor(random() * limit);
const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;

/** A small generator of pseudo-random numbers in [0, 1), the same from the same seed. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const descriptors = [openSync("/dev/null", "r+"), openSync("/dev/zero", "r")];
/** Slots and generations that exist or did, so that some calls name one. */
const names: [number, number][] = [[0, 0]];

function detached(): Uint8Array {
  const bytes = new Uint8Array(64);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function hostile(): object {
  return {
    valueOf: () => Symbol("not a number"),
    get length(): number {
      return 2 ** 31;
    },
    toString: () => ({}),
  };
}

const numbers = [0, 1, 2, 3, 4, 5, 6, 16, 24, 63, 64, 100, 4095, 65_535, 65_536, 2 ** 24];
const wrong: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => random() < 0.5,
  () => pick(numbers),
  () => -pick(numbers),
  () =>
    pick([Number.NaN, Number.POSITIVE_INFINITY, -0, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 31)]),
  () => pick(["", "lo", "a\0b", "\ud800", "é".repeat(below(300)), "x".repeat(70_000)]),
  () => Symbol("s"),
  () => 2n ** 70n,
  () => () => undefined,
  hostile,
  () => new Proxy({}, {}),
  () => new Array(below(9)),
  () => pick(descriptors),
  () => pick(names)[0],
  () => pick(names)[1],
  () => new Uint8Array(pick(numbers.slice(0, 12))),
  () => new Uint8Array(100).subarray(pick([0, 1, 7, 99, 100])),
  () => new Int32Array(below(8)),
  () => new Float64Array(below(80)),
  () => new BigInt64Array(2),
  () => new DataView(new ArrayBuffer(24)),
  () => new ArrayBuffer(below(100)),
  () => new SharedArrayBuffer(64),
  () => new Uint8Array(new SharedArrayBuffer(64)),
  detached,
];

function argumentsFor(): unknown[] {
  const args = Array.from({ length: below(maxArguments + 1) }, () => pick(wrong)());
  // Most functions of a reactor begin with a slot and its generation.
  if (random() < 0.5) args.splice(0, 2, ...pick(names));
  return args;
}

/** A reactor as the library opens it, or one with some of its arguments spoilt. */
function open(binding: NativeBinding, spoil: boolean): Record<string, Call> | undefined {
  const pages = Math.ceil(binding.memoryBytes / 65_536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer;
  const views = [new Uint8Array(100), undefined, detached(), "no view"];
  const blocks: unknown[] = [];
  const args: unknown[] = [memory, () => undefined, () => undefined, views, blocks];
  if (spoil) args[below(args.length)] = pick(wrong)();
  const reactor = (binding.open as Call)(...args);
  if (typeof reactor !== "object") return undefined;
  memories.push(memory);
  blockLists.push(blocks);
  return reactor as Record<string, Call>;
}

/** What a turn receives into: good blocks, and what user code can make of one. */
function newBlock(): unknown {
  return pick([
    () => new Uint8Array(65_536),
    () => new Uint8Array(pick(numbers.slice(0, 15))),
    () => new Uint8Array(new SharedArrayBuffer(65_536)),
    () => resizable(),
    detached,
    () => undefined,
    () => "no block",
  ])();
}

interface Resizable extends ArrayBuffer {
  readonly maxByteLength: number;
  resize(size: number): void;
}
const ResizableBuffer = ArrayBuffer as unknown as new (
  size: number,
  options: { maxByteLength: number },
) => Resizable;

function resizable(): Uint8Array {
  return new Uint8Array(new ResizableBuffer(65_536, { maxByteLength: 131_072 }));
}

/** Gives blocks, takes some away, and pulls the memory from under others. */
function shuffleBlocks(blocks: unknown[]): void {
  while (blocks.length < 4 || random() < 0.3)
    blocks.splice(below(blocks.length + 1), 0, newBlock());
  if (blocks.length > 20) blocks.length = below(20);
  const block = pick(blocks);
  if (!(block instanceof Uint8Array)) return;
  const { buffer } = block;
  if (buffer instanceof ResizableBuffer && buffer.maxByteLength > buffer.byteLength) {
    buffer.resize(pick([0, 1, 16_384, 65_536, 131_072]));
  } else if (buffer instanceof ArrayBuffer && random() < 0.3) {
    // Newer Nodes refuse what is detached already, and Node's own pool.
    try {
      structuredClone(buffer, { transfer: [buffer] });
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
  }
}

/** Writes submissions that are half right, and now and then a word anywhere before the area. */
function scribble(memory: ArrayBuffer): void {
  const header = new Int32Array(memory, records.HEADER_OFFSET, records.HEADER_CAPACITY);
  const submissions = new Int32Array(memory, records.SUBMISSIONS_OFFSET);
  const heads = new Int32Array(memory, records.HEADS_OFFSET);
  const count = below(8);
  for (let index = 0; index < count; index++) {
    const at = index * records.SUBMISSION_WORDS;
    for (let word = 0; word < records.SUBMISSION_WORDS; word++)
      submissions[at + word] = oddNumber();
    const [slot, generation] = pick(names);
    submissions[at + records.SUBMISSION_SLOT] = slot;
    submissions[at + records.SUBMISSION_GENERATION] = generation;
    submissions[at + records.SUBMISSION_OPERATION] = below(12);
    submissions[at + records.SUBMISSION_NEXT] = pick([-1, -1, index + 1, index, 0, oddNumber()]);
    heads[index * records.HEAD_WORDS + records.HEAD_FIRST] = pick([index, oddNumber()]);
  }
  header[records.HEADER_SUBMISSION_COUNT] = pick([count, oddNumber()]);
  header[records.HEADER_HEAD_COUNT] = pick([count, oddNumber()]);
  header[records.HEADER_BLOCK_USED] = pick([0, 0, 8, oddNumber()]);
  if (random() < 0.1) {
    const words = new Int32Array(memory, 0, records.AREA_OFFSET / 4);
    words[below(words.length)] = oddNumber();
  }
}

function oddNumber(): number {
  return pick([-1, 1]) * pick([...numbers, 2 ** 31, records.SLAB_CAPACITY, records.AREA_CAPACITY]);
}

/** Makes a slot that later calls may name. */
function openSlot(reactor: Record<string, Call>): void {
  const name = new Int32Array(4);
  if (random() < 0.2) {
    if (reactor.pair?.(name) === 0)
      names.push([name[0] ?? 0, name[1] ?? 0], [name[2] ?? 0, name[3] ?? 0]);
    return;
  }
  if (random() < 0.05) {
    if (reactor.openChanges?.(name) === 0) names.push([name[0] ?? 0, name[1] ?? 0]);
    return;
  }
  const type = pick([1, 2, 5]);
  const domain = type === 5 ? 1 : pick([1, 4, 6]);
  reactor.openSlot?.(domain, type, 0, type === 1 ? pick([1, 2]) : 3, name);
  names.push([name[0] ?? 0, name[1] ?? 0]);
  if (names.length > 64) names.splice(below(names.length), 1);
}

const binding = loadBinding() as NativeBinding;
const reactors: Record<string, Call>[] = [];
const memories: ArrayBuffer[] = [];
const blockLists: unknown[][] = [];
let opened = 0;
let calls = 0;

/** Closes descriptors that a call has handed out. */
function closeWhatIsOurs(name: string, args: readonly unknown[], answer: unknown): void {
  if (typeof answer !== "number" || answer < 0) return;
  if (name === "release" || name === "duplicate") closeSync(answer);
  if (name !== "receiveDescriptors") return;
  const [count = 0, , ...fds] = args[3] as Int32Array;
  for (const fd of fds.slice(0, count)) closeSync(fd);
}

function callOne(): void {
  const reactor = reactors.length > 0 && random() < 0.8 ? pick(reactors) : undefined;
  if (reactor && random() < 0.05) openSlot(reactor);
  if (memories.length > 0 && random() < 0.05) scribble(pick(memories));
  if (blockLists.length > 0 && random() < 0.01) shuffleBlocks(pick(blockLists));
  const target = (reactor ?? binding) as unknown as Record<string, Call>;
  const functions = Object.keys(target).filter((key) => typeof target[key] === "function");
  const name = pick(functions);
  if (name === "open") {
    if (opened >= maxReactors) return;
    opened++;
    const made = open(binding, reactors.length > 0 && random() < 0.9);
    if (made) reactors.push(made);
    return;
  }
  const args = argumentsFor();
  if (values.trace) writeSync(2, `${name}(${inspect(args, { breakLength: Infinity })})\n`);
  calls++;
  try {
    const answer = target[name]?.(...args);
    closeWhatIsOurs(name, args, answer);
  } catch (error) {
    console.error(`${name} threw ${inspect(error)} for ${inspect(args)}`);
    process.exitCode = 1;
  }
}

const end = performance.now() + Number(values.seconds) * 1000;
while (performance.now() < end && process.exitCode === undefined) {
  for (let index = 0; index < callsBetweenTurns; index++) callOne();
  await nextTurn();
}
console.log(`${calls} calls on ${reactors.length} reactors`);
// The first one is opened as the library does it: without any, next to nothing was tried.
if (opened > 0 && reactors.length === 0) {
  console.error("no reactor could be opened");
  process.exitCode = 1;
}
// Slots that are left open may hold the loop; an end by itself is the tests' matter.
process.exit();
